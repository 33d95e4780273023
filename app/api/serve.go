package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/socketio"
)

// everything is the pattern of what no route has.
const everything = "/api/"

// ServeHTTP answers requests. All answers are JSON or empty, and none is kept by a cache or
// taken for something else by a browser.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	out := &answer{ResponseWriter: w}
	// Also for a body that nobody reads: net/http looks for its end when all is said.
	connection := http.NewResponseController(w)
	wait := func() { _ = connection.SetReadDeadline(time.Now().Add(a.opts.BodyTimeout)) }
	wait()
	defer wait()
	defer a.recovered(out, r)
	if !a.sites.admit(h, r) {
		refuse(out, r, http.StatusForbidden, gateway.Forbidden("Pages of other sites may not do that"))
		return
	}
	inner := r.WithContext(context.WithValue(r.Context(), connectionKey{}, connection))
	defer func() { r.Pattern = inner.Pattern }() // for those around, who count by routes
	a.mux.ServeHTTP(out, inner)
}

type connectionKey struct{}

// answer knows whether it has begun.
type answer struct {
	http.ResponseWriter
	begun bool
}

func (w *answer) WriteHeader(status int) {
	w.begun = true
	w.ResponseWriter.WriteHeader(status)
}

func (w *answer) Write(b []byte) (int, error) {
	w.begun = true
	return w.ResponseWriter.Write(b)
}

// Unwrap is for [http.ResponseController].
func (w *answer) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// recovered answers in the place of what has panicked around a handler: the decoding of its
// input, or the encoding of its result.
func (a *API) recovered(w *answer, r *http.Request) {
	v := recover()
	if v == nil {
		return
	}
	if v == http.ErrAbortHandler { //nolint:errorlint // net/http compares so, too
		panic(v)
	}
	err := &socketio.PanicError{Value: v, Stack: debug.Stack()}
	if a.opts.Failed != nil {
		a.opts.Failed(r.Context(), r.Method+" "+r.URL.Path, err)
	}
	if w.begun {
		panic(http.ErrAbortHandler) // what is half said is not to be taken for the whole
	}
	gateway.WriteError(w, r, err)
}

// enough is how long a handler may take that changes something, and whose caller has gone.
const enough = time.Minute

// survive makes an error of a handler's panic. The handler may take longer than the body:
// with a deadline that passes net/http would take the client for gone.
func survive[In, Out any](ctx context.Context, changes bool, in *In, handler func(context.Context, *In) (*Out, error)) (out *Out, err error) {
	if c, ok := ctx.Value(connectionKey{}).(*http.ResponseController); ok {
		_ = c.SetReadDeadline(time.Time{})
	}
	if changes {
		// Who signs out and closes the page has signed out: what is stored in several steps, and
		// told then, is not left in the middle.
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), enough)
		defer cancel()
	}
	defer func() {
		if v := recover(); v != nil {
			out, err = nil, &socketio.PanicError{Value: v, Stack: debug.Stack()}
		}
	}()
	return handler(ctx, in)
}

// nowhere answers what no route has: another method would do, or nothing.
func (a *API) nowhere(w http.ResponseWriter, r *http.Request) {
	var allow []string
	for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"} {
		if _, pattern := a.mux.Handler(&http.Request{Method: method, Host: r.Host, URL: r.URL}); pattern != everything {
			allow = append(allow, method)
		}
	}
	if allow == nil {
		gateway.WriteError(w, r, gateway.NotFound("There is no such route"))
		return
	}
	w.Header().Set("Allow", strings.Join(append(allow, "OPTIONS"), ", "))
	if r.Method == http.MethodOptions {
		a.sites.preflight(w.Header(), r, allow)
		w.WriteHeader(http.StatusNoContent)
		return
	}
	refuse(w, r, http.StatusMethodNotAllowed, gateway.NewError(CodeMethod, fmt.Sprintf("That is called by %s", strings.Join(allow, ", "))))
}

// refuse answers with a status that does not go by the code.
func refuse(w http.ResponseWriter, r *http.Request, status int, err *gateway.Error) {
	pattern := r.Method + " " + r.URL.Path
	text, _ := json.Marshal(socketio.PublicError(err, pattern)) // of texts alone
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(text)
}
