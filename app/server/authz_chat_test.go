package server_test

import (
	"maps"
	"testing"

	"github.com/kachi-io/kachi/app/apptest"
	"github.com/kachi-io/kachi/app/store"
	"github.com/kachi-io/kachi/internal/testclient"
)

func init() {
	maps.Copy(trials, map[string]trial{
		"GET /api/rooms":  plain,
		"POST /api/rooms": with(map[string]any{"name": "another"}),
		"GET /api/rooms/{id}": func(t *testing.T, w *world, _ *apptest.Person) attempt {
			return attempt{path: "/api/rooms/" + w.room(t)}
		},
		"PATCH /api/rooms/{id}": func(t *testing.T, w *world, _ *apptest.Person) attempt {
			return attempt{path: "/api/rooms/" + w.room(t), input: map[string]any{"name": "attic"}}
		},
		"DELETE /api/rooms/{id}": func(t *testing.T, w *world, _ *apptest.Person) attempt {
			return attempt{path: "/api/rooms/" + w.room(t)}
		},
		"GET /api/rooms/{id}/messages": func(t *testing.T, w *world, _ *apptest.Person) attempt {
			return attempt{path: "/api/rooms/" + w.room(t) + "/messages"}
		},
		"GET /api/rooms/{id}/members": func(t *testing.T, w *world, _ *apptest.Person) attempt {
			return attempt{path: "/api/rooms/" + w.room(t) + "/members"}
		},
		"POST /api/rooms/{id}/members": func(t *testing.T, w *world, _ *apptest.Person) attempt {
			return attempt{path: "/api/rooms/" + w.room(t) + "/members", input: map[string]any{"userId": w.people["admin"].ID}}
		},
		"DELETE /api/rooms/{id}/members/{userId}": func(t *testing.T, w *world, who *apptest.Person) attempt {
			out := w.people["member"]
			if who == out { // somebody else
				out = w.people["owner"]
			}
			return attempt{path: "/api/rooms/" + w.room(t) + "/members/" + out.ID.String()}
		},
		"/chat join": func(t *testing.T, w *world, _ *apptest.Person) attempt { return attempt{input: w.room(t)} },
		"/chat exit": func(t *testing.T, w *world, _ *apptest.Person) attempt { return attempt{input: w.room(t)} },
		"/chat message": func(t *testing.T, w *world, _ *apptest.Person) attempt {
			return attempt{input: map[string]string{"room": w.room(t), "message": "hello"}}
		},
		"/chat edit": func(t *testing.T, w *world, _ *apptest.Person) attempt {
			_, id := w.said(t)
			return attempt{input: map[string]string{"id": id, "message": "hello"}}
		},
		"/chat delete": func(t *testing.T, w *world, _ *apptest.Person) attempt {
			_, id := w.said(t)
			return attempt{input: map[string]string{"id": id}}
		},
		"/chat seen": func(t *testing.T, w *world, _ *apptest.Person) attempt {
			room, id := w.said(t)
			return attempt{input: map[string]string{"room": room, "id": id}}
		},
		"GET /api/rooms/{id} (public)": func(t *testing.T, w *world, _ *apptest.Person) attempt {
			return attempt{path: "/api/rooms/" + w.publicRoom(t)}
		},
		"PATCH /api/rooms/{id} (public)": func(t *testing.T, w *world, _ *apptest.Person) attempt {
			return attempt{path: "/api/rooms/" + w.publicRoom(t), input: map[string]any{"name": "cellar"}}
		},
		"DELETE /api/rooms/{id} (public)": func(t *testing.T, w *world, _ *apptest.Person) attempt {
			return attempt{path: "/api/rooms/" + w.publicRoom(t)}
		},
		"GET /api/rooms/{id}/messages (public)": func(t *testing.T, w *world, _ *apptest.Person) attempt {
			return attempt{path: "/api/rooms/" + w.publicRoom(t) + "/messages"}
		},
		"/chat join (public)": func(t *testing.T, w *world, _ *apptest.Person) attempt { return attempt{input: w.publicRoom(t)} },
		"/chat message (public)": func(t *testing.T, w *world, _ *apptest.Person) attempt {
			return attempt{input: map[string]string{"room": w.publicRoom(t), "message": "hello"}}
		},
		"/chat edit (members)": func(t *testing.T, w *world, _ *apptest.Person) attempt {
			_, id := w.saidBy(t, "member")
			return attempt{input: map[string]string{"id": id, "message": "hello"}}
		},
		"/chat delete (members)": func(t *testing.T, w *world, _ *apptest.Person) attempt {
			_, id := w.saidBy(t, "member")
			return attempt{input: map[string]string{"id": id}}
		},
		"DELETE /api/rooms/{id}/members/{userId} (oneself)": func(t *testing.T, w *world, who *apptest.Person) attempt {
			return attempt{path: "/api/rooms/" + w.room(t) + "/members/" + max(who.ID, 1).String()}
		},
		"/chat typing": func(t *testing.T, w *world, _ *apptest.Person) attempt {
			room := w.room(t)
			return attempt{input: map[string]string{"room": room}, before: func(_ *testing.T, c *testclient.Client) { c.Ask(nil, "join", room) }}
		},
	})
}

// room makes a private room of the owner's, with the member in it.
func (w *world) room(t *testing.T) string {
	t.Helper()
	var room struct{ ID store.ID }
	w.call(t, w.people["owner"], 201, "POST", "/api/rooms", map[string]any{"name": "attic", "private": true}, &room)
	w.call(t, w.people["owner"], 204, "POST", "/api/rooms/"+room.ID.String()+"/members", map[string]any{"userId": w.people["member"].ID}, nil)
	return room.ID.String()
}

// publicRoom makes one of the owner's, with the member in it, that everybody may join.
func (w *world) publicRoom(t *testing.T) string {
	t.Helper()
	var room struct{ ID store.ID }
	w.call(t, w.people["owner"], 201, "POST", "/api/rooms", map[string]any{"name": "garden"}, &room)
	w.call(t, w.people["owner"], 204, "POST", "/api/rooms/"+room.ID.String()+"/members", map[string]any{"userId": w.people["member"].ID}, nil)
	return room.ID.String()
}

// said has the owner write in a private room.
func (w *world) said(t *testing.T) (room, message string) {
	t.Helper()
	return w.saidBy(t, "owner")
}

func (w *world) saidBy(t *testing.T, who string) (room, message string) {
	t.Helper()
	room = w.room(t)
	c := w.people[who].Dial(t, "/chat")
	defer c.Close()
	var sent struct{ ID string }
	c.Ask(&sent, "message", map[string]string{"room": room, "message": "hello"})
	return room, sent.ID
}
