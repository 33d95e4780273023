package gateway_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"time"

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

// What OnAny refuses is an answer like others: of the route's mode, and logged once, as the
// client's fault.
func TestWhatOnAnyRefuses(t *testing.T) {
	var log lockedBuffer
	release := make(chan struct{})
	type key struct{}
	o := &gateway.Options{Logger: slog.New(slog.NewTextHandler(&log, nil)), ReplyTimeout: 20 * time.Millisecond}
	_, url := start(t, o, gateway.New("/c", gateway.Anyone, func(g *gateway.Namespace[gateway.Nobody]) {
		g.OnAny(func(c *nobody) error {
			switch c.Pattern() {
			case "as event", "unknown":
				return gateway.Forbidden("never")
			case "by hand":
				return c.Ack("by hand")
			case "slow":
				<-release
			}
			c.SetContext(context.WithValue(c.Context, key{}, "seen"))
			return nil
		})
		gateway.Handle(g, "as event", func(*nobody, gateway.None) error { return nil }).Errors(gateway.ErrorsAsEvent)
		gateway.On(g, "by hand", func(*nobody, gateway.None) (string, error) { return "handler", nil })
		gateway.On(g, "known", func(c *nobody, _ gateway.None) (any, error) { return c.Value(key{}), nil })
		gateway.On(g, "slow", func(*nobody, gateway.None) (string, error) { return "late", nil })
	}))
	c := join(t, url, "/c", "")
	for _, step := range [][2]string{
		{`["as event"]`, `2/c,["exception",{"status":"error","code":"forbidden","message":"never","cause":{"pattern":"as event"}}]`},
		{`["unknown"]`, `3/c,1[{"status":"error","code":"forbidden","message":"never","cause":{"pattern":"unknown"}}]`},
		{`["by hand"]`, `3/c,1["by hand"]`},
		{`["known"]`, `3/c,1["seen"]`},
		{`["slow"]`, `3/c,1[{"status":"error","code":"timeout","message":"There was no answer in time","cause":{"pattern":"slow"}}]`},
	} {
		c.send(`2/c,1` + step[0])
		c.expect(step[1])
	}
	close(release)
	c.send(`2/c,2["by hand"]`)
	c.expect(`3/c,2["by hand"]`)
	assert.Equal(t, strings.Count(log.String(), "never"), 2, log.String())
	assert.True(t, !strings.Contains(log.String(), "level=ERROR"), log.String())
}

// What clients make up is cut before it is logged.
func TestLongNamesAreCutInTheLog(t *testing.T) {
	var log lockedBuffer
	o := &gateway.Options{Logger: slog.New(slog.NewTextHandler(&log, nil))}
	_, url := start(t, o, gateway.New("/c", gateway.Anyone, func(*gateway.Namespace[gateway.Nobody]) {}))
	c := join(t, url, "/c", "")
	c.send(`2/c,1["` + strings.Repeat("x", 100_000) + `"]`)
	answer := c.Next(t)
	assert.True(t, strings.Contains(answer, `"not_found"`))
	assert.True(t, strings.Contains(log.String(), "event=xxx") && len(log.String()) < 1000, len(log.String()))
}
