package main

import (
	"context"
	"errors"

	"github.com/kachi-io/kachi/gateway"
)

// JoinedRoom tells a client that it is in a room now.
var JoinedRoom = gateway.NewEvent[RoomName]("joinedRoom")

// RoomName is what clients call a room.
type RoomName string

// Validate implements [gateway.Validated].
func (n RoomName) Validate(context.Context) error {
	if n == "" || len(n) > 100 {
		return gateway.Invalid(gateway.FieldError{Path: "room", Rule: "length", Message: "The name of a room has 1 to 100 bytes"})
	}
	return nil
}

// rooms are kept apart from those of notifications, and from the sockets' own, whatever a
// client calls them.
var rooms = gateway.NewRooms("chat")

// ToRoom is what somebody says in a room.
type ToRoom struct {
	Room    RoomName `json:"room"`
	Message Text     `json:"message"`
}

// Validate implements [gateway.Validated].
func (m ToRoom) Validate(ctx context.Context) error {
	return errors.Join(m.Room.Validate(ctx), m.Message.Validate(ctx))
}

// Chat is the namespace /chat.
type Chat struct{}

// NewChat makes the gateway.
func NewChat(visitors Visitors) gateway.Gateway {
	return gateway.New("/chat", visitors, Chat{}.register)
}

func (c Chat) register(g *gateway.Namespace[Visitor]) {
	g.Emits(ChatToClient, JoinedRoom)
	gateway.On(g, "joinRoom", c.joinRoom)
	gateway.Handle(g, "chatToRoom", c.chatToRoom).Authorize(c.isMember)
}

func (c Chat) joinRoom(ctx *gateway.Context[Visitor], room RoomName) (gateway.Reply[RoomName], error) {
	ctx.Join(rooms.Of(room))
	return gateway.Reply[RoomName]{Event: JoinedRoom, Data: room}, nil
}

func (c Chat) isMember(ctx *gateway.Context[Visitor], m ToRoom) error {
	if !ctx.In(rooms.Of(m.Room)) {
		return gateway.Forbidden("Join the room first")
	}
	return nil
}

func (c Chat) chatToRoom(ctx *gateway.Context[Visitor], m ToRoom) error {
	return ChatToClient.Emit(ctx, ctx.To(rooms.Of(m.Room)), m.Message)
}
