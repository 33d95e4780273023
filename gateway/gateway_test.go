package gateway_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/gateway/validate"
	"github.com/kachi-io/kachi/internal/assert"
)

func TestMistakesAreNamedWithTheirSource(t *testing.T) {
	type tagged struct {
		Items []struct {
			Name string `validate:"required"`
		}
	}
	other := gateway.NewEvent[int]("joined")
	_, err := gateway.NewApp(nil,
		gateway.New("/a", gateway.Anyone, func(g *gateway.Namespace[gateway.Nobody]) {
			nothing := func(*gateway.Context[gateway.Nobody], gateway.None) error { return nil }
			gateway.Handle(g, "twice", nothing)
			gateway.Handle(g, "twice", nothing)
			gateway.Handle(g, "disconnect", nothing)
			gateway.Handle(g, "exception", nothing)
			gateway.Handle(g, "", nothing)
			gateway.Handle[gateway.Nobody, gateway.None](g, "no handler", nil)
			gateway.Handle(g, "nil layer", nothing).Use(nil)
			gateway.Handle(g, "tags", func(*gateway.Context[gateway.Nobody], *tagged) error { return nil })
			g.Emits(joined, other)
		}),
		gateway.New("/a", gateway.Anyone, func(*gateway.Namespace[gateway.Nobody]) {}),
		gateway.New("b", gateway.Anyone, func(*gateway.Namespace[gateway.Nobody]) {}),
		gateway.New[user]("/c", nil, func(*gateway.Namespace[user]) {}),
		gateway.New("/d", gateway.Anyone, nil),
		gateway.Pattern("/e-{", gateway.Anyone, func(*gateway.Namespace[gateway.Nobody]) {}, nil),
		nil,
	)
	text := fmt.Sprint(err)
	for _, want := range []string{
		`event "twice" has a handler already`, `"disconnect" is reserved`, `"exception" is reserved`, `an event has no name`,
		`event "no handler" has no handler`, `event "nil layer": a layer is nil`, `.Name has a validate tag`, `event "joined" of type int is sent by the namespace already, as string`,
		`namespace "/a" has a gateway already`, `namespace "b" does not begin with a slash`, `namespace "/c" has no Authenticator`,
		`namespace "/d" has nothing that registers`, `pattern "/e-{"`, "gateway 7 is nil",
	} {
		assert.True(t, strings.Contains(text, want), want, "\n", text)
	}
	assert.True(t, strings.Count(text, "gateway_test.go:") >= 13, text)
}

// tree is a type that has no end.
type tree map[string]tree

type forest []forest

// What would only be found when a client comes is found at start.
func TestMistakesThatWouldShowLater(t *testing.T) {
	nothing := func(*nobody, gateway.None) error { return nil }
	guard, interceptor, filter := gateway.Guard(nil), gateway.Interceptor(nil), gateway.Filter(nil)
	_, err := gateway.NewApp(&gateway.Options{
		TokenLifetime: -1,
		StartTimeout:  -1,
		StopTimeout:   -1,
		Errors:        7,
		Handled:       []func(*gateway.Call, time.Duration, error){nil},
		Emitting:      []func(context.Context, string, string) func(error){nil},
		Use:           []gateway.Layer{nil},
	})
	text := fmt.Sprint(err)
	for _, want := range []string{"TokenLifetime is negative", "StartTimeout is negative", "StopTimeout is negative", "Options.Errors", "Options.Handled", "Options.Emitting", "Options.Use"} {
		assert.True(t, strings.Contains(text, want), want, "\n", text)
	}
	_, err = gateway.NewApp(nil,
		gateway.New("/a", gateway.Anyone, func(g *gateway.Namespace[gateway.Nobody]) {
			gateway.Handle(g, "guard", nothing).Use(guard)
			gateway.Handle(g, "interceptor", nothing).Use(gateway.Named("x", interceptor))
			gateway.Handle(g, "filter", nothing).Use(filter)
			gateway.Handle(g, "authorize", nothing).Authorize(nil)
			gateway.Handle(g, "mode", nothing).Errors(9)
			g.OnConnect(nil)
			g.OnDisconnecting(nil)
			g.OnDisconnect(nil)
			g.OnAny(nil)
			g.Emits(nil, gateway.OutEvent[int]{})
		}),
		gateway.New("/b", gateway.AuthenticatorFunc[user](nil), func(*gateway.Namespace[user]) {}),
	)
	text = fmt.Sprint(err)
	for _, want := range []string{
		`event "guard": a layer is nil`, `event "interceptor": a layer is nil`, `event "filter": a layer is nil`,
		`event "authorize": Authorize takes a function`, `event "mode": Errors`,
		"a function of OnConnect is nil", "a function of OnDisconnecting is nil", "a function of OnDisconnect is nil",
		"a function of OnAny is nil", "an event of Emits is nil", `namespace "/b" has no Authenticator`,
	} {
		assert.True(t, strings.Contains(text, want), want, "\n", text)
	}
}

// Types that hold themselves are inputs like others.
func TestInputsThatHoldThemselves(t *testing.T) {
	register := func(g *gateway.Namespace[gateway.Nobody]) {
		gateway.On(g, "tree", func(_ *nobody, in tree) (int, error) { return len(in), nil })
		gateway.On(g, "forest", func(_ *nobody, in forest) (int, error) { return len(in), nil })
	}
	for _, o := range []*gateway.Options{nil, {Validator: validate.New(nil)}} {
		_, url := start(t, o, gateway.New("/c", gateway.Anyone, register))
		c := join(t, url, "/c", "")
		c.send(`2/c,1["tree",{"a":{},"b":{"c":{}}}]`)
		c.expect(`3/c,1[2]`)
		c.send(`2/c,1["forest",[[],[[]]]]`)
		c.expect(`3/c,1[2]`)
	}
}
