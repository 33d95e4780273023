// Command chi mounts Kachi in a chi router, beside other routes.
package main

import (
	"context"
	"fmt"
	"log"
	"net/http"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

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
	r := chi.NewRouter()
	r.Use(middleware.RequestID, middleware.Logger, middleware.Recoverer)
	r.Get("/about", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "about")
	})
	r.Handle("/socket.io/*", srv)
	return r
}

func main() {
	log.Fatal(http.ListenAndServe(":3000", router(greeter())))
}
