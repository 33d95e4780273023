package adapter

import (
	"sync"
	"time"
)

// answering is a broadcast with acknowledgements that another node asked for: the
// answers of the local sockets go to it until all are there, its time is up or the
// adapter closes. mu guards memory only.
type answering struct {
	mu      sync.Mutex
	over    bool
	asked   bool        // the sockets have been asked: waiting and stop are true
	waiting int         // sockets that have not answered; before asked, minus those that have
	stop    func()      // of Node.DeliverWithAck
	timer   *time.Timer // counted in Cluster.owned while it is armed
}

// answerFor asks the local sockets on behalf of another node.
func (c *Cluster) answerFor(m *Message) {
	a := new(answering)
	c.mu.Lock()
	full := len(c.answers) >= c.options.MaxRequests
	if !full && !c.ended {
		c.answers[a] = struct{}{}
	}
	ended := c.ended
	c.mu.Unlock()
	switch {
	case ended:
		return
	case full: // the other node will find this one missing
		c.log.Warn("broadcast with acknowledgements refused: too many under way", "from", m.Node)
		return
	}

	f := m.Flags
	f.Timeout = 0
	ids, stop := c.node.DeliverWithAck(c.packet(m), m.Target, f, func(answer Answer) {
		c.forward(m, answer)
		if a.settled() {
			c.finish(a)
		}
	})
	count := &Message{Kind: KindBroadcastCount, RequestID: m.RequestID, Count: len(ids)}
	if m.Named {
		if count.IDs = ids; ids == nil {
			count.IDs = []string{}
		}
	}
	c.reply(m.Node, count)
	if c.hold(a, len(ids), stop, m.Flags.Timeout) {
		c.finish(a)
	}
}

// forward sends a socket's answer to the node that asked. A node that knows no names
// would take the news of a socket that is gone for an answer, and is not told.
func (c *Cluster) forward(m *Message, a Answer) {
	if c.isClosed() || a.Gone() && !m.Named {
		return
	}
	response := &Message{
		Kind: KindBroadcastAck, RequestID: m.RequestID, Data: a.Data, Attachments: a.Attachments,
	}
	if m.Named {
		response.Socket = a.Socket
	}
	c.reply(m.Node, response)
}

// settled notes an answer, and says whether it was the last.
func (a *answering) settled() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.waiting--
	return a.asked && a.waiting <= 0
}

// hold keeps a until its sockets have answered or the time is up, and says whether it is
// to be finished at once.
func (c *Cluster) hold(a *answering, sockets int, stop func(), timeout time.Duration) (finish bool) {
	if timeout <= 0 {
		timeout = DefaultTimeout
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.asked, a.stop = true, stop
	a.waiting += sockets
	if a.over || a.waiting <= 0 {
		return true
	}
	c.owned.Add(1)
	a.timer = time.AfterFunc(min(timeout, maxTimeout), func() {
		defer c.owned.Done()
		c.finish(a)
	})
	return false
}

// finish ends a, as often as it is called.
func (c *Cluster) finish(a *answering) {
	c.mu.Lock()
	delete(c.answers, a)
	c.mu.Unlock()
	a.mu.Lock()
	stop, timer := a.stop, a.timer
	a.over, a.stop, a.timer = true, nil, nil
	a.mu.Unlock()
	if timer != nil && timer.Stop() {
		c.owned.Done()
	}
	if stop != nil {
		stop()
	}
}
