package account

import (
	"context"
	"crypto/hmac"
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

// A refresh token is the id of its family, a secret and a mark, "family.secretmark". Id and
// secret are random; the database has the hash of secret and mark. Access tokens name the
// family, too, and are shown to more people than this server: the mark, which only the
// server can make, keeps those from inventing a token, which would be taken for one that was
// used twice, and end the sign-in.
const (
	familyBytes = 15
	secretBytes = 32
	markBytes   = 16
)

func newFamily() string { return random(familyBytes) }

func random(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return base64.RawURLEncoding.EncodeToString(b)
}

func derived(secret []byte, purpose string) []byte {
	m := hmac.New(sha256.New, secret)
	m.Write([]byte(purpose))
	return m.Sum(nil)
}

// newToken makes what a refresh token of a family has behind the dot.
func (a *Accounts) newToken(family string) string {
	b := make([]byte, secretBytes, secretBytes+markBytes)
	_, _ = rand.Read(b) // never fails
	return base64.RawURLEncoding.EncodeToString(append(b, a.mark(family, b)...))
}

func (a *Accounts) mark(family string, secret []byte) []byte {
	return derived(a.refresh, family+"."+string(secret))[:markBytes]
}

func hashOf(secret string) []byte {
	sum := sha256.Sum256([]byte(secret))
	return sum[:]
}

// split takes a refresh token apart that this server has made.
func (a *Accounts) split(token string) (family, secret string, ok bool) {
	family, secret, _ = strings.Cut(token, ".")
	b, err := base64.RawURLEncoding.Strict().DecodeString(secret)
	if err != nil || len(b) != secretBytes+markBytes {
		return "", "", false
	}
	ok = hmac.Equal(b[secretBytes:], a.mark(family, b[:secretBytes]))
	return family, secret, ok
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

// begin gives the first pair of a sign-in by a user who was admitted with the password of
// that moment.
func (a *Accounts) begin(ctx context.Context, u store.User) (Pair, error) {
	// What takes back is stored before it is dated. So a token that is dated before the user is
	// looked at once more is either of somebody nothing has changed for, or taken back.
	now := a.opts.now()
	family := newFamily()
	secret := a.newToken(family)
	expires := now.Add(a.opts.RefreshLifetime)
	u, ended, err := a.db.AddFamily(ctx, store.Family{ID: family, User: u.ID, Token: hashOf(secret), Expires: expires}, u.Password, now, maxSignIns)
	if errors.Is(err, store.ErrNotFound) { // the password was changed meanwhile
		return Pair{}, errCredentials
	}
	if err != nil {
		return Pair{}, err
	}
	for _, old := range ended {
		if err := a.end(ctx, old); err != nil {
			a.opts.Logger.ErrorContext(ctx, "account: an old sign-in made room, and its access tokens are good until they expire", "user", u.ID, "error", err)
		}
	}
	return a.pair(principal(u), family, secret, now, expires)
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
	family, secret, ok := a.split(token)
	if !ok {
		return Pair{}, errRefresh
	}
	now, next := a.opts.now(), a.newToken(family)
	expires := now.Add(a.opts.RefreshLifetime)
	id, err := a.db.RotateFamily(ctx, family, hashOf(secret), hashOf(next), now, expires)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return Pair{}, errRefresh
	case errors.Is(err, store.ErrReused):
		a.opts.Logger.WarnContext(ctx, "account: a refresh token was used twice: its sign-in is ended", "user", id)
		if err := a.end(ctx, family); err != nil {
			a.opts.Logger.ErrorContext(ctx, "account: its access tokens are good until they expire", "user", id, "error", err)
		}
		return Pair{}, errReused
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
