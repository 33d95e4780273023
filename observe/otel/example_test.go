package otel_test

import (
	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/observe/otel"
)

// Tracing is told to watch an app. The exporter belongs to the global provider.
func Example() {
	tracing := otel.New(nil)
	var o gateway.Options
	tracing.Watch(&o)
	if _, err := gateway.NewApp(&o); err != nil {
		panic(err)
	}
}
