package pages_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/kachi-io/kachi/app/pages"
	"github.com/kachi-io/kachi/internal/assert"
)

func TestFolder(t *testing.T) {
	dir, outside := t.TempDir(), t.TempDir()
	write := func(name, text string) {
		assert.NoError(t, os.MkdirAll(filepath.Dir(name), 0o755))
		assert.NoError(t, os.WriteFile(name, []byte(text), 0o644))
	}
	write(filepath.Join(dir, "index.html"), "<h1>mine</h1>")
	write(filepath.Join(dir, "app.js"), "let a")
	write(filepath.Join(dir, ".env"), "SECRET=1")
	write(filepath.Join(dir, ".git", "config"), "x")
	write(filepath.Join(dir, "sub", "index.html"), "sub")
	write(filepath.Join(dir, "bare", "file.txt"), "file")
	write(filepath.Join(outside, "secret.txt"), "secret")
	assert.NoError(t, os.Symlink(filepath.Join(outside, "secret.txt"), filepath.Join(dir, "link.txt")))
	assert.NoError(t, os.Symlink("app.js", filepath.Join(dir, "inside.js")))

	h, err := pages.Folder(dir)
	assert.NoError(t, err)
	get := func(method, path string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(method, path, nil))
		return w
	}
	for path, want := range map[string]string{
		"/": "<h1>mine</h1>", "/app.js": "let a", "/inside.js": "let a", "/sub/": "sub", "/bare/file.txt": "file",
	} {
		w := get(http.MethodGet, path)
		assert.Equal(t, w.Code, 200, path)
		assert.Equal(t, w.Body.String(), want, path)
		assert.Equal(t, w.Header().Get("X-Content-Type-Options"), "nosniff")
	}
	for _, path := range []string{"/.env", "/.git/config", "/bare/", "/nothing", "/link.txt", "/../secret.txt", "/sub/..%2f..%2fsecret.txt"} {
		w := get(http.MethodGet, path)
		assert.True(t, w.Code == 404 || w.Code == 400, path, w.Code, w.Body.String())
	}
	assert.Equal(t, get(http.MethodPost, "/").Code, 405)
	write(filepath.Join(dir, "app.js"), "let b")
	assert.Equal(t, get(http.MethodGet, "/app.js").Body.String(), "let b")

	_, err = pages.Folder(filepath.Join(dir, "nothing"))
	assert.ErrorIs(t, err, os.ErrNotExist)
	_, err = pages.Folder(filepath.Join(dir, "app.js"))
	assert.True(t, err != nil, "a file is no folder")
}
