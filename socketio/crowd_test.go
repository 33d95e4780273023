package socketio_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http/httptest"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/wstest"
	"github.com/kachi-io/kachi/socketio"
)

// crowdPatience bounds how long a crowd may take to receive something, in a broken test.
const crowdPatience = time.Minute

// member is one of many clients over loopback: a socket whose CONNECT is answered. Its
// frames are read as bytes.
type member struct {
	net.Conn
	id string
}

// enter connects over WebSocket and to the namespace "/".
func enter(t testing.TB, url string, nc net.Conn) member {
	t.Helper()
	c, response, err := wstest.On(nc, url+"/socket.io/?EIO=4&transport=websocket", nil)
	assert.NoError(t, err)
	if c == nil {
		t.Fatalf("refused: %s", response.Status)
	}
	assert.True(t, strings.HasPrefix(c.Next(t), "0{"))
	assert.NoError(t, c.SendText("40"))
	id, ok := strings.CutPrefix(c.Next(t), `40{"sid":"`)
	assert.True(t, ok)
	_ = nc.SetDeadline(time.Now().Add(crowdPatience))
	return member{nc, strings.TrimSuffix(id, `"}`)}
}

func dialTCP(t testing.TB, url string) *net.TCPConn {
	t.Helper()
	nc, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	assert.NoError(t, err)
	return nc.(*net.TCPConn)
}

// crowd is many members.
type crowd []member

// gather lets n clients connect, and join the rooms. Nothing is on the way to any of them
// when it returns.
func gather(t testing.TB, srv *socketio.Server, url string, n int, rooms ...string) crowd {
	t.Helper()
	all := make(crowd, n)
	for i := range all {
		all[i] = enter(t, url, dialTCP(t, url))
		s, ok := srv.Socket(all[i].id)
		assert.True(t, ok)
		s.Join(rooms...)
	}
	return all
}

// disperse resets the connections, and waits until the server has noticed.
func (all crowd) disperse(t testing.TB, srv *socketio.Server) {
	t.Helper()
	left := srv.Connections() - len(all)
	for _, m := range all {
		m.reset()
	}
	assert.Eventually(t, func() bool { return srv.Connections() <= left })
}

func (m member) reset() {
	_ = m.Conn.(*net.TCPConn).SetLinger(0)
	_ = m.Close()
}

// expect reads from every member what each is due, with a few goroutines, and reports
// the first that got something else.
func (all crowd) expect(t testing.TB, due []byte) {
	t.Helper()
	const readers = 4
	failed := make(chan error, readers)
	for r := range readers {
		go func() {
			buf := make([]byte, len(due))
			for i := r; i < len(all); i += readers {
				if err := all[i].expect(due, buf); err != nil {
					failed <- fmt.Errorf("member %d: %w", i, err)
					return
				}
			}
			failed <- nil
		}()
	}
	for range readers {
		if err := <-failed; err != nil {
			t.Fatal(err)
		}
	}
}

// expect reads what is due into buf, which has its length.
func (m member) expect(due, buf []byte) error {
	if n, err := io.ReadFull(m, buf); err != nil {
		return fmt.Errorf("%d of %d bytes came: %w", n, len(due), err)
	}
	if bytes.Equal(buf, due) {
		return nil
	}
	at := 0
	for buf[at] == due[at] {
		at++
	}
	return fmt.Errorf("want …%.40q, got …%.40q", due[at:], buf[at:])
}

// appendText appends a text frame as a server sends it.
func appendText(dst []byte, text string) []byte {
	switch n := len(text); {
	case n <= 125:
		dst = append(dst, 0x81, byte(n))
	case n <= 0xffff:
		dst = append(dst, 0x81, 126, byte(n>>8), byte(n))
	default:
		panic("longer than tests need")
	}
	return append(dst, text...)
}

// startWith is [start] for a test that has something to say about the connections of
// the operating system before the server gets them.
func startWith(t testing.TB, o *socketio.Options, each func(*net.TCPConn)) (*socketio.Server, string) {
	t.Helper()
	srv := socketio.NewServer(o)
	host := httptest.NewUnstartedServer(srv)
	host.Config.ConnContext = func(ctx context.Context, nc net.Conn) context.Context {
		each(nc.(*net.TCPConn))
		return ctx
	}
	host.Start()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		assert.NoError(t, srv.Shutdown(ctx))
		host.Close()
	})
	return srv, host.URL
}

// footprint is what this process holds.
type footprint struct {
	heap                    int64
	goroutines, descriptors int
}

func takeFootprint() footprint {
	return footprint{liveHeap(), runtime.NumGoroutine(), descriptors()}
}

// expectBack waits until the process holds no more than it did, but for slack bytes.
func (before footprint) expectBack(t testing.TB, slack int64) {
	t.Helper()
	var now footprint
	deadline := time.Now().Add(crowdPatience)
	for time.Now().Before(deadline) {
		now = takeFootprint()
		if now.heap <= before.heap+slack && now.goroutines <= before.goroutines && now.descriptors <= before.descriptors {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Errorf("%d bytes, %d goroutines and %d descriptors are left; at first there were %d, %d and %d",
		now.heap, now.goroutines, now.descriptors, before.heap, before.goroutines, before.descriptors)
}

// liveHeap is what a collection leaves.
func liveHeap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC() // what the pools held
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// descriptors is 0 where nobody tells.
func descriptors() int {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0
	}
	return len(entries)
}
