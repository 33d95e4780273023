package gatewaytest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/kachi-io/kachi/client"
	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/gateway/gatewaytest"
	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/socketio"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type user struct{ Name string }

var byName = gateway.AuthenticatorFunc[user](func(_ context.Context, h *gateway.Handshake) (user, error) {
	var auth struct{ Name, Token string }
	if err := h.DecodeAuth(&auth); err != nil || auth.Name+auth.Token == "" {
		return user{}, errors.Join(err, gateway.Unauthorized("say your name"))
	}
	return user{auth.Name + auth.Token}, nil
})

func named(name string) gatewaytest.DialOption {
	return gatewaytest.Auth(map[string]string{"name": name})
}

type post struct{ Text string }

var (
	posted = gateway.NewEvent[post]("posted")
	moved  = gateway.NewEvent[gateway.Args2[int, string]]("moved")
	empty  = gateway.NewEvent[gateway.None]("empty")
	listed = gateway.NewEvent[gateway.Rest[int]]("listed")
	late   = gateway.NewEvent[string]("late")
	asking = gateway.NewEvent[string]("asking")
)

type call = *gateway.Context[user]

func chat() gateway.Gateway {
	return gateway.New("/chat", byName, func(g *gateway.Namespace[user]) {
		g.Emits(posted, moved, empty, listed, late, asking)
		gateway.On(g, "post", func(c call, in post) (int, error) {
			return len(in.Text), posted.Emit(c, c.Others(), in)
		})
		gateway.Handle(g, "all kinds", func(c call, _ gateway.None) error {
			return errors.Join(
				moved.Emit(c, c.Client(), gateway.Args2[int, string]{A: 1, B: "b"}),
				empty.Emit(c, c.Client(), gateway.None{}),
				listed.Emit(c, c.Client(), gateway.Rest[int]{1, 2, 3}))
		})
		gateway.Handle(g, "forbidden", func(call, gateway.None) error {
			return &gateway.Error{Code: gateway.CodeForbidden, Message: "not you", Details: 7}
		})
		gateway.On(g, "whoami", func(c call, _ gateway.None) (string, error) { return c.Principal.Name, nil })
		gateway.Handle(g, "leave", func(c call, _ gateway.None) error { c.Socket().Disconnect(false); return nil })
		gateway.On(g, "ask me", func(c call, _ gateway.None) (string, error) {
			return gateway.Ask[string](c, c.Socket(), asking, "why")
		}).Parallel(1)
		gateway.Handle(g, "slow", func(c call, _ gateway.None) error { <-c.Done(); return c.Err() })
	})
}

// dialects are the clients that a test is the same for.
var dialects = map[string]func(t testing.TB, app *gatewaytest.App, name string) *gatewaytest.Client{
	"WebSocket": func(t testing.TB, app *gatewaytest.App, name string) *gatewaytest.Client {
		return app.Dial(t, "/chat", named(name))
	},
	"polling": func(t testing.TB, app *gatewaytest.App, name string) *gatewaytest.Client {
		return app.Dial(t, "/chat", gatewaytest.Token(name), gatewaytest.Polling())
	},
	"plain": func(t testing.TB, app *gatewaytest.App, name string) *gatewaytest.Client {
		return app.DialPlain(t, "/chat", gatewaytest.Token(name))
	},
}

func TestClients(t *testing.T) {
	for name, dial := range dialects {
		for mode, o := range map[string]gateway.Options{
			"":                  {},
			", exceptions":      {Errors: gateway.ErrorsAsEvent},
			", errors in both":  {Errors: gateway.ErrorsInBoth},
			", with a recovery": {Socket: socketio.Options{Recovery: &socketio.Recovery{}}},
		} {
			t.Run(name+mode, func(t *testing.T) {
				t.Parallel()
				app := gatewaytest.New(t, &gatewaytest.Options{App: o}, chat())
				mina, jun := dial(t, app, "mina"), dial(t, app, "jun")
				assert.Equal(t, gatewaytest.Ask[string](t, mina, "whoami"), "mina")
				assert.Equal(t, gatewaytest.Ask[int](t, mina, "post", post{"hello"}), 5)
				assert.Equal(t, gatewaytest.Next(t, jun, posted), post{"hello"})
				mina.ExpectNone(t)
				mina.Emit(t, "post", post{"again"})
				mina.ExpectNone(t)
				var in post
				jun.Expect(t, "posted", &in)
				assert.Equal(t, in, post{"again"})
				jun.ExpectNone(t)

				mina.Emit(t, "all kinds")
				assert.Equal(t, gatewaytest.Next(t, mina, listed), gateway.Rest[int]{1, 2, 3})
				gatewaytest.Next(t, mina, empty)
				mina.ExpectNone(t, "empty", "listed")
				assert.Equal(t, gatewaytest.Next(t, mina, moved), gateway.Args2[int, string]{A: 1, B: "b"})
				mina.ExpectNone(t)

				mina.Answer("asking", "because")
				assert.Equal(t, gatewaytest.Ask[string](t, mina, "ask me"), "because")
				assert.Equal(t, gatewaytest.Next(t, mina, asking), "why")

				mina.Emit(t, "forbidden")
				assert.Equal(t, mina.ExpectError(t, "forbidden").Message, "not you")
				if o.Errors == gateway.ErrorsInAck {
					assert.Equal(t, gatewaytest.Details[int](t, mina.AskError(t, "forbidden", "forbidden")), 7)
				}
				mina.Emit(t, "forbidden")
				assert.Equal(t, gatewaytest.Details[int](t, mina.ExpectError(t, "forbidden")), 7)
				mina.Emit(t, "leave")
				assert.Equal(t, mina.ExpectDisconnect(t).Reason, client.ServerDisconnect)
				jun.ExpectNone(t)
			})
		}
	}
}

func TestRefusals(t *testing.T) {
	app := gatewaytest.New(t, nil, chat())
	assert.Equal(t, app.ConnectError(t, "unauthorized", "/chat").Message, "say your name")
	app.ConnectError(t, "", "/nowhere")
	assert.Equal(t, app.PlainConnectError(t, "unauthorized", "/chat").Message, "say your name")

	denied := gateway.AuthenticatorFunc[user](func(context.Context, *gateway.Handshake) (user, error) {
		return user{}, gateway.Denied("asleep", "later")
	})
	app = gatewaytest.New(t, nil, gateway.New("/", denied, func(*gateway.Namespace[user]) {}))
	for _, refused := range []*gateway.Error{app.ConnectError(t, "unauthorized", "/"), app.PlainConnectError(t, "unauthorized", "/")} {
		assert.Equal(t, gatewaytest.Details[gateway.Denial](t, refused), gateway.Denial{Reason: "asleep"})
	}
}

// What clients are not told, whoever writes the test is.
func TestFailuresOfTheAppAreInTheOutput(t *testing.T) {
	test := &told{TB: t}
	app := gatewaytest.New(test, nil, gateway.New("/", gateway.Anyone, func(g *gateway.Namespace[gateway.Nobody]) {
		gateway.Handle(g, "fail", func(*gateway.Context[gateway.Nobody], gateway.None) error { return errors.New("on fire") })
		gateway.Handle(g, "refuse", func(*gateway.Context[gateway.Nobody], gateway.None) error { return gateway.Forbidden("no") })
	}))
	late := app.Logger()
	c := app.Dial(test, "/")
	c.AskError(test, "internal", "fail")
	c.AskError(test, "forbidden", "refuse")
	test.end()
	late.Error("too late")
	assert.Equal(t, strings.Count(test.log.String(), "level="), 1, test.log.String())
	assert.True(t, strings.Contains(test.log.String(), "on fire"), test.log.String())
	assert.Equal(t, len(test.failures), 0)

	var own strings.Builder
	test = &told{TB: t}
	app = gatewaytest.New(test, &gatewaytest.Options{App: gateway.Options{Logger: slog.New(slog.NewTextHandler(&own, nil))}})
	app.Logger().Error("mine")
	test.end()
	assert.Equal(t, test.log.String(), "")
	assert.True(t, strings.Contains(own.String(), "mine"))
}

func TestByName(t *testing.T) {
	app := gatewaytest.New(t, nil, gateway.New("/c", gatewaytest.ByName, func(g *gateway.Namespace[string]) {
		gateway.On(g, "whoami", func(c *gateway.Context[string], _ gateway.None) ([2]string, error) {
			return [2]string{c.Principal, c.Key()}, nil
		})
	}))
	for want, c := range map[string]*gatewaytest.Client{
		"Mina": app.Dial(t, "/c", gatewaytest.Name("Mina")),
		"Jun":  app.DialPlain(t, "/c", gatewaytest.Token("Jun")),
		"":     app.Dial(t, "/c"),
	} {
		assert.Equal(t, gatewaytest.Ask[[2]string](t, c, "whoami"), [2]string{want, want})
	}
}

// Who has dialled is there for what others send.
func TestWhoHasDialledIsThere(t *testing.T) {
	for name, dial := range dialects {
		t.Run(name, func(t *testing.T) {
			app := gatewaytest.New(t, nil, chat())
			for i := range 50 {
				dial(t, app, "mina")
				n, err := app.Hub().Namespace("/chat").Count(t.Context())
				assert.NoError(t, err)
				assert.Equal(t, n, i+1)
			}
		})
	}
}

func TestBesideAnAPI(t *testing.T) {
	app := gatewaytest.New(t, &gatewaytest.Options{
		Path: "/live/",
		Handler: func(app *gateway.App) http.Handler {
			mux := http.NewServeMux()
			mux.Handle("/live/", app.Server().Handler(socketio.Mount{Path: "/live/"}))
			mux.HandleFunc("POST /posts", func(_ http.ResponseWriter, r *http.Request) {
				_ = posted.Emit(r.Context(), app.Hub().Namespace("/chat"), post{"over HTTP"})
			})
			return mux
		},
	}, chat())
	c := app.Dial(t, "/chat", named("mina"), gatewaytest.Header("X-A", "b"), gatewaytest.Query("c", "d"))
	r, err := app.HTTP().Post(gatewaytest.URL+"/posts", "text/plain", nil)
	assert.NoError(t, err)
	_, _ = io.Copy(io.Discard, r.Body)
	assert.NoError(t, r.Body.Close())
	assert.Equal(t, gatewaytest.Next(t, c, posted), post{"over HTTP"})
}

// Time-outs, heartbeats and whatever else waits take no time in a bubble.
func TestClock(t *testing.T) {
	for name, dial := range dialects {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				app := gatewaytest.New(t, &gatewaytest.Options{App: gateway.Options{ReplyTimeout: 5 * time.Second}}, chat())
				c := dial(t, app, "mina")
				began := time.Now()
				c.AskError(t, "timeout", "slow")
				took := time.Since(began)
				assert.True(t, took >= 5*time.Second && took < 6*time.Second, "took %s", took)
				c.Close()
				c = dial(t, app, "mina")
				time.Sleep(10 * time.Minute) // heartbeats go on
				assert.Equal(t, gatewaytest.Ask[string](t, c, "whoami"), "mina")
				began = time.Now()
				c.ExpectNone(t)
				assert.Equal(t, time.Since(began), time.Duration(0))
				app.Stop(t)
				assert.True(t, time.Since(began) < time.Minute)
			})
		})
	}
}

// told is a test that may fail.
type told struct {
	testing.TB
	failures []string
	cleanups []func()
	log      strings.Builder
}

func (t *told) Output() io.Writer { return &t.log }

func (t *told) Helper()          {}
func (t *told) Cleanup(f func()) { t.cleanups = append(t.cleanups, f) }
func (t *told) Errorf(format string, args ...any) {
	t.failures = append(t.failures, fmt.Sprintf(format, args...))
}
func (t *told) Fatalf(format string, args ...any) {
	t.Errorf(format, args...)
	runtime.Goexit()
}

// end does what is registered for the end of the test.
func (t *told) end() {
	for len(t.cleanups) > 0 {
		last := len(t.cleanups) - 1
		f := t.cleanups[last]
		t.cleanups = t.cleanups[:last]
		f()
	}
	for _, text := range t.failures {
		if t.TB == nil {
			fmt.Println(text) // which an example does not expect
		}
	}
}

// failing runs a test in a bubble, and returns how it fails.
func failing(t *testing.T, test func(t testing.TB)) string {
	t.Helper()
	inner := &told{TB: t}
	synctest.Test(t, func(*testing.T) {
		done := make(chan struct{})
		go func() {
			defer close(done)
			test(inner)
		}()
		<-done
		inner.end()
		time.Sleep(2 * time.Minute) // what is left on purpose ends
	})
	return strings.Join(inner.failures, "\n")
}

func TestFailuresSayWhatHappened(t *testing.T) {
	with := func(f func(t testing.TB, c *gatewaytest.Client)) func(testing.TB) {
		return func(t testing.TB) { f(t, gatewaytest.New(t, nil, chat()).Dial(t, "/chat", named("mina"))) }
	}
	for name, test := range map[string]struct {
		test func(t testing.TB)
		says []string
	}{
		"the app cannot be made": {func(t testing.TB) { gatewaytest.New(t, nil, chat(), chat()) }, []string{"cannot be made", "has a gateway already"}},
		"the app does not start": {func(t testing.TB) {
			gatewaytest.New(t, &gatewaytest.Options{Setup: func(a *gateway.App) {
				a.OnStart("database", func(context.Context) error { return errors.New("on fire") }, nil)
			}}, chat())
		}, []string{"does not start", "starting database: on fire"}},
		"the app does not stop": {func(t testing.TB) {
			gatewaytest.New(t, &gatewaytest.Options{Setup: func(a *gateway.App) {
				a.OnStart("database", nil, func(context.Context) error { return errors.New("on fire") })
			}}, chat())
		}, []string{"stopping database: on fire"}},
		"something goes on": {func(t testing.TB) {
			gatewaytest.New(t, &gatewaytest.Options{Setup: func(a *gateway.App) {
				a.OnStart("leak", func(context.Context) error {
					go leaking(time.Minute)
					return nil
				}, nil)
			}}, chat())
		}, []string{"goroutines are left", "leaking"}},
		"something was begun when the app was made": {func(t testing.TB) {
			gatewaytest.New(t, nil, gateway.New("/chat", gateway.Anyone, func(*gateway.Namespace[gateway.Nobody]) {
				go leaking(time.Minute)
			}))
		}, []string{"goroutines are left", "leaking"}},
		"auth and token": {func(t testing.TB) {
			gatewaytest.New(t, nil, chat()).Dial(t, "/chat", named("a"), gatewaytest.Token("b"))
		}, []string{"Auth or a Token, and not both"}},
		"auth and token, plain": {func(t testing.TB) {
			gatewaytest.New(t, nil, chat()).DialPlain(t, "/chat", named("a"), gatewaytest.Token("b"))
		}, []string{"Auth or a Token, and not both"}},
		"refused":        {func(t testing.TB) { gatewaytest.New(t, nil, chat()).Dial(t, "/chat") }, []string{"/chat refused: say your name"}},
		"refused, plain": {func(t testing.TB) { gatewaytest.New(t, nil, chat()).DialPlain(t, "/chat") }, []string{"/chat refused: 401 unauthorized: say your name"}},
		"admitted":       {func(t testing.TB) { gatewaytest.New(t, nil, chat()).ConnectError(t, "x", "/chat", named("mina")) }, []string{`was to refuse with the code "x"`}},
		"admitted, plain": {func(t testing.TB) {
			gatewaytest.New(t, nil, chat()).PlainConnectError(t, "x", "/chat", gatewaytest.Token("a"))
		}, []string{`was to refuse with the code "x"`}},
		"refused otherwise": {func(t testing.TB) { gatewaytest.New(t, nil, chat()).ConnectError(t, "x", "/chat") }, []string{`with the code "unauthorized", and not "x": say your name`}},
		"no event":          {with(func(t testing.TB, c *gatewaytest.Client) { c.Emit(t, "all kinds"); c.Expect(t, "posted") }), []string{`the event "posted" is expected: none came within 10s; these events wait:`, `moved(1, "b")`, "listed(1, 2, 3)"}},
		"too few arguments": {with(func(t testing.TB, c *gatewaytest.Client) { c.Emit(t, "all kinds"); c.Expect(t, "empty", new(int)) }), []string{"empty() has 0 arguments, and 1 are expected"}},
		"other arguments":   {with(func(t testing.TB, c *gatewaytest.Client) { c.Emit(t, "all kinds"); c.Expect(t, "moved", new(string)) }), []string{`moved(1, "b") is not what is expected: argument 0`}},
		"another type": {with(func(t testing.TB, c *gatewaytest.Client) {
			c.Emit(t, "all kinds")
			gatewaytest.Next(t, c, gateway.NewEvent[string]("moved"))
		}), []string{`moved(1, "b") is not what its type says`, "has one argument, and 2 came"}},
		"an event":          {with(func(t testing.TB, c *gatewaytest.Client) { c.Emit(t, "all kinds"); c.ExpectNone(t, "empty") }), []string{"no event is expected, and there came:\n\tempty()"}},
		"an error":          {with(func(t testing.TB, c *gatewaytest.Client) { gatewaytest.Ask[int](t, c, "forbidden") }), []string{`the answer to "forbidden": forbidden: not you`}},
		"no error":          {with(func(t testing.TB, c *gatewaytest.Client) { c.AskError(t, "forbidden", "post", post{"abc"}) }), []string{`was to be the error "forbidden", and is 3`}},
		"another error":     {with(func(t testing.TB, c *gatewaytest.Client) { c.AskError(t, "invalid", "forbidden") }), []string{`was to be the error "invalid", and is "forbidden": not you`}},
		"another exception": {with(func(t testing.TB, c *gatewaytest.Client) { c.Emit(t, "forbidden"); c.ExpectError(t, "invalid") }), []string{`the code "invalid" is expected: exception({"status":"error","code":"forbidden"`}},
		"no details":        {func(t testing.TB) { gatewaytest.Details[int](t, gateway.Forbidden("no")) }, []string{"forbidden: no has no details"}},
		"other details": {with(func(t testing.TB, c *gatewaytest.Client) {
			gatewaytest.Details[string](t, c.AskError(t, "forbidden", "forbidden"))
		}), []string{"the details of forbidden: not you are 7: json: cannot unmarshal number"}},
		"no answer":            {with(func(t testing.TB, c *gatewaytest.Client) { gatewaytest.Ask[int](t, c, "slow") }), []string{`the answer to "slow": none came within 10s`}},
		"still connected":      {with(func(t testing.TB, c *gatewaytest.Client) { c.ExpectDisconnect(t) }), []string{"still connected after 10s; no other event waits"}},
		"connected no more":    {with(func(t testing.TB, c *gatewaytest.Client) { c.Emit(t, "leave"); c.Expect(t, "posted") }), []string{"not connected any more: io server disconnect"}},
		"asked when gone":      {with(func(t testing.TB, c *gatewaytest.Client) { gatewaytest.Ask[int](t, c, "leave") }), []string{"not connected any more: io server disconnect"}},
		"auth of plain client": {func(t testing.TB) { gatewaytest.New(t, nil, chat()).DialPlain(t, "/chat", named("a")) }, []string{"no Auth but a Token"}},
	} {
		t.Run(name, func(t *testing.T) {
			text := failing(t, test.test)
			for _, says := range test.says {
				assert.True(t, strings.Contains(text, says), text)
			}
			assert.Equal(t, strings.Count(text, "gatewaytest: "), 1, text)
		})
	}
}

// leaking is what is looked for in a trace.
func leaking(d time.Duration) { time.Sleep(d) }
