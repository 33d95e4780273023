package socketio_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kachi-io/kachi/engineio"
	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/wstest"
	"github.com/kachi-io/kachi/socketio"
)

// sink is a client in memory, without a goroutine of its own: it hands over what the
// benchmark says, and forgets what it is sent. The server treats it as a connection that
// is wrapped, in TLS say: a goroutine writes what waits for it. No system call is made.
type sink struct {
	in     chan []byte
	unread []byte
	wrote  chan struct{} // nil: nobody waits for answers
	count  atomic.Int64  // bytes written
	closed sync.Once
}

func (c *sink) Read(p []byte) (int, error) {
	if len(c.unread) == 0 {
		c.unread = <-c.in
		if c.unread == nil {
			return 0, net.ErrClosed
		}
	}
	n := copy(p, c.unread)
	c.unread = c.unread[n:]
	return n, nil
}

func (c *sink) Write(p []byte) (int, error) {
	c.count.Add(int64(len(p)))
	if c.wrote != nil {
		select {
		case c.wrote <- struct{}{}:
		default:
		}
	}
	return len(p), nil
}

// await waits until so many bytes were written.
func (c *sink) await(count int64) {
	for c.count.Load() < count {
		<-c.wrote
	}
}

func (c *sink) Close() error {
	c.closed.Do(func() { close(c.in) })
	return nil
}

func (c *sink) LocalAddr() net.Addr              { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }
func (c *sink) RemoteAddr() net.Addr             { return c.LocalAddr() }
func (c *sink) SetDeadline(time.Time) error      { return nil }
func (c *sink) SetReadDeadline(time.Time) error  { return nil }
func (c *sink) SetWriteDeadline(time.Time) error { return nil }

// hijacked is the ResponseWriter of a handshake on a sink.
type hijacked struct {
	http.ResponseWriter
	c *sink
}

func (w hijacked) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return w.c, bufio.NewReadWriter(bufio.NewReaderSize(w.c, 16), bufio.NewWriterSize(w.c, 16)), nil
}

// connectSink opens a session on a sink.
func connectSink(srv *socketio.Server, c *sink) {
	r := httptest.NewRequest(http.MethodGet, "/socket.io/?EIO=4&transport=websocket", nil)
	r.Header = wstest.Handshake()
	srv.ServeHTTP(hijacked{httptest.NewRecorder(), c}, r)
}

func textFrames(texts ...string) []byte {
	var all []byte
	for _, text := range texts {
		all = wstest.AppendFrame(all, wstest.Text, []byte(text))
	}
	return all
}

func newBenchServer(b *testing.B) *socketio.Server {
	srv := socketio.NewServer(&socketio.Options{PingInterval: time.Hour})
	b.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		assert.NoError(b, srv.Shutdown(ctx))
	})
	return srv
}

// sinks connects n sinks to the namespace "/", all in the room "room".
func sinks(b *testing.B, srv *socketio.Server, n int) []*socketio.Socket {
	sockets := make(chan *socketio.Socket, n)
	srv.OnConnect(func(_ context.Context, s *socketio.Socket) error {
		s.Join("room")
		sockets <- s
		return nil
	})
	all := make([]*socketio.Socket, n)
	for i := range all {
		c := &sink{in: make(chan []byte, 1)}
		c.in <- textFrames("40")
		connectSink(srv, c)
		all[i] = <-sockets
	}
	return all
}

func written(sessions []*engineio.Session) {
	for _, s := range sessions {
		for n, _ := s.Buffered(); n > 0; n, _ = s.Buffered() {
			runtime.Gosched()
		}
	}
}

// BenchmarkBroadcast emits an event of 100 bytes to a room, and waits until it has been
// written for all members: encoding, selection, queues, frames and writes. The connections
// are in memory, so that the writes go nowhere, and each member's is made by a goroutine,
// as for TLS: that is its one allocation.
func BenchmarkBroadcast(b *testing.B) {
	payload := strings.Repeat("x", 100)
	for _, n := range []int{1, 100, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			srv := newBenchServer(b)
			var sessions []*engineio.Session
			for _, s := range sinks(b, srv, n) {
				sessions = append(sessions, s.Conn())
			}
			written(sessions)
			b.ReportAllocs()
			for b.Loop() {
				_ = srv.To("room").Emit("n", payload)
				written(sessions)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/member")
		})
	}
}

// BenchmarkJoinLeave has one socket join a room and leave it: one that it has to make, and
// one of 10,000.
func BenchmarkJoinLeave(b *testing.B) {
	srv := newBenchServer(b)
	s := sinks(b, srv, 10_000)[0]
	s.Leave("room")
	for _, room := range []string{"empty", "room"} {
		b.Run(room, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				s.Join(room)
				s.Leave(room)
			}
		})
	}
}

// BenchmarkDispatch has one client ask for acknowledgements, one at a time or 50 in what
// comes at once: frame, packet, mailbox, handler, acknowledgement, frame, and the
// goroutines on the way. The connection is in memory.
func BenchmarkDispatch(b *testing.B) {
	for _, batch := range []int{1, 50} {
		b.Run(fmt.Sprint(batch), func(b *testing.B) {
			srv := newBenchServer(b)
			srv.On("echo", func(_ context.Context, e *socketio.Event) error {
				var text string
				if err := e.Decode(&text); err != nil {
					return err
				}
				return e.Ack(text)
			})
			c := &sink{in: make(chan []byte, 1), wrote: make(chan struct{}, 1)}
			connectSink(srv, c)
			payload := strings.Repeat("x", 100)
			ask := bytes.Repeat(textFrames(`421["echo","`+payload+`"]`), batch)
			answers := int64(batch * len(appendText(nil, `431["`+payload+`"]`)))
			greeting := int64(len(appendText(nil, `40{"sid":"01234567890123456789"}`)))
			<-c.wrote // OPEN
			due := c.count.Load() + greeting
			c.in <- textFrames("40")
			c.await(due)
			b.ReportAllocs()
			for b.Loop() {
				c.in <- ask
				due += answers
				c.await(due)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*batch), "ns/event")
		})
	}
}

// BenchmarkConnect admits clients to a namespace that has a middleware: a new one each
// time, from the handshake to its end, or the same one, which leaves and comes back. The
// connections are in memory; the first contains making the request, which net/http would
// read from the network.
func BenchmarkConnect(b *testing.B) {
	admitting := func(b *testing.B) (srv *socketio.Server, admitted, ended chan struct{}) {
		srv = newBenchServer(b)
		admitted, ended = make(chan struct{}), make(chan struct{})
		srv.Use(func(_ context.Context, s *socketio.Socket) error {
			if len(s.Auth()) == 0 {
				return errors.New("who are you?")
			}
			return nil
		})
		srv.OnConnect(func(context.Context, *socketio.Socket) error { admitted <- struct{}{}; return nil })
		srv.OnDisconnect(func(context.Context, *socketio.Socket, socketio.Reason) error { ended <- struct{}{}; return nil })
		return srv, admitted, ended
	}
	hello, goodbye := textFrames(`40{"token":"0123456789abcdef"}`), textFrames("41")
	b.Run("connection", func(b *testing.B) {
		srv, admitted, ended := admitting(b)
		b.ReportAllocs()
		for b.Loop() {
			c := &sink{in: make(chan []byte, 1)}
			c.in <- hello
			connectSink(srv, c)
			<-admitted
			_ = c.Close()
			<-ended
		}
	})
	b.Run("namespace", func(b *testing.B) {
		srv, admitted, ended := admitting(b)
		c := &sink{in: make(chan []byte, 1)}
		connectSink(srv, c)
		b.ReportAllocs()
		for b.Loop() {
			c.in <- hello
			<-admitted
			c.in <- goodbye
			<-ended
		}
	})
}
