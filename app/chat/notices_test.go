package chat_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/kachi-io/kachi/app/account"
	"github.com/kachi-io/kachi/app/chat"
	"github.com/kachi-io/kachi/app/store"
	"github.com/kachi-io/kachi/app/store/storetest"
	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/internal/assert"
)

// fullUp takes no notices.
type fullUp struct{ asked []store.ID }

func (f *fullUp) Notify(_ context.Context, user store.ID, _, _ string, _ any) error {
	f.asked = append(f.asked, user)
	return errors.New("no space left on device")
}

// Somebody who was invited is a member, also where that could not be noted for their return.
func TestInvitationStandsWithoutItsNotice(t *testing.T) {
	db := storetest.New(t)
	var log bytes.Buffer
	notices := &fullUp{}
	c := chat.New(db, gateway.NewHub(), chat.Options{Notices: notices, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	var people []account.User
	for _, name := range []string{"Mina", "Jun"} {
		u, err := db.AddUser(t.Context(), store.User{Name: name, Role: "user"}, name, "admin")
		assert.NoError(t, err)
		people = append(people, account.User{ID: u.ID, Name: u.Name})
	}
	mina, jun := people[0], people[1]
	room, err := c.Open(t.Context(), mina, "attic", true)
	assert.NoError(t, err)
	for range 2 { // the second time it is no news
		assert.NoError(t, c.Invite(t.Context(), mina, room.ID, jun.ID))
	}
	assert.Equal(t, notices.asked, []store.ID{jun.ID})
	assert.True(t, strings.Contains(log.String(), "an invitation was not noted"), log.String())
	got, err := c.Room(t.Context(), jun, room.ID)
	assert.NoError(t, err)
	assert.True(t, got.Member)
}
