// Command gin mounts Kachi in a gin engine, beside other routes.
package main

import (
	"context"
	"log"
	"net/http"

	"github.com/gin-gonic/gin"

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
	r := gin.Default()
	r.GET("/about", func(c *gin.Context) {
		c.String(http.StatusOK, "about")
	})
	r.Any("/socket.io/*any", gin.WrapH(srv))
	return r
}

func main() {
	log.Fatal(http.ListenAndServe(":3000", router(greeter())))
}
