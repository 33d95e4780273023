package gateway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/kachi-io/kachi/internal/wheel"
	"github.com/kachi-io/kachi/socketio"
)

// Options configures an [App]. The zero value is the default of every field; nil is the
// zero value.
type Options struct {
	// Socket configures the server below.
	Socket socketio.Options
	// Hub is what services send events with. Default: one that [App.Hub] returns.
	Hub *Hub
	// Admit are guards that look at every client before it is known who it is: see
	// [Namespace.Admit].
	Admit []Guard
	// Use are layers around all routes of all gateways.
	Use []Layer
	// Validator checks inputs by the rules in their types' tags. Default none: a type with
	// such tags is then an error.
	Validator Validator
	// Versions are those of the application's own protocol. Default none.
	Versions Versions
	// Errors says how errors reach clients.
	Errors ErrorMode
	// EchoInput has errors repeat what the client sent, as cause.data: NestJS does.
	EchoInput bool
	// ReplyTimeout is how long a client waits for an acknowledgement, before it is answered
	// with the code "timeout": from when the event's turn has come, since events of one socket
	// wait for those before. Default 30 s; negative: for ever.
	ReplyTimeout time.Duration
	// Answers keeps what idempotent routes have answered. Default NewAnswers(0).
	Answers Answers
	// Handled are told of each event of a client when it has been handled or refused, and
	// before it is answered: by whom it was refused does not matter, nor whether the event
	// is one that anybody handles. err is what the client is answered with, nil for a
	// result (one that then cannot be encoded is logged, and answered as "internal"); of a
	// call that took too long they are told when it ends, and that it was a time-out. They
	// are called for many calls at once.
	Handled []func(c *Call, took time.Duration, err error)
	// ExpiryNotice is how long before its identity expires a client is sent the event
	// "tokenExpiring"; half of the rest where that is shorter. Default 1 min; negative: it is
	// not sent.
	ExpiryNotice time.Duration
	// Revocations keeps what [App.Revoke] took back. Default: this node's memory, for 100,000
	// of them, see [NewRevocations].
	Revocations Revocations
	// TokenLifetime is how long a token is good at most: so long is kept what [App.Revoke]
	// took back. Default 24 h.
	TokenLifetime time.Duration
	// Emitting are told of each event that is sent, by [OutEvent.Emit], [Ask] or [Stream],
	// before it is. What they return, if it is not nil, is told what came of it: for Ask,
	// when the client has answered. They are called for many events at once.
	Emitting []func(ctx context.Context, namespace, event string) (done func(error))
	// StartTimeout and StopTimeout bound each function given to [App.OnStart]: its start, and its stop. Default 15 s
	// each.
	StartTimeout time.Duration
	StopTimeout  time.Duration
	// Logger gets failures at Error, clients' faults at Info. Default Socket.Logger, or
	// none.
	Logger *slog.Logger
}

// App is a server with gateways. It is an [http.Handler], to be mounted where clients look
// for it, "/socket.io/" by default. All methods are safe for concurrent use.
type App struct {
	opts     Options
	log      *slog.Logger
	server   *socketio.Server
	hub      *Hub
	spaces   map[string]*space // by name or pattern
	patterns []*space
	wheel    *wheel.Wheel
	work     sync.WaitGroup // calls and answers beside mailboxes
	present  register       // the connections, by whose they are
	ends     ends           // identities whose time has come

	starting chan struct{} // holds one while the app starts, or stops what has started
	mu       sync.Mutex
	hooks    []hook
	begun    bool   // it has started, or is about to
	started  []hook // those that did
	running  bool   // all did
	stopped  bool
}

// replyTick is how late an answer for a handler that takes too long may be.
const replyTick = 50 * time.Millisecond

// NewApp makes an app of gateways. An error names everything that is wrong with them, each
// with its source line.
func NewApp(o *Options, gateways ...Gateway) (*App, error) {
	a := &App{spaces: map[string]*space{}, wheel: wheel.New(replyTick), starting: make(chan struct{}, 1)}
	if o != nil {
		a.opts = *o
	}
	setDefault(&a.opts.ReplyTimeout, 30*time.Second)
	if a.opts.Answers == nil {
		a.opts.Answers = NewAnswers(0)
	}
	setDefault(&a.opts.StartTimeout, 15*time.Second)
	setDefault(&a.opts.StopTimeout, 15*time.Second)
	setDefault(&a.opts.ExpiryNotice, time.Minute)
	setDefault(&a.opts.TokenLifetime, 24*time.Hour)
	if a.opts.Revocations == nil {
		a.opts.Revocations = NewRevocations(0)
	}
	if a.log = a.opts.Logger; a.log == nil {
		if a.log = a.opts.Socket.Logger; a.log == nil {
			a.log = slog.New(slog.DiscardHandler)
		}
	}
	if v := &a.opts.Versions; v.Oldest == 0 && v.Current > 0 {
		v.Oldest = 1
	}
	if err := a.opts.Versions.validate(); err != nil {
		return nil, err
	}
	socket := a.opts.Socket
	if socket.Logger == nil {
		socket.Logger = a.log // what lifecycle functions return, among others
	}
	if r := socket.Recovery; r != nil && !r.RunMiddlewares { // who comes back has to be somebody, too
		c := *r
		c.RunMiddlewares = true
		socket.Recovery = &c
	}
	if err := socket.Validate(); err != nil {
		return nil, err
	}
	a.server = socketio.NewServer(&socket)
	if a.hub = a.opts.Hub; a.hub == nil {
		a.hub = NewHub()
	}
	errs := []error{a.opts.validate(), a.hub.reserve(a)}
	for i, g := range gateways {
		if g == nil {
			errs = append(errs, fmt.Errorf("gateway: gateway %d is nil", i+1))
			continue
		}
		errs = append(errs, g.build(a))
	}
	if err := errors.Join(errs...); err != nil {
		a.hub.release(a)
		ctx, cancel := context.WithTimeout(context.Background(), a.opts.StopTimeout)
		defer cancel()
		return nil, errors.Join(err, a.server.Shutdown(ctx))
	}
	a.hub.app.Store(a)
	return a, nil
}

// validate names what cannot be, once the defaults are set.
func (o *Options) validate() error {
	var errs []error
	wrong := func(is bool, what string) {
		if is {
			errs = append(errs, errors.New("gateway: "+what))
		}
	}
	wrong(o.StartTimeout < 0, "Options.StartTimeout is negative")
	wrong(o.StopTimeout < 0, "Options.StopTimeout is negative")
	wrong(o.TokenLifetime < 0, "Options.TokenLifetime is negative")
	wrong(o.Errors > ErrorsInBoth, "Options.Errors has no such mode")
	wrong(slices.ContainsFunc(o.Use, none), "a layer of Options.Use is nil")
	wrong(slices.ContainsFunc(o.Admit, func(g Guard) bool { return g == nil }), "a guard of Options.Admit is nil")
	for _, f := range o.Handled {
		wrong(f == nil, "a function of Options.Handled is nil")
	}
	for _, f := range o.Emitting {
		wrong(f == nil, "a function of Options.Emitting is nil")
	}
	return errors.Join(errs...)
}

func setDefault(d *time.Duration, value time.Duration) {
	if *d == 0 {
		*d = value
	}
}

// ServeHTTP serves clients.
func (a *App) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.server.ServeHTTP(w, r) }

// Server returns the server below: for other mounts ([socketio.Server.Handler],
// [socketio.Server.PlainHandler]) and its figures.
func (a *App) Server() *socketio.Server { return a.server }

// Hub returns what services send events with.
func (a *App) Hub() *Hub { return a.hub }

// Logger returns what the app logs to, one that discards everything where it has none.
func (a *App) Logger() *slog.Logger { return a.log }
