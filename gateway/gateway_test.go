package gateway_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/kachi-io/kachi/gateway"
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
