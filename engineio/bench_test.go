package engineio

import (
	"io"
	"net"
	"net/http/httptest"
	"testing"

	"github.com/kachi-io/kachi/internal/wstest"
)

// benchServer has n WebSocket clients that read whatever comes.
func benchServer(b *testing.B, n int) []*Session {
	sessions := make(chan *Session, n)
	s := NewServer(func(s *Session) Receiver { sessions <- s; return silent{} }, nil)
	h := httptest.NewServer(s)
	b.Cleanup(func() { _ = s.Shutdown(b.Context()); h.Close() })
	all := make([]*Session, 0, n)
	for range n {
		c, _, err := wstest.Try(h.URL+"/?EIO=4&transport=websocket", nil)
		if err != nil {
			b.Fatal(err)
		}
		go func(c net.Conn) { _, _ = io.CopyBuffer(io.Discard, struct{ io.Reader }{c}, make([]byte, 64<<10)) }(c.Conn)
		all = append(all, <-sessions)
	}
	return all
}

var payload = make([]byte, 100)

func BenchmarkSend(b *testing.B) {
	s := benchServer(b, 1)[0]
	b.ReportAllocs()
	for b.Loop() {
		if s.Send(NewMessage(append(make([]byte, Room, Room+len(payload)), payload...))) != nil {
			b.Fatal("slow consumer")
		}
	}
}

// BenchmarkBroadcast queues one message for a hundred clients at a time.
func BenchmarkBroadcast(b *testing.B) {
	all := benchServer(b, 100)
	b.ReportAllocs()
	for b.Loop() {
		m := NewMessage(append(make([]byte, Room, Room+len(payload)), payload...))
		m.Volatile = true // the clients may be slower than the loop
		for _, s := range all {
			_ = s.Queue(m)
		}
	}
}

func BenchmarkPoll(b *testing.B) {
	var session *Session
	s := NewServer(func(s *Session) Receiver { session = s; return silent{} }, nil)
	defer s.Shutdown(b.Context())
	s.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/?EIO=4&transport=polling", nil))
	r := httptest.NewRequest("GET", "/?EIO=4&transport=polling&sid="+session.ID(), nil)
	m := TextMessage(string(payload))
	b.ReportAllocs()
	for b.Loop() {
		_ = session.Send(m)
		s.ServeHTTP(httptest.NewRecorder(), r)
	}
}
