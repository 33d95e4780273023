package main

import (
	"context"

	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/gateway/auth"
)

// begin users
// User is who calls, as handlers know it.
type User struct {
	Name   string
	Editor bool
}

// NewUsers admits who shows a token that was signed with the secret, of 32 bytes or more.
func NewUsers(secret []byte) gateway.Authenticator[User] {
	return auth.JWT(auth.Options{Keys: auth.Fixed(auth.HS256(secret))},
		func(_ context.Context, c *auth.Claims) (User, error) {
			var own struct {
				Editor bool `json:"editor"` // a claim of our own
			}
			err := c.Decode(&own)
			return User{c.Subject, own.Editor}, err
		})
}

// end users

// begin desk
// Clearing is what other editors are told.
type Clearing struct {
	Board string `json:"board"`
	By    string `json:"by"`
}

var Cleared = gateway.NewEvent[Clearing]("cleared")

// NewDesk is the namespace /desk, where editors clear boards.
func NewDesk(store *Store, users gateway.Authenticator[User]) gateway.Gateway {
	return gateway.New("/desk", users, func(g *gateway.Namespace[User]) {
		g.Emits(Cleared)
		gateway.Handle(g, "clear", func(ctx *gateway.Context[User], board string) error {
			store.Clear(board)
			return Cleared.Emit(ctx, ctx.Others(), Clearing{board, ctx.Principal.Name})
		}).Use(gateway.Guard(editors))
	})
}

// editors is a guard: an error refuses the call, before anything was decoded.
func editors(c *gateway.Call) error {
	if u, ok := c.Principal().(User); !ok || !u.Editor {
		return gateway.Forbidden("Editors only")
	}
	return nil
}

// end desk
