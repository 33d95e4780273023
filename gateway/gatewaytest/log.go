package gatewaytest

import (
	"log/slog"
	"sync"
	"testing"
)

// logger writes into a test's output, which is shown when the test fails.
func logger(t testing.TB) *slog.Logger {
	w := &output{t: t}
	t.Cleanup(w.end) // registered before the app's own, so that it is called after it
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{
		Level: slog.LevelWarn,
		ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
			if len(groups) == 0 && a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		},
	}))
}

// output is a test's, until the test ends: what is written later, by a goroutine that was
// left, would be a panic.
type output struct {
	mu sync.Mutex
	t  testing.TB // nil at the end
}

func (o *output) Write(text []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.t == nil {
		return len(text), nil
	}
	return o.t.Output().Write(text)
}

func (o *output) end() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.t = nil
}
