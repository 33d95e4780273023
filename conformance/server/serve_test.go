package main

import (
	"context"
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/wstest"
)

// dial starts the service that the flags ask for, and opens a session on it.
func dial(t *testing.T, args ...string) (c *wstest.Conn, handshake map[string]any) {
	t.Helper()
	s, err := parse(args)
	assert.NoError(t, err)
	srv, err := s.service()
	assert.NoError(t, err)
	host := httptest.NewServer(srv)
	t.Cleanup(func() {
		assert.NoError(t, srv.Shutdown(context.Background()))
		host.Close()
	})
	c = wstest.Dial(t, host.URL+s.path+"?EIO=4&transport=websocket")
	assert.NoError(t, json.Unmarshal([]byte(text(t, c)[1:]), &handshake))
	return c, handshake
}

// text returns the next message that is not a ping.
func text(t *testing.T, c *wstest.Conn) string {
	t.Helper()
	for {
		if message := c.Next(t); message != "2" {
			return message
		}
	}
}

func TestSocketIO(t *testing.T) {
	c, handshake := dial(t, "-ping-interval", "3s", "-ping-timeout", "2s", "-max-payload", "5000")
	delete(handshake, "sid")
	assert.Equal(t, handshake, map[string]any{
		"upgrades": []any{}, "pingInterval": 3000.0, "pingTimeout": 2000.0, "maxPayload": 5000.0,
	})
	for _, namespace := range []string{"", "/custom,"} {
		assert.NoError(t, c.SendText("40"+namespace+`{"token":"x"}`))
		assert.True(t, strings.HasPrefix(text(t, c), "40"+namespace+`{"sid":`))
		assert.Equal(t, text(t, c), "42"+namespace+`["auth",{"token":"x"}]`)
	}
	for _, row := range []struct{ sent, want string }{
		{`42["message",1,"2",{"3":[]}]`, `42["message-back",1,"2",{"3":[]}]`},
		{`42456["message-with-ack",1,null]`, `43456[1,null]`},
		{`40/random`, `44/random,{"message":"Invalid namespace"}`},
	} {
		assert.NoError(t, c.SendText(row.sent))
		assert.Equal(t, text(t, c), row.want)
	}
}

func TestEngineOnly(t *testing.T) {
	c, handshake := dial(t, "-engine-only")
	assert.Equal(t, handshake["pingInterval"], any(300.0))
	assert.NoError(t, c.SendText("4hello"))
	assert.Equal(t, text(t, c), "4hello")
}
