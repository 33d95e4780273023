package conformance_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kachi-io/kachi/socketio"
)

// heartbeat finds clients that are gone without a word within three seconds. Shorter ones
// find clients gone that wait for a processor.
var heartbeat = socketio.Options{PingInterval: time.Second, PingTimeout: 2 * time.Second}

func TestDisconnect(t *testing.T) {
	runEach(t, "disconnect.mjs", fixtures{
		"life":      {handle: life},
		"heartbeat": {options: heartbeat, handle: life},
		"slow":      {options: socketio.Options{MaxQueuedBytes: 1 << 20}, handle: life},
	})
}

func TestReconnect(t *testing.T) {
	runEach(t, "reconnect.mjs", fixtures{
		"life":      {handle: life},
		"heartbeat": {options: heartbeat, handle: life},
	})
}

// life notes what the server's lifecycle functions are told, and the numbers that come.
func life(s *stage, srv *socketio.Server) {
	var mu sync.Mutex
	told := map[string][]string{}
	note := func(id, format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		told[id] = append(told[id], fmt.Sprintf(format, args...))
	}
	srv.OnConnect(func(_ context.Context, socket *socketio.Socket) error {
		socket.Join("room")
		note(socket.ID(), "connect")
		return nil
	})
	srv.OnDisconnecting(func(ctx context.Context, socket *socketio.Socket, reason socketio.Reason) error {
		note(socket.ID(), "disconnecting %s %s", reason, strings.Join(socket.Rooms()[1:], ","))
		return ctx.Err()
	})
	srv.OnDisconnect(func(ctx context.Context, socket *socketio.Socket, reason socketio.Reason) error {
		if err := socket.Emit("too late"); !errors.Is(err, socketio.ErrClosed) {
			note(socket.ID(), "emitted: %v", err)
		}
		note(socket.ID(), "disconnect %s %d", reason, len(socket.Rooms()))
		return ctx.Err()
	})
	s.controls["told"] = func(ctx context.Context, decode func(...any) error) (any, error) {
		var id string
		if err := decode(&id); err != nil {
			return nil, err
		}
		if _, err := s.ends.wait(ctx, id); err != nil {
			return nil, err
		}
		mu.Lock()
		defer mu.Unlock()
		return told[id], nil
	}
	srv.On("note", func(_ context.Context, e *socketio.Event) error {
		var what string
		if err := e.Decode(&what); err != nil {
			return err
		}
		note(e.Socket().ID(), "event %s", what)
		return nil
	})
	srv.On("leave me", func(_ context.Context, e *socketio.Event) error {
		var all bool
		if err := e.Decode(&all); err != nil {
			return err
		}
		for i := range 5 {
			if err := e.Socket().Emit("before", i); err != nil {
				return err
			}
		}
		e.Socket().Disconnect(all)
		return nil
	})
	var numbers []int // in the order in which they came
	srv.On("number", func(_ context.Context, e *socketio.Event) error {
		var n int
		if err := e.Decode(&n); err != nil {
			return err
		}
		mu.Lock()
		numbers = append(numbers, n)
		mu.Unlock()
		return e.Ack(n)
	})
	s.controls["numbers"] = func(context.Context, func(...any) error) (any, error) {
		mu.Lock()
		defer mu.Unlock()
		return append([]int{}, numbers...), nil
	}
	s.controls["rooms"] = func(ctx context.Context, _ func(...any) error) (any, error) {
		names, err := srv.Rooms(ctx)
		return append([]string{}, names...), err
	}
	s.controls["kick"] = func(_ context.Context, decode func(...any) error) (any, error) {
		var id string
		var all bool
		if err := decode(&id, &all); err != nil {
			return nil, err
		}
		socket, ok := srv.Socket(id)
		if !ok {
			return nil, errors.New("no such socket")
		}
		socket.Disconnect(all)
		return nil, nil
	}
	// flood emits until the server gives the client up, and tells by what error.
	s.controls["flood"] = func(_ context.Context, decode func(...any) error) (any, error) {
		var id string
		if err := decode(&id); err != nil {
			return nil, err
		}
		socket, ok := srv.Socket(id)
		if !ok {
			return nil, errors.New("no such socket")
		}
		text := strings.Repeat("x", 64<<10)
		for range 2000 {
			if err := socket.Emit("flood", text); err != nil {
				return errors.Is(err, socketio.ErrSlowConsumer), nil
			}
		}
		return nil, errors.New("never refused")
	}
}
