package server_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kachi-io/kachi/app/apptest"
	"github.com/kachi-io/kachi/app/server"
	"github.com/kachi-io/kachi/internal/assert"
)

// lines is a log that a test may read while it is written.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func (l *lines) logger() *slog.Logger {
	return slog.New(slog.NewJSONHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

func TestRequestsAreKnownByAnIDInAnswersAndLogs(t *testing.T) {
	log := &lines{}
	app := apptest.New(t, &server.Options{Logger: log.logger()})
	ask := func(id string) string {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), "GET", app.URL+"/api/me", nil)
		assert.NoError(t, err)
		r.Close = true
		r.Header.Set("X-Request-Id", id)
		answer, err := http.DefaultTransport.RoundTrip(r)
		assert.NoError(t, err)
		assert.NoError(t, answer.Body.Close())
		assert.Equal(t, answer.StatusCode, 401)
		return answer.Header.Get("X-Request-Id")
	}
	assert.Equal(t, ask("trace-1.A_b"), "trace-1.A_b", "a sane one is kept")
	assert.True(t, strings.Contains(log.String(), `"request":"trace-1.A_b"`), log.String())
	for _, bad := range []string{"", "a b", `a"b`, "a\tb", "ä", strings.Repeat("x", 65)} {
		made := ask(bad)
		assert.Equal(t, len(made), 20)
		assert.True(t, strings.Contains(log.String(), `"request":"`+made+`"`), log.String())
	}
	assert.True(t, !strings.Contains(log.String(), "a b"))
}

func TestWhatHasExpiredIsForgottenEveryHour(t *testing.T) {
	app := apptest.New(t, nil)
	job := app.Server.Tidying()
	assert.Eventually(t, func() bool { return !job.Stats().Next.IsZero() })
	assert.True(t, time.Until(job.Stats().Next) <= time.Hour)
}
