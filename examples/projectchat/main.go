// Command projectchat is a chat with its pages, in three versions: for everyone, for a
// project, and with nicknames.
package main

import (
	"context"
	"embed"
	"io/fs"
	"log"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"syscall"

	"github.com/kachi-io/kachi/clientfiles"
	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/socketio"
)

//go:embed static
var static embed.FS

// New puts the parts together: /socket.io/ has the gateways and the client script, all else
// is the folder static.
func New(logger *slog.Logger) (*gateway.App, http.Handler, error) {
	app, err := gateway.NewApp(&gateway.Options{
		Socket: socketio.Options{ClientFiles: clientfiles.FS()},
		Logger: logger,
	}, NewEveryone(), NewProject())
	if err != nil {
		return nil, nil, err
	}
	pages, err := fs.Sub(static, "static")
	if err != nil {
		return nil, nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("/socket.io/", app)
	mux.Handle("/", http.FileServerFS(pages))
	return app, mux, nil
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	app, handler, err := New(slog.Default())
	if err != nil {
		log.Fatal(err)
	}
	log.Print("open http://localhost:3000")
	if err := app.ListenAndServe(ctx, ":3000", handler); err != nil {
		log.Fatal(err)
	}
}
