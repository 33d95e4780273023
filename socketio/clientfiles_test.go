package socketio_test

import (
	"compress/gzip"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/socketio"
)

func TestClientFiles(t *testing.T) {
	script := strings.Repeat("socket.io client; ", 500)
	_, url := start(t, &socketio.Options{ClientFiles: fstest.MapFS{
		"socket.io.js":         {Data: []byte(script)},
		"socket.io.min.js.map": {Data: []byte("{}")},
		"secret.txt":           {Data: []byte("no")},
	}})
	file := url + "/socket.io/socket.io.js"

	plain := get(t, file+"?v=1", nil)
	body, _ := io.ReadAll(plain.Body)
	assert.Equal(t, string(body), script)
	assert.Equal(t, plain.Header.Get("Content-Type"), "application/javascript; charset=utf-8")
	assert.Equal(t, plain.Header.Get("Cache-Control"), "public, max-age=0")
	assert.Equal(t, plain.Header.Get("Vary"), "Accept-Encoding")
	etag := plain.Header.Get("ETag")
	assert.True(t, strings.HasPrefix(etag, `"`) && len(etag) > 10)

	zipped := get(t, file, http.Header{"Accept-Encoding": {"br, gzip;q=0.8"}})
	assert.Equal(t, zipped.Header.Get("Content-Encoding"), "gzip")
	z, err := gzip.NewReader(zipped.Body)
	assert.NoError(t, err)
	body, _ = io.ReadAll(z)
	assert.Equal(t, string(body), script)
	assert.Equal(t, get(t, file, http.Header{"Accept-Encoding": {"gzip;q=0"}}).Header.Get("Content-Encoding"), "")

	for _, tag := range []string{etag, "W/" + etag, `"other", ` + etag, "*"} {
		response := get(t, file, http.Header{"If-None-Match": {tag}})
		assert.Equal(t, response.StatusCode, http.StatusNotModified, tag)
		body, _ = io.ReadAll(response.Body)
		assert.Equal(t, len(body), 0)
	}
	assert.Equal(t, get(t, file, http.Header{"If-None-Match": {`"other"`}}).StatusCode, http.StatusOK)

	assert.Equal(t, get(t, url+"/socket.io/socket.io.min.js.map", nil).Header.Get("Content-Type"), "application/json; charset=utf-8")
	assert.Equal(t, get(t, url+"/socket.io/socket.io.esm.min.js", nil).StatusCode, http.StatusNotFound)
	assert.Equal(t, get(t, url+"/socket.io/secret.txt", nil).StatusCode, http.StatusBadRequest) // the protocol's business
	response, err := http.Post(file, "text/plain", strings.NewReader("x"))
	assert.NoError(t, err)
	_ = response.Body.Close()
	assert.Equal(t, response.StatusCode, http.StatusMethodNotAllowed)
	http.DefaultClient.CloseIdleConnections()
}

func TestWithoutClientFiles(t *testing.T) {
	_, url := start(t, nil)
	assert.Equal(t, get(t, url+"/socket.io/socket.io.js", nil).StatusCode, http.StatusNotFound)
}
