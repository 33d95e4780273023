package gateway_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/internal/assert"
)

func TestTheChain(t *testing.T) {
	var trace []string
	note := func(format string, args ...any) { trace = append(trace, fmt.Sprintf(format, args...)) }
	guard := func(name string) gateway.Layer {
		return gateway.Named(name, gateway.Guard(func(c *gateway.Call) error {
			note("guard %s %v", name, c.Input() == nil)
			if string(c.Args().Raw[0]) == `"refused by `+name+`"` {
				return gateway.Forbidden(name)
			}
			return nil
		}))
	}
	interceptor := func(name string) gateway.Layer {
		return gateway.Named(name, gateway.Interceptor(func(next gateway.Handler) gateway.Handler {
			return func(c *gateway.Call) (any, error) {
				note("in %s", name)
				out, err := next(c)
				note("out %s %v %v", name, out, err)
				return out, err
			}
		}))
	}
	filter := func(name string) gateway.Layer {
		return gateway.Named(name, gateway.Filter(func(_ *gateway.Call, err error) error {
			note("filter %s %v", name, err)
			if err.Error() == "for "+name {
				return gateway.NewError("filtered", name)
			}
			return err
		}))
	}
	app, url := start(t, &gateway.Options{Use: []gateway.Layer{filter("app"), interceptor("app"), guard("app")}},
		gateway.New("/c", gateway.Anyone, func(g *gateway.Namespace[gateway.Nobody]) {
			gateway.On(g, "do", func(_ *gateway.Context[gateway.Nobody], in string) (string, error) {
				note("handler")
				if strings.HasPrefix(in, "for ") {
					return "", errors.New(in)
				}
				if in == "panic" {
					panic("on purpose")
				}
				return "done", nil
			}).Authorize(func(_ *gateway.Context[gateway.Nobody], in string) error {
				note("authorize")
				if in == "unauthorized" {
					return gateway.Forbidden("by route")
				}
				return nil
			}).Use(guard("route"), interceptor("route"), filter("route"))
			g.Use(guard("space"), interceptor("space"), filter("space"))
		}))
	c := join(t, url, "/c", "")
	do := func(in, answer string, want ...string) {
		t.Helper()
		trace = nil
		c.send(`2/c,1["do","` + in + `"]`)
		got := c.Next(t)
		assert.True(t, strings.HasPrefix(got, "43/c,1["+answer), got)
		assert.Equal(t, trace, want)
	}
	guards := []string{"guard app true", "guard space true", "guard route true"}
	entered := append(guards[:3:3], "in app", "in space", "in route")
	do("x", `"done"`, append(entered, "authorize", "handler", "out route done <nil>", "out space done <nil>", "out app done <nil>")...)
	do("refused by space", `{"status":"error","code":"forbidden","message":"space"`,
		"guard app true", "guard space true", "filter route forbidden: space", "filter space forbidden: space", "filter app forbidden: space")
	do("unauthorized", `{"status":"error","code":"forbidden","message":"by route"`, append(entered, "authorize",
		"out route <nil> forbidden: by route", "out space <nil> forbidden: by route", "out app <nil> forbidden: by route",
		"filter route forbidden: by route", "filter space forbidden: by route", "filter app forbidden: by route")...)
	do("for space", `{"status":"error","code":"filtered","message":"space"`, append(entered, "authorize", "handler",
		"out route <nil> for space", "out space <nil> for space", "out app <nil> for space",
		"filter route for space", "filter space for space", "filter app filtered: space")...)
	do("panic", `{"status":"error","code":"internal","message":"Internal error"`, append(entered, "authorize", "handler",
		"filter route panic: on purpose", "filter space panic: on purpose", "filter app panic: on purpose")...)

	routes := app.Routes()
	assert.Equal(t, len(routes), 1)
	assert.Equal(t, routes[0].Chain, []string{"guard app", "guard space", "guard route",
		"interceptor app", "interceptor space", "interceptor route", "filter app", "filter space", "filter route"})
	assert.Equal(t, routes[0].Event, "do")
	assert.True(t, strings.Contains(routes[0].Source, "layer_test.go:"), routes[0].Source)
}
