package server

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/kachi-io/kachi/gateway"
)

// observed counts and logs the requests of a mux, which leaves its pattern in them. Those of
// Socket.IO are counted where they are understood, and cost nothing here.
func (s *Server) observed(mux http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, socketPath) {
			mux.ServeHTTP(w, r)
			return
		}
		begun := time.Now()
		answer := &answer{ResponseWriter: w, connection: http.NewResponseController(w), patience: s.opts.WriteTimeout}
		defer func() {
			took := time.Since(begun)
			route := r.Pattern
			if route == "" {
				route = "none"
			}
			status := answer.status
			if status == 0 {
				status = http.StatusOK // net/http's, for who has written nothing
			}
			s.figures.request(route, r.Method, status, took)
			s.logRequest(r, route, status, answer.bytes, took)
		}()
		defer func() {
			v := recover()
			if v == nil {
				return
			}
			if v == http.ErrAbortHandler {
				panic(v)
			}
			s.log.ErrorContext(r.Context(), "http: a handler panicked", "route", r.Pattern, "panic", v, "stack", string(debug.Stack()))
			if answer.status != 0 { // the client has to see that this is not all of it
				panic(http.ErrAbortHandler)
			}
			gateway.WriteError(answer, r, errPanic)
		}()
		mux.ServeHTTP(answer, r)
	})
}

// logRequest writes the line of a request: of the API, and of what went wrong, for everybody
// who runs a server; of pages, probes and the like for those who look for something. Queries
// and headers may hold secrets, and are not written.
func (s *Server) logRequest(r *http.Request, route string, status int, bytes int64, took time.Duration) {
	level := slog.LevelDebug
	if status >= 500 || strings.HasPrefix(r.URL.Path, "/api/") {
		level = slog.LevelInfo
	}
	if route == "GET /readyz" || !s.log.Enabled(context.Background(), level) { // which logs by itself why it is red
		return
	}
	path := r.URL.Path
	if len(path) > 200 {
		path = path[:200] + "…"
	}
	s.log.LogAttrs(r.Context(), level, "http: request", slog.String("method", r.Method), slog.String("path", path), slog.String("route", route),
		slog.Int("status", status), slog.Int64("bytes", bytes), slog.Duration("took", took), slog.Any("address", s.app.Server().ClientAddress(r)))
}

var errPanic = errors.New("a handler panicked")

// piece is what a client has [Options.WriteTimeout] to read.
const piece = 64 << 10

// answer notes what is answered, and gives its reader time: the host's WriteTimeout is for the
// whole, which may be a large file of somebody's pages.
type answer struct {
	http.ResponseWriter
	connection *http.ResponseController
	patience   time.Duration
	status     int
	bytes      int64
}

// Unwrap is for [http.ResponseController].
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

func (a *answer) WriteHeader(status int) {
	if a.status == 0 && status >= 200 {
		a.status = status
	}
	a.ResponseWriter.WriteHeader(status)
}

func (a *answer) Write(b []byte) (written int, err error) {
	if a.status == 0 {
		a.status = http.StatusOK
	}
	for {
		_ = a.connection.SetWriteDeadline(time.Now().Add(a.patience)) // not for recorders of tests
		n, err := a.ResponseWriter.Write(b[:min(len(b), piece)])
		written, b = written+n, b[n:]
		a.bytes += int64(n)
		if err != nil || len(b) == 0 {
			return written, err
		}
	}
}
