package imports

import (
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kachi-io/kachi/internal/assert"
)

const root = "../.."

func TestImports(t *testing.T) {
	for _, v := range violations(list(t)) {
		t.Error(v)
	}
}

func TestRule(t *testing.T) {
	for _, test := range []struct {
		name, from, imports, outside string
		want                         string
	}{
		{name: "down", from: "socketio", imports: "engineio"},
		{name: "down, skipping lines", from: "cmd/kachi", imports: "internal/ids"},
		{name: "up", from: "engineio", imports: "socketio", want: "engineio imports"},
		{name: "up, from inside a folder", from: "socketio/packet", imports: "socketio", want: "socketio/packet imports"},
		{name: "sideways", from: "adapters/redis", imports: "adapters/nats", want: "adapters/redis imports"},
		{name: "inside a folder", from: "app/server", imports: "app/chat"},
		{name: "below, inside a folder", from: "socketio/adapter/adaptertest", imports: "socketio/adapter"},
		{name: "no line", from: "utils", want: "stands on no line"},
		{name: "allowed module", from: "engineio", outside: "github.com/gobwas/ws"},
		{name: "other module", from: "socketio", outside: "github.com/redis/rueidis", want: "reaches the module"},
		{name: "other module, inside a limited folder", from: "socketio/packet/msgpack", outside: "github.com/tinylib/msgp", want: "reaches the module"},
		{name: "anything at the top", from: "app/store", outside: "modernc.org/sqlite"},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := inModule(test.from)
			pkgs := []pkg{}
			if test.imports != "" {
				to := inModule(test.imports)
				p.Imports = []string{to.ImportPath}
				pkgs = append(pkgs, to)
			}
			if test.outside != "" {
				dep := pkg{ImportPath: test.outside + "/thing"}
				dep.Module = &struct {
					Path string
					Main bool
				}{Path: test.outside}
				p.Deps = []string{dep.ImportPath}
				pkgs = append(pkgs, dep)
			}
			found := violations(append(pkgs, p))
			if test.want == "" {
				assert.Equal(t, len(found), 0, strings.Join(found, "; "))
				return
			}
			assert.Equal(t, len(found), 1, strings.Join(found, "; "))
			assert.True(t, strings.Contains(found[0], test.want), found[0])
		})
	}
}

func inModule(path string) pkg {
	p := pkg{ImportPath: module + "/" + path}
	p.Module = &struct {
		Path string
		Main bool
	}{module, true}
	return p
}

func list(t *testing.T) []pkg {
	t.Helper()
	touch(t)
	cmd := exec.Command("go", "list", "-e", "-deps", "-json=ImportPath,Imports,Deps,Standard,Module", "./...")
	cmd.Dir = root
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	assert.NoError(t, err, stderr.String())

	var pkgs []pkg
	for decoder := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		err := decoder.Decode(&p)
		if errors.Is(err, io.EOF) {
			break
		}
		assert.NoError(t, err)
		pkgs = append(pkgs, p)
	}
	assert.True(t, len(pkgs) > 0, "go list found packages")
	return pkgs
}

// touch looks at every Go file here, because `go test` caches a result until a file that
// the test itself has looked at changes, and does not see what `go list` reads.
func touch(t *testing.T) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && (entry.Name() == "node_modules" || entry.Name() == ".git") {
			return filepath.SkipDir
		}
		if strings.HasSuffix(path, ".go") || entry.Name() == "go.mod" {
			_, err = entry.Info()
		}
		return err
	})
	assert.NoError(t, err)
}
