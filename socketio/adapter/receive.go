package adapter

import (
	"sync/atomic"

	"github.com/kachi-io/kachi/socketio/packet"
)

// receive takes a message from the wire.
func (c *Cluster) receive(m *Message) {
	if m.Namespace != c.node.Namespace() || c.isClosed() {
		return
	}
	if m.Node == c.id {
		// An ordered wire hands back what this node sent, at its place in the order.
		if c.options.Ordered && m.RequestID == "" {
			c.apply(m)
		}
		return
	}
	if m.Kind == KindClose {
		c.farewell(m.Node)
		return
	}
	c.noticed(m.Node)
	switch m.Kind {
	case KindInitialHeartbeat:
		if !c.beats() {
			return
		}
		if err := c.publish(&Message{Kind: KindHeartbeat}); err != nil {
			c.log.Debug("heartbeat not sent", "error", err)
		}
	case KindHeartbeat:
	case KindFetch:
		c.describe(m)
	case KindServerSideEmit:
		c.serverSide(m)
	case KindFetchResponse, KindServerSideResponse:
		c.mu.Lock()
		r := c.requests[m.RequestID]
		c.mu.Unlock()
		if r != nil {
			r.answered(m)
		}
	case KindBroadcastCount, KindBroadcastAck:
		c.mu.Lock()
		g := c.asks[m.RequestID]
		c.mu.Unlock()
		if g == nil {
			return
		}
		if m.Kind == KindBroadcastCount {
			g.add(news{kind: newsExpect, answer: Answer{Node: m.Node}, count: m.Count, ids: m.IDs})
		} else {
			g.add(news{kind: newsAnswer, answer: Answer{
				Node: m.Node, Socket: m.Socket, Data: m.Data, Attachments: m.Attachments,
			}})
		}
	default:
		c.apply(m)
	}
}

// apply does what concerns the local sockets.
func (c *Cluster) apply(m *Message) {
	switch m.Kind {
	case KindBroadcast:
		if m.RequestID != "" {
			c.answerFor(m)
			return
		}
		f := m.Flags
		f.Timeout, f.Offset = 0, m.Offset
		c.node.Deliver(c.packet(m), m.Target, f)
	case KindJoin:
		c.node.Join(m.Target, m.Rooms)
	case KindLeave:
		c.node.Leave(m.Target, m.Rooms)
	case KindDisconnect:
		c.node.Disconnect(m.Target, m.Close)
	}
}

func (c *Cluster) packet(m *Message) *packet.Packet {
	return &packet.Packet{
		Type: packet.Event, Namespace: c.node.Namespace(), ID: packet.NoID,
		Data: m.Data, Attachments: m.Attachments,
	}
}

// reply sends a response to the node that asked.
func (c *Cluster) reply(to string, m *Message) {
	m.Node, m.Namespace = c.id, c.node.Namespace()
	if err := c.wire.Send(to, m); err != nil {
		c.log.Debug("response not sent", "to", to, "kind", m.Kind, "error", err)
	}
}

// describe answers a question about the local sockets.
func (c *Cluster) describe(m *Message) {
	response := &Message{Kind: KindFetchResponse, RequestID: m.RequestID, Want: m.Want}
	if m.Want == WantCount {
		response.Count = c.node.Count(m.Target)
		c.reply(m.Node, response)
		return
	}
	c.elsewhere(func() {
		if m.Want == WantRooms {
			response.Rooms = c.node.Rooms()
		} else {
			response.Sockets = c.node.Sockets(m.Target)
			response.Count = len(response.Sockets)
		}
		c.reply(m.Node, response)
	})
}

// elsewhere runs f on another goroutine if it may, so that what is received does not
// wait for it.
func (c *Cluster) elsewhere(f func()) {
	select {
	case c.heavy <- struct{}{}:
	default:
		f()
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended { // Close may be waiting already: add nothing to what it waits for
		<-c.heavy
		return
	}
	c.owned.Go(func() {
		defer func() { <-c.heavy }()
		f()
	})
}

// serverSide hands an event of another node to the application.
func (c *Cluster) serverSide(m *Message) {
	if m.RequestID == "" {
		c.node.ServerSideEvent(m.Data, m.Attachments, nil)
		return
	}
	var called atomic.Bool
	c.node.ServerSideEvent(m.Data, m.Attachments, func(data []byte, attachments [][]byte) {
		if called.Swap(true) || c.isClosed() {
			return
		}
		c.reply(m.Node, &Message{
			Kind: KindServerSideResponse, RequestID: m.RequestID, Data: data, Attachments: attachments,
		})
	})
}
