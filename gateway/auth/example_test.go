package auth_test

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/kachi-io/kachi/client"
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
	secret := []byte("a secret of at least thirty-two bytes")
	members := auth.JWT(auth.Options{
		Keys:     auth.Fixed(auth.HS256(secret)),
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
			return fmt.Sprintf("%+v", c.Principal), nil
		})
	}))
	if err != nil {
		panic(err)
	}
	host := httptest.NewServer(app)
	defer host.Close()
	defer func() { _ = app.Stop(context.Background()) }()

	// What the service that signs people in gives out, by a library for that.
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{
		"iss": "https://id.example.com", "aud": "chat", "sub": "mina", "admin": true,
		"exp": time.Now().Add(time.Hour).Unix(),
	}).SignedString(secret)
	if err != nil {
		panic(err)
	}
	for _, shown := range []string{token, ""} {
		c, err := client.Connect(context.Background(), host.URL+"/chat", &client.Options{
			Socket: client.SocketOptions{Auth: map[string]string{"token": shown}},
		})
		var refused *client.ConnectError
		if errors.As(err, &refused) {
			fmt.Println(string(refused.Data))
			continue
		} else if err != nil {
			panic(err)
		}
		fmt.Println(client.Ask[string](context.Background(), c, "whoami"))
		_ = c.Client().Close()
	}
	// Output:
	// {ID:mina Admin:true} <nil>
	// {"status":"error","code":"unauthorized","message":"A token is needed","details":{"reason":"missing"}}
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
