// Package web holds the server's browser pages: TypeScript under src, built by Vite
// into dist, which is embedded here. `make build` builds them.
package web

import (
	"embed"
	"io/fs"
)

//go:embed dist
var dist embed.FS

// Pages returns the built pages, with index.html at the root and files whose names hold
// a hash of their content under assets. Before a build it has placeholder.html alone.
func Pages() fs.FS {
	pages, err := fs.Sub(dist, "dist")
	if err != nil {
		panic(err) // the name is a constant, so this cannot be
	}
	return pages
}
