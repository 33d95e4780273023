package prometheus_test

import (
	"fmt"

	client "github.com/prometheus/client_golang/prometheus"

	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/observe/prometheus"
)

// Metrics are told to watch an app, and given to a registry, whose handler serves them.
func Example() {
	metrics := prometheus.New(nil)
	var o gateway.Options
	metrics.Watch(&o)
	app, err := gateway.NewApp(&o)
	if err != nil {
		panic(err)
	}
	metrics.Server(app.Server())
	registry := client.NewRegistry()
	registry.MustRegister(metrics)
	families, err := registry.Gather()
	fmt.Println(len(families) > 0, err)
	// Output: true <nil>
}
