// Package notify tells people what concerns them, on every device that they have: the
// namespace /notifications, and what other services and other parts of this server send.
//
// A notification is stored first and told then, so whoever is away finds it on return. What
// somebody has of notifications has a version, which counts its changes and is in all that
// is told: a device that misses one asks for the list again.
package notify

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/kachi-io/kachi/app/store"
	"github.com/kachi-io/kachi/gateway"
)

// Options configures [Notifications]. The zero value of each field is its default.
type Options struct {
	// MaxKept is how many notifications a person has at most: of those that have been read
	// the oldest make room first, then the oldest of all. Default 1,000.
	MaxKept int
	// MaxAge is how long a notification is kept. Default 90 days.
	MaxAge time.Duration
	// Logger gets what could be stored and not told. Default none.
	Logger *slog.Logger

	now func() time.Time // for tests
}

// Notifications is what people are told. It is safe for concurrent use.
type Notifications struct {
	db   *store.DB
	hub  gateway.Emitter
	opts Options
	log  *slog.Logger
}

// New makes the notifications of a database, which are told by the hub.
func New(db *store.DB, hub gateway.Emitter, o Options) *Notifications {
	if o.MaxKept <= 0 {
		o.MaxKept = 1000
	}
	if o.MaxAge <= 0 {
		o.MaxAge = 90 * 24 * time.Hour
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.now == nil {
		o.now = time.Now
	}
	return &Notifications{db, hub, o, o.Logger}
}

// Notify tells a person something: for other parts of this server. data is anything that
// encodes as JSON, or nil.
func (s *Notifications) Notify(ctx context.Context, user store.ID, title, body string, data any) error {
	m := Message{User: user, Title: title, Body: body}
	if data != nil {
		text, err := json.Marshal(data)
		if err != nil {
			return fmt.Errorf("notify: %w", err)
		}
		m.Data = text
	}
	_, err := s.send(ctx, []Message{m}, "", true)
	return err
}

// chunk is how many notifications are stored in one transaction: others who write wait no
// longer than for that.
const chunk = 100

// Send stores notifications, tells them, and returns their ids. An error names the first
// that are wrong, and then nothing was stored. When the database fails in the middle of a
// long list, its beginning may be: with a key, which stands for this list and no other, the
// list can be sent again and each is stored once.
func (s *Notifications) Send(ctx context.Context, list []Message, key string) ([]store.ID, error) {
	return s.send(ctx, list, key, false)
}

func (s *Notifications) send(ctx context.Context, list []Message, key string, alone bool) ([]store.ID, error) {
	if err := s.check(ctx, list, alone); err != nil {
		return nil, err
	}
	now := s.opts.now()
	ids := make([]store.ID, 0, len(list))
	for from := 0; from < len(list); from += chunk {
		part := list[from:min(from+chunk, len(list))]
		notes := make([]store.Notification, len(part))
		for i, m := range part {
			notes[i] = store.Notification{User: m.User, Title: m.Title, Body: m.Body, Data: m.Data, Created: now}
			if key != "" {
				sum := sha256.Sum256(fmt.Appendf(nil, "%d %s", from+i, key))
				notes[i].Request = sum[:]
			}
		}
		stored, err := s.db.AddNotifications(ctx, notes, s.opts.MaxKept)
		if errors.Is(err, store.ErrExists) {
			return nil, gateway.NewError(gateway.CodeConflict, "The key was used for something else")
		}
		if err != nil {
			return nil, err
		}
		for _, n := range stored {
			ids = append(ids, n.ID)
			if !n.Known {
				s.tell(ctx, n)
			}
		}
	}
	return ids, nil
}

// tell tells a person's devices. What is stored is not undone because that fails: they find
// it when they look.
func (s *Notifications) tell(ctx context.Context, n store.StoredNotification) {
	err := Notified.Emit(ctx, s.to(n.User), Told{notification(n.Notification), state(n.Box)})
	s.told(err, n.User)
}

func (s *Notifications) told(err error, user store.ID) {
	if err != nil {
		s.log.Warn("notify: stored, and could not be told everywhere", "user", user, "error", err)
	}
}

// people are the rooms of what is for one person: of all their devices that have subscribed.
var people = gateway.NewRooms("notified")

func (s *Notifications) to(user store.ID) gateway.Target {
	return s.hub.Namespace(namespace).To(people.Of(user))
}

// check says what is wrong with messages. alone: with one that is no list.
func (s *Notifications) check(ctx context.Context, list []Message, alone bool) error {
	var faults []gateway.FieldError
	seen := map[store.ID]bool{}
	var users []store.ID
	for i := range list {
		if len(faults) < maxFaults {
			faults = append(faults, list[i].check(prefix(i, alone))...)
		}
		if user := list[i].User; user != 0 && !seen[user] {
			seen[user] = true
			users = append(users, user)
		}
	}
	if len(faults) > 0 {
		return gateway.Invalid(faults...)
	}
	missing, err := s.db.MissingUsers(ctx, users)
	if err != nil || len(missing) == 0 {
		return err
	}
	unknown := map[store.ID]bool{}
	for _, id := range missing {
		unknown[id] = true
	}
	for i, m := range list {
		if unknown[m.User] && len(faults) < maxFaults {
			faults = append(faults, gateway.FieldError{Path: prefix(i, alone) + "userId", Rule: "user", Message: "There is no such user"})
		}
	}
	return &gateway.Error{Code: gateway.CodeNotFound, Message: faults[0].Path + ": there is no such user", Details: faults}
}

// maxFaults bounds what an error names.
const maxFaults = 20

// prefix is how errors name a message of a list.
func prefix(i int, alone bool) string {
	if alone {
		return ""
	}
	return fmt.Sprintf("[%d].", i)
}

// compact puts JSON into the form in which it is kept and compared; nil for null.
func compact(text json.RawMessage) json.RawMessage {
	var b bytes.Buffer
	if err := json.Compact(&b, text); err != nil || b.String() == "null" {
		return nil
	}
	return bytes.ToValidUTF8(b.Bytes(), []byte("\uFFFD"))
}

// State returns how many notifications of a person are unread.
func (s *Notifications) State(ctx context.Context, user store.ID) (State, error) {
	box, err := s.db.NotificationBox(ctx, user)
	return state(box), err
}

// List returns a page of a person's notifications, the newest first.
func (s *Notifications) List(ctx context.Context, user, before store.ID, unread bool, limit int) (Page, error) {
	// The count first: what comes meanwhile is in the list, and told again with a higher
	// version.
	now, err := s.State(ctx, user)
	if err != nil {
		return Page{}, err
	}
	list, err := s.db.Notifications(ctx, user, before, unread, limit+1)
	if err != nil {
		return Page{}, err
	}
	page := Page{Notifications: make([]Notification, 0, limit), State: now}
	if len(list) > limit {
		list = list[:limit]
		page.Next = &list[limit-1].ID
	}
	for _, n := range list {
		page.Notifications = append(page.Notifications, notification(n))
	}
	return page, nil
}

// Read marks a person's notifications as read, and tells others: their other devices.
func (s *Notifications) Read(ctx context.Context, user store.ID, r Reading, others gateway.Target) (State, error) {
	told := ReadElsewhere{ReadAt: s.opts.now().UTC().Truncate(time.Microsecond)}
	var box store.NotificationBox
	var n int64
	var err error
	if r.All {
		if box, n, told.UpTo, err = s.readAll(ctx, user, r.UpTo, told.ReadAt); err != nil {
			return State{}, err
		}
	} else {
		ids := r.IDs
		if r.ID != 0 {
			ids = []store.ID{r.ID}
		}
		box, told.IDs, err = s.db.ReadNotifications(ctx, user, ids, told.ReadAt)
		if errors.Is(err, store.ErrNotFound) {
			return State{}, errNoSuch
		}
		if err != nil {
			return State{}, err
		}
		n = int64(len(told.IDs))
	}
	now := state(box)
	if n > 0 {
		told.State = now
		s.told(WereRead.Emit(ctx, others, told), user)
		s.told(Unread.Emit(ctx, others, now), user)
	}
	return now, nil
}

var errNoSuch = gateway.NotFound("There is no such notification")

// readAll marks everything up to an id, and says which one that was: a device that was told
// of a newer one meanwhile is not to take it for read.
func (s *Notifications) readAll(ctx context.Context, user, upTo store.ID, at time.Time) (store.NotificationBox, int64, store.ID, error) {
	if upTo == 0 {
		newest, err := s.db.Notifications(ctx, user, 0, false, 1)
		if err != nil {
			return store.NotificationBox{}, 0, 0, err
		}
		if len(newest) == 0 {
			box, err := s.db.NotificationBox(ctx, user)
			return box, 0, 0, err
		}
		upTo = newest[0].ID
	}
	box, n, err := s.db.ReadAllNotifications(ctx, user, upTo, at)
	return box, n, upTo, err
}

// dropped is how many people's old notifications go in one transaction.
const dropped = 20

// DropOld removes what is older than [Options].MaxAge, and tells whose count has changed.
func (s *Notifications) DropOld(ctx context.Context) error {
	before := s.opts.now().Add(-s.opts.MaxAge)
	for ctx.Err() == nil {
		boxes, err := s.db.DropNotifications(ctx, before, dropped)
		if err != nil || len(boxes) == 0 {
			return err
		}
		for _, box := range boxes {
			s.told(Unread.Emit(ctx, s.to(box.User), state(box)), box.User)
		}
	}
	return context.Cause(ctx)
}
