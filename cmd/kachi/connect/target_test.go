package connect

import (
	"context"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/kachi-io/kachi/client"
	"github.com/kachi-io/kachi/internal/assert"
)

func TestTargets(t *testing.T) {
	for _, test := range []struct{ raw, namespace, path, url, origin, want string }{
		{raw: "localhost:3000", url: "http://localhost:3000", want: "/"},
		{raw: "localhost:3000/chat", url: "http://localhost:3000", want: "/chat"},
		{raw: ":3000/chat", url: "http://localhost:3000", want: "/chat"},
		{raw: "http://127.0.0.1:3000/", url: "http://127.0.0.1:3000", want: "/"},
		{raw: "http://[::1]:3000/a/b", url: "http://[::1]:3000", want: "/a/b"},
		{raw: "ws://localhost", url: "http://localhost", want: "/"},
		{raw: "wss://example.com/chat", url: "https://example.com", want: "/chat"},
		{raw: "https://example.com/chat", namespace: "/other", url: "https://example.com", want: "/other"},
		{raw: "example.com", namespace: "chat", url: "http://example.com", want: "/chat"},
		{raw: "example.com/socket.io/", url: "http://example.com", want: "/"},
		{raw: "example.com/socket.io", namespace: "/chat", url: "http://example.com", want: "/chat"},
		{raw: "example.com/socket.io", path: "/other", url: "http://example.com", want: "/socket.io"},
		{raw: "example.com/chat?a=1&b=2#x", url: "http://example.com?a=1&b=2", origin: "http://example.com", want: "/chat"},
		{raw: "http://mina:secret@example.com", url: "http://mina:secret@example.com", origin: "http://example.com", want: "/"},
	} {
		path := test.path
		if path == "" {
			path = "/socket.io/"
		}
		got, err := parseTarget(test.raw, test.namespace, path)
		assert.NoError(t, err, test.raw)
		if test.origin == "" {
			test.origin = test.url
		}
		assert.Equal(t, []string{got.url, got.origin, got.namespace}, []string{test.url, test.origin, test.want}, test.raw)
	}
	for raw, want := range map[string]string{
		"ftp://example.com":    "begins with ftp://",
		"http://":              "names no host",
		"":                     "names no host",
		"http:///chat":         "names no host",
		"http://a b/":          "is no URL: invalid character",
		"localhost:port":       "is no URL: invalid port",
		"http://example.com:x": "is no URL: invalid port",
	} {
		_, err := parseTarget(raw, "", "/socket.io/")
		assert.True(t, err != nil && strings.Contains(err.Error(), want), raw, err)
	}
}

func TestCompletion(t *testing.T) {
	s := &session{target: &target{}, changed: func() {}, guard: func() {}, out: &printer{}, timeout: time.Minute}
	assert.NoError(t, s.start("http://localhost", client.Options{}))
	defer s.stop()
	for _, name := range []string{"/", "/admin"} {
		_, err := s.join(name)
		assert.NoError(t, err)
	}
	for _, name := range []string{"message", "members", "typing", "two words", "안녕", "안내"} {
		s.saw("/", name)
	}
	s.saw("/admin", "mend")
	for before, want := range map[string]struct {
		insert  string
		choices []string
	}{
		"":                 {choices: verbNames()},
		"em":               {insert: "it "},
		"  em":             {insert: "it "},
		"emit":             {insert: " "},
		"a":                {choices: []string{"answer", "ask", "auth"}},
		"di":               {insert: "sconnect "},
		"nothing":          {},
		"nothing m":        {},
		"emit m":           {insert: "e", choices: []string{"members", "message"}},
		"emit me":          {choices: []string{"members", "message"}},
		"ask mes":          {insert: "sage "},
		"wait  mes":        {insert: "sage "},
		"emit tw":          {},
		"emit 안":           {choices: []string{"안내", "안녕"}},
		"emit message mes": {},
		"use /a":           {insert: "dmin "},
		"leave ":           {insert: "/", choices: []string{"/", "/admin"}},
		"help sta":         {insert: "tus "},
		"sleep m":          {},
	} {
		insert, choices := s.complete(before)
		assert.Equal(t, insert, want.insert, before)
		assert.Equal(t, choices, want.choices, before)
	}
}

func TestArrivals(t *testing.T) {
	a := arrivals{changed: make(chan struct{})}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	a.saw("/", "news")
	assert.True(t, !a.take(ended, "/", "news"), "sent, not received")
	a.came("/", "news")
	a.came("/", "news")
	a.came("/chat", "other")
	assert.True(t, a.take(t.Context(), "/", "news"))
	assert.True(t, a.take(t.Context(), "/", "news"))
	assert.True(t, !a.take(ended, "/", "news"), "each is taken once")
	assert.True(t, !a.take(ended, "/", "other"), "of another namespace")
	taken := make(chan bool, 1)
	go func() { taken <- a.take(t.Context(), "/", "late") }()
	a.came("/", "something else")
	a.came("/", "late")
	assert.True(t, assert.Receive(t, taken))
	for i := range 3 * maxSeen {
		a.came("/", strconv.Itoa(i))
	}
	assert.Equal(t, len(a.events("/")), maxSeen)
}
