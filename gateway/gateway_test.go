package gateway_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/wstest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type user struct{ Name string }

// byName admits who gives a name as auth.
var byName = gateway.AuthenticatorFunc[user](func(_ context.Context, h *gateway.Handshake) (user, error) {
	var auth struct{ Name string }
	if err := h.DecodeAuth(&auth); err != nil {
		return user{}, err
	}
	switch auth.Name {
	case "":
		return user{}, gateway.Unauthorized("Say your name")
	case "broken":
		return user{}, errors.New("the database is on fire")
	case "panic":
		panic("on purpose")
	}
	return user{auth.Name}, nil
})

func start(t testing.TB, o *gateway.Options, gateways ...gateway.Gateway) (*gateway.App, string) {
	t.Helper()
	app, err := gateway.NewApp(o, gateways...)
	assert.NoError(t, err)
	host := httptest.NewServer(app)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		assert.NoError(t, app.Stop(ctx))
		host.Close()
	})
	return app, host.URL
}

// wire is a client whose packets the test writes itself.
type wire struct {
	*wstest.Conn
	t testing.TB
}

func dial(t testing.TB, url string) wire {
	t.Helper()
	c := wire{wstest.Dial(t, url+"/socket.io/?EIO=4&transport=websocket"), t}
	assert.True(t, strings.HasPrefix(c.Next(t), "0{"))
	return c
}

func join(t testing.TB, url, namespace, auth string) wire {
	t.Helper()
	c := dial(t, url)
	c.send("0" + namespace + "," + auth)
	answer := c.Next(t)
	assert.True(t, strings.HasPrefix(answer, "40"+namespace+`,{"sid"`), answer)
	return c
}

func (c wire) send(text string) {
	c.t.Helper()
	assert.NoError(c.t, c.SendText("4"+text))
}

func (c wire) expect(text string) { c.t.Helper(); c.Expect(c.t, "4"+text) }

type post struct {
	Room int    `json:"room"`
	Text string `json:"text"`
}

func (p post) Validate(context.Context) error {
	if p.Text == "" {
		return gateway.Invalid(gateway.FieldError{Path: "text", Rule: "required", Message: "text is missing"})
	}
	if len(p.Text) > 10 {
		return errors.New("text is too long")
	}
	return nil
}

type receipt struct {
	ID int `json:"id"`
}

var (
	chats  = gateway.NewRooms("chat")
	posted = gateway.NewEvent[post]("posted").Describe("somebody wrote something")
	joined = gateway.NewEvent[string]("joined")
	moved  = gateway.NewEvent[gateway.Args2[int, int]]("moved")
	empty  = gateway.NewEvent[gateway.None]("empty")
	item   = gateway.NewEvent[int]("item")
)

func TestResultsAndInputs(t *testing.T) {
	_, url := start(t, nil, gateway.New("/chat", byName, func(g *gateway.Namespace[user]) {
		g.Emits(posted, joined, moved, empty)
		gateway.On(g, "post", func(c *gateway.Context[user], in post) (receipt, error) {
			return receipt{in.Room}, posted.Emit(c, c.Others(), in)
		})
		gateway.On(g, "whoami", func(c *gateway.Context[user], _ gateway.None) (string, error) { return c.Principal.Name, nil })
		gateway.Handle(g, "nothing", func(*gateway.Context[user], gateway.None) error { return nil })
		gateway.On(g, "add", func(_ *gateway.Context[user], in gateway.Args2[int, int]) (int, error) { return in.A + in.B, nil })
		gateway.On(g, "pair", func(_ *gateway.Context[user], in [2]int) (int, error) { return in[0] * in[1], nil })
		gateway.On(g, "sum", func(_ *gateway.Context[user], in gateway.Rest[int]) (sum int, _ error) {
			for _, n := range in {
				sum += n
			}
			return sum, nil
		})
		gateway.On(g, "swap", func(_ *gateway.Context[user], in gateway.Args2[int, string]) (gateway.Args2[string, int], error) {
			return gateway.Args2[string, int]{A: in.B, B: in.A}, nil
		})
		gateway.On(g, "raw", func(_ *gateway.Context[user], in gateway.Raw) (int, error) { return in.Len(), nil })
		gateway.On(g, "maybe", func(_ *gateway.Context[user], in *int) (bool, error) { return in != nil, nil })
		gateway.On(g, "any", func(_ *gateway.Context[user], in any) (any, error) { return in, nil })
		gateway.On(g, "reply", func(c *gateway.Context[user], in string) (gateway.Reply[string], error) {
			return gateway.Reply[string]{Event: joined, Data: in}, nil
		})
		gateway.On(g, "byHand", func(c *gateway.Context[user], _ gateway.None) (string, error) {
			return "too late", c.Ack("by hand")
		})
		gateway.Handle(g, "events", func(c *gateway.Context[user], _ gateway.None) error {
			return errors.Join(moved.Emit(c, c.Client(), gateway.Args2[int, int]{A: 1, B: 2}), empty.Emit(c, c.Client(), gateway.None{}))
		})
	}))
	c := join(t, url, "/chat", `{"name":"Mina"}`)
	for _, test := range []struct{ event, answer string }{
		{`["whoami"]`, `["Mina"]`},
		{`["whoami",null]`, `["Mina"]`},
		{`["nothing"]`, `[]`},
		{`["add",1,2]`, `[3]`},
		{`["pair",[3,4]]`, `[12]`},
		{`["sum"]`, `[0]`},
		{`["sum",1,2,3]`, `[6]`},
		{`["swap",1,"x"]`, `["x",1]`},
		{`["raw",1,[2],null]`, `[3]`},
		{`["maybe"]`, `[false]`},
		{`["maybe",null]`, `[false]`},
		{`["maybe",1]`, `[true]`},
		{`["any",{"a":[1]}]`, `[{"a":[1]}]`},
		{`["any",null]`, `[null]`},
		{`["byHand"]`, `["by hand"]`},
		{`["post",{"room":7,"text":"hi"}]`, `[{"id":7}]`},
		{`["whoami",1]`, `[{"status":"error","code":"bad_request","message":"no argument is taken, and 1 came","cause":{"pattern":"whoami"}}]`},
		{`["add",1]`, `[{"status":"error","code":"bad_request","message":"2 arguments are taken, and 1 came","cause":{"pattern":"add"}}]`},
		{`["add",[1,2]]`, `[{"status":"error","code":"bad_request","message":"2 arguments are taken, and 1 came","cause":{"pattern":"add"}}]`},
		{`["pair",3,4]`, `[{"status":"error","code":"bad_request","message":"one argument is taken, and 2 came","cause":{"pattern":"pair"}}]`},
		{`["add",1,"x"]`, `[{"status":"error","code":"bad_request","message":"[1] is to be an integer, and is string","details":[{"path":"[1]","rule":"type","param":"an integer","message":"[1] is to be an integer, and is string"}],"cause":{"pattern":"add"}}]`},
		{`["post"]`, `[{"status":"error","code":"bad_request","message":"an argument is missing","cause":{"pattern":"post"}}]`},
		{`["post",null]`, `[{"status":"error","code":"bad_request","message":"the argument is null","cause":{"pattern":"post"}}]`},
		{`["post",{"room":"7","text":"hi"}]`, `[{"status":"error","code":"bad_request","message":"room is to be an integer, and is string","details":[{"path":"room","rule":"type","param":"an integer","message":"room is to be an integer, and is string"}],"cause":{"pattern":"post"}}]`},
		{`["post",{"rom":7}]`, `[{"status":"error","code":"bad_request","message":"rom is not known","details":[{"path":"rom","rule":"unknown","message":"rom is not known"}],"cause":{"pattern":"post"}}]`},
		{`["post",{"room":7}]`, `[{"status":"error","code":"invalid","message":"text is missing","details":[{"path":"text","rule":"required","message":"text is missing"}],"cause":{"pattern":"post"}}]`},
		{`["post",{"text":"much too long"}]`, `[{"status":"error","code":"invalid","message":"text is too long","details":[{"path":"","rule":"valid","message":"text is too long"}],"cause":{"pattern":"post"}}]`},
		{`["unknown"]`, `[{"status":"error","code":"not_found","message":"There is no such event","cause":{"pattern":"unknown"}}]`},
	} {
		c.send("2/chat,1" + test.event)
		c.expect("3/chat,1" + test.answer)
	}
	c.send(`2/chat,1["reply","x"]`)
	c.expect(`2/chat,["joined","x"]`)
	c.expect(`3/chat,1[]`)
	c.send(`2/chat,["events"]`)
	c.expect(`2/chat,["moved",1,2]`)
	c.expect(`2/chat,["empty"]`)
	c.send(`2/chat,["unknown"]`)
	c.expect(`2/chat,["exception",{"status":"error","code":"not_found","message":"There is no such event","cause":{"pattern":"unknown"}}]`)
}

func TestWhoIsNotAdmitted(t *testing.T) {
	ran := make(chan string, 10)
	_, url := start(t, nil, gateway.New("/chat", byName, func(g *gateway.Namespace[user]) {
		g.OnConnect(func(c *gateway.Context[user]) error { ran <- c.Principal.Name; return nil })
		g.OnDisconnect(func(c *gateway.Context[user], r gateway.Reason) error { ran <- "bye " + c.Principal.Name; return nil })
	}))
	c := dial(t, url)
	for auth, want := range map[string]string{
		``:                  `4/chat,{"message":"Say your name","data":{"status":"error","code":"unauthorized","message":"Say your name"}}`,
		`{"name":1}`:        `4/chat,{"message":"auth: json`,
		`{"name":"broken"}`: `4/chat,{"message":"Internal error","data":{"status":"error","code":"internal","message":"Internal error"}}`,
		`{"name":"panic"}`:  `4/chat,{"message":"Internal error","data":{"status":"error","code":"internal","message":"Internal error"}}`,
	} {
		c.send("0/chat," + auth)
		answer := c.Next(t)
		assert.True(t, strings.HasPrefix(answer, "4"+want), answer)
	}
	c.send(`0/chat,{"name":"Mina"}`)
	assert.True(t, strings.HasPrefix(c.Next(t), `40/chat,{"sid"`))
	assert.Equal(t, assert.Receive(t, ran), "Mina")
	assert.NoError(t, c.Close())
	assert.Equal(t, assert.Receive(t, ran), "bye Mina")
}

func TestTheChain(t *testing.T) {
	var trace []string
	note := func(format string, args ...any) { trace = append(trace, fmt.Sprintf(format, args...)) }
	guard := func(name string) gateway.Layer {
		return gateway.Named(name, gateway.Guard(func(c *gateway.Call) error {
			note("guard %s %v", name, c.Input() == nil)
			if string(c.Args().Raw[0]) == `"refused by `+name+`"` {
				return gateway.Forbidden(name)
			}
			return nil
		}))
	}
	interceptor := func(name string) gateway.Layer {
		return gateway.Named(name, gateway.Interceptor(func(next gateway.Handler) gateway.Handler {
			return func(c *gateway.Call) (any, error) {
				note("in %s", name)
				out, err := next(c)
				note("out %s %v %v", name, out, err)
				return out, err
			}
		}))
	}
	filter := func(name string) gateway.Layer {
		return gateway.Named(name, gateway.Filter(func(_ *gateway.Call, err error) error {
			note("filter %s %v", name, err)
			if err.Error() == "for "+name {
				return gateway.NewError("filtered", name)
			}
			return err
		}))
	}
	app, url := start(t, &gateway.Options{Use: []gateway.Layer{filter("app"), interceptor("app"), guard("app")}},
		gateway.New("/c", gateway.Anyone, func(g *gateway.Namespace[gateway.Nobody]) {
			gateway.On(g, "do", func(_ *gateway.Context[gateway.Nobody], in string) (string, error) {
				note("handler")
				if strings.HasPrefix(in, "for ") {
					return "", errors.New(in)
				}
				if in == "panic" {
					panic("on purpose")
				}
				return "done", nil
			}).Authorize(func(_ *gateway.Context[gateway.Nobody], in string) error {
				note("authorize")
				if in == "unauthorized" {
					return gateway.Forbidden("by route")
				}
				return nil
			}).Use(guard("route"), interceptor("route"), filter("route"))
			g.Use(guard("space"), interceptor("space"), filter("space"))
		}))
	c := join(t, url, "/c", "")
	do := func(in, answer string, want ...string) {
		t.Helper()
		trace = nil
		c.send(`2/c,1["do","` + in + `"]`)
		got := c.Next(t)
		assert.True(t, strings.HasPrefix(got, "43/c,1["+answer), got)
		assert.Equal(t, trace, want)
	}
	guards := []string{"guard app true", "guard space true", "guard route true"}
	entered := append(guards[:3:3], "in app", "in space", "in route")
	do("x", `"done"`, append(entered, "authorize", "handler", "out route done <nil>", "out space done <nil>", "out app done <nil>")...)
	do("refused by space", `{"status":"error","code":"forbidden","message":"space"`,
		"guard app true", "guard space true", "filter route forbidden: space", "filter space forbidden: space", "filter app forbidden: space")
	do("unauthorized", `{"status":"error","code":"forbidden","message":"by route"`, append(entered, "authorize",
		"out route <nil> forbidden: by route", "out space <nil> forbidden: by route", "out app <nil> forbidden: by route",
		"filter route forbidden: by route", "filter space forbidden: by route", "filter app forbidden: by route")...)
	do("for space", `{"status":"error","code":"filtered","message":"space"`, append(entered, "authorize", "handler",
		"out route <nil> for space", "out space <nil> for space", "out app <nil> for space",
		"filter route for space", "filter space for space", "filter app filtered: space")...)
	do("panic", `{"status":"error","code":"internal","message":"Internal error"`, append(entered, "authorize", "handler",
		"filter route panic: on purpose", "filter space panic: on purpose", "filter app panic: on purpose")...)

	routes := app.Routes()
	assert.Equal(t, len(routes), 1)
	assert.Equal(t, routes[0].Chain, []string{"guard app", "guard space", "guard route",
		"interceptor app", "interceptor space", "interceptor route", "filter app", "filter space", "filter route"})
	assert.Equal(t, routes[0].Event, "do")
	assert.True(t, strings.Contains(routes[0].Source, "gateway_test.go:"), routes[0].Source)
}

func TestErrorModes(t *testing.T) {
	register := func(g *gateway.Namespace[gateway.Nobody]) {
		gateway.Handle(g, "fail", func(*gateway.Context[gateway.Nobody], gateway.Raw) error { return gateway.NewError("teapot", "short") })
		gateway.Handle(g, "sync", func(*gateway.Context[gateway.Nobody], gateway.None) error { return nil })
		gateway.Handle(g, "odd", func(*gateway.Context[gateway.Nobody], gateway.None) error {
			return &gateway.Error{Code: "odd", Message: "odd", Details: func() {}}
		})
	}
	const body = `{"status":"error","code":"teapot","message":"short","cause":{"pattern":"fail"}}`
	const echoed = `{"status":"error","code":"teapot","message":"short","cause":{"pattern":"fail","data":{"a":1}}}`
	for name, test := range map[string]struct {
		options gateway.Options
		asked   []string // for an acknowledgement
		untold  []string
	}{
		"ack":   {gateway.Options{}, []string{`3/c,1[` + body + `]`}, []string{`2/c,["exception",` + body + `]`}},
		"event": {gateway.Options{Errors: gateway.ErrorsAsEvent, EchoInput: true}, []string{`2/c,["exception",` + echoed + `]`}, []string{`2/c,["exception",` + echoed + `]`}},
		"both":  {gateway.Options{Errors: gateway.ErrorsInBoth}, []string{`3/c,1[` + body + `]`, `2/c,["exception",` + body + `]`}, []string{`2/c,["exception",` + body + `]`}},
	} {
		t.Run(name, func(t *testing.T) {
			_, url := start(t, &test.options, gateway.New("/c", gateway.Anyone, register))
			c := join(t, url, "/c", "")
			c.send(`2/c,1["fail",{"a":1}]`)
			for _, want := range test.asked {
				c.expect(want)
			}
			c.send(`2/c,["fail",{"a":1}]`)
			for _, want := range test.untold {
				c.expect(want)
			}
			c.send(`2/c,5["sync"]`)
			c.expect(`3/c,5[]`)
		})
	}
	_, url := start(t, nil, gateway.New("/c", gateway.Anyone, register))
	c := join(t, url, "/c", "")
	c.send(`2/c,1["odd"]`)
	c.expect(`3/c,1[{"status":"error","code":"odd","message":"odd","cause":{"pattern":"odd"}}]`)
}

func TestEveryAckIsAnswered(t *testing.T) {
	release := make(chan struct{})
	_, url := start(t, &gateway.Options{ReplyTimeout: 20 * time.Millisecond}, gateway.New("/c", gateway.Anyone, func(g *gateway.Namespace[gateway.Nobody]) {
		gateway.On(g, "slow", func(*gateway.Context[gateway.Nobody], gateway.None) (string, error) {
			<-release
			return "late", nil
		})
		gateway.On(g, "patient", func(*gateway.Context[gateway.Nobody], gateway.None) (string, error) {
			time.Sleep(150 * time.Millisecond) // longer than the time-out and a tick of the clock
			return "done", nil
		}).Patience(-1)
	}))
	c := join(t, url, "/c", "")
	c.send(`2/c,1["slow"]`)
	c.expect(`3/c,1[{"status":"error","code":"timeout","message":"There was no answer in time","cause":{"pattern":"slow"}}]`)
	close(release)
	c.send(`2/c,2["patient"]`)
	c.expect(`3/c,2["done"]`)
}

func TestTimeOutsAreErrorsLikeOthers(t *testing.T) {
	const body = `{"status":"error","code":"timeout","message":"There was no answer in time","cause":{"pattern":"slow"}}`
	for mode, want := range map[gateway.ErrorMode][]string{
		gateway.ErrorsInAck:   {`3/c,1[` + body + `]`},
		gateway.ErrorsAsEvent: {`2/c,["exception",` + body + `]`},
		gateway.ErrorsInBoth:  {`3/c,1[` + body + `]`, `2/c,["exception",` + body + `]`},
	} {
		t.Run(fmt.Sprint(mode), func(t *testing.T) {
			release := make(chan struct{})
			_, url := start(t, &gateway.Options{Errors: mode, ReplyTimeout: 20 * time.Millisecond}, gateway.New("/c", gateway.Anyone, func(g *gateway.Namespace[gateway.Nobody]) {
				gateway.On(g, "slow", func(_ *gateway.Context[gateway.Nobody], fail bool) (string, error) {
					<-release
					if fail {
						return "", gateway.Forbidden("late")
					}
					return "late", nil
				})
				gateway.On(g, "sync", func(*gateway.Context[gateway.Nobody], gateway.None) (string, error) { return "sync", nil }).Patience(-1)
			}))
			c := join(t, url, "/c", "")
			for _, fail := range []string{"false", "true"} {
				c.send(`2/c,1["slow",` + fail + `]`)
				for _, text := range want {
					c.expect(text)
				}
				release <- struct{}{}
				c.send(`2/c,2["sync"]`) // nothing came of what was late
				c.expect(`3/c,2["sync"]`)
			}
		})
	}
}

func TestParallelAndInOrder(t *testing.T) {
	hold := make(chan struct{})
	begun := make(chan int, 10)
	ended := make(chan string, 10)
	_, url := start(t, nil, gateway.New("/c", gateway.Anyone, func(g *gateway.Namespace[gateway.Nobody]) {
		gateway.On(g, "wait", func(c *gateway.Context[gateway.Nobody], n int) (int, error) {
			begun <- n
			select {
			case <-hold:
			case <-c.Done():
				ended <- "cancelled"
			}
			return n, nil
		}).Parallel(2)
		gateway.On(g, "next", func(_ *gateway.Context[gateway.Nobody], n int) (int, error) { return n, nil })
		g.OnDisconnecting(func(*gateway.Context[gateway.Nobody], gateway.Reason) error { ended <- "disconnecting"; return nil })
	}))
	c := join(t, url, "/c", "")
	c.send(`2/c,1["wait",1]`)
	c.send(`2/c,2["wait",2]`)
	c.send(`2/c,3["next",3]`)
	c.expect(`3/c,3[3]`) // goes past them
	assert.Equal(t, assert.Receive(t, begun)+assert.Receive(t, begun), 3)
	c.send(`2/c,4["wait",4]`) // has to wait for a turn
	c.send(`2/c,5["next",5]`)
	close(hold)
	answers := map[string]bool{}
	for range 4 {
		answers[c.Next(t)] = true
	}
	assert.Equal(t, answers, map[string]bool{`43/c,1[1]`: true, `43/c,2[2]`: true, `43/c,4[4]`: true, `43/c,5[5]`: true})

	hold = make(chan struct{})
	c.send(`2/c,["wait",6]`)
	for assert.Receive(t, begun) != 6 {
	}
	assert.NoError(t, c.Close())
	assert.Equal(t, assert.Receive(t, ended), "cancelled") // waited for
	assert.Equal(t, assert.Receive(t, ended), "disconnecting")
}

func TestStreams(t *testing.T) {
	stopped := make(chan error, 1)
	_, url := start(t, nil, gateway.New("/c", gateway.Anyone, func(g *gateway.Namespace[gateway.Nobody]) {
		gateway.Stream(g, "count", item, func(c *gateway.Context[gateway.Nobody], to int) iter.Seq2[int, error] {
			return func(yield func(int, error) bool) {
				for n := 1; to < 0 || n <= to; n++ {
					if n == 5 && to == 7 {
						yield(0, gateway.NewError("five", "not five"))
						return
					}
					if !yield(n, nil) {
						<-c.Done()
						break
					}
				}
				stopped <- c.Err()
			}
		})
		gateway.Handle(g, "sync", func(*gateway.Context[gateway.Nobody], gateway.None) error { return nil })
	}))
	c := join(t, url, "/c", "")
	c.send(`2/c,1["count",3]`)
	for n := range 3 {
		c.expect(fmt.Sprintf(`2/c,["item",%d]`, n+1))
	}
	c.expect(`3/c,1[{"count":3}]`)
	assert.NoError(t, assert.Receive(t, stopped))
	c.send(`2/c,2["count",7]`)
	for n := range 4 {
		c.expect(fmt.Sprintf(`2/c,["item",%d]`, n+1))
	}
	c.expect(`3/c,2[{"status":"error","code":"five","message":"not five","cause":{"pattern":"count"}}]`)

	c.send(`2/c,["count",-1]`)
	c.expect(`2/c,["item",1]`)
	assert.NoError(t, c.Close())
	assert.ErrorIs(t, assert.Receive(t, stopped), context.Canceled)
}

func TestRoomsAndWhoIsSentWhat(t *testing.T) {
	hub := gateway.NewHub()
	assert.ErrorIs(t, joined.Emit(context.Background(), hub.Namespace("/chat").To(chats.Of(1)), "x"), gateway.ErrNotStarted)
	left := make(chan []gateway.Room, 10)
	id, ok := chats.ID(chats.Of(42))
	assert.Equal(t, id, "42")
	assert.True(t, ok)
	_, ok = gateway.NewRooms("cha").ID(chats.Of(42))
	assert.True(t, !ok, "a room of another kind")
	_, url := start(t, &gateway.Options{Hub: hub}, gateway.New("/chat", byName, func(g *gateway.Namespace[user]) {
		g.Emits(joined)
		gateway.On(g, "join", func(c *gateway.Context[user], id int) (string, error) {
			room := chats.Of(id)
			if c.In(room) {
				return "already", nil
			}
			c.Join(room)
			return room.String(), joined.Emit(c, c.To(room), c.Principal.Name)
		})
		gateway.Handle(g, "others", func(c *gateway.Context[user], in string) error { return joined.Emit(c, c.Others(), in) })
		gateway.Handle(g, "undeclared", func(c *gateway.Context[user], _ gateway.None) error {
			return posted.Emit(c, c.All(), post{})
		})
		g.OnDisconnecting(func(c *gateway.Context[user], _ gateway.Reason) error { left <- c.Rooms(); return nil })
	}))
	a, b := join(t, url, "/chat", `{"name":"a"}`), join(t, url, "/chat", `{"name":"b"}`)
	a.send(`2/chat,1["join",7]`)
	a.expect(`2/chat,["joined","a"]`)
	a.expect(`3/chat,1["chat:7"]`)
	b.send(`2/chat,1["join",7]`)
	a.expect(`2/chat,["joined","b"]`)
	b.expect(`2/chat,["joined","b"]`)
	b.expect(`3/chat,1["chat:7"]`)
	b.send(`2/chat,2["join",7]`)
	b.expect(`3/chat,2["already"]`)
	b.send(`2/chat,3["others","hey"]`)
	a.expect(`2/chat,["joined","hey"]`)
	b.expect(`3/chat,3[]`)
	ended, cancel := context.WithCancel(context.Background())
	cancel() // what has happened is told
	assert.NoError(t, joined.Emit(ended, hub.Namespace("/chat").To(chats.Of(7)), "hub"))
	a.expect(`2/chat,["joined","hub"]`)
	b.expect(`2/chat,["joined","hub"]`)
	assert.NoError(t, joined.Emit(ended, hub.Namespace("/chat").To(), "nobody"))
	assert.ErrorIs(t, joined.Emit(ended, hub.Namespace("/other"), "x"), gateway.ErrNotStarted)
	assert.ErrorIs(t, posted.Emit(ended, hub.Namespace("/chat"), post{}), gateway.ErrUndeclared)
	a.send(`2/chat,4["undeclared"]`)
	a.expect(`3/chat,4[{"status":"error","code":"internal","message":"Internal error","cause":{"pattern":"undeclared"}}]`)
	assert.NoError(t, a.Close())
	assert.Equal(t, fmt.Sprint(assert.Receive(t, left)), "[chat:7]")
}

func TestPatterns(t *testing.T) {
	hub := gateway.NewHub()
	_, url := start(t, &gateway.Options{Hub: hub}, gateway.Pattern("/room-{id}", byName, func(g *gateway.Namespace[user]) {
		g.Emits(joined)
		gateway.On(g, "where", func(c *gateway.Context[user], _ gateway.None) (string, error) {
			return c.Param("id") + c.Namespace(), nil
		})
	}, nil))
	a, b := join(t, url, "/room-1", `{"name":"a"}`), join(t, url, "/room-2", `{"name":"b"}`)
	a.send(`2/room-1,1["where"]`)
	a.expect(`3/room-1,1["1/room-1"]`)
	ctx := context.Background()
	assert.NoError(t, joined.Emit(ctx, hub.Namespace("/room-{id}"), "all"))
	a.expect(`2/room-1,["joined","all"]`)
	b.expect(`2/room-2,["joined","all"]`)
	assert.NoError(t, joined.Emit(ctx, hub.Namespace("/room-2").Except(), "two"))
	b.expect(`2/room-2,["joined","two"]`)
	n, err := hub.Namespace("/room-2").Count(ctx)
	assert.NoError(t, err)
	assert.Equal(t, n, 1)
	n, err = hub.Namespace("/room-{id}").Local().Count(ctx)
	assert.NoError(t, err)
	assert.Equal(t, n, 2)
	n, err = hub.Namespace("/room-4").Count(ctx)
	assert.NoError(t, err)
	assert.Equal(t, n, 0)
	_, err = hub.Namespace("/else").Count(ctx)
	assert.ErrorIs(t, err, gateway.ErrNotStarted)
	assert.NoError(t, joined.Emit(ctx, hub.Namespace("/room-3").Except(chats.Of(1)).Volatile(), "nobody here"))
	assert.ErrorIs(t, joined.Emit(ctx, hub.Namespace("/else"), "x"), gateway.ErrNotStarted)
}

func TestState(t *testing.T) {
	closed := make(chan string, 10)
	cart := gateway.NewState(func(c *gateway.Call) (*[]string, error) {
		if c.Principal().(user).Name == "poor" {
			return nil, gateway.Forbidden("no cart")
		}
		return &[]string{}, nil
	}, func(items *[]string) error { closed <- strings.Join(*items, ","); return nil })
	_, url := start(t, nil, gateway.New("/shop", byName, func(g *gateway.Namespace[user]) {
		gateway.On(g, "put", func(c *gateway.Context[user], what string) (int, error) {
			items, err := cart.Of(c.Call)
			if err != nil {
				return 0, err
			}
			*items = append(*items, what)
			return len(*items), nil
		})
	}))
	a := join(t, url, "/shop", `{"name":"a"}`)
	a.send(`2/shop,1["put","x"]`)
	a.expect(`3/shop,1[1]`)
	a.send(`2/shop,1["put","y"]`)
	a.expect(`3/shop,1[2]`)
	b := join(t, url, "/shop", `{"name":"poor"}`)
	b.send(`2/shop,1["put","x"]`)
	assert.True(t, strings.Contains(b.Next(t), `"forbidden"`))
	assert.NoError(t, b.Close())
	assert.NoError(t, a.Close())
	assert.Equal(t, assert.Receive(t, closed), "x,y")
}

func TestMistakesAreNamedWithTheirSource(t *testing.T) {
	type tagged struct {
		Items []struct {
			Name string `validate:"required"`
		}
	}
	other := gateway.NewEvent[int]("joined")
	_, err := gateway.NewApp(nil,
		gateway.New("/a", gateway.Anyone, func(g *gateway.Namespace[gateway.Nobody]) {
			nothing := func(*gateway.Context[gateway.Nobody], gateway.None) error { return nil }
			gateway.Handle(g, "twice", nothing)
			gateway.Handle(g, "twice", nothing)
			gateway.Handle(g, "disconnect", nothing)
			gateway.Handle(g, "exception", nothing)
			gateway.Handle(g, "", nothing)
			gateway.Handle[gateway.Nobody, gateway.None](g, "no handler", nil)
			gateway.Handle(g, "nil layer", nothing).Use(nil)
			gateway.Handle(g, "tags", func(*gateway.Context[gateway.Nobody], *tagged) error { return nil })
			g.Emits(joined, other)
		}),
		gateway.New("/a", gateway.Anyone, func(*gateway.Namespace[gateway.Nobody]) {}),
		gateway.New("b", gateway.Anyone, func(*gateway.Namespace[gateway.Nobody]) {}),
		gateway.New[user]("/c", nil, func(*gateway.Namespace[user]) {}),
		gateway.New("/d", gateway.Anyone, nil),
		gateway.Pattern("/e-{", gateway.Anyone, func(*gateway.Namespace[gateway.Nobody]) {}, nil),
		nil,
	)
	text := fmt.Sprint(err)
	for _, want := range []string{
		`event "twice" has a handler already`, `"disconnect" is reserved`, `"exception" is reserved`, `an event has no name`,
		`event "no handler" has no handler`, `event "nil layer": a layer is nil`, `.Name has a validate tag`, `event "joined" of type int is sent by the namespace already, as string`,
		`namespace "/a" has a gateway already`, `namespace "b" does not begin with a slash`, `namespace "/c" has no Authenticator`,
		`namespace "/d" has nothing that registers`, `pattern "/e-{"`, "gateway 7 is nil",
	} {
		assert.True(t, strings.Contains(text, want), want, "\n", text)
	}
	assert.True(t, strings.Count(text, "gateway_test.go:") >= 13, text)
}

func TestLifecycle(t *testing.T) {
	var told []string
	app, err := gateway.NewApp(nil)
	assert.NoError(t, err)
	part := func(name string, fails bool) {
		app.OnStart(name, func(context.Context) error {
			told = append(told, "start "+name)
			if fails {
				return errors.New("no")
			}
			return nil
		}, func(context.Context) error { told = append(told, "stop "+name); return nil })
	}
	part("a", false)
	part("b", false)
	assert.NoError(t, app.Start(context.Background()))
	assert.NoError(t, app.Stop(context.Background()))
	assert.NoError(t, app.Stop(context.Background()))
	assert.Equal(t, told, []string{"start a", "start b", "stop b", "stop a"})

	app, err = gateway.NewApp(nil)
	assert.NoError(t, err)
	told = nil
	part("a", false)
	part("b", true)
	part("c", false)
	err = app.Start(context.Background())
	assert.True(t, err != nil && strings.Contains(err.Error(), "starting b: no"), err)
	assert.Equal(t, told, []string{"start a", "start b", "stop a"})
	assert.NoError(t, app.Stop(context.Background()))
}

func TestOnAny(t *testing.T) {
	seen := make(chan string, 10)
	_, url := start(t, nil, gateway.New("/c", gateway.Anyone, func(g *gateway.Namespace[gateway.Nobody]) {
		g.OnAny(func(c *gateway.Context[gateway.Nobody]) error {
			args, _ := json.Marshal(len(c.Args().Raw))
			seen <- c.Pattern() + string(args)
			if c.Pattern() == "never" {
				return gateway.Forbidden("never")
			}
			return nil
		})
		gateway.Handle(g, "known", func(*gateway.Context[gateway.Nobody], gateway.Raw) error { return nil })
		gateway.Handle(g, "never", func(*gateway.Context[gateway.Nobody], gateway.Raw) error { t.Error("never"); return nil })
	}))
	c := join(t, url, "/c", "")
	c.send(`2/c,1["known",1,2]`)
	c.expect(`3/c,1[]`)
	assert.Equal(t, assert.Receive(t, seen), "known2")
	c.send(`2/c,1["never"]`)
	c.expect(`3/c,1[{"status":"error","code":"forbidden","message":"never","cause":{"pattern":"never"}}]`)
	c.send(`2/c,1["unknown"]`)
	c.expect(`3/c,1[{"status":"error","code":"not_found","message":"There is no such event","cause":{"pattern":"unknown"}}]`)
}
