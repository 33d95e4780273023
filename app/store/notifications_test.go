package store_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/kachi-io/kachi/app/store"
	"github.com/kachi-io/kachi/app/store/storetest"
	"github.com/kachi-io/kachi/internal/assert"
)

func note(user store.User, title string) store.Notification {
	return store.Notification{User: user.ID, Title: title, Body: "body", Created: noon}
}

func titles(t *testing.T, db *store.DB, user store.User, before store.ID, unread bool, limit int) (all []string) {
	t.Helper()
	list, err := db.Notifications(t.Context(), user.ID, before, unread, limit)
	assert.NoError(t, err)
	for _, n := range list {
		all = append(all, n.Title)
	}
	return all
}

func TestNotifications(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, mina, jun := t.Context(), addUser(t, db, "mina"), addUser(t, db, "jun")
		box, err := db.NotificationBox(ctx, mina.ID)
		assert.NoError(t, err)
		assert.Equal(t, box, store.NotificationBox{User: mina.ID}, "before there is any")

		with := note(mina, "🐦 둘")
		with.Data = []byte(`{"room":"7"}`)
		stored, err := db.AddNotifications(ctx, []store.Notification{note(mina, "one"), note(jun, "his"), with}, 1000)
		assert.NoError(t, err)
		assert.Equal(t, stored[1].Box, store.NotificationBox{User: jun.ID, Version: 1, Kept: 1, Unread: 1})
		assert.Equal(t, stored[2].Box, store.NotificationBox{User: mina.ID, Version: 2, Kept: 2, Unread: 2})
		list, err := db.Notifications(ctx, mina.ID, 0, false, 10)
		assert.NoError(t, err)
		assert.Equal(t, list, []store.Notification{stored[2].Notification, stored[0].Notification})
		assert.Equal(t, titles(t, db, mina, stored[2].ID, false, 10), []string{"one"})

		_, _, err = db.ReadNotifications(ctx, mina.ID, []store.ID{stored[1].ID}, noon)
		assert.True(t, errors.Is(err, store.ErrNotFound), "another's")
		box, read, err := db.ReadNotifications(ctx, mina.ID, []store.ID{stored[0].ID, stored[1].ID, stored[0].ID}, noon)
		assert.NoError(t, err)
		assert.Equal(t, read, []store.ID{stored[0].ID})
		assert.Equal(t, box, store.NotificationBox{User: mina.ID, Version: 3, Kept: 2, Unread: 1})
		again, read, err := db.ReadNotifications(ctx, mina.ID, []store.ID{stored[0].ID}, noon.Add(time.Hour))
		assert.NoError(t, err)
		assert.Equal(t, len(read), 0)
		assert.Equal(t, again, box, "nothing has changed")
		assert.Equal(t, titles(t, db, mina, 0, true, 10), []string{"🐦 둘"})

		box, n, err := db.ReadAllNotifications(ctx, mina.ID, stored[0].ID, noon)
		assert.NoError(t, err)
		assert.Equal(t, []int64{n, box.Unread, box.Version}, []int64{0, 1, 3})
		box, n, err = db.ReadAllNotifications(ctx, mina.ID, 0, noon)
		assert.NoError(t, err)
		assert.Equal(t, []int64{n, box.Unread, box.Version}, []int64{1, 0, 4})
		box, err = db.NotificationBox(ctx, jun.ID)
		assert.NoError(t, err)
		assert.Equal(t, box.Unread, int64(1), "not the other's")
	})
}

func TestNotificationsMakeRoom(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, mina := t.Context(), addUser(t, db, "mina")
		var list []store.Notification
		for i := range 4 {
			list = append(list, note(mina, fmt.Sprint(i)))
		}
		stored, err := db.AddNotifications(ctx, list, 4)
		assert.NoError(t, err)
		_, _, err = db.ReadNotifications(ctx, mina.ID, []store.ID{stored[2].ID}, noon)
		assert.NoError(t, err)
		_, err = db.AddNotifications(ctx, []store.Notification{note(mina, "4")}, 4)
		assert.NoError(t, err)
		assert.Equal(t, titles(t, db, mina, 0, false, 10), []string{"4", "3", "1", "0"}, "what was read goes first")
		added, err := db.AddNotifications(ctx, []store.Notification{note(mina, "5"), note(mina, "6")}, 4)
		assert.NoError(t, err)
		assert.Equal(t, titles(t, db, mina, 0, false, 10), []string{"6", "5", "4", "3"})
		assert.Equal(t, added[1].Box.Unread, int64(4))
		assert.Equal(t, added[1].Box.Kept, int64(4))
	})
}

func TestNotificationsOfARetryAreStoredOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, mina, jun := t.Context(), addUser(t, db, "mina"), addUser(t, db, "jun")
		list := []store.Notification{note(mina, "one"), note(jun, "two")}
		for i := range list {
			list[i].Request = make([]byte, 32)
			list[i].Request[0] = byte(i)
		}
		var wg sync.WaitGroup
		ids := make([][2]store.ID, 8)
		for i := range ids {
			wg.Go(func() {
				stored, err := db.AddNotifications(ctx, list, 1000)
				if err != nil {
					t.Error(err)
					return
				}
				ids[i] = [2]store.ID{stored[0].ID, stored[1].ID}
			})
		}
		wg.Wait()
		for _, other := range ids {
			assert.Equal(t, other, ids[0])
		}
		assert.Equal(t, titles(t, db, mina, 0, false, 10), []string{"one"})
		box, err := db.NotificationBox(ctx, mina.ID)
		assert.NoError(t, err)
		assert.Equal(t, box, store.NotificationBox{User: mina.ID, Version: 1, Kept: 1, Unread: 1})

		list[0].Title, list[0].User = "else", jun.ID
		_, err = db.AddNotifications(ctx, []store.Notification{note(jun, "not alone"), list[0]}, 1000)
		assert.True(t, errors.Is(err, store.ErrExists), err)
		assert.Equal(t, titles(t, db, jun, 0, false, 10), []string{"two"}, "all or none")
	})
}

func TestOldNotificationsGo(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, mina, jun := t.Context(), addUser(t, db, "mina"), addUser(t, db, "jun")
		newer := note(mina, "newer")
		newer.Created = noon.Add(time.Hour)
		_, err := db.AddNotifications(ctx, []store.Notification{note(mina, "old"), note(jun, "old"), newer}, 1000)
		assert.NoError(t, err)
		var boxes []store.NotificationBox
		for {
			some, err := db.DropNotifications(ctx, noon.Add(time.Minute), 1)
			assert.NoError(t, err)
			if len(some) == 0 {
				break
			}
			boxes = append(boxes, some...)
		}
		assert.Equal(t, boxes, []store.NotificationBox{{User: mina.ID, Version: 3, Kept: 1, Unread: 1}, {User: jun.ID, Version: 2}})
		assert.Equal(t, titles(t, db, mina, 0, false, 10), []string{"newer"})
	})
}

func TestMissingUsers(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		mina := addUser(t, db, "mina")
		missing, err := db.MissingUsers(t.Context(), []store.ID{mina.ID, 77})
		assert.NoError(t, err)
		assert.Equal(t, missing, []store.ID{77})
		missing, err = db.MissingUsers(t.Context(), nil)
		assert.NoError(t, err)
		assert.Equal(t, len(missing), 0)
	})
}
