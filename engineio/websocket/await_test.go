package websocket_test

import (
	"bytes"
	"io"
	"math/rand/v2"
	"net"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/kachi-io/kachi/engineio/websocket"
	"github.com/kachi-io/kachi/internal/assert"
)

// awaiter reads by Await: it hands on what comes, and the error at the end.
type awaiter struct {
	messages chan []byte
	err      chan error
}

func await(c *websocket.Conn) *awaiter {
	a := &awaiter{make(chan []byte, 10_000), make(chan error, 2)}
	c.Await(a)
	return a
}

func (a *awaiter) Resume(c *websocket.Conn) {
	for {
		_, data, err := c.Read()
		if err != nil {
			a.err <- err
			return
		}
		a.messages <- data
		if !c.HasMessage() {
			c.Await(a)
			return
		}
	}
}

func awaited(t *testing.T) (*websocket.Conn, *awaiter, *peer) {
	h := listen(t, nil, nil)
	p := h.dial(t)
	c := assert.Receive(t, h.conns)
	return c, await(c), p
}

func TestAwaitedMessages(t *testing.T) {
	_, a, p := awaited(t)
	for _, size := range []int{0, 1, 125, 126, 8000, 8192, 8193, 70_000, 300_000} {
		want := bytes.Repeat([]byte{'x'}, size)
		p.write(frame(end|blob, string(want)))
		assert.True(t, bytes.Equal(assert.Receive(t, a.messages), want), size)
	}
	// What fills the reading buffer to its last byte leaves more in the kernel, of which
	// nobody tells a second time.
	var burst []byte
	for range 500 {
		burst = append(burst, frame(end|text, "0123456789")...)
	}
	burst = append(burst, frame(end|blob, string(make([]byte, 8192-8)))...)
	p.write(burst)
	for range 500 {
		assert.Equal(t, string(assert.Receive(t, a.messages)), "0123456789")
	}
	assert.Equal(t, len(assert.Receive(t, a.messages)), 8192-8)
	// A frame in two halves, a control frame alone.
	f := frame(end|text, "halves")
	p.write(f[:7])
	time.Sleep(time.Millisecond)
	p.write(f[7:])
	assert.Equal(t, string(assert.Receive(t, a.messages)), "halves")
	p.write(frame(end|ping, "are you there"))
	p.expect(end|pong, "are you there")
	p.write(frame(end|text, "after a ping"))
	assert.Equal(t, string(assert.Receive(t, a.messages)), "after a ping")
}

// Many connections at once, whose clients send in pieces of any size, at any pace.
func TestAwaitedCrowd(t *testing.T) {
	h := listen(t, nil, nil)
	var all sync.WaitGroup
	for i := range 50 {
		p := h.dial(t)
		a := await(assert.Receive(t, h.conns))
		r := rand.New(rand.NewPCG(uint64(i), 1))
		var stream []byte
		var want [][]byte
		for range 100 {
			data := make([]byte, r.IntN(1+[]int{10, 300, 10_000}[r.IntN(3)]))
			for i := range data {
				data[i] = byte(r.Uint32())
			}
			want = append(want, data)
			stream = append(stream, frame(end|blob, string(data))...)
		}
		all.Go(func() {
			for len(stream) > 0 {
				n := min(len(stream), 1+r.IntN([]int{3, 100, 50_000}[r.IntN(3)]))
				if _, err := p.Write(stream[:n]); err != nil {
					t.Error(err)
					return
				}
				stream = stream[n:]
				if r.IntN(8) == 0 {
					time.Sleep(time.Duration(r.IntN(300)) * time.Microsecond)
				}
			}
			_ = p.Conn.(*net.TCPConn).CloseWrite()
		})
		all.Go(func() {
			for i, data := range want {
				if got := <-a.messages; !bytes.Equal(got, data) {
					t.Errorf("message %d: %d bytes instead of %d", i, len(got), len(data))
				}
			}
			if err := <-a.err; err != io.EOF {
				t.Errorf("the end is %v", err)
			}
		})
	}
	all.Wait()
}

func TestAwaitedEnds(t *testing.T) {
	message := frame(end|text, "last")
	for name, row := range map[string]struct {
		end  func(*websocket.Conn, *peer)
		last bool // a message before the end
		err  error
	}{
		"the peer hangs up":                  {func(_ *websocket.Conn, p *peer) { _ = p.Close() }, false, io.EOF},
		"the peer hangs up after a message":  {func(_ *websocket.Conn, p *peer) { p.write(message); _ = p.Close() }, true, io.EOF},
		"the peer hangs up within a message": {func(_ *websocket.Conn, p *peer) { p.write(message[:8]); _ = p.Close() }, false, io.ErrUnexpectedEOF},
		"a close frame after a message": {func(_ *websocket.Conn, p *peer) {
			p.write(append(message[:len(message):len(message)], frame(end|closes, closing(1000, ""))...))
		}, true, &websocket.CloseError{Code: websocket.StatusNormalClosure}},
		"CloseNow": {func(c *websocket.Conn, _ *peer) { _ = c.CloseNow() }, false, websocket.ErrClosed},
		"Close": {func(c *websocket.Conn, p *peer) {
			_ = c.Close(websocket.StatusNormalClosure, "")
			p.expect(end|closes, closing(1000, ""))
			p.write(frame(end|closes, closing(1000, "")))
		}, false, &websocket.CloseError{Code: websocket.StatusNormalClosure}},
	} {
		t.Run(name, func(t *testing.T) {
			for range 20 {
				c, a, p := awaited(t)
				row.end(c, p)
				if row.last {
					assert.Equal(t, string(assert.Receive(t, a.messages)), "last")
				}
				assert.Equal(t, assert.Receive(t, a.err).Error(), row.err.Error())
				_, _, err := c.Read()
				assert.Equal(t, err.Error(), row.err.Error(), "and again")
			}
		})
	}
}

// A reset may be told as an error or, if the kernel has not seen it yet, as an end.
func TestAwaitedReset(t *testing.T) {
	for range 20 {
		_, a, p := awaited(t)
		_ = p.Conn.(*net.TCPConn).SetLinger(0)
		_ = p.Close()
		assert.True(t, assert.Receive(t, a.err) != nil)
	}
}

func TestAwaitWithoutAnAnswerToClose(t *testing.T) {
	h := listen(t, &websocket.Options{CloseTimeout: 10 * time.Millisecond}, nil)
	h.dial(t)
	c := assert.Receive(t, h.conns)
	a := await(c)
	assert.NoError(t, c.Close(websocket.StatusNormalClosure, ""))
	assert.ErrorIs(t, assert.Receive(t, a.err), websocket.ErrCloseTimeout)
}

// A connection that ends while it is given to the watcher is not forgotten.
func TestAwaitMeetsTheEnd(t *testing.T) {
	h := listen(t, nil, nil)
	for range 200 {
		h.dial(t)
		c := assert.Receive(t, h.conns)
		go c.CloseNow()
		assert.ErrorIs(t, assert.Receive(t, await(c).err), websocket.ErrClosed)
	}
}

// Idle connections hold no goroutine.
func TestAwaitHoldsNoGoroutine(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("elsewhere a goroutine waits for each")
	}
	h := listen(t, nil, nil)
	const n = 200
	first := h.dial(t)
	a := []*awaiter{await(assert.Receive(t, h.conns))}
	before := runtime.NumGoroutine()
	peers := []*peer{first}
	for range n - 1 {
		peers = append(peers, h.dial(t))
		a = append(a, await(assert.Receive(t, h.conns)))
	}
	for round := range 3 {
		for i, p := range peers {
			p.write(frame(end|text, "x"))
			assert.Equal(t, string(assert.Receive(t, a[i].messages)), "x")
		}
		assert.Eventually(t, func() bool { return runtime.NumGoroutine() < before+n/10 }, "round", round)
	}
}

// Where the watcher fails, goroutines take over.
func TestWatcherFails(t *testing.T) {
	c, a, p := awaited(t)
	p.write(frame(end|text, "before"))
	assert.Equal(t, string(assert.Receive(t, a.messages)), "before")
	defer websocket.BreakWatcher()()
	for range 3 {
		p.write(frame(end|text, "after"))
		assert.Equal(t, string(assert.Receive(t, a.messages)), "after")
	}
	_, other, q := awaited(t)
	q.write(frame(end|text, "new"))
	assert.Equal(t, string(assert.Receive(t, other.messages)), "new")
	_ = c.CloseNow()
	assert.ErrorIs(t, assert.Receive(t, a.err), websocket.ErrClosed)
}

// listener also notes what is no message.
type listener struct {
	awaiter
	heard chan struct{}
}

func (l *listener) Heard() { l.heard <- struct{}{} }

func (l *listener) Resume(c *websocket.Conn) {
	for {
		t, data, err := c.Read()
		switch {
		case err != nil:
			l.err <- err
			return
		case t != 0:
			l.messages <- data
		}
		if !c.HasMessage() {
			c.Await(l)
			return
		}
	}
}

func TestListenerHearsWhatIsNoMessage(t *testing.T) {
	h := listen(t, &websocket.Options{Deflate: &websocket.Deflate{Threshold: 1}}, nil)
	p := h.dial(t)
	c := assert.Receive(t, h.conns)
	l := &listener{awaiter{make(chan []byte, 10), make(chan error, 1)}, make(chan struct{}, 10)}
	c.Await(l)
	assert.NoError(t, c.SendFirst(websocket.NewPing([]byte("there?"))))
	p.expect(end|ping, "there?")
	p.write(frame(end|pong, "there?"))
	assert.Receive(t, l.heard)
	p.write(frame(text, "he"))
	assert.Receive(t, l.heard)
	p.write(frame(end|ping, ""))
	assert.Receive(t, l.heard)
	p.write(frame(end, "re"))
	assert.Equal(t, string(assert.Receive(t, l.messages)), "here")
	p.write(append(frame(end|pong, ""), frame(end|text, "both at once")...))
	assert.Receive(t, l.heard)
	assert.Equal(t, string(assert.Receive(t, l.messages)), "both at once")
	assert.Equal(t, len(l.heard), 0)
	p.write(frame(end|closes, ""))
	assert.Receive(t, l.err)
}
