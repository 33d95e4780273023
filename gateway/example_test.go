package gateway_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"net/http/httptest"
	"regexp"
	"strings"
	"time"

	"github.com/kachi-io/kachi/client"
	"github.com/kachi-io/kachi/gateway"
)

// serve serves gateways, as a program does with http.ListenAndServe, and connects a client.
func serve(namespace string, o *gateway.Options, gateways ...gateway.Gateway) (c *client.Socket, stop func()) {
	app, err := gateway.NewApp(o, gateways...)
	if err != nil {
		panic(err)
	}
	host := httptest.NewServer(app)
	c, err = client.Connect(context.Background(), host.URL+namespace, &client.Options{
		Socket: client.SocketOptions{Auth: map[string]string{"name": "Mina"}},
	})
	if err != nil {
		panic(err)
	}
	return c, func() {
		_ = c.Client().Close()
		_ = app.Stop(context.Background())
		host.Close()
	}
}

// ask asks the server, and prints what it answers.
func ask(c *client.Socket, event string, args ...any) {
	answer, err := client.Ask[any](context.Background(), c, event, args...)
	var refused *client.Error
	if errors.As(err, &refused) {
		fmt.Printf("%s: %s\n", refused.Code, refused.Message)
		return
	}
	fmt.Println(answer)
}

func Example() {
	type Greeting struct {
		To string `json:"to"`
	}
	greeter := gateway.New("/greet", byName, func(g *gateway.Namespace[user]) {
		gateway.On(g, "greet", func(c *gateway.Context[user], in Greeting) (string, error) {
			if in.To == "" {
				return "", gateway.NewError("nobody", "Whom?")
			}
			return c.Principal.Name + " greets " + in.To, nil
		})
	})
	c, stop := serve("/greet", nil, greeter)
	defer stop()
	ask(c, "greet", Greeting{To: "Jun"})
	ask(c, "greet", Greeting{})
	ask(c, "greet", "Jun")
	ask(c, "great")
	// Output:
	// Mina greets Jun
	// nobody: Whom?
	// bad_request: the argument is to be an object, and is string
	// not_found: There is no such event
}

func ExampleOn_arguments() {
	c, stop := serve("/", nil, gateway.New("/", gateway.Anyone, func(g *gateway.Namespace[gateway.Nobody]) {
		type Context = gateway.Context[gateway.Nobody]
		gateway.On(g, "add", func(_ *Context, in gateway.Args2[int, int]) (int, error) { return in.A + in.B, nil })
		gateway.On(g, "sum", func(_ *Context, in gateway.Rest[int]) (sum int, err error) {
			for _, n := range in {
				sum += n
			}
			return sum, nil
		})
		gateway.On(g, "length", func(_ *Context, in []int) (int, error) { return len(in), nil })
		gateway.Handle(g, "ping", func(*Context, gateway.None) error { return nil })
	}))
	defer stop()
	ask(c, "add", 1, 2)
	ask(c, "sum", 1, 2, 3)
	ask(c, "length", []int{1, 2, 3}) // one argument, which is an array
	ask(c, "ping")
	// Output:
	// 3
	// 6
	// 3
	// <nil>
}

func ExampleStream() {
	line := gateway.NewEvent[string]("line")
	c, stop := serve("/", nil, gateway.New("/", gateway.Anyone, func(g *gateway.Namespace[gateway.Nobody]) {
		gateway.Stream(g, "read", line, func(_ *gateway.Context[gateway.Nobody], poem string) iter.Seq2[string, error] {
			return func(yield func(string, error) bool) {
				for l := range strings.Lines(poem) {
					if !yield(strings.TrimSpace(l), nil) { // the client has gone
						return
					}
				}
			}
		})
	}))
	defer stop()
	lines := make(chan string, 10)
	client.On(c, "line", func(_ context.Context, l string) { lines <- l })
	ask(c, "read", "one\ntwo\n")
	fmt.Println(<-lines, <-lines)
	// Output:
	// map[count:2]
	// one two
}

func ExampleOutEvent_Emit() {
	rooms := gateway.NewRooms("room")
	said := gateway.NewEvent[string]("said").Describe("Somebody in the room said something.")
	hub := gateway.NewHub() // for services; made before anything else
	c, stop := serve("/chat", &gateway.Options{Hub: hub}, gateway.New("/chat", byName, func(g *gateway.Namespace[user]) {
		g.Emits(said)
		gateway.Handle(g, "join", func(c *gateway.Context[user], room int) error {
			c.Join(rooms.Of(room))
			return said.Emit(c, c.To(rooms.Of(room)), c.Principal.Name+" is here")
		})
	}))
	defer stop()
	heard := make(chan string, 10)
	client.On(c, "said", func(_ context.Context, text string) { heard <- text })
	ask(c, "join", 7)
	fmt.Println(<-heard)

	service := func(e gateway.Emitter) error { // knows no handler
		return said.Emit(context.Background(), e.Namespace("/chat").To(rooms.Of(7)), "the shop closes")
	}
	fmt.Println(service(hub))
	fmt.Println(<-heard)
	// Output:
	// <nil>
	// Mina is here
	// <nil>
	// the shop closes
}

func ExampleGuard() {
	weekdays := gateway.Named("weekdays", gateway.Guard(func(c *gateway.Call) error {
		if strings.HasPrefix(c.Pattern(), "weekend") {
			return gateway.Forbidden("We are closed")
		}
		return nil
	}))
	c, stop := serve("/", nil, gateway.New("/", gateway.Anyone, func(g *gateway.Namespace[gateway.Nobody]) {
		g.Use(weekdays)
		gateway.On(g, "weekendOrder", func(*gateway.Context[gateway.Nobody], gateway.None) (string, error) { return "done", nil })
	}))
	defer stop()
	ask(c, "weekendOrder")
	// Output: forbidden: We are closed
}

func ExampleInterceptor() {
	shout := gateway.Interceptor(func(next gateway.Handler) gateway.Handler {
		return func(c *gateway.Call) (any, error) {
			out, err := next(c)
			if text, ok := out.(string); ok {
				out = strings.ToUpper(text)
			}
			return out, err
		}
	})
	c, stop := serve("/", nil, gateway.New("/", gateway.Anyone, func(g *gateway.Namespace[gateway.Nobody]) {
		gateway.On(g, "echo", func(_ *gateway.Context[gateway.Nobody], in string) (string, error) { return in, nil }).Use(shout)
	}))
	defer stop()
	ask(c, "echo", "hello")
	// Output: HELLO
}

func ExampleFilter() {
	missing := gateway.Filter(func(_ *gateway.Call, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return gateway.NotFound("There is no such file")
		}
		return err
	})
	c, stop := serve("/", &gateway.Options{Use: []gateway.Layer{missing}}, gateway.New("/", gateway.Anyone, func(g *gateway.Namespace[gateway.Nobody]) {
		gateway.On(g, "read", func(_ *gateway.Context[gateway.Nobody], name string) (string, error) {
			return "", &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
		})
	}))
	defer stop()
	ask(c, "read", "/etc/eggs")
	// Output: not_found: There is no such file
}

func ExampleRoute_Authorize() {
	type Door struct {
		Floor int `json:"floor"`
	}
	c, stop := serve("/", nil, gateway.New("/", byName, func(g *gateway.Namespace[user]) {
		gateway.On(g, "open", func(c *gateway.Context[user], in Door) (string, error) { return "open", nil }).
			Authorize(func(c *gateway.Context[user], in Door) error {
				if in.Floor > 3 {
					return gateway.Forbidden(c.Principal.Name + " may not go there")
				}
				return nil
			})
	}))
	defer stop()
	ask(c, "open", Door{2})
	ask(c, "open", Door{4})
	// Output:
	// open
	// forbidden: Mina may not go there
}

func ExampleRoute_Parallel() {
	release := make(chan struct{})
	c, stop := serve("/", nil, gateway.New("/", gateway.Anyone, func(g *gateway.Namespace[gateway.Nobody]) {
		type Context = gateway.Context[gateway.Nobody]
		gateway.On(g, "slow", func(c *Context, _ gateway.None) (string, error) { <-release; return "slow", nil }).Parallel(2)
		gateway.On(g, "quick", func(*Context, gateway.None) (string, error) { return "quick", nil })
	}))
	defer stop()
	done := make(chan struct{})
	go func() { ask(c, "slow"); close(done) }()
	ask(c, "quick") // does not wait for the slow one
	close(release)
	<-done
	// Output:
	// quick
	// slow
}

func ExampleNewState() {
	seen := gateway.NewState(func(*gateway.Call) (*int, error) { return new(int), nil }, nil)
	c, stop := serve("/", nil, gateway.New("/", gateway.Anyone, func(g *gateway.Namespace[gateway.Nobody]) {
		gateway.On(g, "count", func(c *gateway.Context[gateway.Nobody], _ gateway.None) (int, error) {
			n, err := seen.Of(c)
			if err != nil {
				return 0, err
			}
			*n++
			return *n, nil
		})
	}))
	defer stop()
	ask(c, "count")
	ask(c, "count")
	// Output:
	// 1
	// 2
}

func ExamplePattern() {
	c, stop := serve("/room-7", nil, gateway.Pattern("/room-{id}", gateway.Anyone, func(g *gateway.Namespace[gateway.Nobody]) {
		gateway.On(g, "where", func(c *gateway.Context[gateway.Nobody], _ gateway.None) (string, error) { return c.Param("id"), nil })
	}, nil))
	defer stop()
	ask(c, "where")
	// Output: 7
}

func ExampleVersions() {
	c, stop := serve("/", &gateway.Options{Versions: gateway.Versions{Oldest: 1, Current: 2}}, gateway.New("/", gateway.Anyone, func(g *gateway.Namespace[gateway.Nobody]) {
		type Context = gateway.Context[gateway.Nobody]
		gateway.On(g, "price", func(*Context, gateway.None) (int, error) { return 5, nil }).Deprecated("say version 2")
		gateway.On(g, "price", func(*Context, gateway.None) (string, error) { return "5 EUR", nil }).Since(2)
	}))
	defer stop()
	ask(c, "price") // says no version, and so speaks the oldest
	// Output: 5
}

func ExampleApp_OnStart() {
	app, err := gateway.NewApp(nil)
	if err != nil {
		panic(err)
	}
	app.OnStart("database",
		func(context.Context) error { fmt.Println("open the database"); return nil },
		func(context.Context) error { fmt.Println("close the database"); return nil })
	ctx, stop := context.WithTimeout(context.Background(), time.Second)
	defer stop()
	fmt.Println(app.Start(ctx))
	fmt.Println(app.Stop(ctx))
	// Output:
	// open the database
	// <nil>
	// close the database
	// <nil>
}

func ExampleApp_WriteRoutes() {
	awake := gateway.Named("awake", gateway.Guard(func(*gateway.Call) error { return nil }))
	app, err := gateway.NewApp(nil, gateway.New("/nest", gateway.Anyone, func(g *gateway.Namespace[gateway.Nobody]) {
		g.Use(awake)
		gateway.On(g, "eggs", func(*gateway.Context[gateway.Nobody], gateway.None) (int, error) { return 5, nil })
		gateway.Handle(g, "rename", func(*gateway.Context[gateway.Nobody], user) error { return nil })
	}))
	if err != nil {
		panic(err)
	}
	defer func() { _ = app.Stop(context.Background()) }()
	var table strings.Builder
	fmt.Println(app.WriteRoutes(&table))
	fmt.Println(regexp.MustCompile(` +example_test.go:[0-9]+`).ReplaceAllString(table.String(), ""))
	// Output:
	// <nil>
	// /nest
	//   eggs    None → int   guard awake
	//   rename  user → None  guard awake
}
