package adapter

import (
	"context"
	"time"
)

// maxMembers bounds the list of nodes. A cluster that large has other troubles.
const maxMembers = 4096

// member is another node.
type member struct {
	seen time.Time
	left bool // it said farewell; kept for a while so that its stragglers do not bring it back
}

// beats reports that this node sends and expects heartbeats.
func (c *Cluster) beats() bool { return c.options.HeartbeatInterval > 0 }

// announce asks the other nodes to show themselves.
func (c *Cluster) announce() {
	if !c.beats() {
		return
	}
	if c.options.Discovery > 0 {
		c.mu.Lock()
		c.settled = time.Now().Add(c.options.Discovery)
		c.mu.Unlock()
	}
	if err := c.publish(&Message{Kind: KindInitialHeartbeat}); err != nil {
		c.log.Debug("announcement not sent", "error", err)
	}
}

// beat shows this node to the others, and drops those that have become silent. Node's
// adapters leave out a heartbeat when something else was published; this one does not,
// because a broadcast to one room may travel on a channel that not every node hears.
func (c *Cluster) beat() {
	heart := time.NewTicker(c.options.HeartbeatInterval)
	defer heart.Stop()
	sweep := time.NewTicker(max(min(time.Second, c.options.HeartbeatTimeout/10), time.Millisecond))
	defer sweep.Stop()
	for {
		select {
		case <-c.closed:
			return
		case <-heart.C:
			if err := c.publish(&Message{Kind: KindHeartbeat}); err != nil {
				c.log.Debug("heartbeat not sent", "error", err)
			}
		case <-sweep.C:
			c.dropSilent()
		}
	}
}

// noticed notes that a node has shown itself by a message.
func (c *Cluster) noticed(node string) {
	if node == "" || node == EmitterNode || !c.beats() {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if m := c.members[node]; m != nil {
		if !m.left {
			m.seen = time.Now()
		}
		return
	}
	if c.ended || len(c.members) >= maxMembers {
		return
	}
	c.members[node] = &member{seen: time.Now()}
}

// dropSilent takes nodes off the list that have not been heard of for too long. While
// the broker is away nobody can be heard, and nobody is dropped.
func (c *Cluster) dropSilent() {
	var lost []string
	limit := time.Now().Add(-c.options.HeartbeatTimeout)
	c.mu.Lock()
	for id, m := range c.members {
		switch {
		case m.left && m.seen.Before(limit):
			delete(c.members, id)
		case !m.left && m.seen.Before(limit) && c.down == nil:
			delete(c.members, id)
			lost = append(lost, id)
		}
	}
	c.mu.Unlock()
	for _, id := range lost {
		c.log.Warn("node lost: no heartbeat", "lost", id)
		c.gone(id, ErrNodeLost)
	}
}

// farewell notes that a node leaves in good order.
func (c *Cluster) farewell(node string) {
	c.mu.Lock()
	if m := c.members[node]; m != nil {
		m.left, m.seen = true, time.Now()
	}
	c.mu.Unlock()
	c.gone(node, nil)
}

// gone tells all requests that a node will not answer any more.
func (c *Cluster) gone(node string, err error) {
	requests, asks := c.pending()
	for _, r := range requests {
		r.gone(node, err)
	}
	for _, g := range asks {
		g.add(news{kind: newsGone, answer: Answer{Node: node}, err: err})
	}
}

// pending lists what waits for other nodes.
func (c *Cluster) pending() (requests []*request, asks []*gathering) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, r := range c.requests {
		requests = append(requests, r)
	}
	for _, g := range c.asks {
		asks = append(asks, g)
	}
	return requests, asks
}

// stateChanged is what the wire calls when the broker goes away or comes back. Answers
// that were under way are lost with the connection, so nobody waits for them.
func (c *Cluster) stateChanged(err error) {
	c.mu.Lock()
	back := c.down != nil && err == nil
	away := c.down == nil && err != nil
	c.down = err
	if back { // give everybody time to be heard again
		now := time.Now()
		for _, m := range c.members {
			m.seen = now
		}
	}
	c.mu.Unlock()
	switch {
	case away:
		c.log.Warn("broker away", "error", err)
		requests, asks := c.pending()
		for _, r := range requests {
			r.end(disconnected(err))
		}
		for _, g := range asks {
			g.add(news{kind: newsEnd, err: disconnected(err)})
		}
	case back:
		c.log.Info("broker back")
		c.announce()
	}
}

// counted waits until the other nodes have had time to show themselves, or asks the
// broker for their number (0 where it does not count).
func (c *Cluster) counted(ctx context.Context) (others int, err error) {
	if c.counter == nil {
		return 0, c.discovered(ctx)
	}
	n, err := c.counter.CountNodes(ctx)
	return max(n-1, 0), err
}

// present lists the nodes known. c.mu is held.
func (c *Cluster) present() []string {
	names := make([]string, 0, len(c.members))
	for id, m := range c.members {
		if !m.left {
			names = append(names, id)
		}
	}
	return names
}

// discovered waits until the other nodes have had time to show themselves.
func (c *Cluster) discovered(ctx context.Context) error {
	c.mu.Lock()
	rest := time.Until(c.settled)
	c.mu.Unlock()
	if rest <= 0 {
		return nil
	}
	timer := time.NewTimer(rest)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-c.closed:
		return ErrClosed
	}
}

// Nodes implements Adapter.
func (c *Cluster) Nodes(ctx context.Context) (int, error) {
	if c.isClosed() {
		return 0, ErrClosed
	}
	ctx, cancel := bounded(ctx)
	defer cancel()
	others, err := c.counted(ctx)
	c.mu.Lock()
	defer c.mu.Unlock()
	if err == nil && c.down != nil {
		err = disconnected(c.down)
	}
	return 1 + max(others, len(c.present())), err
}
