package server_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"

	"github.com/kachi-io/kachi/app/server"
	"github.com/kachi-io/kachi/gateway/asyncapi"
	"github.com/kachi-io/kachi/internal/assert"
)

// What clients see is under version control: a change of it is there to be reviewed, and
// `kachi spec diff` says what it breaks.
func TestDocumentsAreCommitted(t *testing.T) {
	s, err := server.New(t.Context(), &server.Options{Data: t.TempDir()})
	assert.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, s.Close()) })
	asyncapi.Committed(t, s.Gateways(), asyncapi.Info{Title: "Kachi", Version: "1"}, "../../docs/api/asyncapi.json")

	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/docs/openapi.json", nil))
	assert.Equal(t, w.Code, http.StatusOK)
	var indented bytes.Buffer
	assert.NoError(t, json.Indent(&indented, w.Body.Bytes(), "", "  "))
	indented.WriteByte('\n')
	const path = "../../docs/api/openapi.json"
	if os.Getenv(asyncapi.UpdateVariable) != "" {
		assert.NoError(t, os.WriteFile(path, indented.Bytes(), 0o644))
	}
	committed, err := os.ReadFile(path)
	assert.NoError(t, err)
	assert.True(t, bytes.Equal(committed, indented.Bytes()), path+" is not what the API offers: "+asyncapi.UpdateVariable+"=1 go test ./app/server -run TestDocumentsAreCommitted rewrites it")
}
