package account

import (
	"context"
	"errors"
	"log/slog"
	"time"

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
	// Attempts bounds the guessing of passwords. Default [NewAttempts], which knows this process.
	Attempts Attempts
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
	auth      gateway.Authenticator[User]
	refresh   []byte // the key that marks refresh tokens as this server's
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
	if o.Attempts == nil {
		o.Attempts = NewAttempts()
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.now == nil {
		o.now = time.Now
	}
	a := &Accounts{db: db, opts: o, passwords: newPasswords()}
	a.auth = a.newAuthenticator()
	a.refresh = derived(o.Secret, "kachi: refresh tokens")
	a.nobody = hashOfNobody()
	return a, nil
}

// Authenticator admits users by their access tokens: from auth.token of CONNECT, the header
// Authorization, or the cookie [SessionCookie].
func (a *Accounts) Authenticator() gateway.Authenticator[User] { return a.auth }

// AccessLifetime returns how long an access token is good.
func (a *Accounts) AccessLifetime() time.Duration { return a.opts.AccessLifetime }

// SetRevoker gives what Options.Revoke is, for those who make the app later.
func (a *Accounts) SetRevoker(r Revoker) { a.opts.Revoke = r }

func principal(u store.User) User { return User{u.ID, u.Name, Role(u.Role)} }

// Register makes an account and signs in. The first account is an administrator's.
func (a *Accounts) Register(ctx context.Context, name, password string) (Pair, error) {
	add := a.db.AddUser
	if a.opts.Closed {
		add = a.db.AddFirstUser
		first, err := a.db.FindUsers(ctx, "", 1) // asked again behind the work, which this spares
		if err != nil {
			return Pair{}, err
		}
		if len(first) > 0 {
			return Pair{}, errClosed
		}
	}
	u, err := a.create(ctx, name, password, add)
	if err != nil {
		return Pair{}, err
	}
	return a.begin(ctx, u)
}

// Create makes an account for somebody else, also where people cannot make their own. The
// first account is an administrator's.
func (a *Accounts) Create(ctx context.Context, name, password string) (User, error) {
	u, err := a.create(ctx, name, password, a.db.AddUser)
	return principal(u), err
}

func (a *Accounts) create(ctx context.Context, name, password string, add func(_ context.Context, _ store.User, key, first string) (store.User, error)) (store.User, error) {
	shown, key, err := nameOf(name)
	if err != nil {
		return store.User{}, err
	}
	if password, err = passwordOf(password); err != nil {
		return store.User{}, err
	}
	hash, err := a.passwords.hash(ctx, password)
	if err != nil {
		return store.User{}, err
	}
	u, err := add(ctx, store.User{Name: shown, Password: hash, Role: string(RoleUser), Created: a.opts.now()}, key, string(RoleAdmin))
	switch {
	case errors.Is(err, store.ErrNotFirst):
		return store.User{}, errClosed
	case errors.Is(err, store.ErrExists):
		return store.User{}, &gateway.Error{Code: gateway.CodeConflict, Message: "That name is taken",
			Details: []gateway.FieldError{{Path: "name", Rule: "taken", Message: "That name is taken"}}}
	}
	return u, err
}

var errClosed = gateway.Forbidden("New accounts cannot be made here")

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
	u, err := a.db.UserByName(ctx, key)
	if errors.Is(err, store.ErrNotFound) {
		u = store.User{Password: a.nobody} // which nobody has: all are made to wait alike
	} else if err != nil {
		return Pair{}, err
	}
	if err := a.prove(ctx, u, key, password, address); err != nil {
		return Pair{}, err
	}
	return a.begin(ctx, u)
}

// prove finds out whether a password is a user's, as often as it may be tried.
func (a *Accounts) prove(ctx context.Context, u store.User, key, password, address string) error {
	settle, err := a.opts.Attempts.Begin(ctx, key, address, a.opts.now())
	if err != nil {
		return err
	}
	good, err := a.passwords.matches(ctx, password, u.Password)
	switch {
	case err != nil:
		settle(Undecided)
		return err
	case !good || u.ID == 0:
		return errCredentials
	}
	settle(Proven)
	return nil
}

// LogOut ends the sign-in that a refresh token belongs to, or where that is none, the one
// that admitted the access token of a handshake, and its sockets. That there is none of both
// is no error.
func (a *Accounts) LogOut(ctx context.Context, token string, h *gateway.Handshake) error {
	// Only who has had a token ends its sign-in; one that was used up does as well.
	family, _, ok := a.split(token)
	if !ok && h != nil {
		if who, err := a.auth.Authenticate(ctx, h); err == nil {
			family, ok = who.Token, true
		}
	}
	if !ok {
		return nil
	}
	// In this order, so that no token is given behind the end. What fails in between can be
	// asked for again: the tokens need not be good.
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
	err := a.db.SetRole(ctx, id, string(role), string(RoleAdmin))
	switch {
	case errors.Is(err, store.ErrNotFound):
		return gateway.NotFound("There is no such user")
	case errors.Is(err, store.ErrLast):
		return gateway.NewError(gateway.CodeConflict, "There would be no administrator any more")
	case err != nil:
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
	form, err := passwordOf(old)
	if err != nil {
		return Pair{}, errCredentials
	}
	if err := a.prove(ctx, u, key, form, address); err != nil {
		return Pair{}, err
	}
	hash, err := a.passwords.hash(ctx, next)
	if err != nil {
		return Pair{}, err
	}
	err = a.db.SetPassword(ctx, id, u.Password, hash)
	if errors.Is(err, store.ErrNotFound) { // it was changed meanwhile: what was shown is not good any more
		return Pair{}, errCredentials
	}
	if err != nil {
		return Pair{}, err
	}
	if err := a.opts.Revoke.Revoke(ctx, Key(id)); err != nil {
		return Pair{}, err
	}
	u.Password = hash
	return a.begin(ctx, u)
}
