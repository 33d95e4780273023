package socketio_test

import (
	"context"
	"errors"
	"maps"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kachi-io/kachi/engineio"
	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/socketio"
	"github.com/kachi-io/kachi/socketio/adapter"
	"github.com/kachi-io/kachi/socketio/packet"
)

// told counts the calls of all hooks, in the shape of Stats.
type told struct {
	mu      sync.Mutex
	stats   socketio.Stats
	dropped []string // the events that Hooks.Dropped was told of
}

func (n *told) note(count func(*socketio.Stats)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	count(&n.stats)
}

func plus(m map[socketio.Reason]uint64, reason socketio.Reason) map[socketio.Reason]uint64 {
	if m == nil {
		m = map[socketio.Reason]uint64{}
	}
	m[reason]++
	return m
}

func (n *told) hooks() socketio.Hooks {
	type (
		stats   = socketio.Stats
		socket  = *socketio.Socket
		session = *engineio.Session
		reason  = socketio.Reason
	)
	return socketio.Hooks{
		Engine: engineio.Hooks{
			Opened: func(session) { n.note(func(s *stats) { s.Engine.Opened++ }) },
			Closed: func(_ session, r reason, _ error) {
				n.note(func(s *stats) { s.Engine.Closed = plus(s.Engine.Closed, r) })
			},
		},
		Connected:     func(socket) { n.note(func(s *stats) { s.Admitted++ }) },
		Disconnected:  func(_ socket, r reason, _ error) { n.note(func(s *stats) { s.Ended = plus(s.Ended, r) }) },
		Refused:       func(session, string, error) { n.note(func(s *stats) { s.Refused++ }) },
		Idle:          func(session) { n.note(func(s *stats) { s.Idle++ }) },
		ProtocolError: func(session, error) { n.note(func(s *stats) { s.ProtocolErrors++ }) },
		Failed:        func(socket, string, error) { n.note(func(s *stats) { s.Failed++ }) },
		Overloaded: func(_ socket, _, code string) {
			n.note(func(s *stats) {
				switch code {
				case socketio.CodeOverloaded:
					s.Overloaded++
				case socketio.CodeRateLimited:
					s.RateLimited++
				}
			})
		},
		Discarded: func(_ socket, count int) { n.note(func(s *stats) { s.Discarded += uint64(count) }) },
		Dropped: func(_ socket, event string) {
			n.note(func(s *stats) { s.Engine.Dropped++; n.dropped = append(n.dropped, event) })
		},
		Unhandled:     func(socket, string) { n.note(func(s *stats) { s.Unhandled++ }) },
		Unanswered:    func(_ socket, count int) { n.note(func(s *stats) { s.Unanswered += uint64(count) }) },
		UnexpectedAck: func(socket, int64) { n.note(func(s *stats) { s.UnexpectedAcks++ }) },
		Stray:         func(session, string) { n.note(func(s *stats) { s.Stray++ }) },
	}
}

// Each way in which a socket is refused or ends and something of it is lost, once, and all
// that is counted then, with and without hooks.
func TestStats(t *testing.T) {
	const (
		clientLeft = socketio.ReasonClientDisconnect
		serverLeft = socketio.ReasonServerDisconnect
	)
	// open is a connection that stays, joined a socket that does.
	open := socketio.Stats{Engine: engineio.Stats{WebSocket: 1, Opened: 1}}
	joined := func(change func(*socketio.Stats)) socketio.Stats {
		s := open
		s.Sockets, s.Admitted = 1, 1
		change(&s)
		return s
	}
	// left is a socket that ended, on a connection that stays.
	left := func(reason socketio.Reason, change func(*socketio.Stats)) socketio.Stats {
		s := open
		s.Admitted, s.Ended = 1, map[socketio.Reason]uint64{reason: 1}
		change(&s)
		return s
	}
	// gone is a connection that ended.
	gone := func(reason socketio.Reason, s socketio.Stats) socketio.Stats {
		s.Engine = engineio.Stats{Opened: 1, Closed: map[socketio.Reason]uint64{reason: 1}}
		return s
	}
	refused := func(change func(*socketio.Stats)) socketio.Stats {
		s := open
		s.Refused = 1
		change(&s)
		return s
	}
	nothing := func(*socketio.Stats) {}
	// wait blocks a handler until its socket has ended.
	wait := func(ctx context.Context, _ *socketio.Event) error { <-ctx.Done(); return nil }
	says := func(srv fakedHost, answer error) {
		srv.Use(func(context.Context, *socketio.Socket) error { return answer })
	}

	for _, row := range []struct {
		name  string
		o     socketio.Options
		cause func(t *testing.T, srv fakedHost)
		want  socketio.Stats
	}{
		{"joined", socketio.Options{}, func(_ *testing.T, srv fakedHost) { srv.join() }, joined(nothing)},
		{"another namespace", socketio.Options{}, func(_ *testing.T, srv fakedHost) {
			srv.Of("/other")
			c, _ := srv.join()
			c.connect("/other", "")
		}, joined(func(s *socketio.Stats) { s.Sockets, s.Admitted = 2, 2 })},

		{"client disconnects", socketio.Options{}, func(_ *testing.T, srv fakedHost) {
			c, _ := srv.join()
			c.send("41")
		}, left(clientLeft, nothing)},
		{"client hangs up", socketio.Options{}, func(_ *testing.T, srv fakedHost) {
			c, _ := srv.join()
			c.gone()
		}, gone(engineio.TransportClose, left(engineio.TransportClose, nothing))},
		{"server closes", socketio.Options{}, func(_ *testing.T, srv fakedHost) {
			c, id := srv.join()
			s, _ := srv.Socket(id)
			s.Disconnect(true)
			c.expect("41")
			c.expectClosed()
		}, gone(engineio.ForcedClose, left(socketio.ReasonServerClose, nothing))},
		{"slow consumer of a broadcast", socketio.Options{MaxQueuedMessages: 1}, func(t *testing.T, srv fakedHost) {
			srv.join() // does not read
			for _, text := range []string{strings.Repeat("x", 1<<20), "waits", "too much"} {
				assert.NoError(t, srv.Emit("n", text))
				synctest.Wait()
			}
		}, gone(engineio.SlowConsumer, left(engineio.SlowConsumer, nothing))},

		{"no such namespace", socketio.Options{}, func(_ *testing.T, srv fakedHost) {
			c := srv.dial()
			c.send("40/nope,")
			c.read()
		}, refused(nothing)},
		{"refused", socketio.Options{}, func(_ *testing.T, srv fakedHost) {
			says(srv, socketio.NewError("no", "no"))
			c := srv.dial()
			c.send("40")
			c.read()
		}, refused(nothing)},
		{"refused by a failure", socketio.Options{}, func(_ *testing.T, srv fakedHost) {
			says(srv, errors.New("no database"))
			c := srv.dial()
			c.send("40")
			c.read()
		}, refused(func(s *socketio.Stats) { s.Failed = 1 })},
		{"refused with events that wait", socketio.Options{}, func(_ *testing.T, srv fakedHost) {
			decide := make(chan struct{})
			srv.Use(func(context.Context, *socketio.Socket) error { <-decide; return socketio.NewError("no", "no") })
			c := srv.dial()
			c.send("40")
			c.send(`42["a"]`)
			c.send(`42["b"]`)
			synctest.Wait()
			close(decide)
			c.read()
		}, refused(func(s *socketio.Stats) { s.Discarded = 2 })},
		{"middleware that fails when the client has left", socketio.Options{}, func(_ *testing.T, srv fakedHost) {
			srv.Use(func(ctx context.Context, _ *socketio.Socket) error { <-ctx.Done(); panic("too late") })
			c := srv.dial()
			c.send("40")
			synctest.Wait()
			c.gone()
		}, gone(engineio.TransportClose, socketio.Stats{Failed: 1})},
		{"middleware that gives up when the client has left", socketio.Options{}, func(_ *testing.T, srv fakedHost) {
			srv.Use(func(ctx context.Context, _ *socketio.Socket) error { <-ctx.Done(); return ctx.Err() })
			c := srv.dial()
			c.send("40")
			synctest.Wait()
			c.gone()
		}, gone(engineio.TransportClose, socketio.Stats{})},
		{"idle", socketio.Options{ConnectTimeout: time.Second}, func(_ *testing.T, srv fakedHost) {
			srv.dial().expectClosed()
		}, gone(engineio.ForcedClose, socketio.Stats{Idle: 1})},
		{"protocol error", socketio.Options{}, func(_ *testing.T, srv fakedHost) {
			c, _ := srv.join()
			c.send("4oops")
			c.expectClosed()
		}, gone(engineio.ForcedClose, left(engineio.ForcedClose, func(s *socketio.Stats) { s.ProtocolErrors = 1 }))},

		{"failure", socketio.Options{}, func(_ *testing.T, srv fakedHost) {
			srv.On("fail", func(context.Context, *socketio.Event) error { panic("failed") })
			c, _ := srv.join()
			c.send(`42["fail"]`)
		}, joined(func(s *socketio.Stats) { s.Failed = 1 })},
		{"overload", socketio.Options{MailboxMessages: 1}, func(_ *testing.T, srv fakedHost) {
			srv.On("wait", wait)
			c, _ := srv.join()
			for range 3 { // handled, waiting, too many
				c.send(`42["wait"]`)
				synctest.Wait()
			}
		}, joined(func(s *socketio.Stats) { s.Overloaded = 1 })},
		{"flood", socketio.Options{MailboxMessages: 1}, func(_ *testing.T, srv fakedHost) {
			over := make(chan struct{}) // its context is, before what waits is dropped
			srv.On("wait", func(context.Context, *socketio.Event) error { <-over; return nil })
			c, _ := srv.join()
			for range 4 {
				c.send(`42["wait"]`)
				synctest.Wait()
			}
			close(over)
		}, left(socketio.ReasonFlooding, func(s *socketio.Stats) { s.Overloaded, s.Discarded = 2, 1 })},
		{"too fast", socketio.Options{MaxEventRate: 0.001, EventBurst: 1}, func(_ *testing.T, srv fakedHost) {
			srv.On("n", func(context.Context, *socketio.Event) error { return nil })
			c, _ := srv.join()
			c.send(`42["n"]`)
			c.send(`42["n"]`)
		}, joined(func(s *socketio.Stats) { s.RateLimited = 1 })},
		{"no handler, and no answer", socketio.Options{}, func(_ *testing.T, srv fakedHost) {
			c, _ := srv.join()
			c.send(`421["what"]`)
			c.send("41")
		}, left(clientLeft, func(s *socketio.Stats) { s.Unhandled, s.Unanswered = 1, 1 })},
		{"answer to nothing", socketio.Options{}, func(_ *testing.T, srv fakedHost) {
			c, _ := srv.join()
			c.send("4399[]")
		}, joined(func(s *socketio.Stats) { s.UnexpectedAcks = 1 })},
		{"stray", socketio.Options{}, func(_ *testing.T, srv fakedHost) {
			c, id := srv.join()
			s, _ := srv.Socket(id)
			s.Disconnect(false)
			c.send(`42["too late"]`)
		}, left(serverLeft, func(s *socketio.Stats) { s.Stray = 1 })},

		{"volatile", socketio.Options{MaxQueuedMessages: 2}, func(t *testing.T, srv fakedHost) {
			_, id := srv.join() // does not read
			s, _ := srv.Socket(id)
			assert.NoError(t, s.Emit("large", strings.Repeat("x", 1<<20)))
			synctest.Wait() // it is being written, and waits no more
			assert.NoError(t, s.Volatile().Emit("evicted"))
			assert.NoError(t, srv.Volatile().Emit("evicted"))
			assert.NoError(t, s.Emit("waits"))
			assert.NoError(t, srv.Emit("waits"))
			assert.ErrorIs(t, s.Volatile().Emit("emitted"), socketio.ErrDropped)
			_, err := s.Volatile().Ask(t.Context(), "asked")
			assert.ErrorIs(t, err, socketio.ErrDropped)
			assert.NoError(t, srv.Volatile().Emit("broadcast"))
			answers, err := srv.Volatile().Ask(t.Context(), "asked all")
			assert.NoError(t, err)
			assert.Equal(t, answers.Expected, 0)
		}, joined(func(s *socketio.Stats) { s.Engine.Evicted, s.Engine.Dropped = 2, 4 })},
	} {
		hooks := &told{}
		for _, withHooks := range []bool{true, false} {
			name, o := row.name, row.o
			if withHooks {
				o.Hooks = hooks.hooks()
			} else {
				name += ", without hooks"
			}
			t.Run(name, func(t *testing.T) {
				faked(t, &o, func(t *testing.T, srv fakedHost) {
					row.cause(t, srv)
					settle(t)
					got := srv.Stats()
					assert.True(t, row.want.Sockets == 0 || got.Engine.Traffic.MessagesSent > 0 && got.Engine.Traffic.MessagesReceived > 0)
					got.Engine.Traffic = engineio.Traffic{} // package engineio tests the rest
					assert.Equal(t, got, row.want)
					if !withHooks {
						return
					}
					called := hooks.stats // nothing runs
					called.Sockets, called.Engine.WebSocket = row.want.Sockets, row.want.Engine.WebSocket
					called.Engine.Evicted = row.want.Engine.Evicted
					assert.Equal(t, called, row.want, "told to hooks")
					if row.want.Engine.Dropped > 0 {
						assert.Equal(t, hooks.dropped, []string{"emitted", "asked", "broadcast", "asked all"})
					}
				})
			})
		}
	}
}

// settle lets everything happen that needs less than some seconds: a client need not answer
// a close frame.
func settle(t *testing.T) {
	t.Helper()
	time.Sleep(6 * time.Second)
	synctest.Wait()
}

// Dropped may use the server, since no lock is held: not that of a room, nor that of a
// client.
func TestDroppedIsToldWithoutLocks(t *testing.T) {
	var srv fakedHost
	told := 0
	o := &socketio.Options{MaxQueuedMessages: 1, Hooks: socketio.Hooks{Dropped: func(s *socketio.Socket, event string) {
		told++
		assert.Equal(t, event, "n")
		s.Join("behind")
		assert.NoError(t, srv.Volatile().To("room").Except("behind").Emit("n")) // those that were not met yet are behind, too
		s.Leave("room")
		s.Conn().Buffered()
	}}}
	faked(t, o, func(t *testing.T, host fakedHost) {
		srv = host
		for range 3 {
			_, id := srv.join() // does not read
			s, _ := srv.Socket(id)
			s.Join("room")
		}
		assert.NoError(t, srv.Emit("large", strings.Repeat("x", 1<<20)))
		synctest.Wait()
		assert.NoError(t, srv.Emit("waits"))
		assert.NoError(t, srv.To("room").Volatile().Emit("n"))
		assert.Equal(t, srv.Count(), 3)
		assert.Equal(t, uint64(told), srv.Stats().Engine.Dropped)
		assert.True(t, told > 3)
		told = 0
		assert.NoError(t, srv.To("room").Volatile().Emit("n"))
		assert.Equal(t, told, 0, "they have left the room")
	})
}

// What other nodes send is counted where it goes wrong.
func TestStatsOfServerSideEvents(t *testing.T) {
	bus := adapter.NewBus(nil)
	node := func() *socketio.Server {
		srv, _ := start(t, &socketio.Options{Adapter: bus.Node().Adapter})
		return srv
	}
	a, b := node(), node()
	b.OnServerSide("fail", func(context.Context, packet.Args) (any, error) { return nil, errors.New("failed") })
	assert.Eventually(t, func() bool {
		_, err := a.ServerSideAsk(t.Context(), "fail")
		assert.NoError(t, err)
		return b.Stats().ServerSideFailed > 0 // b may not have been there yet
	})
	assert.Equal(t, b.Stats(), socketio.Stats{ServerSideFailed: 1})
	assert.Equal(t, a.Stats(), socketio.Stats{})
}

// A snapshot is the caller's own.
func TestStatsAreACopy(t *testing.T) {
	srv, url := start(t, nil)
	c, _ := join(t, url)
	c.send("41")
	assert.Eventually(t, func() bool { return srv.Stats().Ended != nil })
	s := srv.Stats()
	before := maps.Clone(s.Ended)
	s.Ended["changed"] = 1
	assert.Equal(t, srv.Stats().Ended, before)
}
