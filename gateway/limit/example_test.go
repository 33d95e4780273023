package limit_test

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"time"

	"github.com/kachi-io/kachi/client"
	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/gateway/limit"
)

type upload struct {
	Name string `json:"name"`
}

// Limits stand around a namespace, a route, and the door.
func Example() {
	register := func(g *gateway.Namespace[gateway.Nobody]) {
		g.Admit(limit.Connects(10, time.Minute))
		g.Use(limit.PerSocket(20, time.Second, limit.Options{
			Burst:      50,
			Cost:       map[string]int{"upload": 10},
			Disconnect: 100,
		}))
		gateway.Handle(g, "upload", func(*gateway.Context[gateway.Nobody], upload) error { return nil }).
			Use(limit.PerAddress(5, time.Hour))
	}
	app, err := gateway.NewApp(nil, gateway.New("/files", gateway.Anyone, register))
	if err != nil {
		panic(err)
	}
	host := httptest.NewServer(app)
	defer host.Close()
	defer func() { _ = app.Stop(context.Background()) }()
	c, err := client.Connect(context.Background(), host.URL+"/files", nil)
	if err != nil {
		panic(err)
	}
	defer c.Client().Close()
	for range 6 { // of which an address has five an hour
		_, err := client.Ask[any](context.Background(), c, "upload", upload{"nest.png"})
		var refused *client.Error
		fmt.Println(errors.As(err, &refused) && refused.Code == gateway.CodeRateLimited)
	}
	// Output:
	// false
	// false
	// false
	// false
	// false
	// true
}
