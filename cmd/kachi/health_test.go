package main

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/kachi-io/kachi/cmd/kachi/connect"
	"github.com/kachi-io/kachi/internal/assert"
)

func TestHealth(t *testing.T) {
	ask := func(args ...string) (code int, out, err string) {
		var stdout, stderr bytes.Buffer
		code = run(context.Background(), append([]string{"health"}, args...), connect.Streams{Out: &stdout, Err: &stderr})
		return code, stdout.String(), stderr.String()
	}
	url := start(t, "--addr", "127.0.0.1:0")
	for _, args := range [][]string{{"--url", url}, {"--url", url + "/", "--ready"}} {
		code, out, err := ask(args...)
		assert.Equal(t, code, 0, err)
		assert.Equal(t, out, "{\"status\":\"ok\"}\n")
	}
	t.Setenv("KACHI_ADDR", strings.TrimPrefix(url, "http://"))
	code, _, err := ask()
	assert.Equal(t, code, 0, err)

	ill := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "the database does not work", http.StatusServiceUnavailable)
	}))
	defer ill.Close()
	code, _, err = ask("--url", ill.URL)
	assert.Equal(t, code, 1)
	assert.True(t, strings.Contains(err, "503") && strings.Contains(err, "the database does not work"), err)

	l, failed := net.Listen("tcp", "127.0.0.1:0")
	assert.NoError(t, failed)
	assert.NoError(t, l.Close())
	t.Setenv("KACHI_ADDR", l.Addr().String())
	code, _, err = ask()
	assert.Equal(t, code, 1, err)
	t.Setenv("KACHI_ADDR", "nowhere")
	code, _, err = ask()
	assert.Equal(t, code, 2, err)
}

// Behind TLS it is asked as well, whatever name the certificate is for.
func TestHealthWithTLS(t *testing.T) {
	host := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, r.URL.Path, "/healthz")
	}))
	host.StartTLS()
	defer host.Close()
	t.Setenv("KACHI_TLS_CERT", "cert.pem")
	t.Setenv("KACHI_TLS_KEY", "key.pem")
	t.Setenv("KACHI_ADDR", strings.TrimPrefix(host.URL, "https://"))
	var out, failed bytes.Buffer
	assert.Equal(t, run(context.Background(), []string{"health"}, connect.Streams{Out: &out, Err: &failed}), 0, failed.String())
}
