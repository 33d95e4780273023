package intercept_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"os"
	"time"

	"github.com/kachi-io/kachi/client"
	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/gateway/intercept"
)

// Interceptors stand around the whole app, a namespace, or a route.
func Example() {
	search := func(c *gateway.Context[gateway.Nobody], words string) ([]string, error) {
		fmt.Println("searching for", words)
		return []string{words}, c.Err()
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	app, err := gateway.NewApp(&gateway.Options{Use: []gateway.Layer{intercept.Logging(log)}},
		gateway.New("/library", gateway.Anyone, func(g *gateway.Namespace[gateway.Nobody]) {
			gateway.On(g, "search", search).Use(
				intercept.Cache(time.Minute, intercept.Shared),
				intercept.Timeout(2*time.Second),
			)
		}))
	if err != nil {
		panic(err)
	}
	host := httptest.NewServer(app)
	defer host.Close()
	defer func() { _ = app.Stop(context.Background()) }()
	c, err := client.Connect(context.Background(), host.URL+"/library", nil)
	if err != nil {
		panic(err)
	}
	defer c.Client().Close()
	for range 2 {
		fmt.Println(client.Ask[[]string](context.Background(), c, "search", "magpies"))
	}
	// Output:
	// searching for magpies
	// [magpies] <nil>
	// [magpies] <nil>
}
