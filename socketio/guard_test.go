package socketio_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/kachi-io/kachi/engineio"
	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/socketio"
	"github.com/kachi-io/kachi/socketio/adapter"
	"github.com/kachi-io/kachi/socketio/packet"
)

// bomb panics when it is encoded.
type bomb struct{}

func (bomb) MarshalJSON() ([]byte, error) { panic("encoded") }

func TestPanickingHooksEndNothing(t *testing.T) {
	srv, url := start(t, &socketio.Options{Hooks: socketio.Hooks{
		Connected:     func(*socketio.Socket) { panic("hook") },
		Disconnected:  func(*socketio.Socket, socketio.Reason, error) { panic("hook") },
		Refused:       func(*engineio.Session, string, error) { panic("hook") },
		ProtocolError: func(*engineio.Session, error) { panic("hook") },
		Failed:        func(*socketio.Socket, string, error) { panic("hook") },
		Unhandled:     func(*socketio.Socket, string) { panic("hook") },
		Unanswered:    func(*socketio.Socket, int) { panic("hook") },
		UnexpectedAck: func(*socketio.Socket, int64) { panic("hook") },
		Discarded:     func(*socketio.Socket, int) { panic("hook") },
		Dropped:       func(*socketio.Socket, string) { panic("hook") },
		Idle:          func(*engineio.Session) { panic("hook") },
	}})
	srv.On("fails", func(_ context.Context, e *socketio.Event) error { return socketio.NewError("no", "no") })
	c := dial(t, url)
	c.send("40/nope,")
	c.expect(`44/nope,{"message":"Invalid namespace"}`)
	c.connect("/", "")
	c.send(`421["unknown"]`)
	c.send(`439[]`)
	c.send(`421["fails"]`)
	c.expect(`431[{"status":"error","code":"no","message":"no","cause":{"pattern":"fails"}}]`)
	c.send("41")
	c.connect("/", "")
	c.send("4oops")
	c.expectClosed()
}

// A test's FailNow, called in a handler, ends the goroutine that runs it.
func TestAHandlerThatEndsItsGoroutineDoesNotStopTheSocket(t *testing.T) {
	srv, url := start(t, nil)
	life := watch(srv.Namespace)
	srv.On("exit", func(context.Context, *socketio.Event) error { runtime.Goexit(); return nil })
	srv.On("ok", func(_ context.Context, e *socketio.Event) error { return e.Ack() })
	c, _ := join(t, url)
	c.send(`42["exit"]`)
	c.send(`421["ok"]`)
	c.expect(`431[]`)
	c.send("41")
	life.expectLife(t, "client namespace disconnect")
}

// Details come from the application, and may refuse to be encoded: the client gets the
// rest.
func TestErrorsWhoseDetailsCannotBeEncoded(t *testing.T) {
	for name, details := range map[string]any{"a panic": bomb{}, "an error": func() {}} {
		t.Run(name, func(t *testing.T) {
			srv, url := start(t, nil)
			failure := &socketio.Error{Code: "odd", Message: "strange", Details: details}
			srv.On("e", func(context.Context, *socketio.Event) error { return failure })
			srv.Of("/refuses").Use(func(context.Context, *socketio.Socket) error { return failure })
			srv.Of("/fails").OnConnect(func(context.Context, *socketio.Socket) error { return failure })
			c, _ := join(t, url)
			c.send(`421["e"]`)
			c.expect(`431[{"status":"error","code":"odd","message":"strange","cause":{"pattern":"e"}}]`)
			c.send("40/refuses,")
			c.expect(`44/refuses,{"message":"strange","data":{"status":"error","code":"odd","message":"strange"}}`)
			c.connect("/fails", "")
			c.expect(`42/fails,["exception",{"status":"error","code":"odd","message":"strange","cause":{"pattern":"connect"}}]`)
			c.expect("41/fails,")
		})
	}
}

func TestDataThatCannotBeEncodedIsLeftOut(t *testing.T) {
	srv, url := start(t, nil)
	_, id := join(t, url)
	s, _ := srv.Socket(id)
	s.SetData(bomb{})
	remotes, err := srv.FetchSockets(t.Context())
	assert.NoError(t, err)
	assert.Equal(t, len(remotes), 1)
	assert.Equal(t, remotes[0].Data, json.RawMessage(nil))
}

// An event middleware is applied when handlers are registered: not for each event, and
// a panic in it is the registration's.
func TestEventMiddlewareIsAppliedOnce(t *testing.T) {
	srv, url := start(t, nil)
	made := newRecord()
	middleware := func(name string) func(socketio.Handler) socketio.Handler {
		return func(next socketio.Handler) socketio.Handler {
			made.add("make %s", name)
			return func(ctx context.Context, e *socketio.Event) error {
				made.add("%s", name)
				return next(ctx, e)
			}
		}
	}
	srv.UseEvent(middleware("outer"))
	srv.On("x", func(_ context.Context, e *socketio.Event) error { return e.Ack() })
	made.expect(t, "make outer")
	srv.UseEvent(middleware("inner"))
	made.expect(t, "make inner")
	made.expect(t, "make outer")
	c, _ := join(t, url)
	for range 3 {
		c.send(`421["x"]`)
		c.expect(`431[]`)
		made.expect(t, "outer")
		made.expect(t, "inner")
	}
	func() {
		defer func() { assert.True(t, recover() != nil) }()
		srv.UseEvent(func(socketio.Handler) socketio.Handler { panic("made wrong") })
	}()
	c.send(`421["x"]`)
	c.expect(`431[]`)
}

func TestServerSideNamesAndPanics(t *testing.T) {
	bus := adapter.NewBus(nil)
	one, _ := start(t, &socketio.Options{Adapter: bus.Node().Adapter})
	two, _ := start(t, &socketio.Options{Adapter: bus.Node().Adapter})
	for _, name := range []string{"connect", "connection", "new_namespace"} {
		assert.ErrorIs(t, one.ServerSideEmit(name), socketio.ErrReserved)
		_, err := one.ServerSideAsk(t.Context(), name)
		assert.ErrorIs(t, err, socketio.ErrReserved)
	}
	two.OnServerSide("disconnect", func(context.Context, packet.Args) (any, error) { return "heard", nil })
	heard := newRecord()
	two.OnServerSide("exit", func(_ context.Context, args packet.Args) (any, error) {
		heard.add("%s", args.Raw[0])
		runtime.Goexit()
		return nil, nil
	})
	two.OnServerSide("bomb", func(context.Context, packet.Args) (any, error) { return bomb{}, nil })
	assert.Eventually(t, func() bool { n, err := one.Nodes(t.Context()); return err == nil && n == 2 })
	for n := range 3 {
		assert.NoError(t, one.ServerSideEmit("exit", n))
		heard.expect(t, fmt.Sprint(n))
	}
	ctx, cancel := context.WithTimeout(t.Context(), 4*short)
	defer cancel()
	_, err := one.ServerSideAsk(ctx, "bomb")
	assert.True(t, err != nil, "no answer")
	answers, err := one.ServerSideAsk(t.Context(), "disconnect")
	assert.NoError(t, err)
	assert.Equal(t, len(answers), 1)
	assert.Equal(t, string(answers[0].Raw[0]), `"heard"`)
}

// A volatile question that was dropped is not waited for.
func TestAVolatileQuestionThatWasDroppedIsNotExpected(t *testing.T) {
	srv, url := start(t, &socketio.Options{MaxQueuedMessages: 4})
	answers, _ := polling(t, url)
	assert.Eventually(t, func() bool { return srv.Count() == 1 })
	for range 3 { // beside the answer to CONNECT
		assert.NoError(t, srv.Emit("fills"))
	}
	got, err := srv.Volatile().Ask(t.Context(), "q")
	assert.NoError(t, err)
	assert.Equal(t, got.Expected, 0)
	assert.Equal(t, strings.Count(answers(), "fills"), 3)
}

// Whoever emits may use the buffer again at once, also where the client comes for it
// later.
func TestBytesAreCopied(t *testing.T) {
	srv, url := start(t, nil)
	buf, done := []byte("good"), make(chan struct{})
	srv.On("e", func(_ context.Context, e *socketio.Event) error {
		defer close(done)
		defer copy(buf, "bad!")
		return errors.Join(e.Ack(buf), e.Socket().Emit("x", buf), srv.Emit("x", map[string]any{"deep": buf}))
	})
	poll, post := polling(t, url)
	assert.Eventually(t, func() bool { return srv.Count() == 1 })
	post(`421["e"]`)
	<-done
	assert.Equal(t, strings.Count(poll(), base64.StdEncoding.EncodeToString([]byte("good"))), 3)
}

// polling joins "/" over polling. poll fetches all that waits for the client.
func polling(t *testing.T, url string) (poll func() string, post func(text string)) {
	t.Helper()
	url += "/socket.io/?EIO=4&transport=polling"
	body := func(response *http.Response) string {
		text, err := io.ReadAll(response.Body)
		assert.NoError(t, err)
		return string(text)
	}
	var open struct{ SID string }
	assert.NoError(t, json.Unmarshal([]byte(body(get(t, url, nil))[1:]), &open))
	url += "&sid=" + open.SID
	transport := http.DefaultTransport.(*http.Transport).Clone()
	t.Cleanup(transport.CloseIdleConnections)
	post = func(text string) {
		response, err := (&http.Client{Transport: transport}).Post(url, "text/plain", strings.NewReader(text))
		assert.NoError(t, err)
		assert.Equal(t, body(response), "ok")
		assert.NoError(t, response.Body.Close())
	}
	post("40")
	return func() string { return body(get(t, url, nil)) }, post
}

// What a client makes up does not fill the logs.
func TestLongNamesAreShortInLogs(t *testing.T) {
	var mu sync.Mutex
	var logged strings.Builder
	_, url := start(t, &socketio.Options{Logger: slog.New(slog.NewTextHandler(writer(func(p []byte) (int, error) {
		mu.Lock()
		defer mu.Unlock()
		return logged.Write(p)
	}), nil))})
	c := dial(t, url)
	name := "/" + strings.Repeat("é", 100_000)
	c.send("40" + name + ",")
	c.expect("44" + name + `,{"message":"Invalid namespace"}`)
	c.send("42" + name + `,["x"]`)
	c.expectClosed()
	mu.Lock()
	defer mu.Unlock()
	assert.True(t, strings.Contains(logged.String(), "no such namespace"))
	assert.True(t, logged.Len() < 2000, "%d bytes", logged.Len())
}

type writer func(p []byte) (int, error)

func (f writer) Write(p []byte) (int, error) { return f(p) }
