package adapter

import (
	"context"
	"sync/atomic"

	"github.com/kachi-io/kachi/socketio/packet"
)

// Memory is the adapter of a single node: everything there is, is local. It adds no
// allocation and no lock to a broadcast.
type Memory struct {
	node   Node
	closed atomic.Bool
	ended  chan struct{}
}

var _ Adapter = (*Memory)(nil)

// NewMemory is the [Factory] of [Memory], and a namespace's default.
func NewMemory(n Node) (Adapter, error) { return &Memory{node: n, ended: make(chan struct{})}, nil }

// Start implements Adapter; there is nothing to start.
func (m *Memory) Start(context.Context) error { return nil }

// Close implements Adapter.
func (m *Memory) Close(context.Context) error {
	if m.closed.CompareAndSwap(false, true) {
		close(m.ended)
	}
	return nil
}

// Nodes implements Adapter: 1.
func (m *Memory) Nodes(context.Context) (int, error) { return 1, m.open() }

func (m *Memory) open() error {
	if m.closed.Load() {
		return ErrClosed
	}
	return nil
}

// Broadcast implements Adapter.
func (m *Memory) Broadcast(p *packet.Packet, t Target, f Flags) error {
	if m.closed.Load() {
		return ErrClosed
	}
	m.node.Deliver(p, t, f)
	return nil
}

// BroadcastWithAck implements Adapter.
func (m *Memory) BroadcastWithAck(ctx context.Context, p *packet.Packet, t Target, f Flags, sink AckSink) error {
	if err := m.open(); err != nil {
		return err
	}
	ctx, cancel := bounded(ctx)
	defer cancel()
	g := newGathering(sink)
	stop := g.askLocal("", m.node, p, t, f)
	defer stop()
	return g.wait(ctx, m.ended)
}

// Sockets implements Adapter.
func (m *Memory) Sockets(_ context.Context, t Target) ([]SocketInfo, error) {
	if err := m.open(); err != nil {
		return nil, err
	}
	return m.node.Sockets(t), nil
}

// Count implements Adapter.
func (m *Memory) Count(_ context.Context, t Target) (int, error) {
	if err := m.open(); err != nil {
		return 0, err
	}
	return m.node.Count(t), nil
}

// Rooms implements Adapter.
func (m *Memory) Rooms(context.Context) ([]string, error) {
	if err := m.open(); err != nil {
		return nil, err
	}
	return m.node.Rooms(), nil
}

// Join implements Adapter.
func (m *Memory) Join(t Target, rooms []string) error {
	if err := m.open(); err != nil {
		return err
	}
	m.node.Join(t, rooms)
	return nil
}

// Leave implements Adapter.
func (m *Memory) Leave(t Target, rooms []string) error {
	if err := m.open(); err != nil {
		return err
	}
	m.node.Leave(t, rooms)
	return nil
}

// Disconnect implements Adapter.
func (m *Memory) Disconnect(t Target, closeConnection bool) error {
	if err := m.open(); err != nil {
		return err
	}
	m.node.Disconnect(t, closeConnection)
	return nil
}

// ServerSideEmit implements Adapter: there is no other node to hear it.
func (m *Memory) ServerSideEmit([]byte, [][]byte) error { return m.open() }

// ServerSideEmitWithAck implements Adapter: there is no other node to answer.
func (m *Memory) ServerSideEmitWithAck(context.Context, []byte, [][]byte) ([]Answer, error) {
	return nil, m.open()
}
