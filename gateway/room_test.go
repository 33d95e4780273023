package gateway_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/socketio"
)

func TestRoomsAndWhoIsSentWhat(t *testing.T) {
	hub := gateway.NewHub()
	assert.ErrorIs(t, joined.Emit(context.Background(), hub.Namespace("/chat").To(chats.Of(1)), "x"), gateway.ErrNotStarted)
	left := make(chan []gateway.Room, 10)
	id, ok := chats.ID(chats.Of(42))
	assert.Equal(t, id, "42")
	assert.True(t, ok)
	_, ok = gateway.NewRooms("cha").ID(chats.Of(42))
	assert.True(t, !ok, "a room of another kind")
	_, url := start(t, &gateway.Options{Hub: hub}, gateway.New("/chat", byName, func(g *gateway.Namespace[user]) {
		g.Emits(joined)
		gateway.On(g, "join", func(c *gateway.Context[user], id int) (string, error) {
			room := chats.Of(id)
			if c.In(room) {
				return "already", nil
			}
			c.Join(room)
			return room.String(), joined.Emit(c, c.To(room), c.Principal.Name)
		})
		gateway.Handle(g, "others", func(c *gateway.Context[user], in string) error { return joined.Emit(c, c.Others(), in) })
		gateway.Handle(g, "undeclared", func(c *gateway.Context[user], _ gateway.None) error {
			return posted.Emit(c, c.All(), post{})
		})
		g.OnDisconnecting(func(c *gateway.Context[user], _ gateway.Reason) error { left <- c.Rooms(); return nil })
	}))
	a, b := join(t, url, "/chat", `{"name":"a"}`), join(t, url, "/chat", `{"name":"b"}`)
	a.send(`2/chat,1["join",7]`)
	a.expect(`2/chat,["joined","a"]`)
	a.expect(`3/chat,1["chat:7"]`)
	b.send(`2/chat,1["join",7]`)
	a.expect(`2/chat,["joined","b"]`)
	b.expect(`2/chat,["joined","b"]`)
	b.expect(`3/chat,1["chat:7"]`)
	b.send(`2/chat,2["join",7]`)
	b.expect(`3/chat,2["already"]`)
	b.send(`2/chat,3["others","hey"]`)
	a.expect(`2/chat,["joined","hey"]`)
	b.expect(`3/chat,3[]`)
	ended, cancel := context.WithCancel(context.Background())
	cancel() // what has happened is told
	assert.NoError(t, joined.Emit(ended, hub.Namespace("/chat").To(chats.Of(7)), "hub"))
	a.expect(`2/chat,["joined","hub"]`)
	b.expect(`2/chat,["joined","hub"]`)
	assert.NoError(t, joined.Emit(ended, hub.Namespace("/chat").To(), "nobody"))
	assert.ErrorIs(t, joined.Emit(ended, hub.Namespace("/other"), "x"), socketio.ErrNoNamespace)
	assert.ErrorIs(t, posted.Emit(ended, hub.Namespace("/chat"), post{}), gateway.ErrUndeclared)
	a.send(`2/chat,4["undeclared"]`)
	a.expect(`3/chat,4[{"status":"error","code":"internal","message":"Internal error","cause":{"pattern":"undeclared"}}]`)
	assert.NoError(t, a.Close())
	assert.Equal(t, fmt.Sprint(assert.Receive(t, left)), "[chat:7]")
}

// A service moves the sockets that a target has, whoever they belong to.
func TestTargetsJoinAndLeave(t *testing.T) {
	hub := gateway.NewHub()
	users := gateway.NewRooms("user")
	assert.ErrorIs(t, hub.Namespace("/chat").Join(t.Context(), chats.Of(1)), gateway.ErrNotStarted)
	assert.ErrorIs(t, hub.Namespace("/chat").Leave(t.Context(), chats.Of(1)), gateway.ErrNotStarted)
	_, url := start(t, &gateway.Options{Hub: hub}, gateway.New("/chat", byName, func(g *gateway.Namespace[user]) {
		g.Emits(joined)
		gateway.Handle(g, "come", func(c *gateway.Context[user], _ gateway.None) error {
			c.Join(users.Of(c.Principal.Name))
			return nil
		})
	}))
	a, b := join(t, url, "/chat", `{"name":"a"}`), join(t, url, "/chat", `{"name":"b"}`)
	for _, c := range []wire{a, b} {
		c.send(`2/chat,1["come"]`)
		c.expect(`3/chat,1[]`)
	}
	all := hub.Namespace("/chat")
	assert.NoError(t, all.To(users.Of("a")).Join(t.Context(), chats.Of(1), chats.Of(2)))
	assert.NoError(t, all.Join(t.Context(), chats.Of(3)))
	assert.NoError(t, all.To().Join(t.Context(), chats.Of(1)), "no room is nobody")
	assert.NoError(t, joined.Emit(t.Context(), all.To(chats.Of(1)), "one"))
	assert.NoError(t, all.To(users.Of("a")).Leave(t.Context(), chats.Of(1)))
	assert.NoError(t, joined.Emit(t.Context(), all.To(chats.Of(1)), "nobody"))
	assert.NoError(t, joined.Emit(t.Context(), all.To(chats.Of(2)), "two"))
	assert.NoError(t, joined.Emit(t.Context(), all.To(chats.Of(3)), "three"))
	for _, text := range []string{"one", "two", "three"} {
		a.expect(`2/chat,["joined","` + text + `"]`)
	}
	b.expect(`2/chat,["joined","three"]`)
}
