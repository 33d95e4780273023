package account

import (
	"context"
	"errors"
	"log/slog"
	"time"
	"unicode/utf8"

	"golang.org/x/text/secure/precis"

	"github.com/kachi-io/kachi/app/store"
	"github.com/kachi-io/kachi/gateway"
)

// Options configures [Accounts]. The zero value of each field but Secret and Revoke is its
// default.
type Options struct {
	// Secret signs access tokens (HS256): at least 32 bytes.
	Secret []byte
	// Revoke takes tokens back: the app.
	Revoke Revoker
	// AccessLifetime is how long an access token is good. Default 15 min.
	AccessLifetime time.Duration
	// RefreshLifetime is how long a refresh token is good, counted anew from each refresh.
	// Default 30 days.
	RefreshLifetime time.Duration
	// Closed refuses new accounts, but for the first.
	Closed bool
	// Logger gets what an operator should know: never names with passwords, nor tokens.
	// Default none.
	Logger *slog.Logger

	now func() time.Time // for tests
}

// Revoker takes back what users were admitted with: a *gateway.App.
type Revoker interface {
	Revoke(ctx context.Context, key string) error
	RevokeToken(ctx context.Context, token string, until time.Time) error
}

// maxSignIns is how many sign-ins a user has at once: devices, mostly. The oldest make room.
const maxSignIns = 20

// Accounts is the users and their sign-ins. It is safe for concurrent use.
type Accounts struct {
	db        *store.DB
	opts      Options
	passwords *passwords
	attempts  *attempts
	auth      gateway.Authenticator[User]
	nobody    string // the hash of no password, to compare with where there is no user
}

// New makes the accounts of a database.
func New(db *store.DB, o Options) (*Accounts, error) {
	if len(o.Secret) < 32 {
		return nil, errors.New("account: the secret that signs tokens needs at least 32 bytes")
	}
	if o.AccessLifetime <= 0 {
		o.AccessLifetime = 15 * time.Minute
	}
	if o.RefreshLifetime <= 0 {
		o.RefreshLifetime = 30 * 24 * time.Hour
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.now == nil {
		o.now = time.Now
	}
	a := &Accounts{db: db, opts: o, passwords: newPasswords(), attempts: newAttempts()}
	a.auth = a.newAuthenticator()
	nobody, err := a.passwords.hash(context.Background(), newSecret())
	a.nobody = nobody
	return a, err
}

// Authenticator admits users by their access tokens: from auth.token of CONNECT, the header
// Authorization, or the cookie [SessionCookie].
func (a *Accounts) Authenticator() gateway.Authenticator[User] { return a.auth }

// SetRevoker gives what Options.Revoke is, for those who make the app later.
func (a *Accounts) SetRevoker(r Revoker) { a.opts.Revoke = r }

func principal(u store.User) User { return User{u.ID, u.Name, Role(u.Role)} }

// Bounds of names and passwords, in code points and bytes.
const (
	MaxName     = 32
	MinPassword = 8
	MaxPassword = 256
)

// nameOf returns a name as it is shown and as names are compared: spaces and forms that look
// the same are one, and so are capitals (RFC 8266).
func nameOf(name string) (shown, key string, err error) {
	shown, err = precis.Nickname.String(name)
	if err == nil {
		key, err = precis.Nickname.CompareKey(name)
	}
	if err != nil || shown == "" {
		return "", "", gateway.Invalid(gateway.FieldError{Path: "name", Rule: "name", Message: "That cannot be a name"})
	}
	if utf8.RuneCountInString(shown) > MaxName || len(key) > 190 {
		return "", "", gateway.Invalid(gateway.FieldError{Path: "name", Rule: "max", Param: "32", Message: "The name is too long"})
	}
	return shown, key, nil
}

// passwordOf returns a password in the form in which it is hashed: the same keys on another
// keyboard give the same (RFC 8265).
func passwordOf(password string) (string, error) {
	if utf8.RuneCountInString(password) < MinPassword {
		return "", gateway.Invalid(gateway.FieldError{Path: "password", Rule: "min", Param: "8", Message: "The password needs at least 8 characters"})
	}
	if len(password) > MaxPassword {
		return "", gateway.Invalid(gateway.FieldError{Path: "password", Rule: "max", Param: "256", Message: "The password is too long"})
	}
	form, err := precis.OpaqueString.String(password)
	if err != nil {
		return "", gateway.Invalid(gateway.FieldError{Path: "password", Rule: "text", Message: "The password has characters that cannot be typed"})
	}
	return form, nil
}

// Register makes an account and signs in. The first account is an administrator's.
func (a *Accounts) Register(ctx context.Context, name, password string) (Pair, error) {
	shown, key, err := nameOf(name)
	if err != nil {
		return Pair{}, err
	}
	if password, err = passwordOf(password); err != nil {
		return Pair{}, err
	}
	if a.opts.Closed {
		first, err := a.db.FindUsers(ctx, "", 1)
		if err != nil {
			return Pair{}, err
		}
		if len(first) > 0 {
			return Pair{}, gateway.Forbidden("New accounts cannot be made here")
		}
	}
	hash, err := a.passwords.hash(ctx, password)
	if err != nil {
		return Pair{}, err
	}
	u, err := a.db.AddUser(ctx, store.User{Name: shown, Password: hash, Role: string(RoleUser), Created: a.opts.now()}, key, string(RoleAdmin))
	if errors.Is(err, store.ErrExists) {
		return Pair{}, &gateway.Error{Code: gateway.CodeConflict, Message: "That name is taken",
			Details: []gateway.FieldError{{Path: "name", Rule: "taken", Message: "That name is taken"}}}
	}
	if err != nil {
		return Pair{}, err
	}
	return a.begin(ctx, principal(u))
}

// DeniedCredentials is the reason of a refusal: the name or the password is wrong. It does not
// say which, and takes as long for both.
const DeniedCredentials = "credentials"

var errCredentials = gateway.Denied(DeniedCredentials, "The name or the password is wrong")

// LogIn signs in. After some failures from one address, or many from anywhere, a name is
// refused for a while with the code "rate_limited".
func (a *Accounts) LogIn(ctx context.Context, name, password, address string) (Pair, error) {
	_, key, err := nameOf(name)
	if err != nil {
		return Pair{}, errCredentials
	}
	if password, err = passwordOf(password); err != nil {
		return Pair{}, errCredentials
	}
	settle, err := a.attempts.begin(key, address, a.opts.now())
	if err != nil {
		return Pair{}, err
	}
	u, err := a.db.UserByName(ctx, key)
	hash := u.Password
	if errors.Is(err, store.ErrNotFound) {
		hash = a.nobody
	} else if err != nil {
		return Pair{}, err
	}
	good, err := a.passwords.matches(ctx, password, hash)
	if err != nil {
		return Pair{}, err
	}
	if !good || u.ID == 0 {
		return Pair{}, errCredentials
	}
	settle()
	return a.begin(ctx, principal(u))
}

// LogOut ends the sign-in that a refresh token belongs to, and its sockets. That there is none
// is no error.
func (a *Accounts) LogOut(ctx context.Context, token string) error {
	family, secret, ok := split(token)
	if !ok {
		return nil
	}
	// Only who has the token ends its sign-in: a rotation proves it.
	if _, err := a.db.RotateFamily(ctx, family, hashOf(secret), hashOf(newSecret()), a.opts.now(), a.opts.now().Add(time.Minute)); err != nil {
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		if !errors.Is(err, store.ErrReused) {
			return err
		}
	}
	if err := a.db.EndFamily(ctx, family); err != nil {
		return err
	}
	return a.end(ctx, family)
}

// LogOutEverywhere ends all of a user's sign-ins and sockets.
func (a *Accounts) LogOutEverywhere(ctx context.Context, id store.ID) error {
	if err := a.db.EndFamilies(ctx, id); err != nil {
		return err
	}
	return a.opts.Revoke.Revoke(ctx, Key(id))
}

// SetRole changes what a user may do. What was issued before is taken back, since it names
// the old role; sign-ins go on.
func (a *Accounts) SetRole(ctx context.Context, id store.ID, role Role) error {
	err := a.db.SetRole(ctx, id, string(role))
	if errors.Is(err, store.ErrNotFound) {
		return gateway.NotFound("There is no such user")
	}
	if err != nil {
		return err
	}
	return a.opts.Revoke.Revoke(ctx, Key(id))
}

// SetPassword changes a user's own password, and ends all other sign-ins; it gives a new one.
func (a *Accounts) SetPassword(ctx context.Context, id store.ID, old, password, address string) (Pair, error) {
	next, err := passwordOf(password)
	if err != nil {
		return Pair{}, err
	}
	u, err := a.db.User(ctx, id)
	if err != nil {
		return Pair{}, err
	}
	_, key, err := nameOf(u.Name)
	if err != nil {
		return Pair{}, err
	}
	settle, err := a.attempts.begin(key, address, a.opts.now())
	if err != nil {
		return Pair{}, err
	}
	form, err := passwordOf(old)
	if err != nil {
		return Pair{}, errCredentials
	}
	if good, err := a.passwords.matches(ctx, form, u.Password); err != nil {
		return Pair{}, err
	} else if !good {
		return Pair{}, errCredentials
	}
	settle()
	hash, err := a.passwords.hash(ctx, next)
	if err != nil {
		return Pair{}, err
	}
	if err := a.db.SetPassword(ctx, id, hash); err != nil {
		return Pair{}, err
	}
	if err := a.opts.Revoke.Revoke(ctx, Key(id)); err != nil {
		return Pair{}, err
	}
	return a.begin(ctx, principal(u))
}
