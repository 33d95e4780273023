package main

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kachi-io/kachi/cmd/kachi/connect"
	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/gateway/asyncapi"
	"github.com/kachi-io/kachi/internal/assert"
)

// gatewaysOf is an app with one event, whose input has a type.
func gatewaysOf[In any](t *testing.T) *gateway.App {
	t.Helper()
	app, err := gateway.NewApp(nil, gateway.New("/chat", gateway.Anyone, func(g *gateway.Namespace[gateway.Nobody]) {
		gateway.Handle(g, "post", func(*gateway.Context[gateway.Nobody], In) error { return nil })
	}))
	assert.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, app.Stop(context.Background())) })
	return app
}

func kachiSpec(in string, args ...string) (code int, out, err string) {
	var stdout, stderr bytes.Buffer
	code = run(context.Background(), append([]string{"spec"}, args...), connect.Streams{In: strings.NewReader(in), Out: &stdout, Err: &stderr})
	return code, stdout.String(), stderr.String()
}

func TestSpecDiff(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, app *gateway.App) string {
		doc, err := asyncapi.Document(app, asyncapi.Info{})
		assert.NoError(t, err)
		path := filepath.Join(dir, name)
		assert.NoError(t, os.WriteFile(path, doc.JSON(), 0o644))
		return path
	}
	one := write("one.json", gatewaysOf[struct{ Text string }](t))
	more := write("more.json", gatewaysOf[struct {
		Text string
		Room *int `json:",omitempty"`
	}](t))
	broken := filepath.Join(dir, "broken.json")
	assert.NoError(t, os.WriteFile(broken, []byte(`{"openapi":"3"}`), 0o644))
	text, err := os.ReadFile(one)
	assert.NoError(t, err)
	const added, gone = "compatible  /chat post: Room: the field is new\n", "breaking    /chat post: Room: the field is gone\n"
	for _, test := range []struct {
		name, in string
		args     []string
		code     int
		out, err string
	}{
		{"nothing", "", []string{one, one}, 0, "", ""},
		{"compatible", "", []string{one, more}, 0, added, ""},
		{"breaking", "", []string{more, one}, 1, gone, ""},
		{"from standard input", string(text), []string{"-", more}, 0, added, ""},
		{"twice from there", "", []string{"-", "-"}, 1, "", "only one"},
		{"no document", "", []string{one, broken}, 1, "", "broken.json: asyncapi: no AsyncAPI document"},
		{"no file", "", []string{one, filepath.Join(dir, "missing")}, 1, "", "missing"},
	} {
		t.Run(test.name, func(t *testing.T) {
			code, out, errors := kachiSpec(test.in, append([]string{"diff"}, test.args...)...)
			assert.Equal(t, code, test.code, errors)
			assert.Equal(t, out, test.out)
			assert.True(t, strings.Contains(errors, test.err) && (test.err != "") == (errors != ""), errors)
		})
	}
}

func TestSpecOfAServer(t *testing.T) {
	app := gatewaysOf[string](t)
	docs, err := asyncapi.Handler(app, asyncapi.Info{})
	assert.NoError(t, err)
	mux := http.NewServeMux()
	mux.Handle("/docs/", docs)
	host := httptest.NewServer(mux)
	defer host.Close()
	want, err := asyncapi.Document(app, asyncapi.Info{})
	assert.NoError(t, err)

	code, out, errors := kachiSpec("", "--url", host.URL+"/docs/asyncapi.json")
	assert.Equal(t, code, 0, errors)
	assert.Equal(t, out, string(want.JSON()))
	code, out, errors = kachiSpec("", "--url", host.URL+"/docs/asyncapi.json", "--format", "typescript")
	assert.Equal(t, code, 0, errors)
	assert.Equal(t, out, string(asyncapi.TypeScript(want)))
	for path, want := range map[string]string{
		"/asyncapi.json": "404 Not Found: is the document somewhere else",
		"/docs/":         "is a page: is the document beside it, at …/asyncapi.json",
	} {
		code, _, errors = kachiSpec("", "--url", host.URL+path)
		assert.Equal(t, code, 1)
		assert.True(t, strings.Contains(errors, want), errors)
	}
	http.DefaultClient.CloseIdleConnections()
}

func TestSpecOfItself(t *testing.T) {
	code, out, errors := kachiSpec("")
	assert.Equal(t, code, 0, errors)
	doc, err := asyncapi.Parse([]byte(out))
	assert.NoError(t, err)
	assert.Equal(t, doc.Info, asyncapi.DocInfo{Title: "Kachi", Version: "devel"})
}
