package client_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"sync/atomic"
	"testing"

	"github.com/kachi-io/kachi/client"
	"github.com/kachi-io/kachi/internal/assert"
)

// Rows about getting in.
var connectRows = []row{
	{
		name: "connects over the transport that was asked for",
		run: func(t *testing.T, p *play) {
			o := p.options()
			upgraded, failed := make(chan client.Connection, 1), make(chan error, 1)
			o.Hooks.Upgraded = func(c client.Connection) { upgraded <- c }
			o.Hooks.UpgradeFailed = func(err error) { failed <- err }
			c := p.client(p.url(), o)
			assert.Equal(t, c.State(), client.StateIdle)
			s := p.join(c, "/")
			assert.Equal(t, s.State(), client.StateConnected)
			assert.True(t, s.ID() != "", "an id")
			want := client.Polling
			switch p.way {
			case "websocket":
				want = client.WebSocket
			case "upgrade":
				want = client.WebSocket
				select {
				case <-upgraded:
				case err := <-failed:
					t.Fatal(err)
				}
			}
			connection, ok := c.Connection()
			assert.True(t, ok)
			assert.Equal(t, connection.Transport, want)
			assert.True(t, connection.ID != "" && connection.MaxPayload == 1_000_000, connection)
			got := ask[who](p, s, "who")
			assert.Equal(t, got.ID, s.ID())
			assert.Equal(t, got.Transport, string(want))
		},
	},
	{
		name: "namespaces share a connection",
		run: func(t *testing.T, p *play) {
			c := p.client(p.url(), p.options())
			root, chat := p.join(c, "/"), p.join(c, "/chat")
			assert.True(t, c.Of("chat", nil) == chat, "one socket for each namespace")
			assert.Equal(t, p.maker.connections(t, p.port), 1)
			assert.True(t, root.ID() != chat.ID(), "ids of their own")
			assert.Equal(t, ask[string](p, root, "echo", "root"), "root")
			assert.Equal(t, ask[string](p, chat, "echo", "chat"), "chat")
			chat.Disconnect()
			assert.Equal(t, chat.State(), client.StateIdle)
			assert.Equal(t, ask[string](p, root, "echo", "still"), "still")
			assert.NoError(t, chat.Connect(within(t)))
			assert.Equal(t, ask[string](p, chat, "echo", "back"), "back")
			assert.Equal(t, p.maker.connections(t, p.port), 1)
		},
	},
	{
		name: "the connection ends with the last socket, and begins with the next",
		run: func(t *testing.T, p *play) {
			c := p.client(p.url(), p.options())
			s := p.join(c, "/")
			w := watch(s)
			s.Disconnect()
			assert.Equal(t, assert.Receive(t, w.disconnected), client.ClientDisconnect)
			p.gone(t)
			assert.Eventually(t, func() bool { return c.State() == client.StateIdle })
			assert.NoError(t, s.Connect(within(t)))
			assert.Equal(t, ask[string](p, s, "echo", "again"), "again")
		},
	},
	{
		name: "leaves and comes back at once",
		run: func(t *testing.T, p *play) {
			c := p.client(p.url(), p.options())
			s := c.Of("/", nil)
			other := p.join(c, "/chat")
			for i := range 20 {
				s.Open()
				if i%3 == 0 {
					assert.NoError(t, s.Wait(within(t)))
				}
				s.Disconnect()
			}
			assert.NoError(t, s.Connect(within(t)))
			assert.Equal(t, ask[string](p, s, "echo", "here"), "here")
			assert.Equal(t, ask[string](p, other, "echo", "there"), "there")
		},
	},
	{
		name: "the path of the URL names the namespace",
		ways: once,
		run: func(t *testing.T, p *play) {
			s, err := client.Connect(within(t), p.url()+"/chat?token=a%20b", p.options())
			assert.NoError(t, err)
			defer s.Client().Close()
			assert.Equal(t, s.Namespace(), "/chat")
			assert.Equal(t, ask[who](p, s, "who").Query["token"], "a b")
		},
	},
	{
		name: "query, headers and cookies",
		run: func(t *testing.T, p *play) {
			o := p.options()
			o.Query = url.Values{"room": {"general"}}
			o.Header = http.Header{"Authorization": {"Bearer token"}, "Host": {"kachi.test"}}
			c := p.client(p.url(), o)
			s := p.join(c, "/")
			got := ask[who](p, s, "who")
			assert.Equal(t, got.Query["room"], "general")
			assert.Equal(t, got.Query["EIO"], "4")
			assert.Equal(t, got.Headers["authorization"], "Bearer token")
			assert.Equal(t, got.Headers["host"], "kachi.test")
		},
	},
	{
		name: "a namespace refuses, with data, and is not asked again",
		run: func(t *testing.T, p *play) {
			c := p.client(p.url(), p.options())
			s := c.Of("/refusing", &client.SocketOptions{Auth: map[string]string{"token": "wrong"}})
			w := watch(s)
			refused := assert.ErrorAs[*client.ConnectError](t, s.Connect(within(t)))
			assert.Equal(t, refused.Namespace, "/refusing")
			assert.Equal(t, refused.Message, "not you")
			assert.Equal(t, refused.Code(), "forbidden")
			assert.Equal(t, s.State(), client.StateIdle)
			assert.ErrorAs[*client.ConnectError](t, assert.Receive(t, w.failed))
			p.gone(t) // nobody needs the connection
			assert.Equal(t, len(w.failed), 0)
			assert.Equal(t, len(w.connected), 0)
		},
	},
	{
		name: "an unknown namespace",
		ways: once,
		run: func(t *testing.T, p *play) {
			s := p.client(p.url(), p.options()).Of("/nowhere", nil)
			refused := assert.ErrorAs[*client.ConnectError](t, s.Connect(within(t)))
			assert.Equal(t, refused.Message, "Invalid namespace")
			assert.Equal(t, refused.Code(), "")
		},
	},
	{
		name: "auth is asked for at each connection",
		run: func(t *testing.T, p *play) {
			wire := newWire(t, p.addr())
			var calls atomic.Int32
			s := p.client(wire.url(), p.options()).Of("/refusing", &client.SocketOptions{
				AuthFunc: func(context.Context) (any, error) {
					n := calls.Add(1)
					if n == 2 {
						return nil, fmt.Errorf("no token now")
					}
					return map[string]any{"token": "secret", "n": n}, nil
				},
			})
			w := watch(s)
			assert.NoError(t, s.Connect(within(t)))
			assert.Receive(t, w.connected)
			assert.Equal(t, ask[who](p, s, "who").Auth["n"], any(1.0))
			wire.sever(t, w)
			assert.ErrorAs[*client.AuthError](t, assert.Receive(t, w.failed))
			assert.Receive(t, w.connected)
			assert.Equal(t, ask[who](p, s, "who").Auth["n"], any(3.0))
		},
	},
	{
		name: "wrong path",
		run: func(t *testing.T, p *play) {
			o := p.options()
			o.Path = "/elsewhere"
			s := p.client(p.url(), o).Of("/", nil)
			err := assert.ErrorAs[*client.TransportError](t, s.Connect(within(t)))
			// Node's WebSocket servers leave alone what is not theirs, and Node's HTTP server ends it.
			if p.kind == "kachi" || p.way != "websocket" {
				assert.Equal(t, err.Code, client.CodeWrongPath, err)
				assert.Equal(t, err.Status, http.StatusNotFound)
			}
			assert.Equal(t, s.State(), client.StateConnecting) // it goes on trying
		},
	},
	{
		name:     "the server refuses the handshake",
		settings: settings{Refuse: "not from here"},
		run: func(t *testing.T, p *play) {
			s := p.client(p.url(), p.options()).Of("/", nil)
			err := assert.ErrorAs[*client.TransportError](t, s.Connect(within(t)))
			assert.Equal(t, err.ServerMessage, "not from here")
			if p.way != "websocket" { // there the answer is 400 and a text
				assert.Equal(t, err.Code, client.CodeForbidden)
				assert.Equal(t, err.Status, http.StatusForbidden)
				assert.Equal(t, err.ServerCode, 4)
			} else {
				assert.Equal(t, err.Status, http.StatusBadRequest)
			}
		},
	},
	{
		name:     "a transport that the server does not offer",
		settings: settings{Transports: []string{"websocket"}},
		ways:     []string{"upgrade"},
		run: func(t *testing.T, p *play) {
			o := p.options()
			o.DisableReconnection = true
			s := p.client(p.url(), o).Of("/", nil)
			err := assert.ErrorAs[*client.TransportError](t, s.Connect(within(t)))
			assert.Equal(t, err.Code, client.CodeUnknownTransport)
			assert.Equal(t, s.State(), client.StateIdle)
			o.TryAllTransports = true
			p.join(p.client(p.url(), o), "/")
		},
	},
	{
		name: "upgrades can be switched off",
		ways: []string{"upgrade"},
		run: func(t *testing.T, p *play) {
			o := p.options()
			o.DisableUpgrade = true
			wire := newWire(t, p.addr())
			s := p.join(p.client(wire.url(), o), "/")
			for range 10 {
				assert.Equal(t, ask[string](p, s, "echo", "a"), "a")
			}
			assert.Equal(t, ask[who](p, s, "who").Transport, "polling")
		},
	},
	{
		name: "the next connection remembers the upgrade",
		ways: []string{"upgrade"},
		run: func(t *testing.T, p *play) {
			o := p.options()
			o.RememberUpgrade = true
			upgraded, opened := make(chan client.Connection, 10), make(chan client.Connection, 10)
			o.Hooks.Upgraded = func(c client.Connection) { upgraded <- c }
			o.Hooks.Opened = func(c client.Connection) { opened <- c }
			wire := newWire(t, p.addr())
			s := p.join(p.client(wire.url(), o), "/")
			assert.Equal(t, assert.Receive(t, opened).Transport, client.Polling)
			assert.Receive(t, upgraded)
			wire.sever(t, watch(s))
			assert.Equal(t, assert.Receive(t, opened).Transport, client.WebSocket)
		},
	},
}
