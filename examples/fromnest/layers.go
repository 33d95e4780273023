package fromnest

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"time"

	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/gateway/auth"
	"github.com/kachi-io/kachi/gateway/limit"
	"github.com/kachi-io/kachi/gateway/validate"
)

// begin auth
// NewUsers admits who shows a token, before the client is connected. Who is refused gets
// connect_error.
func NewUsers(secret []byte) gateway.Authenticator[User] {
	return auth.JWT(auth.Options{Keys: auth.Fixed(auth.HS256(secret))},
		func(ctx context.Context, c *auth.Claims) (User, error) {
			return User{ID: c.Subject}, nil
		})
}

// end auth

// begin guard
// admins lets administrators pass. A guard knows no type parameter, so one serves all
// gateways.
func admins(c *gateway.Call) error {
	if u, ok := c.Principal().(User); !ok || u.ID != "1" {
		return gateway.Forbidden("Administrators only")
	}
	return nil
}

func registerGuards(g *gateway.Namespace[User]) {
	g.Use(gateway.Guard(admins))                                     // all events
	gateway.Handle(g, "close", closeRoom).Use(gateway.Guard(admins)) // one
	gateway.Handle(g, "rename", rename).Authorize(func(ctx *Context, in Rename) error {
		if in.Owner != ctx.Principal.ID { // knows the input, and its type
			return gateway.Forbidden("That is not yours")
		}
		return nil
	})
}

// end guard

func closeRoom(*Context, int) error { return nil }
func rename(*Context, Rename) error { return nil }

// Rename is an input.
type Rename struct {
	Owner string `json:"owner"`
}

// begin pipe
// NewCat is decoded strictly: a member that it does not have is an error.
type NewCat struct {
	Name string `json:"name" validate:"required,max=50"`
	Age  int    `json:"age" validate:"gte=0,lte=30" default:"1"`
}

// Validate has the rules that tags cannot say.
func (c NewCat) Validate(ctx context.Context) error {
	if c.Name == "Tom" && c.Age < 18 {
		return gateway.Invalid(gateway.FieldError{Path: "age", Rule: "tom", Message: "Tom is older"})
	}
	return nil
}

func withValidator(gateways ...gateway.Gateway) (*gateway.App, error) {
	return gateway.NewApp(&gateway.Options{Validator: validate.New(nil)}, gateways...)
}

// end pipe

// begin interceptor
func timed(next gateway.Handler) gateway.Handler {
	return func(c *gateway.Call) (any, error) {
		began := time.Now()
		out, err := next(c)
		slog.Info("handled", "event", c.Pattern(), "took", time.Since(began))
		return out, err
	}
}

// end interceptor

// begin filter
// missing makes of a database's error one for clients.
func missing(_ *gateway.Call, err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return gateway.NotFound("There is no such thing")
	}
	return err
}

// end filter

// begin global
func everywhere(gateways ...gateway.Gateway) (*gateway.App, error) {
	return gateway.NewApp(&gateway.Options{Use: []gateway.Layer{
		gateway.Interceptor(timed), gateway.Filter(missing),
	}}, gateways...)
}

// end global

// begin throttle
func registerLimits(g *gateway.Namespace[User]) {
	g.Admit(limit.Connects(10, time.Minute))    // of one address
	g.Use(limit.PerPrincipal(300, time.Minute)) // whatever the event
	gateway.Handle(g, "shout", shout).Use(limit.PerSocket(1, time.Second))
}

// end throttle

func shout(*Context, string) error { return nil }

// begin param
// locale is what a decorator of parameters would be: a function.
func locale(c *gateway.Call) string {
	if l := c.Handshake().Query().Get("locale"); l != "" {
		return l
	}
	return "ko"
}

func hello(ctx *Context, _ gateway.None) (string, error) {
	return map[string]string{"ko": "안녕", "en": "Hello"}[locale(ctx.Call)], nil
}

// end param
