// Command sealed relays letters that it cannot read: clients encrypt them for each other.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"os/signal"
	"syscall"

	"github.com/kachi-io/kachi/examples/people"
	"github.com/kachi-io/kachi/gateway"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	known := people.New("Mina", "Jun")
	for _, name := range []string{"Mina", "Jun"} {
		fmt.Printf("%s shows the token %s\n", name, known.Token(name))
	}
	app, err := gateway.NewApp(nil, NewRelay(known))
	if err != nil {
		log.Fatal(err)
	}
	if err := app.ListenAndServe(ctx, ":3000", nil); err != nil {
		log.Fatal(err)
	}
}
