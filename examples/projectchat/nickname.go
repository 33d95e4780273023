package main

import (
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/kachi-io/kachi/gateway"
)

func checkNickname(name string) error {
	wrong := func(r rune) bool { return r == ':' || !unicode.IsPrint(r) } // ":" ends it in a line
	if n := utf8.RuneCountInString(name); n == 0 || n > 20 || strings.TrimSpace(name) != name || strings.ContainsFunc(name, wrong) {
		return gateway.Invalid(gateway.FieldError{Path: "nickname", Rule: "nickname", Message: "A nickname has 1 to 20 characters, and no colon"})
	}
	return nil
}

// Nicknames are those that are taken. It is safe for concurrent use.
type Nicknames struct {
	mu    sync.Mutex
	taken map[string]*Claim // in lower case
}

// NewNicknames makes an empty set.
func NewNicknames() *Nicknames { return &Nicknames{taken: map[string]*Claim{}} }

// Claim is a socket's on a nickname: the first that it uses is its own until it ends, and
// nobody else's.
type Claim struct {
	of   *Nicknames
	name string
}

// Take claims a name.
func (c *Claim) Take(name string) error {
	c.of.mu.Lock()
	defer c.of.mu.Unlock()
	holder := c.of.taken[strings.ToLower(name)]
	switch {
	case c.name == name:
		return nil
	case c.name != "":
		return gateway.Errorf(gateway.CodeForbidden, "You are %s here", c.name)
	case holder != nil:
		return gateway.Errorf(gateway.CodeConflict, "%s is taken", name)
	}
	c.name, c.of.taken[strings.ToLower(name)] = name, c
	return nil
}

// Release gives the name back.
func (c *Claim) Release() error {
	c.of.mu.Lock()
	defer c.of.mu.Unlock()
	if c.name != "" {
		delete(c.of.taken, strings.ToLower(c.name))
	}
	return nil
}
