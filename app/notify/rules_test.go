package notify

import (
	"context"
	"testing"
	"time"

	"github.com/kachi-io/kachi/app/account"
	"github.com/kachi-io/kachi/app/store"
	"github.com/kachi-io/kachi/app/store/storetest"
	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/gateway/gatewaytest"
	"github.com/kachi-io/kachi/gateway/validate"
	"github.com/kachi-io/kachi/internal/assert"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// What other parts of the server send, what is too much and what is too old.
func TestNotifyAndWhatGoes(t *testing.T) {
	db := storetest.New(t)
	u, err := db.AddUser(t.Context(), store.User{Name: "Mina", Role: "user", Created: noon}, "mina", "user")
	assert.NoError(t, err)
	mina := account.User{ID: u.ID, Name: u.Name, Role: account.RoleUser}
	now := noon
	hub := gateway.NewHub()
	s := New(db, hub, Options{MaxKept: 2, now: func() time.Time { return now }})
	app := gatewaytest.New(t, &gatewaytest.Options{App: gateway.Options{Hub: hub, Validator: validate.New(nil)}},
		s.Gateway(gateway.AuthenticatorFunc[account.User](func(context.Context, *gateway.Handshake) (account.User, error) { return mina, nil })))
	device := app.Dial(t, "/notifications")
	assert.Equal(t, gatewaytest.Ask[State](t, device, "subscribeToNotifications"), State{})

	assert.NoError(t, s.Notify(t.Context(), mina.ID, "one", "b", map[string]string{"room": "7"}))
	told := gatewaytest.Next(t, device, Notified)
	assert.Equal(t, told.Title, "one")
	assert.Equal(t, string(told.Data), `{"room":"7"}`)
	assert.Equal(t, gateway.CodeOf(s.Notify(t.Context(), 99, "t", "b", nil)), gateway.CodeNotFound)
	assert.Equal(t, gateway.CodeOf(s.Notify(t.Context(), mina.ID, "", "b", nil)), gateway.CodeInvalid)

	now = noon.Add(24 * time.Hour)
	assert.NoError(t, s.Notify(t.Context(), mina.ID, "two", "b", nil))
	assert.NoError(t, s.Notify(t.Context(), mina.ID, "three\x00", "\xff", nil))
	gatewaytest.Next(t, device, Notified)
	told = gatewaytest.Next(t, device, Notified)
	assert.Equal(t, []string{told.Title, told.Body}, []string{"three", "\uFFFD"})
	assert.Equal(t, told.State, State{Unread: 2, Version: 3}, "the oldest made room")

	assert.NoError(t, s.DropOld(t.Context()))
	device.ExpectNone(t)
	now = now.Add(91 * 24 * time.Hour)
	assert.NoError(t, s.DropOld(t.Context()))
	assert.Equal(t, gatewaytest.Next(t, device, Unread), State{Unread: 0, Version: 4})
	page, err := s.List(t.Context(), mina.ID, 0, false, 10)
	assert.NoError(t, err)
	assert.Equal(t, page, Page{Notifications: []Notification{}, State: State{Version: 4}})
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	assert.ErrorIs(t, s.DropOld(ended), context.Canceled)
}
