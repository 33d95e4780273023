package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"

	"github.com/kachi-io/kachi/socketio"
)

// Protect has requests over HTTP pass what events of a gateway pass: the authenticator, what
// [App.Revoke] took back, the guards of [Options].Use, and then layers, guards and filters.
// What refuses a request is answered by [WriteError]; a panic of these, too. The handler
// finds the principal by [PrincipalFrom].
//
//	private := gateway.Protect(app, auth, isAdmin)
//	mux.Handle("GET /api/reports/{id}", private(reports))
//
// Put around a handler within a mux it lets guards see the path's parameters ([Call.Param])
// and pattern. The handler's own panics are net/http's to deal with, and what is to surround
// handlers is net/http's middleware: an interceptor among the layers is a mistake, as is an
// authenticator that is not fit for use, and Protect panics.
func Protect[P any](app *App, auth Authenticator[P], layers ...Layer) func(http.Handler) http.Handler {
	source := caller(1)
	wrong := func(format string, args ...any) {
		panic(fmt.Errorf("gateway: %s: Protect: %s", source, fmt.Sprintf(format, args...)))
	}
	if err := fit(auth); err != nil {
		wrong("%v", err)
	}
	for _, l := range layers {
		if l != nil && kind(l) == "interceptor" {
			wrong("%s is an interceptor: around handlers of HTTP stands middleware", l.layer())
		}
	}
	var guards []Layer
	for _, l := range app.opts.Use {
		if kind(l) == "guard" {
			guards = append(guards, l)
		}
	}
	gate := func(c *Call) (any, error) { return passed{}, nil }
	chain, err := newChain(gate, guards, layers)
	if err != nil {
		wrong("%v", err)
	}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			c := &Call{Context: r.Context(), app: app, request: r, pattern: patternOf(r)}
			err := protected(func() error { return admitRequest(c, auth) })
			var out any
			if err == nil {
				out, err = chain.run(c)
			}
			if err != nil {
				c.report(err)
				WriteError(w, r, err)
				return
			}
			if _, ok := out.(passed); !ok { // a filter has forgiven a refusal: there is nothing to say
				w.WriteHeader(http.StatusNoContent)
				return
			}
			ctx := context.WithValue(c.Context, principalKey[P]{}, c.who.principal)
			next.ServeHTTP(w, r.WithContext(context.WithValue(ctx, callKey{}, c)))
		})
	}
}

// passed is the result of a request that all layers let pass.
type passed struct{}

func kind(l Layer) string {
	switch l := l.(type) {
	case named:
		return kind(l.Layer)
	case Guard:
		return "guard"
	case Interceptor:
		return "interceptor"
	}
	return "filter"
}

func admitRequest[P any](c *Call, auth Authenticator[P]) error {
	who, err := identify(c, auth, c.Handshake())
	if err != nil {
		return err
	}
	c.who = who
	return c.app.revoked(c, who)
}

// patternOf names what a request wants: "GET /api/reports/{id}".
func patternOf(r *http.Request) string {
	if r.Pattern != "" {
		return r.Pattern
	}
	return r.Method + " " + r.URL.Path
}

// WriteError answers a request with an error, in the shape in which clients of gateways see
// errors: {"status":"error","code":…,"message":…}. The status goes by the code: 401
// "unauthorized", 404 "not_found", 400 "bad_request" and "invalid", 409 "conflict", 429
// "rate_limited", 503 "overloaded", "unavailable" and "timeout", 500 "internal"; 403
// "forbidden" and all others, which are the application's refusals. What is no [*Error]
// is an internal one.
func WriteError(w http.ResponseWriter, r *http.Request, err error) {
	body := socketio.PublicError(err, patternOf(r))
	var text []byte
	if protected(func() (failed error) { text, failed = json.Marshal(body); return failed }) != nil {
		body.Details = nil
		text, _ = json.Marshal(body) // strings alone
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	if body.Code == CodeUnauthorized {
		h.Set("WWW-Authenticate", "Bearer")
	}
	if d := RetryAfter(err); d > 0 {
		h.Set("Retry-After", strconv.FormatInt(int64((d+time.Second-1)/time.Second), 10))
	}
	w.WriteHeader(HTTPStatus(body.Code))
	_, _ = w.Write(text)
}

// HTTPStatus returns the status that goes with a code over HTTP, see [WriteError].
func HTTPStatus(code string) int {
	switch code {
	case CodeUnauthorized:
		return http.StatusUnauthorized
	case CodeNotFound:
		return http.StatusNotFound
	case CodeBadRequest, CodeInvalid:
		return http.StatusBadRequest
	case CodeConflict:
		return http.StatusConflict
	case CodeRateLimited:
		return http.StatusTooManyRequests
	case CodeOverloaded, CodeUnavailable, CodeTimeout:
		return http.StatusServiceUnavailable
	case CodeInternal:
		return http.StatusInternalServerError
	}
	return http.StatusForbidden
}

// RetryAfter returns when to come again after an error: what its details say, where its code is
// "rate_limited"; some seconds where that is "overloaded" or "unavailable", each time others, so
// that those who are sent away do not come back together; 0 for all else.
func RetryAfter(err error) time.Duration {
	var coded *Error
	if !errors.As(err, &coded) {
		return 0
	}
	switch {
	case coded.Code == CodeOverloaded || coded.Code == CodeUnavailable:
		return time.Second + rand.N(4*time.Second)
	case coded.Code != CodeRateLimited || coded.Details == nil:
		return 0
	}
	text, failed := json.Marshal(coded.Details)
	var details struct{ RetryAfter float64 }
	if failed != nil || json.Unmarshal(text, &details) != nil || details.RetryAfter > 1e9 {
		return 0
	}
	return time.Duration(details.RetryAfter * float64(time.Millisecond))
}
