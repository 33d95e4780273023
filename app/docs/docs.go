// Package docs serves the documents of what the server offers, for programs and for people:
// OpenAPI for the HTTP API, AsyncAPI for the gateways, side by side.
//
//	/docs/               what there is of both
//	/docs/http/          the HTTP API as a page
//	/docs/events/        the gateways as a page
//	/docs/openapi.json   OpenAPI 3.1
//	/docs/asyncapi.json  AsyncAPI 3.0; both also as .yaml
//	/docs/client.ts      a TypeScript client of the gateways
//
// The pages have no scripts. Whoever reaches them sees them.
package docs

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/kachi-io/kachi/app/api"
	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/gateway/asyncapi"
)

// Docs is an http.Handler for everything below /docs/.
type Docs struct {
	// A server that nobody asks for its documents makes none.
	made func() (*made, error)
}

type made struct {
	files  map[string]*file
	events http.Handler
}

type file struct {
	kind, tag string
	content   []byte
}

// New documents an API and gateways.
func New(a *api.API, app asyncapi.Registry, version string) *Docs {
	return &Docs{sync.OnceValues(func() (*made, error) { return build(a, app, version) })}
}

func build(a *api.API, app asyncapi.Registry, version string) (*made, error) {
	info := asyncapi.Info{Title: "Kachi", Version: version}
	linked := info
	linked.Links = []asyncapi.Link{{Name: "Overview", URL: "../"}, {Name: "HTTP API", URL: "../http/"}}
	events, err := asyncapi.Handler(app, linked)
	if err != nil {
		return nil, err
	}
	doc, err := asyncapi.Document(app, info)
	if err != nil {
		return nil, err
	}
	text, err := a.Document()
	if err != nil {
		return nil, err
	}
	routes, err := read(text, a.Routes())
	if err != nil {
		return nil, err
	}
	page, err := write(httpTemplate(), routes)
	if err != nil {
		return nil, err
	}
	both, err := write(indexTemplate(), index{routes, namespacesOf(doc)})
	if err != nil {
		return nil, err
	}
	openYAML, err := api.YAML(text)
	if err != nil {
		return nil, err
	}
	asyncYAML, err := api.YAML(doc.JSON())
	if err != nil {
		return nil, err
	}
	const (
		html = "text/html; charset=utf-8"
		yaml = "application/yaml" // RFC 9512
	)
	return &made{map[string]*file{
		"/docs/":              newFile(html, both),
		"/docs/http/":         newFile(html, page),
		"/docs/openapi.json":  newFile("application/json", text),
		"/docs/openapi.yaml":  newFile(yaml, openYAML),
		"/docs/asyncapi.yaml": newFile(yaml, asyncYAML),
	}, events}, nil
}

func newFile(kind string, content []byte) *file {
	sum := sha256.Sum256(content)
	return &file{kind, `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`, content}
}

// Check makes the documents, and says what is wrong with them.
func (d *Docs) Check() error {
	_, err := d.made()
	return err
}

// policy lets a page have its style, and nothing else.
var policy = sync.OnceValue(func() string {
	sum := sha256.Sum256([]byte(asyncapi.PageStyle()))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
})

// ServeHTTP answers GET and HEAD.
func (d *Docs) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	all, err := d.made()
	if err != nil {
		gateway.WriteError(w, r, err)
		return
	}
	switch r.URL.Path {
	case "/docs/events/", "/docs/events/asyncapi.json", "/docs/events/client.ts", "/docs/asyncapi.json", "/docs/client.ts":
		all.events.ServeHTTP(w, r)
		return
	case "/docs/http", "/docs/events":
		http.Redirect(w, r, strings.TrimPrefix(r.URL.Path, "/docs/")+"/", http.StatusMovedPermanently)
		return
	}
	f := all.files[r.URL.Path]
	if f == nil {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Type", f.kind)
	h.Set("ETag", f.tag)
	h.Set("Cache-Control", "no-cache")
	h.Set("Content-Security-Policy", policy())
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(f.content))
}
