package websocket_test

import (
	"io"
	"net"
	"runtime"
	"runtime/debug"
	"testing"

	"github.com/kachi-io/kachi/engineio/websocket"
	"github.com/kachi-io/kachi/internal/assert"
)

// discarding connects n peers that read and forget, and returns the server's sides.
func discarding(t testing.TB, n int, o *websocket.Options) []*websocket.Conn {
	t.Helper()
	h := listen(t, o, drainReads)
	conns := make([]*websocket.Conn, n)
	for i := range conns {
		p := h.dial(t)
		_ = p.SetDeadline(noDeadline)
		conns[i] = assert.Receive(t, h.conns)
		nc := p.Conn
		go func() { _, _ = io.Copy(onlyWriter{}, nc) }()
	}
	t.Cleanup(func() {
		for _, c := range conns {
			_ = c.CloseNow()
		}
	})
	return conns
}

// onlyWriter is io.Discard with a buffer of its own for each copy.
type onlyWriter struct{}

func (onlyWriter) Write(p []byte) (int, error) { return len(p), nil }

func flushed(conns []*websocket.Conn) {
	for _, c := range conns {
		for {
			if n, _ := c.Buffered(); n == 0 {
				break
			}
			runtime.Gosched()
		}
	}
}

func TestSharedFramesAllocateNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("sync.Pool drops items at random under the race detector")
	}
	conns := discarding(t, 20, nil)
	f := websocket.NewFrame(websocket.Text, make([]byte, 130))
	debug.SetGCPercent(-1) // a collection empties the pools
	defer debug.SetGCPercent(100)
	tests := map[string]func(){
		"Send to idle connections": func() {
			for _, c := range conns {
				_ = c.Send(f)
			}
		},
		"Queue": func() {
			for _, c := range conns {
				_ = c.Queue(f)
			}
			flushed(conns)
		},
		"Queue in bursts": func() {
			for range 40 {
				for _, c := range conns {
					_ = c.Queue(f)
				}
			}
			flushed(conns)
		},
		"SendFirst": func() {
			for _, c := range conns {
				_ = c.SendFirst(f)
			}
			flushed(conns)
		},
	}
	for name, send := range tests {
		t.Run(name, func(t *testing.T) {
			send()
			if n := testing.AllocsPerRun(50, send) / float64(len(conns)); n >= 0.5 {
				t.Errorf("%.2f allocations for each recipient", n)
			}
		})
	}
}

func TestReadAllocatesTheMessageAlone(t *testing.T) {
	if raceEnabled {
		t.Skip("sync.Pool drops items at random under the race detector")
	}
	ours, theirs := net.Pipe()
	c := websocket.NewConn(ours, nil, nil, false)
	defer c.CloseNow()
	go func() {
		one := frame(end|text, "forty bytes of payload in this message..")
		for {
			if _, err := theirs.Write(one); err != nil {
				return
			}
		}
	}()
	n := testing.AllocsPerRun(1000, func() { _, _, _ = c.Read() })
	assert.True(t, n <= 1, "%v allocations", n)
}

// Connections leave nothing behind.
func TestThousandsComeAndGo(t *testing.T) {
	const n = 2000
	h := listen(t, nil, drainReads)
	cycle := func() {
		peers := make([]*peer, 0, n)
		conns := make([]*websocket.Conn, 0, n)
		for range n {
			p := h.dial(t)
			peers = append(peers, p)
			conns = append(conns, assert.Receive(t, h.conns))
		}
		f := websocket.NewFrame(websocket.Text, []byte("hello"))
		for _, c := range conns {
			assert.NoError(t, c.Queue(f))
		}
		for i, p := range peers {
			p.expect(end|text, "hello")
			if i%2 == 0 {
				p.write(frame(end|closes, ""))
			}
			_ = p.Close()
		}
		for range n {
			assert.Receive(t, h.ended)
		}
	}
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapInuse
	}
	cycle() // the pools, the test's own clean-up list
	goroutines, before := runtime.NumGoroutine(), heap()
	cycle()
	assert.Eventually(t, func() bool { return runtime.NumGoroutine() <= goroutines+5 })
	after := heap()
	// The test keeps its own peers until its end: their fixed part is under 8 KiB.
	assert.True(t, after < before+n*8<<10, "heap grew from %d to %d", before, after)
}
