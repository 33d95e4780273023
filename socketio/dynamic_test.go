package socketio_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kachi-io/kachi/engineio"
	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/socketio"
	"github.com/kachi-io/kachi/socketio/adapter"
)

// adapters counts those that run, and makes them fail or wait where a test wants it.
type adapters struct {
	running, started atomic.Int32
	start            atomic.Pointer[func(ctx context.Context, namespace string) error]
	close            atomic.Pointer[func(namespace string)]
}

func (a *adapters) factory(n adapter.Node) (adapter.Adapter, error) {
	m, err := adapter.NewMemory(n)
	return &watched{Adapter: m, of: a, name: n.Namespace()}, err
}

type watched struct {
	adapter.Adapter
	of   *adapters
	name string
}

func (w *watched) Start(ctx context.Context) error {
	w.of.started.Add(1)
	if f := w.of.start.Load(); f != nil {
		if err := (*f)(ctx, w.name); err != nil {
			return err
		}
	}
	w.of.running.Add(1)
	return w.Adapter.Start(ctx)
}

func (w *watched) Close(ctx context.Context) error {
	if f := w.of.close.Load(); f != nil {
		(*f)(w.name)
	}
	w.of.running.Add(-1)
	return w.Adapter.Close(ctx)
}

// atRest waits until no dynamic namespace is left, and checks that nothing else of one is.
func atRest(t testing.TB, srv *socketio.Server, d *socketio.Dynamic) {
	t.Helper()
	assert.Eventually(t, func() bool { return len(socketio.Names(srv)) == 1 })
	stats := srv.Stats()
	assert.Equal(t, stats.DynamicNamespaces, 0)
	assert.Equal(t, stats.NamespacesCreated, stats.NamespacesRemoved)
	assert.Equal(t, len(d.Children()), 0)
	assert.Equal(t, socketio.Opened(d), 0)
}

func mustPanic(t *testing.T, why string, f func()) {
	t.Helper()
	defer func() {
		t.Helper()
		v := recover()
		assert.True(t, v != nil && strings.Contains(fmt.Sprint(v), why), "panic: %v", v)
	}()
	f()
}

func TestADynamicNamespace(t *testing.T) {
	told := newRecord()
	a := new(adapters)
	srv, url := start(t, &socketio.Options{Adapter: a.factory, Hooks: socketio.Hooks{
		NamespaceCreated: func(ns *socketio.Namespace) { told.add("created %s", ns.Name()) },
		Connected:        func(s *socketio.Socket) { told.add("connected %s", s.Namespace().Name()) },
		Disconnected:     func(s *socketio.Socket, _ socketio.Reason, _ error) { told.add("left %s", s.Namespace().Name()) },
		NamespaceRemoved: func(ns *socketio.Namespace) { told.add("removed %s", ns.Name()) },
	}})
	rooms := srv.Dynamic("/room-{id}", nil)
	rooms.Use(func(_ context.Context, s *socketio.Socket) error {
		told.add("asked %s", s.Namespace().Param("id"))
		assert.ErrorIs(t, s.Namespace().Emit("early"), socketio.ErrNotOpen)
		_, err := s.Namespace().All().Count(t.Context())
		assert.ErrorIs(t, err, socketio.ErrNotOpen)
		assert.Equal(t, s.Namespace().Count(), 0)
		return nil
	})
	rooms.On("where", func(_ context.Context, e *socketio.Event) error {
		ns := e.Socket().Namespace()
		assert.True(t, ns.Dynamic() == rooms)
		return e.Ack(ns.Name(), ns.Param("id"), ns.Param("other"), ns.Params())
	})
	c := dial(t, url)
	c.connect("/room-7", "")
	told.expect(t, "asked 7")
	told.expect(t, "created /room-7")
	told.expect(t, "connected /room-7")
	c.send(`42/room-7,1["where"]`)
	c.expect(`43/room-7,1["/room-7","7","",{"id":"7"}]`)
	child, ok := rooms.Child("room-7")
	assert.True(t, ok && child.Name() == "/room-7")
	assert.Equal(t, a.running.Load(), int32(3)) // "/", the Dynamic's own, the child's
	stats := srv.Stats()
	assert.Equal(t, []int{stats.DynamicNamespaces, stats.Sockets, int(stats.NamespacesCreated), int(stats.NamespacesRemoved)}, []int{1, 1, 1, 0})

	c.send("41/room-7,")
	told.expect(t, "left /room-7")
	told.expect(t, "removed /room-7")
	atRest(t, srv, rooms)
	assert.Equal(t, a.running.Load(), int32(2))
	assert.ErrorIs(t, child.Emit("late"), adapter.ErrClosed)
	assert.ErrorIs(t, child.Local().Emit("late"), adapter.ErrClosed)
	_, ok = rooms.Child("/room-7")
	assert.True(t, !ok)

	c.connect("/room-7", "") // another one
	again, _ := rooms.Child("/room-7")
	assert.True(t, again != child)
	c.send(`42/room-7,2["where"]`)
	c.expect(`43/room-7,2["/room-7","7","",{"id":"7"}]`)
	assert.Equal(t, srv.Param("id"), "")
	assert.True(t, srv.Params() == nil)
	assert.True(t, srv.Namespace.Dynamic() == nil)
}

func TestNamesThatNothingMatches(t *testing.T) {
	srv, url := start(t, nil)
	rooms := srv.Dynamic("/room-{id}", &socketio.DynamicOptions{MaxNameLength: 20})
	srv.DynamicFunc("tenants", func(context.Context, string, *engineio.Handshake, json.RawMessage) (map[string]string, error) {
		return nil, socketio.ErrNoNamespace
	}, &socketio.DynamicOptions{MaxNameLength: 30})
	c := dial(t, url)
	for _, name := range []string{
		"/room-", "/room", "/room-7/x", "/Room-7", "/room-{id}", "/{tenants}",
		"/room-" + strings.Repeat("x", 15), "/room-" + strings.Repeat("x", 100),
	} {
		c.send("40" + name + ",")
		c.expect("44" + name + `,{"message":"Invalid namespace"}`)
	}
	c.connect("/room-"+strings.Repeat("x", 14), "")
	assert.Equal(t, len(rooms.Children()), 1)
	assert.Eventually(t, func() bool { return srv.Stats().Refused == 8 }) // a client may hear first
	assert.Equal(t, srv.Stats().Failed, uint64(0))
	assert.Eventually(t, func() bool { return len(socketio.Names(srv)) == 2 })
}

func TestRegisteringDynamicNamespaces(t *testing.T) {
	srv, _ := start(t, nil)
	none := func(context.Context, string, *engineio.Handshake, json.RawMessage) (map[string]string, error) {
		return nil, nil
	}
	srv.Dynamic("/room-{id}", nil)
	srv.DynamicFunc("tenants", none, nil)
	mustPanic(t, "no parameter", func() { srv.Dynamic("/room", nil) })
	mustPanic(t, "registered already", func() { srv.Dynamic("/room-{id}", nil) })
	mustPanic(t, "registered already", func() { srv.Dynamic("/room-{other}", nil) })
	mustPanic(t, "registered already", func() { srv.DynamicFunc("tenants", none, nil) })
	mustPanic(t, "no function", func() { srv.DynamicFunc("other", nil, nil) })
	mustPanic(t, "slashes or braces", func() { srv.DynamicFunc("/other", none, nil) })
	mustPanic(t, "empty", func() { srv.DynamicFunc("", none, nil) })
	mustPanic(t, "negative", func() { srv.Dynamic("/x-{id}", &socketio.DynamicOptions{MaxNamespaces: -1}) })
	mustPanic(t, "have that name", func() { srv.Of("/{tenants}") })
	srv.Of("/y-{id}")
	mustPanic(t, "a namespace has that name", func() { srv.Dynamic("/y-{id}", nil) })
	mustPanic(t, "register it there", func() {
		srv.Of("/room-7").On("x", func(context.Context, *socketio.Event) error { return nil })
	})
}

// Who registers first is asked first; a namespace by name goes before all.
func TestWhoHasAName(t *testing.T) {
	srv, url := start(t, nil)
	say := func(d *socketio.Namespace, who string) {
		d.On("who", func(_ context.Context, e *socketio.Event) error { return e.Ack(who) })
	}
	say(srv.Of("/room-of"), "of")
	say(srv.Dynamic("/room-{id}", nil).Namespace, "first")
	say(srv.DynamicFunc("func", func(_ context.Context, name string, _ *engineio.Handshake, _ json.RawMessage) (map[string]string, error) {
		if !strings.Contains(name, "room") {
			return nil, fmt.Errorf("not mine: %w", socketio.ErrNoNamespace)
		}
		return map[string]string{"by": "func"}, nil
	}, nil).Namespace, "func")
	say(srv.Dynamic("/{kind}-{id}", nil).Namespace, "last")
	c := dial(t, url)
	for name, who := range map[string]string{
		"/room-of": "of", "/room-7": "first", "/bedroom-7": "func", "/bed-7": "last",
	} {
		c.connect(name, "")
		c.send("42" + name + `,1["who"]`)
		c.expect("43" + name + `,1["` + who + `"]`)
	}
}

// Of makes the pattern's own, which stays; it keeps one that is there.
func TestOfANameThatMatches(t *testing.T) {
	a := new(adapters)
	srv, url := start(t, &socketio.Options{Adapter: a.factory})
	rooms := srv.Dynamic("/room-{id}", &socketio.DynamicOptions{MaxNamespaces: 2})
	rooms.On("x", func(_ context.Context, e *socketio.Event) error { return e.Ack(e.Socket().Namespace().Param("id")) })
	seven := srv.Of("/room-7")
	assert.True(t, srv.Of("room-7") == seven && seven.Dynamic() == rooms && seven.Param("id") == "7")
	c := dial(t, url)
	c.connect("/room-7", "")
	c.send(`42/room-7,1["x"]`)
	c.expect(`43/room-7,1["7"]`)
	c.connect("/room-8", "")
	eight := srv.Of("/room-8")
	kept, _ := rooms.Child("/room-8")
	assert.True(t, eight == kept)
	srv.Of("/room-9") // the application's own are not refused, but count
	c.send("40/room-10,")
	c.expect(`44/room-10,{"message":"Too many namespaces at once","data":{"status":"error","code":"too_many_namespaces","message":"Too many namespaces at once"}}`)
	c.gone()
	assert.Eventually(t, func() bool { return srv.Connections() == 0 && len(socketio.Names(srv)) == 4 })
	assert.NoError(t, seven.Emit("still"))
	assert.NoError(t, eight.Emit("still"))
	assert.Equal(t, len(rooms.Children()), 3)

	var wg sync.WaitGroup // all get the same
	got := make([]*socketio.Namespace, 20)
	for i := range got {
		wg.Go(func() { got[i] = srv.Of("/room-new") })
	}
	wg.Wait()
	assert.Equal(t, len(slices.Compact(got)), 1)

	failure := func(context.Context, string) error { return errors.New("no broker") }
	a.start.Store(&failure)
	mustPanic(t, "no broker", func() { srv.Of("/room-fails") })
	assert.Equal(t, len(socketio.Names(srv)), 5)
}

func TestVisit(t *testing.T) {
	a := new(adapters)
	srv, url := start(t, &socketio.Options{Adapter: a.factory})
	rooms := srv.Dynamic("/room-{id}", &socketio.DynamicOptions{MaxNamespaces: 1})
	srv.Of("/other")
	err := rooms.Visit(t.Context(), "/room-7", func(_ context.Context, ns *socketio.Namespace) error {
		assert.Equal(t, ns.Param("id"), "7")
		assert.Equal(t, rooms.Visit(t.Context(), "/room-8", nil), error(socketio.NewError("too_many_namespaces", "Too many namespaces at once")))
		return errors.Join(ns.Emit("e"), context.Canceled)
	})
	assert.ErrorIs(t, err, context.Canceled)
	assert.Eventually(t, func() bool { return len(rooms.Children()) == 0 && len(socketio.Names(srv)) == 2 })
	assert.ErrorIs(t, rooms.Visit(t.Context(), "/other", nil), socketio.ErrNoNamespace)

	c := dial(t, url)
	c.connect("/room-7", "")
	assert.NoError(t, rooms.Visit(t.Context(), "room-7", func(_ context.Context, ns *socketio.Namespace) error {
		return ns.Emit("e", 1)
	}))
	c.expect(`42/room-7,["e",1]`)
	c.send("41/room-7,")
	assert.Eventually(t, func() bool { return len(rooms.Children()) == 0 && len(socketio.Names(srv)) == 2 })

	waits := func(ctx context.Context, _ string) error { <-ctx.Done(); return ctx.Err() }
	a.start.Store(&waits)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	assert.ErrorIs(t, rooms.Visit(ctx, "/room-7", nil), context.Canceled)
	a.start.Store(nil)
}

// A broker that does not answer holds Shutdown up only for those who still wait for it.
func TestShutdownGivesUpWhatNobodyWaitsFor(t *testing.T) {
	a := new(adapters)
	begun := make(chan struct{}, 10)
	waits := func(ctx context.Context, _ string) error { begun <- struct{}{}; <-ctx.Done(); return ctx.Err() }
	srv, url := start(t, &socketio.Options{Adapter: a.factory, ConnectTimeout: time.Hour})
	rooms := srv.Dynamic("/room-{id}", nil)
	a.start.Store(&waits)
	ctx, cancel := context.WithCancel(t.Context())
	visited := make(chan error, 1)
	go func() { visited <- rooms.Visit(ctx, "/room-1", nil) }()
	assert.Receive(t, begun)
	cancel()
	assert.ErrorIs(t, assert.Receive(t, visited), context.Canceled)
	c := dial(t, url)
	c.send("40/room-2,") // its middleware ends with its connection
	assert.Receive(t, begun)
	ctx, cancel = context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	assert.NoError(t, srv.Shutdown(ctx))
	assert.Equal(t, len(rooms.Children()), 0)
}

func TestLateRegistrationsHoldForAllChildren(t *testing.T) {
	srv, url := start(t, nil)
	rooms := srv.Dynamic("/room-{id}", nil)
	c := dial(t, url)
	c.connect("/room-1", "")
	c.connect("/room-2", "")
	seen := newRecord()
	rooms.UseEvent(func(next socketio.Handler) socketio.Handler {
		return func(ctx context.Context, e *socketio.Event) error { seen.add("use %s", e.Name()); return next(ctx, e) }
	})
	rooms.OnAny(func(_ context.Context, e *socketio.Event) error { seen.add("any %s", e.Name()); return nil })
	rooms.On("late", func(_ context.Context, e *socketio.Event) error { return e.Ack("yes") })
	rooms.OnDisconnecting(func(_ context.Context, s *socketio.Socket, _ socketio.Reason) error {
		seen.add("leaving %s", s.Namespace().Param("id"))
		return nil
	})
	rooms.OnDisconnect(func(_ context.Context, s *socketio.Socket, _ socketio.Reason) error {
		seen.add("left %s", s.Namespace().Param("id"))
		return nil
	})
	for _, name := range []string{"1", "2"} {
		c.send("42/room-" + name + `,1["late"]`)
		c.expect("43/room-" + name + `,1["yes"]`)
		seen.expect(t, "any late")
		seen.expect(t, "use late")
		c.send("41/room-" + name + ",")
		seen.expect(t, "leaving "+name)
		seen.expect(t, "left "+name)
	}
	mustPanic(t, "handler for", func() { rooms.On("late", nil) })
}

func TestAFunctionDecides(t *testing.T) {
	srv, url := start(t, &socketio.Options{ConnectTimeout: 20 * short})
	asked := newRecord()
	release := make(chan struct{})
	d := srv.DynamicFunc("tenants", func(ctx context.Context, name string, h *engineio.Handshake, auth json.RawMessage) (map[string]string, error) {
		asked.add("%s %s %s", name, h.Query().Get("EIO"), auth)
		switch {
		case strings.Contains(string(auth), "wait"):
			<-release
		case strings.Contains(string(auth), "forever"):
			<-ctx.Done()
			return nil, ctx.Err()
		case strings.Contains(string(auth), "panic"):
			panic("match")
		case strings.Contains(string(auth), "error"):
			return nil, errors.New("secret")
		case strings.Contains(string(auth), "refuse"):
			return nil, &socketio.Error{Code: "unauthorized", Message: "Sign in first", Details: 7}
		case strings.Contains(string(auth), "none"):
			return nil, socketio.ErrNoNamespace
		}
		return map[string]string{"org": strings.TrimPrefix(name, "/")}, nil
	}, nil)
	d.On("who", func(_ context.Context, e *socketio.Event) error { return e.Ack(e.Socket().Namespace().Param("org")) })
	c := dial(t, url)
	for range 2 { // also when the namespace exists: every client is asked about
		for what, want := range map[string]string{
			"refuse": `{"message":"Sign in first","data":{"status":"error","code":"unauthorized","message":"Sign in first","details":7}}`,
			"error":  `{"message":"Internal error","data":{"status":"error","code":"internal","message":"Internal error"}}`,
			"panic":  `{"message":"Internal error","data":{"status":"error","code":"internal","message":"Internal error"}}`,
			"none":   `{"message":"Invalid namespace"}`,
		} {
			c.send(`40/acme,{"as":"` + what + `"}`)
			c.expect("44/acme," + want)
			asked.expect(t, `/acme 4 {"as":"`+what+`"}`)
		}
		if len(d.Children()) == 0 {
			assert.Eventually(t, func() bool { return len(socketio.Names(srv)) == 1 })
			other := dial(t, url)
			other.connect("/acme", "")
			asked.expect(t, "/acme 4 {}")
		}
	}
	// What the client sends at once waits; another namespace of the connection does not.
	c.send(`40/acme,{"as":"wait"}`)
	c.send(`42/acme,5["who"]`)
	c.connect("/other", "")
	c.send("40/acme,")
	c.expectClosed() // twice
	close(release)

	c = dial(t, url)
	c.send(`40/acme,{"as":"wait"}`)
	c.send(`42/acme,5["who"]`)
	assert.True(t, strings.HasPrefix(c.read(), `40/acme,{"sid"`))
	c.expect(`43/acme,5["acme"]`)
	c.send(`40/late,{"as":"forever"}`)
	c.expect(`44/late,{"message":"Internal error","data":{"status":"error","code":"internal","message":"Internal error"}}`)
}

// A hundred at once: one namespace, one adapter.
func TestManyCreateOneNamespace(t *testing.T) {
	a := new(adapters)
	srv, url := start(t, &socketio.Options{Adapter: a.factory})
	rooms := srv.Dynamic("/room-{id}", nil)
	var mu sync.Mutex
	spaces := map[*socketio.Namespace]int{}
	rooms.OnConnect(func(_ context.Context, s *socketio.Socket) error {
		mu.Lock()
		spaces[s.Namespace()]++
		mu.Unlock()
		return nil
	})
	before := a.started.Load()
	var wg sync.WaitGroup
	clients := make([]*client, 100)
	for i := range clients {
		clients[i] = dial(t, url)
	}
	for _, c := range clients {
		wg.Go(func() { c.connect("/room-7", "") })
	}
	wg.Wait()
	assert.Eventually(t, func() bool { return rooms.Count() == 100 })
	assert.Equal(t, a.started.Load()-before, int32(1))
	assert.Equal(t, len(rooms.Sockets()), 100)
	assert.NoError(t, rooms.Emit("all"))
	for _, c := range clients {
		c.expect(`42/room-7,["all"]`)
		c.gone()
	}
	mu.Lock()
	assert.Equal(t, len(spaces), 1)
	mu.Unlock()
	assert.Eventually(t, func() bool { return srv.Connections() == 0 })
	atRest(t, srv, rooms)
}

// Who is not admitted leaves nothing, and takes nobody's place.
func TestRefusedClientsLeaveNothing(t *testing.T) {
	a := new(adapters)
	srv, url := start(t, &socketio.Options{Adapter: a.factory})
	rooms := srv.Dynamic("/room-{id}", &socketio.DynamicOptions{MaxNamespaces: 1})
	release := make(chan struct{})
	rooms.Use(func(_ context.Context, s *socketio.Socket) error {
		if string(s.Auth()) == "{}" {
			<-release
			return socketio.NewError("unauthorized", "Sign in first")
		}
		return nil
	})
	started := a.started.Load()
	flood := dial(t, url)
	const names = 500
	for i := range names {
		flood.send(fmt.Sprintf("40/room-%d,", i))
	}
	flood.send("40/unknown,")
	flood.expect(`44/unknown,{"message":"Invalid namespace"}`)
	c := dial(t, url)
	c.connect("/room-mine", `{"token":"x"}`)
	assert.Equal(t, a.started.Load(), started+1)
	close(release)
	for range names {
		assert.True(t, strings.Contains(flood.read(), "unauthorized"))
	}
	assert.Eventually(t, func() bool { return len(socketio.Names(srv)) == 2 })
	assert.Equal(t, a.started.Load(), started+1)
	c.gone()
	atRest(t, srv, rooms)
}

func TestTooManyNamespaces(t *testing.T) {
	a := new(adapters)
	srv, url := start(t, &socketio.Options{Adapter: a.factory})
	rooms := srv.Dynamic("/room-{id}", &socketio.DynamicOptions{MaxNamespaces: 10})
	release := make(chan struct{})
	waits := func(context.Context, string) error { <-release; return nil }
	a.start.Store(&waits)
	c := dial(t, url)
	for i := range 100 {
		c.send(fmt.Sprintf("40/room-%d,", i))
	}
	for range 90 { // while ten are being made
		assert.True(t, strings.Contains(c.read(), `"code":"too_many_namespaces"`))
	}
	assert.Equal(t, socketio.Opened(rooms), 10)
	close(release)
	for range 10 {
		assert.True(t, strings.Contains(c.read(), `{"sid"`))
	}
	assert.Eventually(t, func() bool { return len(socketio.Names(srv)) == 11 })
	c.send("40/room-more,")
	assert.True(t, strings.Contains(c.read(), `"code":"too_many_namespaces"`))
	for _, ns := range rooms.Children() {
		c.send("41" + ns.Name() + ",")
	}
	atRest(t, srv, rooms)
	c.connect("/room-more", "")
	c.gone()
	atRest(t, srv, rooms)
}

func TestKeptNamespacesCount(t *testing.T) {
	srv, url := start(t, nil)
	rooms := srv.Dynamic("/room-{id}", &socketio.DynamicOptions{MaxNamespaces: 2, Keep: true})
	c := dial(t, url)
	for range 2 {
		for _, name := range []string{"/room-1", "/room-2"} {
			c.connect(name, "")
			c.send("41" + name + ",")
		}
	}
	c.send("40/room-3,")
	assert.True(t, strings.Contains(c.read(), `"code":"too_many_namespaces"`))
	assert.Equal(t, len(rooms.Children()), 2)
	assert.Eventually(t, func() bool { return len(socketio.Names(srv)) == 3 })
	assert.NoError(t, srv.Shutdown(t.Context()))
	atRest(t, srv, rooms)
	assert.ErrorIs(t, rooms.Emit("e"), adapter.ErrClosed)
}
