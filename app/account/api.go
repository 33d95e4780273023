package account

import (
	"context"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/kachi-io/kachi/app/api"
	"github.com/kachi-io/kachi/app/store"
	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/gateway/limit"
)

// caller is what routes of this package look at of a request.
type caller struct {
	secure  bool
	address string
	shown   *gateway.Handshake
}

// Resolve implements [huma.Resolver].
func (c *caller) Resolve(ctx huma.Context) []error {
	// Who lies about HTTPS only has a browser keep the cookie from plain HTTP, so that the word
	// of a proxy that was not named as trusted is taken, too.
	proto, _, _ := strings.Cut(ctx.Header("X-Forwarded-Proto"), ",")
	c.secure = ctx.TLS() != nil || strings.EqualFold(strings.TrimSpace(proto), "https") ||
		forwardedHTTPS.MatchString(ctx.Header("Forwarded"))
	if call, ok := gateway.CallFrom(ctx.Context()); ok {
		c.shown = call.Handshake()
		c.address = c.shown.Address().String()
	}
	return nil
}

// forwardedHTTPS finds the word of the first proxy of all (RFC 7239).
var forwardedHTTPS = regexp.MustCompile(`(?i)^[^,]*\bproto="?https\b`)

type credentials struct {
	caller
	Body struct {
		Name     string `json:"name" minLength:"1" maxLength:"200" doc:"Spaces around it and capitals make no difference."`
		Password string `json:"password" minLength:"1" maxLength:"1000"`
		Cookies  *bool  `json:"cookies,omitempty" doc:"Where the refresh token goes: into a cookie (the default), or with false into the answer, for clients that are no browsers."`
	}
}

type shownRefresh struct {
	caller
	Cookie string `cookie:"kachi_refresh"`
	Body   *struct {
		Refresh string `json:"refreshToken,omitempty" maxLength:"200" doc:"For clients that have no cookies."`
	}
}

func (s *shownRefresh) token() (token string, cookie bool) {
	if s.Body != nil && s.Body.Refresh != "" {
		return s.Body.Refresh, false
	}
	return s.Cookie, true
}

type signedIn struct {
	SetCookie []http.Cookie `header:"Set-Cookie"`
	Body      struct {
		User    User      `json:"user"`
		Access  string    `json:"accessToken" doc:"A JWT for Authorization: Bearer, and for auth.token of socket.io-client."`
		Expires time.Time `json:"expiresAt" doc:"When accessToken is no longer good."`
		Refresh string    `json:"refreshToken,omitempty" doc:"Good once, for /api/auth/refresh. Only where cookies is false."`
	}
}

func answer(p Pair, c caller, cookies bool) *signedIn {
	out := &signedIn{}
	out.Body.User, out.Body.Access, out.Body.Expires = p.User, p.Access, p.AccessExpires
	if !cookies {
		out.Body.Refresh = p.Refresh
		return out
	}
	out.SetCookie = []http.Cookie{
		cookie(SessionCookie, "/", p.Access, p.AccessExpires, c.secure),
		cookie(RefreshCookie, "/api/auth", p.Refresh, p.RefreshExpires, c.secure),
	}
	return out
}

func cookie(name, path, value string, expires time.Time, secure bool) http.Cookie {
	c := http.Cookie{Name: name, Path: path, Value: value, Expires: expires, HttpOnly: true, Secure: secure, SameSite: http.SameSiteStrictMode}
	if value == "" {
		c.MaxAge = -1
	}
	return c
}

type signedOut struct {
	SetCookie []http.Cookie `header:"Set-Cookie"`
}

func forget(c caller) []http.Cookie {
	return []http.Cookie{
		cookie(SessionCookie, "/", "", time.Unix(1, 0), c.secure),
		cookie(RefreshCookie, "/api/auth", "", time.Unix(1, 0), c.secure),
	}
}

// Routes adds what accounts have to the API.
func (a *Accounts) Routes(routes *api.API) {
	const tag = "Accounts"
	// Each takes 20 ms of a processor. A school behind one address may sign in within a minute;
	// wrong passwords are counted apart, and far more strictly (attempts.go).
	slow := []gateway.Layer{limit.PerAddress(600, time.Minute)}
	// Not together with those: who guesses must not sign out all others of an address.
	quick := []gateway.Layer{limit.PerAddress(600, time.Minute)}
	// Somebody who types a name asks with each letter; who asks for all of them waits.
	search := []gateway.Layer{limit.PerPrincipal(10, time.Second, limit.Options{Burst: 100})}

	api.Handle(routes, api.Route{Method: "POST", Path: "/api/auth/register", Access: api.Public, Status: http.StatusCreated, Use: slow, Tag: tag,
		Summary: "Make an account", Description: "and sign in. The first account of a server is its administrator's."},
		func(ctx context.Context, in *credentials) (*signedIn, error) {
			p, err := a.Register(ctx, in.Body.Name, in.Body.Password)
			if err != nil {
				return nil, err
			}
			return answer(p, in.caller, in.Body.Cookies == nil || *in.Body.Cookies), nil
		})
	api.Handle(routes, api.Route{Method: "POST", Path: "/api/auth/login", Access: api.Public, Use: slow, Tag: tag, Summary: "Sign in"},
		func(ctx context.Context, in *credentials) (*signedIn, error) {
			p, err := a.LogIn(ctx, in.Body.Name, in.Body.Password, in.address)
			if err != nil {
				return nil, err
			}
			return answer(p, in.caller, in.Body.Cookies == nil || *in.Body.Cookies), nil
		})
	api.Handle(routes, api.Route{Method: "POST", Path: "/api/auth/refresh", Access: api.Public, Use: quick, Tag: tag,
		Summary:     "Get new tokens",
		Description: "for a refresh token, from the cookie or the body. It is good once: one that is shown again ends everything that its sign-in gave."},
		func(ctx context.Context, in *shownRefresh) (*signedIn, error) {
			token, cookies := in.token()
			p, err := a.Refresh(ctx, token)
			if err != nil {
				return nil, err
			}
			return answer(p, in.caller, cookies), nil
		})
	api.Handle(routes, api.Route{Method: "POST", Path: "/api/auth/logout", Access: api.Public, Use: quick, Status: http.StatusNoContent, Tag: tag,
		Summary: "Sign out", Description: "Ends the sign-in that the refresh token belongs to, or without one the access token, its access tokens and its sockets."},
		func(ctx context.Context, in *shownRefresh) (*signedOut, error) {
			token, _ := in.token()
			if err := a.LogOut(ctx, token, in.shown); err != nil {
				return nil, err
			}
			return &signedOut{forget(in.caller)}, nil
		})
	api.Handle(routes, api.Route{Method: "POST", Path: "/api/auth/logout-everywhere", Access: api.User, Status: http.StatusNoContent, Tag: tag,
		Summary: "Sign out on all devices"},
		func(ctx context.Context, in *struct{ caller }) (*signedOut, error) {
			if err := a.LogOutEverywhere(ctx, From(ctx).ID); err != nil {
				return nil, err
			}
			return &signedOut{forget(in.caller)}, nil
		})
	type passwordChange struct {
		caller
		Body struct {
			Old     string `json:"oldPassword" maxLength:"1000"`
			New     string `json:"newPassword" maxLength:"1000"`
			Cookies *bool  `json:"cookies,omitempty" doc:"As for a sign-in."`
		}
	}
	api.Handle(routes, api.Route{Method: "PUT", Path: "/api/me/password", Access: api.User, Use: slow, Tag: tag,
		Summary: "Change one's password", Description: "All other sign-ins end."},
		func(ctx context.Context, in *passwordChange) (*signedIn, error) {
			p, err := a.SetPassword(ctx, From(ctx).ID, in.Body.Old, in.Body.New, in.address)
			if err != nil {
				return nil, err
			}
			return answer(p, in.caller, in.Body.Cookies == nil || *in.Body.Cookies), nil
		})
	type me struct{ Body User }
	api.Handle(routes, api.Route{Method: "GET", Path: "/api/me", Access: api.User, Tag: tag, Summary: "Say who is signed in"},
		func(ctx context.Context, _ *struct{}) (*me, error) { return &me{From(ctx)}, nil })

	type query struct {
		Query string `query:"q" maxLength:"200" doc:"What the name begins with."`
		Limit int    `query:"limit" minimum:"1" maximum:"50" default:"20"`
	}
	type found struct {
		Body struct {
			Users []Person `json:"users"`
		}
	}
	api.Handle(routes, api.Route{Method: "GET", Path: "/api/users", Access: api.User, Use: search, Tag: tag, Summary: "Find people by name",
		Description: "in order to invite them to a room or let them see a location."},
		func(ctx context.Context, in *query) (*found, error) {
			users, err := a.Find(ctx, in.Query, in.Limit)
			out := &found{}
			out.Body.Users = users
			return out, err
		})
	type roleChange struct {
		ID   store.ID `path:"id"`
		Body struct {
			Role Role `json:"role" enum:"user,admin"`
		}
	}
	api.Handle(routes, api.Route{Method: "PUT", Path: "/api/users/{id}/role", Access: api.Admin, Status: http.StatusNoContent, Tag: tag,
		Summary: "Say what a user may do"},
		func(ctx context.Context, in *roleChange) (*struct{}, error) {
			return nil, a.SetRole(ctx, in.ID, in.Body.Role)
		})
}

// Person is somebody as others see them.
type Person struct {
	ID   store.ID `json:"id"`
	Name string   `json:"name"`
}

// Find returns people whose names begin with a text; nobody where it is empty.
func (a *Accounts) Find(ctx context.Context, prefix string, limit int) ([]Person, error) {
	people := []Person{}
	_, key, err := nameOf(prefix)
	if err != nil {
		return people, nil
	}
	users, err := a.db.FindUsers(ctx, key, limit)
	for _, u := range users {
		people = append(people, Person{u.ID, u.Name})
	}
	return people, err
}
