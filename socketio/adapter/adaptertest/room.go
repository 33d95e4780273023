package adaptertest

import (
	"testing"

	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/socketio/adapter"
)

var roomTests = map[string]func(*testing.T, *suite){
	"Join/here and elsewhere":       joinEverywhere,
	"Join/before a broadcast":       joinThenBroadcast,
	"Leave/here and elsewhere":      leaveEverywhere,
	"Disconnect/here and elsewhere": disconnectEverywhere,
}

func joinEverywhere(t *testing.T, s *suite) {
	members, others := s.everywhere("a"), s.everywhere("b")
	all := append(append([]Socket{}, members...), others...)
	from := s.servers[0]
	assert.NoError(t, from.Adapter().Join(room("a"), []string{"x", "y", "a"}))
	assert.NoError(t, from.Adapter().Join(room(others[len(others)-1].ID()), []string{"z"}))
	s.fence(t, from, all...)
	for _, socket := range members {
		assert.Equal(t, sorted(socket.Rooms()), sorted([]string{"a", "x", "y", socket.ID()}))
	}
	for i, socket := range others {
		want := []string{"b", socket.ID()}
		if i == len(others)-1 {
			want = append(want, "z")
		}
		assert.Equal(t, sorted(socket.Rooms()), sorted(want))
	}
	// A room that is new on a node is heard there at once, also where the broker knows
	// rooms.
	last := s.servers[len(s.servers)-1]
	assert.Eventually(t, func() bool {
		assert.NoError(t, last.Adapter().Broadcast(event("x"), room("x"), adapter.Flags{}))
		for _, socket := range members {
			if len(received(socket)) == 0 {
				return false
			}
		}
		return true
	})
}

// joinThenBroadcast changes rooms and broadcasts to them, over and over: each broadcast
// must find the rooms as they were when it was sent.
func joinThenBroadcast(t *testing.T, s *suite) {
	const rounds = 50
	sockets := s.everywhere("all")
	a := s.servers[0].Adapter()
	var want []string
	for i := range rounds {
		in, out := event("in", i), event("out", i)
		assert.NoError(t, a.Join(room("all"), []string{"r"}))
		assert.NoError(t, a.Broadcast(in, adapter.Target{Rooms: []string{"all"}, Except: []string{"other"}}, adapter.Flags{}))
		assert.NoError(t, a.Broadcast(event("not"), adapter.Target{Except: []string{"r"}}, adapter.Flags{}))
		assert.NoError(t, a.Leave(room("r"), []string{"r"}))
		assert.NoError(t, a.Broadcast(out, adapter.Target{Rooms: []string{"all"}, Except: []string{"r"}}, adapter.Flags{}))
		want = append(want, string(in.Data), string(out.Data))
	}
	s.fence(t, s.servers[0], sockets...)
	for _, socket := range sockets {
		assert.Equal(t, received(socket), want)
	}
}

func leaveEverywhere(t *testing.T, s *suite) {
	sockets := s.everywhere("a", "b", "c")
	spared := s.everywhere("a", "b", "spared")
	from := s.servers[len(s.servers)-1]
	assert.NoError(t, from.Adapter().Leave(adapter.Target{Rooms: []string{"a"}, Except: []string{"spared"}}, []string{"b", "c", "never"}))
	s.fence(t, from, append(append([]Socket{}, sockets...), spared...)...)
	for _, socket := range sockets {
		assert.Equal(t, sorted(socket.Rooms()), sorted([]string{"a", socket.ID()}))
	}
	for _, socket := range spared {
		assert.Equal(t, sorted(socket.Rooms()), sorted([]string{"a", "b", "spared", socket.ID()}))
	}
}

func disconnectEverywhere(t *testing.T, s *suite) {
	out, in := s.everywhere("out"), s.everywhere("in")
	for i, closeConnection := range []bool{false, true} {
		from := s.servers[i%len(s.servers)]
		assert.NoError(t, from.Adapter().Disconnect(room("out"), closeConnection))
		for _, socket := range out {
			assert.Eventually(t, func() bool { return socket.Rooms() == nil })
		}
		s.fence(t, from, in...)
		for _, socket := range in {
			assert.True(t, socket.Rooms() != nil, "disconnected another one")
		}
		out = s.everywhere("out")
	}
}
