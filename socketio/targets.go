package socketio

import (
	"context"
	"time"
)

// What follows begins a [Broadcast] at a namespace, or at a socket, which it leaves
// out.

// All selects every socket of the namespace.
func (ns *Namespace) All() Broadcast { return Broadcast{ns: ns} }

// To selects the members of the rooms: see [Broadcast.To].
func (ns *Namespace) To(rooms ...string) Broadcast { return ns.All().To(rooms...) }

// In is To.
func (ns *Namespace) In(rooms ...string) Broadcast { return ns.All().To(rooms...) }

// Except selects all but the members of the rooms.
func (ns *Namespace) Except(rooms ...string) Broadcast { return ns.All().Except(rooms...) }

// Local selects the sockets of this node.
func (ns *Namespace) Local() Broadcast { return ns.All().Local() }

// Volatile is [Broadcast.Volatile] of all sockets.
func (ns *Namespace) Volatile() Broadcast { return ns.All().Volatile() }

// Compress is [Broadcast.Compress] of all sockets.
func (ns *Namespace) Compress(on bool) Broadcast { return ns.All().Compress(on) }

// Timeout is [Broadcast.Timeout] of all sockets.
func (ns *Namespace) Timeout(d time.Duration) Broadcast { return ns.All().Timeout(d) }

// Emit is [Broadcast.Emit] to all sockets.
func (ns *Namespace) Emit(event string, args ...any) error { return ns.All().Emit(event, args...) }

// Ask is [Broadcast.Ask] of all sockets.
func (ns *Namespace) Ask(ctx context.Context, event string, args ...any) (*Answers, error) {
	return ns.All().Ask(ctx, event, args...)
}

// FetchSockets is [Broadcast.Fetch] of all sockets, on all nodes.
func (ns *Namespace) FetchSockets(ctx context.Context) ([]*RemoteSocket, error) {
	return ns.All().Fetch(ctx)
}

// SocketsJoin is [Broadcast.Join] of all sockets, on all nodes.
func (ns *Namespace) SocketsJoin(rooms ...string) error { return ns.All().Join(rooms...) }

// SocketsLeave is [Broadcast.Leave] of all sockets, on all nodes.
func (ns *Namespace) SocketsLeave(rooms ...string) error { return ns.All().Leave(rooms...) }

// DisconnectSockets is [Broadcast.Disconnect] of all sockets, on all nodes.
func (ns *Namespace) DisconnectSockets(closeConnection bool) error {
	return ns.All().Disconnect(closeConnection)
}

// Rooms lists the rooms that have members on any node, without those that are a
// socket's own id.
func (ns *Namespace) Rooms(ctx context.Context) ([]string, error) { return ns.reach().Rooms(ctx) }

// Nodes returns the number of nodes that serve the namespace, this one included.
func (ns *Namespace) Nodes(ctx context.Context) (int, error) { return ns.reach().Nodes(ctx) }

// Broadcast selects every socket of the namespace but this one.
func (s *Socket) Broadcast() Broadcast { return s.ns.Except(s.id) }

// To selects the members of the rooms, without this socket: see [Broadcast.To].
func (s *Socket) To(rooms ...string) Broadcast { return s.Broadcast().To(rooms...) }

// In is To.
func (s *Socket) In(rooms ...string) Broadcast { return s.To(rooms...) }

// Except selects all but the members of the rooms and this socket.
func (s *Socket) Except(rooms ...string) Broadcast { return s.Broadcast().Except(rooms...) }

// Local selects the other sockets of this node.
func (s *Socket) Local() Broadcast { return s.Broadcast().Local() }
