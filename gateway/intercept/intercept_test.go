package intercept_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/gateway/gatewaytest"
	"github.com/kachi-io/kachi/gateway/intercept"
	"github.com/kachi-io/kachi/internal/assert"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func start(t *testing.T, register func(*gateway.Namespace[string])) *gatewaytest.App {
	t.Helper()
	return gatewaytest.New(t, nil, gateway.New("/c", gatewaytest.ByName, register))
}

// buffer is written by the server and read by the test.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) take() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	defer b.b.Reset()
	return b.b.String()
}

func TestLogging(t *testing.T) {
	var log buffer
	app := start(t, func(g *gateway.Namespace[string]) {
		gateway.Handle(g, "behind", func(*gateway.Context[string], gateway.None) error { return nil })
		gateway.On(g, "do", func(_ *gateway.Context[string], in string) (string, error) {
			switch in {
			case "coded secret":
				return "", gateway.NewError("teapot", "short")
			case "plain secret":
				return "", errors.New("plain")
			case "panic secret":
				panic("on purpose")
			}
			return "answer " + in, nil
		}).Use(intercept.Logging(slog.New(slog.NewJSONHandler(&log, nil))))
	})
	for _, who := range []string{"mina", ""} {
		c := app.Dial(t, "/c", gatewaytest.Name(who))
		for in, want := range map[string]string{
			"good secret":  `INFO   `,
			"coded secret": `WARN teapot teapot: short`,
			"plain secret": `ERROR internal plain`,
			"panic secret": `ERROR internal panic`,
		} {
			c.Emit(t, "do", in)
			gatewaytest.Ask[any](t, c, "behind")
			line := log.take()
			var got struct {
				Level, Msg, Namespace, Event, Socket, Principal, Code, Error string
				Duration                                                     *int64
			}
			assert.NoError(t, json.Unmarshal([]byte(line), &got), line)
			assert.Equal(t, strings.TrimSpace(got.Level+" "+got.Code+" "+got.Error), strings.TrimSpace(want))
			assert.Equal(t, []any{got.Msg, got.Namespace, got.Event, got.Principal}, []any{"call", "/c", "do", who})
			assert.True(t, got.Socket != "" && got.Duration != nil && *got.Duration >= 0, line)
			assert.True(t, !strings.Contains(line, "secret"), line)
		}
	}
}

func TestTimeout(t *testing.T) {
	app := start(t, func(g *gateway.Namespace[string]) {
		handle := func(c *gateway.Context[string], in string) (string, error) {
			<-c.Done()
			switch in {
			case "heeds":
				return "", fmt.Errorf("asking: %w", c.Err())
			case "coded":
				return "", gateway.NotFound("nothing")
			}
			return "late", nil
		}
		gateway.On(g, "short", handle).Use(intercept.Timeout(time.Millisecond))
		gateway.On(g, "long", func(c *gateway.Context[string], _ gateway.None) (bool, error) {
			_, limited := c.Deadline()
			return limited, context.DeadlineExceeded // of something else
		}).Use(gateway.Interceptor(func(next gateway.Handler) gateway.Handler {
			return func(c *gateway.Call) (any, error) {
				out, err := next(c)
				if _, limited := c.Deadline(); limited {
					return nil, gateway.NewError("limited", "the deadline is still there")
				}
				return out, err
			}
		}), intercept.Timeout(time.Hour))
	})
	c := app.Dial(t, "/c")
	assert.Equal(t, c.AskError(t, gateway.CodeTimeout, "short", "heeds").Message, "There was no answer in time")
	c.AskError(t, gateway.CodeNotFound, "short", "coded")
	assert.Equal(t, gatewaytest.Ask[string](t, c, "short", "does not"), "late")
	c.AskError(t, gateway.CodeInternal, "long")
}

func TestCache(t *testing.T) {
	var runs atomic.Int64
	items := gateway.NewEvent[int]("item")
	app := start(t, func(g *gateway.Namespace[string]) {
		find := func(c *gateway.Context[string], in gateway.Raw) (string, error) {
			n := runs.Add(1)
			if strings.Contains(string(in.Raw[0]), "wrong") {
				return "", gateway.Errorf("wrong", "run %d", n)
			}
			if strings.Contains(string(in.Raw[0]), "panic") {
				panic("on purpose")
			}
			return fmt.Sprint(c.Principal, n), nil
		}
		shared := intercept.Cache(time.Hour, intercept.Shared)
		gateway.On(g, "all", find).Use(shared)
		gateway.On(g, "others", find).Use(shared)
		gateway.On(g, "own", find).Use(intercept.Cache(time.Hour, intercept.PerPrincipal))
		gateway.On(g, "never", find).Use(intercept.Cache(time.Hour, func(*gateway.Call) string { return "" }))
		gateway.Stream(g, "stream", items, func(*gateway.Context[string], gateway.None) iter.Seq2[int, error] {
			return func(yield func(int, error) bool) { yield(1, nil) }
		}).Use(shared)
	})
	dial := func(name string) *gatewaytest.Client { return app.Dial(t, "/c", gatewaytest.Name(name)) }
	mina, again, jun, nobody, neither := dial("mina"), dial("mina"), dial("jun"), dial(""), dial("")
	for i, step := range []struct {
		who    *gatewaytest.Client
		event  string
		args   []any
		answer string
	}{
		{mina, "all", []any{"x"}, "mina1"},
		{jun, "all", []any{"x"}, "mina1"},
		{jun, "all", []any{"x", 1}, "jun2"},
		{jun, "others", []any{"x"}, "jun3"},
		{mina, "own", []any{"x"}, "mina4"},
		{again, "own", []any{"x"}, "mina4"},
		{jun, "own", []any{"x"}, "jun5"},
		{nobody, "own", []any{"x"}, "6"},
		{nobody, "own", []any{"x"}, "6"},
		{neither, "own", []any{"x"}, "7"},
		{mina, "never", []any{"x"}, "mina8"},
		{mina, "never", []any{"x"}, "mina9"},
	} {
		assert.Equal(t, gatewaytest.Ask[string](t, step.who, step.event, step.args...), step.answer, i, step.event)
	}
	for _, run := range []string{"run 10", "run 11"} {
		assert.Equal(t, mina.AskError(t, "wrong", "all", "wrong").Message, run)
	}
	for range 2 {
		mina.AskError(t, gateway.CodeInternal, "all", "panic")
	}
	assert.Equal(t, gatewaytest.Ask[string](t, mina, "never", "x"), "mina14")
	for range 2 {
		assert.Equal(t, gatewaytest.Ask[gateway.Streamed](t, mina, "stream"), gateway.Streamed{Count: 1})
		assert.Equal(t, gatewaytest.Next(t, mina, items), 1)
	}
}

// A client of an older version has another handler for the event, and other answers.
func TestACacheOfSeveralVersions(t *testing.T) {
	o := gateway.Options{Versions: gateway.Versions{Current: 3}}
	app := gatewaytest.New(t, &gatewaytest.Options{App: o}, gateway.New("/c", gatewaytest.ByName, func(g *gateway.Namespace[string]) {
		g.Use(intercept.Cache(time.Hour, intercept.Shared))
		runs := 0
		gateway.On(g, "find", func(*gateway.Context[string], gateway.None) (string, error) {
			runs++
			return fmt.Sprint("old ", runs), nil
		})
		gateway.On(g, "find", func(*gateway.Context[string], gateway.None) (map[string]int, error) {
			runs++
			return map[string]int{"new": runs}, nil
		}).Since(2)
	}))
	for range 2 {
		first, second, third := app.Dial(t, "/c", gatewaytest.Query("version", "1")), app.Dial(t, "/c", gatewaytest.Query("version", "2")), app.Dial(t, "/c", gatewaytest.Query("version", "3"))
		assert.Equal(t, gatewaytest.Ask[string](t, first, "find"), "old 1")
		assert.Equal(t, gatewaytest.Ask[map[string]int](t, second, "find"), map[string]int{"new": 2})
		assert.Equal(t, gatewaytest.Ask[map[string]int](t, third, "find"), map[string]int{"new": 2}) // by the same handler
	}
}

func TestOneAsksForAll(t *testing.T) {
	begun, release := make(chan struct{}, 10), make(chan struct{})
	found := gateway.NewEvent[int]("found")
	app := start(t, func(g *gateway.Namespace[string]) {
		g.Emits(found)
		gateway.On(g, "slow", func(*gateway.Context[string], gateway.None) (gateway.Reply[int], error) {
			begun <- struct{}{}
			<-release
			return gateway.Reply[int]{Event: found, Data: 1}, nil
		}).Use(intercept.Cache(time.Hour, intercept.Shared))
	})
	clients := []*gatewaytest.Client{app.Dial(t, "/c"), app.Dial(t, "/c"), app.Dial(t, "/c")}
	for _, c := range clients {
		c.Emit(t, "slow")
	}
	assert.Receive(t, begun)
	close(release)
	for _, c := range clients {
		assert.Equal(t, gatewaytest.Next(t, c, found), 1)
	}
	assert.Equal(t, len(begun), 0)
}

func TestLoggingWhoHasGone(t *testing.T) {
	var log buffer
	begun := make(chan struct{}, 1)
	app := start(t, func(g *gateway.Namespace[string]) {
		gateway.Handle(g, "wait", func(c *gateway.Context[string], _ gateway.None) error {
			begun <- struct{}{}
			<-c.Done()
			return c.Err()
		}).Use(intercept.Logging(slog.New(slog.NewJSONHandler(&log, nil))))
	})
	c := app.Dial(t, "/c")
	c.Emit(t, "wait")
	assert.Receive(t, begun)
	c.Close()
	var line string
	assert.Eventually(t, func() bool { line += log.take(); return strings.HasSuffix(line, "\n") })
	assert.True(t, strings.Contains(line, `"level":"INFO"`), line)
	assert.True(t, strings.Contains(line, `"error":"context canceled"`), line)
}

// What could never work is said when it is made.
func TestMistakes(t *testing.T) {
	for name, make := range map[string]func(){
		"no log":          func() { intercept.Logging(nil) },
		"no time":         func() { intercept.Timeout(0) },
		"nothing is kept": func() { intercept.Cache(0, intercept.Shared) },
		"no key":          func() { intercept.Cache(time.Second, nil) },
		"more than enough": func() {
			intercept.Cache(time.Second, intercept.Shared, intercept.CacheOptions{}, intercept.CacheOptions{})
		},
	} {
		func() {
			defer func() { assert.True(t, recover() != nil, name) }()
			make()
		}()
	}
}
