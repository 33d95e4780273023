package chat_test

import (
	"encoding/json"
	"testing"

	"github.com/kachi-io/kachi/app/apptest"
	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/nodetest"
)

// The same by the real socket.io-client.
func TestSocketIOClient(t *testing.T) {
	app, p := start(t)
	given := map[string]any{"url": app.URL}
	for name, who := range map[string]*apptest.Person{"mina": p.mina, "jun": p.jun, "sora": p.sora} {
		given[name] = map[string]any{"id": who.ID, "name": who.Name, "token": who.Token}
	}
	text, err := json.Marshal(given)
	assert.NoError(t, err)
	nodetest.Checks(t, "app/chat.mjs", nil, "KACHI_GIVEN="+string(text))
}
