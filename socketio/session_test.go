package socketio_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/socketio"
)

// What is done with a socket that has ended does not change what its client gets again.
func TestLeavingAfterTheEndHasNoEffect(t *testing.T) {
	srv, r, ended := recovering(t, &socketio.Options{})
	s := socketOf(t, srv, r.sid)
	s.Join("den")
	r.cut()
	assert.Receive(t, ended)
	s.Leave("den")
	assert.NoError(t, srv.To("den").Emit("e", 1))
	r.come()
	assert.True(t, r.recovered)
	assert.Equal(t, r.event(), "e1")
	assert.Equal(t, socketOf(t, srv, r.sid).Rooms(), []string{r.sid, "den"})
}

// The window holds, whatever else is kept for longer.
func TestSessionsExpireInTimeBesideEvents(t *testing.T) {
	srv, url := start(t, &socketio.Options{Recovery: &socketio.Recovery{Window: short}})
	expired := make(chan string, 1)
	srv.OnSessionExpired(func(_ context.Context, s *socketio.ExpiredSession) error { expired <- s.Socket; return nil })
	r := &returner{t: t, url: url}
	r.come()
	assert.NoError(t, srv.Emit("e", 1)) // is kept for the time that a dead connection takes to be noticed, too
	assert.Equal(t, r.event(), "e1")
	r.cut()
	assert.Equal(t, assert.Receive(t, expired), r.sid)
	r.come()
	assert.True(t, !r.recovered)
}

// The connection is being closed, and its client has not come for that yet: what is emitted
// is kept, and that is not an error.
func TestEmitWhileTheConnectionCloses(t *testing.T) {
	srv, url := start(t, &socketio.Options{Recovery: &socketio.Recovery{}})
	poll, _ := polling(t, url)
	var answer struct{ SID, PID string }
	assert.NoError(t, json.Unmarshal([]byte(poll()[2:]), &answer))
	s := socketOf(t, srv, answer.SID)
	s.Conn().Close()
	assert.NoError(t, s.Emit("e", 1))
	assert.ErrorIs(t, s.Volatile().Emit("e", 2), socketio.ErrClosed)
	poll()
	assert.Eventually(t, func() bool { return !s.Connected() })
	assert.ErrorIs(t, s.Emit("e", 3), socketio.ErrClosed)
	r := &returner{t: t, url: url, sid: answer.SID, pid: answer.PID}
	r.come()
	assert.True(t, r.recovered)
	assert.NoError(t, srv.To(r.sid).Emit("e", 4))
	assert.Equal(t, r.event(), "e1")
	assert.Equal(t, r.event(), "e4")
}

// Much was sent to others since the last event that the client has, and one to it, which
// got lost: that one is kept.
func TestRecoveryOfTheQuietAmongTheBusy(t *testing.T) {
	srv, r, ended := recovering(t, &socketio.Options{Recovery: &socketio.Recovery{MaxEvents: 10}})
	others := func(n int) {
		for range n {
			assert.NoError(t, srv.To("others").Emit("x"))
		}
	}
	assert.NoError(t, srv.To(r.sid).Emit("e", 1))
	assert.Equal(t, r.event(), "e1")
	for n := range 20 { // time and again
		others(30)
		assert.NoError(t, srv.To(r.sid).Emit("e", 2+n))
		others(5)
		r.cut()
		assert.Receive(t, ended)
		r.come()
		assert.True(t, r.recovered, n)
		assert.Equal(t, r.event(), fmt.Sprint("e", 2+n))
	}

	// Not where it was let go.
	assert.NoError(t, srv.To(r.sid).Emit("e", 22))
	others(10)
	r.cut()
	assert.Receive(t, ended)
	r.come()
	assert.True(t, !r.recovered)
}

// Who leaves while it is being restored does not come back, and that is told.
func TestSessionsOfThoseWhoLeaveWhileComingBack(t *testing.T) {
	srv, r, ended := recovering(t, &socketio.Options{Recovery: &socketio.Recovery{RunMiddlewares: true}})
	expired := make(chan string, 1)
	srv.OnSessionExpired(func(_ context.Context, s *socketio.ExpiredSession) error { expired <- s.Socket; return nil })
	srv.Use(func(ctx context.Context, _ *socketio.Socket) error {
		<-ctx.Done() // until it has left
		return nil
	})
	r.cut()
	assert.Receive(t, ended)
	c := dial(t, r.url)
	c.send(`40{"pid":"` + r.pid + `"}`)
	c.send("41")
	assert.Equal(t, assert.Receive(t, expired), r.sid)
}

// What a middleware decides for a client that comes back holds.
func TestMiddlewaresMayTakeRoomsAway(t *testing.T) {
	srv, r, ended := recovering(t, &socketio.Options{Recovery: &socketio.Recovery{RunMiddlewares: true}})
	socketOf(t, srv, r.sid).Join("den", "vault")
	srv.Use(func(_ context.Context, s *socketio.Socket) error {
		s.Leave("vault")
		return nil
	})
	r.cut()
	assert.Receive(t, ended)
	assert.NoError(t, srv.To("vault").Emit("e", 1)) // it was there
	r.come()
	assert.True(t, r.recovered)
	assert.Equal(t, r.event(), "e1")
	assert.Equal(t, socketOf(t, srv, r.sid).Rooms(), []string{r.sid, "den"})
	assert.NoError(t, srv.To("vault").Emit("e", 2))
	assert.NoError(t, srv.To("den").Emit("e", 3))
	assert.Equal(t, r.event(), "e3")
}

// Who leaves while it is coming back, and asks again, is answered once.
func TestNoAnswerForThoseWhoLeftWhileComingBack(t *testing.T) {
	srv, r, ended := recovering(t, &socketio.Options{Recovery: &socketio.Recovery{RunMiddlewares: true}})
	entered, held, returned := make(chan struct{}, 1), make(chan struct{}), make(chan struct{}, 1)
	srv.Use(func(_ context.Context, s *socketio.Socket) error {
		if s.Recovered() {
			entered <- struct{}{}
			<-held
			returned <- struct{}{}
		}
		return nil
	})
	r.cut()
	assert.Receive(t, ended)
	c := dial(t, r.url)
	c.send(`40{"pid":"` + r.pid + `"}`)
	assert.Receive(t, entered)
	c.send("41")
	sid := c.connect("/", "")
	assert.True(t, sid != r.sid)
	close(held)
	assert.Receive(t, returned)
	for range 20 { // an answer too many would come in between
		assert.NoError(t, srv.To(sid).Emit("e"))
		assert.True(t, strings.HasPrefix(c.read(), `42["e",`))
	}
}
