package socketio

import (
	"encoding/json"
	"net/netip"
	"slices"
	"sync/atomic"

	"github.com/kachi-io/kachi/engineio"
	"github.com/kachi-io/kachi/socketio/adapter"
	"github.com/kachi-io/kachi/socketio/packet"
)

// node is what a namespace shows to its adapter.
type node struct{ ns *Namespace }

var _ adapter.Node = node{}

func (n node) Namespace() string { return n.ns.name }

// Deliver encodes the packet once, and hands the same message to every receiver's
// outbox under the locks that give a room its one order. Flushers write it.
func (n node) Deliver(p *packet.Packet, t adapter.Target, f adapter.Flags) {
	outgoing := len(n.ns.registered().outgoing) > 0
	if !outgoing && !n.ns.tellsDrops(f) {
		n.ns.queue(p, t, f, nil)
		return
	}
	var to, dropped []*Socket
	n.ns.queue(p, t, f, func(s *Socket, err error) {
		switch {
		case err == nil && outgoing:
			to = append(to, s)
		case err == engineio.ErrDropped:
			dropped = append(dropped, s)
		}
	})
	n.ns.sent(p, to...)
	n.ns.dropped(p, dropped)
}

// queue queues a packet for all that t selects, and tells told, unless that is nil, what
// became of it for each; under the rooms' locks.
func (ns *Namespace) queue(p *packet.Packet, t adapter.Target, f adapter.Flags, told func(*Socket, error)) {
	var failed error
	if ns.journal != nil && p.Type == packet.Event && p.ID == packet.NoID {
		failed = ns.journal.send(p, t, f, told)
	} else {
		c := copies{packet: p, flags: f}
		ns.local.each(t, func(s *Socket) {
			err := c.queue(s)
			if told != nil {
				told(s, err)
			}
		})
		failed = c.failed()
	}
	if failed != nil {
		ns.srv.opts.Logger.Error("an event reaches only some of its receivers", "namespace", ns.name, "error", failed)
	}
}

// tellsDrops reports whether somebody wants to know for whom an event is dropped.
func (ns *Namespace) tellsDrops(f adapter.Flags) bool {
	return f.Volatile && ns.srv.opts.Hooks.Dropped != nil
}

// dropped tells that the event of p was dropped for sockets. No lock is held.
func (ns *Namespace) dropped(p *packet.Packet, sockets []*Socket) {
	hook := ns.srv.opts.Hooks.Dropped
	if len(sockets) == 0 || hook == nil {
		return
	}
	event, _, _ := packet.ParseEvent(p) // "" for what another node sent and is no event
	for _, s := range sockets {
		hook(s, event)
	}
}

// poll is a question to several sockets.
type poll struct {
	reply   func(adapter.Answer)
	stopped atomic.Bool
}

func (q *poll) answer(s *Socket, data []byte, attachments [][]byte) {
	if !q.stopped.Load() {
		q.reply(adapter.Answer{Socket: s.id, Data: data, Attachments: attachments})
	}
}

func (q *poll) gone(s *Socket) {
	if !q.stopped.Load() {
		q.reply(adapter.Answer{Socket: s.id})
	}
}

func (n node) DeliverWithAck(p *packet.Packet, t adapter.Target, f adapter.Flags, reply func(adapter.Answer)) (ids []string, stop func()) {
	own := *p
	own.ID = n.ns.ackIDs.Add(1) - 1
	c := copies{packet: &own, flags: f}
	q := &poll{reply: reply}
	var to, dropped []*Socket
	n.ns.local.each(t, func(s *Socket) {
		if !s.asked.add(own.ID, q) {
			return
		}
		err := c.queue(s)
		if err == engineio.ErrDropped {
			dropped = append(dropped, s)
		}
		if err != nil && s.asked.take(own.ID) != nil {
			return // not sent, so there is nothing to answer; unless it ended meanwhile, which q was told
		}
		ids, to = append(ids, s.id), append(to, s)
	})
	n.ns.sent(p, to...)
	n.ns.dropped(p, dropped)
	return ids, func() {
		q.stopped.Store(true)
		for _, s := range to {
			s.asked.take(own.ID)
		}
	}
}

func (n node) Sockets(t adapter.Target) []adapter.SocketInfo {
	sockets := n.ns.local.selected(t)
	infos := make([]adapter.SocketInfo, len(sockets))
	for i, s := range sockets {
		infos[i] = s.info()
	}
	return infos
}

// info describes the socket to other nodes.
func (s *Socket) info() adapter.SocketInfo {
	h := s.Handshake()
	info := adapter.SocketInfo{
		ID: s.id,
		Handshake: adapter.Handshake{
			Header:  h.Header(),
			Time:    h.Time,
			Address: addressText(h.Address),
			XDomain: h.XDomain,
			Secure:  h.Secure,
			URL:     h.URL,
			Query:   h.Query(),
			Auth:    s.auth,
		},
		Rooms: s.Rooms(),
	}
	if v := s.Data(); v != nil {
		var data []byte
		err := protect(func() (err error) { data, err = json.Marshal(v); return err })
		if err != nil {
			s.ns.srv.opts.Logger.Warn("the data of a socket cannot be encoded", "namespace", s.ns.name, "socket", s.id, "error", err)
		}
		info.Data = data
	}
	return info
}

func (n node) SocketIDs(t adapter.Target) []string {
	var ids []string
	n.ns.local.each(t, func(s *Socket) { ids = append(ids, s.id) })
	return ids
}

func (n node) Count(t adapter.Target) int {
	if len(t.Rooms) == 0 && len(t.Except) == 0 {
		return n.ns.local.count()
	}
	count := 0
	n.ns.local.each(t, func(*Socket) { count++ })
	return count
}

func (n node) Rooms() []string          { return n.ns.local.names() }
func (n node) HasRoom(room string) bool { return n.ns.local.has(room) }

func (n node) Join(t adapter.Target, rooms []string) {
	for _, s := range n.ns.local.selected(t) {
		s.Join(rooms...)
	}
}

func (n node) Leave(t adapter.Target, rooms []string) {
	for _, s := range n.ns.local.selected(t) {
		s.Leave(rooms...)
	}
}

func (n node) Disconnect(t adapter.Target, closeConnection bool) {
	for _, s := range n.ns.local.selected(t) {
		s.Disconnect(closeConnection)
	}
}

func (n node) ServerSideEvent(data []byte, attachments [][]byte, answer func([]byte, [][]byte)) {
	n.ns.takeServerSide(data, slices.Clone(attachments), answer)
}

// addressText is empty where a connection has no address: a Unix socket.
func addressText(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}
