package intercept_test

import (
	"log/slog"
	"os"
	"time"

	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/gateway/intercept"
)

// Interceptors stand around the whole app, a namespace, or a route.
func Example() {
	search := func(c *gateway.Context[gateway.Nobody], words string) ([]string, error) {
		return []string{words}, c.Err()
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	_, err := gateway.NewApp(&gateway.Options{Use: []gateway.Layer{intercept.Logging(log)}},
		gateway.New("/library", gateway.Anyone, func(g *gateway.Namespace[gateway.Nobody]) {
			gateway.On(g, "search", search).Use(
				intercept.Cache(time.Minute, intercept.Shared),
				intercept.Timeout(2*time.Second),
			)
		}))
	if err != nil {
		panic(err)
	}
}
