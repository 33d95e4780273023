package server_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/kachi-io/kachi/app/server"
	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/mysqlserver"
	"github.com/kachi-io/kachi/internal/testclient"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(mysqlserver.Main{M: m}) }

// serve runs a server until the test, or stop, ends it.
func serve(t *testing.T) (url string, stop func() error) {
	t.Helper()
	return serveWith(t, nil)
}

func serveWith(t *testing.T, o *server.Options) (url string, stop func() error) {
	t.Helper()
	if o == nil {
		o = &server.Options{}
	}
	o.Data = t.TempDir()
	s, err := server.New(t.Context(), o)
	assert.NoError(t, err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	assert.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx, listener) }()
	var stopped bool
	stop = func() error {
		cancel()
		if stopped {
			return nil
		}
		stopped = true
		return assert.Receive(t, served, "the end of Serve")
	}
	t.Cleanup(func() { assert.NoError(t, stop()) })
	return "http://" + listener.Addr().String(), stop
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Get(url)
	assert.NoError(t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	assert.NoError(t, err)
	return response.StatusCode, string(body)
}

// A short secret is taken as it is: other services verify the tokens with what they were given.
func TestShortSecretsSignAsTheyAre(t *testing.T) {
	url, _ := serveWith(t, &server.Options{Secret: "geheim"})
	token := register(t, url, "Mina")
	end := strings.LastIndexByte(token, '.')
	mac := hmac.New(sha256.New, []byte("geheim"))
	_, _ = mac.Write([]byte(token[:end]))
	assert.Equal(t, token[end+1:], base64.RawURLEncoding.EncodeToString(mac.Sum(nil)))
	testclient.Connect(t, url, "/chat", map[string]string{"token": token})
}

// register makes an account, and returns its token.
func register(t *testing.T, url, name string) string {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	body := strings.NewReader(`{"name":"` + name + `","password":"correct horse battery"}`)
	response, err := client.Post(url+"/api/auth/register", "application/json", body)
	assert.NoError(t, err)
	defer response.Body.Close()
	var answer struct{ AccessToken string }
	assert.NoError(t, json.NewDecoder(response.Body).Decode(&answer))
	return answer.AccessToken
}

func TestServesChatPagesAndHealth(t *testing.T) {
	url, _ := serve(t)
	status, body := get(t, url+"/healthz")
	assert.Equal(t, status, 200)
	assert.Equal(t, body, "{\"status\":\"ok\"}\n")

	for _, path := range []string{"/", "/chat", "/chat/7"} {
		_, body = get(t, url+path)
		assert.True(t, strings.Contains(body, "<!doctype html>"), body)
	}
	nobody, refusal := testclient.Try(t, url, "/chat", nil)
	assert.True(t, nobody == nil && strings.Contains(refusal, "unauthorized"), refusal)
}

func TestServesAFolderInPlaceOfItsPages(t *testing.T) {
	dir := t.TempDir()
	assert.NoError(t, os.WriteFile(filepath.Join(dir, "index.html"), []byte("mine"), 0o644))
	url, _ := serveWith(t, &server.Options{Static: dir})
	for path, want := range map[string]string{"/": "mine", "/healthz": "{\"status\":\"ok\"}\n"} {
		status, body := get(t, url+path)
		assert.Equal(t, status, 200)
		assert.Equal(t, body, want)
	}
	_, opened := get(t, url+"/socket.io/?EIO=4&transport=polling")
	assert.True(t, strings.Contains(opened, `"sid"`), opened)
	status, _ := get(t, url+"/nothing")
	assert.Equal(t, status, 404)

	_, err := server.New(t.Context(), &server.Options{Data: t.TempDir(), Static: filepath.Join(dir, "nothing")})
	assert.ErrorIs(t, err, os.ErrNotExist)
}

func TestStopsWithOpenConnections(t *testing.T) {
	url, stop := serve(t)
	testclient.Connect(t, url, "/chat", map[string]string{"token": register(t, url, "Mina")})

	// A poll that waits for the server to say something.
	_, opened := get(t, url+"/socket.io/?EIO=4&transport=polling")
	sid := opened[strings.Index(opened, `"sid":"`)+7:]
	sid = sid[:strings.Index(sid, `"`)]
	answered := make(chan bool, 1)
	go func() {
		defer func() { answered <- true }()
		client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
		if response, err := client.Get(url + "/socket.io/?EIO=4&transport=polling&sid=" + sid); err == nil {
			_ = response.Body.Close()
		}
	}()
	assert.NoError(t, stop())
	assert.Receive(t, answered, "the end of the poll")
}

func TestHealthSaysWhenItStops(t *testing.T) {
	s, err := server.New(t.Context(), &server.Options{Data: t.TempDir()})
	assert.NoError(t, err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	assert.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	assert.NoError(t, s.Serve(ctx, listener))
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest("GET", "/healthz", nil))
	assert.Equal(t, w.Code, 503)
}

func TestSaysWhatIsWrongWithItsOptions(t *testing.T) {
	_, err := server.New(t.Context(), &server.Options{Data: t.TempDir(), AllowedOrigins: []string{"not an origin"}})
	assert.True(t, err != nil && strings.Contains(err.Error(), "not an origin"), err)
}

func TestSaysWhenTheListenerBreaks(t *testing.T) {
	s, err := server.New(t.Context(), &server.Options{Data: t.TempDir()})
	assert.NoError(t, err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	assert.NoError(t, err)
	assert.NoError(t, listener.Close())
	assert.ErrorIs(t, s.Serve(context.Background(), listener), net.ErrClosed)
}
