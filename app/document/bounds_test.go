package document_test

import (
	"encoding/json"
	"testing"

	"github.com/kachi-io/kachi/app/account"
	"github.com/kachi-io/kachi/app/document"
	"github.com/kachi-io/kachi/app/store"
	"github.com/kachi-io/kachi/app/store/storetest"
	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/internal/assert"
)

func TestOneMakesSoManyDocuments(t *testing.T) {
	db := storetest.New(t)
	u, err := db.AddUser(t.Context(), store.User{Name: "Mina", Role: "user"}, "mina", "user")
	assert.NoError(t, err)
	mina := account.User{ID: u.ID, Name: u.Name}
	s := document.New(db, gateway.NewHub(), document.Options{MaxMade: 1})
	set := func(key document.Key) error {
		_, err := s.Set(t.Context(), mina, key, json.RawMessage("1"), func(document.Document) bool { return true })
		return err
	}
	assert.NoError(t, set("one"))
	assert.Equal(t, gateway.CodeOf(set("two")), "full")
	assert.NoError(t, set("one"))
}
