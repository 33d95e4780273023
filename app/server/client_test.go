package server_test

import (
	"testing"

	"github.com/kachi-io/kachi/app/server"
	"github.com/kachi-io/kachi/gateway/asyncapi"
	"github.com/kachi-io/kachi/internal/assert"
)

// The pages are checked against what the gateways take and tell: their source has the client
// that `kachi spec --format typescript` writes.
func TestPagesKnowTheGateways(t *testing.T) {
	s, err := server.New(t.Context(), &server.Options{Data: t.TempDir()})
	assert.NoError(t, err)
	defer func() { assert.NoError(t, s.Close()) }()
	asyncapi.Committed(t, s.Gateways(), asyncapi.Info{Title: "Kachi", Version: "1"}, "../../web/src/live/gateways.ts")
}
