package gateway

import (
	"context"
	"sync"
	"time"

	"github.com/kachi-io/kachi/internal/fading"
)

// Answer is what came of a call.
type Answer struct {
	Result any // as the handler returned it: nobody may change it any more
	Err    error
}

// Answers keeps answers, for calls that are made again: [Route.Idempotent], and caches. It
// is safe for concurrent use. [NewAnswers] makes one in memory; one that leaves the process
// encodes results as JSON.
type Answers interface {
	// Claim returns the answer that is kept under a key. Where there is none, settle is
	// not nil: the caller finds the answer out, and calls settle, once, with the time for
	// which it is to be kept; 0 or less: not at all. Meanwhile others who claim the key wait,
	// until ctx ends, and get the answer or, where it was not kept, the claim.
	Claim(ctx context.Context, key string) (a Answer, settle func(a Answer, keep time.Duration), err error)
}

// NewAnswers keeps at most so many answers in memory, those included that are being found
// out; 0 is 100,000. Where there are more, those go that would be kept the shortest.
func NewAnswers(most int) Answers {
	if most <= 0 {
		most = 100_000
	}
	return &answers{kept: fading.New[string, *question](most), began: time.Now()}
}

type answers struct {
	kept  *fading.Map[string, *question]
	began time.Time // instants are counted from here
}

// question is one whose answer is kept, or being found out.
type question struct {
	settled chan struct{}
	answer  Answer // with what follows, once it is settled
	kept    bool
}

func (a *answers) now() int64 { return int64(time.Since(a.began)) + 1 }

// Claim implements [Answers].
func (a *answers) Claim(ctx context.Context, key string) (Answer, func(Answer, time.Duration), error) {
	for {
		var q *question
		mine := false
		a.kept.Update(key, a.now(), func(other *question, until int64, known bool) (*question, int64, bool) {
			if known {
				q = other
				return q, until, false
			}
			q, mine = &question{settled: make(chan struct{})}, true
			return q, fading.Never, true
		})
		if mine {
			var once sync.Once
			return Answer{}, func(answer Answer, keep time.Duration) {
				once.Do(func() { a.settle(key, q, answer, keep) })
			}, nil
		}
		select {
		case <-q.settled:
			if q.kept {
				return q.answer, nil, nil
			}
		case <-ctx.Done():
			return Answer{}, nil, context.Cause(ctx)
		}
	}
}

func (a *answers) settle(key string, q *question, answer Answer, keep time.Duration) {
	if keep > 0 {
		q.answer, q.kept = answer, true
	}
	now := a.now()
	a.kept.Update(key, now, func(other *question, _ int64, known bool) (*question, int64, bool) {
		return q, now + int64(max(keep, 0)), known && other == q // else it had to make room
	})
	close(q.settled)
}
