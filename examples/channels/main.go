// Command channels is the first gateway: hooks, an event with an acknowledgement, and one
// that is answered by an event.
package main

import (
	"context"
	"log"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/kachi-io/kachi/gateway"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	app, err := gateway.NewApp(&gateway.Options{Logger: slog.Default()}, NewChannels(slog.Default()))
	if err != nil {
		log.Fatal(err)
	}
	if err := app.ListenAndServe(ctx, ":3000", nil); err != nil {
		log.Fatal(err)
	}
}
