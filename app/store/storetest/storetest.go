// Package storetest gives tests databases: new ones, with the server's schema.
package storetest

import (
	"path/filepath"
	"testing"

	"github.com/kachi-io/kachi/app/store"
	"github.com/kachi-io/kachi/internal/assert"
)

// New opens a new SQLite database, which is closed with the test.
func New(t testing.TB) *store.DB {
	t.Helper()
	return Open(t, filepath.Join(t.TempDir(), "kachi.db"))
}

// Open opens a database, which is closed with the test where it is not before.
func Open(t testing.TB, source string) *store.DB {
	t.Helper()
	db, err := store.Open(t.Context(), source, nil)
	assert.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, db.Close()) })
	return db
}

// Each runs a test on a new database of each kind.
func Each(t *testing.T, test func(t *testing.T, db *store.DB)) {
	t.Run("SQLite", func(t *testing.T) { test(t, New(t)) })
}
