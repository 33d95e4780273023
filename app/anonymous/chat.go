// Package anonymous is the chat on the namespace /chat: rooms that anybody may enter under a
// name, who is in them, and messages. It keeps everything in memory, within bounds, and
// stores no messages.
//
// From the client, with what the acknowledgement carries:
//
//	join    {name?, room} or room       {room, members: [{userId, userName}], user}
//	message {room, message, clientId?}  {id, sentAt}
//	exit    {room} or room              {room}
//	typing  {room}
//
// To the members of a room: userJoined and userLeft {room, userId, userName}, message
// {id, room, sender: {userId, userName}, message, sentAt} to all but the sender's own
// connection, typing {room, userId, userName}; and getUserList {userList} to one that
// has entered. A room is named by a string or a whole number.
//
// The handshake's auth may carry {key}: a secret of the client's own making. Connections
// with one key are one user, so that a client that comes back before its old connection
// has timed out is not announced, nor counted, twice.
package anonymous

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"time"

	"github.com/kachi-io/kachi/internal/ids"
	"github.com/kachi-io/kachi/socketio"
)

// Options bounds the chat. The zero value of each field is its default.
type Options struct {
	MaxName         int // code points of a user's name; 32
	MaxRoomName     int // code points of a room's name; 64
	MaxMessage      int // code points of a message; 2,000
	MaxRooms        int // rooms at once; 10,000
	MaxMembers      int // users in one room; 1,000
	MaxRoomsPerUser int // rooms that one connection may be in; 20
	Remembered      int // messages remembered by their clientId, so that one sent again is not delivered again; 10,000

	Logger *slog.Logger // none
}

func (o *Options) withDefaults() Options {
	var c Options
	if o != nil {
		c = *o
	}
	for _, f := range []struct {
		field *int
		value int
	}{
		{&c.MaxName, 32},
		{&c.MaxRoomName, 64},
		{&c.MaxMessage, 2000},
		{&c.MaxRooms, 10_000},
		{&c.MaxMembers, 1000},
		{&c.MaxRoomsPerUser, 20},
		{&c.Remembered, 10_000},
	} {
		if *f.field == 0 {
			*f.field = f.value
		}
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// User is somebody in a room, as others see them.
type User struct {
	ID   string `json:"userId"`
	Name string `json:"userName"`
}

// visitor is one connection. Its socket's events come one at a time, so that it needs no
// lock.
type visitor struct {
	User
	rooms map[string]*room
}

type chat struct {
	opts  Options
	ns    *socketio.Namespace
	rooms *rooms
	sent  *receipts
	now   func() time.Time
}

// Mount registers the chat's handlers with the namespace.
func Mount(ns *socketio.Namespace, o *Options) {
	opts := o.withDefaults()
	c := &chat{
		opts:  opts,
		ns:    ns,
		rooms: newRooms(opts.MaxRooms, opts.MaxMembers),
		sent:  newReceipts(opts.Remembered),
		now:   time.Now,
	}
	ns.Use(c.admit)
	ns.On("join", c.join)
	ns.On("message", c.message)
	ns.On("exit", c.exit)
	ns.On("typing", c.typing)
	ns.OnDisconnecting(c.gone)
}

// admit gives the connection its user.
func (c *chat) admit(_ context.Context, s *socketio.Socket) error {
	var auth struct{ Key string }
	if raw := s.Auth(); len(raw) > 0 {
		if err := json.Unmarshal(raw, &auth); err != nil {
			return invalid("auth.key must be a string")
		}
	}
	id := ids.New()
	if auth.Key != "" {
		// A shorter key could be guessed, and its user impersonated.
		if len(auth.Key) < 16 || len(auth.Key) > 128 {
			return invalid("auth.key must have 16 to 128 characters")
		}
		sum := sha256.Sum256([]byte(auth.Key))
		id = base64.RawURLEncoding.EncodeToString(sum[:15])
	}
	s.SetData(&visitor{User: User{ID: id, Name: "guest-" + id[:5]}, rooms: map[string]*room{}})
	return nil
}

func visitorOf(s *socketio.Socket) *visitor { return s.Data().(*visitor) }

func (c *chat) join(_ context.Context, e *socketio.Event) error {
	s, v := e.Socket(), visitorOf(e.Socket())
	var in joining
	if err := e.Decode(&in); err != nil {
		return err
	}
	room, name, err := in.check(&c.opts, v.Name)
	if err != nil {
		return err
	}
	_, back := v.rooms[room]
	if !back && len(v.rooms) >= c.opts.MaxRoomsPerUser {
		return socketio.NewError("too_many_rooms", "You are in too many rooms")
	}
	if name != v.Name && (len(v.rooms) > 1 || len(v.rooms) == 1 && !back) {
		return invalid("You are in other rooms under another name")
	}

	user := User{v.ID, name}
	r, members, err := c.enter(s, room, user, back)
	if err != nil {
		return err
	}
	v.User, v.rooms[room] = user, r
	if err := s.Emit("getUserList", userList{members}); err != nil {
		return err
	}
	return e.Ack(joined{room, members, user})
}

// enter makes the socket a member and tells the others. The room is locked meanwhile, so
// that nobody is told of a change before, or without, the list that it applies to;
// emitting touches memory only.
func (c *chat) enter(s *socketio.Socket, name string, user User, back bool) (*room, []User, error) {
	r, err := c.rooms.lock(name)
	if err != nil {
		return nil, nil, err
	}
	defer r.mu.Unlock()
	before, err := r.enter(user, s.ID())
	if err != nil {
		c.rooms.release(r)
		return nil, nil, err
	}
	if !back {
		s.Join(channel(name))
	}
	others := c.ns.To(channel(name)).Except(s.ID())
	if before != user {
		if before != (User{}) {
			c.tell(others.Emit("userLeft", presence{name, before}))
		}
		c.tell(others.Emit("userJoined", presence{name, user}))
	}
	return r, r.list(), nil
}

func (c *chat) leave(s *socketio.Socket, r *room) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s.Leave(channel(r.name))
	if user, last := r.leave(s.ID()); last {
		c.tell(c.ns.To(channel(r.name)).Emit("userLeft", presence{r.name, user}))
	}
	c.rooms.release(r)
}

func (c *chat) message(_ context.Context, e *socketio.Event) error {
	s, v := e.Socket(), visitorOf(e.Socket())
	var in posting
	if err := e.Decode(&in); err != nil {
		return err
	}
	room := string(in.Room)
	if v.rooms[room] == nil {
		return errNotInRoom
	}
	if err := in.check(&c.opts); err != nil {
		return err
	}
	sent, fresh := c.sent.claim(v.ID, room, in.ClientID, func() receipt {
		return receipt{ids.New(), c.now().UTC().Format(timestamp)}
	})
	if fresh {
		c.tell(s.To(channel(room)).Emit("message", posted{sent, room, v.User, in.Message}))
	}
	return e.Ack(sent)
}

func (c *chat) exit(_ context.Context, e *socketio.Event) error {
	s, v := e.Socket(), visitorOf(e.Socket())
	var in joining
	if err := e.Decode(&in); err != nil {
		return err
	}
	r := v.rooms[string(in.Room)]
	if r == nil {
		return errNotInRoom
	}
	delete(v.rooms, r.name)
	c.leave(s, r)
	return e.Ack(map[string]string{"room": r.name})
}

func (c *chat) typing(_ context.Context, e *socketio.Event) error {
	v := visitorOf(e.Socket())
	var in joining
	if err := e.Decode(&in); err != nil {
		return err
	}
	room := string(in.Room)
	if v.rooms[room] == nil {
		return errNotInRoom
	}
	return e.Socket().To(channel(room)).Volatile().Emit("typing", presence{room, v.User})
}

func (c *chat) gone(_ context.Context, s *socketio.Socket, _ socketio.Reason) error {
	for _, r := range visitorOf(s).rooms {
		c.leave(s, r)
	}
	return nil
}

// tell takes the error of telling others: what was done is done, and they learn of it
// when they enter again.
func (c *chat) tell(err error) {
	if err != nil {
		c.opts.Logger.Error("chat: a room was not told", "error", err)
	}
}

// channel is the Socket.IO room of a chat room. The prefix keeps the names that users
// choose apart from socket ids, which are rooms as well.
func channel(room string) string { return "room:" + room }
