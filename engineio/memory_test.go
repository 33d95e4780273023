package engineio

import (
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"testing"
	"unsafe"

	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/wstest"
)

// silent is a receiver without state.
type silent struct{}

func (silent) Message([]byte, bool) Work { return nil }
func (silent) Closed(Reason, error)      {}

// browserHeader is what a browser sends with a handshake, about 700 bytes.
func browserHeader() http.Header {
	h := wstest.Handshake()
	h.Set("User-Agent", "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36")
	h.Set("Accept-Language", "en-US,en;q=0.9,de;q=0.8")
	h.Set("Accept-Encoding", "gzip, deflate, br, zstd")
	h.Set("Cache-Control", "no-cache")
	h.Set("Pragma", "no-cache")
	h.Set("Cookie", "session=0123456789abcdef0123456789abcdef0123456789abcdef; theme=dark")
	return h
}

func TestSizeOfASession(t *testing.T) {
	t.Logf("Session %d, Handshake %d, polling %d bytes", unsafe.Sizeof(Session{}), unsafe.Sizeof(Handshake{}), unsafe.Sizeof(polling{}))
	assert.True(t, unsafe.Sizeof(Session{}) <= 224, "a session that grows costs every user: %d", unsafe.Sizeof(Session{}))

	const n = 1000
	t.Run("polling", func(t *testing.T) {
		s := NewServer(func(*Session) Receiver { return silent{} }, nil)
		defer s.Shutdown(t.Context())
		open := func() {
			r := httptest.NewRequest("GET", "/engine.io/?EIO=4&transport=polling", nil)
			r.Header = browserHeader()
			r.Header.Del("Upgrade")
			s.ServeHTTP(httptest.NewRecorder(), r)
		}
		open()
		before := liveHeap()
		for range n {
			open()
		}
		per := (liveHeap() - before) / n
		t.Logf("%d bytes of heap per polling session without a request in hand", per)
		assert.True(t, per < 2000, "%d bytes per session", per)
	})
	t.Run("websocket", func(t *testing.T) {
		s := NewServer(func(*Session) Receiver { return silent{} }, nil)
		h := httptest.NewServer(s)
		defer h.Close()
		defer s.Shutdown(t.Context())
		conns := make([]net.Conn, 0, n+1)
		open := func() {
			c, _, err := wstest.Try(h.URL+"/engine.io/?EIO=4&transport=websocket", browserHeader())
			assert.NoError(t, err)
			_, err = c.Read()
			assert.NoError(t, err)
			conns = append(conns, c.Conn) // the client's buffer is not ours
		}
		open()
		before, stack := liveHeap(), stacks()
		for range n {
			open()
		}
		per, perStack := (liveHeap()-before)/n, (stacks()-stack)/n
		t.Logf("%d bytes of heap and %d of stack per WebSocket session, both ends' sockets included", per, perStack)
		assert.True(t, per < 4000, "%d bytes of heap per session", per)
		assert.True(t, perStack < 5000, "%d bytes of stack per session", perStack)
		for _, c := range conns {
			_ = c.Close()
		}
	})
}

func stacks() int64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.StackInuse)
}
