// Package clientfiles embeds the browser builds of socket.io-client, for
// [github.com/kachi-io/kachi/socketio.Options.ClientFiles]. It is a package of its own
// so that only programs that import it carry the files (about 1.2 MB, most of it source
// maps).
//
// `make build` copies the files out of the npm package; they are not committed.
package clientfiles

import (
	"embed"
	"io/fs"
	"strings"
)

//go:embed files
var files embed.FS

// FS returns the files at its root: socket.io.js, socket.io.min.js,
// socket.io.esm.min.js, socket.io.msgpack.min.js and their source maps. Before a build
// it has none of them.
func FS() fs.FS {
	sub, err := fs.Sub(files, "files")
	if err != nil {
		panic(err) // the name is a constant, so this cannot be
	}
	return sub
}

// Version returns the version of socket.io-client that the files come from, such as
// "4.8.4", and "" before a build.
func Version() string {
	version, err := files.ReadFile("files/VERSION")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(version))
}
