// Package pages serves the browser pages that are embedded in the program.
package pages

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"html"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"sync"
)

// Options configures a [Handler]. The zero value is the default of every field; nil is the
// zero value.
type Options struct {
	// Sockets says where a page that is asked for finds Socket.IO, "https://host[:port]";
	// empty for the address that the page comes from. Default: always that.
	Sockets func(*http.Request) string
	// Tiles is where pages get the map's tiles, a URL with {z}, {x} and {y} in it. Default
	// none.
	Tiles string
	// Credit is whose they are, as the map says it: text, not HTML. Default nothing.
	Credit string
}

// policy lets a page load scripts, styles, images and connections from the server that
// it came from and what it is told of, and nothing else; text is never turned into markup
// or script.
func policy(sockets, tiles string) string {
	connect, images := "'self'", "'self'"
	if sockets != "" {
		connect += " " + sockets + " ws" + strings.TrimPrefix(sockets, "http") // https becomes wss
	}
	if u, err := url.Parse(strings.NewReplacer("{", "", "}", "").Replace(tiles)); err == nil && u.Host != "" {
		images += " " + u.Scheme + "://" + u.Host
	}
	return "default-src 'none'; script-src 'self'; style-src 'self'; img-src " + images + "; connect-src " + connect + "; " +
		"manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; " +
		"require-trusted-types-for 'script'; trusted-types 'none'"
}

// Addresses are those of the pages, as patterns of [http.ServeMux]. A test holds them to what
// web/src/pages has.
var Addresses = []string{
	"/{$}", "/chat", "/chat/{room}", "/map", "/notifications", "/dashboard", "/account", "/sign-in", "/register",
}

// Handler serves a built site: index.html for the addresses of pages, at which its script
// looks, and every other file by its path. Each file is hashed and compressed when it is first
// asked for, and not at the start: that would take half of it, and hold what nobody wants.
// What is not there is answered 404; a browser is shown index.html with that, which says so in
// the user's language and leads on.
type Handler struct {
	opts   Options
	pages  *http.ServeMux // only asked whether there is one
	policy string
	files  map[string]*file
	built  bool
}

// file is one of the site. It holds no more than others cannot read again.
type file struct {
	read        func() ([]byte, error)
	contentType string
	cache       string

	mu      sync.Mutex
	etag    string // "" until it was read
	gzipped []byte // nil where it does not pay
}

// New reads the site. When it has not been built, its pages say how to build it.
func New(site fs.FS, o *Options) (*Handler, error) {
	h := &Handler{files: map[string]*file{}, pages: http.NewServeMux()}
	for _, address := range Addresses {
		h.pages.Handle(address, http.NotFoundHandler())
	}
	if o != nil {
		h.opts = *o
	}
	h.policy = policy("", h.opts.Tiles)
	err := fs.WalkDir(site, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		h.files["/"+name] = newFile(name, func() ([]byte, error) {
			content, err := fs.ReadFile(site, name)
			if path.Ext(name) == ".html" {
				content = fill(content, "kachi-map-tiles", h.opts.Tiles)
				content = fill(content, "kachi-map-credit", h.opts.Credit)
			}
			return content, err
		})
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("pages: %w", err)
	}
	if h.files["/index.html"] == nil && h.files["/placeholder.html"] == nil {
		return nil, errors.New("pages: there is no index.html")
	}
	h.built = h.files["/index.html"] != nil
	return h, nil
}

// fill gives a page's empty <meta> element a value.
func fill(page []byte, name, value string) []byte {
	if value == "" {
		return page
	}
	begin := `<meta name="` + name + `" content="`
	return bytes.Replace(page, []byte(begin+`"`), []byte(begin+html.EscapeString(value)+`"`), 1)
}

// Built reports whether the site was built before it was embedded.
func (h *Handler) Built() bool { return h.built }

func newFile(name string, read func() ([]byte, error)) *file {
	f := &file{read: read, contentType: contentType(name), cache: "no-cache"} // may be kept, and is asked about each time
	if strings.HasPrefix(name, "assets/") {
		f.cache = "public, max-age=31536000, immutable" // its name holds a hash of the content
	}
	return f
}

// prepared returns the file's tag, and its compressed form.
func (f *file) prepared() (etag string, gzipped []byte, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.etag != "" {
		return f.etag, f.gzipped, nil
	}
	content, err := f.read()
	if err != nil {
		return "", nil, err
	}
	var b bytes.Buffer
	z, _ := gzip.NewWriterLevel(&b, gzip.BestCompression)
	_, _ = z.Write(content)
	_ = z.Close()
	if b.Len() < len(content)*9/10 {
		f.gzipped = bytes.Clone(b.Bytes()) // without the room to grow
	}
	f.etag = tag(content)
	return f.etag, f.gzipped, nil
}

// contentType relies on no table of the machine's, which differs, and is large.
func contentType(name string) string {
	if t, known := contentTypes[path.Ext(name)]; known {
		return t
	}
	return "application/octet-stream"
}

// contentTypes are those of what a build leaves; a test holds it to that.
var contentTypes = map[string]string{
	".bin":         "application/octet-stream",
	".css":         "text/css; charset=utf-8",
	".html":        "text/html; charset=utf-8",
	".ico":         "image/x-icon",
	".js":          "text/javascript; charset=utf-8",
	".json":        "application/json",
	".map":         "application/json",
	".png":         "image/png",
	".svg":         "image/svg+xml",
	".txt":         "text/plain; charset=utf-8",
	".webmanifest": "application/manifest+json",
	".webp":        "image/webp",
	".woff2":       "font/woff2",
}

func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Content-Security-Policy", h.policy)
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Referrer-Policy", "no-referrer")

	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		header.Set("Allow", "GET, HEAD")
		http.Error(w, "Method Not Allowed", http.StatusMethodNotAllowed)
		return
	}
	name, status := r.URL.Path, http.StatusOK
	if h.files[name] == nil {
		name, status = h.page(r)
	}
	f := h.files[name]
	if f == nil {
		http.NotFound(w, r)
		return
	}
	if h.opts.Sockets != nil && path.Ext(name) == ".html" {
		if sockets := h.opts.Sockets(r); sockets != "" {
			header.Set("Content-Security-Policy", policy(sockets, h.opts.Tiles))
			f.serveWith(w, r, status, sockets)
			return
		}
	}
	f.serve(w, r, status)
}

// page is what a path leads to that is no file's. Those of files that are gone have a dot.
func (h *Handler) page(r *http.Request) (name string, status int) {
	_, known := h.pages.Handler(r)
	switch {
	case known != "" && h.built:
		return "/index.html", http.StatusOK
	case known != "":
		return "/placeholder.html", http.StatusServiceUnavailable
	case strings.Contains(r.Header.Get("Accept"), "text/html") && !strings.Contains(r.URL.Path, "."):
		return "/index.html", http.StatusNotFound
	}
	return "", http.StatusNotFound
}

func tag(content []byte) string {
	sum := sha256.Sum256(content)
	return `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`
}

func (f *file) serve(w http.ResponseWriter, r *http.Request, status int) {
	etag, body, err := f.prepared()
	if err == nil && body != nil && acceptsGzip(r) {
		w.Header().Set("Content-Encoding", "gzip")
		etag = etag[:len(etag)-1] + `-gzip"`
	} else if err == nil {
		body, err = f.read()
	}
	f.answer(w, r, status, etag, body, err)
}

// serveWith tells a page where the sockets are. It is not compressed: that would take longer
// than sending a page.
func (f *file) serveWith(w http.ResponseWriter, r *http.Request, status int, sockets string) {
	body, err := f.read()
	body = fill(body, "kachi-sockets", sockets)
	f.answer(w, r, status, tag(body), body, err)
}

func (f *file) answer(w http.ResponseWriter, r *http.Request, status int, etag string, body []byte, err error) {
	if err != nil { // which files that are embedded never have
		http.Error(w, "Internal Server Error", http.StatusInternalServerError)
		return
	}
	header := w.Header()
	header.Set("Cache-Control", f.cache)
	header.Set("Vary", "Accept-Encoding")
	if status == http.StatusOK {
		header.Set("ETag", etag)
		if matches(r.Header.Get("If-None-Match"), etag) {
			header.Del("Content-Encoding")
			w.WriteHeader(http.StatusNotModified)
			return
		}
	}
	header.Set("Content-Type", f.contentType)
	header.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // a client that went away needs no answer
	}
}

// acceptsGzip reads Accept-Encoding (RFC 9110, 12.5.3).
func acceptsGzip(r *http.Request) bool {
	for part := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		coding, weight, _ := strings.Cut(strings.TrimSpace(part), ";")
		if coding = strings.TrimSpace(coding); !strings.EqualFold(coding, "gzip") && coding != "*" {
			continue
		}
		q, found := strings.CutPrefix(strings.ReplaceAll(weight, " ", ""), "q=")
		value, err := strconv.ParseFloat(q, 64)
		return !found || err == nil && value > 0
	}
	return false
}

// matches reads If-None-Match, by weak comparison (RFC 9110, 13.1.2).
func matches(condition, etag string) bool {
	for candidate := range strings.SplitSeq(condition, ",") {
		candidate = strings.TrimPrefix(strings.TrimSpace(candidate), "W/")
		if candidate == etag || candidate == "*" {
			return true
		}
	}
	return false
}
