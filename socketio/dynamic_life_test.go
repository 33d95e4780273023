package socketio_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kachi-io/kachi/engineio"
	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/socketio"
)

const internalError = `{"message":"Internal error","data":{"status":"error","code":"internal","message":"Internal error"}}`

func TestAnAdapterThatFailsToStart(t *testing.T) {
	a := new(adapters)
	told := newRecord()
	srv, url := start(t, &socketio.Options{Adapter: a.factory, Hooks: socketio.Hooks{
		Failed:  func(_ *socketio.Socket, event string, err error) { told.add("failed %s: %v", event, err) },
		Refused: func(_ *engineio.Session, ns string, _ error) { told.add("refused %s", ns) },
	}})
	rooms := srv.Dynamic("/room-{id}", &socketio.DynamicOptions{MaxNamespaces: 1})
	failure := func(context.Context, string) error { return errors.New("no broker") }
	a.start.Store(&failure)
	c := dial(t, url)
	for range 3 {
		c.send("40/room-7,")
		c.expect("44/room-7," + internalError)
		told.expect(t, `failed connect: socketio: namespace "/room-7": no broker`)
		told.expect(t, "refused /room-7")
		atRest(t, srv, rooms)
	}
	panics := func(context.Context, string) error { panic("broker") }
	a.start.Store(&panics)
	c.send("40/room-7,")
	c.expect("44/room-7," + internalError)
	a.start.Store(nil)
	c.connect("/room-7", "") // it is back
	assert.Equal(t, srv.Stats().NamespacesCreated, uint64(1))
}

// While an adapter starts, the connection is read, other namespaces are served, and who
// leaves is not waited for.
func TestAnAdapterThatTakesItsTime(t *testing.T) {
	a := new(adapters)
	srv, url := start(t, &socketio.Options{Adapter: a.factory})
	srv.On("echo", func(_ context.Context, e *socketio.Event) error { return e.Ack() })
	rooms := srv.Dynamic("/room-{id}", nil)
	rooms.On("echo", func(_ context.Context, e *socketio.Event) error { return e.Ack() })
	release := make(chan struct{})
	waits := func(_ context.Context, name string) error {
		if name == "/room-slow" {
			<-release
		}
		return nil
	}
	a.start.Store(&waits)
	c := dial(t, url)
	c.send("40/room-slow,")
	c.send(`42/room-slow,1["echo"]`)
	c.connect("/", "")
	c.send(`421["echo"]`)
	c.expect(`431[]`)
	other := dial(t, url)
	other.connect("/room-quick", "")
	assert.Eventually(t, func() bool { return len(rooms.Children()) == 1 })
	assert.True(t, srv.Of("/another") != nil) // nor does anybody else who makes one
	impatient := dial(t, url)
	impatient.send("40/room-slow,")
	impatient.send("41/room-slow,")
	impatient.connect("/", "")
	close(release)
	assert.True(t, strings.HasPrefix(c.read(), `40/room-slow,{"sid"`))
	c.expect(`43/room-slow,1["echo"]`[:len(`43/room-slow,1`)] + "[]")

	// All who waited have left: what was being made is closed again.
	again, starting := make(chan struct{}), make(chan struct{}, 1)
	waits2 := func(context.Context, string) error { starting <- struct{}{}; <-again; return nil }
	a.start.Store(&waits2)
	c.send("40/room-gone,")
	assert.Receive(t, starting)
	c.send("41/room-gone,")
	c.send(`421["echo"]`)
	c.expect(`431[]`)
	started := a.running.Load()
	close(again)
	assert.Eventually(t, func() bool { return srv.Stats().NamespacesRemoved == 1 })
	assert.Equal(t, a.running.Load(), started)
}

func TestAnAdapterThatNeverStarts(t *testing.T) {
	a := new(adapters)
	faked(t, &socketio.Options{Adapter: a.factory, ConnectTimeout: 5 * time.Second}, func(t *testing.T, srv fakedHost) {
		rooms := srv.Dynamic("/room-{id}", nil)
		forever := func(ctx context.Context, _ string) error { <-ctx.Done(); return ctx.Err() }
		a.start.Store(&forever)
		c := srv.dial()
		c.connect("/", "")
		began := time.Now()
		c.send("40/room-7,")
		c.expect("44/room-7," + internalError)
		expectTook(t, began, 5*time.Second)
		a.start.Store(nil)
		synctest.Wait()
		atRest(t, srv.Server, rooms)
	})
}

// Who comes while the last one's namespace is being closed gets another one, when it is.
func TestAClientThatComesWhileItsNamespaceCloses(t *testing.T) {
	a := new(adapters)
	told := newRecord()
	srv, url := start(t, &socketio.Options{Adapter: a.factory, Hooks: socketio.Hooks{
		NamespaceCreated: func(*socketio.Namespace) { told.add("created") },
		NamespaceRemoved: func(*socketio.Namespace) { told.add("removed") },
	}})
	rooms := srv.Dynamic("/room-{id}", &socketio.DynamicOptions{MaxNamespaces: 1})
	closing, release := make(chan struct{}, 10), make(chan struct{})
	waits := func(name string) {
		if name == "/room-7" {
			closing <- struct{}{}
			<-release
		}
	}
	a.close.Store(&waits)
	c := dial(t, url)
	c.connect("/room-7", "")
	told.expect(t, "created")
	c.send("41/room-7,")
	assert.Receive(t, closing)
	for range 3 { // some do not wait
		c.send("40/room-7,")
		c.send("41/room-7,")
	}
	c.send("40/room-7,")
	c.send("40/room-8,") // the one being closed counts
	assert.True(t, strings.HasPrefix(c.read(), `44/room-8,{"message":"Too many`))
	close(release)
	assert.True(t, strings.HasPrefix(c.read(), `40/room-7,{"sid"`))
	told.expect(t, "removed")
	told.expect(t, "created")
	assert.NoError(t, rooms.Emit("e"))
	c.expect(`42/room-7,["e"]`)
	c.gone()
	told.expect(t, "removed")
	atRest(t, srv, rooms)
}

// Clients come and go at one name, as fast as they can: each that is let in is in a
// namespace that lives.
func TestComingAndGoingAtOneName(t *testing.T) {
	a := new(adapters)
	srv, url := start(t, &socketio.Options{Adapter: a.factory})
	rooms := srv.Dynamic("/room-{id}", &socketio.DynamicOptions{MaxNamespaces: 3})
	rooms.On("echo", func(_ context.Context, e *socketio.Event) error {
		found, ok := rooms.Child(e.Socket().Namespace().Name())
		return errors.Join(e.Socket().Namespace().To(e.Socket().ID()).Emit("self", ok && found == e.Socket().Namespace()), e.Ack())
	})
	rounds := 300
	var wg sync.WaitGroup
	for i := range 6 {
		c := dial(t, url)
		wg.Go(func() {
			for n := range rounds {
				name := fmt.Sprintf("/room-%d", (n+i)%2)
				c.connect(name, "")
				c.send("42" + name + `,1["echo"]`)
				c.expect("42" + name + `,["self",true]`)
				c.expect("43" + name + `,1[]`)
				c.send("41" + name + ",")
			}
		})
	}
	wg.Wait()
	atRest(t, srv, rooms)
	assert.Equal(t, a.running.Load(), int32(2))
	assert.True(t, srv.Stats().NamespacesCreated > 2, "%d", srv.Stats().NamespacesCreated)
}

// The same over random schedules on the fake clock, with adapters that take time to start
// and to close, and middlewares and functions that take time to decide.
func TestComingAndGoingOnAFakeClock(t *testing.T) {
	for seed := range uint64(60) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			var mu sync.Mutex
			rnd := rand.New(rand.NewPCG(seed, 1))
			some := func(limit time.Duration) time.Duration {
				mu.Lock()
				defer mu.Unlock()
				return time.Duration(rnd.Int64N(int64(limit)))
			}
			a := new(adapters)
			var open sync.Map // names, in the cluster
			faked(t, &socketio.Options{Adapter: a.factory}, func(t *testing.T, srv fakedHost) {
				nap := func() { time.Sleep(some(20 * time.Millisecond)) }
				slow := func(_ context.Context, name string) error {
					nap()
					if _, twice := open.LoadOrStore(name, true); twice {
						t.Errorf("%s has two adapters", name)
					}
					return nil
				}
				a.start.Store(&slow)
				slowly := func(name string) { nap(); open.Delete(name) }
				a.close.Store(&slowly)
				rooms := srv.DynamicFunc("rooms", func(_ context.Context, name string, _ *engineio.Handshake, _ json.RawMessage) (map[string]string, error) {
					nap()
					if !strings.HasPrefix(name, "/room-") {
						return nil, socketio.ErrNoNamespace
					}
					return nil, nil
				}, &socketio.DynamicOptions{MaxNamespaces: 2})
				rooms.Use(func(_ context.Context, s *socketio.Socket) error {
					nap()
					if some(4) == 0 {
						return socketio.NewError("no", "no")
					}
					return nil
				})
				var wg sync.WaitGroup
				for range 5 {
					c := srv.dial()
					c.connect("/", "")
					wg.Go(func() {
						for range 20 {
							nap()
							name := fmt.Sprintf("/room-%d", some(3))
							c.send("40" + name + ",")
							if some(3) == 0 { // without waiting for the answer
								c.send("41" + name + ",")
								c.gone()
								c = srv.dial()
								c.connect("/", "")
								continue
							}
							if strings.HasPrefix(c.read(), "40") {
								ns, ok := rooms.Child(name)
								if !ok || ns.Emit("e") != nil {
									t.Errorf("a client was admitted to %s, which is dead", name)
								}
								for c.read() != "42"+name+`,["e"]` {
								}
								nap()
								c.send("41" + name + ",")
								c.send("40/none,")
								for !strings.HasPrefix(c.read(), "44/none,") { // what others sent meanwhile
								}
							}
						}
						c.gone()
					})
				}
				wg.Wait()
				time.Sleep(time.Second)
				synctest.Wait()
				atRest(t, srv.Server, rooms)
			})
		})
	}
}

func TestShutdownWithChildren(t *testing.T) {
	a := new(adapters)
	srv, url := start(t, &socketio.Options{Adapter: a.factory})
	rooms := srv.Dynamic("/room-{id}", &socketio.DynamicOptions{Keep: true})
	users := srv.Dynamic("/user-{id}", nil)
	users.OnDisconnect(func(_ context.Context, s *socketio.Socket, _ socketio.Reason) error {
		return s.Namespace().Emit("left") // the adapter is there still
	})
	for i := range 5 {
		c := dial(t, url)
		c.connect(fmt.Sprintf("/room-%d", i), "")
		c.connect(fmt.Sprintf("/user-%d", i), "")
		if i == 0 {
			c.gone()
		}
	}
	srv.Of("/room-pinned")
	assert.NoError(t, srv.Shutdown(t.Context()))
	assert.Equal(t, a.running.Load(), int32(0))
	assert.Equal(t, srv.Stats().Failed, uint64(0))
	atRest(t, srv, rooms)
	atRest(t, srv, users)
	assert.Equal(t, srv.Stats().NamespacesCreated, uint64(11))
	assert.ErrorIs(t, rooms.Visit(t.Context(), "/room-1", nil), socketio.ErrClosed)
	assert.Equal(t, srv.Of("/room-2").Count(), 0) // as any made after Shutdown
	srv.Dynamic("/late-{id}", nil)
	assert.Equal(t, a.running.Load(), int32(0))
}

// Shutdown's patience ends while a namespace is being made: it is closed when it is.
func TestShutdownWhileANamespaceIsBeingMade(t *testing.T) {
	a := new(adapters)
	srv, url := start(t, &socketio.Options{Adapter: a.factory})
	rooms := srv.Dynamic("/room-{id}", nil)
	release, starting := make(chan struct{}), make(chan struct{}, 1)
	waits := func(context.Context, string) error { starting <- struct{}{}; <-release; return nil }
	a.start.Store(&waits)
	c := dial(t, url)
	c.send("40/room-7,")
	assert.Receive(t, starting)
	ctx, cancel := context.WithTimeout(t.Context(), short)
	defer cancel()
	assert.True(t, srv.Shutdown(ctx) != nil)
	close(release)
	assert.Eventually(t, func() bool { return a.running.Load() == 0 })
	atRest(t, srv, rooms)
}
