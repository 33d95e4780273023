// Command jwtchat is a chat for users who show a JSON Web Token: who is there, rooms with
// members, messages.
package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"log"
	"log/slog"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/gateway/auth"
	"github.com/kachi-io/kachi/socketio"
)

// Config comes from the environment.
type Config struct {
	Secret  []byte   // JWT_SECRET_KEY, 32 bytes or more: tokens are signed with it (HS256)
	Origins []string // ALLOWED_ORIGINS, with commas between: other sites whose pages may connect
	Addr    string
}

func configuration() Config {
	c := Config{Secret: []byte(os.Getenv("JWT_SECRET_KEY")), Addr: ":8080"}
	if list := os.Getenv("ALLOWED_ORIGINS"); list != "" {
		c.Origins = strings.Split(list, ",")
	}
	return c
}

// New puts the parts together.
func New(c Config, directory *Directory, logger *slog.Logger) (*gateway.App, error) {
	users := auth.JWT(auth.Options{Keys: auth.Fixed(auth.HS256(c.Secret)), Cookie: "token"},
		func(_ context.Context, claims *auth.Claims) (User, error) { return directory.User(claims.Subject) })
	return gateway.NewApp(&gateway.Options{
		Socket: socketio.Options{AllowedOrigins: c.Origins},
		Logger: logger,
	}, NewChat(directory, users))
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	config := configuration()
	directory := &Directory{
		names:   map[int]string{1: "Mina", 2: "Jun"},
		members: map[RoomID][]int{"1": {1, 2}, "2": {1}},
	}
	app, err := New(config, directory, slog.Default())
	if err != nil {
		log.Fatal(err)
	}
	for id, name := range directory.names { // an account service would
		token, err := issue(config.Secret, id, time.Now().Add(time.Hour))
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s, for an hour: %s\n", name, token)
	}
	if err := app.ListenAndServe(ctx, config.Addr, nil); err != nil {
		log.Fatal(err)
	}
}

// issue makes a user's token.
func issue(secret []byte, user int, expires time.Time) (string, error) {
	return jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.RegisteredClaims{
		ID:        rand.Text(), // by which it can be revoked
		Subject:   strconv.Itoa(user),
		IssuedAt:  jwt.NewNumericDate(time.Now()),
		ExpiresAt: jwt.NewNumericDate(expires),
	}).SignedString(secret)
}
