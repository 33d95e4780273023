package store_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/kachi-io/kachi/app/store"
	"github.com/kachi-io/kachi/app/store/storetest"
	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/mysqlserver"
)

func TestMain(m *testing.M) {
	if !child() {
		goleak.VerifyTestMain(mysqlserver.Main{M: m})
	}
}

var noon = time.Date(2026, 3, 1, 12, 0, 0, 123456000, time.UTC)

func addUser(t *testing.T, db *store.DB, name string) store.User {
	t.Helper()
	u, err := db.AddUser(t.Context(), store.User{Name: name, Password: "$hash", Role: "user", Created: noon}, name, "admin")
	assert.NoError(t, err)
	return u
}

func TestUsers(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		mina, jun := addUser(t, db, "mina"), addUser(t, db, "준")
		assert.Equal(t, mina.Role, "admin", "the first")
		assert.Equal(t, jun.Role, "user")

		got, err := db.User(t.Context(), jun.ID)
		assert.NoError(t, err)
		assert.Equal(t, got, jun)
		got, err = db.UserByName(t.Context(), "mina")
		assert.NoError(t, err)
		assert.Equal(t, got, mina)

		_, err = db.AddUser(t.Context(), store.User{Name: "Mina", Password: "$hash", Role: "user"}, "mina", "admin")
		assert.True(t, errors.Is(err, store.ErrExists), err)
		_, err = db.User(t.Context(), 99)
		assert.True(t, errors.Is(err, store.ErrNotFound), err)

		assert.ErrorIs(t, db.SetRole(t.Context(), mina.ID, "user", "admin"), store.ErrLast)
		assert.NoError(t, db.SetRole(t.Context(), jun.ID, "admin", "admin"))
		assert.NoError(t, db.SetRole(t.Context(), jun.ID, "admin", "admin"), "the same again")
		assert.True(t, errors.Is(db.SetRole(t.Context(), 99, "admin", "admin"), store.ErrNotFound))
		assert.NoError(t, db.SetRole(t.Context(), mina.ID, "user", "admin"), "there is another")
		found, err := db.FindUsers(t.Context(), "준", 10)
		assert.NoError(t, err)
		assert.Equal(t, len(found), 1)
		assert.Equal(t, found[0].Role, "admin")
	})
}

func TestFamilies(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		mina := addUser(t, db, "mina")
		token := func(c byte) []byte { b := make([]byte, 32); b[0] = c; return b }
		var ended []string // those that made room
		add := func(id string, c byte) {
			t.Helper()
			u, old, err := db.AddFamily(t.Context(), store.Family{ID: id, User: mina.ID, Token: token(c), Expires: noon.Add(time.Hour)}, "$hash", noon, 2)
			assert.NoError(t, err)
			assert.Equal(t, u, mina)
			ended = append(ended, old...)
		}
		rotate := func(id string, shown, next byte, now time.Time) error {
			user, err := db.RotateFamily(t.Context(), id, token(shown), token(next), now, now.Add(time.Hour))
			if err == nil || errors.Is(err, store.ErrReused) {
				assert.Equal(t, user, mina.ID)
			}
			return err
		}
		add("a", 1)
		assert.NoError(t, rotate("a", 1, 2, noon.Add(time.Minute)))
		assert.NoError(t, rotate("a", 2, 3, noon.Add(time.Hour)), "each token has its own time")
		assert.True(t, errors.Is(rotate("a", 3, 4, noon.Add(3*time.Hour)), store.ErrNotFound), "too late")

		add("b", 1)
		assert.NoError(t, rotate("b", 1, 2, noon))
		assert.True(t, errors.Is(rotate("b", 1, 9, noon), store.ErrReused))
		assert.True(t, errors.Is(rotate("b", 2, 3, noon), store.ErrNotFound), "the family is ended")

		add("c", 1)
		add("d", 1)
		add("e", 1)
		assert.Equal(t, len(ended), 2, "two families are kept")
		for _, id := range ended {
			assert.ErrorIs(t, rotate(id, 1, 5, noon), store.ErrNotFound)
		}

		assert.NoError(t, db.SetPassword(t.Context(), mina.ID, "$hash", "$other"))
		assert.ErrorIs(t, db.SetPassword(t.Context(), mina.ID, "$hash", "$third"), store.ErrNotFound, "somebody was faster")
		_, _, err := db.AddFamily(t.Context(), store.Family{ID: "f", User: mina.ID, Token: token(1), Expires: noon.Add(time.Hour)}, "$hash", noon, 2)
		assert.ErrorIs(t, err, store.ErrNotFound, "by a password of before")
		assert.NoError(t, db.EndFamilies(t.Context(), mina.ID))
		dropExpired(t, db, noon)
	})
}

// Those that write at once are committed together, and one that fails undoes nothing of others.
func TestWritesTogether(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		addUser(t, db, "taken")
		var wg sync.WaitGroup
		for i := range 200 {
			wg.Go(func() {
				name := fmt.Sprintf("user-%d", i)
				if i%4 == 0 {
					name = "taken"
				}
				_, err := db.AddUser(t.Context(), store.User{Name: name, Role: "user"}, name, "admin")
				if got, want := errors.Is(err, store.ErrExists), i%4 == 0; got != want || !want && err != nil {
					t.Error(name, err)
				}
			})
		}
		wg.Wait()
		users, err := db.FindUsers(t.Context(), "user-", 1000)
		assert.NoError(t, err)
		assert.Equal(t, len(users), 150)
	})
}

func dropExpired(t *testing.T, db *store.DB, now time.Time) {
	t.Helper()
	more, err := db.DropExpired(t.Context(), now, 100)
	assert.NoError(t, err)
	assert.True(t, !more)
}

func TestRevocations(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		kept, at := db.Revocations(), time.Now().Truncate(time.Microsecond)
		revoked := func(key, token string, issued time.Time) bool {
			t.Helper()
			yes, err := kept.Revoked(t.Context(), key, token, issued)
			assert.NoError(t, err)
			return yes
		}
		add := func(v gateway.Revocation) {
			t.Helper()
			assert.NoError(t, kept.Add(t.Context(), v))
		}
		add(gateway.Revocation{Key: "7", At: at, Until: at.Add(time.Hour)})
		add(gateway.Revocation{Key: "7", At: at.Add(-time.Minute), Until: at.Add(time.Minute)}) // takes nothing back
		add(gateway.Revocation{Token: "t", At: at, Until: at.Add(time.Hour)})
		add(gateway.Revocation{Token: "over", At: at.Add(-time.Hour), Until: at.Add(-time.Minute)})
		assert.True(t, revoked("7", "", at), "issued until then")
		assert.True(t, !revoked("7", "", at.Add(time.Microsecond)), "issued after it")
		assert.True(t, !revoked("8", "", at.Add(-time.Hour)), "somebody else")
		assert.True(t, revoked("8", "t", at.Add(time.Minute)), "a token, whenever it was issued")
		assert.True(t, !revoked("8", "over", at.Add(-time.Hour)), "its time is over")
		assert.True(t, !revoked("", "", at.Add(-time.Hour)), "nothing")

		dropExpired(t, db, at.Add(time.Minute))
		assert.True(t, revoked("7", "", at) && revoked("", "t", at), "their time is not over")
		dropExpired(t, db, at.Add(time.Hour))
		assert.True(t, !revoked("7", "", at) && !revoked("", "t", at), "dropped")
	})
}

// Of all that want to be the first, one is.
func TestTheFirstUserIsOne(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		const many = 20
		var wg sync.WaitGroup
		added := make(chan store.User, many)
		for i := range many {
			wg.Go(func() {
				name := fmt.Sprintf("user-%d", i)
				u, err := db.AddFirstUser(t.Context(), store.User{Name: name, Role: "user"}, name, "admin")
				if err == nil {
					added <- u
				} else if !errors.Is(err, store.ErrNotFirst) {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		assert.Equal(t, len(added), 1)
		assert.Equal(t, (<-added).Role, "admin")
	})
}

func TestWhatHasExpiredIsDropped(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		mina := addUser(t, db, "mina")
		for i, expires := range []time.Time{noon, noon.Add(time.Hour), noon, noon} {
			id := fmt.Sprint("family", i)
			_, _, err := db.AddFamily(t.Context(), store.Family{ID: id, User: mina.ID, Token: make([]byte, 32), Expires: expires}, "$hash", noon, 9)
			assert.NoError(t, err)
		}
		for _, want := range []bool{true, false} { // a few at a time: others write meanwhile
			more, err := db.DropExpired(t.Context(), noon, 2)
			assert.NoError(t, err)
			assert.Equal(t, more, want)
		}
		back := noon.Add(-time.Hour) // when both would be good, were they there
		_, err := db.RotateFamily(t.Context(), "family0", make([]byte, 32), make([]byte, 32), back, noon)
		assert.ErrorIs(t, err, store.ErrNotFound)
		_, err = db.RotateFamily(t.Context(), "family1", make([]byte, 32), make([]byte, 32), back, noon)
		assert.NoError(t, err)
	})
}
