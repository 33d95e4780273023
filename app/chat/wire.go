package chat

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/kachi-io/kachi/app/account"
	"github.com/kachi-io/kachi/app/store"
	"github.com/kachi-io/kachi/gateway"
)

// Namespace is where clients connect to.
const Namespace = "/chat"

// What clients are sent.
var (
	UserJoined     = gateway.NewEvent[Move]("userJoined").Describe("Somebody has entered a room that the client is in, with the first of their sockets. The client that does so hears of it as well.")
	UserLeft       = gateway.NewEvent[Move]("userLeft").Describe("Somebody is no longer in a room that the client is in: with the last of their sockets.")
	GetUserList    = gateway.NewEvent[UserList]("getUserList").Describe("Who is in a room, for a client that has entered it.")
	Posted         = gateway.NewEvent[Message]("message").Describe("A message, for all who are in the room, the client that sent it included: it knows its own by the clientId, and has it before the answer. Numbers (seq) have no gap: one that is missing can be had from the API.")
	MessageEdited  = gateway.NewEvent[Message]("messageEdited").Describe("A message has another text. Of several versions the greatest counts.")
	MessageDeleted = gateway.NewEvent[Message]("messageDeleted").Describe("A message has no text any more; its place stays.")
	Typing         = gateway.NewEvent[Move]("typing").Describe("Somebody is writing. It may be lost.")
	Seen           = gateway.NewEvent[Sight]("seen").Describe("Somebody has seen the room up to a message. Told in rooms of up to 100 members.")
	Unread         = gateway.NewEvent[Reading]("unread").Describe("How far the client's own user has seen a room, on another device.")
	Activity       = gateway.NewEvent[News]("activity").Describe("There is something new in a room that the user is a member of and the client has not entered.")
	Invited        = gateway.NewEvent[Invitation]("invited").Describe("The user was made a member of a room.")
	Removed        = gateway.NewEvent[Removal]("removed").Describe("The user is no longer a member of a room, or it is no more.")
	RoomChanged    = gateway.NewEvent[RoomName]("roomChanged").Describe("A room that the user is a member of has another name, or is public or private now.")
)

// Participant is somebody as others see them.
type Participant struct {
	ID   store.ID `json:"userId"`
	Name string   `json:"userName"`
}

func participant(u account.User) Participant { return Participant{u.ID, u.Name} }

// Move is what somebody does in a room.
type Move struct {
	Participant
	Room store.ID `json:"room"`
}

// UserList is who is in a room.
type UserList struct {
	Room     store.ID      `json:"room"`
	UserList []Participant `json:"userList" doc:"Up to 500, by name."`
	Total    int           `json:"total" doc:"How many there are."`
}

// Message is one on the wire.
type Message struct {
	ID        store.ID    `json:"id"`
	Room      store.ID    `json:"room"`
	Seq       int64       `json:"seq" doc:"Its number in the room: 1, 2, 3, …"`
	Sender    Participant `json:"sender"`
	Message   string      `json:"message" doc:"As it was written: text, never HTML. Empty when it was deleted."`
	SentAt    time.Time   `json:"sentAt"`
	EditedAt  time.Time   `json:"editedAt,omitzero"`
	DeletedAt time.Time   `json:"deletedAt,omitzero"`
	Version   int64       `json:"version" doc:"Counts its changes, from 1."`
	ClientID  string      `json:"clientId,omitempty" doc:"What the sender's program called it."`
}

func message(m store.Message) Message {
	return Message{m.ID, m.Room, m.Seq, Participant{m.Sender, m.SenderName}, m.Text, m.Sent, m.Edited, m.Deleted, m.Version, m.ClientID}
}

func messages(list []store.Message) []Message {
	page := make([]Message, len(list))
	for i, m := range list {
		page[i] = message(m)
	}
	return page
}

// Sight is how far somebody has seen a room.
type Sight struct {
	Room store.ID `json:"room"`
	User store.ID `json:"userId"`
	ID   store.ID `json:"id" doc:"The message's."`
	Seq  int64    `json:"seq" doc:"The message's number."`
}

// Reading is how far the client's user has seen a room.
type Reading struct {
	Room   store.ID `json:"room"`
	Unread int64    `json:"unread" doc:"How many messages are behind that."`
	Seen   int64    `json:"seen" doc:"The number of the last message that was seen, 0 for none."`
	Seq    int64    `json:"seq" doc:"The number of the room's last message."`
}

func reading(v store.RoomView) Reading { return Reading{v.ID, v.Unread(), v.Seen, v.LastSeq} }

// News is that a room has new messages.
type News struct {
	Room store.ID `json:"room"`
	Seq  int64    `json:"seq" doc:"The number of its last message."`
}

// RoomName is a room, for those who know it.
type RoomName struct {
	Room    store.ID `json:"room"`
	Name    string   `json:"name"`
	Private bool     `json:"private"`
}

func roomName(r store.Room) RoomName { return RoomName{r.ID, r.Name, r.Private} }

// Invitation is somebody's into a room.
type Invitation struct {
	RoomName
	By Participant `json:"by"`
}

// InvitationNotice is the data of the notification that an invitation is kept as, by which
// programs know it.
type InvitationNotice struct {
	Kind string `json:"kind"` // "invitation"
	Invitation
}

// Reasons of a [Removal].
const (
	reasonLeft     = "left"     // the user has left, on another device
	reasonExcluded = "excluded" // the owner has put the user out
	reasonClosed   = "closed"   // the room is no more
)

// Removal is the end of somebody's membership.
type Removal struct {
	RoomName
	Reason string `json:"reason" doc:"left: by the user, on another device. excluded: by the room's owner. closed: the room is no more."`
}

// Room is a room as its caller has it.
type Room struct {
	ID        store.ID  `json:"id"`
	Name      string    `json:"name"`
	Private   bool      `json:"private" doc:"Only its members know of it."`
	OwnerID   store.ID  `json:"ownerId"`
	CreatedAt time.Time `json:"createdAt"`
	Members   int64     `json:"members" doc:"How many."`
	Member    bool      `json:"member" doc:"Whether the caller is one."`
	Seq       int64     `json:"seq" doc:"The number of its last message, 0 for none."`
	Seen      int64     `json:"seen" doc:"Up to which number the caller has seen it."`
	Unread    int64     `json:"unread" doc:"How many messages the caller has not seen."`
	Last      *Message  `json:"lastMessage,omitempty"`
}

func roomOf(v store.RoomView) Room {
	r := Room{ID: v.ID, Name: v.Name, Private: v.Private, OwnerID: v.Owner, CreatedAt: v.Created, Members: v.Members,
		Member: v.Member, Seq: v.LastSeq, Seen: v.Seen, Unread: v.Unread()}
	if v.Last != nil {
		last := message(*v.Last)
		r.Last = &last
	}
	return r
}

// Member is somebody in a room.
type Member struct {
	Participant
	Seen     int64     `json:"seen" doc:"Up to which number they have seen the room."`
	JoinedAt time.Time `json:"joinedAt"`
}

// RoomRef names a room: by its id alone, a number or a string, or as {room}.
type RoomRef struct {
	Room store.ID `json:"room"`
}

// UnmarshalJSON implements [json.Unmarshaler].
func (r *RoomRef) UnmarshalJSON(data []byte) error {
	id := struct {
		Room *store.ID `json:"room"`
	}{&r.Room}
	if len(data) == 0 || data[0] != '{' {
		return json.Unmarshal(data, &r.Room)
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	return d.Decode(&id)
}

// Validate implements [gateway.Validated].
func (r RoomRef) Validate(context.Context) error {
	if r.Room == 0 {
		return gateway.Invalid(gateway.FieldError{Path: "room", Rule: "required", Message: "A room is needed"})
	}
	return nil
}

// JSONSchema describes what UnmarshalJSON takes, and MarshalJSON would give.
func (RoomRef) JSONSchema() json.RawMessage {
	return json.RawMessage(`{"anyOf":[{"type":"string"},{"type":"integer"},
		{"type":"object","properties":{"room":{"type":["string","integer"]}},"required":["room"],"additionalProperties":false}]}`)
}

// Joined is the answer to join.
type Joined struct {
	Room    store.ID      `json:"room"`
	Members []Participant `json:"members" doc:"Who is in the room, as in getUserList."`
	Total   int           `json:"total" doc:"How many there are."`
	Seq     int64         `json:"seq" doc:"The number of the room's last message: what is missing up to there can be had from the API."`
	Seen    int64         `json:"seen" doc:"Up to which number the user has seen the room."`
}

// Post is a message that a client sends.
type Post struct {
	Room     store.ID `json:"room" validate:"required"`
	Message  string   `json:"message" validate:"required,max=2000"`
	ClientID string   `json:"clientId,omitempty" validate:"omitempty,max=64,printascii" doc:"Of the client's own making, a UUID say, unique for its user and the room: a message that is sent again with it is not stored again, and answered as the first time."`
}

// Validate implements [gateway.Validated].
func (p Post) Validate(context.Context) error { return notBlank(p.Message) }

func notBlank(text string) error {
	if strings.TrimSpace(text) == "" {
		return gateway.Invalid(gateway.FieldError{Path: "message", Rule: "required", Message: "The message is empty"})
	}
	return nil
}

// Receipt is the answer to message.
type Receipt struct {
	ID     store.ID  `json:"id"`
	SentAt time.Time `json:"sentAt"`
	Seq    int64     `json:"seq" doc:"Its number in the room."`
}

// Edit is another text for a message.
type Edit struct {
	ID      store.ID `json:"id" validate:"required"`
	Message string   `json:"message" validate:"required,max=2000"`
}

// Validate implements [gateway.Validated].
func (e Edit) Validate(context.Context) error { return notBlank(e.Message) }

// MessageRef names a message.
type MessageRef struct {
	ID store.ID `json:"id" validate:"required"`
}

// SeenUpTo is what a client says when its user has seen a message.
type SeenUpTo struct {
	Room store.ID `json:"room" validate:"required"`
	ID   store.ID `json:"id" validate:"required" doc:"The message's."`
}
