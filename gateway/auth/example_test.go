package auth_test

import (
	"context"
	"fmt"

	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/gateway/auth"
)

// Member is who the examples' handlers know.
type Member struct {
	ID    string
	Admin bool
}

// A gateway whose clients show tokens of this service, signed with a secret.
func ExampleJWT() {
	members := auth.JWT(auth.Options{
		Keys:     auth.Fixed(auth.HS256([]byte("a secret of at least thirty-two bytes"))),
		Issuer:   "https://id.example.com",
		Audience: []string{"chat"},
		Cookie:   "session",
	}, func(_ context.Context, c *auth.Claims) (Member, error) {
		var own struct {
			Admin bool `json:"admin"`
		}
		if err := c.Decode(&own); err != nil {
			return Member{}, err
		}
		return Member{c.Subject, own.Admin}, nil
	})
	app, err := gateway.NewApp(nil, gateway.New("/chat", members, func(g *gateway.Namespace[Member]) {
		gateway.On(g, "whoami", func(c *gateway.Context[Member], _ gateway.None) (string, error) {
			return c.Principal.ID, nil
		})
	}))
	fmt.Println(app != nil, err)
	// Output: true <nil>
}

// Tokens of an identity provider, whose keys are fetched and change.
func ExampleJWKS() {
	members := auth.JWT(auth.Options{
		Keys:       auth.JWKS("https://id.example.com/.well-known/jwks.json", nil),
		Algorithms: []auth.Algorithm{auth.AlgorithmRS256, auth.AlgorithmES256},
		Issuer:     "https://id.example.com",
		Audience:   []string{"chat"},
	}, func(_ context.Context, c *auth.Claims) (Member, error) { return Member{ID: c.Subject}, nil })
	_, err := gateway.NewApp(nil, gateway.New("/chat", members, func(*gateway.Namespace[Member]) {}))
	fmt.Println(err)
	// Output: <nil>
}
