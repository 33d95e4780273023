package account

import (
	"context"
	"net/netip"
	"time"

	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/internal/fading"
)

// How often passwords may be tried that are wrong: for a name from one address, so that
// guessing is slow and the one who has the name is not locked out by others; for a name from
// all together, so that many addresses do not help; and from one address for all names, so
// that many names do not help.
const (
	attemptsHere     = 10
	attemptsAnywhere = 100
	attemptsFrom     = 100
	attemptsPer      = 15 * time.Minute
	attemptsKept     = 100_000 // names and addresses remembered

	// Whoever has signed in from an address is not counted with the rest of the world there:
	// else anybody with many addresses could lock everybody out.
	knownFor = 30 * 24 * time.Hour
)

// Attempts bounds how often passwords are tried. Its methods are safe for concurrent use.
type Attempts interface {
	// Begin counts an attempt at a name from an address, before it is known what comes of it, so
	// that many at once are counted. The error has the code "rate_limited" where there were too
	// many. settle takes the attempt back; it is called once, or not at all where the password
	// was wrong.
	Begin(ctx context.Context, name, address string, now time.Time) (settle func(Outcome), err error)
}

// Outcome is what came of an attempt that is not to be counted.
type Outcome bool

// The outcomes.
const (
	Proven    Outcome = true  // the password was right
	Undecided Outcome = false // it was not compared
)

// NewAttempts makes [Attempts] that know those of this process: where several servers share a
// database, each counts for itself, and nothing is known any more after a restart.
func NewAttempts() Attempts { return newAttempts(attemptsKept) }

type attempts struct {
	by    *fading.Map[attempt, int]
	known *fading.Map[attempt, struct{}]
}

// attempt is a name that was tried from an address. One of both may be left out: from
// anywhere, or for any name.
type attempt struct{ name, address string }

func newAttempts(most int) *attempts {
	return &attempts{fading.New[attempt, int](most), fading.New[attempt, struct{}](most)}
}

func (a *attempts) Begin(_ context.Context, name, address string, now time.Time) (settle func(Outcome), err error) {
	network := networkOf(address)
	here := attempt{name, network}
	type limit struct {
		attempt
		most int
	}
	limits := []limit{{attempt{"", network}, attemptsFrom}, {here, attemptsHere}}
	if !a.knows(here, now) {
		limits = append(limits, limit{attempt{name, ""}, attemptsAnywhere})
	}
	for i, k := range limits {
		var wait time.Duration
		a.by.Update(k.attempt, now.UnixNano(), func(n int, until int64, known bool) (int, int64, bool) {
			if !known {
				n, until = 0, now.Add(attemptsPer).UnixNano()
			}
			if n >= k.most {
				wait = time.Duration(until - now.UnixNano())
				return n, until, false
			}
			return n + 1, until, true
		})
		if wait > 0 {
			for _, done := range limits[:i] {
				a.undo(done.attempt, now)
			}
			return nil, &gateway.Error{Code: gateway.CodeRateLimited, Message: "Too many attempts: try again later",
				Details: map[string]int64{"retryAfter": wait.Milliseconds()}}
		}
	}
	return func(o Outcome) {
		for _, k := range limits {
			a.undo(k.attempt, now)
		}
		if o == Proven {
			a.known.Update(here, now.UnixNano(), func(struct{}, int64, bool) (struct{}, int64, bool) {
				return struct{}{}, now.Add(knownFor).UnixNano(), true
			})
		}
	}, nil
}

func (a *attempts) undo(k attempt, now time.Time) {
	a.by.Update(k, now.UnixNano(), func(n int, until int64, known bool) (int, int64, bool) {
		return n - 1, until, known && n > 0
	})
}

func (a *attempts) knows(k attempt, now time.Time) (known bool) {
	a.known.Update(k, now.UnixNano(), func(_ struct{}, until int64, there bool) (struct{}, int64, bool) {
		known = there
		return struct{}{}, until, false
	})
	return known
}

// networkOf is what counts as one address: a /64 network for IPv6, since a client has a whole
// one.
func networkOf(address string) string {
	a, err := netip.ParseAddr(address)
	if err != nil {
		return "?"
	}
	a = a.Unmap().WithZone("")
	if a.Is6() {
		if p, err := a.Prefix(64); err == nil {
			return p.String()
		}
	}
	return a.String()
}
