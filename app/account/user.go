// Package account is who uses the server: accounts with names and passwords, the tokens that
// a sign-in gives, and what takes them back.
//
// A sign-in gives an access token (a JWT, good for minutes), which HTTP calls and CONNECT
// packets show, and a refresh token, which gets the next pair: once. A refresh token that
// is shown a second time was stolen, by whoever came first or second: everything that its
// sign-in gave ends.
package account

import (
	"context"

	"github.com/kachi-io/kachi/app/store"
	"github.com/kachi-io/kachi/gateway"
)

// Role is what a user may do beyond what everybody may.
type Role string

// The roles.
const (
	RoleUser  Role = "user"
	RoleAdmin Role = "admin" // sees to other people's accounts, rooms and messages
)

// User is the principal of all gateways and of the HTTP API.
type User struct {
	ID   store.ID `json:"id"`
	Name string   `json:"name"`
	Role Role     `json:"role"`
}

// Admin reports whether the user is an administrator.
func (u User) Admin() bool { return u.Role == RoleAdmin }

// Key is the user's gateway.Identity.Key: what limits count by, and revocations name.
func (u User) Key() string { return Key(u.ID) }

// Key returns the key of a user's id.
func Key(id store.ID) string { return "user:" + id.String() }

// From returns who calls, by the context of a handler of a gateway or of a route for users.
// Elsewhere it is nobody, whose id is 0.
func From(ctx context.Context) User {
	u, _ := gateway.PrincipalFrom[User](ctx)
	return u
}

// IsAdmin is a guard that lets administrators pass.
var IsAdmin = gateway.Guard(func(c *gateway.Call) error {
	if u, ok := c.Principal().(User); !ok || !u.Admin() {
		return gateway.Forbidden("Only an administrator may do that")
	}
	return nil
})
