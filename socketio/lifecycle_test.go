package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kachi-io/kachi/engineio"
	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/socketio"
)

// watch records the life of a namespace's sockets.
func watch(ns *socketio.Namespace) record {
	r := newRecord()
	ns.OnConnect(func(_ context.Context, s *socketio.Socket) error {
		s.Join("room")
		r.add("connect")
		return nil
	})
	ns.OnDisconnecting(func(ctx context.Context, s *socketio.Socket, reason socketio.Reason) error {
		_, bounded := ctx.Deadline()
		r.add("disconnecting %s rooms=%d own=%v ctx=%v bounded=%v ended=%v", reason, len(s.Rooms()), slices.Contains(s.Rooms(), s.ID()), ctx.Err(), bounded, s.Context().Err())
		return nil
	})
	ns.OnDisconnect(func(_ context.Context, s *socketio.Socket, reason socketio.Reason) error {
		r.add("disconnect %s rooms=%d emit=%v", reason, len(s.Rooms()), s.Emit("late"))
		return nil
	})
	return r
}

func (r record) expectLife(t *testing.T, reason string) {
	t.Helper()
	r.expect(t, "connect")
	r.expect(t, "disconnecting "+reason+" rooms=2 own=true ctx=<nil> bounded=true ended=context canceled")
	r.expect(t, "disconnect "+reason+" rooms=0 emit=engineio: session closed")
}

func TestEveryEndHasItsReason(t *testing.T) {
	for _, row := range []struct {
		reason string
		end    func(*socketio.Server, *socketio.Socket, *client)
	}{
		{"client namespace disconnect", func(_ *socketio.Server, _ *socketio.Socket, c *client) { c.send("41") }},
		{"transport close", func(_ *socketio.Server, _ *socketio.Socket, c *client) { assert.NoError(c.t, c.conn.SendClose()) }},
		{"server namespace disconnect", func(_ *socketio.Server, s *socketio.Socket, c *client) {
			s.Disconnect(false)
			c.expect("41")
			c.expectSilence() // the connection stays
		}},
		{"forced server close", func(_ *socketio.Server, s *socketio.Socket, c *client) {
			s.Disconnect(true)
			c.expect("41")
			c.expectClosed()
		}},
		{"forced close", func(_ *socketio.Server, _ *socketio.Socket, c *client) { c.send("4abc"); c.expectClosed() }},
		{"parse error", func(_ *socketio.Server, _ *socketio.Socket, c *client) { c.send("xyz"); c.expectClosed() }},
		{"server shutting down", func(srv *socketio.Server, _ *socketio.Socket, c *client) {
			assert.NoError(c.t, srv.Shutdown(context.Background()))
			c.expectClosed() // without 41: the client comes back
		}},
		{"ping timeout", func(*socketio.Server, *socketio.Socket, *client) {}},
	} {
		t.Run(row.reason, func(t *testing.T) {
			o := &socketio.Options{PingInterval: 5 * time.Second, PingTimeout: 4 * time.Second}
			faked(t, o, func(t *testing.T, srv fakedHost) {
				life := watch(srv.Namespace)
				c, id := srv.join()
				s, _ := srv.Socket(id)
				synctest.Wait() // it has joined its room
				row.end(srv.Server, s, c)
				life.expectLife(t, row.reason)
				assert.Equal(t, srv.Count(), 0)
			})
		})
	}
}

func TestAnAbruptEndIsToldToo(t *testing.T) {
	srv, url := start(t, nil)
	life := watch(srv.Namespace)
	c, _ := join(t, url)
	c.gone()
	life.expect(t, "connect")
	first := assert.Receive(t, life)
	assert.True(t, len(first) > 0 && first[:13] == "disconnecting")
	assert.Eventually(t, func() bool { return srv.Connections() == 0 })
}

func TestEventsThatArrivedAreHandledBeforeTheEnd(t *testing.T) {
	srv, url := start(t, nil)
	seen := newRecord()
	release := make(chan struct{})
	srv.On("n", func(ctx context.Context, e *socketio.Event) error {
		<-release
		seen.add("%s ended=%v", e.Args().Raw[0], ctx.Err() != nil)
		return nil
	})
	srv.OnDisconnecting(func(context.Context, *socketio.Socket, socketio.Reason) error { seen.add("end"); return nil })
	c, id := join(t, url)
	s, _ := srv.Socket(id)
	for i := range 3 {
		c.send(fmt.Sprintf(`42["n",%d]`, i))
	}
	c.send("41")
	<-s.Context().Done()
	close(release)
	for _, want := range []string{"0 ended=true", "1 ended=true", "2 ended=true", "end"} {
		seen.expect(t, want)
	}
}

func TestOnConnectRunsBeforeEventsAndMayAsk(t *testing.T) {
	srv, url := start(t, nil)
	seen := newRecord()
	srv.OnConnect(func(ctx context.Context, s *socketio.Socket) error {
		name, err := socketio.Ask[string](ctx, s, "who")
		seen.add("connected %s", name)
		return err
	})
	srv.On("e", func(context.Context, *socketio.Event) error { seen.add("event"); return nil })
	c := dial(t, url)
	c.send("40")
	c.send(`42["e"]`)
	assert.True(t, len(c.read()) > 2)
	c.expect(`420["who"]`)
	c.send(`430["kim"]`)
	seen.expect(t, "connected kim")
	seen.expect(t, "event")
}

// Who sends before it is welcome is not heard when it is not.
func TestEventsOfASocketWhoseOnConnectFailsAreNotHandled(t *testing.T) {
	hold, discarded := make(chan struct{}), make(chan int, 1)
	srv, url := start(t, &socketio.Options{Hooks: socketio.Hooks{
		Discarded: func(_ *socketio.Socket, n int) { discarded <- n },
	}})
	srv.OnConnect(func(context.Context, *socketio.Socket) error {
		<-hold
		return errors.New("not welcome")
	})
	srv.On("e", func(context.Context, *socketio.Event) error { t.Error("handled"); return nil })
	ended := make(chan struct{})
	srv.OnDisconnect(func(context.Context, *socketio.Socket, socketio.Reason) error { close(ended); return nil })
	c, _ := join(t, url)
	c.send(`42["e"]`)
	c.send(`42["e"]`)
	c.send("40/other,")
	c.expect(`44/other,{"message":"Invalid namespace"}`) // so the events have been read
	close(hold)
	assert.Equal(t, assert.Receive(t, discarded), 2)
	assert.True(t, strings.Contains(c.read(), "exception"))
	c.expect("41")
	<-ended
}

func TestOnConnectsErrorIsSentAndDisconnects(t *testing.T) {
	srv, url := start(t, nil)
	srv.OnConnect(func(context.Context, *socketio.Socket) error {
		return &socketio.Error{Code: "full", Message: "no seat is free"}
	})
	c, id := join(t, url)
	c.expect(`42["exception",{"status":"error","code":"full","message":"no seat is free","cause":{"pattern":"connect"}}]`)
	c.expect("41")
	_, found := srv.Socket(id)
	assert.True(t, !found)
}

func TestPanicsEndNothing(t *testing.T) {
	failed := newRecord()
	srv, url := start(t, &socketio.Options{Hooks: socketio.Hooks{
		Failed: func(_ *socketio.Socket, event string, err error) {
			var p *socketio.PanicError
			failed.add("%s panic=%v", event, errors.As(err, &p) && len(p.Stack) > 0)
		},
	}})
	srv.On("boom", func(context.Context, *socketio.Event) error { panic("boom") })
	srv.On("nil", func(context.Context, *socketio.Event) error { var s *socketio.Socket; s.Join("x"); return nil })
	srv.On("ok", func(_ context.Context, e *socketio.Event) error { return e.Ack() })
	srv.OnDisconnecting(func(context.Context, *socketio.Socket, socketio.Reason) error { panic("again") })
	srv.OnDisconnect(func(context.Context, *socketio.Socket, socketio.Reason) error { panic("and again") })
	c, _ := join(t, url)
	c.send(`42["boom"]`)
	c.send(`42["nil"]`)
	c.send(`421["ok"]`)
	c.expect(`431[]`)
	c.send("41")
	for _, event := range []string{"boom", "nil", "disconnecting", "disconnect"} {
		failed.expect(t, event+" panic=true")
	}
	c.connect("/", "")
}

func TestWhatAClientSentBeforeItKnewIsDropped(t *testing.T) {
	stray := newRecord()
	srv, url := start(t, &socketio.Options{Hooks: socketio.Hooks{
		Stray: func(_ *engineio.Session, namespace string) { stray.add("%s", namespace) },
	}})
	other := srv.Of("/other")
	c := dial(t, url)
	c.connect("/", "")
	id := c.connect("/other", "")
	s, _ := other.Socket(id)
	s.Disconnect(false)
	c.send(`42/other,["late"]`)
	stray.expect(t, "/other")
	c.expect("41/other,")
	c.expectSilence() // the connection, which "/" shares, goes on
	c.connect("/other", "")
}

func TestConnectTimeout(t *testing.T) {
	const timeout = 5 * time.Second
	faked(t, &socketio.Options{ConnectTimeout: timeout}, func(t *testing.T, srv fakedHost) {
		began := time.Now()
		c := srv.dial()
		c.expectClosed()
		expectTook(t, began, timeout)
		slow := srv.Of("/slow")
		slow.Use(func(ctx context.Context, _ *socketio.Socket) error { <-ctx.Done(); return ctx.Err() })
		began = time.Now()
		c = srv.dial()
		c.send("40/slow,") // asked in time, never admitted
		c.expect(`44/slow,{"message":"Internal error","data":{"status":"error","code":"internal","message":"Internal error"}}`)
		c.expectClosed()
		expectTook(t, began, timeout)
		stays, _ := srv.join()
		time.Sleep(4 * timeout) // the time-out has passed for this one, too
		stays.expectSilence()
	})
}

// Being refused again and again is no way to stay.
func TestConnectTimeoutOfARefusedClient(t *testing.T) {
	const timeout = 5 * time.Second
	faked(t, &socketio.Options{ConnectTimeout: timeout}, func(t *testing.T, srv fakedHost) {
		srv.Use(func(context.Context, *socketio.Socket) error { return socketio.NewError("no", "no") })
		open := srv.Of("/open")
		began := time.Now()
		c := srv.dial()
		for {
			if c.write(1, []byte("40")) != nil {
				break
			}
			if _, _, err := c.next(); err != nil {
				break
			}
			time.Sleep(300 * time.Millisecond)
		}
		took := time.Since(began)
		assert.True(t, took >= timeout && took < timeout+time.Second, "took %s", took)
		slow := srv.Of("/slow")
		slow.Use(func(context.Context, *socketio.Socket) error {
			time.Sleep(700 * time.Millisecond)
			return socketio.NewError("no", "no")
		})
		began = time.Now()
		c = srv.dial()
		for err := error(nil); err == nil; { // asks again at once: something is always pending
			_ = c.write(1, []byte("40/slow,"))
			_, _, err = c.next()
		}
		took = time.Since(began)
		assert.True(t, took >= timeout && took < timeout+time.Second, "took %s", took)
		c = srv.dial()
		c.connect("/open", "")
		c.send("40")
		c.read()
		time.Sleep(4 * timeout) // the time-out has passed, and passed over it
		c.send("41/open,")      // from now on it has the time once more
		c.expectSilence()
		c.connect("/open", "")
		began = time.Now()
		assert.NoError(t, open.DisconnectSockets(false))
		c.expect("41/open,")
		c.expectClosed()
		expectTook(t, began, timeout)
	})
}

func TestShutdownSaysWhatStillRuns(t *testing.T) {
	srv := socketio.NewServer(nil)
	host := httptest.NewServer(srv)
	defer host.Close()
	release, running := make(chan struct{}), make(chan struct{})
	srv.On("stuck", func(context.Context, *socketio.Event) error { close(running); <-release; return nil })
	c, _ := join(t, host.URL)
	c.send(`42["stuck"]`)
	<-running
	ctx, cancel := context.WithTimeout(context.Background(), short)
	defer cancel()
	err := srv.Shutdown(ctx)
	assert.ErrorIs(t, err, context.DeadlineExceeded)
	c.expectClosed()
	close(release)
	assert.NoError(t, srv.Shutdown(context.Background()))
	response := get(t, host.URL+"/socket.io/?EIO=4&transport=polling", nil)
	assert.Equal(t, response.StatusCode, 503)
	c.gone()
}
