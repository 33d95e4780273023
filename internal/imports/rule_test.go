package imports

import (
	"fmt"
	"slices"
	"strings"
)

const module = "github.com/kachi-io/kachi"

// lines are the packages from the top down, each with everything under its folder. A
// package may import packages of the lines below its own, and those of its own folder.
var lines = [][]string{
	{"cmd/kachi", "conformance", "bench", "examples", "deploy"},
	{"app"},
	{"app/config"},
	{"web", "clientfiles"},
	{
		"gateway/fxgateway", "gateway/gatewaytest", "gateway/asyncapi", "gateway/auth", "gateway/validate",
		"gateway/intercept", "gateway/limit", "gateway/schedule", "observe/prometheus", "observe/otel",
	},
	{"gateway"},
	{"adapters/redis", "adapters/nats"},
	{"client"},
	{"socketio"},
	{"socketio/adapter/adaptertest"},
	{"socketio/adapter"},
	{"socketio/packet/msgpack"},
	{"socketio/packet"},
	{"engineio"},
	{"engineio/websocket", "engineio/webtransport"},
	{"engineio/packet"},
	{"internal/browsertest", "internal/mariadbtest", "internal/mysqltest"},
	{"internal/mysqlserver"},
	{"internal"},
}

// core is what the protocol and the gateways get by with: the Go project's own modules,
// one library for WebSocket frames and one for deflate.
var core = []string{"golang.org/x/", "github.com/gobwas/", "github.com/klauspost/compress"}

// reach says which third-party modules a folder's packages may depend on, directly or
// through others. Folders that are not named may reach any.
var reach = map[string][]string{
	"internal":                append([]string{"github.com/google/go-cmp", "github.com/coder/websocket"}, core...),
	"internal/mariadbtest":    append([]string{"github.com/google/go-cmp", "github.com/go-sql-driver/", "filippo.io/edwards25519"}, core...),
	"internal/mysqltest":      append([]string{"github.com/google/go-cmp", "github.com/go-sql-driver/", "filippo.io/edwards25519"}, core...),
	"internal/mysqlserver":    append([]string{"github.com/google/go-cmp", "github.com/go-sql-driver/", "filippo.io/edwards25519"}, core...),
	"engineio":                core,
	"engineio/packet":         core,
	"engineio/websocket":      core,
	"socketio":                core,
	"socketio/packet":         core,
	"socketio/packet/msgpack": core,
	"socketio/adapter":        core,
	"gateway":                 core,
	"gateway/auth":            append([]string{"github.com/golang-jwt/jwt/"}, core...),
	"gateway/asyncapi":        core,
	"client":                  append([]string{"github.com/coder/websocket"}, core...),
	"gateway/validate":        append([]string{"github.com/go-playground/", "github.com/gabriel-vasile/mimetype", "github.com/leodido/go-urn"}, core...),
	"gateway/limit":           core,
	"gateway/schedule":        append([]string{"github.com/robfig/cron/"}, core...),
	"gateway/fxgateway":       append([]string{"go.uber.org/fx", "go.uber.org/dig", "go.uber.org/multierr", "go.uber.org/zap"}, core...),
	"gateway/gatewaytest":     append([]string{"github.com/coder/websocket"}, core...),
	"gateway/intercept":       core,
	"observe/prometheus": append([]string{
		"github.com/prometheus/", "github.com/beorn7/perks", "github.com/cespare/xxhash", "github.com/munnerz/goautoneg",
		"go.yaml.in/yaml/", "google.golang.org/protobuf",
	}, core...),
	"observe/otel": append([]string{"go.opentelemetry.io/", "github.com/go-logr/", "github.com/cespare/xxhash"}, core...),
	"app/config":   {"go.yaml.in/yaml/"},
	"web":          {},
	"clientfiles":  {},
}

// pkg is one package of the module, as `go list -deps -json` describes it.
type pkg struct {
	ImportPath string
	Imports    []string
	Deps       []string
	Standard   bool
	Module     *struct {
		Path string
		Main bool
	}
}

// violations returns a sentence for each import that breaks the rule.
func violations(pkgs []pkg) []string {
	moduleOf := map[string]string{}
	for _, p := range pkgs {
		if !p.Standard && p.Module != nil {
			moduleOf[p.ImportPath] = p.Module.Path
		}
	}
	var found []string
	for _, p := range pkgs {
		if moduleOf[p.ImportPath] != module {
			continue
		}
		from, ok := locate(p.ImportPath)
		if !ok {
			found = append(found, fmt.Sprintf("%s stands on no line: give it one", p.ImportPath))
			continue
		}
		for _, imported := range p.Imports {
			if moduleOf[imported] != module {
				continue
			}
			if to, ok := locate(imported); ok && to != from && to.line <= from.line {
				found = append(found, fmt.Sprintf("%s imports %s, which does not stand below it", p.ImportPath, imported))
			}
		}
		found = append(found, outside(p, from, moduleOf)...)
	}
	return found
}

// outside looks at the third-party modules that p depends on.
func outside(p pkg, from place, moduleOf map[string]string) (found []string) {
	allowed, limited := reach[from.folder]
	if !limited {
		return nil
	}
	reported := map[string]bool{}
	for _, dep := range p.Deps {
		m := moduleOf[dep]
		mayReach := slices.ContainsFunc(allowed, func(prefix string) bool { return strings.HasPrefix(m, prefix) })
		if m == "" || m == module || mayReach || reported[m] {
			continue
		}
		reported[m] = true
		found = append(found, fmt.Sprintf("%s reaches the module %s", p.ImportPath, m))
	}
	return found
}

// place is a folder of lines and the number of its line.
type place struct {
	line   int
	folder string
}

// locate finds the most specific folder that holds the package.
func locate(importPath string) (best place, ok bool) {
	path := strings.TrimPrefix(importPath, module+"/")
	for i, line := range lines {
		for _, folder := range line {
			if (path == folder || strings.HasPrefix(path, folder+"/")) && len(folder) > len(best.folder) {
				best, ok = place{i, folder}, true
			}
		}
	}
	return best, ok
}
