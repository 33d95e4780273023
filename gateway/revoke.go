package gateway

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/kachi-io/kachi/socketio/packet"
)

// Revocation takes identities back: one token, or all of a principal until a time.
type Revocation struct {
	Token string    `json:"token,omitempty"` // see [Identity].Token
	Key   string    `json:"key,omitempty"`   // see [Identity].Key; of one with a Token it is empty
	At    time.Time `json:"at"`              // of a principal's, what was issued until then
	Until time.Time `json:"until"`           // when everything that it concerns has expired by itself
}

// MaxLeeway is how long after its expiry a token may still be admitted, for clocks that
// differ. Revocations are kept that much longer.
const MaxLeeway = 5 * time.Minute

// Revocations keeps revocations. Its methods are safe for concurrent use.
type Revocations interface {
	// Add keeps a revocation until its Until.
	Add(ctx context.Context, r Revocation) error
	// Revoked reports whether a token, or everything of a principal that was issued at that
	// time or before, was revoked. Either name may be "", and issued zero: then it is not
	// known, and counts as before. An error refuses the client.
	Revoked(ctx context.Context, key, token string, issued time.Time) (bool, error)
}

var (
	errRevoked          = Denied(DeniedRevoked, "What was shown has been revoked")
	errRevocationsFaint = NewError(CodeUnavailable, "It cannot be said at the moment who you are")
)

// Revoke takes back everything that a principal was admitted with, or could be: its sockets
// end at once, on all nodes, and what was issued until now is refused, in requests behind
// [Protect] too. What is issued later is good, so that people can sign in again. Times of
// issue that are whole seconds, as most tokens have them, count from the second's beginning:
// what is issued within the same second is refused.
//
// An error says what was not reached: [Options].Revocations, or other nodes. This node's
// sockets have ended nevertheless.
func (a *App) Revoke(ctx context.Context, key string) error {
	if key == "" {
		return errors.New("gateway: Revoke of nobody in particular")
	}
	now := time.Now()
	return a.take(ctx, Revocation{Key: key, At: now, Until: now.Add(a.opts.TokenLifetime + MaxLeeway)})
}

// RevokeToken is [App.Revoke] for one token, by its id. until is when it expires by itself;
// zero where that is not known.
func (a *App) RevokeToken(ctx context.Context, token string, until time.Time) error {
	if token == "" {
		return errors.New("gateway: RevokeToken of no token")
	}
	now := time.Now()
	if until.IsZero() {
		until = now.Add(a.opts.TokenLifetime)
	}
	return a.take(ctx, Revocation{Token: token, At: now, Until: until.Add(MaxLeeway)})
}

// revocation is the event between nodes.
const revocation = "kachi:revoke"

// take revokes here, and has the other nodes do it. They may have other gateways, so each
// namespace tells its own.
func (a *App) take(ctx context.Context, r Revocation) error {
	errs := []error{a.takeHere(ctx, r)}
	for _, s := range a.sorted() {
		if err := s.namespace.ServerSideEmit(revocation, r); err != nil {
			errs = append(errs, fmt.Errorf("gateway: revoking on other nodes by namespace %q: %w", s.name, err))
		}
	}
	return errors.Join(errs...)
}

// takeHere stores first and looks for sockets then, and [connection.enlist] the other way
// round: nobody comes in between.
func (a *App) takeHere(ctx context.Context, r Revocation) error {
	err := protected(func() error { return a.opts.Revocations.Add(ctx, r) })
	if err != nil {
		err = fmt.Errorf("gateway: keeping a revocation: %w", err)
	}
	for _, c := range a.present.concerned(r) {
		if failed := protected(func() error { c.expel(ReasonRevoked, errRevoked); return nil }); failed != nil {
			a.log.Error("an observer failed", "error", failed)
		}
	}
	return err
}

// listenForRevocations takes those of other nodes.
func (s *space) listenForRevocations() {
	s.namespace.OnServerSide(revocation, func(ctx context.Context, args packet.Args) (any, error) {
		var r Revocation
		if err := args.DecodeAt(0, &r); err != nil {
			return nil, err
		}
		if (r.Key == "") == (r.Token == "") {
			return nil, errors.New("gateway: another node revokes nothing in particular")
		}
		return nil, s.app.takeHere(ctx, r)
	})
}

// revoked refuses who was revoked.
func (a *App) revoked(ctx context.Context, who *identity) error {
	if who.key == "" && who.token == "" {
		return nil
	}
	out, err := a.opts.Revocations.Revoked(ctx, who.key, who.token, who.issued)
	switch {
	case err != nil:
		return fmt.Errorf("%w: %w", errRevocationsFaint, err)
	case out:
		return errRevoked
	}
	return nil
}

// concerns reports whether a revocation ends a socket. One that began before it does, even
// where the issuer's clock is ahead.
func (r *Revocation) concerns(who *identity) bool {
	if r.Token != "" {
		return r.Token == who.token
	}
	return r.Key == who.key && (who.issued.IsZero() || !who.issued.After(r.At) || !who.since.After(r.At))
}

// place is a connection's in one of the rings of a register.
type place struct {
	next, prev *place
	conn       *connection
	name       string
}

// places are a connection's own.
type places struct {
	key, token place
	stop       func() bool // keeps a socket's end from taking it out; nil once it was admitted
}

// register finds connections by principal and by token. Rings instead of sets: most
// principals have one socket, and a set of one costs more than all else that is kept of it.
type register struct {
	mu     sync.Mutex
	keys   map[string]*place
	tokens map[string]*place
}

// enlist puts a connection that is about to be admitted into the register, unless its
// identity was revoked.
func (c *connection) enlist(ctx context.Context) error {
	who := c.who.Load()
	if who.key == "" && who.token == "" {
		return nil
	}
	c.app.present.add(c, who)
	// Nobody is told of a socket that ends before it was admitted, but its context ends.
	c.places.stop = context.AfterFunc(c.socket.Context(), c.delist)
	err := c.app.revoked(ctx, who)
	if err == nil {
		c.mu.Lock()
		if v := c.verdict; v != nil { // revoked meanwhile
			err = v.why
		}
		c.mu.Unlock()
	}
	if err != nil {
		c.places.stop()
		c.delist()
	}
	return err
}

// settle leaves the way out to [connection.leave].
func (c *connection) settle() {
	if c.places.stop != nil {
		c.places.stop()
	}
}

func (c *connection) delist() { c.app.present.remove(c) }

// leave ends what a connection has in the app.
func (c *connection) leave() {
	c.delist()
	c.finish()
}

func (r *register) add(c *connection, who *identity) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.keys == nil {
		r.keys, r.tokens = map[string]*place{}, map[string]*place{}
	}
	put(r.keys, &c.places.key, c, who.key)
	put(r.tokens, &c.places.token, c, who.token)
}

func (r *register) remove(c *connection) {
	r.mu.Lock()
	defer r.mu.Unlock()
	take(r.keys, &c.places.key)
	take(r.tokens, &c.places.token)
}

// rename puts a connection under another token, if it is there still.
func (r *register) rename(c *connection, token string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if c.places.key.next == nil && c.places.token.next == nil {
		return
	}
	take(r.tokens, &c.places.token)
	put(r.tokens, &c.places.token, c, token)
}

// also puts a connection under one more token.
func (r *register) also(c *connection, p *place, token string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	put(r.tokens, p, c, token)
}

func (r *register) drop(p *place) {
	r.mu.Lock()
	defer r.mu.Unlock()
	take(r.tokens, p)
}

// concerned returns whom a revocation ends.
func (r *register) concerned(by Revocation) (all []*connection) {
	r.mu.Lock()
	defer r.mu.Unlock()
	first := r.keys[by.Key]
	if by.Token != "" {
		first = r.tokens[by.Token]
	}
	for p := first; p != nil; {
		if by.Token != "" || by.concerns(p.conn.who.Load()) {
			all = append(all, p.conn)
		}
		if p = p.next; p == first {
			break
		}
	}
	return all
}

func put(ring map[string]*place, p *place, c *connection, name string) {
	if name == "" {
		return
	}
	p.conn, p.name = c, name
	if first := ring[name]; first != nil {
		p.next, p.prev = first, first.prev
		p.prev.next, p.next.prev = p, p
		return
	}
	p.next, p.prev = p, p
	ring[name] = p
}

func take(ring map[string]*place, p *place) {
	switch {
	case p.next == nil:
		return
	case p.next == p:
		delete(ring, p.name)
	default:
		p.prev.next, p.next.prev = p.next, p.prev
		if ring[p.name] == p {
			ring[p.name] = p.next
		}
	}
	p.next, p.prev, p.conn, p.name = nil, nil, nil, ""
}
