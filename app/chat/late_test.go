package chat_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/kachi-io/kachi/app/account"
	"github.com/kachi-io/kachi/app/chat"
	"github.com/kachi-io/kachi/app/store"
	"github.com/kachi-io/kachi/app/store/storetest"
	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/gateway/gatewaytest"
	"github.com/kachi-io/kachi/gateway/validate"
	"github.com/kachi-io/kachi/internal/assert"
)

// byID takes clients for the user whose id they show.
type byID struct{ db *store.DB }

func (a byID) Authenticate(ctx context.Context, h *gateway.Handshake) (gateway.Identity[account.User], error) {
	var shown struct{ Token store.ID }
	if err := h.DecodeAuth(&shown); err != nil {
		return gateway.Identity[account.User]{}, err
	}
	u, err := a.db.User(ctx, shown.Token)
	return gateway.Identity[account.User]{Principal: account.User{ID: u.ID, Name: u.Name}}, err
}

// house is a chat without the rest of the server, in which a test says who is faster.
type house struct {
	*chat.Chat
	db   *store.DB
	app  *gatewaytest.App
	all  gateway.Target
	room store.ID
	mina account.User // the room's owner
	jun  account.User // a member, unless a test says otherwise
}

// newHouse makes one with a private room. hub is what the chat has in place of the app's.
func newHouse(t *testing.T, presence chat.Presence, hub func(gateway.Emitter) gateway.Emitter) *house {
	t.Helper()
	db, real := storetest.New(t), gateway.NewHub()
	c := chat.New(db, hub(real), chat.Options{Presence: presence})
	app := gatewaytest.New(t, &gatewaytest.Options{App: gateway.Options{Hub: real, Validator: validate.New(nil)}}, c.Gateway(byID{db}))
	h := &house{Chat: c, db: db, app: app, all: real.Namespace(chat.Namespace)}
	for _, u := range []*account.User{&h.mina, &h.jun} {
		stored, err := db.AddUser(t.Context(), store.User{Name: "somebody", Role: "user"}, fmt.Sprint(u == &h.jun), "user")
		assert.NoError(t, err)
		*u = account.User{ID: stored.ID, Name: stored.Name}
	}
	room, err := db.AddRoom(t.Context(), store.Room{Name: "attic", Private: true, Owner: h.mina.ID}, 10)
	assert.NoError(t, err)
	h.room = room.ID
	return h
}

func (h *house) dial(t *testing.T, who account.User) *gatewaytest.Client {
	t.Helper()
	return h.app.Dial(t, chat.Namespace, gatewaytest.Auth(map[string]store.ID{"token": who.ID}))
}

// slowDoor has whoever enters wait until somebody is being put out, who waits until they are
// in.
type slowDoor struct {
	chat.Presence
	knocked, open, in chan struct{}
}

func (d *slowDoor) Enter(room store.ID, socket string, most int, tell func([]chat.Participant, int, bool)) bool {
	d.knocked <- struct{}{}
	<-d.open
	defer close(d.in)
	return d.Presence.Enter(room, socket, most, tell)
}

func (d *slowDoor) Expel(room, user store.ID, tell func(chat.Participant)) {
	close(d.open)
	<-d.in
	d.Presence.Expel(room, user, tell)
}

// A socket that came in behind the back of whoever put its person out would hear all that is
// said in a private room.
func TestPuttingOutWhoIsJustEntering(t *testing.T) {
	door := &slowDoor{Presence: chat.NewPresence(), knocked: make(chan struct{}, 1), open: make(chan struct{}), in: make(chan struct{})}
	h := newHouse(t, door, func(e gateway.Emitter) gateway.Emitter { return e })
	_, err := h.db.AddMember(t.Context(), store.Admission{User: h.jun.ID, Room: h.room, Invited: true, MostMembers: 10, MostRooms: 10})
	assert.NoError(t, err)
	jun := h.dial(t, h.jun)
	jun.Emit(t, "join", h.room)
	assert.Receive(t, door.knocked, "somebody at the door")
	assert.NoError(t, h.Exclude(t.Context(), h.mina, h.room, h.jun.ID, h.all))
	_, err = h.Post(t.Context(), h.mina, chat.Post{Room: h.room, Message: "a secret"})
	assert.NoError(t, err)
	jun.ExpectNone(t, "message")
	jun.Expect(t, "removed")
}

// hasty is an emitter that does something before the first time that somebody is told.
type hasty struct {
	gateway.Emitter
	do *func()
}

func (e hasty) Namespace(name string) gateway.Target {
	if do := *e.do; do != nil {
		*e.do = nil
		do()
	}
	return e.Emitter.Namespace(name)
}

// An invitation that was stored, and told only when it had been taken back, left the person's
// sockets among those who hear of a private room.
func TestAnInvitationThatIsTakenBackAtOnce(t *testing.T) {
	var meanwhile func()
	h := newHouse(t, nil, func(e gateway.Emitter) gateway.Emitter { return hasty{e, &meanwhile} })
	jun := h.dial(t, h.jun)
	meanwhile = func() { assert.NoError(t, h.Exclude(t.Context(), h.mina, h.room, h.jun.ID, h.all)) }
	assert.NoError(t, h.Invite(t.Context(), h.mina, h.room, h.jun.ID))
	name := "a room that Jun knows nothing of"
	_, err := h.Change(t.Context(), h.mina, h.room, &name, nil)
	assert.NoError(t, err)
	jun.ExpectNone(t, "roomChanged")
}
