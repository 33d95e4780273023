package limit_test

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/gateway/limit"
	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/memnet"
	"github.com/kachi-io/kachi/internal/wstest"
	"github.com/kachi-io/kachi/socketio"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// named admits who gives a name, and goes by it.
type named struct{}

func (named) Authenticate(_ context.Context, h *gateway.Handshake) (gateway.Identity[string], error) {
	var auth struct{ Name string }
	err := h.DecodeAuth(&auth)
	return gateway.Identity[string]{Principal: auth.Name, Key: auth.Name}, err
}

type namespace = gateway.Namespace[string]

// faked runs a test against an app in memory, on a clock that moves when everybody waits.
// open opens a connection; the address is what a proxy says of it.
func faked(t *testing.T, register func(*namespace), test func(open func(address string) wstest.Client)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		o := &gateway.Options{Socket: socketio.Options{
			TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")},
			PingInterval:   24 * time.Hour, // for clients that sleep
		}}
		app, err := gateway.NewApp(o, gateway.New("/c", named{}, register))
		assert.NoError(t, err)
		l := memnet.Listen(nil)
		host := &http.Server{Handler: app}
		served := make(chan struct{})
		go func() { defer close(served); _ = host.Serve(l) }()
		t.Cleanup(func() {
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			assert.NoError(t, app.Stop(ctx))
			_ = host.Close()
			<-served
			time.Sleep(time.Second) // the wheels stop at their next tick
		})
		test(func(address string) wstest.Client {
			nc, err := l.Dial()
			assert.NoError(t, err)
			header := wstest.Handshake()
			if address != "" {
				header.Set("X-Forwarded-For", address)
			}
			return wstest.OpenOn(t, nc, header)
		})
	})
}

func handle(g *namespace, event string) *gateway.Route[string, gateway.None, gateway.None] {
	return gateway.Handle(g, event, func(*gateway.Context[string], gateway.None) error { return nil })
}

const passed = `3/c,1[]`

func over(event string, after time.Duration) string {
	return fmt.Sprintf(`3/c,1[{"status":"error","code":"rate_limited","message":"Too much of it at once: try again later","details":{"retryAfter":%d},"cause":{"pattern":%q}}]`, after.Milliseconds(), event)
}

func TestPerSocket(t *testing.T) {
	faked(t, func(g *namespace) {
		handle(g, "a").Use(limit.PerSocket(2, time.Second))
		handle(g, "b")
	}, func(open func(string) wstest.Client) {
		c, other := open("").Join("/c", ""), open("").Join("/c", "")
		ask := func(c wstest.Client, event, want string) {
			t.Helper()
			assert.Equal(t, c.Ask(`2/c,1["`+event+`"]`), want)
		}
		ask(c, "a", passed)
		ask(c, "a", passed)
		ask(c, "a", over("a", 500*time.Millisecond))
		ask(c, "a", over("a", 500*time.Millisecond)) // to be refused costs nothing
		ask(c, "b", passed)
		ask(other, "a", passed)
		time.Sleep(499 * time.Millisecond)
		ask(c, "a", over("a", time.Millisecond))
		time.Sleep(time.Millisecond)
		ask(c, "a", passed)
		ask(c, "a", over("a", 500*time.Millisecond))
		time.Sleep(time.Hour) // no more than the burst is saved
		ask(c, "a", passed)
		ask(c, "a", passed)
		ask(c, "a", over("a", 500*time.Millisecond))
	})
}

func TestBurstAndCost(t *testing.T) {
	faked(t, func(g *namespace) {
		g.Use(limit.PerSocket(1, time.Second, limit.Options{Burst: 5, Cost: map[string]int{"dear": 4, "free": 0}}))
		handle(g, "dear")
		handle(g, "cheap")
		handle(g, "free")
	}, func(open func(string) wstest.Client) {
		c := open("").Join("/c", "")
		for _, step := range []struct{ event, want string }{
			{"dear", passed},
			{"dear", over("dear", 3*time.Second)},
			{"cheap", passed},
			{"cheap", over("cheap", time.Second)},
			{"dear", over("dear", 4*time.Second)},
			{"free", passed},
		} {
			assert.Equal(t, c.Ask(`2/c,1["`+step.event+`"]`), step.want, step.event)
		}
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
			}, func(open func(string) wstest.Client) {
				join := func(who [2]string) wstest.Client { return open(who[0]).Join("/c", `{"name":"`+who[1]+`"}`) }
				assert.Equal(t, join(test.same[0]).Ask(`2/c,1["a"]`), passed)
				answer := join(test.same[1]).Ask(`2/c,1["b"]`)
				assert.True(t, strings.Contains(answer, `"rate_limited"`), answer)
				assert.Equal(t, join(test.other).Ask(`2/c,1["a"]`), passed)
			})
		})
	}
	faked(t, func(g *namespace) { handle(g, "a").Use(limit.PerPrincipal(1, time.Minute)) }, func(open func(string) wstest.Client) {
		for range 2 { // nobody in particular: by socket
			c := open("").Join("/c", "")
			assert.Equal(t, c.Ask(`2/c,1["a"]`), passed)
			assert.Equal(t, c.Ask(`2/c,1["a"]`), over("a", time.Minute))
		}
	})
}

func TestSeveralAtOnce(t *testing.T) {
	faked(t, func(g *namespace) {
		g.Use(limit.PerSocket(2, time.Second), limit.PerSocket(3, time.Minute))
		handle(g, "a")
	}, func(open func(string) wstest.Client) {
		c := open("").Join("/c", "")
		assert.Equal(t, c.Ask(`2/c,1["a"]`), passed)
		assert.Equal(t, c.Ask(`2/c,1["a"]`), passed)
		assert.Equal(t, c.Ask(`2/c,1["a"]`), over("a", 500*time.Millisecond))
		time.Sleep(time.Second)
		assert.Equal(t, c.Ask(`2/c,1["a"]`), passed)
		assert.Equal(t, c.Ask(`2/c,1["a"]`), over("a", 19*time.Second))
	})
}

func TestWhoGoesOnIsPutOut(t *testing.T) {
	ended := make(chan gateway.Reason, 1)
	faked(t, func(g *namespace) {
		g.Use(limit.PerAddress(1, 10*time.Minute, limit.Options{Disconnect: 3}))
		g.OnDisconnect(func(_ *gateway.Context[string], r gateway.Reason) error { ended <- r; return nil })
		handle(g, "a")
	}, func(open func(string) wstest.Client) {
		c := open("").Join("/c", "")
		assert.Equal(t, c.Ask(`2/c,1["a"]`), passed)
		for range 2 { // two a minute are no flood
			assert.True(t, strings.HasPrefix(c.Ask(`2/c,1["a"]`), `3/c,1[{"status":"error"`))
			assert.True(t, strings.HasPrefix(c.Ask(`2/c,1["a"]`), `3/c,1[{"status":"error"`))
			time.Sleep(time.Minute)
		}
		c.Ask(`2/c,1["a"]`)
		c.Ask(`2/c,1["a"]`)
		last := c.Ask(`2/c,1["a"]`)
		assert.True(t, strings.HasPrefix(last, `2/c,["exception",{"status":"error","code":"rate_limited"`), last)
		c.Expect("1/c,")
		assert.Equal(t, assert.Receive(t, ended), socketio.ReasonServerDisconnect)
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
	}, func(open func(string) wstest.Client) {
		const refusal = `4/c,{"message":"Too much of it at once: try again later","data":{"status":"error","code":"rate_limited","message":"Too much of it at once: try again later","details":{"retryAfter":30000}}}`
		c := open("192.0.2.1")
		c.Join("/c", "")
		assert.Equal(t, strings.HasPrefix(open("192.0.2.1").Ask(`0/c,{"name":1}`), `4/c,{"message":"auth`), true)
		d := open("192.0.2.1")
		assert.Equal(t, d.Ask("0/c,"), refusal)
		open("192.0.2.2").Join("/c", "")
		time.Sleep(30 * time.Second)
		d.Join("/c", "")
		assert.Equal(t, asked, 4)
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
