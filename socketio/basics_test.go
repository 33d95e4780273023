package socketio_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/kachi-io/kachi/engineio"
	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/socketio"
	"github.com/kachi-io/kachi/socketio/packet"
)

func TestConnectIsAnsweredWithAnIDOfItsOwn(t *testing.T) {
	srv, url := start(t, nil)
	srv.Of("/custom")
	c := dial(t, url)
	root, custom := c.connect("/", ""), c.connect("/custom", "")
	assert.True(t, root != custom && root != c.sid)
	s, ok := srv.Socket(root)
	assert.True(t, ok && s.ID() == root && s.Conn().ID() == c.sid)
}

func TestUnknownNamespaceIsRefusedAndTheConnectionStays(t *testing.T) {
	refused := newRecord()
	_, url := start(t, &socketio.Options{Hooks: socketio.Hooks{
		Refused: func(_ *engineio.Session, namespace string, err error) { refused.add("%s: %v", namespace, err) },
	}})
	c := dial(t, url)
	c.send("40/nope,")
	c.expect(`44/nope,{"message":"Invalid namespace"}`)
	refused.expect(t, "/nope: socketio: there is no such namespace")
	c.connect("/", "")
}

func TestAuthAndHandshakeReachMiddlewareAndHandlers(t *testing.T) {
	srv, url := start(t, nil)
	seen := newRecord()
	srv.Use(func(_ context.Context, s *socketio.Socket) error {
		seen.add("use %s connected=%v emit=%v", s.Auth(), s.Connected(), s.Emit("too-early"))
		s.SetData("kept")
		return nil
	})
	srv.OnConnect(func(_ context.Context, s *socketio.Socket) error {
		h := s.Handshake()
		seen.add("connect %v %v %s", s.Data(), h.Query().Get("EIO"), h.Address)
		return s.Emit("auth", s.Auth())
	})
	c := dial(t, url)
	c.connect("/", `{"token":"abc"}`)
	c.expect(`42["auth",{"token":"abc"}]`)
	seen.expect(t, `use {"token":"abc"} connected=false emit=engineio: session closed`)
	seen.expect(t, "connect kept 4 127.0.0.1")
}

func TestMiddlewareRefuses(t *testing.T) {
	srv, url := start(t, nil)
	admin := srv.Of("/admin")
	denied := true
	admin.Use(func(context.Context, *socketio.Socket) error {
		if denied {
			return &socketio.Error{Code: "unauthorized", Message: "not for you", Details: map[string]int{"level": 3}}
		}
		return nil
	})
	ran := false
	admin.Use(func(context.Context, *socketio.Socket) error { ran = true; return nil })
	srv.Of("/broken").Use(func(context.Context, *socketio.Socket) error { return errors.New("the database is at 10.0.0.3") })
	srv.Of("/panics").Use(func(context.Context, *socketio.Socket) error { panic("boom") })

	c := dial(t, url)
	c.send("40/admin,")
	c.expect(`44/admin,{"message":"not for you","data":{"status":"error","code":"unauthorized","message":"not for you","details":{"level":3}}}`)
	assert.True(t, !ran)
	for _, namespace := range []string{"/broken", "/panics"} {
		c.send("40" + namespace + ",")
		c.expect("44" + namespace + `,{"message":"Internal error","data":{"status":"error","code":"internal","message":"Internal error"}}`)
	}
	denied = false
	c.connect("/admin", "") // asking again is allowed
}

func TestEventsKeepTheirOrderAndArriveOneAtATime(t *testing.T) {
	srv, url := start(t, nil)
	next, running := 0, false
	done := make(chan struct{})
	srv.On("n", func(_ context.Context, e *socketio.Event) error {
		assert.True(t, !running, "two handlers at once")
		running = true
		var n int
		assert.NoError(t, e.Decode(&n))
		assert.Equal(t, n, next)
		next++
		running = false
		if n == 499 {
			close(done)
		}
		return nil
	})
	c := dial(t, url)
	c.send("40") // without waiting for the answer: events wait for the admission
	for i := range 500 {
		c.send(fmt.Sprintf(`42["n",%d]`, i))
	}
	<-done
}

func TestAcknowledgements(t *testing.T) {
	srv, url := start(t, nil)
	srv.On("sum", func(_ context.Context, e *socketio.Event) error {
		var a, b int
		if err := e.Decode(&a, &b); err != nil {
			return err
		}
		assert.NoError(t, e.Ack(a+b, "ok"))
		if e.WantsAck() {
			assert.ErrorIs(t, e.Ack("again"), socketio.ErrAnswered)
		}
		return nil
	})
	srv.On("deny", func(context.Context, *socketio.Event) error {
		return &socketio.Error{Code: "forbidden", Message: "no"}
	})
	c, _ := join(t, url)
	c.send(`4217["sum",1,2]`)
	c.expect(`4317[3,"ok"]`)
	c.send(`42["sum",1,2]`) // no acknowledgement asked for
	c.send(`423["sum",1]`)
	c.expect(`433[{"status":"error","code":"bad_request","message":"2 arguments are needed, 1 came","cause":{"pattern":"sum"}}]`)
	c.send(`424["sum",1,"two"]`)
	assert.True(t, len(c.read()) > 0)
	c.send(`425["deny"]`)
	c.expect(`435[{"status":"error","code":"forbidden","message":"no","cause":{"pattern":"deny"}}]`)
	c.expectSilence()
}

func TestAHandlerAsksItsOwnClientAndWaits(t *testing.T) {
	srv, url := start(t, nil)
	srv.On("ask-me", func(ctx context.Context, e *socketio.Event) error {
		answer, err := socketio.Ask[string](ctx, e.Socket(), "question", "why?")
		if err != nil {
			return err
		}
		return e.Ack("heard " + answer)
	})
	c, _ := join(t, url)
	c.send(`421["ask-me"]`)
	c.expect(`420["question","why?"]`)
	c.send(`430["because"]`)
	c.expect(`431["heard because"]`)
}

func TestAskEndsWhenTheClientLeavesOrTimePasses(t *testing.T) {
	faked(t, &socketio.Options{AckTimeout: 7 * time.Second}, func(t *testing.T, srv fakedHost) {
		c, id := srv.join()
		s, _ := srv.Socket(id)
		began := time.Now()
		_, err := s.Ask(context.Background(), "silence")
		assert.ErrorIs(t, err, socketio.ErrAckTimeout)
		expectTook(t, began, 7*time.Second)
		began = time.Now()
		ctx, cancel := context.WithTimeout(context.Background(), 9*time.Second)
		defer cancel()
		_, err = s.Ask(ctx, "silence")
		assert.ErrorIs(t, err, socketio.ErrAckTimeout)
		assert.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, time.Since(began), 9*time.Second)

		began = time.Now()
		result := make(chan error, 1)
		go func() { _, err := s.Ask(context.Background(), "silence"); result <- err }()
		for range 3 {
			assert.True(t, len(c.read()) > 0)
		}
		c.gone()
		assert.ErrorIs(t, assert.Receive(t, result), socketio.ErrClosed)
		_, err = s.Ask(context.Background(), "silence")
		assert.ErrorIs(t, err, socketio.ErrClosed)
		assert.Equal(t, time.Since(began), 0*time.Second)
	})
}

func TestBinaryBothWays(t *testing.T) {
	srv, url := start(t, nil)
	type file struct {
		Name string `json:"name"`
		Data []byte `json:"data"`
	}
	srv.On("files", func(_ context.Context, e *socketio.Event) error {
		var first file
		var rest map[string]any
		if err := e.Decode(&first, &rest); err != nil {
			return err
		}
		first.Data = append(first.Data, 0xff)
		return e.Ack(first, rest["deep"].([]any)[1])
	})
	c, _ := join(t, url)
	c.send(`452-7["files",{"name":"a","data":{"_placeholder":true,"num":0}},{"deep":[1,{"_placeholder":true,"num":1}]}]`)
	c.sendBinary([]byte{1, 2})
	c.sendBinary([]byte{3})
	c.expect(`462-7[{"name":"a","data":{"_placeholder":true,"num":0}},{"_placeholder":true,"num":1}]`)
	assert.Equal(t, c.readBinary(), []byte{1, 2, 0xff})
	assert.Equal(t, c.readBinary(), []byte{3})
}

func TestCatchAllsInAndOut(t *testing.T) {
	srv, url := start(t, nil)
	seen := newRecord()
	srv.OnAny(func(_ context.Context, e *socketio.Event) error {
		seen.add("in %s %s", e.Name(), e.Args().Raw)
		if e.Name() == "blocked" {
			return &socketio.Error{Code: "forbidden", Message: "not that one"}
		}
		return nil
	})
	srv.OnAnyOutgoing(func(_ *socketio.Socket, event string, args packet.Args) {
		seen.add("out %s %s", event, args.Raw)
	})
	srv.On("hi", func(_ context.Context, e *socketio.Event) error {
		seen.add("handler")
		return errors.Join(e.Ack("done"), e.Socket().Emit("hello", 1), srv.Emit("all", true))
	})
	srv.On("blocked", func(context.Context, *socketio.Event) error { seen.add("never"); return nil })
	c, _ := join(t, url)
	c.send(`421["hi","x"]`)
	for _, want := range []string{`in hi ["x"]`, "handler", `out hello [1]`, `out all [true]`} {
		seen.expect(t, want)
	}
	c.send(`42["unknown",1]`)
	seen.expect(t, "in unknown [1]")
	c.expect(`431["done"]`)
	c.expect(`42["hello",1]`)
	c.expect(`42["all",true]`)
	c.send(`422["blocked"]`)
	seen.expect(t, "in blocked []")
	c.expect(`432[{"status":"error","code":"forbidden","message":"not that one","cause":{"pattern":"blocked"}}]`)
}

func TestEventMiddlewareWrapsHandlers(t *testing.T) {
	srv, url := start(t, nil)
	seen := newRecord()
	for _, name := range []string{"outer", "inner"} {
		srv.UseEvent(func(next socketio.Handler) socketio.Handler {
			return func(ctx context.Context, e *socketio.Event) error {
				seen.add("%s before", name)
				err := next(ctx, e)
				seen.add("%s after: %v", name, err)
				return err
			}
		})
	}
	srv.On("x", func(context.Context, *socketio.Event) error { return socketio.NewError("odd", "") })
	c, _ := join(t, url)
	c.send(`42["x"]`)
	for _, want := range []string{"outer before", "inner before", "inner after: odd", "outer after: odd"} {
		seen.expect(t, want)
	}
}

func TestReservedNamesAndUnencodableValuesAreRefused(t *testing.T) {
	srv, url := start(t, nil)
	_, id := join(t, url)
	s, _ := srv.Socket(id)
	for _, name := range []string{"connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"} {
		assert.ErrorIs(t, s.Emit(name), socketio.ErrReserved)
		assert.ErrorIs(t, srv.Emit(name), socketio.ErrReserved)
	}
	bad := assert.ErrorAs[*packet.ArgumentError](t, s.Emit("x", 1, func() {}))
	assert.Equal(t, bad.Index, 1)
}

func TestRawJSONPassesThrough(t *testing.T) {
	srv, url := start(t, nil)
	srv.On("echo", func(_ context.Context, e *socketio.Event) error {
		var raw json.RawMessage
		if err := e.Decode(&raw); err != nil {
			return err
		}
		return e.Ack(raw)
	})
	c, _ := join(t, url)
	c.send(`420["echo",{"b": 1,"a":"<é>"}]`)
	c.expect(`430[{"b": 1,"a":"<é>"}]`)
}
