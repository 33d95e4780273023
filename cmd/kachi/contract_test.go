package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/nodetest"
)

// What the server promises to those who know nothing of its inside: each call over HTTP and
// each event, by the real socket.io-client, of a server that was started as the command is. A
// setting comes from each of the places where it may.
func TestContract(t *testing.T) {
	const secret, service = "what signs the tokens of this test", "what its services show"
	file := filepath.Join(t.TempDir(), "kachi.yaml")
	assert.NoError(t, os.WriteFile(file, []byte("service-token: "+service+"\n"), 0o600))
	t.Setenv("KACHI_CONFIG", file)
	t.Setenv("KACHI_JWT_SECRET", secret)
	apart := startWith(t, []string{"Kachi", "Socket.IO"}, "--addr", "127.0.0.1:0", "--socket-addr", "127.0.0.1:0")
	given, err := json.Marshal(map[string]any{
		"url":    start(t, "--addr", "127.0.0.1:0", "--allowed-origins", "https://app.example"),
		"apart":  map[string]string{"url": apart[0], "sockets": apart[1]},
		"secret": secret, "service": service,
	})
	assert.NoError(t, err)
	nodetest.Checks(t, "app/contract.mjs", nil, "KACHI_GIVEN="+string(given))
}
