package gateway

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"github.com/kachi-io/kachi/socketio"
)

// Versions are those of the application's own protocol: what its events mean. A client says
// which it speaks when it connects, auth: {version: 2}, or ?version=2 where there is no
// auth; one that says nothing speaks the oldest. A client whose version is not served is
// refused with the code "version", and the details {oldest, current}.
//
// Routes and events may be newer than the oldest ([Route.Since], [OutEvent.Since]): older
// clients do not have them.
type Versions struct {
	// Oldest and Current are served, and those between. Defaults: none, all clients are
	// alike; Oldest is 1 where only Current is given.
	Oldest, Current int
}

// Versions returns [Options].Versions, with its default.
func (a *App) Versions() Versions { return a.opts.Versions }

// CodeVersion: the client's version is not served.
const CodeVersion = "version"

func (v Versions) validate() error {
	if v.Oldest < 0 || v.Current < 0 || v.Oldest > v.Current {
		return fmt.Errorf("gateway: Options.Versions: from %d to %d", v.Oldest, v.Current)
	}
	return nil
}

// of returns the version that a client speaks.
func (v Versions) of(h *Handshake) (int, error) {
	if v.Current == 0 {
		return 0, nil
	}
	var said struct{ Version json.RawMessage }
	_ = json.Unmarshal(h.Auth(), &said) // an object: the server below has checked
	text := string(said.Version)
	if text == "" || text == "null" {
		text = h.Query().Get("version")
	}
	if text == "" {
		return v.Oldest, nil
	}
	version, err := strconv.Atoi(text)
	if err != nil || version < v.Oldest || version > v.Current {
		return 0, &Error{Code: CodeVersion, Message: fmt.Sprintf("Version %s is not served: %d to %d are", short(text), v.Oldest, v.Current),
			Details: map[string]int{"oldest": v.Oldest, "current": v.Current}}
	}
	return version, nil
}

// short cuts what a client made up.
func short(text string) string {
	if len(text) > 20 {
		return "so long a one"
	}
	return text
}

// Version returns the version of the application's protocol that the client speaks, 0 where
// there are none: see [Versions].
func (c *Call) Version() int {
	if c.connection == nil {
		return 0
	}
	return c.connection.version
}

// Since returns the version since which clients have the event's handler, see [Route.Since]:
// an event of one name may have several, whose answers are different. 0 for others.
func (c *Call) Since() int {
	if c.route == nil {
		return 0
	}
	return c.route.since
}

// Since says that only clients of a version, and of later ones, have the event: others are
// answered "not_found". An event may have several handlers, each since another version: a
// client has the newest that is not newer than itself. See [Versions].
func (r *Route[P, In, Out]) Since(version int) *Route[P, In, Out] {
	r.route.since = version
	return r
}

// Since says that only clients of a version, and of later ones, are sent the event. It
// returns the event. See [Versions].
func (e OutEvent[T]) Since(version int) OutEvent[T] {
	e.since = version
	return e
}

// byEvent sorts the routes of each event, the newest first, and names those that contradict
// each other.
func (s *space) byEvent() map[string][]*route {
	known := s.app.opts.Versions
	events := map[string][]*route{}
	for _, r := range s.routes {
		if r.since < 0 || r.since > known.Current {
			s.wrong(r.source, "event %q is since version %d, and Options.Versions has none such", r.event, r.since)
		}
		events[r.event] = append(events[r.event], r)
	}
	for event, routes := range events {
		slices.SortStableFunc(routes, func(a, b *route) int { return b.since - a.since })
		for i, r := range routes[1:] {
			if other := routes[i]; other.since == r.since {
				s.wrong(r.source, "event %q has a handler already: %s", event, other.source)
			}
		}
	}
	return events
}

// pick returns the handler of an event that may have several.
func pick(routes []*route, otherwise socketio.Handler) socketio.Handler {
	if len(routes) == 1 && routes[0].since == 0 {
		return routes[0].serve
	}
	return func(ctx context.Context, e *socketio.Event) error {
		version := connectionOf(e.Socket()).version
		for _, r := range routes {
			if r.since <= version {
				return r.serve(ctx, e)
			}
		}
		return otherwise(ctx, e)
	}
}

// versionRoom holds the sockets of one version, so that newer events leave them out. Its
// kind is none that NewRooms makes.
func versionRoom(version int) Room { return Room{"~version:" + strconv.Itoa(version)} }

// olderThan are the rooms of the clients that do not have an event since a version.
func (v Versions) olderThan(since int) (rooms []Room) {
	for version := v.Oldest; version < since; version++ {
		rooms = append(rooms, versionRoom(version))
	}
	return rooms
}

// enter has a client be where its version is.
func (v Versions) enter(s *socketio.Socket, version int) {
	if v.Current > v.Oldest {
		for _, r := range v.olderThan(v.Current + 1) {
			s.Leave(r.name) // of its former self, which came back
		}
		s.Join(versionRoom(version).name)
	}
}
