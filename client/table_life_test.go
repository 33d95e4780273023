package client_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/kachi-io/kachi/client"
	"github.com/kachi-io/kachi/internal/assert"
)

// Rows about connections that end and come back.
var lifeRows = []row{
	{
		name: "the server goes away and returns",
		run: func(t *testing.T, p *play) {
			c := p.client(p.url(), p.options())
			s := c.Of("/", nil)
			w := watch(s)
			assert.NoError(t, s.Connect(within(t)))
			first := assert.Receive(t, w.connected)
			assert.Equal(t, ask[int](p, s, "keep", "list", -1), -1)

			p.down(t)
			reason := assert.Receive(t, w.disconnected)
			assert.True(t, reason == client.TransportClose || reason == client.TransportFailure, reason)
			assert.Equal(t, s.State(), client.StateReconnecting)
			assert.Equal(t, s.ID(), "")
			for i := range 10 {
				assert.NoError(t, s.Emit("keep", "list", i))
			}
			assert.ErrorIs(t, s.Volatile().Emit("keep", "list", 99), client.ErrDropped)
			assert.ErrorAs[*client.TransportError](t, assert.Receive(t, w.failed))

			p.up(t)
			second := assert.Receive(t, w.connected)
			assert.True(t, first != second, "another socket")
			assert.Equal(t, ask[[]int](p, s, "kept", "list"), upto(10))
		},
	},
	{
		name: "a server that is not there yet",
		run: func(t *testing.T, p *play) {
			p.down(t)
			o := p.options()
			attempts := make(chan int, 1000)
			o.Hooks.Reconnecting = func(attempt int, _ time.Duration) { attempts <- attempt }
			s := p.client(p.url(), o).Of("/", nil)
			err := assert.ErrorAs[*client.TransportError](t, s.Connect(within(t)))
			assert.Equal(t, err.Code, client.CodeUnreachable, err)
			for i := range 3 {
				assert.Equal(t, assert.Receive(t, attempts), i+1)
			}
			p.up(t)
			assert.NoError(t, s.Wait(within(t)))
			assert.Equal(t, ask[string](p, s, "echo", "late"), "late")
		},
	},
	{
		name: "attempts can be bounded",
		ways: []string{"polling", "websocket"},
		run: func(t *testing.T, p *play) {
			p.down(t)
			o := p.options()
			o.ReconnectionAttempts = 2
			gaveUp := make(chan error, 1)
			o.Hooks.ReconnectFailed = func(err error) { gaveUp <- err }
			s := p.client(p.url(), o).Of("/", nil)
			w := watch(s)
			s.Open()
			assert.ErrorAs[*client.TransportError](t, s.Wait(within(t)))
			assert.ErrorAs[*client.TransportError](t, assert.Receive(t, gaveUp))
			for range 3 {
				assert.Receive(t, w.failed)
			}
			assert.Equal(t, s.State(), client.StateIdle)
			p.up(t)
			assert.NoError(t, s.Connect(within(t)))
			assert.Equal(t, len(w.failed), 0)
		},
	},
	{
		name: "reconnection can be switched off",
		run: func(t *testing.T, p *play) {
			o := p.options()
			o.DisableReconnection = true
			c := p.client(p.url(), o)
			s := c.Of("/", nil)
			w := watch(s)
			assert.NoError(t, s.Connect(within(t)))
			assert.NoError(t, s.Emit("close"))
			assert.Equal(t, assert.Receive(t, w.disconnected), client.TransportClose)
			assert.Equal(t, s.State(), client.StateIdle)
			assert.Eventually(t, func() bool { return c.State() == client.StateIdle })
			assert.ErrorIs(t, s.Wait(within(t)), client.ErrDisconnected)
			assert.NoError(t, s.Connect(within(t)))
		},
	},
	{
		// The connection of before is being closed meanwhile, by both sides.
		name: "disconnecting and connecting again at once",
		run: func(t *testing.T, p *play) {
			for _, disabled := range []bool{false, true} {
				o := p.options()
				o.DisableReconnection = disabled
				s := p.client(p.url(), o).Of("/", nil)
				s.OnConnectError(func(_ context.Context, err error) { t.Errorf("not connected: %v", err) })
				for range 20 {
					assert.NoError(t, s.Connect(within(t)))
					s.Disconnect()
				}
				assert.NoError(t, s.Connect(within(t)))
				assert.Equal(t, ask[int](p, s, "echo", 1), 1)
			}
		},
	},
	{
		name: "the server puts a socket out",
		run: func(t *testing.T, p *play) {
			c := p.client(p.url(), p.options())
			other := p.join(c, "/chat")
			s := c.Of("/", nil)
			w := watch(s)
			assert.NoError(t, s.Connect(within(t)))
			assert.Receive(t, w.connected)
			_, err := s.Ask(within(t), "kick")
			assert.ErrorIs(t, err, client.ErrDisconnected)
			assert.Equal(t, assert.Receive(t, w.disconnected), client.ServerDisconnect)
			assert.Equal(t, s.State(), client.StateIdle)
			assert.Equal(t, ask[string](p, other, "echo", "still"), "still")
			assert.Equal(t, len(w.connected), 0)
			assert.NoError(t, s.Connect(within(t)))
			assert.Receive(t, w.connected)
			assert.Equal(t, p.maker.connections(t, p.port), 1)
		},
	},
	{
		name: "the server closes the connection, and the client comes back",
		run: func(t *testing.T, p *play) {
			c := p.client(p.url(), p.options())
			s, other := c.Of("/", nil), c.Of("/chat", nil)
			w, wOther := watch(s), watch(other)
			assert.NoError(t, s.Connect(within(t)))
			assert.NoError(t, other.Connect(within(t)))
			assert.Receive(t, w.connected)
			assert.Receive(t, wOther.connected)
			assert.NoError(t, s.Emit("close"))
			for _, w := range []*turns{w, wOther} {
				assert.Equal(t, assert.Receive(t, w.disconnected), client.TransportClose)
				assert.Receive(t, w.connected)
			}
			assert.Equal(t, ask[string](p, s, "echo", "again"), "again")
		},
	},
	{
		name: "with retries an event goes out until it is answered, one at a time",
		run: func(t *testing.T, p *play) {
			o := p.options()
			o.Socket = client.SocketOptions{Retries: 3, AckTimeout: 150 * time.Millisecond}
			lost := make(chan string, 10)
			o.Hooks.Undelivered = func(_ *client.Socket, event string, err error) { lost <- fmt.Sprintf("%s: %v", event, err) }
			c := p.client(p.url(), o)
			s := c.Of("/", nil)
			assert.NoError(t, s.Emit("keep", "list", 0))
			assert.NoError(t, s.Emit("silent"))
			assert.NoError(t, s.Emit("keep", "list", 1))
			assert.NoError(t, s.Connect(within(t)))
			assert.Equal(t, assert.Receive(t, lost), "silent: "+client.ErrAckTimeout.Error())
			assert.Equal(t, ask[int](p, s, "stubborn", "a", 3), 3) // the third try is answered
			_, err := s.Ask(within(t), "stubborn", "b", 100)
			assert.ErrorIs(t, err, client.ErrAckTimeout)
			plain := p.connect("/")
			assert.Equal(t, ask[[]int](p, plain, "kept", "list"), upto(2))
			assert.Equal(t, ask[int](p, plain, "stubborn", "b", 1), 5) // four tries, and this one
		},
	},
	{
		name: "with retries a lost connection loses no event",
		run: func(t *testing.T, p *play) {
			wire := newWire(t, p.addr())
			o := p.options()
			o.Socket = client.SocketOptions{Retries: 100, AckTimeout: 5 * time.Second}
			s := p.client(wire.url(), o).Of("/", nil)
			w := watch(s)
			assert.NoError(t, s.Connect(within(t)))
			for i := range 30 {
				assert.NoError(t, s.Emit("keep", "list", i))
				if i%10 == 5 {
					wire.cut()
				}
			}
			wire.sever(t, w)
			plain := p.connect("/")
			last := func() []int { return ask[[]int](p, plain, "kept", "list") }
			assert.Eventually(t, func() bool { l := last(); return len(l) > 0 && l[len(l)-1] == 29 })
			var once []int
			for _, i := range last() { // some may be there twice, in a row
				if len(once) == 0 || once[len(once)-1] != i {
					once = append(once, i)
				}
			}
			assert.Equal(t, once, upto(30))
		},
	},
	{
		name:     "a recovered socket gets what it missed, once and in order",
		settings: settings{Recovery: true, PingInterval: 300 * time.Millisecond, PingTimeout: time.Second},
		run: func(t *testing.T, p *play) {
			wire := newWire(t, p.addr())
			var got ledger[int]
			s := p.client(wire.url(), p.options()).Of("/", nil)
			w := watch(s)
			client.On(s, "news", func(_ context.Context, i int) { got.add(i) })
			assert.NoError(t, s.Connect(within(t)))
			id := assert.Receive(t, w.connected)
			other := p.connect("/")
			ask[any](p, other, "tell", "news", 0)
			assert.Eventually(t, func() bool { return got.len() == 1 })
			assert.True(t, !s.Recovered())

			wire.hold()
			wire.sever(t, w)
			assert.Eventually(t, func() bool { return p.maker.connections(t, p.port) == 1 }, "the server knows")
			for i := range 5 {
				ask[any](p, other, "tell", "news", i+1)
			}
			wire.release()
			assert.Equal(t, assert.Receive(t, w.connected), id)
			assert.True(t, s.Recovered(), "recovered")
			ask[any](p, other, "tell", "news", 6)
			assert.Eventually(t, func() bool { return got.len() == 7 })
			assert.Equal(t, got.all(), upto(7))
		},
	},
	{
		name:     "a session goes on in another client",
		settings: settings{Recovery: true, PingInterval: 300 * time.Millisecond, PingTimeout: time.Second},
		run: func(t *testing.T, p *play) {
			var got ledger[int]
			first := p.client(p.url(), p.options())
			s := first.Of("/", nil)
			client.On(s, "news", func(_ context.Context, i int) { got.add(i) })
			_, ok := s.Session()
			assert.True(t, !ok, "no session before there is a connection")
			assert.NoError(t, s.Connect(within(t)))
			id := s.ID()
			other := p.connect("/")
			ask[any](p, other, "tell", "news", 0)
			assert.Eventually(t, func() bool { return got.len() == 1 })
			var session client.Session
			assert.Eventually(t, func() bool { // the offset counts when the handler has returned
				session, ok = s.Session()
				return ok && session.Offset != ""
			})
			assert.NoError(t, first.CloseNow())
			assert.Eventually(t, func() bool { return p.maker.connections(t, p.port) == 1 }, "the server knows")
			ask[any](p, other, "tell", "news", 1)

			s = p.client(p.url(), p.options()).Of("/", &client.SocketOptions{Session: session})
			client.On(s, "news", func(_ context.Context, i int) { got.add(i) })
			assert.NoError(t, s.Connect(within(t)))
			assert.True(t, s.Recovered(), "recovered")
			assert.Equal(t, s.ID(), id)
			assert.Eventually(t, func() bool { return got.len() == 2 })
			assert.Equal(t, got.all(), upto(2))
		},
	},
	{
		name:     "a session that the server does not know",
		settings: settings{Recovery: true},
		ways:     once,
		run: func(t *testing.T, p *play) {
			s := p.client(p.url(), p.options()).Of("/", &client.SocketOptions{
				Auth:    map[string]string{"token": "t"},
				Session: client.Session{ID: "unknown", Offset: "old"},
			})
			assert.NoError(t, s.Connect(within(t)))
			assert.True(t, !s.Recovered())
			session, ok := s.Session()
			assert.True(t, ok && session.ID != "unknown" && session.Offset == "", session)
			assert.Equal(t, ask[who](p, s, "who").Auth["token"], any("t"))
		},
	},
}
