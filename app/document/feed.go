package document

import (
	"context"
	"sync"
)

// Feed carries changes to all servers of one database. It is safe for concurrent use.
//
// A server tells its own sockets of what it is handed, and nobody else's: so each subscriber
// is told once, however many servers there are. What a feed gets from outside it checks
// before it hands it on.
type Feed interface {
	// Publish hands a change to every server, the one that calls included, once: those of
	// one key in the order in which they are published here. An error says that some may
	// not get it.
	Publish(ctx context.Context, d Document) error
	// Subscribe has a function called with each change from now on, one after the other for
	// each key, until stop is called, which waits for calls that are under way. The
	// function does not block.
	Subscribe(ctx context.Context, tell func(ctx context.Context, d Document)) (stop func(), err error)
}

// NewFeed makes a feed for servers in this process: mostly there is one.
func NewFeed() Feed { return &local{tell: map[int]func(context.Context, Document){}} }

type local struct {
	mu   sync.RWMutex // held while functions are called: they queue, and do not block
	next int
	tell map[int]func(context.Context, Document)
}

func (l *local) Publish(ctx context.Context, d Document) error {
	l.mu.RLock()
	defer l.mu.RUnlock()
	for _, tell := range l.tell {
		tell(ctx, d)
	}
	return nil
}

func (l *local) Subscribe(_ context.Context, tell func(context.Context, Document)) (stop func(), err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	id := l.next
	l.next++
	l.tell[id] = tell
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.tell, id)
	}, nil
}
