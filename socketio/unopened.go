package socketio

import (
	"context"

	"github.com/kachi-io/kachi/socketio/adapter"
	"github.com/kachi-io/kachi/socketio/packet"
)

// unopened stands for the adapter of a namespace that waits for its first client.
type unopened struct{}

var _ adapter.Adapter = unopened{}

func (unopened) Start(context.Context) error        { return ErrNotOpen }
func (unopened) Close(context.Context) error        { return nil }
func (unopened) Nodes(context.Context) (int, error) { return 0, ErrNotOpen }

func (unopened) Broadcast(*packet.Packet, adapter.Target, adapter.Flags) error { return ErrNotOpen }

func (unopened) BroadcastWithAck(context.Context, *packet.Packet, adapter.Target, adapter.Flags, adapter.AckSink) error {
	return ErrNotOpen
}

func (unopened) Sockets(context.Context, adapter.Target) ([]adapter.SocketInfo, error) {
	return nil, ErrNotOpen
}

func (unopened) Count(context.Context, adapter.Target) (int, error) { return 0, ErrNotOpen }
func (unopened) Rooms(context.Context) ([]string, error)            { return nil, ErrNotOpen }
func (unopened) Join(adapter.Target, []string) error                { return ErrNotOpen }
func (unopened) Leave(adapter.Target, []string) error               { return ErrNotOpen }
func (unopened) Disconnect(adapter.Target, bool) error              { return ErrNotOpen }
func (unopened) ServerSideEmit([]byte, [][]byte) error              { return ErrNotOpen }

func (unopened) ServerSideEmitWithAck(context.Context, []byte, [][]byte) ([]adapter.Answer, error) {
	return nil, ErrNotOpen
}
