package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/kachi-io/kachi/cmd/kachi/connect"
	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/nodetest"
	"github.com/kachi-io/kachi/socketio"
	"github.com/kachi-io/kachi/socketio/packet/msgpack"
)

// outcome is what a run of `kachi connect` left.
type outcome struct {
	code     int
	out, err string
}

// connectTo runs `kachi connect` with what standard input holds.
func connectTo(t testing.TB, input string, args ...string) outcome {
	t.Helper()
	var out, errs lockedBuffer
	code := run(t.Context(), append([]string{"connect"}, args...), connect.Streams{In: strings.NewReader(input), Out: &out, Err: &errs})
	assert.Eventually(t, func() bool {
		stacks := make([]byte, 1<<20)
		stacks = stacks[:runtime.Stack(stacks, true)]
		return !bytes.Contains(stacks, []byte("created by github.com/kachi-io/kachi/client")) &&
			!bytes.Contains(stacks, []byte("created by github.com/kachi-io/kachi/cmd/kachi/connect"))
	}, "nothing of it runs any more")
	return outcome{code, out.String(), errs.String()}
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

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// line is an object that --json wrote, as far as tests look at it.
type line struct {
	Type      string
	Namespace string
	Event     string
	Args      []any
	ID        int
	SID       string
	Transport string
	Recovered bool
	Reason    string
	Code      string
	Message   string
	Data      any
	Column    int
	Attempt   int
	MS        float64
	URL       string
	Sockets   []map[string]any
	Time      string
}

// lines reads what --json wrote, but for notices of the upgrade, which come when they come.
func (o outcome) lines(t testing.TB) (all []line) {
	t.Helper()
	for text := range strings.Lines(o.out) {
		var l line
		d := json.NewDecoder(strings.NewReader(text))
		d.DisallowUnknownFields()
		assert.NoError(t, d.Decode(&l), text)
		assert.True(t, l.Time != "", text)
		if !strings.HasPrefix(l.Type, "upgrade") {
			all = append(all, l)
		}
	}
	return all
}

// find returns the lines of a type.
func find(all []line, kind string) (found []line) {
	for _, l := range all {
		if l.Type == kind {
			found = append(found, l)
		}
	}
	return found
}

// peer is a server that the command talks to.
type peer struct {
	name string
	url  string
}

// peers starts one server of this project and one of the reference implementation, which
// behave alike.
func peers(t *testing.T) []peer {
	host := httptest.NewServer(kachiServer(t, nil))
	t.Cleanup(host.Close)
	all := []peer{{"kachi", host.URL}}
	if !testing.Short() {
		all = append(all, peer{"node", nodeServer(t)})
	}
	return all
}

// kachiServer is a server of this project that does what the one in
// conformance/js/server/events.mjs does.
func kachiServer(t testing.TB, o *socketio.Options) http.Handler {
	handler, _ := stoppable(t, o)
	return handler
}

// stoppable is kachiServer, and what it can be stopped by.
func stoppable(t testing.TB, o *socketio.Options) (http.Handler, *socketio.Server) {
	srv := socketio.NewServer(o)
	t.Cleanup(func() { assert.NoError(t, srv.Shutdown(context.Background())) })
	srv.Of("/refusing").Use(func(_ context.Context, s *socketio.Socket) error {
		var auth struct{ Token *string }
		_ = json.Unmarshal(s.Auth(), &auth)
		if auth.Token != nil && *auth.Token == "secret" {
			return nil
		}
		return &socketio.Error{Code: "forbidden", Message: "not you"}
	})
	srv.Of("/slow").Use(func(ctx context.Context, _ *socketio.Socket) error {
		<-ctx.Done()
		return ctx.Err()
	})
	for _, name := range []string{"/", "/chat", "/refusing", "/greeting"} {
		ns := srv.Of(name)
		if name == "/greeting" {
			ns.OnConnect(func(_ context.Context, s *socketio.Socket) error { return s.Emit("welcome") })
		}
		ns.On("echo", func(_ context.Context, e *socketio.Event) error {
			args, err := arguments(e)
			switch {
			case err != nil:
				return err
			case e.WantsAck():
				return e.Ack(args...)
			}
			return e.Socket().Emit("echoed", args...)
		})
		ns.On("inquire", func(ctx context.Context, e *socketio.Event) error {
			args, err := arguments(e)
			if err != nil {
				return err
			}
			s := e.Socket()
			answer, err := s.Ask(ctx, args[0].(string), args[1:]...)
			if err != nil {
				return err
			}
			values := make([]any, answer.Len())
			for i := range values {
				if err := answer.DecodeAt(i, &values[i]); err != nil {
					return err
				}
			}
			return s.Emit("answered", values...)
		})
		ns.On("who", func(_ context.Context, e *socketio.Event) error {
			h := e.Socket().Handshake()
			query, headers := map[string]string{}, map[string]string{}
			for name, values := range h.Query() {
				query[name] = values[0]
			}
			for name, values := range h.Header() {
				headers[strings.ToLower(name)] = values[0]
			}
			return e.Ack(map[string]any{"query": query, "headers": headers, "auth": json.RawMessage(e.Socket().Auth()),
				"transport": e.Socket().Conn().Transport()})
		})
		ns.On("tell", func(_ context.Context, e *socketio.Event) error {
			args, err := arguments(e)
			if err != nil {
				return err
			}
			if err := ns.Emit(args[0].(string), args[1:]...); err != nil {
				return err
			}
			return e.Ack()
		})
		ns.On("silent", func(context.Context, *socketio.Event) error { return nil })
		ns.On("failing", func(_ context.Context, e *socketio.Event) error {
			return e.Ack(json.RawMessage(`{"status":"error","code":"conflict","message":"no","details":{"version":3},"cause":{"pattern":"failing"}}`))
		})
		ns.On("kick", func(_ context.Context, e *socketio.Event) error { e.Socket().Disconnect(false); return nil })
		ns.On("close", func(_ context.Context, e *socketio.Event) error { e.Socket().Conn().Close(); return nil })
	}
	mux := http.NewServeMux()
	mux.Handle("/socket.io/", srv)
	mux.Handle("/msgpack/", srv.Handler(socketio.Mount{Path: "/msgpack/", Encoding: msgpack.Encoding}))
	mux.HandleFunc("/page/", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, "<!doctype html><title>A page</title>")
	})
	return mux, srv
}

func arguments(e *socketio.Event) ([]any, error) {
	args := make([]any, e.Args().Len())
	for i := range args {
		if err := e.Args().DecodeAt(i, &args[i]); err != nil {
			return nil, err
		}
	}
	return args, nil
}

// nodeServer starts one with the real socket.io, and returns its URL.
func nodeServer(t *testing.T) string {
	t.Helper()
	cmd := nodetest.Command(t, "server/server.mjs")
	cmd.Stderr = os.Stderr
	input, err := cmd.StdinPipe()
	assert.NoError(t, err)
	output, err := cmd.StdoutPipe()
	assert.NoError(t, err)
	assert.NoError(t, cmd.Start())
	t.Cleanup(func() {
		input.Close() // which ends it
		_ = cmd.Wait()
	})
	_, err = io.WriteString(input, `{"id":1,"do":"start"}`+"\n")
	assert.NoError(t, err)
	var answer struct {
		Port  int
		Error string
	}
	assert.NoError(t, json.NewDecoder(bufio.NewReader(output)).Decode(&answer))
	assert.Equal(t, answer.Error, "")
	return "http://" + net.JoinHostPort("127.0.0.1", strconv.Itoa(answer.Port))
}
