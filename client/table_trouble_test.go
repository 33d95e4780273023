package client_test

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kachi-io/kachi/client"
	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/socketio/packet"
)

// Rows about bad days, and about closing at every stage.
var troubleRows = []row{
	{
		name:     "a connection that is open and carries nothing",
		settings: settings{PingInterval: 300 * time.Millisecond, PingTimeout: 200 * time.Millisecond},
		run: func(t *testing.T, p *play) {
			wire := newWire(t, p.addr())
			s := p.client(wire.url(), p.options()).Of("/", nil)
			w := watch(s)
			assert.NoError(t, s.Connect(within(t)))
			assert.Receive(t, w.connected)
			wire.hold()
			assert.Equal(t, assert.Receive(t, w.disconnected), client.PingTimeout)
			wire.release()
			assert.Receive(t, w.connected)
			assert.Equal(t, ask[string](p, s, "echo", "again"), "again")
		},
	},
	{
		name:     "heartbeats keep a quiet connection",
		settings: settings{PingInterval: 40 * time.Millisecond, PingTimeout: 3 * time.Second},
		run: func(t *testing.T, p *play) {
			wire := newWire(t, p.addr())
			s := p.join(p.client(wire.url(), p.options()), "/")
			w := watch(s)
			for range 30 {
				wire.next(t)
			}
			assert.Equal(t, ask[string](p, s, "echo", "still"), "still")
			assert.Equal(t, len(w.disconnected), 0)
		},
	},
	{
		name: "a connection is cut in the middle of a question",
		run: func(t *testing.T, p *play) {
			wire := newWire(t, p.addr())
			s := p.client(wire.url(), p.options()).Of("/", nil)
			w := watch(s)
			assert.NoError(t, s.Connect(within(t)))
			asked, taken := make(chan error, 1), make(chan bool, 2)
			s.OnAnyOutgoing(func(string, packet.Args) { taken <- true })
			go func() {
				_, err := s.Ask(within(t), "silent")
				asked <- err
			}()
			assert.Receive(t, taken)
			assert.Equal(t, ask[int](p, s, "keep", "a", 1), 1)
			wire.sever(t, w)
			assert.ErrorIs(t, assert.Receive(t, asked), client.ErrDisconnected)
			assert.NoError(t, s.Wait(within(t)))
		},
	},
	{
		name: "connections are cut again and again",
		run: func(t *testing.T, p *play) {
			wire := newWire(t, p.addr())
			s := p.client(wire.url(), p.options()).Of("/", nil)
			s.Open()
			for range 10 {
				assert.NoError(t, s.Wait(within(t)))
				wire.cut()
				_ = s.Emit("keep", "list", 1)
			}
			assert.NoError(t, s.Wait(within(t)))
			assert.Eventually(t, func() bool {
				answer, err := client.Ask[string](within(t), s, "echo", "still here")
				return err == nil && answer == "still here"
			})
		},
	},
	{
		name: "what is emitted while connections are cut arrives at most once, in order",
		run: func(t *testing.T, p *play) {
			wire := newWire(t, p.addr())
			s := p.client(wire.url(), p.options()).Of("/", nil)
			s.Open()
			for i := range 300 {
				assert.NoError(t, s.EmitContext(within(t), "keep", "list", i))
				if i%60 == 30 {
					assert.NoError(t, s.Wait(within(t)))
					wire.cut()
				}
			}
			other := p.connect("/")
			kept := func() []int { return ask[[]int](p, other, "kept", "list") }
			assert.NoError(t, s.Emit("keep", "list", 300))
			assert.Eventually(t, func() bool { // it may have been lost as well
				_ = s.Emit("keep", "list", 300)
				got := kept()
				return len(got) > 0 && got[len(got)-1] == 300
			})
			last := -1
			for _, i := range kept() {
				assert.True(t, i > last || i == 300, "%d after %d", i, last)
				last = i
			}
		},
	},
	{
		name:     "what is told while connections are cut arrives at most once, in order, and all of it with recovery",
		settings: settings{Recovery: true, PingInterval: 300 * time.Millisecond, PingTimeout: time.Second},
		run: func(t *testing.T, p *play) {
			wire := newWire(t, p.addr())
			var got ledger[int]
			var lost atomic.Int32 // connections that were not recovered, the first included
			s := p.client(wire.url(), p.options()).Of("/", nil)
			client.On(s, "news", func(_ context.Context, i int) { got.add(i) })
			s.OnConnect(func(context.Context) {
				if !s.Recovered() {
					lost.Add(1)
				}
			})
			assert.NoError(t, s.Connect(within(t)))
			other := p.connect("/")
			const n = 100
			for i := range n {
				ask[any](p, other, "tell", "news", i)
				if i%20 == 10 {
					wire.cut()
				}
			}
			next := n
			assert.Eventually(t, func() bool { // told again until it arrives
				ask[any](p, other, "tell", "news", next)
				next++
				all := got.all()
				return len(all) > 0 && all[len(all)-1] >= n
			})
			all := got.all()
			for i, v := range all {
				assert.True(t, i == 0 || v > all[i-1], "%d after %d", v, all[max(i-1, 0)])
			}
			if lost.Load() == 1 {
				assert.Equal(t, all, upto(len(all)))
			}
		},
	},
	{
		name: "a full buffer is told, and waited for",
		run: func(t *testing.T, p *play) {
			o := p.options()
			o.MaxQueuedMessages, o.MaxQueuedBytes = 3, 1000
			s := p.client(p.url(), o).Of("/", nil)
			for i := range 3 {
				assert.NoError(t, s.Emit("keep", "list", i))
			}
			assert.ErrorIs(t, s.Emit("keep", "list", -1), client.ErrBufferFull)
			ctx, cancel := context.WithCancel(context.Background())
			cancel()
			assert.ErrorIs(t, s.EmitContext(ctx, "keep", "list", -1), context.Canceled)
			waited := make(chan error, 1)
			go func() { waited <- s.EmitContext(within(t), "keep", "list", 3) }()
			assert.NoError(t, s.Connect(within(t)))
			assert.NoError(t, assert.Receive(t, waited))
			assert.Equal(t, ask[[]int](p, s, "kept", "list"), upto(4))
			assert.NoError(t, s.Emit("echo", make([]byte, 5000))) // alone it may be larger
		},
	},
	{
		name: "a question that was never sent leaves nothing behind",
		ways: once,
		run: func(t *testing.T, p *play) {
			o := p.options()
			o.MaxQueuedMessages, o.MaxPendingAcks = 2, 1
			s := p.client(p.url(), o).Of("/", nil)
			for range 10 {
				ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
				_, err := s.Ask(ctx, "keep", "list", -1)
				cancel()
				assert.ErrorIs(t, err, client.ErrAckTimeout)
			}
			asked, taken := make(chan error, 1), make(chan bool, 2)
			s.OnAnyOutgoing(func(string, packet.Args) { taken <- true })
			go func() {
				_, err := s.Ask(within(t), "keep", "list", 0)
				asked <- err
			}()
			assert.Receive(t, taken)
			_, err := s.Ask(within(t), "keep", "list", 1)
			assert.ErrorIs(t, err, client.ErrTooManyAcks)
			assert.NoError(t, s.Connect(within(t)))
			assert.NoError(t, assert.Receive(t, asked))
			assert.Equal(t, ask[[]int](p, s, "kept", "list"), upto(1))
		},
	},
	{
		name: "closing sends what was emitted",
		run: func(t *testing.T, p *play) {
			c, err := client.New(p.url(), p.options())
			assert.NoError(t, err)
			s := p.join(c, "/")
			w := watch(s)
			for i := range 100 {
				assert.NoError(t, s.Emit("keep", "list", i))
			}
			assert.NoError(t, c.Close())
			assert.Receive(t, ended(c.Done()))
			assert.Equal(t, assert.Receive(t, w.disconnected), client.ClientDisconnect)
			other := p.connect("/")
			kept := func() []int { return ask[[]int](p, other, "kept", "list") }
			assert.Eventually(t, func() bool { return len(kept()) == 100 })
			assert.Equal(t, kept(), upto(100))
			assert.NoError(t, c.Close())
			assert.ErrorIs(t, s.Emit("keep"), client.ErrClosed)
			assert.ErrorIs(t, s.Connect(within(t)), client.ErrClosed)
			_, err = s.Ask(within(t), "echo")
			assert.ErrorIs(t, err, client.ErrClosed)
			s.Open()
			s.Disconnect()
			assert.Equal(t, c.Of("/late", nil).State(), client.StateClosed)
		},
	},
	{
		name: "closed in a handler",
		run: func(t *testing.T, p *play) {
			c, err := client.New(p.url(), p.options())
			assert.NoError(t, err)
			handled := make(chan error, 1)
			s := p.join(c, "/", func(s *client.Socket) {
				s.On("echoed", func(ctx context.Context, e *client.Event) {
					assert.NoError(t, c.Close())
					handled <- ctx.Err()
				})
			})
			w := watch(s)
			assert.NoError(t, s.Emit("echo", 1))
			assert.ErrorIs(t, assert.Receive(t, handled), context.Canceled)
			assert.Receive(t, ended(c.Done()))
			assert.Equal(t, assert.Receive(t, w.disconnected), client.ClientDisconnect)
		},
	},
	{
		name: "closed in each hook",
		run: func(t *testing.T, p *play) {
			for _, set := range []func(*client.Hooks, func()){
				func(h *client.Hooks, f func()) { h.Opened = func(client.Connection) { f() } },
				func(h *client.Hooks, f func()) { h.Closed = func(client.Reason, error) { f() } },
				func(h *client.Hooks, f func()) { h.Reconnecting = func(int, time.Duration) { f() } },
			} {
				o := p.options()
				var c *client.Client
				set(&o.Hooks, func() { c.Close() })
				var err error
				c, err = client.New(p.url(), o)
				assert.NoError(t, err)
				s := c.Of("/", nil)
				if s.Connect(within(t)) == nil {
					_ = s.Emit("close")
				}
				assert.Receive(t, ended(c.Done()), "the client's end")
			}
		},
	},
	{
		name:     "closed at any moment",
		settings: settings{PingInterval: 300 * time.Millisecond, PingTimeout: 200 * time.Millisecond},
		run: func(t *testing.T, p *play) {
			wire := newWire(t, p.addr())
			for i := range 25 {
				c, err := client.New(wire.url(), p.options())
				assert.NoError(t, err)
				s := c.Of("/", nil)
				s.Open()
				_ = s.Emit("count", 10, 10)
				time.Sleep(time.Duration(i) * time.Millisecond) // a moment in the opening, the upgrade, the events
				if i%5 == 4 {
					wire.cut()
				}
				if i%2 == 0 {
					assert.NoError(t, c.Close())
				} else {
					assert.NoError(t, c.CloseNow())
				}
				assert.Receive(t, ended(c.Done()), "the client's end")
				assert.Equal(t, s.State(), client.StateClosed)
			}
			p.gone(t)
		},
	},
	{
		name:     "everything at once",
		settings: settings{PingInterval: 300 * time.Millisecond, PingTimeout: time.Second},
		run: func(t *testing.T, p *play) {
			wire := newWire(t, p.addr())
			o := p.options()
			o.MailboxMessages, o.MaxQueuedMessages, o.StallTimeout = 8, 16, 5*time.Millisecond
			c, err := client.New(wire.url(), o)
			assert.NoError(t, err)
			sockets := []*client.Socket{c.Of("/", nil), c.Of("/chat", &client.SocketOptions{Retries: 2, AckTimeout: 20 * time.Millisecond})}
			for _, s := range sockets {
				s.On("number", func(ctx context.Context, e *client.Event) {
					_, _ = s.Ask(ctx, "echo", 1)
				})
			}
			ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
			defer cancel()
			var work sync.WaitGroup
			for g := range 6 {
				dice := rand.New(rand.NewPCG(uint64(g), 1))
				work.Go(func() {
					for range 60 {
						s := sockets[dice.IntN(2)]
						short, done := context.WithTimeout(ctx, time.Duration(dice.IntN(20))*time.Millisecond)
						switch dice.IntN(10) {
						case 0:
							s.Disconnect()
						case 1, 2:
							s.Open()
						case 3:
							_ = s.Connect(short)
						case 4:
							_ = s.Emit("count", 20, 10)
						case 5:
							_, _ = s.Ask(short, "echo", []byte{1})
						case 6:
							_ = s.EmitContext(short, "keep", "list", 1)
						case 7:
							_ = s.Volatile().Emit("echo", "a")
						case 8:
							_ = s.Emit("kick")
						case 9:
							wire.cut()
						}
						done()
					}
				})
			}
			work.Wait()
			for _, s := range sockets { // whatever happened, it goes on
				assert.Eventually(t, func() bool { return s.Connect(ctx) == nil })
			}
			assert.NoError(t, c.Close())
			assert.Receive(t, ended(c.Done()), "the client's end")
			p.gone(t)
		},
	},
	{
		name: "closed while nothing answers",
		run: func(t *testing.T, p *play) {
			wire := newWire(t, p.addr())
			wire.hold()
			o := p.options()
			o.CloseTimeout = 10 * time.Millisecond
			c, err := client.New(wire.url(), o)
			assert.NoError(t, err)
			s := c.Of("/", nil)
			connected := make(chan error, 1)
			go func() { connected <- s.Connect(within(t)) }()
			assert.Eventually(t, func() bool { return s.State() == client.StateConnecting })
			assert.NoError(t, c.Close())
			assert.ErrorIs(t, assert.Receive(t, connected), client.ErrClosed)
			wire.release()

			c, err = client.New(wire.url(), o)
			assert.NoError(t, err)
			p.join(c, "/")
			wire.hold()
			assert.NoError(t, c.Close())
			assert.Receive(t, ended(c.Done()))
			wire.release()
		},
	},
	{
		name: "nothing answers in time",
		run: func(t *testing.T, p *play) {
			wire := newWire(t, p.addr())
			wire.hold()
			o := p.options()
			o.Timeout = 20 * time.Millisecond
			s := p.client(wire.url(), o).Of("/", nil)
			err := assert.ErrorAs[*client.TransportError](t, s.Connect(within(t)))
			assert.Equal(t, err.Code, client.CodeTimeout, err)
			wire.release()
		},
	},
}
