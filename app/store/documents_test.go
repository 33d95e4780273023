package store_test

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/kachi-io/kachi/app/store"
	"github.com/kachi-io/kachi/app/store/storetest"
	"github.com/kachi-io/kachi/internal/assert"
)

func version(v int64) func(store.Document) bool {
	return func(now store.Document) bool { return now.Version == v }
}

func TestDocuments(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		set := func(name, value string, v int64) (store.Document, error) {
			var text []byte
			if value != "" {
				text = []byte(value)
			}
			return db.SetDocument(t.Context(), store.DocumentChange{Name: name, Value: text, Expected: version(v), At: noon})
		}
		d, err := db.Document(t.Context(), "a")
		assert.NoError(t, err)
		assert.Equal(t, d, store.Document{Name: "a"}, "none yet")
		_, err = set("a", "1", 1)
		assert.ErrorIs(t, err, store.ErrVersion)

		large := `"` + strings.Repeat("까치🙂", 6553) + `"` // 65,532 bytes
		for i, value := range []string{`{"n":1}`, "null", "", large} {
			d, err = set("a", value, int64(i))
			assert.NoError(t, err)
			got, err := db.Document(t.Context(), "a")
			assert.NoError(t, err)
			assert.Equal(t, got, d)
			assert.Equal(t, string(got.Value), value)
			assert.Equal(t, got.Value == nil, value == "", "deleted")
			assert.Equal(t, got.Version, int64(i+1))
		}
		now, err := set("a", "2", 3)
		assert.ErrorIs(t, err, store.ErrVersion)
		assert.Equal(t, now, d, "what is there")

		// Names are told apart by each byte.
		for _, name := range []string{"A", "a.", strings.Repeat("n", 128)} {
			d, err := set(name, "1", 0)
			assert.NoError(t, err)
			assert.Equal(t, d.Version, int64(1))
		}
		_, err = set(strings.Repeat("n", 129), "1", 0)
		assert.True(t, err != nil && !errors.Is(err, store.ErrVersion), err)
	})
}

// Of those who expect the same version one succeeds, also where there is nothing to lock yet.
func TestDocumentsHaveOneWriterForEachVersion(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		const writers, increments, names = 8, 10, 3
		var wg sync.WaitGroup
		for range writers {
			wg.Go(func() {
				for i := range increments * names {
					name := fmt.Sprint("counter/", i%names)
					for {
						d, err := db.Document(t.Context(), name)
						n, _ := strconv.Atoi(string(d.Value))
						if err == nil {
							_, err = db.SetDocument(t.Context(), store.DocumentChange{Name: name, Value: []byte(strconv.Itoa(n + 1)), Expected: version(d.Version), At: noon})
						}
						if errors.Is(err, store.ErrVersion) {
							continue
						}
						if err != nil {
							t.Error(err)
						}
						break
					}
				}
			})
		}
		wg.Wait()
		for i := range names {
			d, err := db.Document(t.Context(), fmt.Sprint("counter/", i))
			assert.NoError(t, err)
			assert.Equal(t, string(d.Value), strconv.Itoa(writers*increments))
			assert.Equal(t, d.Version, int64(writers*increments))
		}
	})
}

// Whoever writes under ever new names filled the disk.
func TestDocumentsOfAPersonAreBounded(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		mina, jun := addUser(t, db, "mina"), addUser(t, db, "jun")
		set := func(name, value string, maker store.ID) error {
			c := store.DocumentChange{Name: name, Value: []byte(value), Expected: func(store.Document) bool { return true }, At: noon, Maker: maker, Most: 2}
			if value == "" {
				c.Value = nil
			}
			_, err := db.SetDocument(t.Context(), c)
			return err
		}
		assert.NoError(t, set("a", "1", mina.ID))
		assert.NoError(t, set("b", "1", mina.ID))
		assert.NoError(t, set("b", "", mina.ID))
		assert.ErrorIs(t, set("c", "1", mina.ID), store.ErrTooMany, "one that was deleted counts")
		assert.NoError(t, set("a", "2", mina.ID), "it is there already")
		assert.NoError(t, set("b", "2", mina.ID), "it was there before")
		assert.NoError(t, set("c", "1", jun.ID))
		assert.NoError(t, set("c", "2", mina.ID), "somebody else's")
		d, err := db.Document(t.Context(), "c")
		assert.NoError(t, err)
		assert.Equal(t, d, store.Document{Name: "c", Value: []byte("2"), Version: 2})
	})
}
