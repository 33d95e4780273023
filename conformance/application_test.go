package conformance_test

import (
	"context"
	"encoding/json"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/nodetest"
)

// Clients of several versions of an application's own protocol, on one server: each has what
// it knows, and who is too old, or too new, is told so.
func TestVersionsOfAnApplication(t *testing.T) {
	type none = gateway.None
	said := gateway.NewEvent[string]("said")
	written := gateway.NewEvent[string]("written").Since(3)
	app, err := gateway.NewApp(&gateway.Options{Versions: gateway.Versions{Oldest: 2, Current: 3}},
		gateway.New("/c", gateway.Anyone, func(g *gateway.Namespace[gateway.Nobody]) {
			g.Emits(said, written)
			gateway.On(g, "greet", func(*nobody, none) (string, error) { return "hello", nil })
			gateway.On(g, "greet", func(*nobody, none) (map[string]string, error) {
				return map[string]string{"text": "hello"}, nil
			}).Since(3)
			gateway.Handle(g, "write", func(c *nobody, text string) error {
				if err := written.Emit(c, c.All(), text); err != nil {
					return err
				}
				return said.Emit(c, c.All(), text)
			}).Since(3)
		}))
	assert.NoError(t, err)
	host := httptest.NewServer(app)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		assert.NoError(t, app.Stop(ctx))
		host.Close()
	})
	given, err := json.Marshal(map[string]any{"url": host.URL})
	assert.NoError(t, err)
	nodetest.Checks(t, "client/application.mjs", nil, "KACHI_GIVEN="+string(given))
}
