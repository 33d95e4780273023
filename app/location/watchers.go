package location

import (
	"context"
	"errors"

	"github.com/kachi-io/kachi/app/account"
	"github.com/kachi-io/kachi/app/store"
	"github.com/kachi-io/kachi/gateway"
)

// Grant lets somebody watch a location of u's, and tells their devices. To repeat it does no
// harm.
func (l *Locations) Grant(ctx context.Context, u account.User, id, watcher store.ID) error {
	if _, err := l.owned(ctx, u, id); err != nil {
		return err
	}
	if watcher == u.ID {
		return gateway.Invalid(gateway.FieldError{Path: "userId", Rule: "other", Message: "You may watch your own location anyway"})
	}
	if _, err := l.db.User(ctx, watcher); errors.Is(err, store.ErrNotFound) {
		return gateway.NotFound("There is no such user")
	} else if err != nil {
		return err
	}
	err := l.db.AddWatcher(ctx, id, watcher, l.now(), maxWatchers)
	switch {
	case errors.Is(err, store.ErrTooMany):
		return gateway.Errorf("full", "%d people may watch this location already", maxWatchers)
	case err != nil:
		return missing(err)
	}
	// As it is now, and only if they still may.
	if at, err := l.db.LocationFor(ctx, id, watcher); err == nil {
		l.tell(ctx, Granted, devices.Of(watcher), onWire(at))
	} else if !errors.Is(err, store.ErrNotFound) {
		l.log.Error("location: a grant could not be told", "location", id, "error", err)
	}
	return nil
}

// Revoke takes a grant back: its owner does that, or who got it. Their sockets are out of the
// room when it returns, and whoever has joined meanwhile finds that they may not. To repeat
// it does no harm.
func (l *Locations) Revoke(ctx context.Context, u account.User, id, watcher store.ID) error {
	if watcher != u.ID {
		if _, err := l.owned(ctx, u, id); err != nil {
			return err
		}
	} else if _, err := l.Get(ctx, u, id); err != nil {
		return err
	}
	err := l.db.RemoveWatcher(ctx, id, watcher)
	none := errors.Is(err, store.ErrNotFound)
	if err != nil && !none {
		return err
	}
	sockets := l.to(devices.Of(watcher))
	if at, err := l.db.Location(ctx, id); err == nil && at.Owner == watcher {
		return nil // who owns it has no need of a grant
	}
	// Also where there is no grant: it may be that the last attempt ended before this.
	if err := sockets.Leave(ctx, watching.Of(id)); err != nil {
		return err
	}
	if !none {
		l.tellLeft(ctx, sockets, id, ReasonRevoked)
	}
	return nil
}

// Watchers returns who may watch a location of u's beside its owner: above an id, by id.
func (l *Locations) Watchers(ctx context.Context, u account.User, id, after store.ID, limit int) ([]store.Watcher, error) {
	if _, err := l.owned(ctx, u, id); err != nil {
		return nil, err
	}
	return l.db.Watchers(ctx, id, after, limit)
}
