package gateway_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/socketio"
)

func TestPatterns(t *testing.T) {
	hub := gateway.NewHub()
	_, url := start(t, &gateway.Options{Hub: hub}, gateway.Pattern("/room-{id}", byName, func(g *gateway.Namespace[user]) {
		g.Emits(joined)
		gateway.On(g, "where", func(c *gateway.Context[user], _ gateway.None) (string, error) {
			return c.Param("id") + c.Namespace(), nil
		})
	}, nil))
	a, b := join(t, url, "/room-1", `{"name":"a"}`), join(t, url, "/room-2", `{"name":"b"}`)
	a.send(`2/room-1,1["where"]`)
	a.expect(`3/room-1,1["1/room-1"]`)
	ctx := context.Background()
	assert.NoError(t, joined.Emit(ctx, hub.Namespace("/room-{id}"), "all"))
	a.expect(`2/room-1,["joined","all"]`)
	b.expect(`2/room-2,["joined","all"]`)
	assert.NoError(t, joined.Emit(ctx, hub.Namespace("/room-2").Except(), "two"))
	b.expect(`2/room-2,["joined","two"]`)
	n, err := hub.Namespace("/room-2").Count(ctx)
	assert.NoError(t, err)
	assert.Equal(t, n, 1)
	n, err = hub.Namespace("/room-{id}").Local().Count(ctx)
	assert.NoError(t, err)
	assert.Equal(t, n, 2)
	n, err = hub.Namespace("/room-4").Count(ctx)
	assert.NoError(t, err)
	assert.Equal(t, n, 0)
	_, err = hub.Namespace("/else").Count(ctx)
	assert.ErrorIs(t, err, socketio.ErrNoNamespace)
	assert.NoError(t, joined.Emit(ctx, hub.Namespace("/room-3").Except(chats.Of(1)).Volatile(), "nobody here"))
	assert.ErrorIs(t, joined.Emit(ctx, hub.Namespace("/else"), "x"), socketio.ErrNoNamespace)
}

// A hub is there before its app: services may send by it at any time.
func TestSendingWhileTheAppIsMade(t *testing.T) {
	hub := gateway.NewHub()
	begun, stop, done := make(chan struct{}), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		close(begun)
		for {
			select {
			case <-stop:
				return
			default:
				err := joined.Emit(context.Background(), hub.Namespace("/chat-7"), "x")
				if err != nil && !errors.Is(err, gateway.ErrNotStarted) {
					t.Error(err)
				}
			}
		}
	}()
	<-begun
	var gateways []gateway.Gateway
	for n := range 50 {
		gateways = append(gateways, gateway.New(fmt.Sprintf("/chat-%d", n), byName, func(g *gateway.Namespace[user]) { g.Emits(joined) }))
	}
	start(t, &gateway.Options{Hub: hub}, gateways...)
	close(stop)
	<-done
	assert.NoError(t, joined.Emit(context.Background(), hub.Namespace("/chat-7"), "x"))
}

// An app that could not be made has no hub.
func TestAHubOfAnAppThatFailed(t *testing.T) {
	hub := gateway.NewHub()
	_, err := gateway.NewApp(&gateway.Options{Hub: hub}, nil)
	assert.True(t, err != nil)
	assert.ErrorIs(t, joined.Emit(context.Background(), hub.Namespace("/c"), "x"), gateway.ErrNotStarted)
	assert.True(t, hub.Server() == nil)
	start(t, &gateway.Options{Hub: hub}, gateway.New("/c", byName, func(g *gateway.Namespace[user]) { g.Emits(joined) }))
	assert.NoError(t, joined.Emit(context.Background(), hub.Namespace("/c"), "x"))
	_, err = gateway.NewApp(&gateway.Options{Hub: hub})
	assert.True(t, err != nil && strings.Contains(err.Error(), "belongs to another app"), err)
	assert.NoError(t, joined.Emit(context.Background(), hub.Namespace("/c"), "x"))
}
