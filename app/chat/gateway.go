package chat

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/kachi-io/kachi/app/account"
	"github.com/kachi-io/kachi/app/store"
	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/gateway/limit"
)

// Context is what handlers are given.
type Context = gateway.Context[account.User]

// Gateway is the namespace /chat.
func (c *Chat) Gateway(auth gateway.Authenticator[account.User]) gateway.Gateway {
	s := &sockets{Chat: c, entered: gateway.NewState(
		func(*gateway.Call) (map[store.ID]bool, error) { return map[store.ID]bool{}, nil }, nil)}
	return gateway.New(Namespace, auth, s.register)
}

// sockets is the chat as clients see it.
type sockets struct {
	*Chat
	// entered are the rooms that each socket has entered. Its events come one at a time, so
	// that the map needs no lock.
	entered *gateway.State[map[store.ID]bool]
}

func (s *sockets) register(g *gateway.Namespace[account.User]) {
	g.Emits(UserJoined, UserLeft, GetUserList, Posted, MessageEdited, MessageDeleted, Typing, Seen, Unread, Activity, Invited, Removed, RoomChanged)
	g.OnConnect(s.connected)
	g.OnDisconnecting(s.disconnecting)

	// A person has these with all devices together.
	most := func(n, burst int) gateway.Guard {
		return limit.PerPrincipal(n, time.Second, limit.Options{Burst: burst})
	}
	gateway.On(g, "join", s.enter).Use(most(10, 100)).
		Describe("Enter a room. Whoever may see it becomes a member.")
	gateway.On(g, "exit", s.exit).Use(most(10, 100)).
		Describe("Leave a room for good: no longer be a member, on all devices. To close a page is enough to be no longer present.")
	gateway.On(g, "message", s.post).Use(most(20, 200)).
		Describe("Write in a room, which has been stored when the answer comes.")
	gateway.On(g, "edit", s.edit).Use(most(5, 50)).Describe("Change the text of one's own message.")
	gateway.On(g, "delete", s.remove).Use(most(5, 50)).
		Describe("Take the text of a message away: one's own, in one's own room, or as an administrator.")
	gateway.On(g, "seen", s.see).Use(most(5, 50)).Describe("Say that the user has seen a room up to a message.")
	gateway.Handle(g, "typing", s.typing).Use(most(5, 20)).Describe("Say that the user is writing in a room that the client has entered.")
}

// connected has a socket be one of its person's devices, and hear of the rooms that they are a
// member of. That is done when the first event of the client is answered: a client that loads
// what it shows behind that misses nothing.
func (s *sockets) connected(ctx *Context) error {
	ctx.Join(devices.Of(ctx.Principal.ID))
	rooms, err := s.db.Memberships(ctx, ctx.Principal.ID, maxRooms)
	if err != nil || len(rooms) == 0 {
		return err
	}
	ctx.Join(of(rooms)...)
	// A membership that ended in between ended before the socket heard of it.
	still, err := s.db.Memberships(ctx, ctx.Principal.ID, maxRooms)
	ctx.Leave(of(slices.DeleteFunc(rooms, func(id store.ID) bool { return slices.Contains(still, id) }))...)
	return err
}

// of returns where members of rooms hear of them.
func of(rooms []store.ID) []gateway.Room {
	list := make([]gateway.Room, len(rooms))
	for i, id := range rooms {
		list[i] = members.Of(id)
	}
	return list
}

// disconnecting runs however the socket ended: a person whose last socket it was is in no room
// any more. Memberships stay.
func (s *sockets) disconnecting(ctx *Context, _ gateway.Reason) error {
	rooms, err := s.entered.Of(ctx)
	for room := range rooms {
		s.presence.Leave(room, ctx.Socket().ID(), func(p Participant) { s.left(ctx, room, p) })
	}
	return err
}

func (s *sockets) enter(ctx *Context, in RoomRef) (Joined, error) {
	rooms, err := s.entered.Of(ctx)
	if err != nil {
		return Joined{}, err
	}
	before := rooms[in.Room]
	if !before && len(rooms) >= maxEntered {
		maps.DeleteFunc(rooms, func(id store.ID, _ bool) bool { return !ctx.In(entered.Of(id)) }) // was put out
		if len(rooms) >= maxEntered {
			return Joined{}, errTooManyRooms
		}
	}
	// Who is put out of the room from here on, whatever is found out about it meanwhile, does
	// not enter it.
	socket := ctx.Socket().ID()
	s.presence.Knock(in.Room, participant(ctx.Principal), socket)
	v, err := s.join(ctx, ctx.Principal, in.Room)
	if err != nil {
		if !before || errors.Is(err, errNoRoom) {
			s.leave(ctx, rooms, in.Room)
		}
		return Joined{}, err
	}
	answer := Joined{Room: in.Room, Seq: v.LastSeq, Seen: v.Seen}
	if !s.presence.Enter(in.Room, socket, maxListed, func(list []Participant, total int, first bool) {
		ctx.Join(entered.Of(in.Room), members.Of(in.Room))
		rooms[in.Room] = true
		answer.Members, answer.Total = list, total
		s.tell("getUserList", GetUserList.Emit(ctx, ctx.Client(), UserList{in.Room, list, total}))
		if first {
			s.tell("userJoined", UserJoined.Emit(ctx, ctx.To(entered.Of(in.Room)), Move{participant(ctx.Principal), in.Room}))
		}
	}) {
		return Joined{}, errGone
	}
	return answer, nil
}

// leave takes the socket out of a room.
func (s *sockets) leave(ctx *Context, rooms map[store.ID]bool, room store.ID) {
	delete(rooms, room)
	ctx.Leave(entered.Of(room))
	s.presence.Leave(room, ctx.Socket().ID(), func(p Participant) { s.left(ctx, room, p) })
}

// What follows stores, and goes on when the client has gone: who writes and closes the page
// has written.

func (s *sockets) exit(ctx *Context, in RoomRef) (RoomRef, error) {
	if err := s.Exclude(context.WithoutCancel(ctx), ctx.Principal, in.Room, ctx.Principal.ID, ctx.Others()); err != nil {
		return RoomRef{}, err
	}
	rooms, err := s.entered.Of(ctx)
	delete(rooms, in.Room)
	return in, err
}

func (s *sockets) post(ctx *Context, in Post) (Receipt, error) {
	return s.Post(context.WithoutCancel(ctx), ctx.Principal, in)
}

func (s *sockets) edit(ctx *Context, in Edit) (Message, error) {
	return s.Edit(context.WithoutCancel(ctx), ctx.Principal, in)
}

func (s *sockets) remove(ctx *Context, in MessageRef) (Message, error) {
	return s.Delete(context.WithoutCancel(ctx), ctx.Principal, in.ID)
}

func (s *sockets) see(ctx *Context, in SeenUpTo) (Reading, error) {
	return s.See(context.WithoutCancel(ctx), ctx.Principal, in, ctx.Others())
}

// typing asks no database: whoever is in the room may be there.
func (s *sockets) typing(ctx *Context, in RoomRef) error {
	if !ctx.In(entered.Of(in.Room)) {
		return errNoMember
	}
	return Typing.Emit(ctx, ctx.To(entered.Of(in.Room)).Except(devices.Of(ctx.Principal.ID)).Volatile(), Move{participant(ctx.Principal), in.Room})
}
