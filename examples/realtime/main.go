// Command realtime is a small server of everything: a public chat and one with rooms,
// notifications, data that all see change, a dashboard.
package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"log"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/kachi-io/kachi/examples/people"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	known, service := people.New("Mina", "Jun"), rand.Text()
	app, handler, err := New(Options{People: known, ServiceToken: service, Interval: 5 * time.Second, Logger: slog.Default()})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("Mina (user 1) has the token %s\nJun (user 2) has the token %s\nservices have the token %s\n",
		known.Token("Mina"), known.Token("Jun"), service)
	if err := app.ListenAndServe(ctx, ":3000", handler); err != nil {
		log.Fatal(err)
	}
}
