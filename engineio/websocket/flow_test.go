package websocket_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kachi-io/kachi/engineio/websocket"
	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/outbox"
)

// drainReads reads until the end, for connections whose messages do not matter.
func drainReads(c *websocket.Conn) error {
	for {
		if _, _, err := c.Read(); err != nil {
			return err
		}
	}
}

// small keeps the kernel's buffer small, so that a peer that does not read is noticed
// soon. With less than a segment of the loopback, 64 KiB, the kernel sends a few bytes
// every 200 ms.
func small(t testing.TB, p *peer) *peer {
	t.Helper()
	assert.NoError(t, p.Conn.(*net.TCPConn).SetReadBuffer(128<<10))
	return p
}

// numbered is a message that shows when it is torn: a sender, a number, and a filling
// that follows from them.
func numbered(sender, number, size int) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(sender))
	b = binary.BigEndian.AppendUint32(b, uint32(number))
	for len(b) < size+8 {
		b = append(b, byte(sender+number+len(b)))
	}
	return b
}

func parseNumbered(s string) (sender, number int, ok bool) {
	if len(s) < 8 {
		return 0, 0, false
	}
	sender, number = int(binary.BigEndian.Uint32([]byte(s))), int(binary.BigEndian.Uint32([]byte(s[4:])))
	return sender, number, s == string(numbered(sender, number, len(s)-8))
}

// overload queues numbered frames until the backlog is full, and returns how many.
func overload(t testing.TB, c *websocket.Conn, size int) int {
	t.Helper()
	for n := 0; ; n++ {
		f := websocket.NewFrame(websocket.Binary, numbered(1, n, size))
		var err error
		if n%2 == 0 {
			err = c.Queue(f)
		} else {
			err = c.Send(f)
		}
		if errors.Is(err, websocket.ErrFull) {
			return n
		}
		assert.NoError(t, err)
		if n > 100_000 {
			t.Fatal("never full")
		}
	}
}

func TestStuckReader(t *testing.T) {
	limits := outbox.Limits{Messages: 100, Bytes: 1 << 20}
	h := listen(t, &websocket.Options{Queue: limits}, drainReads)
	stuck := small(t, h.dial(t))
	c := assert.Receive(t, h.conns)
	n := overload(t, c, 8<<10)

	messages, bytes := c.Buffered()
	assert.True(t, messages <= limits.Messages+128 && bytes <= limits.Bytes+16<<10, "%d messages, %d bytes", messages, bytes)
	assert.ErrorIs(t, c.Send(websocket.NewFrame(websocket.Text, nil)), websocket.ErrFull)

	// Others, of the same flushers, are not held up.
	peers, conns := make([]*peer, 20), make([]*websocket.Conn, 20)
	for i := range peers {
		peers[i], conns[i] = h.dial(t), assert.Receive(t, h.conns)
	}
	for i := range 50 {
		f := websocket.NewFrame(websocket.Text, fmt.Append(nil, i))
		for _, other := range conns {
			assert.NoError(t, other.Queue(f))
		}
	}
	for _, p := range peers {
		for i := range 50 {
			p.expect(end|text, fmt.Sprint(i))
		}
	}

	// What was accepted arrives once it reads again.
	for i := range n {
		_, got, err := stuck.read()
		assert.NoError(t, err)
		if _, number, ok := parseNumbered(got); !ok || number != i {
			t.Fatalf("message %d is number %d, whole: %v", i, number, ok)
		}
	}
	assert.Eventually(t, func() bool { m, b := c.Buffered(); return m == 0 && b == 0 })
	assert.NoError(t, c.Send(websocket.NewFrame(websocket.Text, []byte("as before"))))
	stuck.expect(end|text, "as before")
}

func TestVolatileFramesMakeRoom(t *testing.T) {
	ours, theirs := net.Pipe() // has no buffers of its own
	c := websocket.NewConn(ours, nil, &websocket.Options{Queue: outbox.Limits{Messages: 50}}, false)
	p := newPeer(t, theirs)
	send := func(payload string, volatile bool) error {
		f := websocket.NewFrame(websocket.Text, []byte(payload))
		f.Volatile = volatile
		return c.Send(f)
	}
	assert.NoError(t, send("taken", false))
	assert.Eventually(t, func() bool { return websocket.Flying(c) == 1 })
	for i := range 49 {
		assert.NoError(t, send(fmt.Sprint(i), false))
	}
	assert.NoError(t, send("evicted", true))
	assert.NoError(t, send("newer", true), "a newer one takes its place")
	assert.NoError(t, send("kept", false), "and is evicted as well")
	assert.ErrorIs(t, send("no room", true), websocket.ErrDropped)
	assert.ErrorIs(t, send("no room", false), websocket.ErrFull)
	p.expect(end|text, "taken")
	for i := range 49 {
		p.expect(end|text, fmt.Sprint(i))
	}
	p.expect(end|text, "kept")
	assert.NoError(t, c.CloseNow())
	p.expectEOF()
}

func TestFirstOvertakesTheBacklog(t *testing.T) {
	h := listen(t, nil, drainReads)
	p := small(t, h.dial(t))
	c := assert.Receive(t, h.conns)
	n := overload(t, c, 64<<10)
	waiting, _ := c.Buffered()
	for i := range 16 {
		assert.NoError(t, c.SendFirst(websocket.NewFrame(websocket.Text, fmt.Append(nil, "heartbeat ", i))))
	}
	assert.ErrorIs(t, c.SendFirst(websocket.NewFrame(websocket.Text, nil)), websocket.ErrFull)
	p.write(frame(end|ping, "are you there?"))
	p.write(frame(end|ping, "and now?"))
	// The pings are answered when they are read, which this makes sure of.
	assert.Eventually(t, func() bool { return websocket.PendingPongs(c) == 2 })

	position := map[string]int{}
	for i := range n + 16 + 2 {
		_, got, err := p.read()
		assert.NoError(t, err)
		if len(got) < 100 {
			position[got] = i
		} else if _, _, ok := parseNumbered(got); !ok {
			t.Fatalf("message %d is torn", i)
		}
	}
	before := n - waiting // were written already
	for name, at := range map[string]int{"are you there?": 0, "and now?": 1, "heartbeat 0": 2, "heartbeat 15": 17} {
		assert.True(t, position[name]-at <= before+1, "%s came after %d messages, %d had been written", name, position[name], before)
	}
}

func TestPingFloodKeepsTheNewest(t *testing.T) {
	h := listen(t, nil, drainReads)
	p := small(t, h.dial(t))
	c := assert.Receive(t, h.conns)
	n := overload(t, c, 64<<10)
	for i := range 1000 {
		p.write(frame(end|ping, fmt.Sprintf("ping %03d", i)))
	}
	assert.Eventually(t, func() bool { return websocket.NewestPong(c) == "ping 999" })
	assert.Equal(t, websocket.PendingPongs(c), 16)
	var pongs []string
	for range n + 16 {
		first, got, err := p.read()
		assert.NoError(t, err)
		if first == end|pong {
			pongs = append(pongs, got)
		}
	}
	assert.Equal(t, len(pongs), 16)
	assert.Equal(t, pongs[0], "ping 984")
	assert.Equal(t, pongs[15], "ping 999")
}

func TestWriteTimeout(t *testing.T) {
	for name, dial := range map[string]func(t *testing.T) (*websocket.Conn, chan error){
		"TCP": func(t *testing.T) (*websocket.Conn, chan error) {
			h := listen(t, &websocket.Options{WriteTimeout: 50 * time.Millisecond}, drainReads)
			small(t, h.dial(t))
			return assert.Receive(t, h.conns), h.ended
		},
		"pipe": func(t *testing.T) (*websocket.Conn, chan error) {
			ours, theirs := net.Pipe()
			t.Cleanup(func() { _ = theirs.Close() })
			c := websocket.NewConn(ours, nil, &websocket.Options{WriteTimeout: 50 * time.Millisecond}, false)
			ended := make(chan error, 1)
			go func() { ended <- drainReads(c) }()
			return c, ended
		},
	} {
		t.Run(name, func(t *testing.T) {
			c, ended := dial(t)
			for {
				if err := c.Send(websocket.NewFrame(websocket.Binary, numbered(1, 1, 10_000))); err != nil {
					break
				}
			}
			err := assert.Receive(t, ended)
			assert.ErrorIs(t, err, websocket.ErrWriteTimeout)
			assert.ErrorIs(t, c.Send(websocket.NewFrame(websocket.Text, nil)), websocket.ErrClosed)
			m, b := c.Buffered()
			assert.Equal(t, []int{m, b}, []int{0, 0}, "nothing is kept")
		})
	}
}

// A peer that takes a little now and then is slow, not gone.
func TestSlowReaderIsNotTimedOut(t *testing.T) {
	h := listen(t, &websocket.Options{WriteTimeout: 250 * time.Millisecond, Queue: outbox.Limits{Bytes: 1 << 30}}, drainReads)
	p := small(t, h.dial(t))
	c := assert.Receive(t, h.conns)
	const size = 8 << 20 // more than the kernel's buffers
	assert.NoError(t, c.Send(websocket.NewFrame(websocket.Binary, make([]byte, size))))
	buf := make([]byte, 32<<10)
	total := 0
	for began := time.Now(); time.Since(began) < 750*time.Millisecond; { // three time-outs have to pass
		n, err := p.in.Read(buf)
		assert.NoError(t, err)
		total += n
		time.Sleep(10 * time.Millisecond)
	}
	m, _ := c.Buffered()
	assert.Equal(t, m, 1, "was slow enough to matter")
	rest, err := io.CopyN(io.Discard, p.in, int64(size+10-total))
	assert.NoError(t, err)
	assert.Equal(t, rest, int64(size+10-total))
	assert.NoError(t, c.CloseNow())
}

// Many senders, a reader that pauses: each sender's messages come in order, none is
// torn, and all are there. Over every kind of network connection.
func TestOrderUnderConcurrency(t *testing.T) {
	const senders, each = 8, 400
	o := &websocket.Options{Queue: outbox.Limits{Messages: 1 << 20, Bytes: 1 << 30}}
	for name, connect := range map[string]func(t *testing.T) (*websocket.Conn, *peer){
		"TCP": func(t *testing.T) (*websocket.Conn, *peer) {
			h := listen(t, o, drainReads)
			p := small(t, h.dial(t))
			return assert.Receive(t, h.conns), p
		},
		"TLS": func(t *testing.T) (*websocket.Conn, *peer) { return overTLS(t, o) },
		"pipe": func(t *testing.T) (*websocket.Conn, *peer) {
			ours, theirs := net.Pipe()
			c := websocket.NewConn(ours, nil, o, false)
			t.Cleanup(func() { _ = c.CloseNow() })
			go func() { _ = drainReads(c) }()
			return c, newPeer(t, theirs)
		},
	} {
		t.Run(name, func(t *testing.T) {
			c, p := connect(t)
			var sending sync.WaitGroup
			for s := range senders {
				sending.Go(func() {
					r := rand.New(rand.NewPCG(uint64(s), 9))
					for n := range each {
						size := r.IntN(200)
						if r.IntN(20) == 0 {
							size = r.IntN(40_000)
						}
						f := websocket.NewFrame(websocket.Binary, numbered(s, n, size))
						var err error
						if r.IntN(2) == 0 {
							err = c.Send(f)
						} else {
							err = c.Queue(f)
						}
						if err != nil {
							t.Errorf("sender %d: %v", s, err)
							return
						}
						if r.IntN(50) == 0 {
							_ = c.SendFirst(websocket.NewFrame(websocket.Text, []byte("first")))
						}
						if r.IntN(30) == 0 {
							time.Sleep(time.Duration(r.IntN(1000)) * time.Microsecond)
						}
					}
				})
			}
			go func() {
				for range 100 {
					if _, err := p.Write(frame(end|ping, "in between")); err != nil {
						return
					}
					time.Sleep(100 * time.Microsecond)
				}
			}()
			var next [senders]int
			r := rand.New(rand.NewPCG(7, 7))
			for got := 0; got < senders*each; {
				first, payload, err := p.read()
				assert.NoError(t, err)
				if first != end|blob {
					continue
				}
				got++
				s, n, ok := parseNumbered(payload)
				if !ok || s >= senders || n != next[s] {
					t.Fatalf("sender %d: number %d after %d, whole: %v", s, n, next[s]-1, ok)
				}
				next[s]++
				if r.IntN(200) == 0 {
					time.Sleep(time.Duration(r.IntN(3000)) * time.Microsecond)
				}
			}
			sending.Wait()
		})
	}
}

// Everything at once on connections that end at any moment; the race detector, goleak
// and the end of the test judge.
func TestEverythingAtOnce(t *testing.T) {
	h := listen(t, &websocket.Options{Queue: outbox.Limits{Messages: 20}, CloseTimeout: 20 * time.Millisecond}, drainReads)
	f := websocket.NewFrame(websocket.Text, []byte(strings.Repeat("x", 1000)))
	for round := range 60 {
		p := h.dial(t)
		c := assert.Receive(t, h.conns)
		var all sync.WaitGroup
		for range 3 {
			all.Go(func() {
				for range 200 {
					if err := c.Send(f); errors.Is(err, websocket.ErrClosed) {
						return
					}
					_ = c.Queue(f)
					_ = c.SendFirst(f)
					_, _ = c.Buffered()
				}
			})
		}
		all.Go(func() {
			for range 50 {
				if _, err := p.Write(append(frame(end|ping, "?"), frame(end|text, "hello")...)); err != nil {
					return
				}
			}
		})
		all.Go(func() { _, _ = io.CopyN(io.Discard, p, int64(round*3000)) })
		all.Go(func() {
			time.Sleep(time.Duration(rand.IntN(3000)) * time.Microsecond)
			switch round % 4 {
			case 0:
				_ = c.Close(1000, "")
			case 1:
				_ = c.CloseNow()
			case 2:
				_ = p.Close()
			case 3:
				_, _ = p.Write(frame(end|closes, ""))
			}
		})
		all.Wait()
		_ = p.Close()
		assert.Receive(t, h.ended)
	}
}
