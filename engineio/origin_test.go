package engineio

import (
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/wstest"
)

// One policy for every request of every transport.
func TestOriginPolicy(t *testing.T) {
	list := Options{AllowedOrigins: []string{"https://app.example.com", "http://localhost:8080"}}
	all := Options{AllowedOrigins: []string{"*"}}
	decides := Options{AllowOrigin: func(r *http.Request, origin string) bool {
		return origin == "null" || strings.HasSuffix(origin, ".example.com")
	}}
	for _, c := range []struct {
		name    string
		o       Options
		host    string // Host header
		origin  string // "" for none
		admit   bool
		allowed string // Access-Control-Allow-Origin
	}{
		{"no origin", Options{}, "", "", true, ""},
		{"same origin", Options{}, "example.com", "https://example.com", true, ""},
		{"same origin, port", Options{}, "example.com:8080", "http://example.com:8080", true, ""},
		{"same origin, default port spelt out", Options{}, "example.com:443", "https://example.com", true, ""},
		{"same origin, case", Options{}, "Example.COM", "https://example.com", true, ""},
		{"other port", Options{}, "example.com:8080", "http://example.com:8081", false, ""},
		{"other host", Options{}, "example.com", "https://evil.com", false, ""},
		{"host as a suffix", Options{}, "example.com", "https://evil-example.com", false, ""},
		{"host as a prefix", Options{}, "example.com", "https://example.com.evil.com", false, ""},
		{"user info that looks like the host", Options{}, "example.com", "https://example.com@evil.com", false, ""},
		{"null", Options{}, "example.com", "null", false, ""},
		{"no URL", Options{}, "example.com", "example.com", false, ""},
		{"listed", list, "api.example.com", "https://app.example.com", true, "https://app.example.com"},
		{"listed, with a port", list, "api.example.com", "http://localhost:8080", true, "http://localhost:8080"},
		{"listed under another scheme", list, "api.example.com", "http://app.example.com", false, ""},
		{"same origin beside a list", list, "api.example.com", "https://api.example.com", true, "https://api.example.com"},
		{"not listed", list, "api.example.com", "https://evil.com", false, ""},
		{"null beside a list", list, "api.example.com", "null", false, ""},
		{"no origin beside a list", list, "api.example.com", "", true, ""},
		{"all", all, "api.example.com", "https://anywhere.com", true, "*"},
		{"all, null", all, "api.example.com", "null", true, "*"},
		{"all, no origin", all, "api.example.com", "", true, "*"},
		{"function says yes", decides, "api.org", "https://a.example.com", true, "https://a.example.com"},
		{"function says yes to null", decides, "api.org", "null", true, "null"},
		{"function says no", decides, "api.org", "https://evil.com", false, ""},
		{"function is not asked about its own", decides, "api.org", "https://api.org", true, "https://api.org"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := serve(t, &c.o)
			var header []string
			ws := wstest.Handshake()
			if c.host != "" {
				header = append(header, "Host", c.host)
				ws.Set("Host", c.host)
			}
			if c.origin != "" {
				header = append(header, "Origin", c.origin)
				ws.Set("Origin", c.origin)
			}
			a := h.request("GET", h.url+"&transport=polling", "", header...)
			conn, resp, err := wstest.Try(h.url+"&transport=websocket", ws)
			assert.NoError(t, err)
			assert.Equal(t, a.header.Get("Access-Control-Allow-Origin"), c.allowed)
			if c.admit {
				assert.Equal(t, a.status, 200)
				if assert.True(t, conn != nil, "WebSocket") {
					conn.Close()
				}
				return
			}
			assert.Equal(t, a.status, 403)
			assert.Equal(t, a.body, `{"code":4,"message":"Origin not allowed"}`)
			assert.True(t, conn == nil)
			body, _ := io.ReadAll(resp.Body)
			assert.Equal(t, resp.StatusCode, 400)
			assert.Equal(t, string(body), "Origin not allowed")

			// Requests of a session are checked like its handshake.
			p := h.poller()
			assert.Equal(t, p.post("4a", header...).status, 403)
			assert.Equal(t, p.get(header...).status, 403)
			conn, _, err = wstest.Try(h.url+"&transport=websocket&sid="+p.sid, ws)
			assert.NoError(t, err)
			assert.True(t, conn == nil)
			p.expectOpen(t)
		})
	}
}

// A page that was not served over TLS is another origin, where the scheme is known.
func TestSchemeOfTheSameOrigin(t *testing.T) {
	assert.True(t, !sameOrigin("http://example.com", client{host: "example.com", secure: true}))
	assert.True(t, sameOrigin("https://example.com", client{host: "example.com", secure: true}))
	assert.True(t, sameOrigin("https://example.com", client{host: "example.com"}), "a TLS proxy nobody told of")
}

func TestPreflight(t *testing.T) {
	const origin = "https://app.example.com"
	for _, c := range []struct {
		name string
		cors CORS
		all  bool
		want map[string]string
	}{
		{"defaults", CORS{}, false, map[string]string{
			"Access-Control-Allow-Origin": origin, "Access-Control-Allow-Methods": "GET,POST",
			"Access-Control-Allow-Headers": "X-Asked", "Access-Control-Max-Age": "",
			"Access-Control-Allow-Credentials": "",
		}},
		{"all set", CORS{Methods: []string{"GET"}, AllowedHeaders: []string{"X-A", "X-B"}, ExposedHeaders: []string{"X-C"},
			Credentials: true, MaxAge: time.Hour}, false, map[string]string{
			"Access-Control-Allow-Origin": origin, "Access-Control-Allow-Methods": "GET",
			"Access-Control-Allow-Headers": "X-A,X-B", "Access-Control-Max-Age": "3600",
			"Access-Control-Allow-Credentials": "true", "Access-Control-Expose-Headers": "X-C",
		}},
		{"all origins", CORS{}, true, map[string]string{"Access-Control-Allow-Origin": "*"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := &Options{AllowedOrigins: []string{origin}, CORS: c.cors}
			if c.all {
				o.AllowedOrigins = []string{"*"}
			}
			h := serve(t, o)
			a := h.request("OPTIONS", h.url+"&transport=polling", "", "Origin", origin, "Access-Control-Request-Headers", "X-Asked")
			assert.Equal(t, a.status, 204)
			assert.Equal(t, a.body, "")
			for name, value := range c.want {
				assert.Equal(t, a.header.Get(name), value, name)
			}
			if !c.all {
				assert.True(t, strings.Contains(strings.Join(a.header.Values("Vary"), ","), "Origin"), "Vary")
			}
			p := h.poller("Origin", origin)
			a = p.request("OPTIONS", p.url, "", "Origin", origin)
			assert.Equal(t, a.status, 204, "of a session, too")
			a = p.request("POST", p.url, "4a", "Origin", origin)
			assert.Equal(t, a.header.Get("Access-Control-Allow-Origin"), c.want["Access-Control-Allow-Origin"])
			assert.Equal(t, a.header.Get("Access-Control-Allow-Credentials"), c.want["Access-Control-Allow-Credentials"])
			a = h.request("GET", h.url+"&transport=x", "", "Origin", origin)
			assert.Equal(t, a.header.Get("Access-Control-Allow-Origin"), c.want["Access-Control-Allow-Origin"], "scripts may read errors")
			a = h.request("OPTIONS", h.url+"&transport=polling", "", "Origin", "https://evil.com")
			if !c.all {
				assert.Equal(t, a.status, 403)
				assert.Equal(t, a.header.Get("Access-Control-Allow-Methods"), "")
			}
		})
	}
}

// Whoever develops a page on another port is told why it cannot connect, once.
func TestAForeignOriginIsLoggedOnce(t *testing.T) {
	var log lockedBuffer
	h := serve(t, &Options{Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelInfo}))})
	for range 3 {
		assert.Equal(t, h.request("GET", h.url+"&transport=polling", "", "Origin", "http://localhost:5173").status, 403)
	}
	assert.Equal(t, strings.Count(log.String(), "level="), 1, log.String())
	for _, want := range []string{"level=WARN", "Options.AllowedOrigins", "origin=http://localhost:5173"} {
		assert.True(t, strings.Contains(log.String(), want), log.String())
	}
}
