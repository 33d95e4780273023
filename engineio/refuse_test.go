package engineio

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/wstest"
)

// Table 1.3 of the reference: the codes, in the order of their checks.
func TestRefusedHTTPRequests(t *testing.T) {
	refusals := &log[Refusal]{}
	h := serve(t, &Options{
		AllowRequest: func(r *http.Request) error {
			switch r.URL.Query().Get("who") {
			case "mallory":
				return errors.New("not you")
			}
			return nil
		},
		Hooks: Hooks{Refused: refusals.add},
	})
	p := h.poller()
	_, onWebSocket := h.websocket(t)
	w := onWebSocket.session.ID()

	for _, c := range []struct {
		name, method, query string
		status, code        int
		body, cause         string
	}{
		{"no transport", "GET", "?EIO=4", 400, 0, `{"code":0,"message":"Transport unknown"}`, ""},
		{"unknown transport", "GET", "?EIO=4&transport=abc", 400, 0, `{"code":0,"message":"Transport unknown"}`, ""},
		{"webtransport is no HTTP transport", "GET", "?EIO=4&transport=webtransport", 400, 0, `{"code":0,"message":"Transport unknown"}`, ""},
		{"transport before sid", "GET", "?EIO=4&transport=abc&sid=x", 400, 0, `{"code":0,"message":"Transport unknown"}`, ""},
		{"unknown sid", "GET", "?EIO=4&transport=polling&sid=x", 400, 1, `{"code":1,"message":"Session ID unknown"}`, ""},
		{"unknown sid, whatever the method", "DELETE", "?EIO=4&transport=polling&sid=x", 400, 1, `{"code":1,"message":"Session ID unknown"}`, ""},
		{"sid before protocol version", "GET", "?transport=polling&sid=x", 400, 1, `{"code":1,"message":"Session ID unknown"}`, ""},
		{"handshake by POST", "POST", "?EIO=4&transport=polling", 400, 2, `{"code":2,"message":"Bad handshake method"}`, ""},
		{"handshake by PUT", "PUT", "?EIO=4&transport=polling", 400, 2, `{"code":2,"message":"Bad handshake method"}`, ""},
		{"handshake by OPTIONS without CORS", "OPTIONS", "?EIO=4&transport=polling", 400, 2, `{"code":2,"message":"Bad handshake method"}`, ""},
		{"method before protocol version", "POST", "?transport=polling", 400, 2, `{"code":2,"message":"Bad handshake method"}`, ""},
		{"websocket without upgrade", "GET", "?EIO=4&transport=websocket", 400, 3, `{"code":3,"message":"Bad request"}`, CauseTransportHandshake},
		{"upgrade before AllowRequest", "GET", "?EIO=4&transport=websocket&who=mallory", 400, 3, `{"code":3,"message":"Bad request"}`, CauseTransportHandshake},
		{"transport of the session is another", "GET", "?EIO=4&transport=websocket&sid=" + p.sid, 400, 3, `{"code":3,"message":"Bad request"}`, CauseTransportMismatch},
		{"polling a session that began on websocket", "GET", "?EIO=4&transport=polling&sid=" + w, 400, 3, `{"code":3,"message":"Bad request"}`, CauseTransportMismatch},
		{"websocket session without upgrade", "GET", "?EIO=4&transport=websocket&sid=" + w, 400, 3, `{"code":3,"message":"Bad request"}`, CauseTransportHandshake},
		{"AllowRequest says no", "GET", "?EIO=4&transport=polling&who=mallory", 403, 4, `{"code":4,"message":"not you"}`, ""},
		{"AllowRequest before protocol version", "GET", "?transport=polling&who=mallory", 403, 4, `{"code":4,"message":"not you"}`, ""},
		{"no protocol version", "GET", "?transport=polling", 400, 5, `{"code":5,"message":"Unsupported protocol version"}`, ""},
		{"protocol version 3", "GET", "?EIO=3&transport=polling", 400, 5, `{"code":5,"message":"Unsupported protocol version"}`, ""},
		{"protocol version abc", "GET", "?EIO=abc&transport=polling", 400, 5, `{"code":5,"message":"Unsupported protocol version"}`, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := len(refusals.all())
			a := h.request(c.method, h.http.URL+"/"+c.query, "")
			assert.Equal(t, a.status, c.status)
			assert.Equal(t, a.body, c.body)
			assert.Equal(t, a.header.Get("Content-Type"), "application/json")
			all := refusals.all()
			if assert.Equal(t, len(all), before+1, "refusals told") {
				f := all[before]
				assert.Equal(t, f.Status, c.status)
				assert.Equal(t, f.Code, c.code)
				assert.Equal(t, f.Cause, c.cause)
			}
		})
	}
	p.expectOpen(t)
	onWebSocket.expectOpen(t)
	assert.Equal(t, h.engine.Sessions(), 2)
}

func TestProtocolVersionIsNotCheckedAgain(t *testing.T) {
	p := serve(t, nil).poller()
	assert.NoError(t, p.session.Send(TextMessage("a")))
	a := p.request("GET", p.http.URL+"/?transport=polling&sid="+p.sid, "")
	assert.Equal(t, a.body, "4a")
}

func TestOtherMethodsOfASession(t *testing.T) {
	p := serve(t, nil).poller()
	for _, method := range []string{"PUT", "DELETE", "PATCH", "OPTIONS"} {
		a := p.request(method, p.url, "")
		assert.Equal(t, a.status, 500, method)
		assert.Equal(t, a.body, "", method)
	}
	p.expectOpen(t)
}

// Before 101 a WebSocket handshake is refused with 400 and the plain message, whatever
// the code is.
func TestRefusedWebSocketHandshakes(t *testing.T) {
	refusals := &log[Refusal]{}
	h := serve(t, &Options{
		AllowRequest: func(r *http.Request) error {
			if r.URL.Query().Get("who") == "mallory" {
				return errors.New("not you")
			}
			return nil
		},
		GenerateID: func(r *http.Request) (string, error) {
			if r.URL.Query().Get("id") == "fail" {
				return "", errors.New("no more ids")
			}
			return r.URL.Query().Get("id"), nil
		},
		Hooks: Hooks{Refused: refusals.add},
	})
	for _, c := range []struct {
		name, query, body string
		code              int
		cause             string
	}{
		{"unknown transport", "?EIO=4&transport=abc", "Transport unknown", 0, ""},
		{"unknown sid", "?EIO=4&transport=websocket&sid=x", "Session ID unknown", 1, ""},
		{"transport=polling with an upgrade", "?EIO=4&transport=polling", "Bad request", 3, CauseTransportHandshake},
		{"AllowRequest says no", "?EIO=4&transport=websocket&who=mallory", "not you", 4, ""},
		{"no protocol version", "?transport=websocket", "Unsupported protocol version", 5, ""},
		{"protocol version 3", "?EIO=3&transport=websocket", "Unsupported protocol version", 5, ""},
		{"GenerateID fails", "?EIO=4&transport=websocket&id=fail", "Bad request", 3, CauseIDGeneration},
		{"GenerateID gives nothing", "?EIO=4&transport=websocket&id=", "Bad request", 3, CauseIDGeneration},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := len(refusals.all())
			conn, resp, err := wstest.Try(h.http.URL+"/"+c.query, nil)
			assert.NoError(t, err)
			assert.True(t, conn == nil)
			body, _ := io.ReadAll(resp.Body)
			assert.Equal(t, resp.StatusCode, 400)
			assert.Equal(t, string(body), c.body)
			assert.Equal(t, resp.Header.Get("Content-Type"), "text/html")
			assert.True(t, resp.Close, "Connection: close")
			all := refusals.all()
			if assert.Equal(t, len(all), before+1, "refusals told") {
				assert.Equal(t, all[before].Code, c.code)
				assert.Equal(t, all[before].Cause, c.cause)
			}
		})
	}
	assert.Equal(t, h.engine.Sessions(), 0)
}

func TestMalformedWebSocketHandshakes(t *testing.T) {
	h := serve(t, nil)
	for _, c := range []struct {
		name          string
		header, value string
		status        int
	}{
		{"old version", "Sec-Websocket-Version", "8", 426},
		{"no key", "Sec-Websocket-Key", "", 400},
		{"short key", "Sec-Websocket-Key", "abc", 400},
	} {
		t.Run(c.name, func(t *testing.T) {
			header := wstest.Handshake()
			header.Set(c.header, c.value)
			if c.value == "" {
				header.Del(c.header)
			}
			conn, resp, err := wstest.Try(h.url+"&transport=websocket", header)
			assert.NoError(t, err)
			assert.True(t, conn == nil)
			assert.Equal(t, resp.StatusCode, c.status)
			if c.status == 426 {
				assert.Equal(t, resp.Header.Get("Sec-Websocket-Version"), "13")
			}
		})
	}
	assert.Equal(t, h.engine.Sessions(), 0)
}

// Some HTTP clients offer h2c with every request; that is no wish for WebSocket.
func TestOfferOfAnotherProtocolIsIgnored(t *testing.T) {
	h := serve(t, nil)
	a := h.request("GET", h.url+"&transport=polling", "", "Connection", "Upgrade, HTTP2-Settings", "Upgrade", "h2c")
	assert.Equal(t, a.status, 200)
}

// net/http refuses such a header itself; a handler that is called by other means sees it.
func TestOriginWithInvalidCharacters(t *testing.T) {
	refusals := &log[Refusal]{}
	h := serve(t, &Options{AllowedOrigins: []string{"*"}, Hooks: Hooks{Refused: refusals.add}})
	r := httptest.NewRequest("GET", "/?EIO=4&transport=polling", nil)
	r.Header["Origin"] = []string{"http://example.com\x01"}
	w := httptest.NewRecorder()
	h.engine.ServeHTTP(w, r)
	assert.Equal(t, w.Code, 400)
	assert.Equal(t, w.Body.String(), `{"code":3,"message":"Bad request"}`)
	assert.Equal(t, refusals.all()[0].Cause, CauseInvalidOrigin)
}

func TestGenerateID(t *testing.T) {
	next := make(chan string, 4)
	h := serve(t, &Options{GenerateID: func(*http.Request) (string, error) { return <-next, nil }})
	next <- "first"
	p := h.poller()
	assert.Equal(t, p.sid, "first")
	assert.Equal(t, p.session.ID(), "first")
	next <- "first"
	a := h.request("GET", h.url+"&transport=polling", "")
	assert.Equal(t, a.status, 400, "an id that is in use")
	assert.Equal(t, a.body, `{"code":3,"message":"Bad request"}`)
	p.expectOpen(t)
	next <- "a/b c"
	assert.Equal(t, h.request("GET", h.url+"&transport=polling", "").status, 200)
	p2 := assert.Receive(t, h.peers)
	assert.NoError(t, p2.session.Send(TextMessage("x")))
	a = h.request("GET", h.url+"&transport=polling&sid=a%2Fb+c", "")
	assert.Equal(t, a.body, "4x")
}
