package main

import (
	"context"
	"errors"
	"time"
	"unicode/utf8"

	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/gateway/limit"
)

// Context is what handlers are given: its Principal is the user whose token was verified.
type Context = gateway.Context[User]

// What clients are sent.
var (
	GetUserList = gateway.NewEvent[UserList]("getUserList").Describe("who is there, for somebody who has just come")
	UserOnline  = gateway.NewEvent[User]("userOnline").Describe("somebody has come, for the others")
	UserOffline = gateway.NewEvent[User]("userOffline").Describe("somebody has gone")
	UserJoined  = gateway.NewEvent[Move]("userJoined")
	UserLeft    = gateway.NewEvent[Move]("userLeft")
	Said        = gateway.NewEvent[Saying]("message")
)

// UserList is who is there.
type UserList struct {
	UserList []User `json:"userList"`
}

// Move is of a user into a room, or out of one.
type Move struct {
	UserName string `json:"userName"`
	Room     RoomID `json:"room"`
}

// Saying is what a user says in a room.
type Saying struct {
	Sender  User   `json:"sender"`
	Message string `json:"message"`
}

// Say is what a client sends for it.
type Say struct {
	Message string `json:"message"`
	Room    RoomID `json:"room"`
}

const maxMessage = 2000 // characters

// Validate implements [gateway.Validated].
func (s Say) Validate(ctx context.Context) error {
	if n := utf8.RuneCountInString(s.Message); n == 0 || n > maxMessage {
		return gateway.Invalid(gateway.FieldError{Path: "message", Rule: "length", Param: "2000", Message: "message is to have 1 to 2000 characters"})
	}
	return s.Room.Validate(ctx)
}

var rooms = gateway.NewRooms("room")

// Chat is the namespace /chat.
type Chat struct {
	directory *Directory
	presence  *Presence
}

// NewChat makes the gateway.
func NewChat(directory *Directory, auth gateway.Authenticator[User]) gateway.Gateway {
	c := &Chat{directory, NewPresence()}
	return gateway.New("/chat", auth, c.register)
}

func (c *Chat) register(g *gateway.Namespace[User]) {
	g.Emits(GetUserList, UserOnline, UserOffline, UserJoined, UserLeft, Said)
	g.Use(limit.PerPrincipal(20, time.Second, limit.Options{Burst: 100})) // with all tabs together
	g.OnConnect(c.connected)
	g.OnDisconnecting(c.disconnecting)
	gateway.Handle(g, "join", c.join).Authorize(c.isMember)
	gateway.Handle(g, "message", c.message).Authorize(c.isIn)
	gateway.Handle(g, "exit", c.exit)
}

// connected runs when the user is known, and before the first event.
func (c *Chat) connected(ctx *Context) error {
	return c.presence.Enter(anywhere, ctx.Principal, func(first bool, all []User) error {
		err := GetUserList.Emit(ctx, ctx.Client(), UserList{all})
		if first {
			err = errors.Join(err, UserOnline.Emit(ctx, ctx.Others(), ctx.Principal))
		}
		return err
	})
}

// disconnecting still knows the rooms.
func (c *Chat) disconnecting(ctx *Context, _ gateway.Reason) error {
	var errs []error
	for _, room := range ctx.Rooms() {
		if id, ok := rooms.ID(room); ok {
			errs = append(errs, c.leave(ctx, RoomID(id)))
		}
	}
	errs = append(errs, c.presence.Leave(anywhere, ctx.Principal, func() error {
		return UserOffline.Emit(ctx, ctx.All(), ctx.Principal)
	}))
	return errors.Join(errs...)
}

func (c *Chat) isMember(ctx *Context, room RoomID) error {
	if !c.directory.IsMember(ctx.Principal, room) {
		return gateway.Forbidden("You are not a member of this room")
	}
	return nil
}

func (c *Chat) join(ctx *Context, room RoomID) error {
	if ctx.In(rooms.Of(room)) {
		return nil
	}
	ctx.Join(rooms.Of(room))
	return c.presence.Enter(room, ctx.Principal, func(first bool, _ []User) error {
		to := ctx.Client() // who has another tab in the room has come already
		if first {
			to = ctx.To(rooms.Of(room))
		}
		return UserJoined.Emit(ctx, to, Move{ctx.Principal.Name, room})
	})
}

func (c *Chat) isIn(ctx *Context, in Say) error {
	if !ctx.In(rooms.Of(in.Room)) {
		return gateway.Forbidden("Join the room first")
	}
	return nil
}

func (c *Chat) message(ctx *Context, in Say) error {
	return Said.Emit(ctx, ctx.To(rooms.Of(in.Room)), Saying{ctx.Principal, in.Message})
}

func (c *Chat) exit(ctx *Context, room RoomID) error {
	if !ctx.In(rooms.Of(room)) {
		return nil
	}
	ctx.Leave(rooms.Of(room))
	return c.leave(ctx, room)
}

func (c *Chat) leave(ctx *Context, room RoomID) error {
	return c.presence.Leave(room, ctx.Principal, func() error {
		return UserLeft.Emit(ctx, ctx.To(rooms.Of(room)), Move{ctx.Principal.Name, room})
	})
}
