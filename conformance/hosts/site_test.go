package hosts

import (
	"context"
	"encoding/pem"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kachi-io/kachi/engineio"
	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/socketio"
)

// site is a server in some place, and what a test sees of its inside.
type site struct {
	srv  *socketio.Server
	host *httptest.Server
	url  string
	log  lockedBuffer

	mu       sync.Mutex
	refused  []engineio.Refusal
	arrivals map[string]map[string]bool // remote addresses by protocol
}

// place is what stands around a server.
type place struct {
	options   socketio.Options
	tls       bool // with HTTP/2
	configure func(*httptest.Server)
	wrap      func(http.Handler) http.Handler
	files     http.Handler // beside the server
}

// open starts a server that echoes. It is closed at the end of the test.
func open(t testing.TB, p place) *site {
	t.Helper()
	s := &site{arrivals: map[string]map[string]bool{}}
	o := p.options
	o.Logger = slog.New(slog.NewTextHandler(&s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	o.Hooks.Engine.Refused = func(r engineio.Refusal) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.refused = append(s.refused, r)
	}
	s.srv = socketio.NewServer(&o)
	s.srv.On("echo", func(_ context.Context, e *socketio.Event) error {
		var value any
		if err := e.Decode(&value); err != nil {
			return err
		}
		return e.Ack(value)
	})
	s.srv.On("make", func(_ context.Context, e *socketio.Event) error {
		var n, size int
		if err := e.Decode(&n, &size); err != nil {
			return err
		}
		for i := range n {
			if err := e.Socket().Emit("made", i, strings.Repeat("x", size)); err != nil {
				return err
			}
		}
		return e.Ack()
	})

	mux := http.NewServeMux()
	mux.Handle("/socket.io/", s.observed(s.srv))
	if p.files != nil {
		mux.Handle("/", p.files)
	}
	var handler http.Handler = mux
	if p.wrap != nil {
		handler = p.wrap(mux)
	}
	s.host = httptest.NewUnstartedServer(handler)
	s.host.Config.ErrorLog = log.New(&s.log, "net/http: ", 0)
	s.host.EnableHTTP2 = p.tls
	if p.configure != nil {
		p.configure(s.host)
	}
	if p.tls {
		s.host.StartTLS()
	} else {
		s.host.Start()
	}
	s.url = s.host.URL
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		assert.NoError(t, s.srv.Shutdown(ctx))
		s.host.Close()
		if t.Failed() {
			t.Log("the server's log:\n" + s.log.tail())
		}
	})
	return s
}

// observed notes how requests come.
func (s *site) observed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		by := s.arrivals[r.Proto]
		if by == nil {
			by = map[string]bool{}
			s.arrivals[r.Proto] = by
		}
		by[r.RemoteAddr] = true
		s.mu.Unlock()
		next.ServeHTTP(w, r)
	})
}

// connections counts those by which requests of a protocol came.
func (s *site) connections(protocol string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.arrivals[protocol])
}

func (s *site) refusals() []engineio.Refusal {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]engineio.Refusal(nil), s.refused...)
}

// ca is what a client must trust.
func (s *site) ca() string {
	if s.host.TLS == nil {
		return ""
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.host.Certificate().Raw}))
}

// addr is where the server listens.
func (s *site) addr() string { return s.host.Listener.Addr().String() }

// onUnixSocket makes a server listen there.
func onUnixSocket(t testing.TB, path string) func(*httptest.Server) {
	return func(s *httptest.Server) {
		_ = s.Listener.Close()
		l, err := net.Listen("unix", path)
		assert.NoError(t, err)
		s.Listener = l
	}
}

type lockedBuffer struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// tail is the end of the log.
func (l *lockedBuffer) tail() string {
	text := l.String()
	return text[max(0, len(text)-1500):]
}
