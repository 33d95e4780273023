package gateway_test

import (
	"strings"
	"testing"

	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/internal/assert"
)

func TestWhoIsNotAdmitted(t *testing.T) {
	ran := make(chan string, 10)
	_, url := start(t, nil, gateway.New("/chat", byName, func(g *gateway.Namespace[user]) {
		g.OnConnect(func(c *gateway.Context[user]) error { ran <- c.Principal.Name; return nil })
		g.OnDisconnect(func(c *gateway.Context[user], r gateway.Reason) error { ran <- "bye " + c.Principal.Name; return nil })
	}))
	c := dial(t, url)
	for auth, want := range map[string]string{
		``:                  `4/chat,{"message":"Say your name","data":{"status":"error","code":"unauthorized","message":"Say your name"}}`,
		`{"name":1}`:        `4/chat,{"message":"auth.Name is to be a string, and is number","data":{"status":"error","code":"bad_request"`,
		`{"name":"broken"}`: `4/chat,{"message":"Internal error","data":{"status":"error","code":"internal","message":"Internal error"}}`,
		`{"name":"panic"}`:  `4/chat,{"message":"Internal error","data":{"status":"error","code":"internal","message":"Internal error"}}`,
	} {
		c.send("0/chat," + auth)
		answer := c.Next(t)
		assert.True(t, strings.HasPrefix(answer, "4"+want), answer)
	}
	c.send(`0/chat,{"name":"Mina"}`)
	assert.True(t, strings.HasPrefix(c.Next(t), `40/chat,{"sid"`))
	assert.Equal(t, assert.Receive(t, ran), "Mina")
	assert.NoError(t, c.Close())
	assert.Equal(t, assert.Receive(t, ran), "bye Mina")
}
