package intercept_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/gateway/intercept"
	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/wstest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type named struct{}

func (named) Authenticate(_ context.Context, h *gateway.Handshake) (gateway.Identity[string], error) {
	var auth struct{ Name string }
	err := h.DecodeAuth(&auth)
	return gateway.Identity[string]{Principal: auth.Name, Key: auth.Name}, err
}

func start(t *testing.T, register func(*gateway.Namespace[string])) string {
	t.Helper()
	app, err := gateway.NewApp(nil, gateway.New("/c", named{}, register))
	assert.NoError(t, err)
	host := httptest.NewServer(app)
	t.Cleanup(func() {
		assert.NoError(t, app.Stop(context.Background()))
		host.Close()
	})
	return host.URL
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
	url := start(t, func(g *gateway.Namespace[string]) {
		g.Use(intercept.Logging(slog.New(slog.NewJSONHandler(&log, nil))))
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
		})
	})
	for _, who := range []string{"mina", ""} {
		c := wstest.Join(t, url, "/c", `{"name":"`+who+`"}`)
		for in, want := range map[string]string{
			"good secret":  `INFO   `,
			"coded secret": `WARN teapot teapot: short`,
			"plain secret": `ERROR internal plain`,
			"panic secret": `ERROR internal panic`,
		} {
			c.Ask(`2/c,1["do","` + in + `"]`)
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
	url := start(t, func(g *gateway.Namespace[string]) {
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
	c := wstest.Join(t, url, "/c", "")
	assert.Equal(t, c.Ask(`2/c,1["short","heeds"]`), `3/c,1[{"status":"error","code":"timeout","message":"There was no answer in time","cause":{"pattern":"short"}}]`)
	assert.True(t, strings.Contains(c.Ask(`2/c,1["short","coded"]`), `"not_found"`))
	assert.Equal(t, c.Ask(`2/c,1["short","does not"]`), `3/c,1["late"]`)
	assert.True(t, strings.Contains(c.Ask(`2/c,1["long"]`), `"internal"`))
}

func TestCache(t *testing.T) {
	var runs atomic.Int64
	items := gateway.NewEvent[int]("item")
	url := start(t, func(g *gateway.Namespace[string]) {
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
	mina, again, jun := wstest.Join(t, url, "/c", `{"name":"mina"}`), wstest.Join(t, url, "/c", `{"name":"mina"}`), wstest.Join(t, url, "/c", `{"name":"jun"}`)
	nobody, neither := wstest.Join(t, url, "/c", ``), wstest.Join(t, url, "/c", ``)
	for i, step := range []struct {
		who           wstest.Client
		event, answer string
	}{
		{mina, `["all","x"]`, `"mina1"`},
		{jun, `["all","x"]`, `"mina1"`},
		{jun, `["all","x",1]`, `"jun2"`},
		{jun, `["others","x"]`, `"jun3"`},
		{mina, `["own","x"]`, `"mina4"`},
		{again, `["own","x"]`, `"mina4"`},
		{jun, `["own","x"]`, `"jun5"`},
		{nobody, `["own","x"]`, `"6"`},
		{nobody, `["own","x"]`, `"6"`},
		{neither, `["own","x"]`, `"7"`},
		{mina, `["never","x"]`, `"mina8"`},
		{mina, `["never","x"]`, `"mina9"`},
		{mina, `["all","wrong"]`, `{"status":"error","code":"wrong","message":"run 10","cause":{"pattern":"all"}}`},
		{mina, `["all","wrong"]`, `{"status":"error","code":"wrong","message":"run 11","cause":{"pattern":"all"}}`},
		{mina, `["all","panic"]`, `{"status":"error","code":"internal","message":"Internal error","cause":{"pattern":"all"}}`},
		{mina, `["all","panic"]`, `{"status":"error","code":"internal","message":"Internal error","cause":{"pattern":"all"}}`},
		{mina, `["never","x"]`, `"mina14"`},
	} {
		assert.Equal(t, step.who.Ask("2/c,1"+step.event), "3/c,1["+step.answer+"]", i, step.event)
	}
	for range 2 {
		assert.Equal(t, mina.Ask(`2/c,1["stream"]`), `2/c,["item",1]`)
		mina.Expect(`3/c,1[{"count":1}]`)
	}
}

func TestOneAsksForAll(t *testing.T) {
	begun, release := make(chan struct{}, 10), make(chan struct{})
	url := start(t, func(g *gateway.Namespace[string]) {
		gateway.On(g, "slow", func(*gateway.Context[string], gateway.None) (int, error) {
			begun <- struct{}{}
			<-release
			return 1, nil
		}).Use(intercept.Cache(time.Hour, intercept.Shared))
		gateway.On(g, "sync", func(*gateway.Context[string], gateway.None) (int, error) { return 2, nil })
	})
	var all []wstest.Client
	for range 3 {
		c := wstest.Join(t, url, "/c", "")
		all = append(all, c)
		c.Send(`2/c,1["slow"]`)
	}
	assert.Receive(t, begun)
	close(release)
	for _, c := range all {
		c.Expect(`3/c,1[1]`)
	}
	assert.Equal(t, len(begun), 0)
}
