package adapter

import (
	"context"
	"sync"
	"time"

	"github.com/kachi-io/kachi/socketio/packet"
)

// maxGathered bounds what may wait for a slow AckSink. Answers beyond it are lost,
// and so count as missing.
const maxGathered = 1 << 20

// gathering collects the answers to one broadcast with acknowledgements. Whoever has
// news adds them; the goroutine that called BroadcastWithAck takes them, does the
// accounts and tells the sink, all by itself.
type gathering struct {
	mu   sync.Mutex // guards news and over
	news []news
	over bool
	wake chan struct{}

	// The accounts, which belong to the caller's goroutine.
	sink    AckSink
	roll    roll
	asked   map[string]*account // by node, where the wire carries its id
	seen    map[string]struct{} // sockets that have answered or gone
	expect  int
	settled int

	// Where the broker counts the nodes: when to ask it again, and how.
	tick  <-chan time.Time
	count func() (others int, err error)
}

type account struct {
	known           bool // the node has said how many it asked
	expect, settled int
}

type newsKind uint8

const (
	newsAnswer newsKind = iota // a socket answered, or is gone
	newsExpect                 // a node says which sockets it asked
	newsGone                   // a node is no more
	newsEnd                    // nothing more will come from other nodes
)

type news struct {
	kind   newsKind
	answer Answer
	count  int
	ids    []string
	err    error // newsGone: ErrNodeLost or nil; newsEnd: why
}

func newGathering(sink AckSink) *gathering {
	return &gathering{sink: sink, wake: make(chan struct{}, 1)}
}

func (g *gathering) add(n news) {
	g.mu.Lock()
	if g.over || len(g.news) >= maxGathered {
		g.mu.Unlock()
		return
	}
	g.news = append(g.news, n)
	g.mu.Unlock()
	select {
	case g.wake <- struct{}{}:
	default:
	}
}

// wait tells the sink what comes until all is there, ctx ends or the adapter closes.
func (g *gathering) wait(ctx context.Context, closed <-chan struct{}) error {
	defer g.end()
	for {
		select {
		case <-closed: // what comes after that is of sockets that end with the server
			return ErrClosed
		default:
		}
		for _, n := range g.take() {
			g.apply(n)
		}
		if g.roll.done() && g.settled >= g.expect {
			return g.roll.err(nil)
		}
		select {
		case <-g.wake:
		case <-g.tick:
			if others, err := g.count(); err == nil {
				g.roll.recount(others)
			}
		case <-closed:
			return ErrClosed
		case <-ctx.Done():
			for _, n := range g.take() { // what came at the last moment
				g.apply(n)
			}
			if !g.roll.done() {
				return g.roll.err(ctx.Err())
			}
			if err := g.roll.err(nil); err != nil || g.settled >= g.expect {
				return err
			}
			return ctx.Err()
		}
	}
}

func (g *gathering) take() []news {
	g.mu.Lock()
	defer g.mu.Unlock()
	batch := g.news
	g.news = nil
	return batch
}

func (g *gathering) end() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.over, g.news = true, nil
}

func (g *gathering) apply(n news) {
	node := n.answer.Node
	switch n.kind {
	case newsExpect:
		if !g.roll.answered(node) {
			return
		}
		g.expected(node, n.count, n.ids)
	case newsAnswer:
		if id := n.answer.Socket; id != "" {
			if _, twice := g.seen[id]; twice {
				return
			}
			if g.seen == nil {
				g.seen = make(map[string]struct{})
			}
			g.seen[id] = struct{}{}
		}
		if node != "" {
			a := g.account(node)
			if a.known && a.settled >= a.expect {
				return // more answers than sockets: the broker repeats itself
			}
			a.settled++
		}
		g.settled++
		g.sink.Answer(n.answer)
	case newsGone:
		a := g.asked[node]
		unsettled := a != nil && a.settled < a.expect
		g.roll.gone(node, n.err, unsettled)
		if unsettled { // nothing more will come from its sockets
			g.settled += a.expect - a.settled
			a.settled = a.expect
		}
	case newsEnd:
		g.roll.end(n.err)
		for node, a := range g.asked {
			if node != g.roll.self && a.settled < a.expect {
				g.roll.gone(node, n.err, true)
				g.settled += a.expect - a.settled
				a.settled = a.expect
			}
		}
	}
}

func (g *gathering) expected(node string, count int, ids []string) {
	g.expect += count
	if node != "" {
		a := g.account(node)
		a.known, a.expect = true, count
	}
	g.sink.Expect(node, count, ids)
}

func (g *gathering) account(node string) *account {
	a := g.asked[node]
	if a == nil {
		a = new(account)
		if g.asked == nil {
			g.asked = make(map[string]*account)
		}
		g.asked[node] = a
	}
	return a
}

// askLocal sends the packet to the local sockets and tells the sink which they are.
func (g *gathering) askLocal(self string, n Node, p *packet.Packet, t Target, f Flags) (stop func()) {
	ids, stop := n.DeliverWithAck(p, t, f, func(a Answer) {
		a.Node = self
		g.add(news{kind: newsAnswer, answer: a})
	})
	if ids == nil {
		ids = []string{} // nil would mean that they have no names
	}
	g.expected(self, len(ids), ids)
	return stop
}

// bounded gives a context without deadline the default one.
func bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, DefaultTimeout)
}
