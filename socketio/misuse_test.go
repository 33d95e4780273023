package socketio_test

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/kachi-io/kachi/engineio"
	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/socketio"
)

// What breaks the protocol closes the connection, and is told to a hook with the reason.
func TestProtocolViolationsCloseTheConnection(t *testing.T) {
	deep := strings.Repeat("[", 200) + strings.Repeat("]", 200)
	for _, row := range []struct{ name, send, want string }{
		{"not a packet", "4abc", "packet"},
		{"unknown type", "49", "packet"},
		{"event payload is an object", "42{}", "payload"},
		{"event payload is cut off", `42["a"`, "payload"},
		{"event id without payload is cut off", `42abc["a"]`, "payload"},
		{"event name is an object", `42[{}]`, "payload"},
		{"reserved event name", `42["connect"]`, "payload"},
		{"reserved event name, escaped", `42["disconn\u0065ct"]`, "payload"},
		{"ack without array", `431{}`, "payload"},
		{"connect with an array", `40[]`, "payload"},
		{"deep JSON", `42["x",` + deep + `]`, ""},
		{"too many attachments", `4511-["x"]`, "attachments"},
		{"attachments without a count", `45["x"]`, ""},
		{"text where an attachment is due", "451-[\"x\",{\"_placeholder\":true,\"num\":0}]\x00" + `42["y"]`, "plaintext"},
		{"placeholder out of range", `451-["x",{"_placeholder":true,"num":7}]`, ""},
		{"second CONNECT", "40", "has joined"},
		{"event for a namespace never joined", `42/other,["x"]`, "not joined"},
		{"ack for a namespace never joined", `43/other,1[]`, "not joined"},
		{"disconnect of a namespace never joined", `41/other,`, "not joined"},
		{"CONNECT_ERROR from a client", `44{"message":"x"}`, "CONNECT_ERROR"},
		{"huge ack id", `4299999999999999999999["x"]`, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			violations := newRecord()
			srv, url := start(t, &socketio.Options{Hooks: socketio.Hooks{
				ProtocolError: func(_ *engineio.Session, err error) { violations.add("%v", err) },
			}})
			srv.Of("/other")
			c, _ := join(t, url)
			for text := range strings.SplitSeq(row.send, "\x00") {
				c.send(text)
			}
			c.expectClosed()
			got := assert.Receive(t, violations)
			assert.True(t, strings.Contains(got, row.want), "reason %q", got)
			assert.Eventually(t, func() bool { return srv.Connections() == 0 })
		})
	}
}

// A polling client that breaks the protocol has half a minute to come for what is left;
// its sockets have ended before.
func TestAViolationOverPollingEndsTheSocketsAtOnce(t *testing.T) {
	ended := newRecord()
	srv, url := start(t, &socketio.Options{Hooks: socketio.Hooks{
		Disconnected: func(_ *socketio.Socket, reason socketio.Reason, err error) { ended.add("%s: %v", reason, err) },
	}})
	joined, other := newRecord(), srv.Of("/other")
	for _, ns := range []*socketio.Namespace{srv.Namespace, other} {
		ns.OnConnect(func(_ context.Context, s *socketio.Socket) error {
			s.Join("room")
			joined.add("joined")
			return s.Emit("welcome")
		})
		ns.OnDisconnect(func(_ context.Context, s *socketio.Socket, reason socketio.Reason) error {
			assert.Equal(t, len(s.Rooms()), 0)
			return nil
		})
	}
	poll, post := polling(t, url)
	post("40/other,")
	joined.expect(t, "joined")
	joined.expect(t, "joined")
	post(`49["x"]`)
	for range 2 {
		ended.expect(t, "forced close: socket.io packet: unknown packet type")
	}
	assert.Equal(t, srv.Count()+other.Count(), 0)
	assert.Equal(t, srv.Connections(), 1) // it has not come yet
	assert.NoError(t, srv.To("room").Emit("not for it"))
	post("40")
	rest := poll()
	assert.True(t, strings.Contains(rest, "welcome") && !strings.Contains(rest, "not for it"), "%q", rest)
	assert.Equal(t, poll(), "6\x1e1")
	assert.Eventually(t, func() bool { return srv.Connections() == 0 })
	assert.Equal(t, len(ended), 0, "ended twice")
}

func TestBinaryWithoutAPacketClosesTheConnection(t *testing.T) {
	_, url := start(t, nil)
	c, _ := join(t, url)
	c.sendBinary([]byte{1})
	c.expectClosed()
}

func TestAttachmentsTogetherAreBounded(t *testing.T) {
	const limit = 1000
	violations := newRecord()
	srv, url := start(t, &socketio.Options{
		MaxAttachmentBytes: limit,
		Hooks: socketio.Hooks{
			ProtocolError: func(_ *engineio.Session, err error) { violations.add("%v", err) },
		},
	})
	srv.On("files", func(_ context.Context, e *socketio.Event) error { return e.Ack() })
	files := func(c *client, sizes ...int) {
		c.send(`452-1["files",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`)
		for _, size := range sizes {
			c.sendBinary(make([]byte, size))
		}
	}
	c, _ := join(t, url)
	for range 3 { // it is each packet's own
		files(c, limit/2, limit/2)
		c.expect("431[]")
	}
	files(c, limit/2, limit/2+1)
	c.expectClosed()
	violations.expect(t, "socket.io packet: attachments too large")
}

func TestEventBeforeConnectClosesTheConnection(t *testing.T) {
	_, url := start(t, nil)
	c := dial(t, url)
	c.send(`42["early"]`)
	c.expectClosed()
}

func TestTwoConnectsAtOnceCloseTheConnection(t *testing.T) {
	srv, url := start(t, nil)
	srv.Use(func(ctx context.Context, _ *socketio.Socket) error { <-ctx.Done(); return ctx.Err() })
	c := dial(t, url)
	c.send("40")
	c.send("40")
	c.expectClosed()
	assert.Eventually(t, func() bool { return srv.Connections() == 0 })
}

func TestAcksThatNobodyAskedForAreTold(t *testing.T) {
	unexpected := newRecord()
	srv, url := start(t, &socketio.Options{Hooks: socketio.Hooks{
		UnexpectedAck: func(_ *socketio.Socket, id int64) { unexpected.add("%d", id) },
	}})
	c, id := join(t, url)
	s, _ := srv.Socket(id)
	c.send("4312[1]")
	unexpected.expect(t, "12")
	asked := make(chan error, 1)
	go func() { _, err := s.Ask(context.Background(), "q"); asked <- err }()
	c.expect(`420["q"]`)
	c.send("430[]")
	assert.NoError(t, assert.Receive(t, asked))
	c.send("430[]") // a second answer
	unexpected.expect(t, "0")
	c.expectSilence()
}

func TestUnhandledAndUnansweredAreTold(t *testing.T) {
	told := newRecord()
	srv, url := start(t, &socketio.Options{Hooks: socketio.Hooks{
		Unhandled:  func(_ *socketio.Socket, event string) { told.add("unhandled %s", event) },
		Unanswered: func(_ *socketio.Socket, n int) { told.add("unanswered %d", n) },
	}})
	srv.On("forgets", func(context.Context, *socketio.Event) error { return nil })
	c, _ := join(t, url)
	c.send(`421["nothing-here"]`)
	c.send(`422["forgets"]`)
	c.send(`42`) // an event without a name, which the protocol allows
	told.expect(t, "unhandled nothing-here")
	told.expect(t, "unhandled ")
	c.send("41")
	told.expect(t, "unanswered 2")
}

// A client that sends faster than its handlers work is answered "overloaded", keeps its
// order, and is disconnected when it goes on; others are not disturbed.
func TestFloods(t *testing.T) {
	told := newRecord()
	srv, url := start(t, &socketio.Options{MailboxMessages: 8, Hooks: socketio.Hooks{
		Overloaded:   func(_ *socketio.Socket, event, _ string) { told.add("dropped %s", event) },
		Disconnected: func(_ *socketio.Socket, reason socketio.Reason, _ error) { told.add("ended %s", reason) },
	}})
	release, started := make(chan struct{}), make(chan struct{}, 1)
	handled := newRecord()
	srv.On("n", func(_ context.Context, e *socketio.Event) error {
		select {
		case started <- struct{}{}:
		default:
		}
		<-release
		handled.add("%s", e.Args().Raw[0])
		return nil
	})
	srv.On("ping", func(_ context.Context, e *socketio.Event) error { return e.Ack() })
	quiet, _ := join(t, url)
	c, _ := join(t, url)
	c.send(`42["n",0]`)
	<-started
	for i := 1; i <= 8; i++ {
		c.send(fmt.Sprintf(`42["n",%d]`, i))
	}
	c.send(`42["n",9]`)
	c.expect(`42["exception",{"status":"error","code":"overloaded","message":"Too many events at once: this one was dropped","cause":{"pattern":"n"}}]`)
	c.send(`421["n",10]`)
	c.expect(`431[{"status":"error","code":"overloaded","message":"Too many events at once: this one was dropped","cause":{"pattern":"n"}}]`)
	quiet.send(`427["ping"]`)
	quiet.expect(`437[]`)
	close(release)
	for i := range 9 {
		handled.expect(t, fmt.Sprint(i))
	}

	release = make(chan struct{})
	c2, _ := join(t, url)
	for i := range 100 {
		c2.send(fmt.Sprintf(`42["n",%d]`, i))
	}
	c2.expectClosedOr41(t)
	close(release)
	for {
		if got := assert.Receive(t, told); got == "ended flooding" {
			break
		} else if !strings.HasPrefix(got, "dropped") {
			t.Fatal(got)
		}
	}
	quiet.send(`428["ping"]`)
	quiet.expect(`438[]`)
}

func TestEventsThatComeTooFastAreAnswered(t *testing.T) {
	told := newRecord()
	srv, url := start(t, &socketio.Options{MaxEventRate: 0.001, EventBurst: 2, MailboxMessages: 8, Hooks: socketio.Hooks{
		Overloaded:   func(_ *socketio.Socket, event, code string) { told.add("%s %s", event, code) },
		Disconnected: func(_ *socketio.Socket, reason socketio.Reason, _ error) { told.add("ended %s", reason) },
	}})
	srv.On("e", func(_ context.Context, e *socketio.Event) error { return e.Ack() })
	c, _ := join(t, url)
	c.send(`421["e"]`)
	c.expect(`431[]`)
	c.send(`422["e"]`)
	c.expect(`432[]`)
	c.send(`423["e"]`)
	answer := c.read()
	assert.True(t, strings.HasPrefix(answer, `433[{"status":"error","code":"rate_limited","message":"Too many events: slow down","details":{"retryAfter":`), answer)
	told.expect(t, "e rate_limited")
	for range 8 {
		c.send(`42["e"]`)
	}
	c.expectClosedOr41(t)
	for range 8 {
		told.expect(t, "e rate_limited")
	}
	told.expect(t, "ended flooding")
}

// expectClosedOr41 reads up to the disconnection of the socket.
func (c *client) expectClosedOr41(t *testing.T) {
	t.Helper()
	for range 10_000 {
		_, text, err := c.next()
		if err != nil || text == "41" {
			return
		}
	}
	t.Fatal("not disconnected")
}

func TestAStuckReaderIsEndedAndOthersAreNot(t *testing.T) {
	told := newRecord()
	srv, url := start(t, &socketio.Options{MaxQueuedMessages: 200, MaxQueuedBytes: 1 << 20, Hooks: socketio.Hooks{
		Disconnected: func(s *socketio.Socket, reason socketio.Reason, _ error) { told.add("%s %s", s.ID(), reason) },
	}})
	stuck, stuckID := join(t, url) // never reads again
	reader, _ := join(t, url)
	payload := strings.Repeat("x", 64<<10)
	ended := make(chan struct{})
	go func() { told.expect(t, stuckID+" slow consumer"); close(ended) }()
	for n := 0; ; n++ {
		select {
		case <-ended:
			_ = stuck
			return
		default:
		}
		if n > 2000 {
			t.Fatal("the stuck reader was never ended")
		}
		assert.NoError(t, srv.Emit("n", n, payload))
		assert.True(t, strings.HasPrefix(reader.read(), fmt.Sprintf(`42["n",%d,`, n)))
	}
}

// 2,000 connections that vanish leave nothing behind: no goroutine, no memory.
func TestDroppedConnectionsLeaveNothing(t *testing.T) {
	srv, url := start(t, nil)
	srv.OnConnect(func(_ context.Context, s *socketio.Socket) error { s.Join("room", "own-"+s.ID()); return nil })
	srv.On("echo", func(_ context.Context, e *socketio.Event) error { return e.Ack() })
	wave := func() {
		for range 10 {
			t.Run("hundred", func(t *testing.T) { // whose end lets the clients' memory go
				var clients []*client
				for range 100 {
					c, _ := join(t, url)
					c.send(`421["echo"]`)
					clients = append(clients, c)
				}
				assert.NoError(t, srv.To("room").Emit("hello"))
				for _, c := range clients {
					c.gone()
				}
			})
		}
		assert.Eventually(t, func() bool { return srv.Connections() == 0 && srv.Count() == 0 })
	}
	measure := func() (heap uint64, goroutines int) {
		var m runtime.MemStats
		runtime.GC()
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapInuse, runtime.NumGoroutine()
	}
	wave()
	heap, goroutines := measure()
	wave()
	assert.Eventually(t, func() bool {
		h, g := measure()
		return g <= goroutines+5 && h <= heap+heap/4+(1<<20)
	}, "heap %d, goroutines %d", heap, goroutines)
}
