package main

import (
	"context"
	"crypto/rand"
	"strconv"

	"github.com/kachi-io/kachi/examples/people"
	"github.com/kachi-io/kachi/gateway"
)

// Visitor is who has come: somebody who is known, or a guest.
type Visitor struct {
	ID    string
	Guest bool
}

// Visitors admits people by their tokens, and guests without one. Who shows a token that is
// wrong is nobody's guest.
type Visitors struct{ people *people.People }

// Authenticate implements [gateway.Authenticator].
func (v Visitors) Authenticate(_ context.Context, h *gateway.Handshake) (gateway.Identity[Visitor], error) {
	token, err := people.FromHandshake(h)
	if err != nil {
		return gateway.Identity[Visitor]{}, err
	}
	if token == "" {
		return gateway.Identity[Visitor]{Principal: Visitor{ID: "guest-" + rand.Text()[:8], Guest: true}}, nil
	}
	person, err := v.people.Known(token)
	id := strconv.Itoa(person.ID)
	return gateway.Identity[Visitor]{Principal: Visitor{ID: id}, Key: id}, err
}

// Members is [Visitors] without the guests.
type Members struct{ Visitors }

// Authenticate implements [gateway.Authenticator].
func (m Members) Authenticate(ctx context.Context, h *gateway.Handshake) (gateway.Identity[Visitor], error) {
	who, err := m.Visitors.Authenticate(ctx, h)
	if err == nil && who.Principal.Guest {
		err = gateway.Unauthorized("A token is needed")
	}
	return who, err
}
