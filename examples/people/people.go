// Package people says who may use an example: each has a name, a number, and a token to
// show. A program of one's own has accounts instead: see package gateway/auth.
package people

import (
	"context"
	"crypto/rand"
	"net/http"
	"strings"

	"github.com/kachi-io/kachi/gateway"
)

// Person is somebody who is known.
type Person struct {
	ID   int
	Name string
}

// People are all who are known. They do not change.
type People struct{ byToken map[string]Person }

// New makes people with the names: the first is number 1. Their tokens are random.
func New(names ...string) *People {
	p := &People{map[string]Person{}}
	for i, name := range names {
		p.byToken[rand.Text()] = Person{i + 1, name}
	}
	return p
}

// Token returns what a person has to show, "" for somebody who is not known.
func (p *People) Token(name string) string {
	for token, person := range p.byToken {
		if person.Name == name {
			return token
		}
	}
	return ""
}

// Known returns who shows a token.
func (p *People) Known(token string) (Person, error) {
	person, ok := p.byToken[token]
	if !ok {
		return Person{}, gateway.Unauthorized("A valid token is needed")
	}
	return person, nil
}

// FromHandshake returns the token with which a socket comes: auth: {token}, or the header
// "Authorization: Bearer …" where a client can set one, as requests do. It never is in the URL, which ends
// up in logs and histories.
func FromHandshake(h *gateway.Handshake) (string, error) {
	var auth struct {
		Token string `json:"token"`
	}
	if err := h.DecodeAuth(&auth); err != nil {
		return "", err
	}
	if auth.Token != "" {
		return auth.Token, nil
	}
	return bearer(h.Header()), nil
}

// Authenticate is a [gateway.Authenticator] that admits people alone.
func (p *People) Authenticate(_ context.Context, h *gateway.Handshake) (gateway.Identity[Person], error) {
	token, err := FromHandshake(h)
	if err != nil {
		return gateway.Identity[Person]{}, err
	}
	person, err := p.Known(token)
	return gateway.Identity[Person]{Principal: person, Key: person.Name}, err
}

func bearer(h http.Header) string {
	if token, ok := strings.CutPrefix(h.Get("Authorization"), "Bearer "); ok {
		return token
	}
	return "" // of another scheme, a proxy's say
}
