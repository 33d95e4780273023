package conformance_test

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kachi-io/kachi/engineio"
	"github.com/kachi-io/kachi/socketio"
)

// fixture describes a server that a script may ask for. Each check gets one of its own,
// so that checks run side by side without seeing each other.
type fixture struct {
	options socketio.Options
	tls     bool
	mounts  []string // patterns of the http.ServeMux; "/socket.io/"
	// beside mounts what a server has besides. It may be nil.
	beside func(mux *http.ServeMux, srv *socketio.Server)
	// handle registers what the server does; it runs again after a restart. It may be nil.
	handle func(s *stage, srv *socketio.Server)
}

// stage is a server that is being played on, and what a check sees of its inside.
type stage struct {
	fixture  fixture
	controls map[string]control
	log      *lockedBuffer

	mu   sync.Mutex
	addr string
	srv  *socketio.Server
	host *httptest.Server

	ends      ledger // reason of each socket's end, by id
	panics    atomic.Int32
	oversized atomic.Int64 // size of the message that was over the limit last
	served    atomic.Int32 // requests, for the checks that count them
	encodings sync.Map     // every Content-Encoding that was answered
	cookies   sync.Map     // every Cookie header that came
}

// control is something that a check can ask of its stage besides the protocol.
type control func(ctx context.Context, decode func(targets ...any) error) (any, error)

func newStage(f fixture) (*stage, error) {
	s := &stage{fixture: f, log: &lockedBuffer{}, addr: "127.0.0.1:0"}
	s.controls = map[string]control{
		"up":          func(context.Context, func(...any) error) (any, error) { return nil, s.up() },
		"down":        func(ctx context.Context, _ func(...any) error) (any, error) { return nil, s.down(ctx) },
		"connections": func(context.Context, func(...any) error) (any, error) { return s.server().Connections(), nil },
		"served":      func(context.Context, func(...any) error) (any, error) { return s.served.Load(), nil },
		"oversized":   func(context.Context, func(...any) error) (any, error) { return s.oversized.Load(), nil },
		"encodings":   func(context.Context, func(...any) error) (any, error) { return keys(&s.encodings), nil },
		"cookies":     func(context.Context, func(...any) error) (any, error) { return keys(&s.cookies), nil },
		// reason waits until the socket has ended.
		"reason": func(ctx context.Context, decode func(...any) error) (any, error) {
			var id string
			if err := decode(&id); err != nil {
				return nil, err
			}
			return s.ends.wait(ctx, id)
		},
	}
	return s, s.up()
}

// up starts the server; after down, on the port that it had.
func (s *stage) up() error {
	o := s.fixture.options
	o.Logger = slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	o.Hooks.Disconnected = func(socket *socketio.Socket, reason socketio.Reason, _ error) {
		s.ends.set(socket.ID(), string(reason))
	}
	o.Hooks.Failed = func(_ *socketio.Socket, _ string, err error) {
		var p *socketio.PanicError
		if errors.As(err, &p) && p.Value != "on purpose" {
			s.panics.Add(1)
		}
	}
	o.Hooks.Engine.Oversized = func(_ *engineio.Session, size, _ int64) { s.oversized.Store(size) }
	srv := socketio.NewServer(&o)
	s.basics(srv.Namespace)
	if s.fixture.handle != nil {
		s.fixture.handle(s, srv)
	}
	mounts := s.fixture.mounts
	if mounts == nil {
		mounts = []string{"/socket.io/"}
	}
	mux := http.NewServeMux()
	for _, m := range mounts {
		mux.Handle(m, srv)
	}
	if s.fixture.beside != nil {
		s.fixture.beside(mux, srv)
	}
	l, err := listen(s.addr)
	if err != nil {
		return err
	}
	host := httptest.NewUnstartedServer(s.observed(mux))
	host.Listener.Close()
	host.Listener = l
	host.Config.ErrorLog = log.New(s.log, "", 0)
	if s.fixture.tls {
		host.StartTLS()
	} else {
		host.Start()
	}
	s.mu.Lock()
	s.srv, s.host, s.addr = srv, host, l.Addr().String()
	s.mu.Unlock()
	return nil
}

// listen waits a little for an address that was in use a moment ago.
func listen(addr string) (l net.Listener, err error) {
	for range 100 {
		if l, err = net.Listen("tcp", addr); err == nil {
			return l, nil
		}
		time.Sleep(20 * time.Millisecond)
	}
	return nil, err
}

// observed notes what a check cannot see from its side.
func (s *stage) observed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.served.Add(1)
		if c := r.Header.Get("Cookie"); c != "" {
			s.cookies.Store(c, true)
		}
		next.ServeHTTP(w, r)
		if e := w.Header().Get("Content-Encoding"); e != "" {
			s.encodings.Store(e, true)
		}
	})
}

func keys(m *sync.Map) []any {
	all := []any{}
	m.Range(func(k, _ any) bool { all = append(all, k); return true })
	return all
}

// basics registers what every check may use: "sync" is answered when what was sent
// before it has been handled, and so after what was emitted meanwhile.
func (s *stage) basics(ns *socketio.Namespace) {
	ns.On("sync", func(_ context.Context, e *socketio.Event) error { return e.Ack() })
}

func (s *stage) server() *socketio.Server {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.srv
}

func (s *stage) url() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.host.URL
}

// ca is what a client must trust to connect.
func (s *stage) ca() string {
	if !s.fixture.tls {
		return ""
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.host.Certificate().Raw}))
}

func (s *stage) down(ctx context.Context) error {
	s.mu.Lock()
	srv, host := s.srv, s.host
	s.srv, s.host = nil, nil
	s.mu.Unlock()
	if srv == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	host.Listener.Close() // no connection may come between the two
	err := srv.Shutdown(ctx)
	host.Close()
	return err
}

// close ends the stage. The check has disconnected its clients: what is left then is a
// leak.
func (s *stage) close(ctx context.Context, expectEmpty bool) error {
	var errs []error
	if srv := s.server(); srv != nil && expectEmpty {
		for deadline := time.Now().Add(5 * time.Second); srv.Connections() > 0; time.Sleep(5 * time.Millisecond) {
			if time.Now().After(deadline) {
				errs = append(errs, fmt.Errorf("%d connections left after all clients disconnected", srv.Connections()))
				break
			}
		}
		if n := srv.Count(); n > 0 {
			errs = append(errs, fmt.Errorf("%d sockets left after all clients disconnected", n))
		}
	}
	if n := s.panics.Load(); n > 0 {
		errs = append(errs, fmt.Errorf("%d handlers panicked", n))
	}
	return errors.Join(append(errs, s.down(ctx))...)
}

// ledger holds one word for each key, and lets one wait for it.
type ledger struct {
	mu      sync.Mutex
	entries map[string]string
	changed chan struct{}
}

func (l *ledger) set(key, value string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.entries == nil {
		l.entries = map[string]string{}
	}
	l.entries[key] = value
	if l.changed != nil {
		close(l.changed)
		l.changed = nil
	}
}

func (l *ledger) wait(ctx context.Context, key string) (string, error) {
	for {
		l.mu.Lock()
		value, ok := l.entries[key]
		if l.changed == nil {
			l.changed = make(chan struct{})
		}
		changed := l.changed
		l.mu.Unlock()
		if ok {
			return value, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return "", fmt.Errorf("nothing noted of %q", key)
		}
	}
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// tail returns the end of the log.
func (l *lockedBuffer) tail() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.b.Bytes()
	if len(b) > 4000 {
		b = b[len(b)-4000:]
	}
	return string(b)
}

// decoder decodes the arguments of a control call.
func decoder(args []json.RawMessage) func(targets ...any) error {
	return func(targets ...any) error {
		if len(args) < len(targets) {
			return fmt.Errorf("%d arguments, want %d", len(args), len(targets))
		}
		for i, target := range targets {
			if err := json.Unmarshal(args[i], target); err != nil {
				return err
			}
		}
		return nil
	}
}
