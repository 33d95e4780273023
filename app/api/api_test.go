package api_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/kachi-io/kachi/app/api"
	"github.com/kachi-io/kachi/app/store"
	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/internal/assert"
)

type thing struct {
	ID   store.ID `path:"id"`
	Body struct {
		Name  string   `json:"name" minLength:"1" maxLength:"5"`
		Owner store.ID `json:"ownerId,omitempty"`
		Any   any      `json:"any,omitempty"`
		Inner struct {
			List []int `json:"list,omitempty"`
		} `json:"inner,omitempty"`
	}
}

type told struct {
	Body struct {
		ID    store.ID `json:"id"`
		Name  string   `json:"name"`
		Owner store.ID `json:"ownerId"`
	}
}

// unspeakable cannot be encoded.
type unspeakable struct{}

func (unspeakable) MarshalJSON() ([]byte, error) { panic("cannot be said: secret") }

type failures struct{ all []string }

func build(t *testing.T, origins ...string) (*api.API, *failures) {
	t.Helper()
	failed := &failures{}
	a := api.New(api.Options{
		Version:        "test",
		AllowedOrigins: origins,
		Protect: func(api.Access, []gateway.Layer) func(http.Handler) http.Handler {
			return func(next http.Handler) http.Handler { return next }
		},
		Failed: func(_ context.Context, route string, err error) {
			failed.all = append(failed.all, route+": "+err.Error())
		},
	})
	echo := func(_ context.Context, in *thing) (*told, error) {
		out := &told{}
		out.Body.ID, out.Body.Name, out.Body.Owner = in.ID, in.Body.Name, in.Body.Owner
		return out, nil
	}
	api.Handle(a, api.Route{Method: "PUT", Path: "/api/things/{id}", Access: api.Public, MaxBody: 2000}, echo)
	api.Handle(a, api.Route{Method: "GET", Path: "/api/things/{id}", Access: api.Public}, func(_ context.Context, in *struct {
		ID    store.ID `path:"id"`
		After store.ID `query:"after"`
		Limit int      `query:"limit" minimum:"1" maximum:"50" default:"20"`
	}) (*told, error) {
		out := &told{}
		out.Body.ID = in.ID
		return out, nil
	})
	for name, err := range map[string]error{
		"plain": errors.New("SELECT secret"), "limited": &gateway.Error{Code: gateway.CodeRateLimited, Message: "Slower", Details: map[string]int{"retryAfter": 1500}},
		"conflict":   gateway.NewError(gateway.CodeConflict, "There is one"),
		"overloaded": gateway.NewError(gateway.CodeOverloaded, "Too many"),
		"password":   gateway.NewError(gateway.CodeUnauthorized, "That is not it"),
	} {
		api.Handle(a, api.Route{Method: "POST", Path: "/api/fails/" + name, Access: api.Public}, func(context.Context, *struct{}) (*struct{}, error) { return nil, err })
	}
	api.Handle(a, api.Route{Method: "POST", Path: "/api/panics", Access: api.Public}, func(context.Context, *struct{}) (*struct{}, error) { panic("secret") })
	api.Handle(a, api.Route{Method: "GET", Path: "/api/unspeakable", Access: api.Public}, func(context.Context, *struct{}) (*struct{ Body struct{ X unspeakable } }, error) {
		return &struct{ Body struct{ X unspeakable } }{}, nil
	})
	return a, failed
}

func call(h http.Handler, method, path, body string, header ...string) *http.Response {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Host = "kachi.example"
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		if header[i+1] == "" {
			r.Header.Del(header[i])
		} else {
			r.Header.Set(header[i], header[i+1])
		}
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

type problem struct {
	Status, Code, Message string
	Details               json.RawMessage
}

// Whatever is wrong is told in one shape, and nothing of the inside.
func TestErrorsHaveOneShape(t *testing.T) {
	a, failed := build(t)
	deep := func(n int) string {
		return `{"name":"x","any":` + strings.Repeat("[", n) + strings.Repeat("]", n) + `}`
	}
	for _, c := range []struct {
		what, method, path, body string
		header                   []string
		status                   int
		code, details            string // a part of the latter, or of the message
	}{
		{what: "malformed", method: "PUT", body: `{"name":`, status: 400, code: "bad_request"},
		{what: "malformed, behind", method: "PUT", body: `{"name":"x"} x`, status: 400, code: "bad_request"},
		{what: "two values", method: "PUT", body: `{"name":"x"}{"name":"y"}`, status: 400, code: "bad_request"},
		{what: "no UTF-8", method: "PUT", body: "{\"name\":\"\xff\"}", status: 400, code: "bad_request", details: "UTF-8"},
		{what: "not an object", method: "PUT", body: `[]`, status: 400, code: "invalid", details: "bject"},
		{what: "null", method: "PUT", body: `null`, status: 400, code: "invalid"},
		{what: "wrong type", method: "PUT", body: `{"name":5}`, status: 400, code: "invalid", details: `"path":"name"`},
		{what: "wrong type inside", method: "PUT", body: `{"name":"x","inner":{"list":[1,"x"]}}`, status: 400, code: "invalid", details: `"path":"inner.list[1]"`},
		{what: "out of range", method: "PUT", body: `{"name":"x","inner":{"list":[1e99]}}`, status: 400, code: "invalid"},
		{what: "too long", method: "PUT", body: `{"name":"secret"}`, status: 400, code: "invalid", details: `"path":"name"`},
		{what: "unknown field", method: "PUT", body: `{"name":"x","role":"admin"}`, status: 400, code: "invalid", details: `"path":"role"`},
		{what: "a field in capitals", method: "PUT", body: `{"name":"x","NAME":"much too long"}`, status: 400, code: "invalid", details: `"path":"NAME"`},
		{what: "twice", method: "PUT", body: `{"name":"x","name":"much too long"}`, status: 400, code: "bad_request", details: "twice"},
		{what: "twice, written otherwise", method: "PUT", body: `{"name":"x","n\u0061me":"y"}`, status: 400, code: "bad_request", details: "twice"},
		{what: "twice inside", method: "PUT", body: `{"name":"x","any":[{"a":1},{"a":{"b":1,"b":2}}]}`, status: 400, code: "bad_request", details: "twice"},
		{what: "deep", method: "PUT", body: deep(128), status: 400, code: "bad_request", details: "deep"},
		{what: "nothing", method: "PUT", status: 400, code: "bad_request"},
		{what: "another media type", method: "PUT", body: `{"name":"x"}`, header: []string{"Content-Type", "text/plain"}, status: 415, code: "unsupported_media_type"},
		{what: "a form", method: "PUT", body: `name=x`, header: []string{"Content-Type", "application/x-www-form-urlencoded"}, status: 415, code: "unsupported_media_type"},
		{what: "too large", method: "PUT", body: `{"name":"` + strings.Repeat("x", 2000) + `"}`, status: 413, code: "too_large"},
		{what: "an id that is none", method: "GET", path: "/api/things/x", status: 400, code: "invalid", details: `"path":"id"`},
		{what: "an id of 0", method: "GET", path: "/api/things/0", status: 400, code: "invalid", details: `"path":"id"`},
		{what: "an id below", method: "GET", path: "/api/things/-1", status: 400, code: "invalid", details: `"path":"id"`},
		{what: "an id too large", method: "GET", path: "/api/things/99999999999999999999", status: 400, code: "invalid", details: `"path":"id"`},
		{what: "an id in another form", method: "GET", path: "/api/things/007", status: 400, code: "invalid", details: `"path":"id","rule":"id","message":"An id is`},
		{what: "an id with a sign", method: "PUT", path: "/api/things/+1", body: `{"name":"x"}`, status: 400, code: "invalid", details: `"path":"id"`},
		{what: "an id in the query", method: "GET", path: "/api/things/1?after=007", status: 400, code: "invalid", details: `"path":"after"`},
		{what: "an id of 0 in a body", method: "PUT", body: `{"name":"x","ownerId":0}`, status: 400, code: "invalid", details: `An id is a whole number above 0`},
		{what: "an id in a body", method: "PUT", body: `{"name":"x","ownerId":"07"}`, status: 400, code: "invalid", details: `"path":"ownerId"`},
		{what: "a parameter", method: "GET", path: "/api/things/1?limit=51", status: 400, code: "invalid", details: `"path":"limit"`},
		{what: "no such route", method: "GET", path: "/api/nothing", status: 404, code: "not_found"},
		{what: "above all", method: "GET", path: "/api/", status: 404, code: "not_found"},
		{what: "another method", method: "DELETE", path: "/api/things/1", status: 405, code: "method_not_allowed"},
		{what: "a method of its own", method: "BREW", path: "/api/panics", status: 405, code: "method_not_allowed"},
		{what: "another method asked for by a header", method: "GET", path: "/api/panics", header: []string{"X-HTTP-Method-Override", "POST", "X-Method-Override", "POST"}, status: 405, code: "method_not_allowed"},
		{what: "inside", method: "POST", path: "/api/fails/plain", status: 500, code: "internal"},
		{what: "a code", method: "POST", path: "/api/fails/conflict", status: 409, code: "conflict"},
		{what: "a limit", method: "POST", path: "/api/fails/limited", status: 429, code: "rate_limited", details: "1500"},
		{what: "too many", method: "POST", path: "/api/fails/overloaded", status: 503, code: "overloaded"},
		{what: "a panic", method: "POST", path: "/api/panics", status: 500, code: "internal"},
	} {
		t.Run(c.what, func(t *testing.T) {
			path := c.path
			if path == "" {
				path = "/api/things/1"
			}
			answer := call(a, c.method, path, c.body, c.header...)
			text, _ := io.ReadAll(answer.Body)
			assert.Equal(t, answer.StatusCode, c.status, string(text))
			assert.Equal(t, answer.Header.Get("Content-Type"), "application/json")
			assert.Equal(t, answer.Header.Get("Cache-Control"), "no-store")
			assert.Equal(t, answer.Header.Get("X-Content-Type-Options"), "nosniff")
			var p problem
			assert.NoError(t, json.Unmarshal(text, &p), string(text))
			assert.Equal(t, []string{p.Status, p.Code}, []string{"error", c.code}, string(text))
			assert.True(t, p.Message != "")
			assert.True(t, strings.Contains(string(p.Details)+p.Message, c.details), string(text))
			for _, inside := range []string{"secret", "much too long", "struct", "json:", "api_test"} {
				assert.True(t, !strings.Contains(string(text), inside), string(text))
			}
		})
	}
	assert.Equal(t, len(failed.all), 2, failed.all)
	answer := call(a, "POST", "/api/fails/limited", "")
	assert.Equal(t, answer.Header.Get("Retry-After"), "2")
	answer = call(a, "POST", "/api/fails/overloaded", "")
	assert.True(t, regexp.MustCompile(`^[1-5]$`).MatchString(answer.Header.Get("Retry-After")), answer.Header)
	answer = call(a, "POST", "/api/fails/password", "")
	assert.Equal(t, answer.StatusCode, 401)
	assert.Equal(t, answer.Header.Get("WWW-Authenticate"), "Bearer")
	assert.Equal(t, answer.Header.Get("Content-Type"), "application/json")
}

func TestWhatIsTaken(t *testing.T) {
	a, _ := build(t)
	for body, owner := range map[string]string{
		`{"name":"x","ownerId":"7"}`: "7", `{"name":"x","ownerId":7}`: "7", `{"name":"x","ownerId":9007199254740993}`: "9007199254740993",
		`{"name":"x","ownerId":1,"any":` + strings.Repeat("[", 120) + strings.Repeat("]", 120) + `}`: "1",
		`{"name":"x","ownerId":1,"any":[{"a":1},{"a":[{"a":"a"}]}]}`:                                 "1",
	} {
		answer := call(a, "PUT", "/api/things/1", body, "Content-Type", "application/json; charset=utf-8")
		text, _ := io.ReadAll(answer.Body)
		assert.Equal(t, answer.StatusCode, 200, string(text))
		assert.Equal(t, string(text), `{"id":"1","name":"x","ownerId":"`+owner+`"}`+"\n")
		assert.Equal(t, answer.Header.Get("Cache-Control"), "no-store")
		assert.Equal(t, answer.Header.Get("X-Content-Type-Options"), "nosniff")
	}
	assert.Equal(t, call(a, "GET", "/api/things/1?after=&limit=", "").StatusCode, 200, "left out")
	head := call(a, "HEAD", "/api/things/1", "")
	assert.Equal(t, head.StatusCode, 200)
	for _, accept := range []string{"*/*", "application/json", "text/html", "application/xml"} {
		assert.Equal(t, call(a, "GET", "/api/things/1", "", "Accept", accept).StatusCode, 200, accept)
	}
}

func TestMethods(t *testing.T) {
	a, _ := build(t)
	assert.Equal(t, call(a, "DELETE", "/api/things/1", "").Header.Get("Allow"), "GET, HEAD, PUT, OPTIONS")
	options := call(a, "OPTIONS", "/api/things/1", "")
	assert.Equal(t, options.StatusCode, 204)
	assert.Equal(t, options.Header.Get("Allow"), "GET, HEAD, PUT, OPTIONS")
	assert.Equal(t, options.Header.Get("Access-Control-Allow-Origin"), "")
	assert.Equal(t, call(a, "OPTIONS", "/api/nothing", "").StatusCode, 404)
}

// What panics when it is encoded is not to be taken for an answer.
func TestAnAnswerThatCannotBeEncoded(t *testing.T) {
	a, failed := build(t)
	aborted := func() (v any) {
		defer func() { v = recover() }()
		call(a, "GET", "/api/unspeakable", "")
		return nil
	}()
	assert.True(t, aborted == http.ErrAbortHandler, aborted) //nolint:errorlint // as net/http compares
	assert.Equal(t, len(failed.all), 1)
}

func TestOtherSites(t *testing.T) {
	const (
		own, named, other = "https://kachi.example", "https://app.example", "https://evil.example"
		token, cookie     = "Bearer x", "kachi_session=x"
	)
	for _, c := range []struct {
		what    string
		origins []string
		header  []string
		good    bool
		cors    string
	}{
		{"no browser", nil, nil, true, ""},
		{"no browser, with a cookie", nil, []string{"Cookie", cookie}, true, ""},
		{"own page", nil, []string{"Origin", own, "Sec-Fetch-Site", "same-origin", "Cookie", cookie}, true, ""},
		{"own page in an old browser", nil, []string{"Origin", own, "Cookie", cookie}, true, ""},
		{"typed in", nil, []string{"Sec-Fetch-Site", "none"}, true, ""},
		{"another site", nil, []string{"Origin", other, "Sec-Fetch-Site", "cross-site", "Cookie", cookie}, false, ""},
		{"another site in an old browser", nil, []string{"Origin", other, "Cookie", cookie}, false, ""},
		{"another site with a token", nil, []string{"Origin", other, "Authorization", token}, false, ""},
		{"null", nil, []string{"Origin", "null", "Cookie", cookie}, false, ""},
		{"another host of the site", nil, []string{"Origin", "https://evil.kachi.example", "Sec-Fetch-Site", "same-site", "Cookie", cookie}, false, ""},
		{"a host that ends alike", nil, []string{"Origin", "https://evilkachi.example"}, false, ""},
		{"a host that begins alike", nil, []string{"Origin", "https://kachi.example.evil.example"}, false, ""},
		{"another port", nil, []string{"Origin", "https://kachi.example:444"}, false, ""},
		{"named", []string{named}, []string{"Origin", named, "Sec-Fetch-Site", "cross-site", "Authorization", token}, true, named},
		{"named with capitals", []string{"https://App.example"}, []string{"Origin", named, "Sec-Fetch-Site", "cross-site"}, true, named},
		{"not the named one", []string{named}, []string{"Origin", other, "Sec-Fetch-Site", "cross-site", "Authorization", token}, false, ""},
		{"the named one without TLS", []string{named}, []string{"Origin", "http://app.example"}, false, ""},
		{"the named one on a port", []string{named}, []string{"Origin", named + ":8443"}, false, ""},
		{"below the named one", []string{named}, []string{"Origin", "https://x.app.example"}, false, ""},
		{"null beside a named one", []string{named}, []string{"Origin", "null"}, false, ""},
		{"all, with a token", []string{"*"}, []string{"Origin", other, "Sec-Fetch-Site", "cross-site", "Authorization", token}, true, "*"},
		{"all, without", []string{"*"}, []string{"Origin", other, "Sec-Fetch-Site", "cross-site"}, false, "*"},
		{"all, by a cookie", []string{"*"}, []string{"Origin", other, "Sec-Fetch-Site", "cross-site", "Cookie", cookie}, false, "*"},
		{"all, by both", []string{"*"}, []string{"Origin", other, "Sec-Fetch-Site", "cross-site", "Cookie", cookie, "Authorization", token}, false, "*"},
	} {
		t.Run(c.what, func(t *testing.T) {
			a, _ := build(t, c.origins...)
			answer := call(a, "PUT", "/api/things/1", `{"name":"x"}`, c.header...)
			text, _ := io.ReadAll(answer.Body)
			want := 403
			if c.good {
				want = 200
			}
			assert.Equal(t, answer.StatusCode, want, string(text))
			assert.Equal(t, answer.Header.Get("Access-Control-Allow-Origin"), c.cors)
			credentials := ""
			if c.cors == named {
				credentials = "true"
			}
			assert.Equal(t, answer.Header.Get("Access-Control-Allow-Credentials"), credentials)
			if len(c.origins) > 0 {
				assert.Equal(t, answer.Header.Get("Vary"), "Origin")
			}
			if !c.good {
				assert.True(t, strings.Contains(string(text), `"code":"forbidden"`), string(text))
			}
			ask := call(a, "OPTIONS", "/api/things/1", "", append(c.header, "Access-Control-Request-Method", "PUT", "Access-Control-Request-Headers", "authorization")...)
			allowed := ""
			if c.cors != "" {
				allowed = "GET, HEAD, PUT"
			}
			assert.Equal(t, ask.StatusCode, 204)
			assert.Equal(t, ask.Header.Get("Access-Control-Allow-Methods"), allowed)
			assert.Equal(t, ask.Header.Get("Access-Control-Allow-Origin"), c.cors)
		})
	}
}

// Whoever announces a body and does not send it is not waited for; a handler may take its
// time.
func TestSlowBodies(t *testing.T) {
	const limit = 200 * time.Millisecond
	a := api.New(api.Options{BodyTimeout: limit, Protect: func(api.Access, []gateway.Layer) func(http.Handler) http.Handler {
		return func(next http.Handler) http.Handler { return next }
	}})
	type input struct{ Body struct{ Name string } }
	api.Handle(a, api.Route{Method: "POST", Path: "/api/read", Access: api.Public}, func(context.Context, *input) (*struct{}, error) { return nil, nil })
	api.Handle(a, api.Route{Method: "POST", Path: "/api/unread", Access: api.Public}, func(context.Context, *struct{}) (*struct{}, error) { return nil, nil })
	api.Handle(a, api.Route{Method: "POST", Path: "/api/long", Access: api.Public}, func(ctx context.Context, _ *input) (*struct{}, error) {
		select {
		case <-ctx.Done():
			return nil, gateway.NewError("gone", "The client was taken for gone")
		case <-time.After(3 * limit):
			return nil, nil
		}
	})
	server := httptest.NewServer(a)
	defer server.Close()
	for path, want := range map[string]string{"/api/read": "408", "/api/unread": "204", "/api/long": "204"} {
		c, err := net.Dial("tcp", server.Listener.Addr().String())
		assert.NoError(t, err)
		body := ""
		if path == "/api/long" {
			body = `{"Name":"x"}`
		}
		_, err = io.WriteString(c, "POST "+path+" HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 12\r\n\r\n"+body)
		assert.NoError(t, err)
		assert.NoError(t, c.SetReadDeadline(time.Now().Add(30*time.Second)))
		first, err := bufio.NewReader(c).ReadString('\n')
		assert.NoError(t, err, path)
		assert.True(t, strings.Contains(first, want), path, first)
		if body == "" { // and the connection ends
			_, err = io.Copy(io.Discard, c)
			assert.NoError(t, err, path)
		}
		assert.NoError(t, c.Close())
	}
}

func TestTheDocumentIsThere(t *testing.T) {
	a, _ := build(t)
	text, err := a.Document()
	assert.NoError(t, err)
	assert.True(t, json.Valid(text))
	assert.True(t, strings.Contains(string(text), `"/api/things/{id}"`))
}
