package socketio

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/kachi-io/kachi/engineio"
	"github.com/kachi-io/kachi/socketio/adapter"
)

// Recovery is connection state recovery: a client that lost its connection and comes back
// within a time gets its id, rooms and data again, and the events that it missed, in
// order, none of them twice. It works with every client that knows the protocol's "pid"
// and "offset" (socket.io-client from 4.6 on). Options.Recovery turns it on; the zero value
// holds the defaults.
//
// What is kept are events: emitted to one socket or broadcast, neither volatile nor asking
// for an acknowledgement. Their last argument on the wire is their position, which clients
// show when they come back. They are kept for Window and the time that a lost connection
// takes to be noticed (PingInterval and PingTimeout) longer.
type Recovery struct {
	// Window is how long a session is kept after its connection was lost. Default 2 min.
	Window time.Duration
	// RunMiddlewares runs the namespace's middlewares (see [Namespace.Use]) for a client
	// that comes back, too. By default, as in the reference implementation, what they
	// decided holds on. Token expiry and the like want them to run; and where somebody else
	// may be at the client meanwhile, they return [ErrSomebodyElse].
	RunMiddlewares bool
	// RequireOffset restores no client that shows no position, as the reference
	// implementation does: it had received no event yet. By default it gets what was sent
	// to it since it connected.
	RequireOffset bool
	// MaxEvents and MaxBytes bound the events kept by each namespace, and MaxSessions the
	// sessions; the oldest go first. Defaults 100,000, 64 MiB and 100,000. A namespace of a
	// [Dynamic] exists as long as it keeps a session.
	MaxEvents   int
	MaxBytes    int
	MaxSessions int
}

func (r *Recovery) validate() (errs []error) {
	if r == nil {
		return nil
	}
	for _, f := range []struct {
		name  string
		value int64
	}{
		{"Window", int64(r.Window)},
		{"MaxEvents", int64(r.MaxEvents)},
		{"MaxBytes", int64(r.MaxBytes)},
		{"MaxSessions", int64(r.MaxSessions)},
	} {
		if f.value < 0 {
			errs = append(errs, fmt.Errorf("socketio: Options.Recovery.%s is negative", f.name))
		}
	}
	return errs
}

func (r *Recovery) withDefaults() *Recovery {
	if r == nil {
		return nil
	}
	c := *r
	setDefault(&c.Window, 2*time.Minute)
	setDefault(&c.MaxEvents, 100_000)
	setDefault(&c.MaxBytes, 64<<20)
	setDefault(&c.MaxSessions, 100_000)
	return &c
}

// ErrNoRecovery: [Options.Recovery] is set, and the adapter cannot restore sessions.
var ErrNoRecovery = errors.New("socketio: the adapter cannot recover connections")

// ErrSomebodyElse is what a middleware returns, wrapped or joined with an [*Error] that the
// client is told, for a client that comes back and is not who it was: what was kept for that
// one is given up, and when the client asks again it begins anew.
var ErrSomebodyElse = errors.New("socketio: the client that came back is somebody else")

// ExpiredSession is a session whose client did not come back in time.
type ExpiredSession struct {
	Namespace *Namespace
	Socket    string   // id of the socket
	Rooms     []string // that it was in, its id first
	Data      any      // see [Socket.SetData]
	Reason    Reason   // for which it ended
	Ended     time.Time
}

// OnSessionExpired registers a function that runs when a session that [Recovery] kept is
// given up: its client did not come back within the window, or there were too many. Its
// context has [Options.HookTimeout] as its deadline. For each socket that is lost for a
// recoverable reason, this happens, or another socket comes back with its id, or the server
// is shut down.
func (ns *Namespace) OnSessionExpired(f func(ctx context.Context, s *ExpiredSession) error) {
	ns.register(func(t *table) { t.expired = append(slices.Clip(t.expired), f) })
}

// Recovered reports whether the socket goes on where another one with its id ended: its
// rooms and data are that one's, and the client has got what it missed. What OnConnect
// sends to newcomers, it need not send again.
func (s *Socket) Recovered() bool { return s.stay != nil && s.stay.recovered }

// recoverable reports whether a client that lost its socket for a reason comes back for
// it. Whom the server or the client itself disconnected does not, with its connection or
// without.
func recoverable(r Reason) bool {
	switch r {
	case engineio.TransportClose, engineio.TransportError, engineio.PingTimeout, engineio.ForcedClose,
		engineio.SlowConsumer:
		return true
	}
	return false
}

// newJournal returns what a namespace with recovery keeps; nil without.
func newJournal(ns *Namespace) *journal {
	o := &ns.srv.opts
	if o.Recovery == nil {
		return nil
	}
	return openJournal(ns, o.Recovery, o.Recovery.Window+o.noticed())
}

// keeps reports whether an adapter can do what Options.Recovery asks for.
func (o *Options) keeps(a adapter.Adapter) error {
	if _, alone := a.(*adapter.Memory); o.Recovery != nil && !alone {
		return fmt.Errorf("%w: %T keeps no log; leave Options.Recovery out, or use an adapter that is an adapter.SessionStore", ErrNoRecovery, a)
	}
	return nil
}

// noticed is how long it may take to notice that a connection is dead.
func (o *Options) noticed() time.Duration {
	interval, timeout := o.PingInterval, o.PingTimeout
	setDefault(&interval, 25*time.Second)
	setDefault(&timeout, 20*time.Second)
	return interval + timeout
}
