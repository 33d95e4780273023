package gateway_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/internal/assert"
)

func TestVersions(t *testing.T) {
	news := gateway.NewEvent[string]("news")
	newer := gateway.NewEvent[string]("newer").Since(2)
	newest := gateway.NewEvent[string]("newest").Since(3)
	hub := gateway.NewHub()
	_, url := start(t, &gateway.Options{Hub: hub, Versions: gateway.Versions{Current: 3}}, gateway.New("/c", gateway.Anyone, func(g *gateway.Namespace[gateway.Nobody]) {
		g.Emits(news, newer, newest)
		type none = gateway.None
		gateway.On(g, "which", func(c *gateway.Context[gateway.Nobody], _ none) (string, error) {
			return fmt.Sprint("first ", c.Version(), c.Rooms()), nil
		})
		gateway.On(g, "which", func(c *gateway.Context[gateway.Nobody], _ none) (string, error) {
			return fmt.Sprint("third ", c.Version()), nil
		}).Since(3)
		gateway.On(g, "later", func(*gateway.Context[gateway.Nobody], none) (int, error) { return 1, nil }).Since(2)
	}))
	clients := map[string]wire{
		"":  join(t, url, "/c", ""),
		"1": join(t, url, "/c", `{"version":1}`),
		"2": join(t, url, "/c", `{"version":2}`),
		"3": join(t, url, "/c", `{"version":3}`),
	}
	for version, want := range map[string]string{"": `"first 1 []"`, "1": `"first 1 []"`, "2": `"first 2 []"`, "3": `"third 3"`} {
		c := clients[version]
		c.send(`2/c,1["which"]`)
		c.expect(`3/c,1[` + want + `]`)
		c.send(`2/c,2["later"]`)
		if version < "2" {
			c.expect(`3/c,2[{"status":"error","code":"not_found","message":"There is no such event","cause":{"pattern":"later"}}]`)
		} else {
			c.expect(`3/c,2[1]`)
		}
	}
	ctx := context.Background()
	for _, e := range []gateway.OutEvent[string]{newest, newer, news} {
		assert.NoError(t, e.Emit(ctx, hub.Namespace("/c"), "x"))
	}
	for version, c := range clients {
		if version == "3" {
			c.expect(`2/c,["newest","x"]`)
		}
		if version >= "2" {
			c.expect(`2/c,["newer","x"]`)
		}
		c.expect(`2/c,["news","x"]`)
	}
	c := dial(t, url)
	for said, shown := range map[string]string{`0`: "0", `4`: "4", `"x"`: `\"x\"`, `1.5`: "1.5", `"` + strings.Repeat("x", 100) + `"`: "so long a one"} {
		c.send(`0/c,{"version":` + said + `}`)
		answer := c.Next(t)
		assert.True(t, strings.HasPrefix(answer, `44/c,{"message":"Version `+shown+` is not served: 1 to 3 are","data":{"status":"error","code":"version"`), answer)
		assert.True(t, strings.Contains(answer, `"details":{"current":3,"oldest":1}`), answer)
	}
}

func TestVersionsThatContradict(t *testing.T) {
	nothing := func(*gateway.Context[gateway.Nobody], gateway.None) error { return nil }
	register := func(g *gateway.Namespace[gateway.Nobody]) {
		gateway.Handle(g, "e", nothing).Since(2)
		gateway.Handle(g, "e", nothing).Since(2)
		gateway.Handle(g, "f", nothing).Since(3)
		g.Emits(gateway.NewEvent[int]("late").Since(9))
	}
	_, err := gateway.NewApp(&gateway.Options{Versions: gateway.Versions{Current: 2}}, gateway.New("/c", gateway.Anyone, register))
	for _, want := range []string{`event "e" has a handler already`, `event "f" is since version 3`, `event "late" is since version 9`} {
		assert.True(t, err != nil && strings.Contains(err.Error(), want), want, err)
	}
	_, err = gateway.NewApp(&gateway.Options{Versions: gateway.Versions{Oldest: 3, Current: 2}})
	assert.True(t, err != nil)
	_, err = gateway.NewApp(nil, gateway.New("/c", gateway.Anyone, func(g *gateway.Namespace[gateway.Nobody]) { gateway.Handle(g, "e", nothing).Since(1) }))
	assert.True(t, err != nil)
}
