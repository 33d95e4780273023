package gateway_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/socketio"
)

// Who comes back goes on in the rooms of before; somebody else at the same client does not.
func TestSessionsAreForThePrincipal(t *testing.T) {
	o := &gateway.Options{Socket: socketio.Options{Recovery: &socketio.Recovery{}}}
	app, url := start(t, o, gateway.New("/c", byName, func(g *gateway.Namespace[user]) {
		g.Emits(joined)
		g.OnConnect(func(c *gateway.Context[user]) error {
			if !c.Socket().Recovered() {
				c.Join(chats.Of(c.Principal.Name))
			}
			return nil
		})
		gateway.On(g, "where", func(c *gateway.Context[user], _ gateway.None) (string, error) {
			return c.Principal.Name + c.Rooms()[0].String(), nil
		})
	}))
	come := func(auth string) (wire, string, string) {
		c := dial(t, url)
		c.send("0/c," + auth)
		var session struct{ SID, PID string }
		answer := c.Next(t)
		assert.True(t, strings.HasPrefix(answer, "40/c,"), answer)
		assert.NoError(t, json.Unmarshal([]byte(answer[len("40/c,"):]), &session))
		return c, session.SID, session.PID
	}
	leave := func(c wire) {
		assert.NoError(t, c.Close())
		assert.Eventually(t, func() bool { return app.Server().Of("/c").Count() == 0 })
	}
	c, sid, pid := come(`{"name":"Mina"}`)
	c.send(`2/c,1["where"]`)
	c.expect(`3/c,1["Minachat:Mina"]`)
	leave(c)
	assert.NoError(t, joined.Emit(context.Background(), app.Hub().Namespace("/c").To(chats.Of("Mina")), "missed"))

	c, again, _ := come(`{"name":"Mina","pid":"` + pid + `"}`)
	assert.Equal(t, again, sid)
	assert.True(t, strings.HasPrefix(c.Next(t), `42/c,["joined","missed"`))
	c.send(`2/c,1["where"]`)
	c.expect(`3/c,1["Minachat:Mina"]`)
	leave(c)

	c = dial(t, url)
	c.send(`0/c,{"name":"Jun","pid":"` + pid + `"}`)
	assert.True(t, strings.HasPrefix(c.Next(t), `44/c,{"message":"Somebody else was here: connect again"`))
	c.send(`0/c,{"name":"Jun","pid":"` + pid + `"}`)
	answer := c.Next(t)
	assert.True(t, strings.HasPrefix(answer, `40/c,{"sid":`) && !strings.Contains(answer, sid), answer)
	c.send(`2/c,1["where"]`)
	c.expect(`3/c,1["Junchat:Jun"]`)
}
