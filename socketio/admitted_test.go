package socketio

import (
	"sync"
	"testing"

	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/ids"
	"github.com/kachi-io/kachi/socketio/adapter"
)

// Rooms that a middleware had a socket join count from the moment at which it is there: no
// broadcast finds it with some of them.
func TestASocketComesWithItsRooms(t *testing.T) {
	srv := NewServer(nil)
	x := &srv.local
	stop := make(chan struct{})
	var selecting sync.WaitGroup
	for _, target := range []adapter.Target{
		{Except: []string{"a"}},
		{Except: []string{"b"}},
		{Rooms: []string{"a"}, Except: []string{"b"}},
		{Rooms: []string{"b"}, Except: []string{"a"}},
	} {
		selecting.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				for _, s := range x.selected(target) {
					t.Errorf("%+v selects %s", target, s.id)
					return
				}
			}
		})
	}
	for range 3000 {
		s := &Socket{id: ids.New(), ns: srv.Namespace}
		s.Join("a", "b")
		assert.True(t, x.add(s, func() bool { return true }))
		assert.Equal(t, len(s.joined.list), 2)
		x.removeAtOnce(s)
	}
	close(stop)
	selecting.Wait()
}

// removeAtOnce is remove in one step, which an end does not need to be.
func (x *index) removeAtOnce(s *Socket) {
	x.lane.Lock()
	defer x.lane.Unlock()
	x.remove(s)
}
