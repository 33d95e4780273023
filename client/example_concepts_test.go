package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"
	"time"

	"github.com/kachi-io/kachi/client"
	"github.com/kachi-io/kachi/socketio"
	"github.com/kachi-io/kachi/socketio/packet"
)

// host serves the examples below: namespace / echoes, asks back and refuses.
func host(setup func(*socketio.Server), o *socketio.Options) (url string, stop func()) {
	srv := socketio.NewServer(o)
	srv.On("echo", func(_ context.Context, e *socketio.Event) error {
		var text string
		if err := e.Decode(&text); err != nil {
			return err
		}
		return e.Ack(text)
	})
	if setup != nil {
		setup(srv)
	}
	h := httptest.NewServer(srv)
	return h.URL, func() {
		_ = srv.Shutdown(context.Background())
		h.Close()
	}
}

func bounded() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), 30*time.Second)
}

// A handler that sees the whole event, and answers the server.
func ExampleSocket_On() {
	answers := make(chan string, 1)
	url, stop := host(func(srv *socketio.Server) {
		srv.On("ready", func(ctx context.Context, e *socketio.Event) error {
			go func() {
				answer, _ := socketio.Ask[string](context.Background(), e.Socket(), "add", 2, 3)
				answers <- answer
			}()
			return nil
		})
	}, nil)
	defer stop()
	ctx, cancel := bounded()
	defer cancel()

	s, err := client.Connect(ctx, url, nil, func(s *client.Socket) {
		s.On("add", func(_ context.Context, e *client.Event) {
			var a, b int
			if err := e.Decode(&a, &b); err != nil {
				return // the server gets no answer
			}
			_ = e.Ack(fmt.Sprint("it is ", a+b))
		})
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer s.Client().Close()
	_ = s.Emit("ready")
	fmt.Println(<-answers)
	// Output: it is 5
}

// Typed handlers get the first argument decoded, and can be removed.
func ExampleOn() {
	url, stop := host(func(srv *socketio.Server) {
		srv.OnConnect(func(_ context.Context, s *socketio.Socket) error {
			return s.Emit("moved", map[string]float64{"lat": 37.5, "lon": 127})
		})
	}, nil)
	defer stop()
	ctx, cancel := bounded()
	defer cancel()

	type position struct{ Lat, Lon float64 }
	moved := make(chan position, 1)
	var off func()
	s, err := client.Connect(ctx, url, nil, func(s *client.Socket) {
		off = client.On(s, "moved", func(_ context.Context, p position) { moved <- p })
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer s.Client().Close()
	fmt.Println(<-moved)
	off()
	// Output: {37.5 127}
}

// An answer with several values, or with bytes.
func ExampleSocket_Ask() {
	url, stop := host(func(srv *socketio.Server) {
		srv.On("file", func(_ context.Context, e *socketio.Event) error { return e.Ack("nest.txt", []byte("twigs")) })
	}, nil)
	defer stop()
	ctx, cancel := bounded()
	defer cancel()

	s, err := client.Connect(ctx, url, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer s.Client().Close()
	values, err := s.Ask(ctx, "file")
	if err != nil {
		fmt.Println(err)
		return
	}
	var name string
	var data []byte
	err = values.Decode(&name, &data)
	fmt.Println(name, string(data), err)
	// Output: nest.txt twigs <nil>
}

// A deadline bounds the wait for an answer.
func ExampleErrAckTimeout() {
	url, stop := host(func(srv *socketio.Server) {
		srv.On("silent", func(context.Context, *socketio.Event) error { return nil })
	}, nil)
	defer stop()
	ctx, cancel := bounded()
	defer cancel()

	s, err := client.Connect(ctx, url, &client.Options{Socket: client.SocketOptions{AckTimeout: 10 * time.Millisecond}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer s.Client().Close()
	_, err = client.Ask[string](context.Background(), s, "silent") // AckTimeout counts
	fmt.Println(errors.Is(err, client.ErrAckTimeout))
	// Output: true
}

// What is emitted before there is a connection is kept, up to a bound; what is volatile is
// not.
func ExampleSocket_Volatile() {
	url, stop := host(nil, nil)
	defer stop()
	ctx, cancel := bounded()
	defer cancel()

	c, err := client.New(url, &client.Options{MaxQueuedMessages: 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	s := c.Of("/", nil)
	fmt.Println(s.Emit("echo", "kept"))
	fmt.Println(s.Emit("echo", "too much"))
	fmt.Println(s.Volatile().Emit("echo", "now or never"))
	if err := s.Connect(ctx); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(s.EmitContext(ctx, "echo", "waits for room"))
	// Output:
	// <nil>
	// client: too much waits to be sent
	// client: volatile event dropped
	// <nil>
}

// A namespace that refuses says why; the socket does not try again by itself.
func ExampleConnectError() {
	url, stop := host(func(srv *socketio.Server) {
		srv.Of("/admin").Use(func(_ context.Context, s *socketio.Socket) error {
			var auth struct{ Token string }
			_ = json.Unmarshal(s.Auth(), &auth)
			if auth.Token != "secret" {
				return &socketio.Error{Code: "unauthorized", Message: "who are you?"}
			}
			return nil
		})
	}, nil)
	defer stop()
	ctx, cancel := bounded()
	defer cancel()

	c, err := client.New(url, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	token := "guess"
	s := c.Of("/admin", &client.SocketOptions{
		AuthFunc: func(context.Context) (any, error) { return map[string]string{"token": token}, nil },
	})
	err = s.Connect(ctx)
	var refused *client.ConnectError
	if errors.As(err, &refused) {
		fmt.Println(refused.Code(), "-", refused.Message)
	}
	token = "secret"
	fmt.Println(s.Connect(ctx))
	// Output:
	// unauthorized - who are you?
	// <nil>
}

// A connection that cannot be opened has a code for its cause.
func ExampleTransportError() {
	url, stop := host(nil, nil)
	stop()
	ctx, cancel := bounded()
	defer cancel()

	_, err := client.Connect(ctx, url, nil)
	var broken *client.TransportError
	if errors.As(err, &broken) {
		fmt.Println(broken.Code, broken.Transport)
	}
	// Output: unreachable polling
}

// Hooks see the connection, for logs and metrics.
func ExampleHooks() {
	url, stop := host(nil, nil)
	defer stop()
	ctx, cancel := bounded()
	defer cancel()

	s, err := client.Connect(ctx, url, &client.Options{
		Transports: []client.Transport{client.WebSocket},
		Hooks: client.Hooks{
			Opened: func(c client.Connection) { fmt.Println("opened on", c.Transport) },
			Closed: func(reason client.Reason, _ error) { fmt.Println("closed:", reason) },
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	_ = s.Client().Close()
	<-s.Client().Done()
	// Output:
	// opened on websocket
	// closed: forced close
}

// With Retries an event goes out again until it is acknowledged.
func ExampleSocketOptions_retries() {
	tries := 0 // one handler at a time
	url, stop := host(func(srv *socketio.Server) {
		srv.On("order", func(_ context.Context, e *socketio.Event) error {
			if tries++; tries < 3 {
				return nil // lost, say
			}
			return e.Ack(tries)
		})
	}, nil)
	defer stop()
	ctx, cancel := bounded()
	defer cancel()

	c, err := client.New(url, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	s := c.Of("/", &client.SocketOptions{Retries: 5, AckTimeout: 100 * time.Millisecond})
	s.Open()
	try, err := client.Ask[int](ctx, s, "order", "twigs")
	fmt.Println(try >= 3, err)
	// Output: true <nil>
}

// A session goes on in another client, in another process even.
func ExampleSocket_Session() {
	url, stop := host(nil, &socketio.Options{Recovery: &socketio.Recovery{Window: time.Minute}})
	defer stop()
	ctx, cancel := bounded()
	defer cancel()

	first, err := client.Connect(ctx, url, &client.Options{Transports: []client.Transport{client.WebSocket}})
	if err != nil {
		fmt.Println(err)
		return
	}
	session, ok := first.Session() // to be stored: whoever has it can go on
	_ = first.Client().CloseNow()

	second, err := client.Connect(ctx, url, &client.Options{
		Transports: []client.Transport{client.WebSocket},
		Socket:     client.SocketOptions{Session: session},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer second.Client().Close()
	fmt.Println(ok, second.Recovered())
	// Output: true true
}

// Catch-all functions see everything that comes and goes.
func ExampleSocket_OnAnyOutgoing() {
	url, stop := host(nil, nil)
	defer stop()
	ctx, cancel := bounded()
	defer cancel()

	s, err := client.Connect(ctx, url, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer s.Client().Close()
	off := s.OnAnyOutgoing(func(event string, args packet.Args) { fmt.Printf("%s %s\n", event, args.Raw[0]) })
	defer off()
	answer, err := client.Ask[string](ctx, s, "echo", "hello")
	fmt.Println(answer, err)
	// Output:
	// echo "hello"
	// hello <nil>
}
