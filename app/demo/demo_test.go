package demo_test

import (
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/kachi-io/kachi/app/account"
	"github.com/kachi-io/kachi/app/demo"
	"github.com/kachi-io/kachi/app/store/storetest"
	"github.com/kachi-io/kachi/internal/assert"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestFill(t *testing.T) {
	db := storetest.New(t)
	accounts, err := account.New(db, account.Options{Secret: make([]byte, 32)})
	assert.NoError(t, err)
	now := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	assert.NoError(t, demo.Fill(t.Context(), db, accounts, now))

	p, err := accounts.LogIn(t.Context(), demo.Names[0], demo.Password, "")
	assert.NoError(t, err)
	assert.True(t, p.User.Admin(), "the first is the administrator")
	rooms, err := db.Rooms(t.Context(), p.User.ID, 0, true, 10)
	assert.NoError(t, err)
	assert.Equal(t, len(rooms), 2)
	for _, r := range rooms {
		assert.True(t, r.Last != nil && !r.Last.Sent.After(now), r.Name)
	}
	own, err := db.LocationsOf(t.Context(), p.User.ID, 0, 10)
	assert.NoError(t, err)
	assert.Equal(t, len(own), 2)
	box, err := db.NotificationBox(t.Context(), p.User.ID)
	assert.NoError(t, err)
	assert.Equal(t, box.Unread, int64(2))

	assert.ErrorIs(t, demo.Fill(t.Context(), db, accounts, now), demo.ErrNotEmpty)
}

// The first of the people was made, an administrator whose password everybody knows, and then
// the server did not start.
func TestFillWhereNobodyCanMakeAnAccount(t *testing.T) {
	db := storetest.New(t)
	accounts, err := account.New(db, account.Options{Secret: make([]byte, 32), Closed: true})
	assert.NoError(t, err)
	assert.NoError(t, demo.Fill(t.Context(), db, accounts, time.Now()))
	for _, name := range demo.Names {
		_, err := accounts.LogIn(t.Context(), name, demo.Password, "")
		assert.NoError(t, err, name)
	}
}
