// Package chat is people talking in rooms: public ones, which whoever joins is a member of,
// and private ones, of which only those know who were invited. Rooms, members and messages
// are kept in the database; who is present is known by the sockets.
//
// The rules are methods of [Chat], which both the events of the namespace /chat and the
// routes of /api/rooms ask: they know neither sockets nor requests, and tell those whom
// it concerns by an Emitter, after it was stored.
//
// # Order
//
// A room's messages are numbered without a gap, by the database. A node tells those that it
// stores in the order of their numbers ([turns]). Where several nodes serve a room, what one
// tells may overtake what another does: a client puts messages in order by their number,
// drops what it has, and asks the API for what it sees is missing. An edited or deleted
// message has a version, of which the greatest counts.
package chat

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/kachi-io/kachi/app/account"
	"github.com/kachi-io/kachi/app/store"
	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/gateway/schedule"
)

// Bounds. A room with more members than maxWatched does not tell who has seen what, which
// would be as many events for each message as the square of its members.
const (
	maxMembers   = 10_000 // of a room
	maxRooms     = 500    // of a person: that they are in, and that they own
	maxEntered   = 100    // rooms that one socket is in at once
	maxListed    = 500    // people who are named to somebody who enters
	maxWatched   = 100
	maxRoomName  = 64   // code points
	maxText      = 2000 // code points
	maxPage      = 200
	purgeAtOnce  = 500
	purgesAtOnce = 20
)

// Options configures a [Chat]. The zero value of each field is its default.
type Options struct {
	// Presence knows who is in which room. Default [NewPresence], which knows this process.
	Presence Presence
	// Notices keeps for people what they are to find when they come back. Default none.
	Notices Notices
	// Logger is told what could not be told to clients. Default none.
	Logger *slog.Logger
}

// Notices tells a person something, now or when they come back: title and body for people,
// data for programs. Methods are called concurrently.
type Notices interface {
	Notify(ctx context.Context, user store.ID, title, body string, data any) error
}

type noNotices struct{}

func (noNotices) Notify(context.Context, store.ID, string, string, any) error { return nil }

// Chat is the rules of rooms. It is safe for concurrent use.
type Chat struct {
	db       *store.DB
	hub      gateway.Emitter
	presence Presence
	notices  Notices
	log      *slog.Logger
	turns    *turns
	now      func() time.Time
}

// New makes a chat, which keeps rooms in db and tells clients by hub.
func New(db *store.DB, hub gateway.Emitter, o Options) *Chat {
	if o.Presence == nil {
		o.Presence = NewPresence()
	}
	if o.Notices == nil {
		o.Notices = noNotices{}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	c := &Chat{db: db, hub: hub, presence: o.Presence, notices: o.Notices, log: o.Logger, now: time.Now}
	c.turns = newTurns(c.storeAndTell)
	return c
}

// Jobs are what is to be done over and over.
func (c *Chat) Jobs() []*schedule.Job { return []*schedule.Job{schedule.Every(time.Minute, c.Tidy)} }

// Rooms of Socket.IO, in which the namespace has its sockets.
var (
	entered = gateway.NewRooms("room")   // a room's, who have entered it: they are sent what is said there
	members = gateway.NewRooms("member") // of a room's members, entered or not: they are sent that there is news
	devices = gateway.NewRooms("user")   // a person's
)

func (c *Chat) to(rooms ...gateway.Room) gateway.Target {
	return c.hub.Namespace(Namespace).To(rooms...)
}

// tell takes the error of telling. What was done is done, and stored: clients see by its number
// that they have missed something.
func (c *Chat) tell(what string, err error) {
	if err != nil {
		c.log.Error("chat: some were not told", "event", what, "error", err)
	}
}

var (
	errNoRoom    = gateway.NotFound("There is no such room")
	errNoMessage = gateway.NotFound("There is no such message")
	errNoMember  = gateway.Forbidden("Join the room first")
	errNotOwner  = gateway.Forbidden("Only the room's owner may do that")
)

// view returns a room as somebody may see it: public, or with that person as a member or the
// owner. Of others nobody is told that they exist.
func (c *Chat) view(ctx context.Context, user account.User, room store.ID) (store.RoomView, error) {
	v, err := c.db.RoomFor(ctx, user.ID, room)
	if errors.Is(err, store.ErrNotFound) || err == nil && v.Private && !v.Member && v.Owner != user.ID {
		return store.RoomView{}, errNoRoom
	}
	return v, err
}

// memberView is view for members alone.
func (c *Chat) memberView(ctx context.Context, user account.User, room store.ID) (store.RoomView, error) {
	v, err := c.view(ctx, user, room)
	if err == nil && !v.Member {
		err = errNoMember
	}
	return v, err
}
