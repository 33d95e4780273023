package gateway_test

import (
	"encoding/json"
	"testing"

	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/internal/assert"
)

func TestOnAny(t *testing.T) {
	seen := make(chan string, 10)
	_, url := start(t, nil, gateway.New("/c", gateway.Anyone, func(g *gateway.Namespace[gateway.Nobody]) {
		g.OnAny(func(c *gateway.Context[gateway.Nobody]) error {
			args, _ := json.Marshal(len(c.Args().Raw))
			seen <- c.Pattern() + string(args)
			if c.Pattern() == "never" {
				return gateway.Forbidden("never")
			}
			return nil
		})
		gateway.Handle(g, "known", func(*gateway.Context[gateway.Nobody], gateway.Raw) error { return nil })
		gateway.Handle(g, "never", func(*gateway.Context[gateway.Nobody], gateway.Raw) error { t.Error("never"); return nil })
	}))
	c := join(t, url, "/c", "")
	c.send(`2/c,1["known",1,2]`)
	c.expect(`3/c,1[]`)
	assert.Equal(t, assert.Receive(t, seen), "known2")
	c.send(`2/c,1["never"]`)
	c.expect(`3/c,1[{"status":"error","code":"forbidden","message":"never","cause":{"pattern":"never"}}]`)
	c.send(`2/c,1["unknown"]`)
	c.expect(`3/c,1[{"status":"error","code":"not_found","message":"There is no such event","cause":{"pattern":"unknown"}}]`)
}
