package fromnest

import (
	"context"
	"net/http"
	"os"

	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/gateway/asyncapi"
	"github.com/kachi-io/kachi/socketio"
	"github.com/kachi-io/kachi/socketio/adapter"
)

// begin serve
func run(ctx context.Context, cats gateway.Gateway) error {
	app, err := gateway.NewApp(&gateway.Options{Socket: socketio.Options{
		AllowedOrigins: []string{os.Getenv("ORIGIN")}, // options are data, known at run time
	}}, cats)
	if err != nil {
		return err // everything that is wrong, with source lines
	}
	return app.ListenAndServe(ctx, os.Getenv("ADDR"), nil)
}

// end serve

// begin hybrid
func hybrid(ctx context.Context, app *gateway.App, api http.Handler) error {
	mux := http.NewServeMux()
	mux.Handle("/socket.io/", app)
	mux.Handle("/api/", api)
	return app.ListenAndServe(ctx, os.Getenv("ADDR"), mux)
}

// end hybrid

// begin ports
// Further places, for the same namespaces and rooms.
func elsewhere(mux *http.ServeMux, app *gateway.App) {
	mux.Handle("/live/", app.Server().Handler(socketio.Mount{Path: "/live/"}))
}

// end ports

// begin plain
// Clients without a library, beside those of Socket.IO: {"event":…,"data":…}.
func plain(mux *http.ServeMux, app *gateway.App) {
	mux.Handle("/ws", app.Server().PlainHandler(socketio.PlainMount{Namespace: "/cats"}))
}

// end plain

// begin cluster
func node(bus *adapter.Bus, gateways ...gateway.Gateway) (*gateway.App, error) {
	return gateway.NewApp(&gateway.Options{Socket: socketio.Options{
		Adapter: bus.Node().Adapter, // a broker's adapter takes its place
	}}, gateways...)
}

// end cluster

// begin nest
// forNest serves a front end that was written for NestJS.
func forNest(gateways ...gateway.Gateway) (*gateway.App, error) {
	return gateway.NewApp(&gateway.Options{
		Errors:    gateway.ErrorsAsEvent, // "exception", and no acknowledgement
		EchoInput: true,                  // as cause.data
	}, gateways...)
}

// end nest

// begin asyncapi
func document(app *gateway.App) (*asyncapi.Doc, error) {
	return asyncapi.Document(app, asyncapi.Info{Title: "Cats", Version: "1.0.0"})
}

// end asyncapi
