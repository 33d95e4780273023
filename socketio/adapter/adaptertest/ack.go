package adaptertest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/socketio/adapter"
)

var ackTests = map[string]func(*testing.T, *suite){
	"BroadcastWithAck/all answer":      ackAll,
	"BroadcastWithAck/nobody there":    ackNobody,
	"BroadcastWithAck/missing answers": ackMissing,
	"BroadcastWithAck/a socket leaves": ackGone,
	"BroadcastWithAck/late answers":    ackLate,
	"BroadcastWithAck/stopped early":   ackCancelled,
	"BroadcastWithAck/shapes":          ackShapes,
	"BroadcastWithAck/in parallel":     ackParallel,
}

// own answers with the socket's own id.
func own(s Socket) func(Event) ([]byte, [][]byte) {
	answer := array(s.ID())
	return func(Event) ([]byte, [][]byte) { return answer, nil }
}

// named checks that answers that carry a name carry the right one.
func named(t *testing.T, answers []adapter.Answer) {
	t.Helper()
	for _, a := range answers {
		if a.Socket != "" {
			assert.Equal(t, normal(string(a.Data)), string(array(a.Socket)))
		}
	}
}

func answersOf(sockets ...Socket) []string {
	var list []string
	for _, s := range sockets {
		list = append(list, string(array(s.ID())))
	}
	return sorted(list)
}

func ackAll(t *testing.T, s *suite) {
	members, others := append(s.everywhere("r"), s.everywhere("r")...), s.everywhere("r", "spared")
	for _, socket := range append(slices.Clone(members), others...) {
		socket.Answer(own(socket))
	}
	target := adapter.Target{Rooms: []string{"r"}, Except: []string{"spared"}}
	for i, server := range s.servers {
		var acks adapter.Acks
		e := event("ask", i)
		assert.NoError(t, server.Adapter().BroadcastWithAck(soon(t), e, target, adapter.Flags{}, &acks))
		assert.Equal(t, acks.Expected, len(members))
		assert.Equal(t, dataOf(acks.Answers), answersOf(members...))
		named(t, acks.Answers)
		ids, count := acks.Missing()
		assert.Equal(t, len(ids), 0)
		assert.Equal(t, count, 0)
		for _, socket := range members {
			assert.True(t, slices.Contains(received(socket), string(e.Data)))
		}
	}
	for _, socket := range others {
		assert.Equal(t, received(socket), []string{})
	}
}

func ackNobody(t *testing.T, s *suite) {
	s.everywhere("r")
	var acks adapter.Acks
	err := s.servers[0].Adapter().BroadcastWithAck(soon(t), event("ask"), room("empty"), adapter.Flags{}, &acks)
	assert.NoError(t, err)
	assert.Equal(t, acks.Expected, 0)
	assert.Equal(t, len(acks.Answers), 0)
}

// ackMissing: sockets that do not answer are told by name where the wire has names, and
// in any case by their number.
func ackMissing(t *testing.T, s *suite) {
	answering, silent := s.everywhere("r"), s.everywhere("r")
	for _, socket := range answering {
		socket.Answer(own(socket))
	}
	var acks adapter.Acks
	err := s.servers[0].Adapter().BroadcastWithAck(briefly(t), event("ask"), room("r"), adapter.Flags{}, &acks)
	assert.ErrorIs(t, err, context.DeadlineExceeded)
	assert.Equal(t, acks.Expected, len(answering)+len(silent))
	assert.Equal(t, dataOf(acks.Answers), answersOf(answering...))
	ids, count := acks.Missing()
	assert.Equal(t, count, len(silent))
	assert.True(t, slices.Contains(ids, silent[0].ID()), "the local socket is known")
	for _, id := range ids {
		assert.True(t, slices.Contains(idsOf(silent...), id), "missing %s", id)
	}
	assert.Eventually(t, func() bool { return s.forgotten() }, "answers still awaited")
}

// forgotten says whether no fake node waits for answers any more.
func (s *suite) forgotten() bool {
	for _, server := range s.servers {
		if f, ok := server.(*fake); ok && f.pendingAcks() > 0 {
			return false
		}
	}
	return true
}

// ackGone: a socket that disconnects is not waited for.
func ackGone(t *testing.T, s *suite) {
	staying, leaving := s.everywhere("r"), s.servers[0].Connect("r")
	for _, socket := range staying {
		socket.Answer(own(socket))
	}
	asked := make(chan struct{}, 1)
	leaving.Answer(func(Event) ([]byte, [][]byte) {
		asked <- struct{}{}
		return nil, nil
	})
	var acks adapter.Acks
	done := make(chan error, 1)
	go func() {
		done <- s.servers[0].Adapter().BroadcastWithAck(soon(t), event("ask"), room("r"), adapter.Flags{}, &acks)
	}()
	assert.Receive(t, asked)
	leaving.Disconnect()
	assert.NoError(t, assert.Receive(t, done))
	assert.Equal(t, dataOf(acks.Answers), answersOf(staying...))
	ids, count := acks.Missing()
	assert.Equal(t, ids, []string{leaving.ID()})
	assert.Equal(t, count, 1)
}

// ackLate: an answer after the end is nobody's.
func ackLate(t *testing.T, s *suite) {
	ended := make(chan struct{})
	var answered sync.WaitGroup
	sockets := s.everywhere("r")
	answered.Add(len(sockets))
	for _, socket := range sockets {
		socket.Answer(func(Event) ([]byte, [][]byte) {
			defer answered.Done()
			<-ended
			return array("late"), nil
		})
	}
	var acks adapter.Acks
	err := s.servers[0].Adapter().BroadcastWithAck(briefly(t), event("ask"), room("r"), adapter.Flags{}, &acks)
	assert.ErrorIs(t, err, context.DeadlineExceeded)
	close(ended)
	answered.Wait()
	s.fence(t, s.servers[0], sockets...)
	assert.Equal(t, len(acks.Answers), 0) // and no race: nothing writes to it any more
}

// stopper ends the broadcast at the first answer.
type stopper struct {
	adapter.Acks
	stop context.CancelFunc
}

func (s *stopper) Answer(a adapter.Answer) {
	s.Acks.Answer(a)
	s.stop()
}

func ackCancelled(t *testing.T, s *suite) {
	s.everywhere("r") // these never answer
	first := s.servers[len(s.servers)-1].Connect("r")
	first.Answer(own(first))
	ctx, cancel := context.WithCancel(soon(t))
	sink := &stopper{stop: cancel}
	err := s.servers[0].Adapter().BroadcastWithAck(ctx, event("ask"), room("r"), adapter.Flags{}, sink)
	assert.ErrorIs(t, err, context.Canceled)
	assert.Equal(t, dataOf(sink.Answers), answersOf(first))
}

func ackShapes(t *testing.T, s *suite) {
	sockets := s.everywhere("r")
	for _, c := range []struct {
		data        string
		attachments [][]byte
	}{
		{`[]`, nil},
		{`[null]`, nil},
		{`[{"a":"<까치>"}]`, nil},
		{`[{"_placeholder":true,"num":0}]`, [][]byte{{0, 0x7b, 0xff}}},
	} {
		for _, socket := range sockets {
			socket.Answer(func(Event) ([]byte, [][]byte) { return []byte(c.data), c.attachments })
		}
		var acks adapter.Acks
		p := withAttachments("binary question", []byte("?"))
		assert.NoError(t, s.servers[0].Adapter().BroadcastWithAck(soon(t), p, room("r"), adapter.Flags{}, &acks))
		assert.Equal(t, len(acks.Answers), len(sockets))
		for _, a := range acks.Answers {
			if c.data != `[]` || string(a.Data) != `[null]` { // some wires have no way to say nothing
				assert.Equal(t, normal(string(a.Data)), normal(c.data))
			}
			assert.Equal(t, len(a.Attachments), len(c.attachments))
			for i := range a.Attachments {
				assert.Equal(t, a.Attachments[i], c.attachments[i])
			}
		}
	}
}

// ackParallel: answers go to the broadcasts they belong to.
func ackParallel(t *testing.T, s *suite) {
	sockets := s.everywhere("r")
	for _, socket := range sockets {
		socket.Answer(func(e Event) ([]byte, [][]byte) { return []byte(`[` + e.Data + `]`), nil })
	}
	var asking sync.WaitGroup
	for from, server := range s.servers {
		for i := range 20 {
			asking.Go(func() {
				var acks adapter.Acks
				e := event("q", from, i)
				err := server.Adapter().BroadcastWithAck(soon(t), e, room("r"), adapter.Flags{}, &acks)
				if err != nil || len(acks.Answers) != len(sockets) {
					t.Errorf("%d answers, %v", len(acks.Answers), err)
				}
				for _, a := range acks.Answers {
					assert.Equal(t, normal(string(a.Data)), fmt.Sprintf("[%s]", e.Data))
				}
			})
		}
	}
	asking.Wait()
}
