package server_test

import (
	"fmt"
	"testing"

	"github.com/kachi-io/kachi/app/apptest"
	"github.com/kachi-io/kachi/app/store"
)

// trials are how each event and route is tried. Where it is about a thing, that is the
// owner's, and new: who may not have it is refused by who it is, not by what it lacks.
var trials = map[string]trial{
	"POST /api/auth/register": func(_ *testing.T, w *world, _ *apptest.Person) attempt {
		w.calls++
		return attempt{input: map[string]string{"name": fmt.Sprint("newcomer ", w.calls), "password": apptest.Password}}
	},
	"POST /api/auth/login": with(map[string]string{"name": "owner", "password": apptest.Password}),
	// No access token is good for this.
	"POST /api/auth/refresh": plain,
	"POST /api/auth/logout":  func(*testing.T, *world, *apptest.Person) attempt { return attempt{after: again} },
	"POST /api/auth/logout-everywhere": func(*testing.T, *world, *apptest.Person) attempt {
		return attempt{after: again}
	},
	"GET /api/me": plain,
	"PUT /api/me/password": func(*testing.T, *world, *apptest.Person) attempt {
		return attempt{input: map[string]string{"oldPassword": apptest.Password, "newPassword": apptest.Password}, after: again}
	},
	"GET /api/users": func(*testing.T, *world, *apptest.Person) attempt { return attempt{path: "/api/users?q=own"} },
	"PUT /api/users/{id}/role": func(t *testing.T, w *world, _ *apptest.Person) attempt {
		w.calls++
		somebody := w.sign(t, 201, "register", fmt.Sprint("somebody ", w.calls))
		return attempt{path: "/api/users/" + somebody.ID.String() + "/role", input: map[string]string{"role": "admin"}}
	},

	"POST /api/notifications": func(_ *testing.T, w *world, _ *apptest.Person) attempt { return attempt{input: w.news()} },
	"GET /api/notifications":  plain,
	"PUT /api/notifications/{id}/read": func(t *testing.T, w *world, _ *apptest.Person) attempt {
		return attempt{path: "/api/notifications/" + w.notify(t) + "/read"}
	},
	"PUT /api/notifications/read": plain,
	"/notifications subscribeToNotifications": func(_ *testing.T, w *world, _ *apptest.Person) attempt {
		return attempt{input: w.people["owner"].ID}
	},
	"/notifications read": func(t *testing.T, w *world, _ *apptest.Person) attempt {
		return attempt{input: map[string]string{"id": w.notify(t)}}
	},

	"/dashboard history": plain,

	"GET /api/sync/{key...}":              stored(""),
	"GET /api/sync/{key...} (private)":    stored("user/%s/"),
	"PUT /api/sync/{key...}":              stored(""),
	"PUT /api/sync/{key...} (private)":    stored("user/%s/"),
	"DELETE /api/sync/{key...}":           stored(""),
	"DELETE /api/sync/{key...} (private)": stored("user/%s/"),
	"/sync subscribe":                     document("", false),
	"/sync subscribe (private)":           document("user/%s/", false),
	"/sync unsubscribe":                   document("", false),
	"/sync updateData":                    document("", true),
	"/sync updateData (private)":          document("user/%s/", true),

	"PUT /api/location": func(t *testing.T, w *world, _ *apptest.Person) attempt {
		return attempt{input: map[string]any{"id": w.location(t), "geometry": somewhere}}
	},
	"PUT /api/location (new)":         with(map[string]any{"geometry": somewhere}),
	"GET /api/location":               plain,
	"GET /api/location/{id}":          locationByHTTP(""),
	"DELETE /api/location/{id}":       locationByHTTP(""),
	"GET /api/location/{id}/watchers": locationByHTTP("/watchers"),
	"POST /api/location/{id}/watchers": func(t *testing.T, w *world, _ *apptest.Person) attempt {
		return attempt{path: w.locationPath(t) + "/watchers", input: map[string]any{"userId": w.people["stranger"].ID}}
	},
	"DELETE /api/location/{id}/watchers/{userId}": func(t *testing.T, w *world, _ *apptest.Person) attempt {
		return attempt{path: w.locationPath(t) + "/watchers/" + w.people["member"].ID.String()}
	},
	"/location join_room":  locationByEvent,
	"/location leave_room": locationByEvent,
}

var somewhere = map[string]any{"type": "Point", "coordinates": []float64{126.978, 37.5665}}

func locationByHTTP(rest string) trial {
	return func(t *testing.T, w *world, _ *apptest.Person) attempt {
		return attempt{path: w.locationPath(t) + rest}
	}
}

func locationByEvent(t *testing.T, w *world, _ *apptest.Person) attempt {
	return attempt{input: map[string]any{"locationId": w.location(t)}}
}

func (w *world) locationPath(t *testing.T) string {
	t.Helper()
	return "/api/location/" + w.location(t)
}

// location makes one of the owner's, which the member may watch.
func (w *world) location(t *testing.T) string {
	t.Helper()
	var made struct {
		Data struct{ UpdatedLocationResult struct{ ID store.ID } }
	}
	w.call(t, w.people["owner"], 201, "PUT", "/api/location", map[string]any{"geometry": somewhere}, &made)
	id := made.Data.UpdatedLocationResult.ID.String()
	w.call(t, w.people["owner"], 204, "POST", "/api/location/"+id+"/watchers", map[string]any{"userId": w.people["member"].ID}, nil)
	return id
}

// write has the owner write a new document.
func (w *world) write(t *testing.T, folder string) (key string) {
	t.Helper()
	w.calls++
	if folder != "" {
		folder = fmt.Sprintf(folder, w.people["owner"].ID)
	}
	key = fmt.Sprint(folder, "document-", w.calls)
	w.call(t, w.people["owner"], 200, "PUT", "/api/sync/"+key, map[string]int{"x": 1}, nil)
	return key
}

// stored is tried with a document of the owner's.
func stored(folder string) trial {
	return func(t *testing.T, w *world, _ *apptest.Person) attempt {
		return attempt{path: "/api/sync/" + w.write(t, folder), input: map[string]int{"x": 2}}
	}
}

// document is that for events.
func document(folder string, change bool) trial {
	return func(t *testing.T, w *world, _ *apptest.Person) attempt {
		in := map[string]any{"key": w.write(t, folder)}
		if change {
			in["value"], in["version"] = "new", 1
		}
		return attempt{input: in}
	}
}

// plain is tried as it is.
func plain(*testing.T, *world, *apptest.Person) attempt { return attempt{} }

// with is tried with an input that is the same for everybody.
func with(input any) trial {
	return func(*testing.T, *world, *apptest.Person) attempt { return attempt{input: input} }
}

// ownToken is what everybody shows for "refreshToken".
func ownToken(_ *testing.T, _ *world, who *apptest.Person) attempt {
	return attempt{input: map[string]string{"token": who.Token}}
}

func (w *world) news() map[string]any {
	return map[string]any{"userId": w.people["owner"].ID, "title": "News", "body": "There are some"}
}

// notify sends the owner a notification.
func (w *world) notify(t *testing.T) string {
	t.Helper()
	var sent struct{ IDs []store.ID }
	w.call(t, w.people["service"], 202, "POST", "/api/notifications", w.news(), &sent)
	return sent.IDs[0].String()
}
