package client_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kachi-io/kachi/engineio"
	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/nodetest"
	"github.com/kachi-io/kachi/socketio"
	"github.com/kachi-io/kachi/socketio/packet/msgpack"
)

// settings are what a test may ask of a server. The zero value is the server's defaults.
type settings struct {
	PingInterval time.Duration
	PingTimeout  time.Duration
	MaxPayload   int
	Recovery     bool
	Transports   []string
	Refuse       string // all handshakes, with this message
	MessagePack  bool   // instead of JSON
}

// maker starts servers of one kind.
type maker interface {
	// start starts a server on the port, 0 for any, and returns its port.
	start(t testing.TB, port int, s settings) int
	// stop ends one, and cuts its connections.
	stop(t testing.TB, port int)
	connections(t testing.TB, port int) int
}

// stage is a server that a test plays with.
type stage struct {
	kind     string
	maker    maker
	settings settings
	port     int
	running  bool
}

func newStage(t testing.TB, kind string, m maker, s settings) *stage {
	st := &stage{kind: kind, maker: m, settings: s}
	st.up(t)
	t.Cleanup(func() {
		if st.running {
			st.down(t)
		}
	})
	return st
}

// up starts the server; after down, on the port that it had.
func (s *stage) up(t testing.TB) {
	t.Helper()
	s.port = s.maker.start(t, s.port, s.settings)
	s.running = true
}

func (s *stage) down(t testing.TB) {
	t.Helper()
	s.running = false
	s.maker.stop(t, s.port)
}

func (s *stage) addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)) }
func (s *stage) url() string  { return "http://" + s.addr() }

// gone waits until the server has no connection left.
func (s *stage) gone(t testing.TB) {
	t.Helper()
	assert.Eventually(t, func() bool { return s.maker.connections(t, s.port) == 0 }, "the server's connections end")
}

// kachiServers are this project's, in this process.
type kachiServers struct {
	mu      sync.Mutex
	servers map[int]*kachiServer
}

type kachiServer struct {
	srv  *socketio.Server
	host *httptest.Server
}

func (k *kachiServers) start(t testing.TB, port int, s settings) int {
	t.Helper()
	o := &socketio.Options{PingInterval: s.PingInterval, PingTimeout: s.PingTimeout, MaxPayload: s.MaxPayload}
	if testing.Verbose() {
		o.Logger = slog.New(slog.NewTextHandler(os.Stderr, nil))
	}
	for _, name := range s.Transports {
		o.Transports = append(o.Transports, engineio.Transport(name))
	}
	if s.Recovery {
		o.Recovery = &socketio.Recovery{}
	}
	if s.Refuse != "" {
		o.AllowRequest = func(*http.Request) error { return errors.New(s.Refuse) }
	}
	srv := socketio.NewServer(o)
	serveEvents(srv)
	mux := http.NewServeMux()
	mount := socketio.Mount{Path: "/socket.io/"}
	if s.MessagePack {
		mount.Encoding = msgpack.Encoding
	}
	mux.Handle("/socket.io/", srv.Handler(mount))
	var l net.Listener
	assert.Eventually(t, func() (ok bool) { // the port was in use a moment ago
		var err error
		l, err = net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		return err == nil
	})
	host := httptest.NewUnstartedServer(mux)
	host.Listener.Close()
	host.Listener = l
	host.Start()
	port = l.Addr().(*net.TCPAddr).Port
	k.mu.Lock()
	defer k.mu.Unlock()
	k.servers[port] = &kachiServer{srv, host}
	return port
}

func (k *kachiServers) get(port int) *kachiServer {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.servers[port]
}

func (k *kachiServers) stop(t testing.TB, port int) {
	t.Helper()
	s := k.get(port)
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	s.host.Listener.Close()
	assert.NoError(t, s.srv.Shutdown(ctx))
	s.host.CloseClientConnections()
	s.host.Close()
}

func (k *kachiServers) connections(_ testing.TB, port int) int { return k.get(port).srv.Connections() }

// serveEvents is the Go side of conformance/js/server/events.mjs.
func serveEvents(srv *socketio.Server) {
	var mu sync.Mutex
	tries, kept := map[string]int{}, map[string][]any{}
	srv.Of("/refusing").Use(func(_ context.Context, s *socketio.Socket) error {
		var auth struct{ Token *string }
		if err := json.Unmarshal(s.Auth(), &auth); err != nil {
			return err
		}
		if auth.Token != nil && *auth.Token == "secret" {
			return nil
		}
		return &socketio.Error{Code: "forbidden", Message: "not you", Details: auth.Token}
	})
	for _, name := range []string{"/", "/chat", "/refusing"} {
		ns := srv.Of(name)
		ns.On("echo", func(_ context.Context, e *socketio.Event) error {
			args, err := all(e)
			if err != nil {
				return err
			}
			if e.WantsAck() {
				return e.Ack(args...)
			}
			return e.Socket().Emit("echoed", args...)
		})
		ns.On("ask", func(ctx context.Context, e *socketio.Event) error {
			args, err := all(e)
			if err != nil {
				return err
			}
			answer, err := e.Socket().Ask(ctx, args[0].(string), args[1:]...)
			if err != nil {
				return err
			}
			values := make([]any, answer.Len())
			for i := range values {
				if err := answer.DecodeAt(i, &values[i]); err != nil {
					return err
				}
			}
			return e.Ack(values...)
		})
		ns.On("who", func(_ context.Context, e *socketio.Event) error {
			s := e.Socket()
			h := s.Handshake()
			query, headers := map[string]string{}, map[string]string{}
			for name, values := range h.Query() {
				query[name] = values[0]
			}
			for name, values := range h.Header() {
				headers[strings.ToLower(name)] = values[0]
			}
			auth := s.Auth()
			if auth == nil {
				auth = json.RawMessage("{}")
			}
			return e.Ack(map[string]any{
				"id": s.ID(), "recovered": s.Recovered(), "transport": s.Conn().Transport(),
				"auth": auth, "query": query, "headers": headers,
			})
		})
		ns.On("stubborn", func(_ context.Context, e *socketio.Event) error {
			var key string
			var n int
			if err := e.Decode(&key, &n); err != nil {
				return err
			}
			mu.Lock()
			tries[key]++
			count := tries[key]
			mu.Unlock()
			if count < n {
				return nil
			}
			return e.Ack(count)
		})
		ns.On("silent", func(context.Context, *socketio.Event) error { return nil })
		ns.On("failing", func(context.Context, *socketio.Event) error {
			return &socketio.Error{Code: "conflict", Message: "no", Details: map[string]int{"version": 3}}
		})
		ns.On("keep", func(_ context.Context, e *socketio.Event) error {
			var key string
			var value any
			if err := e.Decode(&key, &value); err != nil {
				return err
			}
			mu.Lock()
			kept[key] = append(kept[key], value)
			mu.Unlock()
			return e.Ack(value)
		})
		ns.On("kept", func(_ context.Context, e *socketio.Event) error {
			var key string
			if err := e.Decode(&key); err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			list := append([]any{}, kept[key]...)
			return e.Ack(list)
		})
		ns.On("count", func(ctx context.Context, e *socketio.Event) error {
			var n, size int
			if err := e.Decode(&n, &size); err != nil {
				return err
			}
			for i := range n {
				if err := e.Socket().EmitContext(ctx, "number", i, strings.Repeat("x", size)); err != nil {
					return err
				}
			}
			return e.Ack()
		})
		ns.On("tell", func(_ context.Context, e *socketio.Event) error {
			var event string
			var value any
			if err := e.Decode(&event, &value); err != nil {
				return err
			}
			if err := ns.Emit(event, value); err != nil {
				return err
			}
			return e.Ack()
		})
		ns.On("kick", func(_ context.Context, e *socketio.Event) error { e.Socket().Disconnect(false); return nil })
		ns.On("close", func(_ context.Context, e *socketio.Event) error { e.Socket().Conn().Close(); return nil })
	}
}

// all decodes all arguments.
func all(e *socketio.Event) ([]any, error) {
	args := make([]any, e.Args().Len())
	for i := range args {
		if err := e.Args().DecodeAt(i, &args[i]); err != nil {
			return nil, err
		}
	}
	return args, nil
}

// nodeServers are the reference implementation's, in a process of Node.
type nodeServers struct {
	mu      sync.Mutex
	input   io.Writer
	nextID  int
	waiting map[int]chan nodeAnswer
}

type nodeAnswer struct {
	ID          int
	Port        int
	Connections int
	Error       string
}

func startNode(t *testing.T) *nodeServers {
	cmd := nodetest.Command(t, "server/server.mjs")
	cmd.Stderr = os.Stderr
	input, err := cmd.StdinPipe()
	assert.NoError(t, err)
	output, err := cmd.StdoutPipe()
	assert.NoError(t, err)
	assert.NoError(t, cmd.Start())
	n := &nodeServers{input: input, waiting: map[int]chan nodeAnswer{}}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for lines := bufio.NewScanner(output); lines.Scan(); {
			var a nodeAnswer
			if err := json.Unmarshal(lines.Bytes(), &a); err != nil {
				t.Errorf("the Node server wrote %q", lines.Bytes())
				continue
			}
			n.mu.Lock()
			waiting := n.waiting[a.ID]
			delete(n.waiting, a.ID)
			n.mu.Unlock()
			waiting <- a
		}
	}()
	t.Cleanup(func() {
		input.Close() // which ends it
		<-done
		_ = cmd.Wait()
	})
	return n
}

func (n *nodeServers) call(t testing.TB, command map[string]any) nodeAnswer {
	t.Helper()
	answer := make(chan nodeAnswer, 1)
	n.mu.Lock()
	n.nextID++
	command["id"] = n.nextID
	n.waiting[n.nextID] = answer
	line, err := json.Marshal(command)
	if err == nil {
		_, err = n.input.Write(append(line, '\n'))
	}
	n.mu.Unlock()
	assert.NoError(t, err)
	a := assert.Receive(t, answer, "the Node server's answer")
	if a.Error != "" {
		t.Fatalf("the Node server: %s", a.Error)
	}
	return a
}

func (n *nodeServers) start(t testing.TB, port int, s settings) int {
	t.Helper()
	o := map[string]any{"serveClient": false}
	if s.PingInterval != 0 {
		o["pingInterval"] = s.PingInterval.Milliseconds()
		o["pingTimeout"] = s.PingTimeout.Milliseconds()
	}
	if s.MaxPayload != 0 {
		o["maxHttpBufferSize"] = s.MaxPayload
	}
	if s.Recovery {
		o["connectionStateRecovery"] = map[string]any{}
	}
	if s.Transports != nil {
		o["transports"] = s.Transports
	}
	if s.MessagePack {
		o["messagePack"] = true
	}
	if s.Refuse != "" {
		o["refuse"] = s.Refuse
	}
	return n.call(t, map[string]any{"do": "start", "port": port, "options": o}).Port
}

func (n *nodeServers) stop(t testing.TB, port int) {
	t.Helper()
	n.call(t, map[string]any{"do": "stop", "port": port})
}

func (n *nodeServers) connections(t testing.TB, port int) int {
	t.Helper()
	return n.call(t, map[string]any{"do": "connections", "port": port}).Connections
}
