package notify

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/kachi-io/kachi/app/store"
	"github.com/kachi-io/kachi/gateway"
)

// Message is what is to be told to somebody.
type Message struct {
	User  store.ID        `json:"userId" doc:"Whom it is for."`
	Title string          `json:"title" minLength:"1" maxLength:"200" doc:"In a few words."`
	Body  string          `json:"body" minLength:"1" maxLength:"2000" doc:"In a few sentences: text, never HTML."`
	Data  json.RawMessage `json:"data,omitempty" doc:"Any JSON, up to 8 KiB: for programs, where a click leads, say."`
}

// Bounds of a message: of texts in characters, of data in bytes.
const (
	maxTitle = 200
	maxBody  = 2000
	maxData  = 8 << 10
)

// check puts a message in order and says what is wrong with it.
func (m *Message) check(prefix string) (faults []gateway.FieldError) {
	fault := func(field, rule, param, message string) {
		faults = append(faults, gateway.FieldError{Path: prefix + field, Rule: rule, Param: param, Message: message})
	}
	text := func(field, value string, most int) {
		switch n := utf8.RuneCountInString(value); {
		case n == 0:
			fault(field, "required", "", "The "+field+" is missing")
		case n > most:
			fault(field, "max", fmt.Sprint(most), fmt.Sprintf("The %s has more than %d characters", field, most))
		}
	}
	if m.User <= 0 {
		fault("userId", "required", "", "It is not said whom it is for")
	}
	m.Title, m.Body = tidy(m.Title), tidy(m.Body)
	text("title", m.Title, maxTitle)
	text("body", m.Body, maxBody)
	if m.Data = compact(m.Data); len(m.Data) > maxData {
		fault("data", "max", fmt.Sprint(maxData), fmt.Sprintf("The data has more than %d bytes", maxData))
	}
	return faults
}

// tidy is a text as databases take it, without the space around it.
func tidy(text string) string {
	return strings.TrimSpace(strings.ToValidUTF8(strings.ReplaceAll(text, "\x00", ""), "\uFFFD"))
}

// Notification is what somebody was told.
type Notification struct {
	ID      store.ID        `json:"id"`
	Title   string          `json:"title"`
	Body    string          `json:"body" doc:"Text, never HTML."`
	Data    json.RawMessage `json:"data,omitempty" doc:"Any JSON, as the sender gave it."`
	Created time.Time       `json:"createdAt"`
	Read    *time.Time      `json:"readAt,omitempty" doc:"Missing while it is unread."`
}

func notification(n store.Notification) Notification {
	out := Notification{ID: n.ID, Title: n.Title, Body: n.Body, Data: n.Data, Created: n.Created}
	if !n.Read.IsZero() {
		out.Read = &n.Read
	}
	return out
}

// State is what somebody has of notifications.
type State struct {
	Unread  int64 `json:"unread" doc:"How many are unread."`
	Version int64 `json:"version" doc:"Counts the changes. What is told has the next one each: where one is missing, ask for the list; one that is not higher is old news."`
}

func state(b store.NotificationBox) State { return State{b.Unread, b.Version} }

// Told is a notification as it is told, with the state that it leads to.
type Told struct {
	Notification
	State
}

// Page is a part of somebody's notifications.
type Page struct {
	Notifications []Notification `json:"notifications" doc:"The newest first."`
	State
	Next *store.ID `json:"next" doc:"What to give as before for the next page; null on the last one."`
}

// Reading says which notifications somebody has read.
type Reading struct {
	ID   store.ID   `json:"id,omitempty" doc:"One of them."`
	IDs  []store.ID `json:"ids,omitempty" validate:"omitempty,max=100" doc:"Several. Those that are there no more are left out."`
	All  bool       `json:"all,omitempty" doc:"All that there are."`
	UpTo store.ID   `json:"upTo,omitempty" doc:"With all: the newest that was seen, so that none counts as read that came meanwhile."`
}

// Validate implements [gateway.Validated].
func (r Reading) Validate(context.Context) error {
	ways := 0
	for _, said := range []bool{r.ID != 0, len(r.IDs) > 0, r.All} {
		if said {
			ways++
		}
	}
	if ways != 1 {
		return gateway.Invalid(gateway.FieldError{Path: "id", Rule: "required", Message: "Give one of id, ids and all"})
	}
	if r.UpTo != 0 && !r.All {
		return gateway.Invalid(gateway.FieldError{Path: "upTo", Rule: "excluded_unless", Param: "all true", Message: "upTo goes with all"})
	}
	return nil
}

// ReadElsewhere is what other devices are told of what was read on one.
type ReadElsewhere struct {
	IDs    []store.ID `json:"ids,omitempty" doc:"Which ones, or"`
	UpTo   store.ID   `json:"upTo,omitempty" doc:"all up to this one."`
	ReadAt time.Time  `json:"readAt"`
	State
}

// claim is the id of the user whom a client takes itself for. Whatever is not one's own id is
// somebody else's.
type claim store.ID

// UnmarshalJSON implements [json.Unmarshaler].
func (c *claim) UnmarshalJSON(text []byte) error {
	var id store.ID
	if err := id.UnmarshalJSON(text); err != nil {
		id = 0
	}
	*c = claim(id)
	return nil
}

// JSONSchema says what clients should send, where they send anything.
func (claim) JSONSchema() json.RawMessage {
	return json.RawMessage(`{"type":"string","description":"One's own id: anything else is refused."}`)
}

// What people are told.
var (
	Notified = gateway.NewEvent[Told]("notification").Describe("A new notification.")
	WereRead = gateway.NewEvent[ReadElsewhere]("read").Describe("Notifications were read on another device.")
	Unread   = gateway.NewEvent[State]("unread").
			Describe("The number of unread notifications has changed otherwise than by a new one: some were read on another device, or have become too old.")
)
