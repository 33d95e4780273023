// Command location tells those who watch a location where it is: a program moves it over
// HTTP, or its owner over Socket.IO.
package main

import (
	"context"
	"fmt"
	"log"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"syscall"

	"github.com/kachi-io/kachi/examples/people"
	"github.com/kachi-io/kachi/gateway"
)

// New puts the parts together.
func New(known *people.People, store *Store, logger *slog.Logger) (*gateway.App, http.Handler, error) {
	app, err := gateway.NewApp(&gateway.Options{Logger: logger}, NewLocations(known, store))
	if err != nil {
		return nil, nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("/socket.io/", app)
	protected := gateway.Protect(app, known)
	mux.Handle("PUT /location", protected(&API{store, app.Hub(), logger}))
	return app, mux, nil
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	known := people.New("Mina", "Jun")
	store := NewStore(map[int]int{1: 1}) // Mina's
	store.AddWatcher(1, 2)               // Jun may watch it
	app, handler, err := New(known, store, slog.Default())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("Mina (user 1) has the token %s\nJun (user 2) has the token %s\n", known.Token("Mina"), known.Token("Jun"))
	if err := app.ListenAndServe(ctx, ":3000", handler); err != nil {
		log.Fatal(err)
	}
}
