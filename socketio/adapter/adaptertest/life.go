package adaptertest

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/socketio/adapter"
)

var lifeTests = map[string]func(*testing.T, *suite){
	"Close/refuses everything after": closeRefuses,
	"Close/ends what waits":          closeEndsWaiting,
	"Close/leaves no goroutine":      closeLeavesNothing,
	"Concurrent use":                 concurrentUse,
}

// closeRefuses: after Close every method says so, and the node hears nothing more (the
// fake node sees to that).
func closeRefuses(t *testing.T, s *suite) {
	server := s.servers[0]
	a := server.Adapter()
	server.Connect("r")
	server.Close()
	ctx := soon(t)
	_, nodes := a.Nodes(ctx)
	_, sockets := a.Sockets(ctx, everybody)
	_, count := a.Count(ctx, everybody)
	_, rooms := a.Rooms(ctx)
	_, answers := a.ServerSideEmitWithAck(ctx, array("x"), nil)
	for name, err := range map[string]error{
		"Nodes": nodes, "Sockets": sockets, "Count": count, "Rooms": rooms, "ServerSideEmitWithAck": answers,
		"Broadcast":        a.Broadcast(event("x"), everybody, adapter.Flags{}),
		"BroadcastWithAck": a.BroadcastWithAck(ctx, event("x"), everybody, adapter.Flags{}, new(adapter.Acks)),
		"Join":             a.Join(everybody, []string{"x"}),
		"Leave":            a.Leave(everybody, []string{"r"}),
		"Disconnect":       a.Disconnect(everybody, true),
		"ServerSideEmit":   a.ServerSideEmit(array("x"), nil),
	} {
		assert.ErrorIs(t, err, adapter.ErrClosed, name)
	}
	assert.NoError(t, a.Close(ctx), "a second Close")

	// The others go on.
	rest := s.servers[1:]
	for _, other := range rest {
		socket := other.Connect()
		assert.NoError(t, other.Adapter().Broadcast(event("still", 1), room(socket.ID()), adapter.Flags{}))
		gets(t, socket, `["still",1]`)
	}
}

// closeEndsWaiting closes an adapter while requests wait for answers that never come.
func closeEndsWaiting(t *testing.T, s *suite) {
	server := s.servers[0]
	asked := make(chan struct{}, 2*len(s.servers))
	note := func(Event) ([]byte, [][]byte) {
		asked <- struct{}{}
		return nil, nil
	}
	server.Connect("r").Answer(note)
	done := make(chan error, 2)
	ctx := soon(t)
	go func() {
		done <- server.Adapter().BroadcastWithAck(ctx, event("ask"), room("r"), adapter.Flags{}, new(adapter.Acks))
	}()
	assert.Receive(t, asked)
	waiting := 1
	if len(s.servers) > 1 {
		s.servers[1].ServerSide(note)
		go func() {
			_, err := server.Adapter().ServerSideEmitWithAck(ctx, array("ask"), nil)
			done <- err
		}()
		assert.Receive(t, asked)
		waiting++
	}
	server.Close()
	for range waiting {
		assert.ErrorIs(t, assert.Receive(t, done), adapter.ErrClosed)
	}
}

func closeLeavesNothing(t *testing.T, s *suite) {
	if s.ForeignGoroutines {
		t.Skip("others' goroutines come and go")
	}
	s.close()
	before := goleak.IgnoreCurrent()
	for i := range s.links {
		s.servers = append(s.servers, s.Serve(t, namespace, s.links[i].Factory))
	}
	sockets := s.everywhere("r")
	for _, socket := range sockets[1:] {
		socket.Answer(own(socket))
	}
	s.fence(t, s.servers[0], sockets...)
	_, _ = s.servers[0].Adapter().Sockets(soon(t), everybody)
	var acks adapter.Acks
	_ = s.servers[0].Adapter().BroadcastWithAck(briefly(t), event("ask"), room("r"), adapter.Flags{}, &acks)
	s.close()
	assert.NoError(t, goleak.Find(before))
}

// concurrentUse does everything at once, for the race detector, and expects order to
// return.
func concurrentUse(t *testing.T, s *suite) {
	const rounds = 15
	for _, server := range s.servers {
		server.ServerSide(func(Event) ([]byte, [][]byte) { return array("yes"), nil })
	}
	var using sync.WaitGroup
	for i, server := range s.servers {
		a := server.Adapter()
		mine := fmt.Sprint("room ", i)
		use := func(f func(ctx context.Context) error) {
			using.Go(func() {
				for range rounds {
					if err := f(soon(t)); err != nil {
						t.Errorf("node %d: %v", i, err)
					}
				}
			})
		}
		use(func(context.Context) error { return a.Broadcast(event("b"), room(mine, "r"), adapter.Flags{}) })
		use(func(context.Context) error { return a.Join(room("r"), []string{mine}) })
		use(func(context.Context) error { return a.Leave(room(mine), []string{mine}) })
		use(func(context.Context) error { return a.Disconnect(room("leaving"), false) })
		use(func(context.Context) error { return a.ServerSideEmit(array("e"), nil) })
		use(func(ctx context.Context) error { _, err := a.Sockets(ctx, room("r")); return err })
		use(func(ctx context.Context) error { _, err := a.Rooms(ctx); return err })
		use(func(ctx context.Context) error { _, err := a.ServerSideEmitWithAck(ctx, array("q"), nil); return err })
		use(func(ctx context.Context) error {
			socket := server.Connect("r", "answering")
			socket.Answer(own(socket))
			defer socket.Disconnect()
			var acks adapter.Acks
			return a.BroadcastWithAck(ctx, event("ask"), room(socket.ID()), adapter.Flags{}, &acks)
		})
		use(func(context.Context) error { server.Connect("r", "leaving"); return nil })
	}
	using.Wait()
	sockets := s.everywhere("r")
	for _, server := range s.servers {
		s.fence(t, server, sockets...)
	}
	n, err := s.servers[0].Adapter().Count(soon(t), room("answering"))
	assert.NoError(t, err)
	assert.Equal(t, n, 0)
}
