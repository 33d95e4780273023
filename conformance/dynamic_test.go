package conformance_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/kachi-io/kachi/engineio"
	"github.com/kachi-io/kachi/socketio"
)

func TestDynamicNamespaces(t *testing.T) {
	runEach(t, "dynamic.mjs", fixtures{
		"rooms":     {handle: dynamicRooms},
		"returning": {options: socketio.Options{Recovery: &socketio.Recovery{}}, handle: dynamicRooms},
	})
}

// dynamicRooms has namespaces by a pattern, and others by a function.
func dynamicRooms(s *stage, srv *socketio.Server) {
	rooms := srv.Dynamic("/room-{id}", &socketio.DynamicOptions{MaxNamespaces: 3})
	rooms.On("where", func(_ context.Context, e *socketio.Event) error {
		ns := e.Socket().Namespace()
		return e.Ack(ns.Name(), ns.Param("id"))
	})
	rooms.On("say", func(_ context.Context, e *socketio.Event) error {
		return e.Socket().Namespace().Emit("said", e.Socket().Namespace().Param("id"))
	})
	tenants := srv.DynamicFunc("tenants", func(_ context.Context, name string, _ *engineio.Handshake, auth json.RawMessage) (map[string]string, error) {
		org, ok := strings.CutPrefix(name, "/tenant/")
		if !ok {
			return nil, socketio.ErrNoNamespace
		}
		var shown struct{ Token string }
		if json.Unmarshal(auth, &shown) != nil || shown.Token != org {
			return nil, socketio.NewError("unauthorized", "Not yours")
		}
		return map[string]string{"org": org}, nil
	}, nil)
	tenants.On("where", func(_ context.Context, e *socketio.Event) error {
		return e.Ack(e.Socket().Namespace().Params())
	})
	s.controls["spaces"] = func(context.Context, func(...any) error) (any, error) {
		return srv.Stats().DynamicNamespaces, nil
	}
	s.controls["tell"] = func(context.Context, func(...any) error) (any, error) {
		return nil, rooms.Emit("told", []byte{1, 2, 3})
	}
}
