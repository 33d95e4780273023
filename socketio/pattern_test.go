package socketio

import (
	"maps"
	"strings"
	"testing"

	"github.com/kachi-io/kachi/internal/assert"
)

func TestPatterns(t *testing.T) {
	type values = map[string]string
	for _, c := range []struct {
		pattern, name string
		want          values // nil: no match
	}{
		{"/room-{id}", "/room-7", values{"id": "7"}},
		{"/room-{id}", "/room-a b.c?d=e", values{"id": "a b.c?d=e"}},
		{"/room-{id}", "/room-深い", values{"id": "深い"}},
		{"/room-{id}", "/room-line\nbreak", values{"id": "line\nbreak"}},
		{"/room-{id}", "/room-{id}", values{"id": "{id}"}},
		{"/room-{id}", "/room-", nil},
		{"/room-{id}", "/room", nil},
		{"/room-{id}", "/room-7/", nil},
		{"/room-{id}", "/room-7/x", nil},
		{"/room-{id}", "x/room-7", nil},
		{"/room-{id}", "/x/room-7", nil},
		{"/room-{id}", "/Room-7", nil},
		{"/room-{id}", "/room-7\n/room-8", nil},
		{"/{id}", "/", nil},
		{"/{id}", "/x", values{"id": "x"}},
		{"/tenant/{org}/chat", "/tenant/acme/chat", values{"org": "acme"}},
		{"/tenant/{org}/chat", "/tenant/acme/chat/", nil},
		{"/tenant/{org}/chat", "/tenant//chat", nil},
		{"/tenant/{org}/chat", "/tenant/a/b/chat", nil},
		{"/{a}-{b}", "/x-y-z", values{"a": "x", "b": "y-z"}}, // the first takes as little as it can
		{"/{a}-{b}", "/--z", values{"a": "-", "b": "z"}},
		{"/{a}/{b}", "/x/y", values{"a": "x", "b": "y"}},
		{"/{_long_Name9}", "/x", values{"_long_Name9": "x"}},
		{"/v1.0-{id}", "/v1.0-7", values{"id": "7"}}, // nothing but braces is special
		{"/v1.0-{id}", "/v1x0-7", nil},
		{"/(a|b)*[c]^$+\\d-{id}", "/(a|b)*[c]^$+\\d-7", values{"id": "7"}},
		{"/(a|b)-{id}", "/a-7", nil},
		{"/{{x}}-{id}", "/{x}-7", values{"id": "7"}},
		{"/{{{id}}}", "/{7}", values{"id": "7"}},
		{"/{{id}}/{id}", "/{id}/7", values{"id": "7"}},
		{"/{a}{{{b}", "/x{y", values{"a": "x", "b": "y"}},
	} {
		p, err := parsePattern(c.pattern)
		assert.NoError(t, err)
		got, ok := p.match(c.name)
		assert.True(t, ok == (c.want != nil) && maps.Equal(got, c.want), "%q, %q: %v", c.pattern, c.name, got)
	}
}

func TestBadPatterns(t *testing.T) {
	for pattern, why := range map[string]string{
		"":              "slash",
		"room-{id}":     "slash",
		"/room":         "no parameter",
		"/room-{{id}}":  "no parameter",
		"/{":            "not closed",
		"/room-{id":     "not closed",
		"/room-}":       "not opened",
		"/{id}}":        "not opened",
		"/{}":           "no name",
		"/{9}":          "no name",
		"/{a-b}":        "no name",
		"/{a.b}":        "no name",
		"/{é}":          "no name",
		"/{a b}":        "no name",
		"/{a{b}}":       "no name",
		"/{id}/{id}":    "two parameters",
		"/{a}{b}":       "begins",
		"/\xff/{a}":     "UTF-8",
		"/{name...}/{}": "no name",
	} {
		_, err := parsePattern(pattern)
		assert.True(t, err != nil && strings.Contains(err.Error(), why), "%q: %v", pattern, err)
	}
}

func TestPatternsThatMatchTheSame(t *testing.T) {
	for pair, want := range map[[2]string]bool{
		{"/room-{id}", "/room-{id}"}:     true,
		{"/room-{id}", "/room-{number}"}: true,
		{"/room-{id}", "/room.{id}"}:     false,
		{"/{a}-{b}", "/{a}"}:             false,
	} {
		a, err := parsePattern(pair[0])
		assert.NoError(t, err)
		b, err := parsePattern(pair[1])
		assert.NoError(t, err)
		assert.True(t, a.same(b) == want, "%v", pair)
	}
}
