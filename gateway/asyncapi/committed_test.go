package asyncapi_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/gateway/asyncapi"
	"github.com/kachi-io/kachi/internal/assert"
)

// told is a test that keeps what it is told.
type told struct{ Failed, Logged []string }

func (*told) Helper()                   {}
func (*told) Name() string              { return "TestContract/part" }
func (t *told) Logf(f string, a ...any) { t.Logged = append(t.Logged, fmt.Sprintf(f, a...)) }
func (t *told) Errorf(f string, a ...any) {
	t.Failed = append(t.Failed, fmt.Sprintf(f, a...))
}
func (t *told) Fatalf(f string, a ...any) { t.Errorf(f, a...) }

func TestCommitted(t *testing.T) {
	register := func(limit bool) *gateway.App {
		return newApp(t, gateway.New("/n", gateway.Anyone, func(g *gateway.Namespace[gateway.Nobody]) {
			if limit {
				gateway.On(g, "e", func(nobody, struct {
					A string `validate:"max=5"`
				}) (gateway.None, error) {
					return gateway.None{}, nil
				})
			} else {
				gateway.On(g, "e", func(nobody, struct{ A string }) (gateway.None, error) { return gateway.None{}, nil })
			}
		}))
	}
	var path string
	check := func(app *gateway.App) *told {
		test := &told{}
		asyncapi.Committed(test, app, asyncapi.Info{}, path)
		return test
	}
	path = filepath.Join(t.TempDir(), "client.ts")
	t.Setenv(asyncapi.UpdateVariable, "1")
	assert.Equal(t, check(register(false)), &told{Logged: []string{path + " is written"}})
	t.Setenv(asyncapi.UpdateVariable, "")
	assert.Equal(t, check(register(false)), &told{})
	text, err := os.ReadFile(path)
	assert.NoError(t, err)
	assert.True(t, strings.Contains(string(text), "export class NClient"))
	assert.NoError(t, os.WriteFile(path, bytes.Replace(text, []byte("export class NClient"), []byte("class NClient"), 1), 0o644))
	module := check(register(false))
	assert.Equal(t, len(module.Failed), 1)
	assert.True(t, strings.Contains(module.Failed[0], "client.ts does not agree with the code:\n\tfrom line ") && strings.Contains(module.Failed[0], "\t+ export class NClient"), module.Failed[0])

	path = filepath.Join(t.TempDir(), "api", "asyncapi.json")
	missing := check(register(false))
	assert.Equal(t, missing.Failed, []string{path + " is not there yet. This writes it:\n\tKACHI_UPDATE=1 go test -run '^TestContract$' ."})

	t.Setenv(asyncapi.UpdateVariable, "1")
	assert.Equal(t, check(register(false)), &told{Logged: []string{path + " is written"}})
	t.Setenv(asyncapi.UpdateVariable, "")
	assert.Equal(t, check(register(false)), &told{})

	changed := check(register(true))
	assert.Equal(t, len(changed.Failed), 1)
	for _, part := range []string{
		"breaking    /n e: A: the longest length is 5 now",
		`-                 "type": "string"`, `+                 "type": "string",`,
		"KACHI_UPDATE=1 go test -run '^TestContract$' .",
	} {
		assert.True(t, strings.Contains(changed.Failed[0], part), changed.Failed[0], part)
	}
	assert.NoError(t, os.WriteFile(path, []byte("something else"), 0o644))
	assert.True(t, strings.Contains(check(register(false)).Failed[0], "asyncapi: invalid character"))
}
