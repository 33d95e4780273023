package gateway_test

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/kachi-io/kachi/client"
	"github.com/kachi-io/kachi/gateway"
)

// passwords is an Authenticator of one's own: it says who comes, by which key all sockets of
// that person are known, and until when that is good.
type passwords map[string]string

func (p passwords) Authenticate(_ context.Context, h *gateway.Handshake) (gateway.Identity[user], error) {
	var shown struct{ Name, Password string }
	if err := h.DecodeAuth(&shown); err != nil {
		return gateway.Identity[user]{}, err
	}
	if known, ok := p[shown.Name]; !ok || known != shown.Password {
		return gateway.Identity[user]{}, gateway.Denied("password", "That is not your password")
	}
	return gateway.Identity[user]{
		Principal: user{shown.Name},
		Key:       shown.Name,
		Expires:   time.Now().Add(8 * time.Hour),
	}, nil
}

func ExampleAuthenticator() {
	c, stop := serve("/", nil, gateway.New("/", passwords{"Mina": ""}, func(g *gateway.Namespace[user]) {
		gateway.On(g, "whoami", func(c *gateway.Context[user], _ gateway.None) (string, error) {
			return c.Principal.Name + ", known as " + c.Key(), nil
		})
	}))
	defer stop()
	ask(c, "whoami")
	// Output: Mina, known as Mina
}

// Hooks run when a client has been admitted, and when it has gone: its rooms are still known.
func ExampleNamespace_OnConnect() {
	people := gateway.NewRooms("person")
	gone := make(chan string, 1)
	c, stop := serve("/", nil, gateway.New("/", byName, func(g *gateway.Namespace[user]) {
		g.OnConnect(func(c *gateway.Context[user]) error {
			c.Join(people.Of(c.Principal.Name))
			return nil
		})
		g.OnDisconnecting(func(c *gateway.Context[user], reason gateway.Reason) error {
			gone <- fmt.Sprint(c.Rooms(), ": ", reason)
			return nil
		})
		gateway.On(g, "rooms", func(c *gateway.Context[user], _ gateway.None) (string, error) {
			return fmt.Sprint(c.Rooms()), nil
		})
	}))
	defer stop()
	ask(c, "rooms")
	c.Disconnect()
	fmt.Println(<-gone)
	// Output:
	// [person:Mina]
	// [person:Mina]: client namespace disconnect
}

// An answer that is an event, as NestJS's WsResponse is.
func ExampleReply() {
	found := gateway.NewEvent[string]("found")
	c, stop := serve("/", nil, gateway.New("/", gateway.Anyone, func(g *gateway.Namespace[gateway.Nobody]) {
		g.Emits(found)
		gateway.On(g, "find", func(_ *gateway.Context[gateway.Nobody], name string) (gateway.Reply[string], error) {
			return gateway.Reply[string]{Event: found, Data: name + " is in the kitchen"}, nil
		})
	}))
	defer stop()
	told := make(chan string, 1)
	client.On(c, "found", func(_ context.Context, text string) { told <- text })
	ask(c, "find", "Jun")
	fmt.Println(<-told)
	// Output:
	// <nil>
	// Jun is in the kitchen
}

// A server may ask, too. While a handler waits for its own client, no other event of that
// client is handled, unless the route is Parallel.
func ExampleAsk() {
	sure := gateway.NewEvent[string]("sure?")
	c, stop := serve("/", nil, gateway.New("/", gateway.Anyone, func(g *gateway.Namespace[gateway.Nobody]) {
		g.Emits(sure)
		gateway.On(g, "delete", func(c *gateway.Context[gateway.Nobody], name string) (string, error) {
			ctx, cancel := context.WithTimeout(c, 10*time.Second)
			defer cancel()
			yes, err := gateway.Ask[bool](ctx, c.Socket(), sure, name)
			if err != nil || !yes {
				return "nothing was deleted", err
			}
			return name + " was deleted", nil
		})
	}))
	defer stop()
	c.On("sure?", func(_ context.Context, e *client.Event) { _ = e.Ack(true) })
	ask(c, "delete", "the old nest")
	// Output: the old nest was deleted
}

type address struct {
	Mail string `json:"mail"`
}

// Normalize runs behind decoding, on a pointer.
func (a *address) Normalize() { a.Mail = strings.ToLower(strings.TrimSpace(a.Mail)) }

// Validate has the rules that tags cannot say.
func (a address) Validate(context.Context) error {
	if !strings.HasSuffix(a.Mail, "@example.com") {
		return gateway.Invalid(gateway.FieldError{Path: "mail", Rule: "domain", Message: "we write to example.com alone"})
	}
	return nil
}

// An input that puts itself in order and knows its own rules.
func ExampleValidated() {
	c, stop := serve("/", nil, gateway.New("/", gateway.Anyone, func(g *gateway.Namespace[gateway.Nobody]) {
		gateway.On(g, "subscribe", func(_ *gateway.Context[gateway.Nobody], in address) (string, error) { return in.Mail, nil })
	}))
	defer stop()
	ask(c, "subscribe", address{" Mina@Example.com "})
	ask(c, "subscribe", address{"mina@elsewhere.org"})
	// Output:
	// mina@example.com
	// invalid: we write to example.com alone
}

// Errors as NestJS sends them: an event, and no acknowledgement.
func ExampleErrorMode() {
	o := &gateway.Options{Errors: gateway.ErrorsAsEvent, EchoInput: true}
	c, stop := serve("/", o, gateway.New("/", gateway.Anyone, func(g *gateway.Namespace[gateway.Nobody]) {
		gateway.Handle(g, "open", func(*gateway.Context[gateway.Nobody], string) error {
			return gateway.Forbidden("It is locked")
		})
	}))
	defer stop()
	told := make(chan string, 1)
	c.On("exception", func(_ context.Context, e *client.Event) { told <- string(e.Args().Raw[0]) })
	_ = c.Emit("open", "the door")
	fmt.Println(<-told)
	// Output: {"status":"error","code":"forbidden","message":"It is locked","cause":{"pattern":"open","data":"the door"}}
}

// A handler that takes what comes as it is, and a function that sees all events before their
// handlers.
func ExampleRaw() {
	c, stop := serve("/", nil, gateway.New("/", gateway.Anyone, func(g *gateway.Namespace[gateway.Nobody]) {
		g.OnAny(func(c *gateway.Context[gateway.Nobody]) error {
			if c.Args().Len() > 2 {
				return gateway.NewError("verbose", c.Pattern()+": two arguments will do")
			}
			return nil
		})
		gateway.On(g, "add", func(_ *gateway.Context[gateway.Nobody], in gateway.Raw) (string, error) {
			return fmt.Sprintf("%s", in.Args.Raw), nil
		})
	}))
	defer stop()
	ask(c, "add", 1, map[string]int{"two": 2})
	ask(c, "add", 1, 2, 3)
	// Output:
	// [1 {"two":2}]
	// verbose: add: two arguments will do
}
