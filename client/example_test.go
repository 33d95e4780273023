package client_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"time"

	"github.com/kachi-io/kachi/client"
	"github.com/kachi-io/kachi/socketio"
)

// A server for the examples.
func chat() (url string, stop func()) {
	srv := socketio.NewServer(nil)
	ns := srv.Of("/chat")
	ns.On("message", func(_ context.Context, e *socketio.Event) error {
		var text string
		if err := e.Decode(&text); err != nil {
			return err
		}
		if text == "" {
			return &socketio.Error{Code: "empty", Message: "say something"}
		}
		if err := ns.Emit("message", text); err != nil {
			return err
		}
		return e.Ack(len(text))
	})
	host := httptest.NewServer(srv)
	return host.URL, func() {
		_ = srv.Shutdown(context.Background())
		host.Close()
	}
}

func ExampleConnect() {
	url, stop := chat()
	defer stop()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()

	heard := make(chan string)
	s, err := client.Connect(ctx, url+"/chat", nil, func(s *client.Socket) {
		client.On(s, "message", func(_ context.Context, text string) { heard <- text })
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer s.Client().Close()

	length, err := client.Ask[int](ctx, s, "message", "hello")
	fmt.Println(length, err)
	fmt.Println(<-heard)
	_, err = client.Ask[int](ctx, s, "message", "")
	fmt.Println(err)
	// Output:
	// 5 <nil>
	// hello
	// empty: say something
}

func ExampleClient_Of() {
	url, stop := chat()
	defer stop()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()

	c, err := client.New(url, &client.Options{Transports: []client.Transport{client.WebSocket}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	s := c.Of("/chat", &client.SocketOptions{
		AuthFunc: func(context.Context) (any, error) { return map[string]string{"token": "fresh"}, nil },
	})
	s.OnConnectError(func(_ context.Context, err error) { fmt.Println("not connected:", err) })
	s.OnDisconnect(func(_ context.Context, reason client.Reason, _ error) { fmt.Println("left:", reason) })
	s.Open()                    // goes on until it is connected, and whenever it was not
	_ = s.Emit("message", "hi") // waits until then
	if err := s.Wait(ctx); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("connected:", s.Connected())
	s.Disconnect()
	_ = c.Close()
	<-c.Done()
	// Output:
	// connected: true
	// left: io client disconnect
}
