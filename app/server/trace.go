package server

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/internal/ids"
)

// requestID is the header by which a request is known in logs: the caller's, or a proxy's,
// or one that is made here. Answers have it, too.
const requestID = "X-Request-Id"

type requestKey struct{}

// identified gives each request its id.
func identified(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := r.Header.Get(requestID)
		if !sane(id) {
			id = ids.New()
		}
		w.Header().Set(requestID, id)
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), requestKey{}, id)))
	})
}

// sane reports whether an id that a client made up may stand in logs: it is short, and has
// nothing that reads as something else.
func sane(id string) bool {
	for _, c := range []byte(id) {
		switch {
		case c >= '0' && c <= '9', c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '-', c == '_', c == '.':
		default:
			return false
		}
	}
	return id != "" && len(id) <= 64
}

// traced says in each line of the log which request, or which socket, it is about, where
// the context knows.
type traced struct{ slog.Handler }

// Handle implements [slog.Handler].
func (t traced) Handle(ctx context.Context, r slog.Record) error {
	name, id := "request", ""
	if v, ok := ctx.Value(requestKey{}).(string); ok {
		id = v
	} else if c, ok := gateway.CallFrom(ctx); ok && c.Socket() != nil {
		name, id = "socket", c.Socket().ID()
	}
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == name {
			id = "" // it is said already
		}
		return id != ""
	})
	if id != "" {
		r = r.Clone()
		r.AddAttrs(slog.String(name, id))
	}
	return t.Handler.Handle(ctx, r)
}

// WithAttrs implements [slog.Handler].
func (t traced) WithAttrs(attrs []slog.Attr) slog.Handler { return traced{t.Handler.WithAttrs(attrs)} }

// WithGroup implements [slog.Handler].
func (t traced) WithGroup(name string) slog.Handler { return traced{t.Handler.WithGroup(name)} }
