package socketio

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"
)

// clientFiles serves the browser builds of socket.io-client from the path that the
// protocol is mounted on: each is read, hashed and compressed at its first request, and
// kept.
type clientFiles struct {
	fsys fs.FS

	mu    sync.Mutex
	files map[string]*clientFile // at most the names below
}

type clientFile struct {
	plain, gzipped []byte
	etag           string // of the content, quoted
	contentType    string
}

// clientFileNames are the names that the Node server serves.
var clientFileNames = map[string]bool{
	"socket.io.js":                 true,
	"socket.io.js.map":             true,
	"socket.io.min.js":             true,
	"socket.io.min.js.map":         true,
	"socket.io.esm.min.js":         true,
	"socket.io.esm.min.js.map":     true,
	"socket.io.msgpack.min.js":     true,
	"socket.io.msgpack.min.js.map": true,
}

func newClientFiles(fsys fs.FS) *clientFiles {
	return &clientFiles{fsys: fsys, files: map[string]*clientFile{}}
}

// serve answers requests for a client file, and reports whether it was one.
func (c *clientFiles) serve(w http.ResponseWriter, r *http.Request) bool {
	name := path.Base(r.URL.Path)
	if !clientFileNames[name] {
		return false
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "Method Not Allowed", http.StatusMethodNotAllowed)
		return true
	}
	f := c.load(name)
	if f == nil {
		http.NotFound(w, r)
		return true
	}
	h := w.Header()
	h.Set("Cache-Control", "public, max-age=0")
	h.Set("ETag", f.etag)
	h.Set("Vary", "Accept-Encoding")
	// Anyone's page may load these public files, also as a module or with integrity.
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	h.Set("X-Content-Type-Options", "nosniff")
	if matches(r.Header.Get("If-None-Match"), f.etag) {
		w.WriteHeader(http.StatusNotModified)
		return true
	}
	body := f.plain
	if acceptsGzip(r.Header.Get("Accept-Encoding")) {
		h.Set("Content-Encoding", "gzip")
		body = f.gzipped
	}
	h.Set("Content-Type", f.contentType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodGet {
		_, _ = w.Write(body)
	}
	return true
}

func (c *clientFiles) load(name string) *clientFile {
	if c.fsys == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if f := c.files[name]; f != nil {
		return f
	}
	plain, err := fs.ReadFile(c.fsys, name)
	if err != nil {
		return nil
	}
	var zipped bytes.Buffer
	z, _ := gzip.NewWriterLevel(&zipped, gzip.BestCompression) // the level is valid
	_, _ = z.Write(plain)                                      // a bytes.Buffer takes everything
	_ = z.Close()
	sum := sha256.Sum256(plain)
	f := &clientFile{
		plain:       plain,
		gzipped:     zipped.Bytes(),
		etag:        `"` + hex.EncodeToString(sum[:12]) + `"`,
		contentType: "application/javascript; charset=utf-8",
	}
	if strings.HasSuffix(name, ".map") {
		f.contentType = "application/json; charset=utf-8"
	}
	c.files[name] = f
	return f
}

// matches evaluates If-None-Match: any of its tags, weak or strong, or *.
func matches(header, etag string) bool {
	for tag := range strings.SplitSeq(header, ",") {
		tag = strings.TrimSpace(tag)
		if tag == "*" || strings.TrimPrefix(tag, "W/") == etag {
			return true
		}
	}
	return false
}

// acceptsGzip reads Accept-Encoding; a quality of 0 forbids.
func acceptsGzip(header string) bool {
	for offer := range strings.SplitSeq(header, ",") {
		coding, params, _ := strings.Cut(strings.TrimSpace(offer), ";")
		if coding != "gzip" && coding != "*" {
			continue
		}
		q, ok := strings.CutPrefix(strings.TrimSpace(params), "q=")
		quality, err := strconv.ParseFloat(q, 64)
		return !ok || err == nil && quality > 0
	}
	return false
}
