package gateway_test

import (
	"context"
	"strings"
	"testing"

	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/wstest"
)

func TestAdmission(t *testing.T) {
	var asked []string
	guard := func(name string) gateway.Guard {
		return func(c *gateway.Call) error {
			asked = append(asked, name+" "+c.Pattern()+" "+c.Namespace())
			switch c.Handshake().Query().Get("refused") {
			case name:
				return gateway.Forbidden("by " + name)
			case "panic":
				panic("on purpose")
			}
			return nil
		}
	}
	state := gateway.NewState(func(*gateway.Call) (int, error) { return 1, nil }, nil)
	auth := gateway.AuthenticatorFunc[string](func(context.Context, *gateway.Handshake) (string, error) {
		asked = append(asked, "authenticator")
		return "somebody", nil
	})
	_, url := start(t, &gateway.Options{Admit: []gateway.Guard{guard("app")}}, gateway.New("/c", auth, func(g *gateway.Namespace[string]) {
		g.Admit(guard("space"), func(c *gateway.Call) error {
			if _, err := state.Of(c); err == nil || c.Principal() != nil || c.Key() != "" {
				t.Error("nobody has been admitted yet", err)
			}
			return nil
		})
	}))
	join := func(query, want string, by ...string) {
		t.Helper()
		asked = nil
		c := wstest.Dial(t, url+"/socket.io/?EIO=4&transport=websocket&"+query)
		c.Next(t)
		assert.NoError(t, c.SendText("40/c,"))
		answer := c.Next(t)
		assert.True(t, strings.HasPrefix(answer, want), answer)
		assert.Equal(t, asked, by)
	}
	join("", `40/c,{"sid"`, "app connect /c", "space connect /c", "authenticator")
	join("refused=app", `44/c,{"message":"by app","data":{"status":"error","code":"forbidden"`, "app connect /c")
	join("refused=space", `44/c,{"message":"by space"`, "app connect /c", "space connect /c")
	join("refused=panic", `44/c,{"message":"Internal error"`, "app connect /c")

	_, err := gateway.NewApp(&gateway.Options{Admit: []gateway.Guard{nil}}, gateway.New("/c", auth, func(g *gateway.Namespace[string]) { g.Admit(nil) }))
	assert.True(t, err != nil && strings.Contains(err.Error(), "a guard of Options.Admit is nil") && strings.Contains(err.Error(), "a guard of Admit is nil"), err)
}

// Guards of admission run before anybody is authenticated.
func ExampleNamespace_Admit() {
	closed := false
	orders := gateway.New("/orders", byName, func(g *gateway.Namespace[user]) {
		g.Admit(func(c *gateway.Call) error {
			if closed {
				return gateway.NewError("closed", "We open at nine")
			}
			return nil
		})
		gateway.On(g, "whoami", func(c *gateway.Context[user], _ gateway.None) (string, error) { return c.Principal.Name, nil })
	})
	c, stop := serve("/orders", nil, orders)
	defer stop()
	ask(c, "whoami")
	// Output: Mina
}
