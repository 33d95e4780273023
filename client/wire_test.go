package client_test

import (
	"net"
	"sync"
	"testing"

	"github.com/kachi-io/kachi/client"
	"github.com/kachi-io/kachi/internal/assert"
)

// wire is a TCP proxy in front of a server, that tests can cut, or hold so that nothing
// passes although everything looks open.
type wire struct {
	l    net.Listener
	to   string
	work sync.WaitGroup

	mu      sync.Mutex
	passing *sync.Cond
	held    bool
	closed  bool
	conns   map[net.Conn]struct{}
	passed  int // times that something was let through
}

func newWire(t testing.TB, to string) *wire {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	assert.NoError(t, err)
	w := &wire{l: l, to: to, conns: map[net.Conn]struct{}{}}
	w.passing = sync.NewCond(&w.mu)
	w.work.Add(1)
	go w.accept()
	t.Cleanup(func() {
		l.Close()
		w.mu.Lock()
		w.closed, w.held = true, false
		w.passing.Broadcast()
		w.mu.Unlock()
		w.cut()
		w.work.Wait()
	})
	return w
}

func (w *wire) url() string { return "http://" + w.l.Addr().String() }

func (w *wire) accept() {
	defer w.work.Done()
	for {
		from, err := w.l.Accept()
		if err != nil {
			return
		}
		to, err := net.Dial("tcp", w.to)
		if err != nil {
			from.Close()
			continue
		}
		w.mu.Lock()
		if w.closed {
			w.mu.Unlock()
			from.Close()
			to.Close()
			continue
		}
		w.conns[from], w.conns[to] = struct{}{}, struct{}{}
		w.mu.Unlock()
		w.work.Add(2)
		go w.copy(from, to)
		go w.copy(to, from)
	}
}

func (w *wire) copy(from, to net.Conn) {
	defer w.work.Done()
	defer from.Close()
	defer to.Close()
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		w.mu.Lock()
		for w.held {
			w.passing.Wait()
		}
		w.passed++
		w.mu.Unlock()
		if n > 0 {
			if _, err := to.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// cut ends all connections at once.
func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for c := range w.conns {
		if tcp, ok := c.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
		c.Close()
	}
	clear(w.conns)
}

// sever cuts until the socket has noticed: a connection that is only just being opened
// escapes a cut.
func (w *wire) sever(t testing.TB, of *turns) client.Reason {
	t.Helper()
	var reason client.Reason
	assert.Eventually(t, func() bool {
		w.cut()
		select {
		case reason = <-of.disconnected:
			return true
		default:
			return false
		}
	}, "the socket is disconnected")
	return reason
}

// next waits until something more has passed.
func (w *wire) next(t testing.TB) {
	t.Helper()
	passed := func() int {
		w.mu.Lock()
		defer w.mu.Unlock()
		return w.passed
	}
	before := passed()
	assert.Eventually(t, func() bool { return passed() > before })
}

// hold lets nothing pass until release.
func (w *wire) hold() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.held = true
}

func (w *wire) release() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.held = false
	w.passing.Broadcast()
}
