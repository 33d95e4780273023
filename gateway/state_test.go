package gateway_test

import (
	"strings"
	"testing"

	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/internal/assert"
)

func TestState(t *testing.T) {
	closed := make(chan string, 10)
	cart := gateway.NewState(func(c *gateway.Call) (*[]string, error) {
		if c.Principal().(user).Name == "poor" {
			return nil, gateway.Forbidden("no cart")
		}
		return &[]string{}, nil
	}, func(items *[]string) error { closed <- strings.Join(*items, ","); return nil })
	_, url := start(t, nil, gateway.New("/shop", byName, func(g *gateway.Namespace[user]) {
		gateway.On(g, "put", func(c *gateway.Context[user], what string) (int, error) {
			items, err := cart.Of(c.Call)
			if err != nil {
				return 0, err
			}
			*items = append(*items, what)
			return len(*items), nil
		})
	}))
	a := join(t, url, "/shop", `{"name":"a"}`)
	a.send(`2/shop,1["put","x"]`)
	a.expect(`3/shop,1[1]`)
	a.send(`2/shop,1["put","y"]`)
	a.expect(`3/shop,1[2]`)
	b := join(t, url, "/shop", `{"name":"poor"}`)
	b.send(`2/shop,1["put","x"]`)
	assert.True(t, strings.Contains(b.Next(t), `"forbidden"`))
	assert.NoError(t, b.Close())
	assert.NoError(t, a.Close())
	assert.Equal(t, assert.Receive(t, closed), "x,y")
}
