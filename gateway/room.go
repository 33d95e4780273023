package gateway

import (
	"context"
	"fmt"
	"strings"

	"github.com/kachi-io/kachi/socketio"
)

// Rooms makes the rooms of one kind: those of chats, of users. Its rooms' names begin with
// the kind, so that rooms of different kinds never meet, and none is a socket's own.
type Rooms struct{ kind string }

// NewRooms returns the rooms of a kind: letters, digits, "-" and "_". It panics when the
// kind is something else.
func NewRooms(kind string) Rooms {
	if kind == "" || strings.Trim(kind, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") != "" {
		panic(fmt.Errorf("gateway: %q is no kind of rooms: letters, digits, - and _", kind))
	}
	return Rooms{kind}
}

// Of returns the room of something: a number, a string, or what prints as one.
func (r Rooms) Of(id any) Room { return Room{r.kind + ":" + fmt.Sprint(id)} }

// ID is the way back: what a room is of, as text; false where the room is of another kind.
func (r Rooms) ID(room Room) (id string, ok bool) { return strings.CutPrefix(room.name, r.kind+":") }

// Room is a set of sockets that are sent something together. Its zero value is no room.
type Room struct{ name string }

// String returns the room's name, "chat:42".
func (r Room) String() string { return r.name }

func names(rooms []Room) []string {
	list := make([]string, 0, len(rooms))
	for _, r := range rooms {
		if r.name != "" {
			list = append(list, r.name)
		}
	}
	return list
}

// Join makes the client a member of rooms.
func (c *Call) Join(rooms ...Room) {
	if c.connection != nil {
		c.connection.socket.Join(names(rooms)...)
	}
}

// Leave takes the client out of rooms.
func (c *Call) Leave(rooms ...Room) {
	if c.connection != nil {
		c.connection.socket.Leave(names(rooms)...)
	}
}

// In reports whether the client is a member of a room; while it disconnects, whether it was.
func (c *Call) In(room Room) bool {
	for _, r := range c.Rooms() {
		if r == room {
			return true
		}
	}
	return false
}

// Rooms returns the rooms that the client is in, its own left out; while it disconnects,
// those that it was in.
func (c *Call) Rooms() []Room {
	if c.connection == nil {
		return nil
	}
	var rooms []Room
	for _, name := range c.connection.socket.Rooms() {
		if name != c.connection.socket.ID() && !strings.HasPrefix(name, "~") {
			rooms = append(rooms, Room{name})
		}
	}
	return rooms
}

// Target is who is sent something: a value, whose methods return others.
type Target struct {
	space   *space
	nowhere error // why there is nobody, where space is nil
	to      socketio.Broadcast
	// visit is the name of a namespace of a pattern that this node does not have at the
	// moment, but another one may; shape is what the methods have made of it.
	visit string
	shape func(socketio.Broadcast) socketio.Broadcast
}

// missing says why a target without a namespace has none.
func (t Target) missing() error {
	if t.nowhere != nil {
		return t.nowhere
	}
	return ErrNotStarted // the zero value, of somebody who has no hub
}

func (t Target) with(change func(socketio.Broadcast) socketio.Broadcast) Target {
	if t.visit == "" {
		t.to = change(t.to)
	} else if before := t.shape; before == nil {
		t.shape = change
	} else {
		t.shape = func(b socketio.Broadcast) socketio.Broadcast { return change(before(b)) }
	}
	return t
}

// emit sends an event to whom the target has.
func (t Target) emit(ctx context.Context, event string, args []any) error {
	return t.reach(context.WithoutCancel(ctx), func(to socketio.Broadcast) error { return to.Emit(event, args...) })
}

// reach calls do with whom the target has.
func (t Target) reach(ctx context.Context, do func(socketio.Broadcast) error) error {
	if t.visit == "" {
		return do(t.to)
	}
	return t.space.dynamic.Visit(ctx, t.visit, func(_ context.Context, ns *socketio.Namespace) error {
		to := ns.All()
		if t.shape != nil {
			to = t.shape(to)
		}
		return do(to)
	})
}

// To returns everybody in the rooms, the caller included. No room is nobody.
func (c *Call) To(rooms ...Room) Target { return c.All().To(rooms...) }

// All returns everybody in the namespace, the caller included.
func (c *Call) All() Target {
	if c.connection == nil {
		return Target{nowhere: errNoSocket}
	}
	s := c.connection.socket
	return Target{space: c.connection.space, to: s.Namespace().All()}
}

// Others returns everybody in the namespace but the caller.
func (c *Call) Others() Target {
	t := c.All()
	if c.connection != nil {
		t.to = t.to.Except(c.connection.socket.ID())
	}
	return t
}

// Client returns the caller alone.
func (c *Call) Client() Target {
	t := c.All()
	if c.connection != nil {
		t.to = t.to.To(c.connection.socket.ID()).Local()
	}
	return t
}

// To narrows the target to the members of rooms, or widens it by them where it is rooms
// already. No room is nobody.
func (t Target) To(rooms ...Room) Target {
	return t.with(func(b socketio.Broadcast) socketio.Broadcast { return b.To(names(rooms)...) })
}

// Except leaves the members of rooms out.
func (t Target) Except(rooms ...Room) Target {
	return t.with(func(b socketio.Broadcast) socketio.Broadcast { return b.Except(names(rooms)...) })
}

// Volatile has what is sent dropped for clients that are behind.
func (t Target) Volatile() Target { return t.with(socketio.Broadcast.Volatile) }

// Local leaves other nodes of the cluster out.
func (t Target) Local() Target { return t.with(socketio.Broadcast.Local) }

// Join makes the sockets that the target has members of rooms, on all nodes unless it is
// [Target.Local]: on this one before it returns. Errors: [ErrNotStarted], the cluster's.
func (t Target) Join(ctx context.Context, rooms ...Room) error {
	if t.space == nil {
		return ErrNotStarted
	}
	return t.reach(context.WithoutCancel(ctx), func(to socketio.Broadcast) error { return to.Join(names(rooms)...) })
}

// Leave takes the sockets that the target has out of rooms, as Join puts them in: of
// somebody who may no longer be there, say.
func (t Target) Leave(ctx context.Context, rooms ...Room) error {
	if t.space == nil {
		return ErrNotStarted
	}
	return t.reach(context.WithoutCancel(ctx), func(to socketio.Broadcast) error { return to.Leave(names(rooms)...) })
}

// Count returns how many sockets the target has, in the whole cluster unless it is
// [Target.Local].
func (t Target) Count(ctx context.Context) (n int, err error) {
	if t.space == nil {
		return 0, t.missing()
	}
	err = t.reach(ctx, func(to socketio.Broadcast) error {
		n, err = to.Count(ctx)
		return err
	})
	return n, err
}
