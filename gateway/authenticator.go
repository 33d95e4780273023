package gateway

import (
	"context"
	"errors"
	"reflect"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kachi-io/kachi/socketio"
)

// Authenticator finds out who a client is, before its CONNECT is answered: what it returns
// is the principal of all the client's calls. An error refuses the client: an [*Error] as it
// is (connect_error, or a status before the handshake of plain WebSocket), any other in
// general terms. ctx ends with the connection, or after [socketio.Options].ConnectTimeout.
// It is called for many clients at once.
//
// Where it has a method Check() error, [NewApp] asks that whether it is fit for use.
type Authenticator[P any] interface {
	Authenticate(ctx context.Context, h *Handshake) (Identity[P], error)
}

// Identity is what is known of who a client is.
type Identity[P any] struct {
	// Principal is what handlers find in [Context].
	Principal P
	// Key identifies the principal among all: limits and the like go by it. "" for nobody
	// in particular.
	Key string
	// Expires is when the client has to have shown something newer, or is disconnected.
	// Zero: never.
	Expires time.Time
	// Token identifies what the client showed (a token's jti), "" where nothing does.
	Token string
	// Issued is when that was given out. Zero: not known.
	Issued time.Time
}

// Refresher is an [Authenticator] that takes a newer token from a client that is there.
// Gateways that have one handle the event "refreshToken", {token}: the client goes on with
// what the token says, and the acknowledgement is {expiresAt}. It has to be the same
// principal's: its Key is that of before, and not "".
type Refresher[P any] interface {
	Authenticator[P]
	// Refresh finds out who has a token, as Authenticate does. ctx ends with the socket, or
	// after [Options].ReplyTimeout.
	Refresh(ctx context.Context, h *Handshake, token string) (Identity[P], error)
}

// Denial is the details of an error with the code "unauthorized": why, in a word that
// programs know. See [Denied].
type Denial struct {
	Reason string `json:"reason"`
}

// Reasons of a [Denial]. Packages that authenticate add theirs.
const (
	DeniedExpired   = "expired"   // what was shown was good, and is too old: something newer is needed
	DeniedRevoked   = "revoked"   // it was taken back, see [App.Revoke]
	DeniedPrincipal = "principal" // it is somebody else's, see [Refresher]
)

// Denied is an error with the code "unauthorized" and a reason.
func Denied(reason, message string) *Error {
	return &Error{Code: CodeUnauthorized, Message: message, Details: Denial{reason}}
}

// AuthenticatorFunc is an [Authenticator] that knows the principal and nothing else.
type AuthenticatorFunc[P any] func(ctx context.Context, h *Handshake) (P, error)

// Authenticate implements [Authenticator].
func (f AuthenticatorFunc[P]) Authenticate(ctx context.Context, h *Handshake) (Identity[P], error) {
	p, err := f(ctx, h)
	return Identity[P]{Principal: p}, err
}

var errNoAuthenticator = errors.New("has no Authenticator: gateway.Anyone admits everybody")

// fit reports why an authenticator cannot be used.
func fit[P any](auth Authenticator[P]) error {
	if f, is := auth.(AuthenticatorFunc[P]); auth == nil || is && f == nil {
		return errNoAuthenticator
	}
	if c, ok := auth.(interface{ Check() error }); ok {
		return c.Check()
	}
	return nil
}

// Nobody is the principal of gateways that do not ask.
type Nobody struct{}

// Anyone admits everybody.
var Anyone Authenticator[Nobody] = AuthenticatorFunc[Nobody](func(context.Context, *Handshake) (Nobody, error) { return Nobody{}, nil })

// identity is what is known of who calls, whatever the principal's type.
type identity struct {
	principal  any
	key, token string
	expires    time.Time
	issued     time.Time
	since      time.Time // when it was found out
}

var errExpired = Denied(DeniedExpired, "What was shown has expired")

// identify asks an authenticator.
func identify[P any](ctx context.Context, auth Authenticator[P], h *Handshake) (*identity, error) {
	found, err := auth.Authenticate(ctx, h)
	if err != nil {
		return nil, err
	}
	return found.erased()
}

func (i Identity[P]) erased() (*identity, error) {
	who := &identity{i.Principal, i.Key, i.Token, i.Expires, i.Issued, time.Now()}
	if !who.expires.IsZero() && !who.since.Before(who.expires) {
		return nil, errExpired
	}
	return who, nil
}

// connection is what this package keeps of a socket: its extension.
type connection struct {
	app       *App
	space     *space
	socket    *socketio.Socket
	handshake *Handshake
	version   int                      // of the application's protocol
	who       atomic.Pointer[identity] // nil: not known yet
	places    places                   // in the app's register

	greeted bool // the functions of OnConnect have run, or one has failed; the mailbox's own

	running sync.WaitGroup // calls beside the mailbox
	mu      sync.Mutex
	begun   bool                     // it has been admitted
	verdict *verdict                 // why it is to go; nil for most
	term    *term                    // nil where the identity never expires
	turns   map[*route]chan struct{} // of those calls
	states  []*kept                  // as they were made
	gone    bool                     // the states have been released
}

// former is what is left of a connection for a client that comes back to its socket's
// session: who it was.
type former struct {
	key       string
	principal any
}

// Keep implements [socketio.Keeper].
func (c *connection) Keep() any {
	who := c.who.Load()
	return former{who.key, who.principal}
}

// is reports whether it was the same principal.
func (f former) is(key string, principal any) bool {
	if f.key != "" || key != "" {
		return f.key == key
	}
	return reflect.DeepEqual(f.principal, principal)
}

var errSomebodyElse = NewError(CodeForbidden, "Somebody else was here: connect again")

// connectionOf returns what is kept of a socket.
func connectionOf(s *socketio.Socket) *connection {
	c, _ := s.Extension().(*connection)
	return c
}

// admit is the middleware of a namespace: it asks the guards of admission, and then the
// authenticator.
func admit[P any](in *space, auth Authenticator[P], guards []Guard) func(context.Context, *socketio.Socket) error {
	return func(ctx context.Context, s *socketio.Socket) error {
		conn := &connection{app: in.app, space: in, socket: s, handshake: &Handshake{socket: s}}
		for _, g := range guards {
			if err := g(&newFrame[P](ctx, conn, "connect").call); err != nil {
				return err
			}
		}
		version, err := in.app.opts.Versions.of(conn.handshake)
		if err != nil {
			return err
		}
		who, err := identify(ctx, auth, conn.handshake)
		if err != nil {
			return err
		}
		if was, back := s.Extension().(former); back && !was.is(who.key, who.principal) {
			return errors.Join(socketio.ErrSomebodyElse, errSomebodyElse)
		}
		conn.who.Store(who)
		if err := conn.enlist(ctx); err != nil {
			return err
		}
		conn.version = version
		in.app.opts.Versions.enter(s, version)
		s.SetExtension(conn)
		return nil
	}
}
