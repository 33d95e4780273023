package gateway

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/kachi-io/kachi/internal/wheel"
	"github.com/kachi-io/kachi/socketio"
)

// Reasons for which this package ends sockets.
const (
	ReasonExpired = socketio.ReasonExpired // see [Identity].Expires
	ReasonRevoked = socketio.ReasonRevoked // see [App.Revoke]
)

// TokenExpiry is the data of the event "tokenExpiring", and the acknowledgement of
// "refreshToken".
type TokenExpiry struct {
	ExpiresAt time.Time `json:"expiresAt,omitzero"` // left out: never
}

// tokenExpiring is declared by the namespaces whose authenticators say when identities
// expire.
var tokenExpiring = NewEvent[TokenExpiry]("tokenExpiring").
	Describe("What the client was admitted with expires soon: it is disconnected then, unless it shows something newer.")

// term is the rest of an identity's time. Its fields are guarded by the connection's mu.
type term struct {
	timer    wheel.Timer
	conn     *connection
	notice   time.Time // when the client is to be told
	noticed  bool
	finished bool // expired, or the socket has gone
}

// begin starts the term of a socket that was admitted. It reports false for one that is to
// end right away.
func (c *connection) begin() bool {
	c.settle()
	c.mu.Lock()
	c.begun = true
	v := c.verdict
	if v == nil {
		c.extend(c.who.Load())
	}
	c.mu.Unlock()
	if v != nil {
		c.execute(v)
	}
	return v == nil
}

// extend starts the term of an identity in the place of the one before. It reports false
// when that has ended. c.mu is held.
func (c *connection) extend(who *identity) bool {
	t := c.term
	if t != nil && t.finished {
		return false
	}
	if who.expires.IsZero() {
		if t != nil {
			c.app.wheel.Stop(&t.timer)
		}
		return true
	}
	if t == nil {
		t = &term{conn: c}
		c.term = t
	}
	rest, lead := time.Until(who.expires), c.app.opts.ExpiryNotice
	t.notice, t.noticed = who.expires.Add(-min(lead, rest/2)), lead < 0
	t.arm(who)
	return true
}

func (t *term) arm(who *identity) {
	next := who.expires
	if !t.noticed {
		next = t.notice
	}
	t.conn.app.wheel.Reset(&t.timer, time.Until(next), t)
}

// Expire implements [wheel.Expirer].
func (t *term) Expire(*wheel.Timer) { t.conn.app.ends.add(t.conn.app, t) }

// come does what it is time for.
func (t *term) come() {
	c := t.conn
	c.mu.Lock()
	who, now := c.who.Load(), time.Now()
	tell, end := false, false
	switch {
	case t.finished || who.expires.IsZero():
	case !now.Before(who.expires):
		t.finished, end = true, true
	default: // or too early: it was extended meanwhile, or the clock was set
		if !t.noticed && !now.Before(t.notice) {
			t.noticed, tell = true, true
		}
		t.arm(who)
	}
	c.mu.Unlock()
	switch {
	case tell:
		_ = tokenExpiring.Emit(c.socket.Context(), c.itself(), TokenExpiry{who.expires.UTC()})
	case end:
		c.expel(ReasonExpired, errExpired)
	}
}

// finish ends the term with the socket.
func (c *connection) finish() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if t := c.term; t != nil {
		t.finished = true
		c.app.wheel.Stop(&t.timer)
	}
}

// verdict is why a client is to be disconnected.
type verdict struct {
	reason Reason
	why    *Error
}

// expel disconnects a client for good, and tells it why, once: other nodes tell of a
// revocation in each namespace. One that is being admitted, and cannot be told anything
// yet, is refused, or goes when it begins.
func (c *connection) expel(reason Reason, why *Error) {
	c.mu.Lock()
	again, begun := c.verdict != nil, c.begun
	if !again {
		c.verdict = &verdict{reason, why}
	}
	c.mu.Unlock()
	if !again && begun {
		c.execute(c.verdict)
	}
}

func (c *connection) execute(v *verdict) {
	c.app.log.Info("disconnected", "reason", v.reason, "namespace", c.socket.Namespace().Name(), "socket", c.socket.ID(), "principal", c.who.Load().key)
	_ = c.socket.Emit("exception", socketio.PublicError(v.why, ""))
	c.socket.DisconnectFor(v.reason)
}

// itself is the connection's own socket, as a target.
func (c *connection) itself() Target {
	return Target{space: c.space, to: c.socket.Namespace().To(c.socket.ID()).Local()}
}

// ends are the terms whose time has come, and what works them off: the wheel must not wait
// for a socket. They are at most one for each socket.
type ends struct {
	mu      sync.Mutex
	due     []*term
	working bool
}

func (e *ends) add(a *App, t *term) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.due = append(e.due, t)
	if !e.working {
		e.working = true
		a.work.Add(1)
		go e.work(a)
	}
}

func (e *ends) work(a *App) {
	empty := false
	defer func() {
		if empty {
			a.work.Done()
			return
		}
		go e.work(a) // an observer of what is sent has ended the goroutine
	}()
	for {
		e.mu.Lock()
		due := e.due
		if e.due = nil; len(due) == 0 {
			e.working, empty = false, true
			e.mu.Unlock()
			return
		}
		e.mu.Unlock()
		for _, t := range due {
			if err := protected(func() error { t.come(); return nil }); err != nil {
				a.log.Error("an expiry failed", "error", err)
			}
		}
	}
}

// TokenRefresh is the input of the event "refreshToken".
type TokenRefresh struct {
	Token string `json:"token"`
}

// Format implements [fmt.Formatter], so that whoever prints inputs does not print this one.
func (TokenRefresh) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "{token}") }

// LogValue implements [slog.LogValuer].
func (TokenRefresh) LogValue() slog.Value { return slog.StringValue("{token}") }

var errOtherPrincipal = Denied(DeniedPrincipal, "The token is not the one's who is connected")

// refreshing registers the event by which clients show newer tokens.
func refreshing[P any](g *Namespace[P], auth Refresher[P]) {
	r := On(g, "refreshToken", func(c *Context[P], in TokenRefresh) (TokenExpiry, error) {
		ctx, cancel := context.Context(c), context.CancelFunc(func() {})
		if d := c.app.opts.ReplyTimeout; d > 0 {
			ctx, cancel = context.WithTimeout(ctx, d)
		}
		defer cancel()
		found, err := auth.Refresh(ctx, c.Handshake(), in.Token)
		if err != nil {
			return TokenExpiry{}, err
		}
		who, err := found.erased()
		if err != nil {
			return TokenExpiry{}, err
		}
		if err := c.connection.become(ctx, who); err != nil {
			return TokenExpiry{}, err
		}
		return TokenExpiry{who.expires.UTC()}, nil
	}).Describe("Shows a newer token of the same principal: the client goes on with what it says.")
	r.route.secret = true
}

// become has the socket go on with another identity of the same principal.
func (c *connection) become(ctx context.Context, who *identity) error {
	before := c.who.Load()
	if before.key == "" || before.key != who.key {
		return errOtherPrincipal
	}
	// As in enlist: whoever revokes the token from here on finds the socket, or was before the
	// look. Until it is decided, the socket is under both tokens.
	var second place
	c.app.present.also(c, &second, who.token)
	defer c.app.present.drop(&second)
	if err := c.app.revoked(ctx, who); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.extend(who) {
		return errExpired
	}
	c.who.Store(who)
	c.app.present.rename(c, who.token)
	return nil
}
