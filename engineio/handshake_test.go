package engineio

import (
	"context"
	"net/http"
	"runtime"
	"testing"
	"time"

	"github.com/kachi-io/kachi/internal/assert"
)

func TestHandshakeIsKept(t *testing.T) {
	h := serve(t, nil)
	before := time.Now()
	a := h.request("GET", h.url+"&transport=polling&token=a%20b&token=c", "",
		"X-Two", "1", "User-Agent", "test", "Host", "example.com", "Cookie", "a=1; b=2")
	assert.Equal(t, a.status, 200)
	hs := assert.Receive(t, h.peers).session.Handshake()
	assert.Equal(t, hs.URL, "/engine.io/?EIO=4&transport=polling&token=a%20b&token=c")
	assert.Equal(t, hs.Query()["token"], []string{"a b", "c"})
	assert.Equal(t, hs.Query().Get("EIO"), "4")
	assert.Equal(t, hs.Header().Get("X-Two"), "1")
	assert.Equal(t, hs.Header().Get("User-Agent"), "test")
	assert.Equal(t, hs.Header().Get("Cookie"), "a=1; b=2")
	assert.Equal(t, hs.Header().Get("Host"), "example.com")
	assert.Equal(t, hs.Address.String(), "127.0.0.1")
	assert.True(t, !hs.Secure && !hs.XDomain)
	assert.True(t, !hs.Time.Before(before) && !hs.Time.After(time.Now()))
	hs.Header().Set("X-Two", "changed")
	assert.Equal(t, hs.Header().Get("X-Two"), "1", "the caller's own")
}

func TestConnContext(t *testing.T) {
	type key struct{}
	h := serve(t, &Options{ConnContext: func(ctx context.Context, r *http.Request) context.Context {
		return context.WithValue(ctx, key{}, r.URL.Query().Get("user"))
	}})
	h.request("GET", h.url+"&transport=polling&user=ann", "")
	p := assert.Receive(t, h.peers)
	assert.Equal(t, p.session.Context().Value(key{}), any("ann"))
	p.session.Abort(TransportError, nil)
	p.expectClosed(t, TransportError)
	assert.NoError(t, p.session.Context().Err(), "does not end with the session")
	assert.True(t, serve(t, nil).poller().session.Context() == context.Background())
}

// The request, with its buffers, is free once the handshake is over.
func TestRequestIsNotKept(t *testing.T) {
	for _, transport := range []Transport{Polling, WebSocket} {
		t.Run(string(transport), func(t *testing.T) {
			freed := make(chan struct{})
			h := serveOn(t, nil, nil, func(next http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					body := new([1 << 10]byte)
					runtime.AddCleanup(body, func(c chan struct{}) { close(c) }, freed)
					r = r.WithContext(context.WithValue(r.Context(), body, body))
					next.ServeHTTP(w, r)
				})
			})
			var p *peer
			if transport == Polling {
				h.request("GET", h.url+"&transport=polling", "")
				p = assert.Receive(t, h.peers)
			} else {
				_, p = h.websocket(t)
			}
			h.client.CloseIdleConnections()
			assert.Eventually(t, func() bool {
				runtime.GC()
				select {
				case <-freed:
					return true
				default:
					return false
				}
			})
			p.expectOpen(t)
		})
	}
}
