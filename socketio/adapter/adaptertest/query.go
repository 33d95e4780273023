package adaptertest

import (
	"context"
	"testing"

	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/socketio/adapter"
)

var queryTests = map[string]func(*testing.T, *suite){
	"Sockets":           querySockets,
	"Count":             queryCount,
	"Rooms":             queryRooms,
	"Queries/cancelled": queryCancelled,
}

func querySockets(t *testing.T, s *suite) {
	first, second := s.everywhere("a", "b"), s.everywhere("b")
	all := append(append([]Socket{}, first...), second...)
	cases := []struct {
		target adapter.Target
		want   []Socket
	}{
		{everybody, all},
		{room("a"), first},
		{room("a", "b"), all},
		{adapter.Target{Rooms: []string{"b"}, Except: []string{"a"}}, second},
		{room(second[0].ID()), second[:1]},
		{room("nobody is here"), nil},
	}
	for _, server := range s.servers {
		for _, c := range cases {
			infos, err := server.Adapter().Sockets(soon(t), c.target)
			assert.NoError(t, err)
			var found []string
			for _, info := range infos {
				found = append(found, info.ID)
				for _, socket := range all {
					if socket.ID() == info.ID {
						assert.Equal(t, sorted(info.Rooms), sorted(socket.Rooms()))
					}
				}
				if _, isFake := server.(*fake); isFake {
					assert.Equal(t, info.Handshake, handshake)
					assert.Equal(t, normal(string(info.Data)), `{"name":"`+info.ID+`"}`)
				}
			}
			assert.Equal(t, sorted(found), idsOf(c.want...), "sockets in %v", c.target)
		}
	}
}

func queryCount(t *testing.T, s *suite) {
	s.everywhere("a", "b")
	for range 3 {
		s.everywhere("b")
	}
	n := len(s.servers)
	for _, server := range s.servers {
		for _, c := range []struct {
			target adapter.Target
			want   int
		}{
			{everybody, 4 * n},
			{room("a"), n},
			{room("a", "b"), 4 * n},
			{adapter.Target{Rooms: []string{"b"}, Except: []string{"a"}}, 3 * n},
			{room("nobody is here"), 0},
		} {
			got, err := server.Adapter().Count(soon(t), c.target)
			assert.NoError(t, err)
			assert.Equal(t, got, c.want, "count of %v", c.target)
		}
	}
}

func queryRooms(t *testing.T, s *suite) {
	want := []string{"42", "shared", "방"}
	s.everywhere("shared")
	s.servers[0].Connect("42")
	s.servers[len(s.servers)-1].Connect("방")
	s.servers[0].Connect() // the room of a socket's own id is not listed
	for _, server := range s.servers {
		rooms, err := server.Adapter().Rooms(soon(t))
		assert.NoError(t, err)
		assert.Equal(t, sorted(rooms), want)
	}
}

// queryCancelled: a context that has ended bounds everything; what this node knows is
// told all the same.
func queryCancelled(t *testing.T, s *suite) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	server := s.servers[0]
	socket := server.Connect("r")
	infos, err := server.Adapter().Sockets(ctx, room("r"))
	assert.Equal(t, len(infos), 1)
	assert.Equal(t, infos[0].ID, socket.ID())
	_, err2 := server.Adapter().ServerSideEmitWithAck(ctx, array("asked"), nil)
	if len(s.servers) == 1 {
		assert.NoError(t, err)
		assert.NoError(t, err2)
		return
	}
	for _, err := range []error{err, err2} {
		if err != nil { // the answers may all have come before anybody looked at the context
			assert.ErrorIs(t, err, context.Canceled)
			assert.ErrorAs[*adapter.MissingNodesError](t, err)
		}
	}
}
