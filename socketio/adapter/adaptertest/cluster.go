package adaptertest

import (
	"context"
	"errors"
	"testing"

	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/socketio/adapter"
)

var clusterTests = map[string]func(*testing.T, *suite){
	"Nodes/one leaves":                    nodeLeaves,
	"Nodes/one joins later":               nodeJoins,
	"Nodes/one leaves during a request":   nodeLeavesMeanwhile,
	"Nodes/one dies during a request":     nodeDiesMeanwhile,
	"Nodes/one dies during an ack":        nodeDiesDuringAck,
	"Nodes/one is dead":                   nodeDead,
	"Broker/goes away and returns":        brokerReturns,
	"Broker/goes away during a request":   brokerAwayMeanwhile,
	"Broker/goes away several times over": brokerFlaps,
}

func nodeLeaves(t *testing.T, s *suite) {
	last := len(s.servers) - 1
	sockets := s.everywhere("r")
	s.servers[last].Close()
	s.servers = s.servers[:last]
	s.settle(t, last)
	infos, err := s.servers[0].Adapter().Sockets(soon(t), room("r"))
	assert.NoError(t, err)
	assert.Equal(t, len(infos), last)
	s.fence(t, s.servers[0], sockets[:last]...)
}

func nodeJoins(t *testing.T, s *suite) {
	first := s.servers[0]
	early := s.everywhere("r")
	s.fence(t, first, early...)
	late := s.grow(t)
	s.settle(t, len(s.servers))
	socket := late.Connect("r")
	s.answerWith()

	assert.NoError(t, first.Adapter().Join(room(socket.ID()), []string{"new"}))
	assert.Eventually(t, func() bool { // a new room may take a moment to be heard
		assert.NoError(t, first.Adapter().Broadcast(event("welcome"), room("new"), adapter.Flags{}))
		return len(received(socket)) > 0
	})
	for _, server := range s.servers {
		n, err := server.Adapter().Count(soon(t), room("r"))
		assert.NoError(t, err)
		assert.Equal(t, n, len(s.servers))
		answers, err := server.Adapter().ServerSideEmitWithAck(soon(t), array("q"), nil)
		assert.NoError(t, err)
		assert.Equal(t, len(answers), len(s.servers)-1)
	}
	assert.NoError(t, late.Adapter().Broadcast(event("hello"), room("r"), adapter.Flags{}))
	for _, socket := range early {
		gets(t, socket, `["hello"]`)
	}
}

// silent makes a node note questions and answer none.
func silent(server Server) (asked chan struct{}) {
	asked = make(chan struct{}, 1)
	server.ServerSide(func(Event) ([]byte, [][]byte) {
		select {
		case asked <- struct{}{}:
		default:
		}
		return nil, nil
	})
	return asked
}

type asking struct {
	answers []adapter.Answer
	err     error
}

// ask sends a question and goes on.
func ask(ctx context.Context, server Server) chan asking {
	done := make(chan asking, 1)
	go func() {
		answers, err := server.Adapter().ServerSideEmitWithAck(ctx, array("q"), nil)
		done <- asking{answers, err}
	}()
	return done
}

// nodeLeavesMeanwhile: who leaves in good order is not missed, and nobody waits for it.
func nodeLeavesMeanwhile(t *testing.T, s *suite) {
	s.answerWith()
	last := s.servers[len(s.servers)-1]
	asked := silent(last)
	done := ask(soon(t), s.servers[0])
	assert.Receive(t, asked)
	last.Close()
	got := assert.Receive(t, done)
	assert.NoError(t, got.err)
	assert.Equal(t, len(got.answers), len(s.servers)-2)
}

// kill cuts the last node off.
func (s *suite) kill(t *testing.T) {
	t.Helper()
	s.links[len(s.links)-1].Kill()
}

func (s *suite) needsKill(t *testing.T) {
	t.Helper()
	if s.links[0].Kill == nil {
		t.Skip("the harness cannot kill a node")
	}
}

func nodeDiesMeanwhile(t *testing.T, s *suite) {
	s.needsKill(t)
	s.answerWith()
	asked := silent(s.servers[len(s.servers)-1])
	ctx, cancel := context.WithTimeout(soon(t), 2*impatience)
	defer cancel()
	done := ask(ctx, s.servers[0])
	assert.Receive(t, asked)
	s.kill(t)
	got := assert.Receive(t, done)
	assert.Equal(t, len(got.answers), len(s.servers)-2, "the others' answers")
	missing := assert.ErrorAs[*adapter.MissingNodesError](t, got.err)
	assert.Equal(t, missing.Missing, 1)
	assert.Equal(t, missing.Asked, len(s.servers)-1)
}

func nodeDiesDuringAck(t *testing.T, s *suite) {
	s.needsKill(t)
	sockets := s.everywhere("r")
	last := len(sockets) - 1
	asked := make(chan struct{}, 1)
	for _, socket := range sockets[:last] {
		socket.Answer(own(socket))
	}
	sockets[last].Answer(func(Event) ([]byte, [][]byte) {
		asked <- struct{}{}
		return nil, nil
	})
	ctx, cancel := context.WithTimeout(soon(t), 2*impatience)
	defer cancel()
	var acks adapter.Acks
	done := make(chan error, 1)
	go func() {
		done <- s.servers[0].Adapter().BroadcastWithAck(ctx, event("ask"), room("r"), adapter.Flags{}, &acks)
	}()
	assert.Receive(t, asked)
	s.kill(t)
	assert.True(t, assert.Receive(t, done) != nil, "an answer is missing")
	assert.Equal(t, dataOf(acks.Answers), answersOf(sockets[:last]...))
}

// nodeDead asks a node that has died before, but may not be missed yet.
func nodeDead(t *testing.T, s *suite) {
	s.needsKill(t)
	sockets := s.everywhere("r")
	last := len(sockets) - 1
	s.kill(t)
	ctx, cancel := context.WithTimeout(soon(t), 2*impatience)
	defer cancel()
	infos, err := s.servers[0].Adapter().Sockets(ctx, room("r"))
	var found []string
	for _, info := range infos {
		found = append(found, info.ID)
	}
	assert.Equal(t, sorted(found), idsOf(sockets[:last]...))
	if err != nil {
		assert.Equal(t, assert.ErrorAs[*adapter.MissingNodesError](t, err).Missing, 1)
	}
	s.fence(t, s.servers[0], sockets[:last]...)
}

func (s *suite) needsBroker(t *testing.T) {
	t.Helper()
	if s.cluster.Stop == nil {
		t.Skip("the harness cannot stop the broker")
	}
}

// away stops the broker and waits until a node knows.
func (s *suite) away(t *testing.T) {
	t.Helper()
	s.cluster.Stop()
	for _, server := range s.servers {
		assert.Eventually(t, func() bool {
			_, err := server.Adapter().Nodes(soon(t))
			return err != nil
		})
		if h, ok := server.Adapter().(adapter.Health); ok {
			assert.Eventually(t, func() bool { return errors.Is(h.Health(), adapter.ErrDisconnected) })
		}
	}
}

// back resumes the broker and waits until broadcasts pass in all directions.
func (s *suite) back(t *testing.T) {
	t.Helper()
	s.cluster.Resume()
	s.settle(t, len(s.servers))
	for _, server := range s.servers {
		if h, ok := server.Adapter().(adapter.Health); ok {
			assert.Eventually(t, func() bool { return h.Health() == nil })
		}
	}
}

// brokerReturns: while the broker is away each node serves itself, says what it cannot
// do, and does not wait; when it is back, everything is as before.
func brokerReturns(t *testing.T, s *suite) {
	s.needsBroker(t)
	sockets := s.everywhere("r")
	s.fence(t, s.servers[0], sockets...)
	s.away(t)

	for i, server := range s.servers {
		a := server.Adapter()
		here := event("alone", i)
		assert.ErrorIs(t, a.Broadcast(here, room("r"), adapter.Flags{}), adapter.ErrDisconnected)
		gets(t, sockets[i], string(here.Data))
		assert.ErrorIs(t, a.Join(room("r"), []string{"joined alone"}), adapter.ErrDisconnected)
		assert.Eventually(t, func() bool { return len(sockets[i].Rooms()) == 3 })
		assert.ErrorIs(t, a.ServerSideEmit(array("e"), nil), adapter.ErrDisconnected)

		infos, err := a.Sockets(soon(t), room("r"))
		assert.ErrorAs[*adapter.MissingNodesError](t, err)
		assert.ErrorIs(t, err, adapter.ErrDisconnected)
		assert.Equal(t, len(infos), 1)

		sockets[i].Answer(own(sockets[i]))
		var acks adapter.Acks
		err = a.BroadcastWithAck(soon(t), event("ask", i), room("r"), adapter.Flags{}, &acks)
		assert.ErrorIs(t, err, adapter.ErrDisconnected)
		assert.Equal(t, dataOf(acks.Answers), answersOf(sockets[i]))
	}

	s.back(t)
	for i, server := range s.servers {
		assert.NoError(t, server.Adapter().Broadcast(event("again", i), room("joined alone"), adapter.Flags{}))
		s.fence(t, server, sockets...)
	}
	for i, socket := range sockets {
		got := received(socket)
		assert.Equal(t, got[0], string(event("alone", i).Data))
		assert.Equal(t, got[1], string(event("ask", i).Data))
		assert.Equal(t, len(got), 2+len(s.servers))
	}
	infos, err := s.servers[0].Adapter().Sockets(soon(t), room("r"))
	assert.NoError(t, err)
	assert.Equal(t, len(infos), len(s.servers))
}

// brokerAwayMeanwhile: nobody waits for answers that the broker has taken with it.
func brokerAwayMeanwhile(t *testing.T, s *suite) {
	s.needsBroker(t)
	asked := silent(s.servers[len(s.servers)-1])
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	defer cancel()
	done := ask(ctx, s.servers[0])
	assert.Receive(t, asked)
	s.cluster.Stop()
	got := assert.Receive(t, done)
	assert.ErrorIs(t, got.err, adapter.ErrDisconnected)
	assert.ErrorAs[*adapter.MissingNodesError](t, got.err)
	s.back(t)
}

func brokerFlaps(t *testing.T, s *suite) {
	s.needsBroker(t)
	sockets := s.everywhere("r")
	for i := range 3 {
		s.away(t)
		s.back(t)
		e := event("round", i)
		assert.NoError(t, s.servers[i%len(s.servers)].Adapter().Broadcast(e, room("r"), adapter.Flags{}))
		for _, socket := range sockets {
			assert.Eventually(t, func() bool { return len(received(socket)) == i+1 })
		}
	}
}
