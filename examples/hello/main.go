// Command hello is the smallest server: it greets who says hello, and tells the others.
package main

import (
	"context"
	"log"
	"net/http"

	"github.com/kachi-io/kachi/socketio"
)

func server() *socketio.Server {
	srv := socketio.NewServer(nil)
	srv.Of("/").On("hello", func(ctx context.Context, e *socketio.Event) error {
		var name string
		if err := e.Decode(&name); err != nil {
			return err
		}
		if err := e.Socket().Broadcast().Emit("arrived", name); err != nil {
			return err
		}
		return e.Ack("Hello, " + name)
	})
	return srv
}

func main() {
	http.Handle("/socket.io/", server())
	log.Fatal(http.ListenAndServe(":3000", nil))
}
