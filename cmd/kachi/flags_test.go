package main

import (
	"testing"

	"github.com/alecthomas/kong"

	"github.com/kachi-io/kachi/internal/assert"
)

func TestFlagsOfSettings(t *testing.T) {
	t.Setenv("KACHI_ADDR", ":1") // is for app/config to look at
	for _, test := range []struct {
		args []string
		want map[string][]string
	}{
		{nil, map[string][]string{}},
		{[]string{"--addr", ":2", "--addr=:3"}, map[string][]string{"addr": {":2", ":3"}}},
		{[]string{"--allowed-origins", "a,b", "--allowed-origins", "c"}, map[string][]string{"allowed-origins": {"a,b", "c"}}},
		{[]string{"--static", "", "--demo"}, map[string][]string{"static": {""}, "demo": {"true"}}},
		{[]string{"--demo=off"}, map[string][]string{"demo": {"off"}}},
	} {
		s := newServe()
		parser, err := kong.New(&s, kong.DefaultEnvars("KACHI"))
		assert.NoError(t, err)
		_, err = parser.Parse(test.args)
		assert.NoError(t, err)
		got := map[string][]string{}
		for name, texts := range given(s.Plugins[0]) {
			if texts != nil {
				got[name] = texts
			}
		}
		assert.Equal(t, got, test.want)
	}
}
