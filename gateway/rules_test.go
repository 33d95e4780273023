package gateway_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/wstest"
	"github.com/kachi-io/kachi/socketio"
)

type nobody = gateway.Context[gateway.Nobody]

// A client is known before it is answered, and what belongs to its coming is done before
// its first event.
func TestPhasesOfAConnection(t *testing.T) {
	hold := make(chan struct{})
	var told []string // by one goroutine after the other
	auth := gateway.AuthenticatorFunc[user](func(_ context.Context, h *gateway.Handshake) (user, error) {
		<-hold
		told = append(told, fmt.Sprint("authenticated, rooms: ", len(h.Socket().Rooms())))
		return user{"Mina"}, nil
	})
	_, url := start(t, nil, gateway.New("/c", auth, func(g *gateway.Namespace[user]) {
		g.Emits(joined)
		g.OnConnect(func(c *gateway.Context[user]) error {
			told = append(told, "connected "+c.Principal.Name)
			return joined.Emit(c, c.Client(), "welcome")
		})
		g.OnConnect(func(c *gateway.Context[user]) error {
			told = append(told, "connected again")
			return nil
		})
		gateway.On(g, "told", func(*gateway.Context[user], gateway.None) ([]string, error) { return told, nil })
	}))
	c := dial(t, url)
	c.send(`0/c,`)
	c.send(`2/c,1["told"]`) // before anybody knows who it is
	hold <- struct{}{}
	assert.True(t, strings.HasPrefix(c.Next(t), `40/c,{"sid"`))
	c.expect(`2/c,["joined","welcome"]`)
	c.expect(`3/c,1[["authenticated, rooms: 0","connected Mina","connected again"]]`)
}

func TestAnErrorOfOnConnectIsToldAndDisconnects(t *testing.T) {
	ended := make(chan string, 10)
	_, url := start(t, nil, gateway.New("/c", byName, func(g *gateway.Namespace[user]) {
		g.OnConnect(func(c *gateway.Context[user]) error {
			if c.Principal.Name == "full" {
				return gateway.NewError("full", "No room")
			}
			panic("on purpose")
		})
		g.OnDisconnecting(func(_ *gateway.Context[user], _ gateway.Reason) error { ended <- "disconnecting"; return nil })
		g.OnDisconnect(func(_ *gateway.Context[user], _ gateway.Reason) error { ended <- "disconnect"; return nil })
		gateway.Handle(g, "event", func(*gateway.Context[user], gateway.None) error { t.Error("handled"); return nil })
	}))
	for name, body := range map[string]string{
		"full":  `{"status":"error","code":"full","message":"No room","cause":{"pattern":"connect"}}`,
		"other": `{"status":"error","code":"internal","message":"Internal error","cause":{"pattern":"connect"}}`,
	} {
		c := dial(t, url)
		c.send(`0/c,{"name":"` + name + `"}`)
		c.send(`2/c,["event"]`)
		assert.True(t, strings.HasPrefix(c.Next(t), `40/c,{"sid"`))
		c.expect(`2/c,["exception",` + body + `]`)
		c.expect(`1/c,`)
		assert.Equal(t, assert.Receive(t, ended), "disconnecting")
		assert.Equal(t, assert.Receive(t, ended), "disconnect")
	}
}

// What waits for a handler is bounded, and what is too much is answered.
func TestTooManyEventsAreAnsweredOverloaded(t *testing.T) {
	hold, begun := make(chan struct{}), make(chan struct{})
	o := &gateway.Options{Socket: socketio.Options{MailboxMessages: 4}}
	_, url := start(t, o, gateway.New("/c", gateway.Anyone, func(g *gateway.Namespace[gateway.Nobody]) {
		gateway.On(g, "wait", func(_ *nobody, n int) (int, error) {
			if n == 0 {
				close(begun)
				<-hold
			}
			return n, nil
		})
	}))
	c := join(t, url, "/c", "")
	c.send(`2/c,0["wait",0]`)
	assert.Receive(t, closed(begun))
	for n := 1; n <= 6; n++ {
		c.send(fmt.Sprintf(`2/c,%d["wait",%d]`, n, n))
	}
	refused := map[string]bool{}
	for range 2 {
		answer := c.Next(t)
		assert.True(t, strings.Contains(answer, `"code":"overloaded"`), answer)
		refused[answer[:len(`43/c,5`)]] = true
	}
	assert.Equal(t, refused, map[string]bool{"43/c,5": true, "43/c,6": true})
	close(hold)
	for n := range 5 {
		c.expect(fmt.Sprintf(`3/c,%d[%d]`, n, n)) // the others, in order
	}
}

// closed turns the closing of a channel into a value.
func closed(c <-chan struct{}) <-chan bool {
	told := make(chan bool, 1)
	go func() {
		<-c
		told <- true
	}()
	return told
}

func TestPanicsAnywhere(t *testing.T) {
	var log lockedBuffer
	bad := gateway.NewState(func(*gateway.Call) (int, error) { panic("state-open") }, nil)
	worse := gateway.NewState(func(*gateway.Call) (int, error) { return 1, nil }, func(int) error { panic("state-close") })
	ended := make(chan struct{}, 1)
	app, url := start(t, &gateway.Options{Logger: slog.New(slog.NewTextHandler(&log, nil))}, gateway.New("/c", gateway.Anyone, func(g *gateway.Namespace[gateway.Nobody]) {
		nothing := func(*nobody, gateway.None) error { return nil }
		gateway.Handle(g, "handler", func(*nobody, gateway.None) error { panic("handler") })
		gateway.Handle(g, "parallel", func(*nobody, gateway.None) error { panic("parallel") }).Parallel(1)
		gateway.Handle(g, "guard", nothing).Use(gateway.Guard(func(*gateway.Call) error { panic("guard") }))
		gateway.Handle(g, "interceptor", nothing).Use(gateway.Interceptor(func(gateway.Handler) gateway.Handler {
			return func(*gateway.Call) (any, error) { panic("interceptor") }
		}))
		gateway.Handle(g, "filter", func(*nobody, gateway.None) error { return errors.New("x") }).
			Use(gateway.Filter(func(*gateway.Call, error) error { panic("filter") }))
		gateway.Handle(g, "authorize", nothing).Authorize(func(*nobody, gateway.None) error { panic("authorize") })
		gateway.Handle(g, "validate", func(*nobody, panics) error { return nil })
		gateway.Stream(g, "stream", item, func(*nobody, gateway.None) iter.Seq2[int, error] {
			return func(func(int, error) bool) { panic("stream") }
		})
		gateway.Handle(g, "state", func(c *nobody, _ gateway.None) error { _, err := bad.Of(c); return err })
		gateway.Handle(g, "close", func(c *nobody, _ gateway.None) error { _, err := worse.Of(c); return err })
		g.OnAny(func(c *nobody) error {
			if c.Pattern() == "any" {
				panic("any")
			}
			return nil
		})
		g.OnDisconnecting(func(*nobody, gateway.Reason) error { panic("disconnecting") })
		g.OnDisconnect(func(*nobody, gateway.Reason) error { panic("disconnect") })
		g.OnDisconnect(func(*nobody, gateway.Reason) error { ended <- struct{}{}; return nil })
	}))
	c := join(t, url, "/c", "")
	all := []string{"handler", "parallel", "guard", "interceptor", "filter", "authorize", "validate", "stream", "state", "any"}
	for _, event := range all {
		c.send(`2/c,1["` + event + `"]`)
		if event == "validate" {
			c.send(`2/c,1["validate",{}]`)
			c.expect(`3/c,1[{"status":"error","code":"bad_request","message":"an argument is missing","cause":{"pattern":"validate"}}]`)
		}
		c.expect(`3/c,1[{"status":"error","code":"internal","message":"Internal error","cause":{"pattern":"` + event + `"}}]`)
	}
	c.send(`2/c,1["close"]`)
	c.expect(`3/c,1[]`)
	assert.NoError(t, c.Close())
	assert.Receive(t, ended)
	for _, where := range append(all, "disconnecting", "disconnect", "state-close") {
		text := "panic: " + where
		if where == "state" {
			text = "panic: state-open"
		}
		assert.Eventually(t, func() bool { return strings.Contains(log.String(), text) }, where)
	}
	assert.True(t, strings.Contains(log.String(), "rules_test.go"), "a stack")

	app.OnStart("part", func(context.Context) error { panic("start") }, nil)
	err := app.Start(context.Background())
	assert.True(t, err != nil && strings.Contains(err.Error(), "panic: start"), err)
}

type panics struct{}

func (panics) Validate(context.Context) error { panic("validate") }

func TestUnexpectedErrorsAreLoggedWithEventSocketAndPrincipal(t *testing.T) {
	var log lockedBuffer
	keyed := identified{}
	_, url := start(t, &gateway.Options{Logger: slog.New(slog.NewTextHandler(&log, nil))}, gateway.New("/c", keyed, func(g *gateway.Namespace[user]) {
		gateway.On(g, "fail", func(c *gateway.Context[user], _ gateway.None) (string, error) {
			return "", fmt.Errorf("%s: the disk is full", c.Socket().ID())
		})
	}))
	c := join(t, url, "/c", "")
	c.send(`2/c,1["fail"]`)
	c.expect(`3/c,1[{"status":"error","code":"internal","message":"Internal error","cause":{"pattern":"fail"}}]`)
	for _, part := range []string{"level=ERROR", "event=fail", "namespace=/c", "socket=", "principal=mina@example.com", "the disk is full"} {
		assert.True(t, strings.Contains(log.String(), part), part, log.String())
	}
}

// identified knows who everybody is.
type identified struct{}

func (identified) Authenticate(context.Context, *gateway.Handshake) (gateway.Identity[user], error) {
	return gateway.Identity[user]{Principal: user{"Mina"}, Key: "mina@example.com"}, nil
}

func TestOptionsThatAreWrongAreAnErrorAtStart(t *testing.T) {
	for name, o := range map[string]socketio.Options{
		"ping interval": {PingInterval: -1},
		"origin":        {AllowedOrigins: []string{"example.com/page"}},
	} {
		_, err := gateway.NewApp(&gateway.Options{Socket: o})
		assert.True(t, err != nil, name)
	}
}

// Whatever a client calls a room, it is neither a socket's own nor one of another kind.
func TestRoomsOfDifferentKindsNeverMeet(t *testing.T) {
	users := gateway.NewRooms("user")
	_, url := start(t, nil, gateway.New("/c", gateway.Anyone, func(g *gateway.Namespace[gateway.Nobody]) {
		g.Emits(joined)
		gateway.On(g, "join", func(c *nobody, name string) (string, error) {
			c.Join(chats.Of(name))
			return c.Socket().ID(), nil
		})
		gateway.Handle(g, "tell", func(c *nobody, _ gateway.None) error {
			return errors.Join(joined.Emit(c, c.Client(), "to the client"), joined.Emit(c, c.To(users.Of(1)), "to user 1"))
		})
	}))
	victim, spy := join(t, url, "/c", ""), join(t, url, "/c", "")
	victim.send(`2/c,1["join","x"]`)
	id := strings.Split(victim.Next(t), `"`)[1]
	for _, name := range []string{id, "user:1", "/", "", "chat:x"} {
		spy.send(`2/c,1["join","` + name + `"]`)
		spy.Next(t)
	}
	victim.send(`2/c,2["tell"]`)
	victim.expect(`2/c,["joined","to the client"]`)
	victim.expect(`3/c,2[]`)
	spy.send(`2/c,3["join","settled"]`)
	assert.True(t, strings.HasPrefix(spy.Next(t), `43/c,3[`), "nothing came before it")
}

// Clients are told, their handlers end, what was registered with OnStart is stopped last, and
// a request that never ends does not keep it from ending.
func TestStopping(t *testing.T) {
	var mu sync.Mutex
	var told []string
	note := func(text string) {
		mu.Lock()
		defer mu.Unlock()
		told = append(told, text)
	}
	app, err := gateway.NewApp(&gateway.Options{StopTimeout: 300 * time.Millisecond}, gateway.New("/c", gateway.Anyone, func(g *gateway.Namespace[gateway.Nobody]) {
		g.Emits(joined)
		gateway.Handle(g, "work", func(c *nobody, _ gateway.None) error {
			if err := joined.Emit(c, c.Client(), "working"); err != nil {
				return err
			}
			<-c.Done()
			note("handler")
			return nil
		})
		g.OnDisconnecting(func(_ *nobody, r gateway.Reason) error { note("disconnecting: " + string(r)); return nil })
		g.OnDisconnect(func(*nobody, gateway.Reason) error { note("disconnect"); return nil })
	}))
	assert.NoError(t, err)
	app.OnStart("database", nil, func(context.Context) error { note("database"); return nil })
	foreign := make(chan struct{})
	mux := http.NewServeMux()
	mux.Handle("/socket.io/", app)
	mux.HandleFunc("/events", func(w http.ResponseWriter, r *http.Request) { // server-sent events, say
		w.WriteHeader(http.StatusOK)
		_ = http.NewResponseController(w).Flush()
		close(foreign)
		<-r.Context().Done()
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	assert.NoError(t, err)
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- app.Serve(ctx, l, mux) }()

	url := "http://" + l.Addr().String()
	c := join(t, url, "/c", "")
	c.send(`2/c,["work"]`)
	c.expect(`2/c,["joined","working"]`)
	r, err := http.Get(url + "/events")
	assert.NoError(t, err)
	defer r.Body.Close()
	<-foreign
	stop()
	c.ExpectClose(t)
	assert.ErrorIs(t, assert.Receive(t, served), context.DeadlineExceeded) // of the request alone
	assert.Equal(t, told, []string{"handler", "disconnecting: server shutting down", "disconnect", "database"})
	_, err = net.Dial("tcp", l.Addr().String())
	assert.True(t, err != nil, "nobody listens any more")
	conn, _, _ := wstest.Try(url+"/socket.io/?EIO=4&transport=websocket", nil)
	assert.True(t, conn == nil)
}

// An array is one argument, and several arguments are several.
func TestAnArrayIsNotSeveralArguments(t *testing.T) {
	_, url := start(t, nil, gateway.New("/c", gateway.Anyone, func(g *gateway.Namespace[gateway.Nobody]) {
		gateway.On(g, "list", func(_ *nobody, in []int) (int, error) { return len(in), nil })
		gateway.On(g, "two", func(_ *nobody, in gateway.Args2[int, int]) (int, error) { return in.A - in.B, nil })
	}))
	c := join(t, url, "/c", "")
	for event, want := range map[string]string{
		`["list",[1,2,3]]`: `[3]`, `["two",5,3]`: `[2]`, `["list",1,2]`: `"bad_request"`, `["two",[5,3]]`: `"bad_request"`,
	} {
		c.send(`2/c,1` + event)
		answer := c.Next(t)
		assert.True(t, strings.Contains(answer, want), event, answer)
	}
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
