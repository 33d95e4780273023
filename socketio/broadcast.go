package socketio

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/kachi-io/kachi/socketio/adapter"
	"github.com/kachi-io/kachi/socketio/packet"
)

// Broadcast selects sockets of a namespace, on all nodes, and says how they are sent
// something. It is an immutable value: each method returns another, so that one may be
// kept, shared and refined. The selection is made anew at each use.
type Broadcast struct {
	ns      *Namespace
	target  adapter.Target
	flags   adapter.Flags
	local   bool
	rooms   bool // only the members of target.Rooms, even where that is empty
	timeout time.Duration
}

// To adds the members of the rooms to the selection. A socket's id is a room with that
// one member; a socket in several of the rooms is selected once. An empty list selects
// nobody (in Node it selects everyone, so that a query without results tells the world).
func (b Broadcast) To(rooms ...string) Broadcast {
	b.rooms = true
	b.target.Rooms = append(slices.Clip(b.target.Rooms), rooms...)
	return b
}

// In is To.
func (b Broadcast) In(rooms ...string) Broadcast { return b.To(rooms...) }

// Except takes the members of the rooms out of the selection.
func (b Broadcast) Except(rooms ...string) Broadcast {
	b.target.Except = append(slices.Clip(b.target.Except), rooms...)
	return b
}

// Local selects sockets of this node only.
func (b Broadcast) Local() Broadcast { b.local = true; return b }

// Volatile makes events that may be lost: see [Socket.Volatile].
func (b Broadcast) Volatile() Broadcast { b.flags.Volatile = true; return b }

// Compress allows compression (the default) or forbids it: see [Socket.Compress].
func (b Broadcast) Compress(on bool) Broadcast { b.flags.NoCompress = !on; return b }

// Timeout bounds how long Ask waits, besides its context. Default
// [Options.AckTimeout].
func (b Broadcast) Timeout(d time.Duration) Broadcast { b.timeout = d; return b }

func (b Broadcast) adapter() adapter.Adapter {
	if b.rooms && len(b.target.Rooms) == 0 {
		return nobody{}
	}
	if b.local {
		return b.ns.alone
	}
	return b.ns.reach()
}

// Emit sends an event to the selected sockets. It is encoded once. An error is one of
// encoding, or of the cluster: the sockets of this node have got the event
// nevertheless.
func (b Broadcast) Emit(event string, args ...any) error {
	p, err := eventPacket(b.ns.name, event, args)
	if err != nil {
		return err
	}
	return b.adapter().Broadcast(&p, b.target, b.flags)
}

// Answers tells who acknowledged a broadcast, and who did not.
type Answers struct {
	// Answers came in this order.
	Answers []Answer
	// Expected is how many sockets the event was sent to.
	Expected int
	// Missing are the ids of the sockets that did not answer, as far as they are known:
	// Node servers in a cluster tell numbers, not ids.
	Missing []string
	// MissingCount is the number of the sockets that did not answer.
	MissingCount int
}

// Answer is one socket's acknowledgement of a broadcast.
type Answer struct {
	Socket string // its id; empty where a Node server does not tell it
	packet.Args
}

// Ask sends an event to the selected sockets and waits until each has acknowledged it
// or has left. What came is returned with every error: [ErrAckTimeout] when sockets did
// not answer in time, an [*adapter.MissingNodesError] when nodes of the cluster did not.
func (b Broadcast) Ask(ctx context.Context, event string, args ...any) (*Answers, error) {
	p, err := eventPacket(b.ns.name, event, args)
	if err != nil {
		return &Answers{}, err
	}
	timeout := b.timeout
	if _, bounded := ctx.Deadline(); !bounded && timeout == 0 {
		timeout = b.ns.srv.opts.AckTimeout
	}
	if timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, timeout)
		defer cancel()
	}
	var sink adapter.Acks
	err = b.adapter().BroadcastWithAck(ctx, &p, b.target, b.flags, &sink)
	if errors.Is(err, context.DeadlineExceeded) {
		err = errors.Join(ErrAckTimeout, err)
	}
	result := &Answers{Expected: sink.Expected}
	result.Missing, result.MissingCount = sink.Missing()
	for _, a := range sink.Answers {
		values, failed := packet.ParseAck(&packet.Packet{Type: packet.Ack, Data: a.Data, Attachments: a.Attachments})
		if failed != nil {
			err = errors.Join(err, failed)
			continue
		}
		result.Answers = append(result.Answers, Answer{a.Socket, values})
	}
	return result, err
}

// Fetch describes the selected sockets. With an [*adapter.MissingNodesError] those of
// the other nodes are returned.
func (b Broadcast) Fetch(ctx context.Context) ([]*RemoteSocket, error) {
	infos, err := b.adapter().Sockets(ctx, b.target)
	sockets := make([]*RemoteSocket, len(infos))
	for i, info := range infos {
		sockets[i] = &RemoteSocket{SocketInfo: info, ns: b.ns}
	}
	return sockets, err
}

// Count returns how many sockets are selected, on all nodes.
func (b Broadcast) Count(ctx context.Context) (int, error) {
	return b.adapter().Count(ctx, b.target)
}

// Join makes the selected sockets members of the rooms. Errors are the cluster's: on
// this node it is done when Join returns, unless the adapter says otherwise.
func (b Broadcast) Join(rooms ...string) error { return b.adapter().Join(b.target, rooms) }

// Leave takes the selected sockets out of the rooms.
func (b Broadcast) Leave(rooms ...string) error { return b.adapter().Leave(b.target, rooms) }

// Disconnect ends the selected sockets: see [Socket.Disconnect].
func (b Broadcast) Disconnect(closeConnection bool) error {
	return b.adapter().Disconnect(b.target, closeConnection)
}

// RemoteSocket describes a socket on some node of the cluster, as it was when it was
// fetched, and reaches it wherever it is.
type RemoteSocket struct {
	adapter.SocketInfo
	ns *Namespace
}

func (r *RemoteSocket) broadcast() Broadcast { return r.ns.To(r.ID) }

// Emit sends it an event.
func (r *RemoteSocket) Emit(event string, args ...any) error {
	return r.broadcast().Emit(event, args...)
}

// Ask implements [Asker].
func (r *RemoteSocket) Ask(ctx context.Context, event string, args ...any) (packet.Args, error) {
	answers, err := r.broadcast().Ask(ctx, event, args...)
	switch {
	case len(answers.Answers) > 0:
		return answers.Answers[0].Args, nil
	case err == nil:
		err = ErrClosed
	}
	return packet.Args{}, err
}

// Join makes it a member of the rooms.
func (r *RemoteSocket) Join(rooms ...string) error { return r.broadcast().Join(rooms...) }

// Leave takes it out of the rooms.
func (r *RemoteSocket) Leave(rooms ...string) error { return r.broadcast().Leave(rooms...) }

// Disconnect ends it: see [Socket.Disconnect].
func (r *RemoteSocket) Disconnect(closeConnection bool) error {
	return r.broadcast().Disconnect(closeConnection)
}
