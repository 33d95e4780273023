package auth_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"time"

	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/gateway/auth"
	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/nodetest"
)

// Tokens of a few seconds, with the real client and the real clock: nothing is asserted
// about how long anything takes.
func TestTheOfficialClient(t *testing.T) {
	var app *gateway.App
	app, err := gateway.NewApp(nil, gateway.New("/c", auth.JWT(auth.Options{Keys: auth.Fixed(auth.HS256(secret))}, byClaims), func(g *gateway.Namespace[user]) {
		gateway.On(g, "whoami", func(c *gateway.Context[user], _ gateway.None) (string, error) {
			return c.Principal.Name + ", " + c.Principal.Role, nil
		})
		gateway.Handle(g, "signOutEverywhere", func(c *gateway.Context[user], _ gateway.None) error {
			return app.Revoke(c, c.Key())
		})
	}))
	assert.NoError(t, err)
	mux := http.NewServeMux()
	mux.Handle("/socket.io/", app)
	mux.HandleFunc("/token", func(w http.ResponseWriter, r *http.Request) {
		life, err := strconv.Atoi(r.FormValue("life"))
		assert.NoError(t, err)
		until := time.Now().Add(time.Duration(life) * time.Second)
		_, _ = io.WriteString(w, hs(claims{"sub": r.FormValue("sub"), "exp": float64(until.UnixMilli()) / 1000, "role": fmt.Sprintf("for %d s", life)}))
	})
	host := httptest.NewServer(mux)
	defer host.Close()
	defer func() { assert.NoError(t, app.Stop(t.Context())) }()
	var told []string
	assert.NoError(t, json.Unmarshal(nodetest.Run(t, "tokens.mjs", host.URL), &told))
	assert.Equal(t, told, []string{
		"expiring soon: true",
		"refused: unauthorized principal",
		"later: true",
		"still mina, for 60 s",
		"revoked, io server disconnect, comes back: false",
		"again: revoked",
		"expired, io server disconnect, comes back: false",
	})
}
