package limit_test

import (
	"time"

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
	_, err := gateway.NewApp(nil, gateway.New("/files", gateway.Anyone, register))
	if err != nil {
		panic(err)
	}
}
