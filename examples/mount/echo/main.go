// Command echo mounts Kachi in an echo server, beside other routes.
package main

import (
	"context"
	"log"
	"net/http"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"github.com/kachi-io/kachi/socketio"
)

// greeter answers the event "greet".
func greeter() *socketio.Server {
	srv := socketio.NewServer(nil)
	srv.Of("/").On("greet", func(ctx context.Context, e *socketio.Event) error {
		var name string
		if err := e.Decode(&name); err != nil {
			return err
		}
		return e.Ack("Hello, " + name)
	})
	return srv
}

func router(srv *socketio.Server) http.Handler {
	e := echo.New()
	e.Use(middleware.RequestLogger(), middleware.Recover())
	e.GET("/about", func(c echo.Context) error {
		return c.String(http.StatusOK, "about")
	})
	e.Any("/socket.io/*", echo.WrapHandler(srv))
	return e
}

func main() {
	log.Fatal(http.ListenAndServe(":3000", router(greeter())))
}
