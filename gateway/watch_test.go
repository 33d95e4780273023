package gateway_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"testing"
	"time"

	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/wstest"
)

func TestWhatIsSentIsTold(t *testing.T) {
	told := make(chan string, 10)
	note := func(_ context.Context, namespace, event string) func(error) {
		told <- namespace + " " + event
		return func(err error) { told <- fmt.Sprintf("%s: %v", event, err) }
	}
	silent := func(context.Context, string, string) func(error) { return nil }
	o := &gateway.Options{Emitting: []func(context.Context, string, string) func(error){note, silent}}
	said, item := gateway.NewEvent[string]("said"), gateway.NewEvent[int]("item")
	undeclared, question := gateway.NewEvent[int]("undeclared"), gateway.NewEvent[gateway.None]("question")
	_, url := start(t, o, gateway.Pattern("/c-{id}", gateway.Anyone, func(g *gateway.Namespace[gateway.Nobody]) {
		g.Emits(said, question)
		gateway.Handle(g, "do", func(c *gateway.Context[gateway.Nobody], _ gateway.None) error {
			_ = undeclared.Emit(c, c.Client(), 1) // is not sent
			return said.Emit(c, c.Client(), "x")
		})
		gateway.Stream(g, "count", item, func(*gateway.Context[gateway.Nobody], gateway.None) iter.Seq2[int, error] {
			return func(yield func(int, error) bool) { yield(7, nil) }
		})
		gateway.On(g, "ask me", func(c *gateway.Context[gateway.Nobody], _ gateway.None) (string, error) {
			return gateway.Ask[string](c, c.Socket(), question, gateway.None{})
		})
	}, nil))
	c := wstest.Join(t, url, "/c-7", "")
	expect := func(want ...string) {
		t.Helper()
		for _, w := range want {
			assert.Equal(t, assert.Receive(t, told), w)
		}
	}
	assert.Equal(t, c.Ask(`2/c-7,1["do"]`), `2/c-7,["said","x"]`)
	expect("/c-{id} said", "said: <nil>")
	c.Expect(`3/c-7,1[]`)
	assert.Equal(t, c.Ask(`2/c-7,2["count"]`), `2/c-7,["item",7]`)
	expect("/c-{id} item", "item: <nil>")
	c.Expect(`3/c-7,2[{"count":1}]`)
	assert.Equal(t, c.Ask(`2/c-7,3["ask me"]`), `2/c-7,0["question"]`)
	expect("/c-{id} question")
	assert.Equal(t, len(told), 0)
	assert.Equal(t, c.Ask(`3/c-7,0["because"]`), `3/c-7,3["because"]`)
	expect("question: <nil>")
}

func TestWhatWasHandledIsTold(t *testing.T) {
	told := make(chan string, 10)
	o := &gateway.Options{Handled: []func(*gateway.Call, time.Duration, error){
		func(*gateway.Call, time.Duration, error) { panic("on purpose") },
		func(c *gateway.Call, took time.Duration, err error) {
			namespace, event := c.Registered()
			told <- fmt.Sprintf("%s %q %s %q %v", namespace, event, c.Pattern(), gateway.CodeOf(err), took >= 0)
		},
	}}
	_, url := start(t, o, gateway.Pattern("/c-{id}", gateway.Anyone, func(g *gateway.Namespace[gateway.Nobody]) {
		g.OnAny(func(c *gateway.Context[gateway.Nobody]) error {
			if c.Pattern() == "odd" {
				return gateway.Forbidden("odd")
			}
			return nil
		})
		gateway.Handle(g, "do", func(_ *gateway.Context[gateway.Nobody], in string) error {
			switch in {
			case "coded":
				return gateway.NewError("teapot", "short")
			case "plain":
				return errors.New("plain")
			case "panic":
				panic("on purpose")
			}
			return nil
		}).Use(gateway.Guard(func(c *gateway.Call) error {
			if c.Args().Len() == 0 {
				return gateway.Unauthorized("empty")
			}
			return nil
		}))
		gateway.Handle(g, "odd", func(*gateway.Context[gateway.Nobody], gateway.None) error { return nil })
	}, nil))
	c := wstest.Join(t, url, "/c-7", "")
	for _, step := range []struct{ event, want string }{
		{`["do","x"]`, `/c-{id} "do" do "" true`},
		{`["do","coded"]`, `/c-{id} "do" do "teapot" true`},
		{`["do","plain"]`, `/c-{id} "do" do "internal" true`},
		{`["do","panic"]`, `/c-{id} "do" do "internal" true`},
		{`["do",1]`, `/c-{id} "do" do "bad_request" true`},
		{`["do"]`, `/c-{id} "do" do "unauthorized" true`},
		{`["odd"]`, `/c-{id} "odd" odd "forbidden" true`},
		{`["else"]`, `/c-{id} "" else "not_found" true`},
	} {
		c.Ask("2/c-7,1" + step.event)
		assert.Equal(t, assert.Receive(t, told), step.want)
	}
	assert.Equal(t, gateway.CodeOf(fmt.Errorf("wrapped: %w", gateway.NotFound("x"))), "not_found")
	assert.Equal(t, gateway.CodeOf(context.Canceled), "internal")
}

// A client that was told of the time-out was answered with that, whatever came of the call
// later.
func TestTimeOutsAreToldAsSuch(t *testing.T) {
	told, release := make(chan string, 10), make(chan struct{})
	o := &gateway.Options{ReplyTimeout: 20 * time.Millisecond, Handled: []func(*gateway.Call, time.Duration, error){
		func(c *gateway.Call, _ time.Duration, err error) { told <- c.Pattern() + " " + gateway.CodeOf(err) },
	}}
	_, url := start(t, o, gateway.New("/c", gateway.Anyone, func(g *gateway.Namespace[gateway.Nobody]) {
		gateway.Handle(g, "slow", func(*nobody, gateway.None) error { <-release; return nil })
	}))
	c := wstest.Join(t, url, "/c", "")
	answer := c.Ask(`2/c,1["slow"]`)
	assert.True(t, strings.Contains(answer, `"timeout"`), answer)
	close(release)
	assert.Equal(t, assert.Receive(t, told), "slow timeout")
}
