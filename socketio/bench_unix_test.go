//go:build unix

package socketio_test

import (
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/kachi-io/kachi/engineio"
	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/socketio"
)

// BenchmarkBroadcastLoopback is BenchmarkBroadcast over plain TCP, where flushers write:
// with a write(2) for each member, which carries the bytes up to its socket. Those are
// emptied while the clock stands still, and are out of the runtime's poller, which would
// wake up for each.
func BenchmarkBroadcastLoopback(b *testing.B) {
	payload := strings.Repeat("x", 100)
	due := len(appendText(nil, `42["n","`+payload+`"]`))
	for _, n := range []int{1, 100, 1000} { // 10,000 need more descriptors than most allow
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			srv, url := start(b, &socketio.Options{PingInterval: time.Hour})
			sessions, peers := make([]*engineio.Session, n), make([]*os.File, n)
			for i, m := range gather(b, srv, url, n, "room") {
				s, _ := srv.Socket(m.id)
				sessions[i] = s.Conn()
				file, err := m.Conn.(*net.TCPConn).File()
				assert.NoError(b, err)
				_ = m.Close()
				peers[i] = file
			}
			buf := make([]byte, due)
			var elapsed time.Duration // stopping and starting b's timer for each costs more than it measures
			b.ReportAllocs()
			for b.Loop() {
				began := time.Now()
				_ = srv.To("room").Emit("n", payload)
				written(sessions)
				elapsed += time.Since(began)
				for _, p := range peers {
					for got := 0; got < due; {
						more, err := syscall.Read(int(p.Fd()), buf)
						assert.NoError(b, err)
						got += more
					}
				}
			}
			b.ReportMetric(float64(elapsed.Nanoseconds())/float64(b.N), "ns/op")
			b.ReportMetric(float64(elapsed.Nanoseconds())/float64(b.N*n), "ns/member")
			for _, p := range peers {
				_ = p.Close()
			}
		})
	}
}
