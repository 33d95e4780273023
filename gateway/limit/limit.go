// Package limit has guards that bound how often clients do something:
//
//	g.Use(limit.PerSocket(20, time.Second))
//	g.Use(limit.PerPrincipal(300, time.Minute, limit.Options{Cost: map[string]int{"upload": 10}}))
//	gateway.On(g, "message", c.post).Use(limit.PerSocket(5, time.Second))
//	g.Admit(limit.Connects(10, time.Minute))
//
// What is over a limit is refused with the code "rate_limited"; details.retryAfter says in
// how many milliseconds the same would pass.
//
// A guard is one limit: what it is used for, one route or several, is counted together.
// Several guards at one place are asked in their order, and what one has let pass counts
// there even where the next refuses it. Each node of a cluster counts for itself.
//
// A limit of n in a time is a bucket of tokens: it holds [Options].Burst, and n run in over
// the time, evenly. (It is kept as GCRA does, the generic cell rate algorithm: as the one
// moment at which the bucket would be full.)
package limit

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"net/netip"
	"time"

	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/socketio"
)

// Options are what else can be said of a limit. The zero value is the default of every
// field.
type Options struct {
	// Burst is how much can be done at once, after nothing was done for a while. Default n.
	Burst int
	// Cost is what an event counts for, by its name. Default 1; 0 is free.
	Cost map[string]int
	// Disconnect puts a client out that goes on: a socket that this limit refuses so often
	// within a minute, counted from the first refusal, is sent the event "exception" and
	// disconnected. Default never. It has no effect for requests over HTTP, nor for
	// [Connects]: a connection that is refused and joins no namespace is closed after
	// [socketio.Options].ConnectTimeout.
	Disconnect int
	// MaxKeys is how many principals or addresses are remembered at once; one that is idle
	// is forgotten. Default 100,000, some 10 MB. When more are busy, one that has used
	// little is forgotten, and begins anew.
	MaxKeys int
}

// refused is what clients are told in details.
type refused struct {
	RetryAfter int64 `json:"retryAfter"` // milliseconds
}

// limit is what all guards of this package have in common.
type limit struct {
	rate    rate
	cost    map[string]int
	began   time.Time // instants are counted from here
	sockets *gateway.State[*socket]
	keys    buckets
	strikes int64
}

// socket is what a limit keeps of one socket.
type socket struct {
	bucket  bucket
	strikes strikes
}

// PerSocket lets each socket do n things in a time. A request over HTTP, which has no
// socket, counts for its address.
func PerSocket(n int, per time.Duration, o ...Options) gateway.Guard {
	l := newLimit("PerSocket", n, per, o)
	return func(c *gateway.Call) error {
		if c.Socket() == nil {
			return l.byKey(c, addressOf(c))
		}
		return l.bySocket(c)
	}
}

// PerPrincipal lets each principal do n things in a time, with all its sockets together. A
// principal is known by its key ([gateway.Identity]); who has none counts as [PerSocket]
// has it.
func PerPrincipal(n int, per time.Duration, o ...Options) gateway.Guard {
	l := newLimit("PerPrincipal", n, per, o)
	return func(c *gateway.Call) error {
		switch name := c.Key(); {
		case name != "":
			return l.byKey(c, key{name: name})
		case c.Socket() == nil:
			return l.byKey(c, addressOf(c))
		}
		return l.bySocket(c)
	}
}

// PerAddress lets each client address do n things in a time, with all its sockets together;
// each /64 network for IPv6, since a client has a whole one. Behind a proxy it needs
// [socketio.Options].TrustedProxies.
func PerAddress(n int, per time.Duration, o ...Options) gateway.Guard {
	l := newLimit("PerAddress", n, per, o)
	return func(c *gateway.Call) error { return l.byKey(c, addressOf(c)) }
}

// Connects lets each client address ask to be let into a namespace n times in a time. It is
// for [gateway.Namespace.Admit] or [gateway.Options].Admit, and runs before it is found out
// who the client is: what that costs is bounded, and so is guessing of passwords.
func Connects(n int, per time.Duration, o ...Options) gateway.Guard {
	l := newLimit("Connects", n, per, o)
	l.strikes = 0
	return func(c *gateway.Call) error { return l.byKey(c, addressOf(c)) }
}

func newLimit(name string, n int, per time.Duration, options []Options) *limit {
	var o Options
	if len(options) > 0 {
		o = options[0]
	}
	if o.Burst == 0 {
		o.Burst = n
	}
	if o.MaxKeys == 0 {
		o.MaxKeys = 100_000
	}
	var err error
	switch {
	case len(options) > 1:
		err = errors.New("there are two Options")
	case n <= 0 || per <= 0:
		err = fmt.Errorf("%d in %v is no rate", n, per)
	case o.Burst < 0 || o.Disconnect < 0 || o.MaxKeys < 0:
		err = errors.New("an option is negative")
	case per/time.Duration(n) == 0:
		err = fmt.Errorf("%d in %v is no limit", n, per)
	case int64(per)/int64(n) > math.MaxInt64/4/int64(o.Burst):
		err = fmt.Errorf("%d in %v is too long a time", o.Burst, per)
	}
	for event, cost := range o.Cost {
		if cost < 0 || cost > o.Burst {
			err = fmt.Errorf("the event %q costs %d, of a burst of %d", event, cost, o.Burst)
		}
	}
	if err != nil {
		panic(fmt.Errorf("limit.%s: %w", name, err))
	}
	return &limit{
		rate:    rate{every: int64(per) / int64(n), burst: int64(o.Burst)},
		cost:    maps.Clone(o.Cost),
		began:   time.Now(),
		sockets: gateway.NewState(func(*gateway.Call) (*socket, error) { return new(socket), nil }, nil),
		keys:    newBuckets(o.MaxKeys),
		strikes: int64(o.Disconnect),
	}
}

func (l *limit) costOf(c *gateway.Call) int64 {
	if l.cost != nil {
		if cost, ok := l.cost[c.Pattern()]; ok {
			return int64(cost)
		}
	}
	return 1
}

// now is never 0 or less, which is where a bucket begins.
func (l *limit) now() int64 { return int64(time.Since(l.began)) + 1 }

func (l *limit) bySocket(c *gateway.Call) error {
	cost := l.costOf(c)
	if cost == 0 {
		return nil
	}
	s, err := l.sockets.Of(c)
	if err != nil {
		return err
	}
	now := l.now()
	if wait := s.bucket.take(l.rate, now, cost); wait > 0 {
		return l.refuse(c, now, wait)
	}
	return nil
}

func (l *limit) byKey(c *gateway.Call, k key) error {
	cost := l.costOf(c)
	if cost == 0 {
		return nil
	}
	now := l.now()
	if wait := l.keys.take(k, l.rate, now, cost); wait > 0 {
		return l.refuse(c, now, wait)
	}
	return nil
}

// refuse tells the client when to come again, and puts it out where it has been told often.
func (l *limit) refuse(c *gateway.Call, now, wait int64) error {
	milliseconds := (wait + int64(time.Millisecond) - 1) / int64(time.Millisecond)
	err := &gateway.Error{
		Code: gateway.CodeRateLimited, Message: "Too much of it at once: try again later",
		Details: refused{RetryAfter: milliseconds},
	}
	if l.strikes == 0 || c.Socket() == nil {
		return err
	}
	s, failed := l.sockets.Of(c)
	if failed != nil { // it is not admitted yet, or has ended
		return err
	}
	if s.strikes.add(now) >= l.strikes {
		// The acknowledgement would come after the end, and is not sent any more.
		_ = c.Socket().Emit("exception", socketio.PublicError(err, c.Pattern()))
		c.Socket().Disconnect(false)
	}
	return err
}

// key is whom a bucket is for.
type key struct {
	name    string
	address netip.Addr
}

func addressOf(c *gateway.Call) key {
	a := c.Handshake().Address().Unmap().WithZone("")
	if a.Is6() {
		if network, err := a.Prefix(64); err == nil {
			a = network.Addr()
		}
	}
	return key{address: a}
}
