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

func addRoom(t *testing.T, db *store.DB, owner store.ID, name string, private bool) store.Room {
	t.Helper()
	r, err := db.AddRoom(t.Context(), store.Room{Name: name, Private: private, Owner: owner, Created: noon}, 100)
	assert.NoError(t, err)
	return r
}

func view(t *testing.T, db *store.DB, user, room store.ID) store.RoomView {
	t.Helper()
	v, err := db.RoomFor(t.Context(), user, room)
	assert.NoError(t, err)
	return v
}

func write(t *testing.T, db *store.DB, room store.ID, by store.User, text, clientID string) store.Added {
	t.Helper()
	added, err := db.AddMessages(t.Context(), room, []store.NewMessage{{Sender: by.ID, SenderName: by.Name, Text: text, ClientID: clientID}}, noon)
	assert.NoError(t, err)
	return added[0]
}

func TestRooms(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		mina, jun := addUser(t, db, "mina"), addUser(t, db, "jun")
		open, secret := addRoom(t, db, mina.ID, "둥지", false), addRoom(t, db, mina.ID, "attic", true)
		assert.Equal(t, view(t, db, mina.ID, open.ID), store.RoomView{Room: open, Member: true})
		assert.Equal(t, view(t, db, jun.ID, open.ID), store.RoomView{Room: open})
		assert.Equal(t, view(t, db, mina.ID, secret.ID).Private, true)
		_, err := db.RoomFor(t.Context(), mina.ID, 99)
		assert.ErrorIs(t, err, store.ErrNotFound)

		list := func(user store.User, before store.ID, mine bool, limit int) (names []string) {
			t.Helper()
			rooms, err := db.Rooms(t.Context(), user.ID, before, mine, limit)
			assert.NoError(t, err)
			for _, r := range rooms {
				names = append(names, r.Name)
			}
			return names
		}
		assert.Equal(t, list(mina, 0, false, 10), []string{"attic", "둥지"})
		assert.Equal(t, list(jun, 0, false, 10), []string{"둥지"}, "private rooms are not shown")
		assert.Equal(t, list(jun, 0, true, 10), []string(nil))
		assert.Equal(t, list(mina, 0, true, 1), []string{"attic"})
		assert.Equal(t, list(mina, secret.ID, false, 10), []string{"둥지"})
		assert.NoError(t, db.RemoveMember(t.Context(), mina.ID, secret.ID))
		assert.Equal(t, list(mina, 0, true, 10), []string{"attic", "둥지"}, "the owner still has it")

		name, private := "nest", true
		// Of two who change it at once, one must not open what the other has closed.
		for _, change := range []struct {
			name    *string
			private *bool
		}{{nil, &private}, {&name, nil}, {&name, &private}} {
			_, err = db.ChangeRoom(t.Context(), open.ID, change.name, change.private)
			assert.NoError(t, err)
		}
		changed, err := db.ChangeRoom(t.Context(), open.ID, nil, nil)
		assert.NoError(t, err)
		assert.Equal(t, []any{changed.Name, changed.Private}, []any{name, private})
		_, err = db.ChangeRoom(t.Context(), 99, &name, &private)
		assert.ErrorIs(t, err, store.ErrNotFound)
		assert.Equal(t, list(jun, 0, false, 10), []string(nil))

		_, err = db.AddRoom(t.Context(), store.Room{Name: "one too many", Owner: mina.ID}, 1)
		assert.ErrorIs(t, err, store.ErrFull)
		assert.NoError(t, db.RemoveMember(t.Context(), mina.ID, open.ID))
		_, err = db.AddRoom(t.Context(), store.Room{Name: "one too many", Owner: mina.ID}, 2)
		assert.ErrorIs(t, err, store.ErrFull, "rooms that she has left are hers")
	})
}

func TestMembers(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		mina, jun, sora := addUser(t, db, "mina"), addUser(t, db, "jun"), addUser(t, db, "sora")
		room := addRoom(t, db, mina.ID, "nest", false)
		write(t, db, room.ID, mina, "before", "")
		add := func(user, room store.ID, mostMembers, mostRooms int64) (bool, error) {
			return db.AddMember(t.Context(), store.Admission{User: user, Room: room, Now: noon, MostMembers: mostMembers, MostRooms: mostRooms})
		}
		added, err := add(jun.ID, room.ID, 10, 10)
		assert.NoError(t, err)
		assert.True(t, added)
		added, err = add(jun.ID, room.ID, 10, 10)
		assert.NoError(t, err)
		assert.True(t, !added, "is one already")
		_, err = add(sora.ID, room.ID, 2, 10)
		assert.ErrorIs(t, err, store.ErrFull)
		_, err = add(sora.ID, room.ID, 10, 0)
		assert.ErrorIs(t, err, store.ErrFull)
		_, err = add(sora.ID, 99, 10, 10)
		assert.ErrorIs(t, err, store.ErrNotFound)

		secret := addRoom(t, db, mina.ID, "attic", true)
		_, err = add(jun.ID, secret.ID, 10, 10)
		assert.ErrorIs(t, err, store.ErrNotFound, "nobody has invited him")
		assert.NoError(t, db.RemoveMember(t.Context(), mina.ID, secret.ID))
		added, err = add(mina.ID, secret.ID, 10, 10)
		assert.NoError(t, err)
		assert.True(t, added, "her own")
		added, err = db.AddMember(t.Context(), store.Admission{User: sora.ID, Room: secret.ID, Invited: true, Now: noon, MostMembers: 10, MostRooms: 10})
		assert.NoError(t, err)
		assert.True(t, added)

		v := view(t, db, jun.ID, room.ID)
		assert.Equal(t, v.Members, int64(2))
		assert.Equal(t, v.Unread(), int64(0), "what was there when he came")
		write(t, db, room.ID, mina, "hello", "")
		v = view(t, db, jun.ID, room.ID)
		assert.Equal(t, v.Unread(), int64(1))
		assert.Equal(t, v.Last.Text, "hello")
		assert.Equal(t, view(t, db, mina.ID, room.ID).Unread(), int64(0), "her own")
		assert.Equal(t, view(t, db, sora.ID, room.ID).Unread(), int64(0), "is no member")

		seen := func(user store.ID, seq int64) (bool, error) { return db.MarkSeen(t.Context(), user, room.ID, seq) }
		further, err := seen(jun.ID, 2)
		assert.NoError(t, err)
		assert.True(t, further)
		further, err = seen(jun.ID, 1)
		assert.NoError(t, err)
		assert.True(t, !further, "never back")
		_, err = seen(sora.ID, 1)
		assert.ErrorIs(t, err, store.ErrNotFound)

		members, err := db.Members(t.Context(), room.ID, 0, 10)
		assert.NoError(t, err)
		assert.Equal(t, members, []store.Member{{mina.ID, "mina", 2, noon}, {jun.ID, "jun", 2, noon}})
		members, err = db.Members(t.Context(), room.ID, mina.ID, 10)
		assert.NoError(t, err)
		assert.Equal(t, len(members), 1)
		rooms, err := db.Memberships(t.Context(), jun.ID, 10)
		assert.NoError(t, err)
		assert.Equal(t, rooms, []store.ID{room.ID})

		assert.NoError(t, db.RemoveMember(t.Context(), jun.ID, room.ID))
		assert.ErrorIs(t, db.RemoveMember(t.Context(), jun.ID, room.ID), store.ErrNotFound)
		assert.Equal(t, view(t, db, jun.ID, room.ID).Members, int64(1))
	})
}

func TestMessages(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		mina, jun := addUser(t, db, "mina"), addUser(t, db, "jun")
		room, other := addRoom(t, db, mina.ID, "nest", false), addRoom(t, db, mina.ID, "tree", false)

		const text = "<b>' OR 1=1 --</b> 안녕 👋 \x00"
		added, err := db.AddMessages(t.Context(), room.ID, []store.NewMessage{
			{Sender: mina.ID, SenderName: "mina", Text: text, ClientID: "a"},
			{Sender: jun.ID, SenderName: "jun", Text: "an intruder's"},
			{Sender: mina.ID, SenderName: "mina", Text: "again", ClientID: "a"},
			{Sender: mina.ID, SenderName: "mina", Text: "other", ClientID: "a "},
		}, noon)
		assert.NoError(t, err)
		first := store.Message{ID: added[0].ID, Room: room.ID, Seq: 1, Sender: mina.ID, SenderName: "mina", ClientID: "a", Text: text, Sent: noon, Version: 1}
		assert.Equal(t, added[0], store.Added{Message: first})
		assert.ErrorIs(t, added[1].Err, store.ErrNotFound)
		assert.Equal(t, added[2], store.Added{Message: first, Again: true})
		assert.Equal(t, added[3].Seq, int64(2), "no number is left out, and spaces count")
		assert.Equal(t, write(t, db, other.ID, mina, "elsewhere", "a").Seq, int64(1), "client ids are for one room")
		_, err = db.AddMessages(t.Context(), 99, []store.NewMessage{{Sender: mina.ID, Text: "x"}}, noon)
		assert.ErrorIs(t, err, store.ErrNotFound)
		got, err := db.Message(t.Context(), first.ID)
		assert.NoError(t, err)
		assert.Equal(t, got, first)

		edited, err := db.EditMessage(t.Context(), first.ID, "better", noon.Add(time.Minute))
		assert.NoError(t, err)
		assert.Equal(t, []any{edited.Text, edited.Edited, edited.Version, edited.Sent}, []any{"better", noon.Add(time.Minute), int64(2), noon})
		deleted, err := db.DeleteMessage(t.Context(), first.ID, noon.Add(time.Hour))
		assert.NoError(t, err)
		assert.Equal(t, []any{deleted.Text, deleted.Deleted, deleted.Version, deleted.Seq}, []any{"", noon.Add(time.Hour), int64(3), int64(1)})
		_, err = db.EditMessage(t.Context(), first.ID, "risen", noon)
		assert.ErrorIs(t, err, store.ErrNotFound)
		_, err = db.DeleteMessage(t.Context(), first.ID, noon)
		assert.ErrorIs(t, err, store.ErrNotFound)
		assert.Equal(t, write(t, db, room.ID, mina, text, "a").ID, first.ID, "a retry of what was deleted meanwhile")

		last := write(t, db, room.ID, mina, "the last", "")
		assert.NoError(t, db.RemoveMember(t.Context(), mina.ID, room.ID))
		assert.ErrorIs(t, write(t, db, room.ID, mina, text, "a").Err, store.ErrNotFound)
		_, err = db.EditMessage(t.Context(), last.ID, "and one more thing", noon)
		assert.ErrorIs(t, err, store.ErrNotFound, "who is put out between being asked for and this")
		got, err = db.Message(t.Context(), last.ID)
		assert.NoError(t, err)
		assert.Equal(t, got.Text, "the last")
	})
}

func TestHistory(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		mina := addUser(t, db, "mina")
		room, other := addRoom(t, db, mina.ID, "nest", false), addRoom(t, db, mina.ID, "tree", false)
		for i := range 7 {
			write(t, db, room.ID, mina, fmt.Sprint(i+1), "")
			write(t, db, other.ID, mina, "elsewhere", "")
		}
		texts := func(page []store.Message, err error) (list []string) {
			t.Helper()
			assert.NoError(t, err)
			for _, m := range page {
				list = append(list, m.Text)
			}
			return list
		}
		assert.Equal(t, texts(db.MessagesBefore(t.Context(), room.ID, 0, 3)), []string{"5", "6", "7"})
		assert.Equal(t, texts(db.MessagesBefore(t.Context(), room.ID, 5, 3)), []string{"2", "3", "4"})
		assert.Equal(t, texts(db.MessagesBefore(t.Context(), room.ID, 1, 3)), []string(nil))
		assert.Equal(t, texts(db.MessagesAfter(t.Context(), room.ID, 5, 3)), []string{"6", "7"})
		assert.Equal(t, texts(db.MessagesAfter(t.Context(), room.ID, 0, 2)), []string{"1", "2"})
	})
}

func TestRemovedRooms(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		mina := addUser(t, db, "mina")
		room := addRoom(t, db, mina.ID, "nest", false)
		var ids []store.ID
		for range 5 {
			ids = append(ids, write(t, db, room.ID, mina, "x", "").ID)
		}
		assert.NoError(t, db.RemoveRoom(t.Context(), room.ID))
		assert.ErrorIs(t, db.RemoveRoom(t.Context(), room.ID), store.ErrNotFound)
		_, err := db.RoomFor(t.Context(), mina.ID, room.ID)
		assert.ErrorIs(t, err, store.ErrNotFound)
		rooms, err := db.Memberships(t.Context(), mina.ID, 10)
		assert.NoError(t, err)
		assert.Equal(t, len(rooms), 0)
		steps := 0
		for more := true; more; steps++ {
			more, err = db.PurgeRooms(t.Context(), 2)
			assert.NoError(t, err)
		}
		assert.Equal(t, steps, 4, "2, 2, 1, nothing")
		for _, id := range ids {
			_, err = db.Message(t.Context(), id)
			assert.ErrorIs(t, err, store.ErrNotFound)
		}
	})
}

// Several write to one room, some of them the same message: its numbers have no gap, and a
// message is stored once.
func TestManyWriteToOneRoom(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		mina := addUser(t, db, "mina")
		room := addRoom(t, db, mina.ID, "nest", false)
		var wg sync.WaitGroup
		for i := range 60 {
			wg.Go(func() {
				added, err := db.AddMessages(t.Context(), room.ID, []store.NewMessage{{Sender: mina.ID, Text: "x", ClientID: fmt.Sprint(i / 2)}}, noon)
				if err = errors.Join(err, added[0].Err); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		page, err := db.MessagesAfter(t.Context(), room.ID, 0, 100)
		assert.NoError(t, err)
		assert.Equal(t, len(page), 30)
		for i, m := range page {
			assert.Equal(t, m.Seq, int64(i+1))
		}
		assert.Equal(t, view(t, db, mina.ID, room.ID).LastSeq, int64(30))
	})
}
