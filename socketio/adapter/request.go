package adapter

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/kachi-io/kachi/socketio/packet"
)

// request is a question to all other nodes. mu guards memory only.
type request struct {
	mu      sync.Mutex
	over    bool
	done    chan struct{} // closed when over
	roll    roll
	sockets []SocketInfo
	count   int
	rooms   map[string]struct{}
	answers []Answer
	recount chan struct{} // a node has left: the broker's count may have changed
}

// answered adds a node's response.
func (r *request) answered(m *Message) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.over || !r.roll.answered(m.Node) {
		return
	}
	switch m.Kind {
	case KindServerSideResponse:
		r.answers = append(r.answers, Answer{Node: m.Node, Data: m.Data, Attachments: m.Attachments})
	case KindFetchResponse:
		r.count += m.Count
		if r.rooms == nil {
			r.sockets = append(r.sockets, m.Sockets...)
			break
		}
		for _, room := range m.Rooms {
			r.rooms[room] = struct{}{}
		}
		for _, s := range m.Sockets { // a Node server, which knows descriptions only
			for _, room := range s.Rooms {
				if room != s.ID {
					r.rooms[room] = struct{}{}
				}
			}
		}
	}
	r.check()
}

func (r *request) gone(node string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.over {
		r.roll.gone(node, err, false)
		r.check()
		select {
		case r.recount <- struct{}{}:
		default:
		}
	}
}

// end gives up those that have not answered.
func (r *request) end(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.over {
		r.roll.end(err)
		r.check()
	}
}

func (r *request) check() {
	if r.roll.done() {
		r.over = true
		close(r.done)
	}
}

// ask sends a question to all other nodes and waits for the answers. The request that it
// returns is over, and so is nobody else's any more; the error says what is missing.
func (c *Cluster) ask(ctx context.Context, m *Message) (*request, error) {
	r := &request{done: make(chan struct{}), recount: make(chan struct{}, 1)}
	if m.Want == WantRooms {
		r.rooms = make(map[string]struct{})
	}
	if c.isClosed() {
		r.over = true
		return r, ErrClosed
	}
	ctx, cancel := bounded(ctx)
	defer cancel()
	others, err := c.counted(ctx)
	var id string
	if err == nil {
		id, err = c.register(others, func(id string, who roll) {
			r.roll = who
			r.check()
			c.requests[id] = r
		})
		defer c.forget(id)
	}
	if err == nil && (r.roll.asked > 0 || m.Kind != KindFetch) {
		// With nobody to ask, a server-side event goes out all the same.
		m.RequestID = id
		err = c.publish(m)
	}
	if err != nil {
		r.end(err)
		return r, r.missed(err)
	}
	c.await(ctx, r)
	return r, r.missed(nil)
}

// recountInterval is how often a request that waits for nodes that only the broker counts
// asks it again, so that a node that is no more is not waited for to the end.
const recountInterval = 500 * time.Millisecond

// await waits until r is over.
func (c *Cluster) await(ctx context.Context, r *request) {
	var tick <-chan time.Time
	if c.counter != nil {
		ticker := time.NewTicker(recountInterval)
		defer ticker.Stop()
		tick = ticker.C
	}
	for {
		select {
		case <-r.done:
			return
		case <-ctx.Done():
			r.end(ctx.Err())
			return
		case <-c.closed:
			r.end(ErrClosed)
			return
		case <-r.recount:
		case <-tick:
		}
		if c.counter == nil {
			continue
		}
		if others, err := c.counted(ctx); err == nil {
			r.mu.Lock()
			if !r.over {
				r.roll.recount(others)
				r.check()
			}
			r.mu.Unlock()
		}
	}
}

// missed is the outcome of a request that is over. why is told also when nobody is known
// to be missing, because nobody could be asked.
func (r *request) missed(why error) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.over = true
	if err := r.roll.err(why); err != nil || why == nil {
		return err
	}
	return &MissingNodesError{Asked: r.roll.asked, Err: why}
}

// register gives a request its id and the list of those that must answer, for put to
// enter into a table, all under the lock: whoever goes away afterwards finds the request
// there. With an error the request need not be published; it is entered nevertheless.
func (c *Cluster) register(others int, put func(id string, who roll)) (id string, err error) {
	id = randomID()
	c.mu.Lock()
	defer c.mu.Unlock()
	full := len(c.requests)+len(c.asks) >= c.options.MaxRequests
	put(id, newRoll(c.id, c.present(), others))
	switch {
	case c.ended:
		return id, ErrClosed
	case full:
		return id, ErrBusy
	case c.down != nil:
		return id, disconnected(c.down)
	}
	return id, nil
}

func (c *Cluster) forget(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.requests, id)
	delete(c.asks, id)
}

// BroadcastWithAck implements Adapter.
func (c *Cluster) BroadcastWithAck(ctx context.Context, p *packet.Packet, t Target, f Flags, sink AckSink) error {
	if c.isClosed() {
		return ErrClosed
	}
	ctx, cancel := bounded(ctx)
	defer cancel()
	others, unreached := c.counted(ctx)
	g := newGathering(sink)
	id, err := c.register(others, func(id string, who roll) {
		g.roll = who
		c.asks[id] = g
	})
	defer c.forget(id)
	switch {
	case errors.Is(err, ErrClosed), errors.Is(err, ErrBusy):
		return err
	case unreached == nil:
		unreached = err
	}
	deadline, _ := ctx.Deadline()
	f.Timeout = max(time.Until(deadline), time.Millisecond)

	if unreached == nil {
		unreached = c.publish(&Message{
			Kind: KindBroadcast, RequestID: id, Target: t, Flags: f,
			Data: p.Data, Attachments: p.Attachments, Named: true,
		})
	}
	if unreached != nil {
		g.roll.end(unreached)
	}
	f.Timeout = 0
	stop := g.askLocal(c.id, c.node, p, t, f)
	defer stop()
	if c.counter != nil {
		ticker := time.NewTicker(recountInterval)
		defer ticker.Stop()
		g.tick = ticker.C
		g.count = func() (int, error) { return c.counted(ctx) }
	}
	err = g.wait(ctx, c.closed)
	if err == nil && unreached != nil { // nobody is known to be missing, but who knows
		return &MissingNodesError{Asked: g.roll.asked, Err: unreached}
	}
	return err
}

// Sockets implements Adapter.
func (c *Cluster) Sockets(ctx context.Context, t Target) ([]SocketInfo, error) {
	r, err := c.ask(ctx, &Message{Kind: KindFetch, Target: t})
	if c.isClosed() {
		return r.sockets, err
	}
	return append(c.node.Sockets(t), r.sockets...), err
}

// Count implements Adapter.
func (c *Cluster) Count(ctx context.Context, t Target) (int, error) {
	r, err := c.ask(ctx, &Message{Kind: KindFetch, Target: t, Want: WantCount})
	if c.isClosed() {
		return r.count, err
	}
	return c.node.Count(t) + r.count, err
}

// Rooms implements Adapter.
func (c *Cluster) Rooms(ctx context.Context) ([]string, error) {
	r, err := c.ask(ctx, &Message{Kind: KindFetch, Want: WantRooms})
	rooms := make(map[string]struct{}, len(r.rooms))
	for room := range r.rooms {
		rooms[room] = struct{}{}
	}
	if !c.isClosed() {
		for _, room := range c.node.Rooms() {
			rooms[room] = struct{}{}
		}
	}
	list := make([]string, 0, len(rooms))
	for room := range rooms {
		list = append(list, room)
	}
	slices.Sort(list)
	return list, err
}

// ServerSideEmitWithAck implements Adapter.
func (c *Cluster) ServerSideEmitWithAck(ctx context.Context, data []byte, attachments [][]byte) ([]Answer, error) {
	r, err := c.ask(ctx, &Message{Kind: KindServerSideEmit, Data: data, Attachments: attachments})
	return r.answers, err
}
