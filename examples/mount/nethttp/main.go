// Command nethttp mounts Kachi in the standard library's router, beside other routes.
package main

import (
	"context"
	"fmt"
	"log"
	"net/http"

	"github.com/kachi-io/kachi/socketio"
)

// greeter answers the event "greet".
func greeter() *socketio.Server {
	srv := socketio.NewServer(nil)
	srv.Of("/").On("greet", func(ctx context.Context, e *socketio.Event) error {
		var name string
		if err := e.Decode(&name); err != nil {
			return err
		}
		return e.Ack("Hello, " + name)
	})
	return srv
}

func router(srv *socketio.Server) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /about", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "about")
	})
	mux.Handle("/socket.io/", srv)
	return mux
}

func main() {
	log.Fatal(http.ListenAndServe(":3000", router(greeter())))
}
