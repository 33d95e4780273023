//go:build unix

package websocket_test

import (
	"fmt"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/kachi-io/kachi/engineio/websocket"
	"github.com/kachi-io/kachi/internal/assert"
)

// BenchmarkBroadcast queues frames of 130 bytes for all connections and waits until
// they are written. Only that is timed: the peers are sockets that are emptied between
// the rounds, so that the figure is the server's.
func BenchmarkBroadcast(b *testing.B) {
	for _, n := range []int{100, 1000} {
		for _, burst := range []int{1, 20} {
			b.Run(fmt.Sprintf("%d connections/%d at once", n, burst), func(b *testing.B) {
				h := listen(b, nil, drainReads)
				conns, peers := make([]*websocket.Conn, n), make([]*os.File, n)
				for i := range conns {
					p := h.dial(b)
					conns[i] = assert.Receive(b, h.conns)
					file, err := p.Conn.(*net.TCPConn).File()
					assert.NoError(b, err)
					_ = p.Close()
					peers[i] = file
				}
				f := websocket.NewFrame(websocket.Text, make([]byte, 130))
				buf := make([]byte, 64<<10)
				var queueing, elapsed time.Duration
				b.ReportAllocs()
				for b.Loop() {
					began := time.Now()
					for range burst {
						for _, c := range conns {
							_ = c.Queue(f)
						}
					}
					queueing += time.Since(began)
					flushed(conns)
					elapsed += time.Since(began)
					for _, p := range peers {
						for got := 0; got < burst*f.Len(); {
							m, err := syscall.Read(int(p.Fd()), buf)
							assert.NoError(b, err)
							got += m
						}
					}
				}
				b.ReportMetric(0, "ns/op")
				b.ReportMetric(float64(queueing.Nanoseconds())/float64(b.N*n*burst), "ns/queued")
				b.ReportMetric(float64(elapsed.Nanoseconds())/float64(b.N*n*burst), "ns/written")
				b.ReportMetric(float64(b.N*n*burst)/elapsed.Seconds(), "msg/s")
				for i, c := range conns {
					_ = c.CloseNow()
					_ = peers[i].Close()
				}
			})
		}
	}
}
