package websocket_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"testing"
	"time"

	coder "github.com/coder/websocket"

	"github.com/kachi-io/kachi/engineio/websocket"
	"github.com/kachi-io/kachi/internal/assert"
)

var noDeadline time.Time

func BenchmarkSendIdle(b *testing.B) {
	for _, size := range []int{40, 130, 1024, 16 << 10} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			c := discarding(b, 1, nil)[0]
			f := websocket.NewFrame(websocket.Text, make([]byte, size))
			b.ReportAllocs()
			for b.Loop() {
				for c.Send(f) != nil {
					runtime.Gosched()
				}
			}
		})
	}
}

// hidden makes a plain connection look like one that middleware has wrapped.
type hidden struct{ net.Conn }

func tcpPair(t testing.TB) (ours, theirs net.Conn) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	assert.NoError(t, err)
	defer listener.Close()
	theirs, err = net.Dial("tcp", listener.Addr().String())
	assert.NoError(t, err)
	ours, err = listener.Accept()
	assert.NoError(t, err)
	t.Cleanup(func() {
		_ = ours.Close()
		_ = theirs.Close()
	})
	return ours, theirs
}

// Messages of 40 bytes that come one at a time, or many in one segment, by the socket
// itself and through net.Conn.
func BenchmarkReadSmall(b *testing.B) {
	for _, through := range []string{"socket", "net.Conn"} {
		for _, batch := range []int{1, 50} {
			b.Run(fmt.Sprintf("%s/%d at once", through, batch), func(b *testing.B) {
				ours, theirs := tcpPair(b)
				if through == "net.Conn" {
					ours = hidden{ours}
				}
				c := websocket.NewConn(ours, nil, nil, false)
				var all []byte
				for range batch {
					all = append(all, frame(end|text, "forty bytes of payload in this message..")...)
				}
				b.ReportAllocs()
				for b.Loop() {
					if _, err := theirs.Write(all); err != nil {
						b.Fatal(err)
					}
					for range batch {
						if _, _, err := c.Read(); err != nil {
							b.Fatal(err)
						}
					}
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*batch), "ns/msg")
			})
		}
	}
}

// One message there and back, with coder/websocket's server for comparison.
func BenchmarkEcho(b *testing.B) {
	servers := map[string]func(*testing.B) string{
		"kachi": func(b *testing.B) string { return listen(b, nil, echo).Listener.Addr().String() },
		"coder": func(b *testing.B) string {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				c, err := coder.Accept(w, r, &coder.AcceptOptions{InsecureSkipVerify: true})
				if err != nil {
					return
				}
				for {
					t, data, err := c.Read(context.Background())
					if err != nil {
						return
					}
					if err := c.Write(context.Background(), t, data); err != nil {
						return
					}
				}
			}))
			b.Cleanup(server.Close)
			return server.Listener.Addr().String()
		},
	}
	for _, name := range []string{"kachi", "coder"} {
		b.Run(name, func(b *testing.B) {
			p := connect(b, servers[name](b))
			p.handshake()
			_ = p.SetDeadline(noDeadline)
			one := frame(end|text, "forty bytes of payload in this message..")
			answer := make([]byte, 42)
			b.ReportAllocs()
			for b.Loop() {
				p.write(one)
				if _, err := io.ReadFull(p.in, answer); err != nil {
					b.Fatal(err)
				}
			}
			_ = p.Close()
		})
	}
}

// BenchmarkIdle reports what an idle connection costs on the server's side: what is
// given back when the server's side of all connections is dropped, and their stacks.
func BenchmarkIdle(b *testing.B) {
	b.Run("TCP", func(b *testing.B) {
		h := listen(b, nil, drainReads)
		benchmarkIdle(b, h, 4000, func() (net.Conn, error) { return net.Dial("tcp", h.Listener.Addr().String()) })
	})
	b.Run("TLS", func(b *testing.B) {
		h := newHost(b, nil, drainReads)
		h.StartTLS()
		benchmarkIdle(b, h, 1000, func() (net.Conn, error) {
			return tls.Dial("tcp", h.Listener.Addr().String(), &tls.Config{InsecureSkipVerify: true})
		})
	})
}

func benchmarkIdle(b *testing.B, h *host, n int, dial func() (net.Conn, error)) {
	inUse := func() (heap, stack uint64) {
		var m runtime.MemStats
		time.Sleep(200 * time.Millisecond) // for the HTTP server's goroutines to end
		runtime.GC()
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc, m.StackInuse
	}
	for b.Loop() {
		clients := make([]net.Conn, n)
		_, stack0 := inUse()
		for i := range clients {
			nc, err := dial()
			assert.NoError(b, err)
			clients[i] = nc
			_, err = io.WriteString(nc, handshake+"\r\n")
			assert.NoError(b, err)
			in := bufio.NewReaderSize(nc, 256)
			for line := "."; line != "\r\n"; {
				line, err = in.ReadString('\n')
				assert.NoError(b, err)
			}
			_, err = nc.Write(frame(end|text, "one message, so that everything has run once"))
			assert.NoError(b, err)
		}
		heap1, stack1 := inUse()
		for range n {
			_ = assert.Receive(b, h.conns).CloseNow()
		}
		for range n {
			assert.Receive(b, h.ended)
		}
		heap2, _ := inUse()
		b.ReportMetric(0, "ns/op")
		b.ReportMetric(float64(heap1-heap2)/float64(n), "heapB/conn")
		b.ReportMetric(float64(stack1-stack0)/float64(n), "stackB/conn")
		for _, nc := range clients {
			_ = nc.Close()
		}
	}
}
