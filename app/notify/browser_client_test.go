package notify_test

import (
	"encoding/json"
	"testing"

	"github.com/kachi-io/kachi/app/apptest"
	"github.com/kachi-io/kachi/app/server"
	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/nodetest"
)

// The contract, with the client that pages have.
func TestWithTheBrowsersClient(t *testing.T) {
	app := apptest.New(t, &server.Options{Version: "test"})
	mina, jun := app.Register(t, "Mina"), app.Register(t, "Jun")
	given, err := json.Marshal(object{
		"url": app.URL, "service": apptest.ServiceToken,
		"mina": mina.Token, "minaId": mina.ID, "jun": jun.Token, "junId": jun.ID,
	})
	assert.NoError(t, err)
	nodetest.Checks(t, "app/notify.mjs", nil, "KACHI_GIVEN="+string(given))
}
