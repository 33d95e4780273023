package main

import (
	"context"
	"encoding/json"
	"strconv"
	"time"

	"github.com/kachi-io/kachi/examples/people"
	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/gateway/limit"
)

// Context is what handlers are given.
type Context = gateway.Context[people.Person]

// Chat tells those who watch a location about it.
var Chat = gateway.NewEvent[Message]("chat")

// rooms has one for each location. Clients name it by the location's id alone.
var rooms = gateway.NewRooms("location")

// JoinRoom is what a client says that wants to watch a location. It need not say who it is:
// the server knows.
type JoinRoom struct {
	LocationID int  `json:"locationId"`
	UserID     *int `json:"userId"`
}

// Message is news about a location, the same in both directions.
type Message struct {
	UserID   int             `json:"userId"`
	Message  json.RawMessage `json:"message"` // any object
	RoomName string          `json:"roomName"`
}

const maxMessage = 4096 // bytes

// Validate implements [gateway.Validated].
func (m Message) Validate(context.Context) error {
	var wrong []gateway.FieldError
	if len(m.Message) == 0 || m.Message[0] != '{' {
		wrong = append(wrong, gateway.FieldError{Path: "message", Rule: "type", Param: "an object", Message: "message is to be an object"})
	}
	if len(m.Message) > maxMessage {
		wrong = append(wrong, gateway.FieldError{Path: "message", Rule: "max", Param: strconv.Itoa(maxMessage), Message: "message is too large"})
	}
	if id, err := strconv.Atoi(m.RoomName); err != nil || strconv.Itoa(id) != m.RoomName { // "+1" is nobody's name for it
		wrong = append(wrong, gateway.FieldError{Path: "roomName", Rule: "location", Message: "roomName is to be a location's id"})
	}
	if len(wrong) > 0 {
		return gateway.Invalid(wrong...)
	}
	return nil
}

// location is the one that the room is of.
func (m Message) location() int {
	id, _ := strconv.Atoi(m.RoomName) // validated
	return id
}

// Locations is the namespace /: it transmits what has happened. Who may do what, and what
// is kept, is the store's business.
type Locations struct{ store *Store }

// NewLocations makes the gateway.
func NewLocations(known *people.People, store *Store) gateway.Gateway {
	l := &Locations{store}
	return gateway.New("/", known, l.register)
}

func (l *Locations) register(g *gateway.Namespace[people.Person]) {
	g.Emits(Chat)
	g.Use(limit.PerPrincipal(20, time.Second, limit.Options{Burst: 100}))
	gateway.On(g, "join_room", l.join).Authorize(l.mayWatch)
	gateway.On(g, "chat", l.chat).Authorize(l.mayMove)
}

// isSelf refuses those who say that they are somebody else.
func isSelf(ctx *Context, userID int) error {
	if userID != ctx.Principal.ID {
		return gateway.Forbidden("You are not this user")
	}
	return nil
}

func (l *Locations) mayWatch(ctx *Context, in JoinRoom) error {
	if in.UserID != nil {
		if err := isSelf(ctx, *in.UserID); err != nil {
			return err
		}
	}
	return l.store.MayWatch(ctx.Principal.ID, in.LocationID)
}

func (l *Locations) join(ctx *Context, in JoinRoom) (string, error) {
	ctx.Join(rooms.Of(in.LocationID))
	return strconv.Itoa(in.LocationID), nil
}

func (l *Locations) mayMove(ctx *Context, in Message) error {
	if err := isSelf(ctx, in.UserID); err != nil {
		return err
	}
	return l.store.MayMove(ctx.Principal.ID, in.location())
}

func (l *Locations) chat(ctx *Context, in Message) (Message, error) {
	return in, Chat.Emit(ctx, ctx.To(rooms.Of(in.location())), in)
}
