package fxgateway_test

import (
	"context"
	"fmt"

	"go.uber.org/fx"

	"github.com/kachi-io/kachi/client"
	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/gateway/fxgateway"
)

type Greeter struct{ greeting string }

func NewGreeter() *Greeter { return &Greeter{"Hello"} }

func NewHello(g *Greeter) gateway.Gateway {
	return gateway.New("/", gateway.Anyone, func(n *gateway.Namespace[gateway.Nobody]) {
		gateway.On(n, "hello", func(_ *gateway.Context[gateway.Nobody], name string) (string, error) {
			return g.greeting + ", " + name, nil
		})
	})
}

func Example() {
	var server *fxgateway.Server
	app := fx.New(
		fxgateway.Module(),
		fx.Module("hello", fx.Provide(NewGreeter), fxgateway.AsGateway(NewHello)),
		fx.Supply(fxgateway.Config{Addr: "127.0.0.1:0"}),
		fx.Populate(&server), fx.NopLogger,
		fxgateway.Listen(), // last: when everything else has started
	)
	ctx := context.Background()
	if err := app.Start(ctx); err != nil {
		fmt.Println(err)
		return
	}
	s, err := client.Connect(ctx, "http://"+server.Addr().String(), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(client.Ask[string](ctx, s, "hello", "Mina"))
	fmt.Println(s.Client().Close(), app.Stop(ctx))
	// Output:
	// Hello, Mina <nil>
	// <nil> <nil>
}
