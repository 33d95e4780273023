package store

import (
	"bytes"
	"io/fs"
	"testing"

	"github.com/kachi-io/kachi/internal/assert"
)

// Words in braces are spelled for each server, and none is left.
func TestSpelling(t *testing.T) {
	for folder, want := range map[string]string{"mysql": "GEOMETRY NOT NULL SRID 4326,", "mariadb": "GEOMETRY NOT NULL,"} {
		files, err := steps(folder)
		assert.NoError(t, err)
		text, err := fs.ReadFile(files, "0003_locations.sql")
		assert.NoError(t, err)
		assert.True(t, bytes.Contains(text, []byte(want)), string(text))
		assert.True(t, !bytes.ContainsAny(text, "{}"), string(text))
	}
}
