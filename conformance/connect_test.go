package conformance_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/kachi-io/kachi/socketio"
)

func TestConnect(t *testing.T) {
	run(t, "connect.mjs", fixtures{
		"plain":     {handle: introduce},
		"guarded":   {handle: guarded},
		"impatient": {options: socketio.Options{ConnectTimeout: 700 * time.Millisecond}, handle: spaces("/other")},
		"refusing": {options: socketio.Options{AllowRequest: func(r *http.Request) error {
			if r.URL.Query().Get("ticket") != "valid" {
				return errors.New("no valid ticket")
			}
			return nil
		}}},
		"greeting": {handle: greeting},
	})
}

func TestOlderClients(t *testing.T) {
	run(t, "versions.mjs", fixtures{"echo": {handle: echo}, "guarded": {handle: guarded}, "life": {handle: life}})
}

// introduce tells each client what the server knows of it.
func introduce(s *stage, srv *socketio.Server) {
	srv.On("whoami", func(_ context.Context, e *socketio.Event) error {
		h := e.Socket().Handshake()
		return e.Ack(map[string]any{
			"id": e.Socket().ID(), "auth": e.Socket().Auth(), "url": h.URL, "query": h.Query(), "headers": h.Header(),
			"address": h.Address.String(), "secure": h.Secure, "xdomain": h.XDomain,
			"age": time.Since(h.Time).Seconds(), "rooms": e.Socket().Rooms(), "transport": e.Socket().Conn().Transport(),
		})
	})
}

// guarded has two middlewares; the second goes by auth.token.
func guarded(s *stage, srv *socketio.Server) {
	asked := make(chan struct{}, 8)
	release := make(chan struct{})
	for _, name := range []string{"/", "/guarded"} {
		ns := srv.Of(name)
		if name != "/" {
			s.basics(ns)
		}
		ns.Use(func(_ context.Context, socket *socketio.Socket) error {
			socket.SetData([]string{"first"})
			return nil
		})
		ns.Use(func(ctx context.Context, socket *socketio.Socket) error {
			var auth struct{ Token string }
			if err := json.Unmarshal(socket.Auth(), &auth); err != nil {
				return err
			}
			socket.SetData(append(socket.Data().([]string), "second"))
			switch auth.Token {
			case "good":
				return nil
			case "coded":
				return &socketio.Error{Code: "forbidden", Message: "Not you", Details: map[string]any{"retry": false}}
			case "panic":
				panic("on purpose")
			case "slow":
				asked <- struct{}{}
				select {
				case <-release:
					return nil
				case <-ctx.Done():
					return ctx.Err()
				}
			}
			return errors.New("the database's password is hunter2")
		})
		ns.OnConnect(func(_ context.Context, socket *socketio.Socket) error {
			return socket.Emit("data", socket.Data(), socket.Connected())
		})
	}
	srv.On("early", func(_ context.Context, e *socketio.Event) error { return e.Ack("handled") })
	s.controls["asked"] = func(ctx context.Context, _ func(...any) error) (any, error) {
		select {
		case <-asked:
			return nil, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	s.controls["release"] = func(context.Context, func(...any) error) (any, error) {
		close(release)
		return nil, nil
	}
	s.controls["count"] = func(context.Context, func(...any) error) (any, error) { return srv.Count(), nil }
}

// greeting does a lot before the first event is handled.
func greeting(s *stage, srv *socketio.Server) {
	srv.OnConnect(func(ctx context.Context, socket *socketio.Socket) error {
		var auth struct{ Fail bool }
		if err := json.Unmarshal(socket.Auth(), &auth); err != nil || auth.Fail {
			return socketio.NewError("full", "No place left")
		}
		if err := socket.Emit("welcome", 1); err != nil {
			return err
		}
		socket.Join("greeted")
		name, err := socketio.Ask[string](ctx, socket, "name?")
		if err != nil {
			return err
		}
		return socket.Emit("welcome", "hello "+name, socket.Rooms()[1:])
	})
	srv.On("early", func(_ context.Context, e *socketio.Event) error {
		var n int
		if err := e.Decode(&n); err != nil {
			return err
		}
		return e.Socket().Emit("handled", n)
	})
}

// spaces makes namespaces that answer "where" with their name.
func spaces(names ...string) func(s *stage, srv *socketio.Server) {
	return func(s *stage, srv *socketio.Server) {
		for _, name := range append([]string{"/"}, names...) {
			ns := srv.Of(name)
			if name != "/" {
				s.basics(ns)
			}
			ns.On("where", func(_ context.Context, e *socketio.Event) error { return e.Ack(name) })
			ns.On("shout", func(_ context.Context, e *socketio.Event) error {
				return e.Socket().Namespace().Emit("shouted", name)
			})
			ns.On("leave", func(_ context.Context, e *socketio.Event) error {
				var all bool
				if err := e.Decode(&all); err != nil {
					return err
				}
				e.Socket().Disconnect(all)
				return nil
			})
		}
	}
}
