package account

import (
	"time"

	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/internal/fading"
)

// How often a name may be tried with a wrong password: from one address, so that guessing
// is slow and the one who has the name is not locked out by others; and from all
// together, so that many addresses do not help.
const (
	attemptsHere     = 10
	attemptsAnywhere = 100
	attemptsPer      = 15 * time.Minute
	attemptsKept     = 100_000 // names and addresses remembered
)

type attempts struct{ by *fading.Map[attempt, int] }

// attempt is a name that was tried from an address; from anywhere where that is "".
type attempt struct{ name, address string }

func newAttempts() *attempts { return &attempts{fading.New[attempt, int](attemptsKept)} }

// begin counts an attempt, before it is known what comes of it, so that many at once are
// counted. settle takes it back: the password was right.
func (a *attempts) begin(name, address string, now time.Time) (settle func(), err error) {
	keys := []struct {
		attempt
		most int
	}{{attempt{name, address}, attemptsHere}, {attempt{name, ""}, attemptsAnywhere}}
	for i, k := range keys {
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
			for _, done := range keys[:i] {
				a.undo(done.attempt, now)
			}
			return nil, &gateway.Error{Code: gateway.CodeRateLimited, Message: "Too many attempts: try again later",
				Details: map[string]int64{"retryAfter": wait.Milliseconds()}}
		}
	}
	return func() {
		for _, k := range keys {
			a.undo(k.attempt, now)
		}
	}, nil
}

func (a *attempts) undo(k attempt, now time.Time) {
	a.by.Update(k, now.UnixNano(), func(n int, until int64, known bool) (int, int64, bool) {
		return n - 1, until, known && n > 0
	})
}
