package engineio

import (
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"testing"

	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/wstest"
)

func (h *host) expectFull(t testing.TB, header ...string) {
	t.Helper()
	a := h.request("GET", h.url+"&transport=polling", "", header...)
	assert.Equal(t, a.status, 503)
	assert.Equal(t, a.body, `{"code":4,"message":"Too many connections"}`)
	seconds, err := strconv.Atoi(a.header.Get("Retry-After"))
	assert.NoError(t, err)
	assert.True(t, seconds > 0 && seconds <= maxRetryAfter)
	ws := wstest.Handshake()
	for i := 0; i < len(header); i += 2 {
		ws.Set(header[i], header[i+1])
	}
	conn, resp, err := wstest.Try(h.url+"&transport=websocket", ws)
	assert.NoError(t, err)
	assert.True(t, conn == nil)
	assert.Equal(t, resp.StatusCode, 503)
	assert.True(t, resp.Header.Get("Retry-After") != "")
}

func TestMaxConnections(t *testing.T) {
	refusals := &log[Refusal]{}
	h := serve(t, &Options{MaxConnections: 2, Hooks: Hooks{Refused: refusals.add}})
	p := h.poller()
	c, w := h.websocket(t)
	h.expectFull(t)
	assert.Equal(t, refusals.all()[0].Cause, CauseMaxConnections)
	p.upgrade(t) // is no new session
	p.session.Abort(TransportError, nil)
	w.expectOpen(t)
	c.Close()
	assert.Eventually(t, func() bool { return h.engine.Sessions() == 0 })
	h.poller()
	h.websocket(t)
	h.expectFull(t)
}

func TestMaxPerAddress(t *testing.T) {
	refusals := &log[Refusal]{}
	h := serve(t, &Options{
		MaxPerAddress:  2,
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
		Hooks:          Hooks{Refused: refusals.add},
	})
	const header = "X-Forwarded-For"
	p := h.poller(header, "192.0.2.1")
	h.poller(header, "192.0.2.1")
	h.expectFull(t, header, "192.0.2.1")
	assert.Equal(t, refusals.all()[0].Cause, CauseMaxPerAddress)
	h.poller(header, "192.0.2.2")
	h.poller(header, "2001:db8::1")
	h.poller(header, "2001:db8::2")
	h.expectFull(t, header, "2001:db8::3") // one network, one client
	h.poller(header, "2001:db8:0:1::1")
	p.session.Abort(TransportError, nil)
	assert.Eventually(t, func() bool { return h.engine.Sessions() == 5 })
	h.poller(header, "192.0.2.1")
}

// Every way to fail after a session was counted gives the place back.
func TestRefusedHandshakesAreNotCounted(t *testing.T) {
	h := serve(t, &Options{
		MaxConnections: 1, MaxPerAddress: 1,
		AllowRequest: func(r *http.Request) error {
			if r.URL.Query().Get("who") == "mallory" {
				return ErrClosed
			}
			return nil
		},
		GenerateID: func(r *http.Request) (string, error) { return r.URL.Query().Get("id"), nil },
	})
	for range 3 {
		for _, query := range []string{"?EIO=4&who=mallory", "?EIO=3", "?EIO=4&id="} {
			h.request("GET", h.http.URL+"/"+query+"&transport=polling", "")
			_, _, err := wstest.Try(h.http.URL+"/"+query+"&transport=websocket", nil)
			assert.NoError(t, err)
		}
		broken := wstest.Handshake()
		broken.Del("Sec-Websocket-Key")
		_, _, err := wstest.Try(h.url+"&transport=websocket&id=x", broken)
		assert.NoError(t, err)
	}
	a := h.request("GET", h.url+"&transport=polling&id=x", "")
	assert.Equal(t, a.status, 200)
}

func TestLimitsHoldUnderAFloodOfHandshakes(t *testing.T) {
	const limit = 50
	h := serve(t, &Options{MaxConnections: limit})
	var mu sync.Mutex
	admitted := 0
	var clients sync.WaitGroup
	for i := range 8 {
		clients.Go(func() {
			for range 25 {
				var ok bool
				if i%2 == 0 {
					a, err := h.do("GET", h.url+"&transport=polling", "")
					ok = err == nil && a.status == 200
				} else {
					c, _, err := wstest.Try(h.url+"&transport=websocket", nil)
					if ok = err == nil && c != nil; ok {
						t.Cleanup(func() { c.Close() })
					}
				}
				if ok {
					mu.Lock()
					admitted++
					mu.Unlock()
				}
			}
		})
	}
	clients.Wait()
	assert.Equal(t, admitted, limit)
	assert.Equal(t, h.engine.Sessions(), limit)
}
