package socketio

import (
	"maps"
	"slices"

	"github.com/kachi-io/kachi/socketio/adapter"
	"github.com/kachi-io/kachi/socketio/packet"
)

// family is what a [Dynamic] shows to its adapter: its namespaces on this node, as if they
// were one. Who comes while something is handed to them may get it, or not.
type family struct{ d *Dynamic }

var _ adapter.Node = family{}

func (f family) nodes(do func(n node)) {
	for _, ns := range f.d.Children() {
		do(node{ns})
	}
}

func (f family) Namespace() string { return f.d.name }

// Deliver hands the packet on in each namespace's name.
func (f family) Deliver(p *packet.Packet, t adapter.Target, flags adapter.Flags) {
	flags.Offset = "" // a position among the Dynamic's own
	f.nodes(func(n node) {
		if n.ns.journal != nil || n.ns.Count() > 0 {
			n.Deliver(n.own(p), t, flags)
		}
	})
}

// own returns a packet of the Dynamic as one of the namespace.
func (n node) own(p *packet.Packet) *packet.Packet {
	q := *p
	q.Namespace = n.ns.name
	return &q
}

func (f family) DeliverWithAck(p *packet.Packet, t adapter.Target, flags adapter.Flags, answer func(adapter.Answer)) (ids []string, stop func()) {
	var stops []func()
	f.nodes(func(n node) {
		if n.ns.Count() == 0 {
			return
		}
		asked, end := n.DeliverWithAck(n.own(p), t, flags, answer)
		ids, stops = append(ids, asked...), append(stops, end)
	})
	return ids, func() {
		for _, end := range stops {
			end()
		}
	}
}

func (f family) Sockets(t adapter.Target) (infos []adapter.SocketInfo) {
	f.nodes(func(n node) { infos = append(infos, n.Sockets(t)...) })
	return infos
}

func (f family) SocketIDs(t adapter.Target) (ids []string) {
	f.nodes(func(n node) { ids = append(ids, n.SocketIDs(t)...) })
	return ids
}

func (f family) Count(t adapter.Target) (count int) {
	f.nodes(func(n node) { count += n.Count(t) })
	return count
}

func (f family) Rooms() []string {
	names := map[string]struct{}{}
	f.nodes(func(n node) {
		for _, room := range n.Rooms() {
			names[room] = struct{}{}
		}
	})
	return slices.Collect(maps.Keys(names))
}

func (f family) HasRoom(room string) bool {
	return slices.ContainsFunc(f.d.Children(), func(ns *Namespace) bool { return ns.local.has(room) })
}

func (f family) Join(t adapter.Target, rooms []string) {
	f.nodes(func(n node) { n.Join(t, rooms) })
}

func (f family) Leave(t adapter.Target, rooms []string) {
	f.nodes(func(n node) { n.Leave(t, rooms) })
}

func (f family) Disconnect(t adapter.Target, closeConnection bool) {
	f.nodes(func(n node) { n.Disconnect(t, closeConnection) })
}

func (f family) ServerSideEvent(data []byte, attachments [][]byte, answer func([]byte, [][]byte)) {
	node{f.d.Namespace}.ServerSideEvent(data, attachments, answer)
}
