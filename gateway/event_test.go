package gateway_test

import (
	"context"
	"testing"

	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/internal/assert"
)

// A question is an event that is sent: it is declared, and observers are told of it.
func TestAsking(t *testing.T) {
	sure, secret := gateway.NewEvent[string]("sure"), gateway.NewEvent[string]("secret")
	told := make(chan string, 10)
	o := &gateway.Options{Emitting: []func(context.Context, string, string) func(error){
		func(_ context.Context, namespace, event string) func(error) {
			told <- namespace + " " + event
			return nil
		},
	}}
	_, url := start(t, o, gateway.New("/c", gateway.Anyone, func(g *gateway.Namespace[gateway.Nobody]) {
		g.Emits(sure)
		gateway.On(g, "remove", func(c *nobody, what string) (bool, error) {
			_, err := gateway.Ask[bool](c, c.Socket(), secret, what)
			assert.ErrorIs(t, err, gateway.ErrUndeclared)
			_, err = gateway.Ask[bool](c, nil, sure, what)
			assert.True(t, err != nil)
			return gateway.Ask[bool](c, c.Socket(), sure, what)
		})
	}))
	c := join(t, url, "/c", "")
	c.send(`2/c,1["remove","all"]`)
	c.expect(`2/c,0["sure","all"]`)
	c.send(`3/c,0[true]`)
	c.expect(`3/c,1[true]`)
	assert.Equal(t, assert.Receive(t, told), "/c sure")
	assert.Equal(t, len(told), 0)
}
