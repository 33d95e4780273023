package pages_test

import (
	"compress/gzip"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"path"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"

	"github.com/kachi-io/kachi/app/pages"
	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/web"
)

var script = strings.Repeat("console.log(1);", 100)

func site(t *testing.T) *pages.Handler {
	t.Helper()
	h, err := pages.New(fstest.MapFS{
		"index.html":         {Data: []byte("<!doctype html><title>Kachi</title>")},
		"placeholder.html":   {Data: []byte("not built")},
		"assets/app-1a2b.js": {Data: []byte(script)},
	}, nil)
	assert.NoError(t, err)
	return h
}

func ask(h http.Handler, method, path string, header ...string) *http.Response {
	r := httptest.NewRequest(method, path, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func body(t *testing.T, r io.Reader) string {
	t.Helper()
	b, err := io.ReadAll(r)
	assert.NoError(t, err)
	return string(b)
}

func TestIndex(t *testing.T) {
	got := ask(site(t), "GET", "/")
	assert.Equal(t, got.StatusCode, 200)
	assert.Equal(t, got.Header.Get("Content-Type"), "text/html; charset=utf-8")
	assert.Equal(t, got.Header.Get("Cache-Control"), "no-cache")
	assert.Equal(t, body(t, got.Body), "<!doctype html><title>Kachi</title>")
	policy := got.Header.Get("Content-Security-Policy")
	for _, want := range []string{"default-src 'none'", "script-src 'self';", "frame-ancestors 'none'", "require-trusted-types-for 'script'"} {
		assert.True(t, strings.Contains(policy, want), want)
	}
	assert.True(t, !strings.Contains(policy, "unsafe"), policy)
}

func TestAssetsAreKeptForGoodAndCompressed(t *testing.T) {
	plain := ask(site(t), "GET", "/assets/app-1a2b.js")
	assert.Equal(t, plain.Header.Get("Cache-Control"), "public, max-age=31536000, immutable")
	assert.Equal(t, body(t, plain.Body), script)

	zipped := ask(site(t), "GET", "/assets/app-1a2b.js", "Accept-Encoding", "br, gzip;q=0.8")
	assert.Equal(t, zipped.Header.Get("Content-Encoding"), "gzip")
	assert.True(t, zipped.Header.Get("ETag") != plain.Header.Get("ETag"), "each encoding has its own ETag")
	z, err := gzip.NewReader(zipped.Body)
	assert.NoError(t, err)
	assert.Equal(t, body(t, z), script)

	refused := ask(site(t), "GET", "/assets/app-1a2b.js", "Accept-Encoding", "gzip;q=0, identity")
	assert.Equal(t, refused.Header.Get("Content-Encoding"), "")
}

func TestUnchangedPageIsNotSentAgain(t *testing.T) {
	h := site(t)
	etag := ask(h, "GET", "/").Header.Get("ETag")
	for _, condition := range []string{etag, "W/" + etag, `"x", ` + etag, "*"} {
		got := ask(h, "GET", "/", "If-None-Match", condition)
		assert.Equal(t, got.StatusCode, 304, condition)
		assert.Equal(t, body(t, got.Body), "", condition)
	}
	assert.Equal(t, ask(h, "GET", "/", "If-None-Match", `"other"`).StatusCode, 200)
}

func TestRefusals(t *testing.T) {
	h := site(t)
	for _, path := range []string{"/nothing", "/assets/", "/../index.html", "/assets"} {
		assert.Equal(t, ask(h, "GET", path).StatusCode, 404, path)
	}
	post := ask(h, "POST", "/")
	assert.Equal(t, post.StatusCode, 405)
	assert.Equal(t, post.Header.Get("Allow"), "GET, HEAD")
	head := ask(h, "HEAD", "/")
	assert.Equal(t, head.StatusCode, 200)
	assert.Equal(t, head.Header.Get("Content-Length"), "35")
	assert.Equal(t, body(t, head.Body), "")
}

func TestBeforeTheBuild(t *testing.T) {
	h, err := pages.New(fstest.MapFS{"placeholder.html": {Data: []byte("make build")}}, nil)
	assert.NoError(t, err)
	assert.True(t, !h.Built())
	got := ask(h, "GET", "/")
	assert.Equal(t, got.StatusCode, 503)
	assert.Equal(t, body(t, got.Body), "make build")
	assert.Equal(t, ask(h, "GET", "/chat/7").StatusCode, 503)
	assert.Equal(t, ask(h, "GET", "/nowhere", "Accept", "text/html").StatusCode, 404)

	_, err = pages.New(fstest.MapFS{}, nil)
	assert.True(t, err != nil, "a site without pages is a mistake of the build")
}

const app = `<!doctype html><meta name="kachi-sockets" content="" /><meta name="kachi-map-tiles" content="" />`

func siteWith(t *testing.T, o *pages.Options) *pages.Handler {
	t.Helper()
	h, err := pages.New(fstest.MapFS{"index.html": {Data: []byte(app)}}, o)
	assert.NoError(t, err)
	return h
}

func TestAddressesOfPages(t *testing.T) {
	h := siteWith(t, nil)
	for _, path := range []string{"/", "/chat", "/chat/7", "/chat/%2Fx", "/sign-in?next=%2Fchat", "/register", "/index.html"} {
		got := ask(h, "GET", path)
		assert.Equal(t, got.StatusCode, 200, path)
		assert.Equal(t, got.Header.Get("Cache-Control"), "no-cache", path)
		assert.Equal(t, body(t, got.Body), app, path)
	}
	for _, path := range []string{"/chat/7/8", "/chat/", "/nowhere", "/sign-in/"} {
		got := ask(h, "GET", path, "Accept", "application/json")
		assert.Equal(t, got.StatusCode, 404, path)
		assert.Equal(t, body(t, got.Body), "404 page not found\n")
	}
}

func TestWhoIsLostInABrowserIsShownThePages(t *testing.T) {
	h := siteWith(t, nil)
	lost := ask(h, "GET", "/nowhere", "Accept", "text/html,application/xhtml+xml,*/*;q=0.8")
	assert.Equal(t, lost.StatusCode, 404)
	assert.Equal(t, lost.Header.Get("ETag"), "")
	assert.Equal(t, body(t, lost.Body), app)
	assert.Equal(t, body(t, ask(h, "GET", "/assets/gone-1a2b.js", "Accept", "text/html").Body), "404 page not found\n")
}

func TestPagesLearnWhereTilesAre(t *testing.T) {
	for tiles, images := range map[string]string{
		"https://tiles.example:8443/{z}/{x}/{y}.png?a&b": "img-src 'self' https://tiles.example:8443;",
		"/tiles/{z}/{x}/{y}.png":                         "img-src 'self';",
		"":                                               "img-src 'self';",
	} {
		got := ask(siteWith(t, &pages.Options{Tiles: tiles}), "GET", "/")
		assert.True(t, strings.Contains(got.Header.Get("Content-Security-Policy"), images), got.Header.Get("Content-Security-Policy"))
		text := body(t, got.Body)
		want := `<meta name="kachi-map-tiles" content="` + strings.ReplaceAll(tiles, "&", "&amp;") + `" />`
		assert.True(t, strings.Contains(text, want), text)
	}
}

func TestPagesLearnWhereSocketsAre(t *testing.T) {
	for sockets, connect := range map[string]string{
		"https://a.example:3030": "connect-src 'self' https://a.example:3030 wss://a.example:3030;",
		"http://[::1]:3030":      "connect-src 'self' http://[::1]:3030 ws://[::1]:3030;",
		"":                       "connect-src 'self';",
	} {
		h := siteWith(t, &pages.Options{Sockets: func(*http.Request) string { return sockets }})
		got := ask(h, "GET", "/chat", "Accept", "text/html")
		assert.True(t, strings.Contains(got.Header.Get("Content-Security-Policy"), connect), got.Header.Get("Content-Security-Policy"))
		text := body(t, got.Body)
		assert.True(t, strings.Contains(text, `<meta name="kachi-sockets" content="`+sockets+`" />`), text)
		assert.Equal(t, ask(h, "GET", "/", "If-None-Match", got.Header.Get("ETag")).StatusCode, 304)
	}
}

// counted counts what is read of a site.
type counted struct {
	fs.FS
	opened atomic.Int64
}

func (c *counted) Open(name string) (fs.File, error) {
	if name != "." {
		c.opened.Add(1)
	}
	return c.FS.Open(name)
}

// A start does not wait for files to be hashed and compressed, and a file that is asked for
// again is not compressed again.
func TestFilesAreReadWhenTheyAreAskedFor(t *testing.T) {
	files := &counted{FS: fstest.MapFS{"index.html": {Data: []byte(app)}, "assets/app-1a2b.js": {Data: []byte(script)}}}
	h, err := pages.New(files, nil)
	assert.NoError(t, err)
	before := files.opened.Load() // its folders
	for range 3 {
		got := ask(h, "GET", "/assets/app-1a2b.js", "Accept-Encoding", "gzip")
		assert.Equal(t, got.Header.Get("Content-Encoding"), "gzip")
	}
	assert.Equal(t, files.opened.Load()-before, int64(1))
	assert.Equal(t, before, int64(1), "assets")
}

func TestAFileThatCannotBeRead(t *testing.T) {
	files := fstest.MapFS{"index.html": {Data: []byte(app)}, "gone.js": {Data: []byte(script)}}
	h, err := pages.New(files, nil)
	assert.NoError(t, err)
	delete(files, "gone.js")
	got := ask(h, "GET", "/gone.js", "Accept-Encoding", "gzip")
	assert.Equal(t, got.StatusCode, 500)
	assert.Equal(t, got.Header.Get("Content-Encoding"), "")
	assert.Equal(t, got.Header.Get("ETag"), "")
}

// What the build leaves is of a kind that is known, on every machine.
func TestKindsOfFiles(t *testing.T) {
	known := fstest.MapFS{"index.html": {}}
	assert.NoError(t, fs.WalkDir(web.Pages(), ".", func(name string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && path.Ext(name) != ".bin" {
			known[name] = &fstest.MapFile{}
		}
		return err
	}))
	h, err := pages.New(known, nil)
	assert.NoError(t, err)
	for name := range known {
		kind := ask(h, "GET", "/"+name).Header.Get("Content-Type")
		assert.True(t, kind != "" && kind != "application/octet-stream", name, kind)
	}
}
