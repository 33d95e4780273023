package socketio_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kachi-io/kachi/engineio"
	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/socketio"
	"github.com/kachi-io/kachi/socketio/adapter"
)

// pidOf reads the answer to CONNECT: the socket's id, and the private one.
func pidOf(t *testing.T, c *client, name string) (sid, pid string) {
	t.Helper()
	answer, ok := strings.CutPrefix(c.read(), "40"+name+",")
	assert.True(t, ok, answer)
	var shown struct{ SID, PID string }
	assert.NoError(t, json.Unmarshal([]byte(answer), &shown))
	return shown.SID, shown.PID
}

// A namespace stays for those who may come back to it, and goes when they are given up.
func TestComingBackToADynamicNamespace(t *testing.T) {
	told := newRecord()
	options := &socketio.Options{
		Recovery: &socketio.Recovery{Window: time.Minute},
		Hooks: socketio.Hooks{
			NamespaceCreated: func(*socketio.Namespace) { told.add("created") },
			NamespaceRemoved: func(*socketio.Namespace) { told.add("removed") },
			Recovered:        func(_ *socketio.Socket, n int) { told.add("recovered %d", n) },
			NotRecovered:     func(s *socketio.Socket) { told.add("not recovered %s", s.Namespace().Name()) },
		},
	}
	faked(t, options, func(t *testing.T, srv fakedHost) {
		asked := 0
		rooms := srv.DynamicFunc("rooms", func(_ context.Context, name string, _ *engineio.Handshake, _ json.RawMessage) (map[string]string, error) {
			asked++
			return map[string]string{"id": name[1:]}, nil
		}, &socketio.DynamicOptions{MaxNamespaces: 1})
		rooms.OnSessionExpired(func(_ context.Context, s *socketio.ExpiredSession) error {
			told.add("expired %s", s.Namespace.Param("id"))
			return s.Namespace.Emit("expired", s.Socket) // it is there still
		})
		c := srv.dial()
		c.send("40/a,")
		sid, pid := pidOf(t, c, "/a")
		told.expect(t, "created")
		child, _ := rooms.Child("/a")
		c.gone()
		offset := ""
		for range 3 { // again and again
			synctest.Wait()
			time.Sleep(59 * time.Second)
			assert.Equal(t, child.Count(), 0)
			assert.NoError(t, rooms.Emit("missed", 1))
			assert.NoError(t, child.Emit("missed", 2))
			other := srv.dial()
			other.send("40/b,") // it is in use
			assert.True(t, strings.Contains(other.read(), "too_many_namespaces"))
			other.gone()
			c = srv.dial()
			c.send(`40/a,{"pid":"` + pid + `"` + offset + `}`)
			again, private := pidOf(t, c, "/a")
			assert.Equal(t, []string{again, private}, []string{sid, pid})
			assert.True(t, strings.HasPrefix(c.read(), `42/a,["missed",1,`))
			position, ok := strings.CutPrefix(c.read(), `42/a,["missed",2,`)
			assert.True(t, ok)
			offset = `,"offset":` + strings.TrimSuffix(position, "]")
			told.expect(t, "recovered 2")
			found, _ := rooms.Child("/a")
			assert.True(t, found == child)
			c.gone()
		}
		synctest.Wait()
		assert.Equal(t, asked, 4) // with those who asked for /b
		time.Sleep(61 * time.Second)
		told.expect(t, "expired a")
		told.expect(t, "removed")
		synctest.Wait()
		atRest(t, srv.Server, rooms)
		assert.Equal(t, srv.Stats().Failed, uint64(0))

		c = srv.dial() // too late
		c.send(`40/a,{"pid":"` + pid + `"}`)
		again, _ := pidOf(t, c, "/a")
		told.expect(t, "not recovered /a")
		told.expect(t, "created")
		assert.True(t, again != sid)
		c.send("41/a,") // who leaves does not come back
		told.expect(t, "removed")
		synctest.Wait()
		atRest(t, srv.Server, rooms)
	})
}

// A session that is given up for another one, and one that shows a position that is not
// kept, let their namespace go as well.
func TestSessionsThatAreGivenUpLetTheirNamespaceGo(t *testing.T) {
	options := &socketio.Options{Recovery: &socketio.Recovery{Window: time.Minute, MaxSessions: 1}}
	faked(t, options, func(t *testing.T, srv fakedHost) {
		rooms := srv.Dynamic("/room-{id}", nil)
		fails := errors.New("fails")
		rooms.OnSessionExpired(func(context.Context, *socketio.ExpiredSession) error { return fails })
		var pids []string
		for range 3 {
			c := srv.dial()
			c.send("40/room-1,")
			_, pid := pidOf(t, c, "/room-1")
			pids = append(pids, pid)
			c.gone()
			synctest.Wait()
		}
		assert.Equal(t, len(rooms.Children()), 1)
		c := srv.dial()
		c.send(`40/room-1,{"pid":"` + pids[2] + `","offset":"nonsense"}`)
		pidOf(t, c, "/room-1")
		synctest.Wait()
		assert.Equal(t, srv.Stats().Expired, uint64(3))
		c.send("41/room-1,")
		synctest.Wait()
		atRest(t, srv.Server, rooms)
	})
}

// Whom a middleware refuses when it comes back gives the session back, and its namespace.
func TestComingBackToADynamicNamespaceAndBeingRefused(t *testing.T) {
	options := &socketio.Options{Recovery: &socketio.Recovery{Window: time.Minute, RunMiddlewares: true}}
	faked(t, options, func(t *testing.T, srv fakedHost) {
		rooms := srv.Dynamic("/room-{id}", nil)
		rooms.Use(func(_ context.Context, s *socketio.Socket) error {
			if strings.Contains(string(s.Auth()), "bad") {
				return socketio.NewError("no", "no")
			}
			return nil
		})
		c := srv.dial()
		c.send("40/room-1,")
		_, pid := pidOf(t, c, "/room-1")
		c.gone()
		synctest.Wait()
		for range 2 {
			c = srv.dial()
			c.send(`40/room-1,{"bad":true,"pid":"` + pid + `"}`)
			assert.True(t, strings.HasPrefix(c.read(), "44"))
			c.gone()
		}
		synctest.Wait()
		assert.True(t, len(rooms.Children()) <= 1)
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		atRest(t, srv.Server, rooms)
	})
}

// With sessions left, Shutdown leaves nothing.
func TestShutdownWithSessionsInDynamicNamespaces(t *testing.T) {
	srv, url := start(t, &socketio.Options{Recovery: &socketio.Recovery{}})
	rooms := srv.Dynamic("/room-{id}", nil)
	for _, name := range []string{"/room-1", "/room-2"} {
		c := dial(t, url)
		c.connect(name, "")
		c.gone()
	}
	assert.Eventually(t, func() bool { return srv.Connections() == 0 })
	assert.Equal(t, len(rooms.Children()), 2)
	assert.NoError(t, srv.Shutdown(t.Context()))
	atRest(t, srv, rooms)
}

func TestDynamicNamespacesNeedALogForRecovery(t *testing.T) {
	memory := true
	srv := socketio.NewServer(&socketio.Options{Recovery: &socketio.Recovery{}, Adapter: func(n adapter.Node) (adapter.Adapter, error) {
		if memory {
			return adapter.NewMemory(n)
		}
		return new(adapters).factory(n)
	}})
	memory = false
	mustPanic(t, "keeps no log", func() { srv.Dynamic("/room-{id}", nil) })
	assert.NoError(t, srv.Shutdown(t.Context()))
}

// Who leaves while it is being restored takes nothing from those who stay.
func TestLeavingADynamicNamespaceWhileComingBack(t *testing.T) {
	options := &socketio.Options{Recovery: &socketio.Recovery{Window: time.Minute, RunMiddlewares: true}}
	faked(t, options, func(t *testing.T, srv fakedHost) {
		rooms := srv.Dynamic("/room-{id}", nil)
		rooms.Use(func(_ context.Context, s *socketio.Socket) error {
			if strings.Contains(string(s.Auth()), "pid") {
				time.Sleep(time.Second)
			}
			return nil
		})
		stays := srv.dial()
		stays.send("40/room-1,")
		pidOf(t, stays, "/room-1")
		c := srv.dial()
		c.send("40/room-1,")
		_, pid := pidOf(t, c, "/room-1")
		c.gone()
		synctest.Wait()
		c = srv.dial()
		c.send(`40/room-1,{"pid":"` + pid + `"}`)
		c.send("41/room-1,")
		time.Sleep(5 * time.Second)
		synctest.Wait()
		assert.Equal(t, srv.Stats().Expired, uint64(1))
		assert.NoError(t, rooms.Emit("e"))
		assert.True(t, strings.HasPrefix(stays.read(), `42/room-1,["e"`))
		assert.Equal(t, len(rooms.Children()), 1)
		c.gone()
		stays.send("41/room-1,")
		synctest.Wait()
		atRest(t, srv.Server, rooms)
	})
}
