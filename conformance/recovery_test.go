package conformance_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/kachi-io/kachi/socketio"
)

func TestRecovery(t *testing.T) {
	brief := heartbeat
	brief.Recovery = &socketio.Recovery{Window: 50 * time.Millisecond}
	long := heartbeat
	long.Recovery = &socketio.Recovery{}
	run(t, "recovery.mjs", fixtures{
		"recovery": {options: long, handle: streams},
		"brief":    {options: brief, handle: streams},
	})
}

// streams has every newcomer join a room, and sends numbers to single sockets and to the
// room on demand.
func streams(s *stage, srv *socketio.Server) {
	spaces := []*socketio.Namespace{srv.Namespace, srv.Of("/other")}
	var homes sync.Map // the namespace of each socket, by its id
	of := func(id string) *socketio.Namespace {
		ns, _ := homes.Load(id)
		home, _ := ns.(*socketio.Namespace)
		return home
	}
	for _, ns := range spaces {
		ns.OnConnect(func(_ context.Context, socket *socketio.Socket) error {
			homes.Store(socket.ID(), ns)
			if !socket.Recovered() {
				socket.Join("room of " + socket.ID())
			}
			return nil
		})
	}
	// stream sends count numbers, from the first on, some milliseconds apart.
	s.controls["stream"] = func(ctx context.Context, decode func(...any) error) (any, error) {
		var id string
		var first, count, apart int
		if err := decode(&id, &first, &count, &apart); err != nil {
			return nil, err
		}
		ns := of(id)
		if ns == nil {
			return nil, errors.New("no such socket")
		}
		for n := first; n < first+count; n++ {
			args := []any{n}
			if n%7 == 3 {
				args = append(args, []byte{byte(n), 1, 2})
			}
			to := id
			if n%2 == 0 {
				to = "room of " + id
			}
			if err := ns.To(to).Emit("number", args...); err != nil {
				return nil, err
			}
			if n%5 == 0 {
				if err := ns.To(to).Volatile().Emit("aside", "a text, and no position"); err != nil {
					return nil, err
				}
			}
			if apart > 0 {
				time.Sleep(time.Duration(apart) * time.Millisecond)
			}
		}
		return nil, ctx.Err()
	}
	find := func(decode func(...any) error) (*socketio.Socket, error) {
		var id string
		if err := decode(&id); err != nil {
			return nil, err
		}
		if ns := of(id); ns != nil {
			if socket, ok := ns.Socket(id); ok {
				return socket, nil
			}
		}
		return nil, errors.New("no such socket")
	}
	s.controls["close"] = func(_ context.Context, decode func(...any) error) (any, error) {
		socket, err := find(decode)
		if err == nil {
			socket.Conn().Close()
		}
		return nil, err
	}
	s.controls["kick"] = func(_ context.Context, decode func(...any) error) (any, error) {
		socket, err := find(decode)
		if err == nil {
			socket.Disconnect(false)
		}
		return nil, err
	}
}
