package gateway_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/memnet"
	"github.com/kachi-io/kachi/internal/wstest"
)

// passes admits by tokens that say everything themselves: "name token seconds [issued]",
// where seconds is the rest of their time, 0 for ever, and issued is in milliseconds.
type passes struct{}

func (passes) read(text string) (gateway.Identity[user], error) {
	if text == "" {
		return gateway.Identity[user]{}, gateway.Denied("missing", "Show a token")
	}
	fields := strings.Fields(text)
	if len(fields) < 3 {
		return gateway.Identity[user]{}, gateway.Denied("malformed", "That is no token")
	}
	id := gateway.Identity[user]{Principal: user{fields[0] + " by " + fields[1]}, Key: fields[0], Token: fields[1]}
	if id.Key == "anonymous" {
		id.Key = ""
	}
	if seconds, _ := strconv.ParseFloat(fields[2], 64); seconds != 0 {
		id.Expires = time.Now().Add(time.Duration(seconds * float64(time.Second)))
	}
	if len(fields) > 3 {
		ms, _ := strconv.ParseInt(fields[3], 10, 64)
		id.Issued = time.UnixMilli(ms)
	}
	return id, nil
}

func (p passes) Authenticate(_ context.Context, h *gateway.Handshake) (gateway.Identity[user], error) {
	var auth struct{ Token string }
	if err := h.DecodeAuth(&auth); err != nil {
		return gateway.Identity[user]{}, err
	}
	if r := h.Request(); r != nil {
		auth.Token = r.Header.Get("Authorization")
	}
	return p.read(auth.Token)
}

func (p passes) Refresh(_ context.Context, _ *gateway.Handshake, token string) (gateway.Identity[user], error) {
	return p.read(token)
}

// withoutRefresh hides what passes can do beside.
type withoutRefresh struct{ gateway.Authenticator[user] }

// faked is [start] with connections in memory, on a clock that moves when everybody waits.
func faked(t *testing.T, o *gateway.Options, auth gateway.Authenticator[user], register func(*gateway.Namespace[user]), test func(t *testing.T, app *gateway.App, join func(auth string) wire)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		quiet := gateway.Options{}
		if o != nil {
			quiet = *o
		}
		quiet.Socket.PingInterval = 1000 * time.Hour // the tests' clients sleep long
		app, err := gateway.NewApp(&quiet, gateway.New("/c", auth, func(g *gateway.Namespace[user]) {
			gateway.On(g, "whoami", func(c *gateway.Context[user], _ gateway.None) (string, error) { return c.Principal.Name, nil })
			if register != nil {
				register(g)
			}
		}))
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
		test(t, app, func(auth string) wire {
			t.Helper()
			nc, err := l.Dial()
			assert.NoError(t, err)
			conn, _, err := wstest.On(patient{nc}, "http://kachi.test/socket.io/?EIO=4&transport=websocket", nil)
			assert.NoError(t, err)
			t.Cleanup(func() { _ = nc.Close() })
			c := wire{conn, t}
			assert.True(t, strings.HasPrefix(c.Next(c.t), "0{"))
			c.send("0/c," + auth)
			return c
		})
	})
}

// patient has no deadlines: what never comes is found out by the bubble.
type patient struct{ net.Conn }

func (patient) SetReadDeadline(time.Time) error { return nil }

func (c wire) admitted() wire {
	c.t.Helper()
	answer := c.Next(c.t)
	assert.True(c.t, strings.HasPrefix(answer, `40/c,{"sid"`), answer)
	return c
}

func (c wire) ask(event string) string {
	c.t.Helper()
	c.send("2/c,1" + event)
	answer, ok := strings.CutPrefix(c.Next(c.t), "43/c,1")
	assert.True(c.t, ok)
	return answer
}

func pass(text string) string { return `{"token":"` + text + `"}` }

func at(t time.Time) string {
	text, _ := json.Marshal(t.UTC())
	return string(text)
}

func exception(reason, message string) string {
	return fmt.Sprintf(`2/c,["exception",{"status":"error","code":"unauthorized","message":%q,"details":{"reason":%q}}]`, message, reason)
}

// took checks how long something took, up to two ticks of the app's timers.
func took(t *testing.T, began time.Time, d time.Duration) {
	t.Helper()
	passed := time.Since(began)
	assert.True(t, passed >= d && passed <= d+100*time.Millisecond, "took %s, want %s", passed, d)
}

func TestSocketsEndWhenTheirIdentityExpires(t *testing.T) {
	reasons := make(chan gateway.Reason, 10)
	ends := func(g *gateway.Namespace[user]) {
		g.OnDisconnect(func(_ *gateway.Context[user], r gateway.Reason) error { reasons <- r; return nil })
	}
	for _, test := range []struct {
		name           string
		life, notice   time.Duration
		option         time.Duration
		withoutRefresh bool
	}{
		{name: "long", life: time.Hour, notice: time.Hour - time.Minute},
		{name: "short", life: time.Minute, notice: 30 * time.Second},
		{name: "very short", life: time.Second, notice: 500 * time.Millisecond},
		{name: "no notice", life: 10 * time.Minute, option: -1},
		{name: "another notice", life: 10 * time.Minute, notice: 8 * time.Minute, option: 2 * time.Minute},
		{name: "which cannot be refreshed", life: time.Hour, notice: time.Hour - time.Minute, withoutRefresh: true},
	} {
		t.Run(test.name, func(t *testing.T) {
			var auth gateway.Authenticator[user] = passes{}
			if test.withoutRefresh {
				auth = withoutRefresh{auth}
			}
			faked(t, &gateway.Options{ExpiryNotice: test.option}, auth, ends, func(t *testing.T, _ *gateway.App, join func(string) wire) {
				began := time.Now()
				c := join(pass(fmt.Sprintf("mina t1 %g", test.life.Seconds()))).admitted()
				if test.notice > 0 {
					c.expect(`2/c,["tokenExpiring",{"expiresAt":` + at(began.Add(test.life)) + `}]`)
					took(t, began, test.notice)
				}
				c.expect(exception("expired", "What was shown has expired"))
				c.expect("1/c,") // which official clients take for the end
				took(t, began, test.life)
				assert.Equal(t, <-reasons, gateway.ReasonExpired)
			})
		})
	}

	faked(t, nil, passes{}, nil, func(t *testing.T, _ *gateway.App, join func(string) wire) {
		join(pass("mina t1 -1")).expect(`4/c,{"message":"What was shown has expired","data":{"status":"error","code":"unauthorized","message":"What was shown has expired","details":{"reason":"expired"}}}`)
		c := join(pass("mina t1 0")).admitted()
		time.Sleep(2 * time.Hour)
		assert.Equal(t, c.ask(`["whoami"]`), `["mina by t1"]`)
	})
}

// Events that wait, and a handler that does not return, do not keep a socket alive.
func TestABusySocketExpires(t *testing.T) {
	blocks := func(g *gateway.Namespace[user]) {
		gateway.Handle(g, "block", func(c *gateway.Context[user], _ gateway.None) error { <-c.Done(); return c.Err() })
	}
	faked(t, nil, passes{}, blocks, func(t *testing.T, _ *gateway.App, join func(string) wire) {
		began := time.Now()
		c := join(pass("mina t1 20")).admitted()
		c.send(`2/c,["block"]`)
		assert.True(t, strings.Contains(c.Next(c.t), "tokenExpiring"))
		assert.True(t, strings.Contains(c.Next(c.t), "exception"))
		c.expect("1/c,")
		took(t, began, 20*time.Second)
	})
}

func TestRefreshInPlace(t *testing.T) {
	faked(t, &gateway.Options{EchoInput: true}, passes{}, nil, func(t *testing.T, app *gateway.App, join func(string) wire) {
		began := time.Now()
		c := join(pass("mina t1 600")).admitted()
		c.expect(`2/c,["tokenExpiring",{"expiresAt":` + at(began.Add(600*time.Second)) + `}]`)
		refused := func(input, answer string) {
			t.Helper()
			assert.Equal(t, c.ask(`["refreshToken",`+input+`]`), `[{"status":"error",`+answer+`,"cause":{"pattern":"refreshToken"}}]`)
		}
		refused(pass("juno t9 600"), `"code":"unauthorized","message":"The token is not the one's who is connected","details":{"reason":"principal"}`)
		refused(pass("mina t9 -1"), `"code":"unauthorized","message":"What was shown has expired","details":{"reason":"expired"}`)
		refused(pass("nonsense"), `"code":"unauthorized","message":"That is no token","details":{"reason":"malformed"}`)
		assert.True(t, strings.Contains(c.ask(`["refreshToken"]`), "bad_request"))
		assert.Equal(t, c.ask(`["whoami"]`), `["mina by t1"]`)

		refreshed := time.Now()
		answer := c.ask(`["refreshToken",` + pass("mina t2 600") + `]`)
		assert.Equal(t, answer, `[{"expiresAt":`+at(refreshed.Add(600*time.Second))+`}]`)
		assert.Equal(t, c.ask(`["whoami"]`), `["mina by t2"]`) // later calls know the new one
		c.expect(`2/c,["tokenExpiring",{"expiresAt":` + at(refreshed.Add(600*time.Second)) + `}]`)
		took(t, refreshed, 540*time.Second)
		assert.Equal(t, c.ask(`["refreshToken",`+pass("mina t3 0")+`]`), `[{}]`)
		time.Sleep(2 * time.Hour)
		assert.Equal(t, c.ask(`["whoami"]`), `["mina by t3"]`)
		refreshed = time.Now()
		c.ask(`["refreshToken",` + pass("mina t4 10") + `]`)
		assert.True(t, strings.Contains(c.Next(c.t), "tokenExpiring"))
		assert.True(t, strings.Contains(c.Next(c.t), "exception"))
		c.expect("1/c,")
		took(t, refreshed, 10*time.Second)

		nobody := join(pass("anonymous t1 600")).admitted()
		assert.True(t, strings.Contains(nobody.ask(`["refreshToken",`+pass("anonymous t2 600")+`]`), `"reason":"principal"`))
	})
}

// A token that is being checked while the socket expires does not bring it back.
func TestARefreshThatComesTooLate(t *testing.T) {
	slow := &slowRefresh{}
	var result error
	listens := gateway.Interceptor(func(next gateway.Handler) gateway.Handler {
		return func(c *gateway.Call) (out any, err error) {
			out, err = next(c)
			result = err
			return out, err
		}
	})
	faked(t, &gateway.Options{Use: []gateway.Layer{listens}}, slow, nil, func(t *testing.T, app *gateway.App, join func(string) wire) {
		slow.release = make(chan struct{})
		c := join(pass("mina t1 20")).admitted()
		c.send(`2/c,1["refreshToken",` + pass("mina t2 600") + `]`)
		assert.True(t, strings.Contains(c.Next(t), "tokenExpiring"))
		assert.True(t, strings.Contains(c.Next(t), "exception"))
		c.expect("1/c,")
		close(slow.release)
		synctest.Wait()
		var coded *gateway.Error
		assert.True(t, errors.As(result, &coded) && coded.Details == any(gateway.Denial{Reason: gateway.DeniedExpired}), result)
		assert.Equal(t, gateway.Present(app), 0)
	})
}

type slowRefresh struct {
	passes
	release chan struct{}
}

func (s *slowRefresh) Refresh(ctx context.Context, h *gateway.Handshake, token string) (gateway.Identity[user], error) {
	<-s.release
	return s.passes.Refresh(ctx, h, token)
}

func TestTokensAreNotPrinted(t *testing.T) {
	in := gateway.TokenRefresh{Token: "secret"}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("input", "in", in, "pointer", &in)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("input", "in", in, "pointer", &in)
	text := fmt.Sprintf("%v %+v %#v %s %v", in, in, in, in, &in) + log.String()
	assert.True(t, !strings.Contains(text, "secret"), text)
}

func TestWhoHasTheEventsOfTokens(t *testing.T) {
	events := func(auth gateway.Authenticator[user]) (all []string) {
		app, err := gateway.NewApp(nil, gateway.New("/c", auth, func(g *gateway.Namespace[user]) {}))
		assert.NoError(t, err)
		for _, r := range app.Routes() {
			all = append(all, "in "+r.Event)
		}
		for _, e := range app.Events() {
			all = append(all, "out "+e.Event)
		}
		return all
	}
	assert.Equal(t, events(byName), []string(nil))
	assert.Equal(t, events(withoutRefresh{passes{}}), []string{"out tokenExpiring"})
	assert.Equal(t, events(passes{}), []string{"in refreshToken", "out tokenExpiring"})

	_, err := gateway.NewApp(nil, gateway.New("/c", passes{}, func(g *gateway.Namespace[user]) {
		gateway.Handle(g, "refreshToken", func(*gateway.Context[user], gateway.None) error { return nil })
	}))
	assert.True(t, err != nil && strings.Contains(err.Error(), `expiry_test.go:`) && strings.Contains(err.Error(), "has a handler already"), err)
	_, err = gateway.NewApp(nil, gateway.New("/c", unfit{}, func(g *gateway.Namespace[user]) {
		gateway.Handle(g, "", func(*gateway.Context[user], gateway.None) error { return nil })
	}))
	for _, want := range []string{`expiry_test.go:`, "there is no key", "an event has no name"} { // all at once
		assert.True(t, err != nil && strings.Contains(err.Error(), want), want, err)
	}
}

type unfit struct{ passes }

func (unfit) Check() error { return fmt.Errorf("there is no key") }

// Sockets that come, refresh and go in any order leave nothing behind.
func TestTermsLeaveNothingBehind(t *testing.T) {
	var handled atomic.Int64
	counts := func(g *gateway.Namespace[user]) {
		g.OnDisconnect(func(*gateway.Context[user], gateway.Reason) error { handled.Add(1); return nil })
	}
	faked(t, nil, passes{}, counts, func(t *testing.T, app *gateway.App, join func(string) wire) {
		var all []wire
		for i := range 60 {
			c := join(pass(fmt.Sprintf("user%d t%d %d", i%7, i, 10+i%5*100))).admitted()
			if i%3 == 0 {
				c.ask(`["refreshToken",` + pass(fmt.Sprintf("user%d r%d 1000", i%7, i)) + `]`)
			}
			all = append(all, c)
		}
		assert.Equal(t, gateway.Present(app), 120) // by key and by token
		for i, c := range all {
			if i%2 == 0 {
				_ = c.Close()
			}
		}
		synctest.Wait()
		assert.Equal(t, gateway.Present(app), 60)
		time.Sleep(time.Hour)
		synctest.Wait()
		assert.Equal(t, gateway.Present(app), 0)
		assert.Equal(t, handled.Load(), int64(60))
	})
}
