package chat

import (
	"context"
	"net/http"
	"time"

	"github.com/kachi-io/kachi/app/account"
	"github.com/kachi-io/kachi/app/api"
	"github.com/kachi-io/kachi/app/store"
	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/gateway/limit"
)

// RoomPath is exported, since huma looks for parameters in no other embedded struct.
type RoomPath struct {
	ID store.ID `path:"id"`
}

type memberPath struct {
	RoomPath
	User store.ID `path:"userId"`
}

type roomAnswer struct{ Body Room }

type newRoomAnswer struct {
	Location string `header:"Location"`
	Body     Room
}

type roomsQuery struct {
	Mine   bool     `query:"mine" doc:"Only rooms that one is a member or the owner of."`
	Before store.ID `query:"before" doc:"The next of the page before."`
	Limit  int      `query:"limit" minimum:"1" maximum:"200" default:"50"`
}

type roomsAnswer struct {
	Body struct {
		Rooms []Room    `json:"rooms"`
		Next  *store.ID `json:"next" doc:"For before; null on the last page."`
	}
}

type newRoom struct {
	Body struct {
		Name    string `json:"name" minLength:"1" maxLength:"200" doc:"Up to 64 characters."`
		Private bool   `json:"private,omitempty" doc:"Only its members know of it."`
	}
}

type roomChange struct {
	RoomPath
	Body struct {
		Name    *string `json:"name,omitempty" maxLength:"200"`
		Private *bool   `json:"private,omitempty"`
	}
}

type messagesQuery struct {
	RoomPath
	Before store.ID `query:"before" doc:"A message's id, as next of the page before is: what is older."`
	After  store.ID `query:"after" doc:"A message's id: what is newer."`
	Limit  int      `query:"limit" minimum:"1" maximum:"200" default:"50"`
}

type messagesAnswer struct {
	Body struct {
		Messages []Message `json:"messages" doc:"The oldest first."`
		Next     *store.ID `json:"next" doc:"For before, or for after where that was asked for; null where nothing is left."`
	}
}

type membersQuery struct {
	RoomPath
	After store.ID `query:"after" doc:"The next of the page before."`
	Limit int      `query:"limit" minimum:"1" maximum:"200" default:"50"`
}

type membersAnswer struct {
	Body struct {
		Members []Member  `json:"members"`
		Next    *store.ID `json:"next" doc:"For after; null on the last page."`
	}
}

type newMember struct {
	RoomPath
	Body struct {
		User store.ID `json:"userId"`
	}
}

// cursor is the next of a page, which JSON has as null at the end.
func cursor(id store.ID) *store.ID {
	if id == 0 {
		return nil
	}
	return &id
}

// Routes adds rooms to the API.
func (c *Chat) Routes(a *api.API) {
	const tag = "Chat"
	reads := []gateway.Layer{limit.PerPrincipal(50, time.Second, limit.Options{Burst: 500})}
	// Each is a notification to somebody, whose older ones make room for it.
	invites := []gateway.Layer{limit.PerPrincipal(1, time.Second, limit.Options{Burst: 100})}
	writes := []gateway.Layer{limit.PerPrincipal(20, time.Second, limit.Options{Burst: 300})}

	api.Handle(a, api.Route{Method: "GET", Path: "/api/rooms", Access: api.User, Use: reads, Tag: tag, Summary: "List rooms",
		Description: "that one is a member of, and public ones, the newest first."},
		func(ctx context.Context, in *roomsQuery) (*roomsAnswer, error) {
			rooms, next, err := c.Rooms(ctx, account.From(ctx), in.Before, in.Mine, in.Limit)
			out := &roomsAnswer{}
			out.Body.Rooms, out.Body.Next = rooms, cursor(next)
			return out, err
		})
	api.Handle(a, api.Route{Method: "POST", Path: "/api/rooms", Access: api.User, Status: http.StatusCreated, Use: writes, Tag: tag,
		Summary: "Open a room", Description: "Whoever opens it is its owner and first member."},
		func(ctx context.Context, in *newRoom) (*newRoomAnswer, error) {
			room, err := c.Open(ctx, account.From(ctx), in.Body.Name, in.Body.Private)
			return &newRoomAnswer{"/api/rooms/" + room.ID.String(), room}, err
		})
	api.Handle(a, api.Route{Method: "GET", Path: "/api/rooms/{id}", Access: api.User, Use: reads, Tag: tag, Summary: "Get a room"},
		func(ctx context.Context, in *RoomPath) (*roomAnswer, error) {
			room, err := c.Room(ctx, account.From(ctx), in.ID)
			return &roomAnswer{room}, err
		})
	api.Handle(a, api.Route{Method: "PATCH", Path: "/api/rooms/{id}", Access: api.User, Use: writes, Tag: tag,
		Summary: "Change a room", Description: "Its owner may. What is left out stays."},
		func(ctx context.Context, in *roomChange) (*roomAnswer, error) {
			room, err := c.Change(ctx, account.From(ctx), in.ID, in.Body.Name, in.Body.Private)
			return &roomAnswer{room}, err
		})
	api.Handle(a, api.Route{Method: "DELETE", Path: "/api/rooms/{id}", Access: api.User, Status: http.StatusNoContent, Use: writes, Tag: tag,
		Summary: "Remove a room", Description: "with all that was said in it. Its owner may, and an administrator."},
		func(ctx context.Context, in *RoomPath) (*struct{}, error) {
			return nil, c.Remove(ctx, account.From(ctx), in.ID)
		})
	api.Handle(a, api.Route{Method: "GET", Path: "/api/rooms/{id}/messages", Access: api.User, Use: reads, Tag: tag,
		Summary: "Page through a room's messages", Description: "from the newest back, or on from one. Public rooms can be read by all."},
		func(ctx context.Context, in *messagesQuery) (*messagesAnswer, error) {
			page, next, err := c.History(ctx, account.From(ctx), in.ID, in.Before, in.After, in.Limit)
			out := &messagesAnswer{}
			out.Body.Messages, out.Body.Next = page, cursor(next)
			return out, err
		})
	api.Handle(a, api.Route{Method: "GET", Path: "/api/rooms/{id}/members", Access: api.User, Use: reads, Tag: tag, Summary: "List a room's members"},
		func(ctx context.Context, in *membersQuery) (*membersAnswer, error) {
			list, next, err := c.Members(ctx, account.From(ctx), in.ID, in.After, in.Limit)
			out := &membersAnswer{}
			out.Body.Members, out.Body.Next = list, cursor(next)
			return out, err
		})
	api.Handle(a, api.Route{Method: "POST", Path: "/api/rooms/{id}/members", Access: api.User, Status: http.StatusNoContent, Use: invites, Tag: tag,
		Summary: "Invite somebody", Description: "who is a member then, and is told, by a notification too. Members may, and the owner."},
		func(ctx context.Context, in *newMember) (*struct{}, error) {
			return nil, c.Invite(ctx, account.From(ctx), in.ID, in.Body.User)
		})
	api.Handle(a, api.Route{Method: "DELETE", Path: "/api/rooms/{id}/members/{userId}", Access: api.User, Status: http.StatusNoContent, Use: writes, Tag: tag,
		Summary: "Put a member out", Description: "The owner may, and everybody leave."},
		func(ctx context.Context, in *memberPath) (*struct{}, error) {
			return nil, c.Exclude(ctx, account.From(ctx), in.ID, in.User, c.hub.Namespace(Namespace))
		})
}
