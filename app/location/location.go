// Package location is where things are: people, cars, parcels. Whoever owns a location says
// where it is and who else may watch; whoever may watch and has joined its room is told of
// each change.
//
// The rules are methods of [Locations], which both the events of the namespace /location and
// the routes of /api/location ask: they know neither sockets nor requests, and tell those
// whom it concerns by an Emitter, after it was stored.
//
// # What is told
//
// Each change is a version of the location, which is stored and then told: one copy for each
// client in the room. It is not volatile. A position that is dropped for a client that is
// behind, or between two polls, would be the last one for as long as the location stays; a
// client that stays behind is disconnected instead, comes back, and begins with the last
// position, as does every client that joins. So what a crash between storing and telling left
// out reaches watchers when they join again, which they have to after a crash. What is told
// may overtake: a client drops what has no greater version than it knows.
//
// What somebody may watch from now on (granted), and what no longer (left_room), is told to
// all their devices, whatever those have joined: a page need not ask from time to time. A
// grant may overtake its end; who then joins is told that there is no such location.
package location

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/paulmach/orb"

	"github.com/kachi-io/kachi/app/account"
	"github.com/kachi-io/kachi/app/label"
	"github.com/kachi-io/kachi/app/store"
	"github.com/kachi-io/kachi/gateway"
)

// Bounds.
const (
	maxOwned    = 10_000 // locations of a person
	maxWatchers = 1_000  // of a location
	maxJoined   = 1_000  // rooms that one socket is in at once
	maxName     = 100    // code points
)

// Options configures [Locations]. The zero value of each field is its default.
type Options struct {
	// Logger is told what could not be told to clients. Default none.
	Logger *slog.Logger
}

// Locations is the rules of locations. It is safe for concurrent use.
type Locations struct {
	db  *store.DB
	hub gateway.Emitter
	log *slog.Logger
	now func() time.Time
}

// New makes the rules of the locations in db, which tell clients by hub.
func New(db *store.DB, hub gateway.Emitter, o Options) *Locations {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return &Locations{db, hub, o.Logger, time.Now}
}

// Rooms of Socket.IO, in which the namespace has its sockets.
var (
	watching = gateway.NewRooms("location") // a location's, who have joined it
	devices  = gateway.NewRooms("user")     // a person's
)

var (
	errNotFound = gateway.NotFound("There is no such location")
	errNotOwner = gateway.Forbidden("This is not your location")
)

// Change is what an owner says of a location.
type Change struct {
	ID      store.ID // 0: it is a new one
	Name    *string  // nil: as it is
	Place   orb.Geometry
	Version int64 // that it must have; 0: any
}

// Put stores a new location, or the next version of one, and tells who watches it. The error
// has the code "conflict" where it has another version than the change is for; its details are
// the location as it is.
func (l *Locations) Put(ctx context.Context, u account.User, c Change) (told Location, err error) {
	if c.Name != nil {
		name, err := label.Of("name", *c.Name, 0, maxName)
		if err != nil {
			return Location{}, err
		}
		c.Name = &name
	}
	var stored store.Location
	if c.ID == 0 {
		stored, err = l.add(ctx, u, c)
	} else {
		stored, err = l.change(ctx, u, c)
	}
	if err != nil {
		return Location{}, err
	}
	told = onWire(stored)
	if c.ID == 0 {
		l.tell(ctx, Granted, devices.Of(u.ID), told)
	} else {
		l.tell(ctx, Moved, watching.Of(told.ID), told)
	}
	return told, nil
}

// tell tells a room where a location is. It is stored, and that is what whoever has done it is
// told, also where others could not be told.
func (l *Locations) tell(ctx context.Context, event gateway.OutEvent[Move], room gateway.Room, at Location) {
	if err := event.Emit(ctx, l.to(room), moveOf(at)); err != nil {
		l.log.Error("location: a change could not be told", "location", at.ID, "version", at.Version, "error", err)
	}
}

func (l *Locations) add(ctx context.Context, u account.User, c Change) (store.Location, error) {
	if c.Version != 0 {
		return store.Location{}, gateway.Invalid(gateway.FieldError{Path: "id", Rule: "required", Message: "A version is that of a location: id is to name it"})
	}
	n := store.Location{Owner: u.ID, Place: c.Place, Updated: l.now()}
	if c.Name != nil {
		n.Name = *c.Name
	}
	stored, err := l.db.AddLocation(ctx, n, maxOwned)
	if errors.Is(err, store.ErrTooMany) {
		err = gateway.Errorf("full", "There are %d locations of yours already", maxOwned)
	}
	return stored, err
}

func (l *Locations) change(ctx context.Context, u account.User, c Change) (store.Location, error) {
	stored, err := l.db.ChangeLocation(ctx, c.ID, l.now(), func(at *store.Location) error {
		switch {
		case at.Owner != u.ID:
			return errNotOwner
		case c.Version != 0 && c.Version != at.Version:
			return &gateway.Error{Code: gateway.CodeConflict, Message: "The location has changed meanwhile", Details: onWire(*at)}
		}
		at.Place = c.Place
		if c.Name != nil {
			at.Name = *c.Name
		}
		return nil
	})
	return stored, l.refusal(ctx, u, c.ID, err)
}

// refusal is what somebody is told who cannot do something with a location: who may not see
// it is not told that there is one.
func (l *Locations) refusal(ctx context.Context, u account.User, id store.ID, err error) error {
	if errors.Is(err, errNotOwner) {
		if _, err := l.Get(ctx, u, id); err != nil {
			return err
		}
	}
	return missing(err)
}

func missing(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return errNotFound
	}
	return err
}

// Get returns a location that somebody may see: their own, one that they may watch, and any
// for an administrator.
func (l *Locations) Get(ctx context.Context, u account.User, id store.ID) (at store.Location, err error) {
	if u.Admin() {
		at, err = l.db.Location(ctx, id)
	} else {
		at, err = l.db.LocationFor(ctx, id, u.ID)
	}
	return at, missing(err)
}

// owned returns a location to its owner.
func (l *Locations) owned(ctx context.Context, u account.User, id store.ID) (store.Location, error) {
	at, err := l.Get(ctx, u, id)
	if err == nil && at.Owner != u.ID {
		err = errNotOwner
	}
	return at, err
}

// Delete deletes a location, which its owner may, or an administrator. Nobody watches it any
// more.
func (l *Locations) Delete(ctx context.Context, u account.User, id store.ID) error {
	at, err := l.Get(ctx, u, id)
	if err != nil {
		return err
	}
	if at.Owner != u.ID && !u.Admin() {
		return errNotOwner
	}
	watchers, err := l.db.DeleteLocation(ctx, id, maxWatchers)
	if err != nil {
		return missing(err)
	}
	concerned := []gateway.Room{watching.Of(id), devices.Of(at.Owner)} // administrators may have joined, too
	for _, watcher := range watchers {
		concerned = append(concerned, devices.Of(watcher))
	}
	l.tellLeft(ctx, l.to(concerned...), id, ReasonDeleted)
	return l.to(watching.Of(id)).Leave(ctx, watching.Of(id))
}

func (l *Locations) tellLeft(ctx context.Context, to gateway.Target, id store.ID, reason string) {
	if err := LeftRoom.Emit(ctx, to, Leave{id.String(), reason}); err != nil {
		l.log.Error("location: an end could not be told", "location", id, "error", err)
	}
}

func (l *Locations) to(rooms ...gateway.Room) gateway.Target {
	return l.hub.Namespace(Namespace).To(rooms...)
}
