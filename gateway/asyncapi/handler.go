package asyncapi

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"path"
	"time"
)

// Handler serves what [Document] and [TypeScript] write, and a page for people:
//
//	docs, err := asyncapi.Handler(app, info)
//	http.Handle("/docs/", docs)
//
// has /docs/, /docs/asyncapi.json and /docs/client.ts. Only the last part of a path counts.
// All is made here, once. Whoever reaches the handler sees it: it asks for nobody's name.
func Handler(app Registry, info Info) (http.Handler, error) {
	doc, err := Document(app, info)
	if err != nil {
		return nil, err
	}
	html, err := doc.html(info.Links)
	if err != nil {
		return nil, fmt.Errorf("asyncapi: %w", err)
	}
	return files{
		"":              newFile("text/html; charset=utf-8", html),
		"asyncapi.json": newFile("application/json", doc.JSON()),
		"client.ts":     newFile("text/plain; charset=utf-8", TypeScript(doc)), // browsers show it, and do not take it for a film
	}, nil
}

type files map[string]file

type file struct {
	kind, tag string
	content   []byte
}

func newFile(kind string, content []byte) file {
	sum := sha256.Sum256(content)
	return file{kind, `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`, content}
}

// policy lets the page have its style, and nothing else.
var policy = func() string {
	sum := sha256.Sum256([]byte(pageStyle))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}()

// ServeHTTP implements [http.Handler].
func (f files) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, name := path.Split(r.URL.Path)
	one, known := f[name]
	switch {
	case !known:
		http.NotFound(w, r)
		return
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	h := w.Header()
	h.Set("Content-Type", one.kind)
	h.Set("ETag", one.tag)
	h.Set("Cache-Control", "no-cache")
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(one.content))
}
