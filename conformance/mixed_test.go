package conformance_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"testing"

	"github.com/kachi-io/kachi/socketio"
	"github.com/kachi-io/kachi/socketio/packet/msgpack"
)

func TestMixed(t *testing.T) {
	run(t, "mixed.mjs", fixtures{
		"mixed": {options: socketio.Options{AllowEIO3: true}, beside: besides, handle: mixed},
	})
}

// besides are mounts for other encodings.
func besides(mux *http.ServeMux, srv *socketio.Server) {
	mux.Handle("/msgpack/", srv.Handler(socketio.Mount{Path: "/msgpack/", Encoding: msgpack.Encoding}))
	mux.Handle("/ws", srv.PlainHandler(socketio.PlainMount{}))
	mux.Handle("/guarded/{room}", srv.PlainHandler(socketio.PlainMount{Namespace: "/guarded", Cookie: "session"}))
	mux.Handle("/nowhere", srv.PlainHandler(socketio.PlainMount{Namespace: "/nowhere"}))
}

func mixed(s *stage, srv *socketio.Server) {
	srv.On("join", func(_ context.Context, e *socketio.Event) error {
		var room string
		if err := e.Decode(&room); err != nil {
			return err
		}
		e.Socket().Join(room)
		return e.Ack()
	})
	srv.On("say", func(ctx context.Context, e *socketio.Event) error {
		args, err := decoded(e)
		if err != nil {
			return err
		}
		if q, ok := args[0].(map[string]any); ok && q["ask"] != nil {
			answer, err := socketio.Ask[map[string]any](ctx, e.Socket(), "question", q["ask"])
			if err != nil {
				return err
			}
			if _, same := answer["me"].([]any); !same {
				return errors.New("another answer")
			}
		}
		if err := srv.To("room").Emit("said", args...); err != nil {
			return err
		}
		return e.Ack(len(args))
	})
	srv.On("fail", func(context.Context, *socketio.Event) error { return socketio.NewError("teapot", "short and stout") })

	guarded := srv.Of("/guarded")
	guarded.Use(func(_ context.Context, socket *socketio.Socket) error {
		var auth struct{ Token string }
		_ = json.Unmarshal(socket.Auth(), &auth)
		switch auth.Token {
		case "":
			return socketio.NewError("unauthorized", "Show a token")
		case "wrong":
			return socketio.NewError("forbidden", "Not you")
		case "broken":
			return errors.New("the database is on fire")
		}
		return nil
	})
	guarded.On("shown", func(_ context.Context, e *socketio.Event) error {
		answer := map[string]any{"auth": e.Socket().Auth()}
		if room := e.Socket().Handshake().Param("room"); room != "" {
			answer["room"] = room
		} else {
			answer["id"] = e.Socket().ID()
		}
		return e.Ack(answer)
	})

	s.controls["ask"] = func(ctx context.Context, decode func(...any) error) (any, error) {
		var room string
		var q any
		if err := decode(&room, &q); err != nil {
			return nil, err
		}
		answers, err := s.server().To(room).Ask(ctx, "question", q)
		all := []any{}
		for _, a := range answers.Answers {
			var v any
			if err := a.DecodeAt(0, &v); err != nil {
				return nil, err
			}
			all = append(all, v)
		}
		return all, err
	}
	s.controls["tell"] = func(_ context.Context, decode func(...any) error) (any, error) {
		var room string
		var n int
		if err := decode(&room, &n); err != nil {
			return nil, err
		}
		for i := range n {
			if err := s.server().To(room).Emit("said", i); err != nil {
				return nil, err
			}
		}
		return nil, nil
	}
	for name, closing := range map[string]bool{"kick": false, "cut": true} {
		s.controls[name] = func(_ context.Context, decode func(...any) error) (any, error) {
			var room string
			if err := decode(&room); err != nil {
				return nil, err
			}
			return nil, s.server().To(room).Disconnect(closing)
		}
	}
}
