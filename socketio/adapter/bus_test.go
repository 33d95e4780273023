package adapter_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/socketio/adapter"
)

// busNode is a stub on a bus.
type busNode struct {
	stub
	link *adapter.BusNode
	*adapter.Cluster
}

// onBus starts nodes, and returns them with what closes them.
func onBus(t *testing.T, b *adapter.Bus, count int) (list []*busNode, closeAll func()) {
	t.Helper()
	for i := range count {
		n := &busNode{stub: stub{sockets: []string{fmt.Sprint("s", i)}}, link: b.Node()}
		a, err := n.link.Adapter(&n.stub)
		assert.NoError(t, err)
		n.Cluster = a.(*adapter.Cluster)
		assert.NoError(t, n.Start(t.Context()))
		list = append(list, n)
	}
	return list, func() {
		for _, n := range list {
			closes(t, n.Cluster)
		}
	}
}

func (n *busNode) news(t *testing.T, text string) {
	t.Helper()
	p := news()
	p.Data = []byte(`["` + text + `"]`)
	assert.NoError(t, n.Broadcast(p, adapter.Target{}, adapter.Flags{}))
}

func TestBusLosesAndDelays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := adapter.NewBus(nil)
		n, closeAll := onBus(t, b, 3)
		defer closeAll()
		b.Fault(func(from, to string, m *adapter.Message) (f adapter.Fate) {
			f.Lost = m.Kind == adapter.KindBroadcast && to == n[1].ID()
			if m.Kind == adapter.KindBroadcast && to == n[2].ID() && string(m.Data) == `["a"]` {
				f.Delay = time.Second
			}
			return f
		})
		n[0].news(t, "a")
		n[0].news(t, "b")
		synctest.Wait()
		assert.Equal(t, n[0].got(), []string{`["a"]`, `["b"]`})
		assert.Equal(t, len(n[2].got()), 0, "b does not overtake a")
		time.Sleep(time.Second)
		synctest.Wait()
		assert.Equal(t, n[2].got(), []string{`["a"]`, `["b"]`})
		assert.Equal(t, len(n[1].got()), 0)
		b.Fault(nil)
		n[0].news(t, "c")
		synctest.Wait()
		assert.Equal(t, n[1].got(), []string{`["c"]`})
	})
}

func TestBusSplits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := adapter.NewBus(nil)
		n, closeAll := onBus(t, b, 3)
		defer closeAll()
		count := func(i, want int) {
			t.Helper()
			assert.Equal(t, nodes(t, n[i].Cluster), want, "seen by %d", i)
		}
		for i := range n {
			count(i, 3)
		}
		b.Split(n[2].link)
		n[0].news(t, "a")
		n[2].news(t, "b")
		time.Sleep(12 * time.Second)
		synctest.Wait()
		assert.Equal(t, n[1].got(), []string{`["a"]`})
		assert.Equal(t, n[2].got(), []string{`["b"]`})
		for i, want := range []int{2, 2, 1} {
			count(i, want)
		}
		b.Heal(n[2].link)
		time.Sleep(6 * time.Second) // a heartbeat
		synctest.Wait()
		for i := range n {
			count(i, 3)
		}
	})
}

func TestBusCutsOneNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := adapter.NewBus(nil)
		n, closeAll := onBus(t, b, 2)
		defer closeAll()
		n[1].link.Cut()
		synctest.Wait()
		assert.ErrorIs(t, n[1].Health(), adapter.ErrDisconnected)
		assert.NoError(t, n[0].Health())
		assert.ErrorIs(t, n[1].ServerSideEmit([]byte(`["x"]`), nil), adapter.ErrDisconnected)
		other := &stub{}
		a, err := n[1].link.Adapter(other)
		assert.NoError(t, err)
		assert.ErrorIs(t, a.Start(t.Context()), adapter.ErrDisconnected)
		n[1].link.Restore()
		synctest.Wait()
		assert.NoError(t, n[1].Health())
		n[1].news(t, "back")
		synctest.Wait()
		assert.Equal(t, n[0].got(), []string{`["back"]`})
	})
}

func TestBusBacklogIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := adapter.NewBus(&adapter.BusOptions{Backlog: 10})
		n, closeAll := onBus(t, b, 2)
		defer closeAll()
		synctest.Wait()
		b.Fault(func(string, string, *adapter.Message) adapter.Fate { return adapter.Fate{Delay: time.Minute} })
		n[0].news(t, "held")
		synctest.Wait()
		for range 15 {
			n[0].news(t, "more")
		}
		assert.Equal(t, b.Lost(), uint64(5))
	})
}

// The offsets of an ordered bus ascend, and are the same on all nodes.
func TestOrderedBusHasOffsets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, closeAll := onBus(t, adapter.NewBus(&adapter.BusOptions{Ordered: true}), 2)
		defer closeAll()
		n[0].news(t, "a")
		n[1].news(t, "b")
		synctest.Wait()
		assert.Equal(t, len(n[0].got()), 2)
		assert.Equal(t, n[0].got(), n[1].got())
		assert.True(t, n[0].got()[0] > `["a"]`, "it has an offset")
	})
}

// A socket that leaves elsewhere is not waited for either.
func TestSocketGoneElsewhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, closeAll := onBus(t, adapter.NewBus(nil), 2)
		defer closeAll()
		go n[0].reply(adapter.Answer{Socket: "s0", Data: []byte(`[0]`)})
		go n[1].reply(adapter.Answer{Socket: "s1"})
		var acks adapter.Acks
		assert.NoError(t, n[0].BroadcastWithAck(t.Context(), news(), adapter.Target{}, adapter.Flags{}, &acks))
		ids, _ := acks.Missing()
		assert.Equal(t, ids, []string{"s1"})
		assert.Equal(t, acks.Answers[0].Node, n[0].ID())
	})
}
