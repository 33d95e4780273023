package limit_test

import (
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/kachi-io/kachi/client"
	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/gateway/gatewaytest"
	"github.com/kachi-io/kachi/gateway/limit"
	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/socketio"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type namespace = gateway.Namespace[string]

// faked runs a test against an app on a clock that moves when everybody waits.
func faked(t *testing.T, register func(*namespace), test func(t *testing.T, app *gatewaytest.App)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		o := gateway.Options{Socket: socketio.Options{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}}}
		test(t, gatewaytest.New(t, &gatewaytest.Options{App: o}, gateway.New("/c", gatewaytest.ByName, register)))
	})
}

// from is the address that a proxy says the client has.
func from(address string) gatewaytest.DialOption {
	return gatewaytest.Header("X-Forwarded-For", address)
}

func handle(g *namespace, event string) *gateway.Route[string, gateway.None, gateway.None] {
	return gateway.Handle(g, event, func(*gateway.Context[string], gateway.None) error { return nil })
}

func passes(t *testing.T, c *gatewaytest.Client, event string) {
	t.Helper()
	gatewaytest.Ask[any](t, c, event)
}

func over(t *testing.T, c *gatewaytest.Client, event string, after time.Duration) {
	t.Helper()
	isOver(t, c.AskError(t, gateway.CodeRateLimited, event), after)
}

func isOver(t *testing.T, err *gateway.Error, after time.Duration) {
	t.Helper()
	assert.Equal(t, err.Message, "Too much of it at once: try again later")
	assert.Equal(t, fmt.Sprintf("%s", err.Details), fmt.Sprintf(`{"retryAfter":%d}`, after.Milliseconds()))
}

func TestPerSocket(t *testing.T) {
	faked(t, func(g *namespace) {
		handle(g, "a").Use(limit.PerSocket(2, time.Second))
		handle(g, "b")
	}, func(t *testing.T, app *gatewaytest.App) {
		c, other := app.Dial(t, "/c"), app.Dial(t, "/c")
		passes(t, c, "a")
		passes(t, c, "a")
		over(t, c, "a", 500*time.Millisecond)
		over(t, c, "a", 500*time.Millisecond) // to be refused costs nothing
		passes(t, c, "b")
		passes(t, other, "a")
		time.Sleep(499 * time.Millisecond)
		over(t, c, "a", time.Millisecond)
		time.Sleep(time.Millisecond)
		passes(t, c, "a")
		over(t, c, "a", 500*time.Millisecond)
		time.Sleep(time.Hour) // no more than the burst is saved
		passes(t, c, "a")
		passes(t, c, "a")
		over(t, c, "a", 500*time.Millisecond)
	})
}

func TestBurstAndCost(t *testing.T) {
	faked(t, func(g *namespace) {
		costs := map[string]int{"dear": 4, "free": 0}
		g.Use(limit.PerSocket(1, time.Second, limit.Options{Burst: 5, Cost: costs}))
		costs["cheap"] = 5 // the caller's own again
		handle(g, "dear")
		handle(g, "cheap")
		handle(g, "free")
	}, func(t *testing.T, app *gatewaytest.App) {
		c := app.Dial(t, "/c")
		passes(t, c, "dear")
		over(t, c, "dear", 3*time.Second)
		passes(t, c, "cheap")
		over(t, c, "cheap", time.Second)
		over(t, c, "dear", 4*time.Second)
		passes(t, c, "free")
	})
}

func TestPerPrincipalAndPerAddress(t *testing.T) {
	for name, test := range map[string]struct {
		guard func() gateway.Guard // made by the clock of the test
		same  [2][2]string         // address and name
		other [2]string
	}{
		"principal":       {func() gateway.Guard { return limit.PerPrincipal(1, time.Minute) }, [2][2]string{{"192.0.2.1", "mina"}, {"192.0.2.2", "mina"}}, [2]string{"192.0.2.1", "jun"}},
		"address":         {func() gateway.Guard { return limit.PerAddress(1, time.Minute) }, [2][2]string{{"192.0.2.1", "mina"}, {"192.0.2.1", "jun"}}, [2]string{"192.0.2.2", "mina"}},
		"network of IPv6": {func() gateway.Guard { return limit.PerAddress(1, time.Minute) }, [2][2]string{{"2001:db8::1", "mina"}, {"2001:db8::ffff:2", "jun"}}, [2]string{"2001:db8:0:1::1", "mina"}},
	} {
		t.Run(name, func(t *testing.T) {
			// The guard is given to two routes, and is one limit.
			faked(t, func(g *namespace) {
				guard := test.guard()
				handle(g, "a").Use(guard)
				handle(g, "b").Use(guard)
			}, func(t *testing.T, app *gatewaytest.App) {
				dial := func(who [2]string) *gatewaytest.Client {
					return app.Dial(t, "/c", from(who[0]), gatewaytest.Name(who[1]))
				}
				passes(t, dial(test.same[0]), "a")
				over(t, dial(test.same[1]), "b", time.Minute)
				passes(t, dial(test.other), "a")
			})
		})
	}
	faked(t, func(g *namespace) { handle(g, "a").Use(limit.PerPrincipal(1, time.Minute)) }, func(t *testing.T, app *gatewaytest.App) {
		for range 2 { // nobody in particular: by socket
			c := app.Dial(t, "/c")
			passes(t, c, "a")
			over(t, c, "a", time.Minute)
		}
	})
}

func TestSeveralAtOnce(t *testing.T) {
	faked(t, func(g *namespace) {
		g.Use(limit.PerSocket(2, time.Second), limit.PerSocket(3, time.Minute))
		handle(g, "a")
	}, func(t *testing.T, app *gatewaytest.App) {
		c := app.Dial(t, "/c")
		passes(t, c, "a")
		passes(t, c, "a")
		over(t, c, "a", 500*time.Millisecond)
		time.Sleep(time.Second)
		passes(t, c, "a")
		over(t, c, "a", 19*time.Second)
	})
}

func TestWhoGoesOnIsPutOut(t *testing.T) {
	faked(t, func(g *namespace) {
		g.Use(limit.PerAddress(1, 10*time.Minute, limit.Options{Disconnect: 3}))
		g.OnDisconnect(func(_ *gateway.Context[string], r gateway.Reason) error {
			assert.Equal(t, r, socketio.ReasonServerDisconnect)
			return nil
		})
		handle(g, "a")
	}, func(t *testing.T, app *gatewaytest.App) {
		c := app.Dial(t, "/c")
		passes(t, c, "a")
		for range 2 { // two a minute are no flood
			c.AskError(t, gateway.CodeRateLimited, "a")
			c.AskError(t, gateway.CodeRateLimited, "a")
			time.Sleep(time.Minute)
		}
		for range 3 {
			c.Emit(t, "a")
		}
		for range 3 {
			c.ExpectError(t, gateway.CodeRateLimited)
		}
		assert.Equal(t, c.ExpectDisconnect(t).Reason, client.ServerDisconnect)
	})
}

func TestConnects(t *testing.T) {
	asked := 0
	faked(t, func(g *namespace) {
		g.Admit(limit.Connects(2, time.Minute), func(c *gateway.Call) error {
			asked++
			if c.Pattern() != "connect" || c.Namespace() != "/c" || c.Principal() != nil {
				return gateway.Forbidden("not a call of admission")
			}
			return nil
		})
	}, func(t *testing.T, app *gatewaytest.App) {
		one, other := from("192.0.2.1"), from("192.0.2.2")
		app.Dial(t, "/c", one)
		app.ConnectError(t, gateway.CodeBadRequest, "/c", one, gatewaytest.Auth(map[string]int{"name": 1}))
		isOver(t, app.ConnectError(t, gateway.CodeRateLimited, "/c", one), 30*time.Second)
		app.Dial(t, "/c", other)
		time.Sleep(30 * time.Second)
		app.Dial(t, "/c", one)
		assert.Equal(t, asked, 4)
	})
}

// Requests come by the same proxy as sockets do, and are counted for the same clients.
func TestRequestsBehindAProxy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := gateway.Options{
			Socket: socketio.Options{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}},
			Use:    []gateway.Layer{limit.PerAddress(2, time.Minute)},
		}
		app := gatewaytest.New(t, &gatewaytest.Options{App: o, Handler: func(app *gateway.App) http.Handler {
			mux := http.NewServeMux()
			mux.Handle("/socket.io/", app)
			mux.Handle("GET /thing", gateway.Protect(app, gateway.Anyone)(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
			return mux
		}}, gateway.New("/c", gatewaytest.ByName, func(g *namespace) { handle(g, "a") }))
		get := func(address string) (status int, retryAfter string) {
			r, err := http.NewRequest(http.MethodGet, gatewaytest.URL+"/thing", nil)
			assert.NoError(t, err)
			r.Header.Set("X-Forwarded-For", address)
			response, err := app.HTTP().Do(r)
			assert.NoError(t, err)
			_, _ = io.Copy(io.Discard, response.Body)
			assert.NoError(t, response.Body.Close())
			return response.StatusCode, response.Header.Get("Retry-After")
		}
		c := app.Dial(t, "/c", from("192.0.2.1"))
		passes(t, c, "a")
		status, _ := get("192.0.2.1")
		assert.Equal(t, status, http.StatusOK)
		status, retryAfter := get("192.0.2.1")
		assert.Equal(t, []any{status, retryAfter}, []any{http.StatusTooManyRequests, "30"})
		over(t, c, "a", 30*time.Second)
		status, _ = get("192.0.2.2") // who is behind the same proxy
		assert.Equal(t, status, http.StatusOK)
	})
}

func TestWhatIsNoLimit(t *testing.T) {
	for name, make := range map[string]func(){
		"none":       func() { limit.PerSocket(0, time.Second) },
		"no time":    func() { limit.PerSocket(1, 0) },
		"too fast":   func() { limit.PerSocket(2, 1) },
		"too slow":   func() { limit.PerSocket(1, 1<<62) },
		"cost":       func() { limit.PerSocket(1, 1, limit.Options{Cost: map[string]int{"a": 2}}) },
		"negative":   func() { limit.PerSocket(1, 1, limit.Options{Burst: -1}) },
		"two":        func() { limit.PerSocket(1, 1, limit.Options{}, limit.Options{}) },
		"disconnect": func() { limit.Connects(1, 1, limit.Options{Disconnect: -1}) },
	} {
		func() {
			defer func() { assert.True(t, recover() != nil, name) }()
			make()
		}()
	}
}
