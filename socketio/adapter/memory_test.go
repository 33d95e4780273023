package adapter_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/socketio/adapter"
	"github.com/kachi-io/kachi/socketio/packet"
)

// nothing is a node that does nothing, for what the adapter itself costs.
type nothing struct{ stub }

func (*nothing) Deliver(*packet.Packet, adapter.Target, adapter.Flags) {}

func TestMemoryBroadcastAllocatesNothing(t *testing.T) {
	a, err := adapter.NewMemory(new(nothing))
	assert.NoError(t, err)
	p, target := news(), adapter.Target{Rooms: []string{"a", "b"}}
	assert.Equal(t, testing.AllocsPerRun(100, func() {
		_ = a.Broadcast(p, target, adapter.Flags{Volatile: true})
	}), 0.0)
}

func TestMemoryAckHasADefaultTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &stub{sockets: []string{"s", "t"}}
		a, err := adapter.NewMemory(n)
		assert.NoError(t, err)
		go n.reply(adapter.Answer{Socket: "s", Data: []byte(`[1]`)})
		began := time.Now()
		var acks adapter.Acks
		err = a.BroadcastWithAck(t.Context(), news(), adapter.Target{}, adapter.Flags{}, &acks)
		assert.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, time.Since(began), adapter.DefaultTimeout)
		ids, count := acks.Missing()
		assert.Equal(t, ids, []string{"t"})
		assert.Equal(t, count, 1)
		assert.Equal(t, n.stops(), 1)
	})
}

func BenchmarkMemoryBroadcast(b *testing.B) {
	a, _ := adapter.NewMemory(new(nothing))
	p, target := news(), adapter.Target{Rooms: []string{"a"}}
	b.ReportAllocs()
	for b.Loop() {
		_ = a.Broadcast(p, target, adapter.Flags{})
	}
}

func BenchmarkMessage(b *testing.B) {
	m := adapter.Message{
		Kind: adapter.KindBroadcast, Node: "0123456789abcdef", Namespace: "/chat",
		Target: adapter.Target{Rooms: []string{"general"}, Except: []string{"Zm9vYmFyYmF6cXV4AAAB"}},
		Data:   []byte(`["message",{"room":"general","message":"hello, world","sender":{"userId":7,"userName":"kachi"}}]`),
	}
	encoded, _ := m.Append(nil)
	b.Run("Append", func(b *testing.B) {
		b.ReportAllocs()
		buf := make([]byte, 0, 1024)
		for b.Loop() {
			_, _ = m.Append(buf)
		}
	})
	b.Run("Parse", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, _ = adapter.ParseMessage(encoded)
		}
	})
}
