package account

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/kachi-io/kachi/app/store"
	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/gateway/auth"
)

const (
	issuer = "kachi"

	// SessionCookie may hold an access token: for pages that do not handle tokens.
	SessionCookie = "kachi_session"
	// RefreshCookie holds the refresh token of a browser, out of reach of its pages.
	RefreshCookie = "kachi_refresh"
)

// session is what an access token says.
type session struct {
	Subject string  `json:"sub"`
	Name    string  `json:"name"`
	Role    Role    `json:"role"`
	Family  string  `json:"sid"` // the sign-in that it comes from
	Issuer  string  `json:"iss"`
	Issued  float64 `json:"iat"` // with fractions: a token of the same second as a revocation may be newer
	Expires int64   `json:"exp"`
}

func (s session) valid() (User, error) {
	id, err := store.ParseID(s.Subject)
	if err != nil || s.Name == "" || s.Family == "" {
		return User{}, gateway.Denied(auth.DeniedClaims, "The token lacks a claim")
	}
	return User{id, s.Name, s.Role}, nil
}

// sign makes an access token.
func (a *Accounts) sign(u User, family string, now time.Time) (token string, expires time.Time, err error) {
	expires = now.Add(a.opts.AccessLifetime).Truncate(time.Second)
	claims := jwt.MapClaims{
		"sub": u.ID.String(), "name": u.Name, "role": u.Role, "sid": family, "iss": issuer,
		"iat": float64(now.UnixMicro()) / 1e6, "exp": expires.Unix(),
	}
	token, err = jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString(a.opts.Secret)
	return token, expires, err
}

func (a *Accounts) newAuthenticator() gateway.Authenticator[User] {
	return auth.JWT(auth.Options{
		Keys:   auth.Fixed(auth.HS256(a.opts.Secret)),
		Issuer: issuer,
		Cookie: SessionCookie,
		Key:    func(c *auth.Claims) string { return "user:" + c.Subject },
		Token: func(c *auth.Claims) string {
			var s session
			_ = c.Decode(&s) // looked at below
			return s.Family
		},
	}, func(_ context.Context, c *auth.Claims) (User, error) {
		var s session
		if err := c.Decode(&s); err != nil {
			return User{}, err
		}
		return s.valid()
	})
}

// A refresh token is the id of its family and a secret, "family.secret". Both are random;
// the database has the secret's hash.
func newSecret() string {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // never fails
	return base64.RawURLEncoding.EncodeToString(b)
}

func newFamily() string {
	b := make([]byte, 15)
	_, _ = rand.Read(b)
	return base64.RawURLEncoding.EncodeToString(b)
}

func hashOf(secret string) []byte {
	sum := sha256.Sum256([]byte(secret))
	return sum[:]
}

// split takes a refresh token apart.
func split(token string) (family, secret string, ok bool) {
	family, secret, ok = strings.Cut(token, ".")
	return family, secret, ok && len(family) == 20 && len(secret) == 43
}

// Refusals of refresh tokens.
const (
	// DeniedReused: the token was used before, so somebody has stolen it, and the sign-in that
	// it comes from is ended.
	DeniedReused = "reused"
)

var (
	errNoRefresh = gateway.Denied(auth.DeniedMissing, "Sign in first")
	errRefresh   = gateway.Denied(gateway.DeniedExpired, "The sign-in is over: sign in again")
	errReused    = gateway.Denied(DeniedReused, "This sign-in was used somewhere else, and is ended: sign in again")
)

// Pair is what a sign-in or a refresh gives.
type Pair struct {
	User           User
	Access         string
	AccessExpires  time.Time
	Refresh        string
	RefreshExpires time.Time
}

// begin gives the first pair of a sign-in.
func (a *Accounts) begin(ctx context.Context, u User) (Pair, error) {
	now := a.opts.now()
	family, secret := newFamily(), newSecret()
	expires := now.Add(a.opts.RefreshLifetime)
	err := a.db.AddFamily(ctx, store.Family{ID: family, User: u.ID, Token: hashOf(secret), Expires: expires}, now, maxSignIns)
	if err != nil {
		return Pair{}, err
	}
	return a.pair(u, family, secret, now, expires)
}

func (a *Accounts) pair(u User, family, secret string, now, expires time.Time) (p Pair, err error) {
	p = Pair{User: u, Refresh: family + "." + secret, RefreshExpires: expires}
	p.Access, p.AccessExpires, err = a.sign(u, family, now)
	return p, err
}

// Refresh gives the next pair for a refresh token, which is thereby used up. It has the code
// "unauthorized" for one that is not good.
func (a *Accounts) Refresh(ctx context.Context, token string) (Pair, error) {
	if token == "" {
		return Pair{}, errNoRefresh
	}
	family, secret, ok := split(token)
	if !ok {
		return Pair{}, errRefresh
	}
	now, next := a.opts.now(), newSecret()
	expires := now.Add(a.opts.RefreshLifetime)
	id, err := a.db.RotateFamily(ctx, family, hashOf(secret), hashOf(next), now, expires)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return Pair{}, errRefresh
	case errors.Is(err, store.ErrReused):
		a.opts.Logger.Warn("account: a refresh token was used twice: its sign-in is ended", "user", id)
		return Pair{}, errors.Join(errReused, a.end(ctx, family))
	case err != nil:
		return Pair{}, err
	}
	u, err := a.db.User(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return Pair{}, errRefresh
	}
	if err != nil {
		return Pair{}, err
	}
	return a.pair(principal(u), family, next, now, expires)
}

// end takes back the access tokens of a sign-in, and ends the sockets that they admitted.
func (a *Accounts) end(ctx context.Context, family string) error {
	return a.opts.Revoke.RevokeToken(ctx, family, a.opts.now().Add(a.opts.AccessLifetime))
}
