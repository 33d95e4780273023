package gateway_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/wstest"
	"github.com/kachi-io/kachi/socketio"
)

// whoIs is a service that is called from gateways and over HTTP.
func whoIs(ctx context.Context) string {
	u, ok := gateway.PrincipalFrom[user](ctx)
	if !ok {
		return "nobody"
	}
	return u.Name
}

func TestRequestsPassGuards(t *testing.T) {
	type key struct{}
	everywhere := gateway.Guard(func(c *gateway.Call) error {
		if c.Key() == "banned" {
			return gateway.Forbidden("Not you")
		}
		return nil
	})
	untouched := gateway.Interceptor(func(next gateway.Handler) gateway.Handler {
		return func(c *gateway.Call) (any, error) { return next(c) } // those of events stay with them
	})
	app, err := gateway.NewApp(&gateway.Options{Use: []gateway.Layer{everywhere, untouched}},
		gateway.New("/c", passes{}, func(g *gateway.Namespace[user]) {
			gateway.On(g, "whois", func(c *gateway.Context[user], _ gateway.None) (string, error) { return whoIs(c), nil })
		}))
	assert.NoError(t, err)
	layers := []gateway.Layer{
		gateway.Named("rules", gateway.Guard(func(c *gateway.Call) error {
			assert.True(t, c.Request() != nil && c.Socket() == nil && c.Handshake().Socket() == nil && !c.WantsAck() && c.Namespace() == "")
			assert.Equal(t, c.Pattern(), "GET /things/{id}")
			c.SetContext(context.WithValue(c.Context, key{}, c.Param("id")))
			switch c.Param("id") {
			case "own code":
				return gateway.NewError("closed_on_mondays", "Come tomorrow")
			case "soon":
				return &gateway.Error{Code: gateway.CodeRateLimited, Message: "Slowly", Details: map[string]int{"retryAfter": 1500}}
			case "odd":
				return &gateway.Error{Code: gateway.CodeConflict, Message: "Odd", Details: func() {}}
			case "forgiven":
				return errors.New("forgive me")
			case "broken":
				return errors.New("the database is on fire")
			case "panic":
				panic("on purpose")
			}
			for _, code := range []string{gateway.CodeNotFound, gateway.CodeInvalid, gateway.CodeUnavailable} {
				if c.Param("id") == code {
					return gateway.NewError(code, "No")
				}
			}
			return nil
		})),
		gateway.Filter(func(_ *gateway.Call, err error) error {
			if err.Error() == "forgive me" {
				return nil
			}
			return err
		}),
	}
	mux := http.NewServeMux()
	mux.Handle("GET /things/{id}", gateway.Protect(app, passes{}, layers...)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, _ := r.Context().Value(key{}).(string)
		_, _ = io.WriteString(w, whoIs(r.Context())+" reads "+id)
	})))
	mux.Handle("/panics", gateway.Protect(app, gateway.AuthenticatorFunc[user](func(context.Context, *gateway.Handshake) (user, error) { panic("on purpose") }))(nil))
	mux.Handle("/", app)
	host := httptest.NewServer(mux)
	defer host.Close()
	defer func() { assert.NoError(t, app.Stop(context.Background())) }()

	get := func(path, token string) (*http.Response, string) {
		t.Helper()
		r, err := http.NewRequest(http.MethodGet, host.URL+path, nil)
		assert.NoError(t, err)
		r.Header.Set("Authorization", token)
		answer, err := host.Client().Do(r)
		assert.NoError(t, err)
		defer answer.Body.Close()
		body, err := io.ReadAll(answer.Body)
		assert.NoError(t, err)
		return answer, string(body)
	}
	cause := `,"cause":{"pattern":"GET /things/{id}"}}`
	internal := `{"status":"error","code":"internal","message":"Internal error"` + cause
	for _, test := range []struct {
		path, token string
		status      int
		body        string
	}{
		{"/things/7", "mina t1 0", 200, "mina by t1 reads 7"},
		{"/things/7", "", 401, `{"status":"error","code":"unauthorized","message":"Show a token","details":{"reason":"missing"}` + cause},
		{"/things/7", "mina t1 -1", 401, `{"status":"error","code":"unauthorized","message":"What was shown has expired","details":{"reason":"expired"}` + cause},
		{"/things/7", "banned t1 0", 403, `{"status":"error","code":"forbidden","message":"Not you"` + cause},
		{"/things/own%20code", "mina t1 0", 403, `{"status":"error","code":"closed_on_mondays","message":"Come tomorrow"` + cause},
		{"/things/not_found", "mina t1 0", 404, `{"status":"error","code":"not_found","message":"No"` + cause},
		{"/things/invalid", "mina t1 0", 400, `{"status":"error","code":"invalid","message":"No"` + cause},
		{"/things/unavailable", "mina t1 0", 503, `{"status":"error","code":"unavailable","message":"No"` + cause},
		{"/things/odd", "mina t1 0", 409, `{"status":"error","code":"conflict","message":"Odd"` + cause},
		{"/things/soon", "mina t1 0", 429, `{"status":"error","code":"rate_limited","message":"Slowly","details":{"retryAfter":1500}` + cause},
		{"/things/forgiven", "mina t1 0", 204, ""},
		{"/things/broken", "mina t1 0", 500, internal},
		{"/things/panic", "mina t1 0", 500, internal},
		{"/panics", "", 500, strings.Replace(internal, "GET /things/{id}", "/panics", 1)},
	} {
		answer, body := get(test.path, test.token)
		assert.Equal(t, answer.StatusCode, test.status, test.path)
		assert.Equal(t, body, test.body)
		if test.status >= 400 {
			assert.Equal(t, answer.Header.Get("Content-Type"), "application/json")
		}
		switch test.status {
		case 401:
			assert.Equal(t, answer.Header.Get("WWW-Authenticate"), "Bearer")
		case 429:
			assert.Equal(t, answer.Header.Get("Retry-After"), "2")
		case 503:
			seconds, err := strconv.Atoi(answer.Header.Get("Retry-After"))
			assert.NoError(t, err)
			assert.True(t, seconds >= 1 && seconds <= 5, seconds)
		}
	}

	c := join(t, host.URL, "/c", pass("mina t1 0"))
	c.send(`2/c,1["whois"]`)
	c.expect(`3/c,1["mina by t1"]`)
	assert.NoError(t, app.RevokeToken(t.Context(), "t1", time.Now().Add(time.Hour)))
	answer, body := get("/things/7", "mina t1 0")
	assert.Equal(t, answer.StatusCode, 401)
	assert.True(t, strings.Contains(body, `"reason":"revoked"`), body)
	assert.Equal(t, whoIs(t.Context()), "nobody")
}

func TestWhatCannotProtect(t *testing.T) {
	app, _ := start(t, nil)
	for want, protect := range map[string]func(){
		"has no Authenticator": func() { gateway.Protect[user](app, nil) },
		"there is no key":      func() { gateway.Protect(app, unfit{}) },
		"a layer is nil":       func() { gateway.Protect(app, passes{}, nil) },
		"is an interceptor": func() {
			gateway.Protect(app, passes{}, gateway.Named("x", gateway.Interceptor(func(next gateway.Handler) gateway.Handler { return next })))
		},
		"protect_test.go:12": func() { gateway.Protect[user](app, nil) },
	} {
		func() {
			defer func() {
				err, _ := recover().(error)
				assert.True(t, err != nil && strings.Contains(err.Error(), strings.TrimRight(want, "12")), err)
			}()
			protect()
		}()
	}
}

// A client has one address, whether a socket or a request asks for it.
func TestAddressesOverHTTPAreThoseOfSockets(t *testing.T) {
	where := func(_ context.Context, h *gateway.Handshake) (user, error) { return user{h.Address().String()}, nil }
	for _, proxies := range [][]netip.Prefix{nil, {netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("10.0.0.0/8")}} {
		o := &gateway.Options{Socket: socketio.Options{TrustedProxies: proxies}}
		auth := gateway.AuthenticatorFunc[user](where)
		app, err := gateway.NewApp(o, gateway.New("/c", auth, func(g *gateway.Namespace[user]) {
			gateway.On(g, "where", func(c *gateway.Context[user], _ gateway.None) (string, error) {
				return c.Principal.Name + " " + c.Handshake().Address().String(), nil
			})
		}))
		assert.NoError(t, err)
		protect := gateway.Protect(app, auth, gateway.Guard(func(c *gateway.Call) error {
			if c.Principal().(user).Name != c.Handshake().Address().String() {
				return gateway.Forbidden("somebody else")
			}
			return nil
		}))
		mux := http.NewServeMux()
		mux.Handle("/socket.io/", app)
		mux.Handle("GET /where", protect(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, whoIs(r.Context()))
		})))
		host := httptest.NewServer(mux)
		for forwarded, trusted := range map[string]string{
			"":                             "127.0.0.1",
			"203.0.113.9":                  "203.0.113.9",
			"198.51.100.1, 203.0.113.9":    "203.0.113.9",
			"2001:db8::1, 10.1.1.1":        "2001:db8::1",
			"::ffff:203.0.113.7, 10.1.1.1": "203.0.113.7",
			"unknown":                      "127.0.0.1",
		} {
			want := trusted
			if proxies == nil {
				want = "127.0.0.1"
			}
			header := wstest.Handshake()
			header.Set("X-Forwarded-For", forwarded)
			conn, _, err := wstest.Try(host.URL+"/socket.io/?EIO=4&transport=websocket", header)
			assert.NoError(t, err)
			c := wire{conn, t}
			c.Next(t)
			c.send("0/c,")
			c.Next(t)
			c.send(`2/c,1["where"]`)
			c.expect(`3/c,1["` + want + ` ` + want + `"]`)
			assert.NoError(t, c.Close())

			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, host.URL+"/where", nil)
			assert.NoError(t, err)
			r.Header.Set("X-Forwarded-For", forwarded)
			answer, err := host.Client().Do(r)
			assert.NoError(t, err)
			body, err := io.ReadAll(answer.Body)
			assert.NoError(t, err)
			assert.NoError(t, answer.Body.Close())
			assert.Equal(t, string(body), want, forwarded)
		}
		assert.NoError(t, app.Stop(t.Context()))
		host.Close()
	}
}
