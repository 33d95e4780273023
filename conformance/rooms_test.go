package conformance_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kachi-io/kachi/engineio"
	"github.com/kachi-io/kachi/socketio"
	"github.com/kachi-io/kachi/socketio/adapter"
)

func TestRooms(t *testing.T) {
	runEach(t, "rooms.mjs", fixtures{
		"rooms": {handle: rooms},
		"small": {options: socketio.Options{MaxQueuedMessages: 64}, handle: rooms},
	})
}

// rooms lets a check do to rooms whatever there is, from a client's place (events) or
// the server's (controls).
func rooms(s *stage, srv *socketio.Server) {
	srv.On("join", func(_ context.Context, e *socketio.Event) error {
		var names []string
		if err := e.Decode(&names); err != nil {
			return err
		}
		e.Socket().Join(names...)
		return e.Ack(e.Socket().Rooms()[1:])
	})
	srv.On("leave", func(_ context.Context, e *socketio.Event) error {
		var names []string
		if err := e.Decode(&names); err != nil {
			return err
		}
		e.Socket().Leave(names...)
		return e.Ack(e.Socket().Rooms()[1:])
	})
	// tell is a socket's own broadcast: to rooms, without others.
	srv.On("tell", func(_ context.Context, e *socketio.Event) error {
		var to, except []string
		var what any
		if err := e.Decode(&to, &except, &what); err != nil {
			return err
		}
		b := e.Socket().Broadcast()
		if len(to) > 0 {
			b = e.Socket().To(to...)
		}
		if err := b.Except(except...).Emit("told", what); err != nil {
			return err
		}
		return e.Ack()
	})

	type selection struct{ To, Except []string }
	pick := func(sel selection) socketio.Broadcast {
		b := srv.All()
		for _, room := range sel.To {
			b = b.To(room)
		}
		return b.Except(sel.Except...)
	}
	s.controls["emit"] = func(_ context.Context, decode func(...any) error) (any, error) {
		var sel selection
		var what any
		if err := decode(&sel, &what); err != nil {
			return nil, err
		}
		return nil, pick(sel).Emit("told", what)
	}
	s.controls["binary"] = func(_ context.Context, decode func(...any) error) (any, error) {
		var sel selection
		if err := decode(&sel); err != nil {
			return nil, err
		}
		return nil, pick(sel).Emit("told", []byte{1, 2, 3}, map[string]any{"deep": []any{[]byte{4}, "x"}})
	}
	s.controls["flags"] = func(_ context.Context, decode func(...any) error) (any, error) {
		var sel selection
		if err := decode(&sel); err != nil {
			return nil, err
		}
		b := pick(sel)
		return nil, errors.Join(b.Volatile().Emit("told", "volatile"), b.Compress(false).Emit("told", "plain"), b.Local().Emit("told", "local"))
	}
	// burst makes several emitters race; each numbers its events.
	s.controls["burst"] = func(_ context.Context, decode func(...any) error) (any, error) {
		var sels []selection
		var n int
		if err := decode(&sels, &n); err != nil {
			return nil, err
		}
		var wg sync.WaitGroup
		var errs sync.Map
		for i, sel := range sels {
			wg.Go(func() {
				for k := range n {
					if err := pick(sel).Emit("told", i, k); err != nil {
						errs.Store(i, err)
					}
				}
			})
		}
		wg.Wait()
		var err error
		errs.Range(func(_, v any) bool { err = v.(error); return true })
		return nil, err
	}
	s.controls["join"] = func(_ context.Context, decode func(...any) error) (any, error) {
		var sel selection
		var names []string
		if err := decode(&sel, &names); err != nil {
			return nil, err
		}
		return nil, pick(sel).Join(names...)
	}
	s.controls["leave"] = func(_ context.Context, decode func(...any) error) (any, error) {
		var sel selection
		var names []string
		if err := decode(&sel, &names); err != nil {
			return nil, err
		}
		return nil, pick(sel).Leave(names...)
	}
	s.controls["disconnect"] = func(_ context.Context, decode func(...any) error) (any, error) {
		var sel selection
		var all bool
		if err := decode(&sel, &all); err != nil {
			return nil, err
		}
		return nil, pick(sel).Disconnect(all)
	}
	s.controls["fetch"] = func(ctx context.Context, decode func(...any) error) (any, error) {
		var sel selection
		if err := decode(&sel); err != nil {
			return nil, err
		}
		sockets, err := pick(sel).Fetch(ctx)
		out := map[string][]string{}
		for _, r := range sockets {
			names := slices.Clone(r.Rooms)
			slices.Sort(names)
			out[r.ID] = slices.DeleteFunc(names, func(n string) bool { return n == r.ID })
		}
		count, failed := pick(sel).Count(ctx)
		if count != len(sockets) {
			err = errors.Join(err, errors.New("Count and Fetch differ"))
		}
		return out, errors.Join(err, failed)
	}
	s.controls["rooms"] = func(ctx context.Context, _ func(...any) error) (any, error) {
		names, err := srv.Rooms(ctx)
		slices.Sort(names)
		return append([]string{}, names...), err
	}
	type answers struct {
		Expected, MissingCount int
		Missing                []string
		Values                 map[string]any
		Error                  string
	}
	s.controls["ask"] = func(ctx context.Context, decode func(...any) error) (any, error) {
		var sel selection
		var ms int
		if err := decode(&sel, &ms); err != nil {
			return nil, err
		}
		got, err := pick(sel).Timeout(time.Duration(ms)*time.Millisecond).Ask(ctx, "question", "q")
		out := answers{Expected: got.Expected, Missing: append([]string{}, got.Missing...), MissingCount: got.MissingCount, Values: map[string]any{}}
		for _, a := range got.Answers {
			var v any
			if a.Len() > 0 {
				if err := a.DecodeAt(0, &v); err != nil {
					return nil, err
				}
			}
			out.Values[a.Socket] = v
		}
		var missing *adapter.MissingNodesError
		switch {
		case errors.Is(err, socketio.ErrAckTimeout):
			out.Error = "timeout"
		case errors.As(err, &missing):
			out.Error = "nodes"
		case err != nil:
			return nil, err
		}
		return out, nil
	}
	s.controls["remote"] = func(ctx context.Context, decode func(...any) error) (any, error) {
		var id string
		if err := decode(&id); err != nil {
			return nil, err
		}
		sockets, err := srv.To(id).Fetch(ctx)
		if err != nil || len(sockets) != 1 {
			return nil, errors.Join(err, errors.New("not one socket"))
		}
		r := sockets[0]
		if err := errors.Join(r.Join("remote"), r.Emit("told", "remotely")); err != nil {
			return nil, err
		}
		return socketio.Ask[string](ctx, r, "question", "q")
	}
	// flood sends n volatile events of 64 KiB to one socket.
	s.controls["flood"] = func(_ context.Context, decode func(...any) error) (any, error) {
		var id string
		var n int
		if err := decode(&id, &n); err != nil {
			return nil, err
		}
		text := strings.Repeat("x", 64<<10)
		for i := range n {
			socket, ok := srv.Socket(id)
			if !ok {
				return nil, errors.New("no such socket")
			}
			// The oldest that wait make room for it, so it may succeed.
			if err := socket.Volatile().Emit("told", i, text); err != nil && !errors.Is(err, socketio.ErrDropped) {
				return nil, err
			}
		}
		return nil, nil
	}
	s.controls["transports"] = func(context.Context, func(...any) error) (any, error) {
		out := map[string]engineio.Transport{}
		for _, socket := range srv.Sockets() {
			out[socket.ID()] = socket.Conn().Transport()
		}
		return out, nil
	}
	s.controls["blob"] = func(_ context.Context, decode func(...any) error) (any, error) {
		var size int
		if err := decode(&size); err != nil {
			return nil, err
		}
		return nil, srv.Emit("told", bytes.Repeat([]byte{7}, size))
	}
}
