package socketio

import (
	"context"

	"github.com/kachi-io/kachi/socketio/adapter"
	"github.com/kachi-io/kachi/socketio/packet"
)

// nobody carries broadcasts that select no socket. A target without rooms selects
// everyone, so it has no way to say that.
type nobody struct{ adapter.Adapter }

func (nobody) Broadcast(*packet.Packet, adapter.Target, adapter.Flags) error { return nil }

func (nobody) BroadcastWithAck(context.Context, *packet.Packet, adapter.Target, adapter.Flags, adapter.AckSink) error {
	return nil
}

func (nobody) Sockets(context.Context, adapter.Target) ([]adapter.SocketInfo, error) {
	return nil, nil
}

func (nobody) Count(context.Context, adapter.Target) (int, error) { return 0, nil }
func (nobody) Join(adapter.Target, []string) error                { return nil }
func (nobody) Leave(adapter.Target, []string) error               { return nil }
func (nobody) Disconnect(adapter.Target, bool) error              { return nil }
