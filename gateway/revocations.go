package gateway

import (
	"container/heap"
	"context"
	"errors"
	"sync"
	"time"
)

// ErrTooManyRevocations: no more can be kept until some are over.
var ErrTooManyRevocations = errors.New("gateway: too many revocations")

// NewRevocations makes a [Revocations] in this node's memory. Each is forgotten at its
// Until, when tokens expire by themselves. Of more than limit at once further ones are
// refused with [ErrTooManyRevocations]; 0 stands for 100,000, which take about 20 MB.
// Other nodes of a cluster have their own, and are told by [App.Revoke]; a node that starts
// later, or was cut off then, knows nothing of it: where that matters, use a store that all
// share.
func NewRevocations(limit int) Revocations {
	if limit <= 0 {
		limit = 100_000
	}
	return &memory{limit: limit, by: map[taken]*entry{}}
}

// taken names what was revoked.
type taken struct {
	token bool
	name  string
}

type entry struct {
	taken
	at, until time.Time
	position  int // in the heap
}

type memory struct {
	limit int

	mu    sync.Mutex
	by    map[taken]*entry
	queue queue // the first to be forgotten at its head
}

func (m *memory) Add(_ context.Context, r Revocation) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	for len(m.queue) > 0 && !now.Before(m.queue[0].until) {
		delete(m.by, heap.Pop(&m.queue).(*entry).taken)
	}
	if !now.Before(r.Until) {
		return nil
	}
	name := taken{r.Token != "", r.Token + r.Key} // one of them is empty
	if e := m.by[name]; e != nil {
		if r.At.After(e.at) {
			e.at = r.At
		}
		if r.Until.After(e.until) {
			e.until = r.Until
			heap.Fix(&m.queue, e.position)
		}
		return nil
	}
	if len(m.by) >= m.limit {
		return ErrTooManyRevocations
	}
	e := &entry{taken: name, at: r.At, until: r.Until}
	m.by[name] = e
	heap.Push(&m.queue, e)
	return nil
}

func (m *memory) Revoked(_ context.Context, key, token string, issued time.Time) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if token != "" && m.by[taken{true, token}].holds() {
		return true, nil
	}
	if key == "" {
		return false, nil
	}
	e := m.by[taken{false, key}]
	return e.holds() && (issued.IsZero() || !issued.After(e.at)), nil
}

// holds reports whether an entry is there and not over.
func (e *entry) holds() bool { return e != nil && time.Now().Before(e.until) }

// queue implements heap.Interface.
type queue []*entry

func (q queue) Len() int           { return len(q) }
func (q queue) Less(i, j int) bool { return q[i].until.Before(q[j].until) }
func (q queue) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].position, q[j].position = i, j
}

func (q *queue) Push(v any) {
	e := v.(*entry)
	e.position = len(*q)
	*q = append(*q, e)
}

func (q *queue) Pop() any {
	last := len(*q) - 1
	e := (*q)[last]
	(*q)[last] = nil
	*q = (*q)[:last]
	return e
}
