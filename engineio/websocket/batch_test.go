package websocket_test

import (
	"fmt"
	"net"
	"runtime/debug"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kachi-io/kachi/engineio/websocket"
	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/memnet"
	"github.com/kachi-io/kachi/internal/outbox"
)

// counted counts the writes of a connection.
type counted struct {
	net.Conn
	writes atomic.Int32
}

func (c *counted) Write(p []byte) (int, error) {
	c.writes.Add(1)
	return c.Conn.Write(p)
}

const batchDelay = 2 * time.Millisecond

// batched runs a test with a connection that waits for more, on a clock that moves when
// everybody waits.
func batched(t *testing.T, o websocket.Options, test func(t *testing.T, c *websocket.Conn, p *peer, nc *counted)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		client, server := memnet.Pipe(nil)
		nc := &counted{Conn: server}
		o.Batch = websocket.NewBatch(batchDelay)
		c := websocket.NewConn(nc, nil, &o, false)
		t.Cleanup(func() { _ = c.CloseNow() })
		test(t, c, newPeer(t, client), nc)
	})
}

func TestBatch(t *testing.T) {
	send := func(t *testing.T, c *websocket.Conn, from, to int) {
		t.Helper()
		for i := from; i < to; i++ {
			f := websocket.NewFrame(websocket.Text, fmt.Append(nil, i))
			if i%2 == 0 {
				assert.NoError(t, c.Send(f))
			} else {
				assert.NoError(t, c.Queue(f))
			}
		}
	}
	expect := func(p *peer, from, to int) {
		p.t.Helper()
		for i := from; i < to; i++ {
			p.expect(end|text, fmt.Sprint(i))
		}
	}

	t.Run("what comes within the delay is one write, in order", func(t *testing.T) {
		batched(t, websocket.Options{}, func(t *testing.T, c *websocket.Conn, p *peer, nc *counted) {
			for round := range 3 {
				began := time.Now()
				for i := range 4 {
					send(t, c, 10*i, 10*i+10)
					time.Sleep(batchDelay / 5)
				}
				assert.Equal(t, nc.writes.Load(), int32(round), "before the delay has passed")
				expect(p, 0, 40)
				assert.Equal(t, time.Since(began), batchDelay)
				assert.Equal(t, nc.writes.Load(), int32(round+1))
			}
		})
	})
	t.Run("a full write does not wait", func(t *testing.T) {
		batched(t, websocket.Options{}, func(t *testing.T, c *websocket.Conn, p *peer, nc *counted) {
			began := time.Now()
			send(t, c, 0, 128)
			expect(p, 0, 128)
			assert.Equal(t, time.Since(began), time.Duration(0))
			assert.NoError(t, c.Send(websocket.NewFrame(websocket.Text, make([]byte, 16<<10))))
			p.expect(end|text, string(make([]byte, 16<<10)))
			assert.Equal(t, time.Since(began), time.Duration(0))
			assert.Equal(t, nc.writes.Load(), int32(2+1)) // the large one, with its header, is two pieces
			send(t, c, 0, 1)
			expect(p, 0, 1)
			assert.Equal(t, time.Since(began), batchDelay)
		})
	})
	t.Run("a backlog does not wait once more", func(t *testing.T) {
		batched(t, websocket.Options{}, func(t *testing.T, c *websocket.Conn, p *peer, _ *counted) {
			send(t, c, 0, 100) // held
			large := websocket.NewFrame(websocket.Binary, []byte(noise(200_000)))
			assert.NoError(t, c.Send(large)) // more than the network holds
			send(t, c, 100, 150)
			time.Sleep(time.Second)
			began := time.Now()
			expect(p, 0, 100)
			_, _, err := p.read()
			assert.NoError(t, err)
			expect(p, 100, 150)
			assert.True(t, time.Since(began) <= batchDelay)
		})
	})
	t.Run("a queue that fills does not wait", func(t *testing.T) {
		o := websocket.Options{Queue: outbox.Limits{Messages: 10}}
		batched(t, o, func(t *testing.T, c *websocket.Conn, p *peer, nc *counted) {
			began := time.Now()
			send(t, c, 0, 5)
			synctest.Wait()
			assert.Equal(t, nc.writes.Load(), int32(0))
			send(t, c, 5, 6)
			expect(p, 0, 6)
			assert.Equal(t, time.Since(began), time.Duration(0))
		})
	})
	t.Run("the bounds hold", func(t *testing.T) {
		o := websocket.Options{Queue: outbox.Limits{Messages: 10}}
		batched(t, o, func(t *testing.T, c *websocket.Conn, _ *peer, _ *counted) {
			var err error
			n := 0
			for ; err == nil && n < 100; n++ { // no goroutine runs meanwhile, or some messages are written
				err = c.Queue(websocket.NewFrame(websocket.Binary, []byte(noise(100_000))))
			}
			assert.ErrorIs(t, err, websocket.ErrFull)
			messages, _ := c.Buffered()
			assert.True(t, messages <= 11, "%d", messages)
		})
	})
	t.Run("control frames do not wait, and take the rest along", func(t *testing.T) {
		batched(t, websocket.Options{}, func(t *testing.T, c *websocket.Conn, p *peer, nc *counted) {
			go func() { _ = drainReads(c) }()
			began := time.Now()
			send(t, c, 0, 3)
			p.write(frame(end|ping, "?"))
			p.expect(end|pong, "?")
			expect(p, 0, 3)
			send(t, c, 3, 5)
			assert.NoError(t, c.SendFirst(websocket.NewFrame(websocket.Text, []byte("first"))))
			p.expect(end|text, "first")
			expect(p, 3, 5)
			send(t, c, 5, 7)
			c.Flush()
			expect(p, 5, 7)
			assert.Equal(t, nc.writes.Load(), int32(3))
			assert.Equal(t, time.Since(began), time.Duration(0))
			send(t, c, 7, 9)
			expect(p, 7, 9) // was held again while its place in the list was taken
			assert.Equal(t, time.Since(began), batchDelay)
			send(t, c, 9, 11)
			assert.NoError(t, c.Close(1000, ""))
			expect(p, 9, 11)
			p.expect(end|closes, closing(1000, ""))
			assert.Equal(t, time.Since(began), batchDelay)
			p.write(frame(end|closes, closing(1000, "")))
			synctest.Wait()
			assert.True(t, websocket.Dead(c))
		})
	})
	t.Run("a flush is not lost on a busy writer", func(t *testing.T) {
		batched(t, websocket.Options{}, func(t *testing.T, c *websocket.Conn, p *peer, _ *counted) {
			began := time.Now()
			assert.NoError(t, c.Send(websocket.NewFrame(websocket.Binary, make([]byte, 1<<20))))
			synctest.Wait() // its writer waits for the peer
			send(t, c, 0, 3)
			c.Flush()
			send(t, c, 3, 5) // goes along
			_, _, err := p.read()
			assert.NoError(t, err)
			expect(p, 0, 5)
			assert.Equal(t, time.Since(began), time.Duration(0))
			send(t, c, 5, 7) // waits as ever
			expect(p, 5, 7)
			assert.Equal(t, time.Since(began), batchDelay)
		})
	})
	t.Run("what is held is dropped by CloseNow", func(t *testing.T) {
		batched(t, websocket.Options{}, func(t *testing.T, c *websocket.Conn, p *peer, nc *counted) {
			send(t, c, 0, 3)
			assert.NoError(t, c.CloseNow())
			p.expectEOF()
			time.Sleep(time.Second)
			assert.Equal(t, nc.writes.Load(), int32(0))
		})
	})
}

// Over plain sockets, which are written to in another way. The delay is far away, so that
// nothing here depends on time.
func TestBatchOverTCP(t *testing.T) {
	pair := func(t *testing.T, delay time.Duration) (*websocket.Conn, *peer) {
		h := listen(t, &websocket.Options{Batch: websocket.NewBatch(delay)}, drainReads)
		p := h.dial(t)
		return assert.Receive(t, h.conns), p
	}
	t.Run("waits", func(t *testing.T) {
		c, p := pair(t, time.Hour)
		sent := 0
		send := func(n int) {
			for range n {
				assert.NoError(t, c.Send(websocket.NewFrame(websocket.Text, fmt.Append(nil, sent))))
				sent++
			}
		}
		got := 0
		expect := func() {
			for ; got < sent; got++ {
				p.expect(end|text, fmt.Sprint(got))
			}
		}
		send(100)
		messages, _ := c.Buffered()
		assert.Equal(t, messages, 100)
		send(100) // 128 are enough, and those behind them may wait
		for ; got < 128; got++ {
			p.expect(end|text, fmt.Sprint(got))
		}
		c.Flush()
		expect()
		for range 3 {
			// The peer may have read what its writer has not yet settled.
			assert.Eventually(t, func() bool { waiting, _ := c.Buffered(); return waiting == 0 })
			send(50)
			messages, _ = c.Buffered()
			assert.Equal(t, messages, 50)
			p.write(frame(end|ping, "?"))
			p.expect(end|pong, "?")
			expect()
		}
		send(2)
		assert.NoError(t, c.Close(1000, ""))
		expect()
		p.expect(end|closes, closing(1000, ""))
	})
	t.Run("and goes on", func(t *testing.T) {
		c, p := pair(t, time.Millisecond)
		for i := range 300 {
			assert.NoError(t, c.Queue(websocket.NewFrame(websocket.Text, fmt.Append(nil, i))))
			if i%7 == 0 {
				p.expect(end|text, fmt.Sprint(i/7))
			}
		}
		for i := 43; i < 300; i++ {
			p.expect(end|text, fmt.Sprint(i))
		}
		large := []byte(noise(3_000_000))
		assert.NoError(t, c.Send(websocket.NewFrame(websocket.Binary, large)))
		assert.NoError(t, c.Send(websocket.NewFrame(websocket.Text, []byte("behind"))))
		p.expect(end|blob, string(large))
		p.expect(end|text, "behind")
	})
}

// Connections that do not wait are not held up by those that do.
func TestBatchDelaysNobodyElse(t *testing.T) {
	waiting := discarding(t, 8, &websocket.Options{Batch: websocket.NewBatch(time.Hour)})
	h := listen(t, nil, drainReads)
	p := h.dial(t)
	c := assert.Receive(t, h.conns)
	for i := range 20 {
		for _, w := range waiting {
			assert.NoError(t, w.Queue(websocket.NewFrame(websocket.Text, []byte("x"))))
		}
		assert.NoError(t, c.Queue(websocket.NewFrame(websocket.Text, fmt.Append(nil, i))))
		p.expect(end|text, fmt.Sprint(i))
	}
	for _, w := range waiting {
		messages, _ := w.Buffered()
		assert.Equal(t, messages, 20)
	}
}

func TestBatchOverTLS(t *testing.T) {
	c, p := overTLS(t, &websocket.Options{Batch: websocket.NewBatch(time.Millisecond)})
	for i := range 300 {
		assert.NoError(t, c.Send(websocket.NewFrame(websocket.Text, fmt.Append(nil, i))))
		if i%7 == 0 {
			p.expect(end|text, fmt.Sprint(i/7))
		}
	}
	assert.NoError(t, c.Close(1000, ""))
	for i := 43; i < 300; i++ {
		p.expect(end|text, fmt.Sprint(i))
	}
	p.expect(end|closes, closing(1000, ""))
}

func TestBatchAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("sync.Pool drops items at random under the race detector")
	}
	conns := discarding(t, 20, &websocket.Options{Batch: websocket.NewBatch(time.Millisecond)})
	f := websocket.NewFrame(websocket.Text, make([]byte, 130))
	debug.SetGCPercent(-1)
	defer debug.SetGCPercent(100)
	for _, burst := range []int{10, 130} { // the second is more than one write takes
		send := func() {
			for range burst {
				for _, c := range conns {
					_ = c.Send(f)
				}
			}
			flushed(conns)
		}
		send()
		if n := testing.AllocsPerRun(50, send) / float64(len(conns)); n >= 0.5 {
			t.Errorf("%.2f allocations for each recipient of %d", n, burst)
		}
	}
}

func TestNoBatch(t *testing.T) {
	assert.True(t, websocket.NewBatch(0) == nil)
	assert.True(t, websocket.NewBatch(-1) == nil)
}

// The next size class is a step of 64 bytes for every user.
func TestConnSize(t *testing.T) {
	assert.True(t, websocket.ConnSize <= 512, "%d", websocket.ConnSize)
}
