package adapter_test

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/socketio/adapter"
	"github.com/kachi-io/kachi/socketio/packet"
)

func news() *packet.Packet {
	return &packet.Packet{Type: packet.Event, Namespace: "/", ID: packet.NoID, Data: []byte(`["news"]`)}
}

func TestHeartbeats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, w := new(stub), new(script)
		c := start(t, n, w, nil)
		defer closes(t, c)
		assert.Equal(t, len(w.take(adapter.KindInitialHeartbeat)), 1)
		assert.Equal(t, nodes(t, c), 1)

		w.from("a", adapter.Message{Kind: adapter.KindInitialHeartbeat})
		assert.Equal(t, len(w.take(adapter.KindHeartbeat)), 1, "a newcomer is answered")
		w.from("b", adapter.Message{Kind: adapter.KindBroadcast, Data: []byte(`["x"]`)})
		w.from(adapter.EmitterNode, adapter.Message{Kind: adapter.KindBroadcast, Data: []byte(`["x"]`)})
		w.from(c.ID(), adapter.Message{Kind: adapter.KindHeartbeat})
		assert.Equal(t, nodes(t, c), 3, "whoever sends is there; an emitter is no node")
		assert.Equal(t, n.got(), []string{`["x"]`, `["x"]`})

		w.take(adapter.KindHeartbeat)
		time.Sleep(9 * time.Second)
		synctest.Wait()
		assert.Equal(t, len(w.take(adapter.KindHeartbeat)), 1, "one heartbeat in five seconds")
		w.from("a", adapter.Message{Kind: adapter.KindHeartbeat})
		time.Sleep(4 * time.Second)
		synctest.Wait()
		assert.Equal(t, nodes(t, c), 2, "b is silent for more than ten seconds")

		w.from("a", adapter.Message{Kind: adapter.KindClose})
		assert.Equal(t, nodes(t, c), 1)
		w.from("a", adapter.Message{Kind: adapter.KindFetchResponse})
		assert.Equal(t, nodes(t, c), 1, "a straggler does not bring a node back that has left")
	})
}

func TestBrokerAwayDropsNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, w := new(stub), new(script)
		c := start(t, n, w, nil, "a")
		defer closes(t, c)
		time.Sleep(time.Second)
		w.self.State(errors.New("gone fishing"))
		assert.ErrorIs(t, c.Health(), adapter.ErrDisconnected)
		time.Sleep(time.Minute)
		synctest.Wait()
		count, err := c.Nodes(t.Context())
		assert.ErrorIs(t, err, adapter.ErrDisconnected)
		assert.Equal(t, count, 2, "the last number known")
		w.take(0)
		w.self.State(nil)
		assert.NoError(t, c.Health())
		assert.Equal(t, len(w.take(adapter.KindInitialHeartbeat)), 1)
		time.Sleep(9 * time.Second)
		synctest.Wait()
		assert.Equal(t, nodes(t, c), 2, "a has time to be heard again")
		time.Sleep(3 * time.Second)
		synctest.Wait()
		assert.Equal(t, nodes(t, c), 1)
	})
}

func TestDiscovery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, w := &stub{sockets: []string{"s"}}, new(script)
		w.respond = func(m *adapter.Message) {
			switch m.Kind {
			case adapter.KindInitialHeartbeat:
				time.Sleep(100 * time.Millisecond)
				w.from("a", adapter.Message{Kind: adapter.KindHeartbeat})
			case adapter.KindFetch:
				w.from("a", adapter.Message{
					Kind: adapter.KindFetchResponse, RequestID: m.RequestID, Want: m.Want, Count: 2,
				})
			}
		}
		c := start(t, n, w, nil)
		defer closes(t, c)
		count, err := c.Count(t.Context(), adapter.Target{})
		assert.NoError(t, err)
		assert.Equal(t, count, 3, "a request right after the start counts a node that has still to show itself")
	})
}

func TestRequestTimesOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, w := &stub{sockets: []string{"s"}}, new(script)
		w.respond = func(m *adapter.Message) {
			if m.Kind == adapter.KindFetch {
				w.from("a", adapter.Message{
					Kind: adapter.KindFetchResponse, RequestID: m.RequestID, Sockets: []adapter.SocketInfo{{ID: "t"}}, Count: 1,
				})
			}
		}
		c := start(t, n, w, nil, "a", "b")
		defer closes(t, c)
		time.Sleep(time.Second)
		began := time.Now()
		infos, err := c.Sockets(t.Context(), adapter.Target{})
		assert.Equal(t, time.Since(began), adapter.DefaultTimeout)
		assert.Equal(t, len(infos), 2)
		missing := assert.ErrorAs[*adapter.MissingNodesError](t, err)
		assert.Equal(t, missing.Nodes, []string{"b"})
		assert.Equal(t, missing.Asked, 2)
		assert.ErrorIs(t, err, context.DeadlineExceeded)
	})
}

func TestLostNodeEndsRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, w := &stub{sockets: []string{"s"}}, new(script)
		w.respond = func(m *adapter.Message) {
			if m.Kind == adapter.KindBroadcast { // a says whom it has asked, and dies
				w.from("a", adapter.Message{
					Kind: adapter.KindBroadcastCount, RequestID: m.RequestID, Count: 2, IDs: []string{"t", "u"},
				})
				w.from("a", adapter.Message{
					Kind: adapter.KindBroadcastAck, RequestID: m.RequestID, Data: []byte(`["yes"]`), Socket: "t",
				})
				n.reply(adapter.Answer{Socket: "s", Data: []byte(`[1]`)})
			}
		}
		c := start(t, n, w, nil, "a")
		defer closes(t, c)
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()

		began := time.Now()
		asked := make(chan error, 1)
		go func() {
			_, err := c.ServerSideEmitWithAck(ctx, []byte(`["q"]`), nil)
			asked <- err
		}()
		var acks adapter.Acks
		err := c.BroadcastWithAck(ctx, news(), adapter.Target{}, adapter.Flags{}, &acks)
		for _, err := range []error{err, <-asked} {
			assert.Equal(t, assert.ErrorAs[*adapter.MissingNodesError](t, err).Nodes, []string{"a"})
			assert.ErrorIs(t, err, adapter.ErrNodeLost)
		}
		assert.True(t, time.Since(began) < 12*time.Second)
		ids, count := acks.Missing()
		assert.Equal(t, ids, []string{"u"})
		assert.Equal(t, count, 1)
		assert.Equal(t, len(acks.Answers), 2)
		assert.Equal(t, n.stops(), 1)
	})
}

// A Node server names no sockets, knows only one kind of question, and may be heard twice
// where a broker repeats itself.
func TestNodeServerAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, w := &stub{sockets: []string{"s"}}, new(script)
		w.respond = func(m *adapter.Message) {
			response := adapter.Message{RequestID: m.RequestID}
			switch {
			case m.Kind == adapter.KindFetch:
				response.Kind, response.Count = adapter.KindFetchResponse, 2
				response.Sockets = []adapter.SocketInfo{{ID: "t", Rooms: []string{"t", "x"}}, {ID: "u", Rooms: []string{"x", "local", "u"}}}
				w.from("node", response)
				w.from("node", response)
			case m.Kind == adapter.KindBroadcast && m.RequestID != "":
				answer := response
				answer.Kind, answer.Data = adapter.KindBroadcastAck, []byte(`["yes"]`)
				w.from("node", answer) // overtakes the count
				response.Kind, response.Count = adapter.KindBroadcastCount, 2
				w.from("node", response)
				w.from("node", response)
				n.reply(adapter.Answer{Socket: "s", Data: []byte(`[1]`)})
				time.Sleep(time.Second)
				w.from("node", answer)
				w.from("node", answer) // one too many, and too late
			}
		}
		c := start(t, n, w, nil, "node")
		defer closes(t, c)

		count, err := c.Count(t.Context(), adapter.Target{})
		assert.NoError(t, err)
		assert.Equal(t, count, 3)
		infos, err := c.Sockets(t.Context(), adapter.Target{})
		assert.NoError(t, err)
		assert.Equal(t, len(infos), 3)
		rooms, err := c.Rooms(t.Context())
		assert.NoError(t, err)
		assert.Equal(t, rooms, []string{"local", "x"})

		var acks adapter.Acks
		assert.NoError(t, c.BroadcastWithAck(t.Context(), news(), adapter.Target{}, adapter.Flags{}, &acks))
		assert.Equal(t, acks.Expected, 3)
		assert.Equal(t, len(acks.Answers), 3)
		assert.True(t, slices.ContainsFunc(acks.Answers, func(a adapter.Answer) bool { return a.Node == "node" && a.Socket == "" }))
	})
}

// What a node does for another one's broadcast with acknowledgements.
func TestAnswering(t *testing.T) {
	question := func(named bool) adapter.Message {
		return adapter.Message{
			Kind: adapter.KindBroadcast, RequestID: "q", Data: []byte(`["ask"]`), Named: named,
			Flags: adapter.Flags{Timeout: 400 * time.Millisecond},
		}
	}
	yes := adapter.Answer{Socket: "s", Data: []byte(`["yes"]`)}
	gone := adapter.Answer{Socket: "t"}

	t.Run("for Kachi", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			n, w := &stub{sockets: []string{"s", "t"}}, new(script)
			c := start(t, n, w, nil)
			defer closes(t, c)
			w.from("a", question(true))
			counts := w.take(adapter.KindBroadcastCount)
			assert.Equal(t, counts[0].IDs, []string{"s", "t"})
			n.reply(yes)
			assert.Equal(t, n.stops(), 0)
			n.reply(gone)
			assert.Equal(t, n.stops(), 1, "forgotten at the last answer")
			acks := w.take(adapter.KindBroadcastAck)
			assert.Equal(t, acks[0].Socket, "s")
			assert.Equal(t, acks[1].Socket, "t")
			assert.True(t, acks[1].Data == nil)
		})
	})
	t.Run("for Node", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			n, w := &stub{sockets: []string{"s", "t"}}, new(script)
			c := start(t, n, w, nil)
			defer closes(t, c)
			w.from("a", question(false))
			assert.Equal(t, len(w.take(adapter.KindBroadcastCount)[0].IDs), 0)
			n.reply(yes)
			n.reply(gone)
			acks := w.take(adapter.KindBroadcastAck)
			assert.Equal(t, len(acks), 1, "it would take the news of a socket that is gone for an answer")
			assert.Equal(t, acks[0].Socket, "")
		})
	})
	t.Run("until the time is up", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			n, w := &stub{sockets: []string{"s", "t"}}, new(script)
			c := start(t, n, w, nil)
			defer closes(t, c)
			w.from("a", question(true))
			time.Sleep(399 * time.Millisecond)
			synctest.Wait()
			assert.Equal(t, n.stops(), 0)
			time.Sleep(time.Millisecond)
			synctest.Wait()
			assert.Equal(t, n.stops(), 1)
		})
	})
	t.Run("until it closes", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			n, w := &stub{sockets: []string{"s", "t"}}, new(script)
			c := start(t, n, w, nil)
			w.from("a", question(true))
			closes(t, c)
			assert.Equal(t, n.stops(), 1)
			w.take(0)
			n.reply(yes)
			assert.Equal(t, len(w.take(adapter.KindBroadcastAck)), 0)
		})
	})
	t.Run("nobody there", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			n, w := new(stub), new(script)
			c := start(t, n, w, nil)
			defer closes(t, c)
			w.from("a", question(true))
			assert.Equal(t, w.take(adapter.KindBroadcastCount)[0].Count, 0)
			assert.Equal(t, n.stops(), 1)
		})
	})
}

func TestTooMuchUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, w := &stub{sockets: []string{"s"}}, new(script)
		c := start(t, n, w, &adapter.ClusterOptions{MaxRequests: 1}, "a")
		defer closes(t, c)
		first := make(chan error, 1)
		go func() {
			_, err := c.ServerSideEmitWithAck(t.Context(), []byte(`["q"]`), nil)
			first <- err
		}()
		time.Sleep(time.Second)
		infos, err := c.Sockets(t.Context(), adapter.Target{})
		assert.ErrorIs(t, err, adapter.ErrBusy)
		assert.Equal(t, len(infos), 1, "what this node knows")
		err = c.BroadcastWithAck(t.Context(), news(), adapter.Target{}, adapter.Flags{}, new(adapter.Acks))
		assert.ErrorIs(t, err, adapter.ErrBusy)
		assert.ErrorIs(t, <-first, context.DeadlineExceeded)

		ask := adapter.Message{Kind: adapter.KindBroadcast, RequestID: "q", Data: []byte(`["ask"]`)}
		w.take(0)
		w.from("a", ask)
		w.from("a", ask)
		assert.Equal(t, len(w.take(adapter.KindBroadcastCount)), 1, "the second is refused")
	})
}

// A broker that counts notices a death before the time is up, without heartbeats.
func TestCountedNodes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &stub{sockets: []string{"s"}}
		var there atomic.Int32
		there.Store(3)
		w := &script{counts: func() int { return int(there.Load()) }}
		w.respond = func(m *adapter.Message) {
			response := adapter.Message{RequestID: m.RequestID, Data: []byte(`[1]`)}
			switch m.Kind {
			case adapter.KindServerSideEmit:
				response.Kind = adapter.KindServerSideResponse
			case adapter.KindBroadcast:
				response.Kind = adapter.KindBroadcastCount
				n.reply(adapter.Answer{Socket: "s", Data: []byte(`[1]`)})
			default:
				return
			}
			w.from("a", response)
			w.from("a", response)
			time.Sleep(time.Second)
			there.Store(2)
		}
		c := start(t, n, w, &adapter.ClusterOptions{HeartbeatInterval: -1})
		assert.Equal(t, nodes(t, c), 3)
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()

		began := time.Now()
		answers, err := c.ServerSideEmitWithAck(ctx, []byte(`["q"]`), nil)
		assert.Equal(t, len(answers), 1)
		assert.Equal(t, assert.ErrorAs[*adapter.MissingNodesError](t, err).Missing, 1)
		assert.ErrorIs(t, err, adapter.ErrNodeLost)

		there.Store(3)
		var acks adapter.Acks
		err = c.BroadcastWithAck(ctx, news(), adapter.Target{}, adapter.Flags{}, &acks)
		assert.Equal(t, assert.ErrorAs[*adapter.MissingNodesError](t, err).Missing, 1)
		assert.Equal(t, len(acks.Answers), 1)
		assert.True(t, time.Since(began) < 5*time.Second)
		closes(t, c)
		assert.Equal(t, len(w.take(adapter.KindHeartbeat)), 0)
	})
}

// An ordered wire hands back what a node sends; what it does not take is applied at once.
func TestOrderedWire(t *testing.T) {
	n, w := new(stub), new(script)
	c := start(t, n, w, &adapter.ClusterOptions{Ordered: true, HeartbeatInterval: -1, Discovery: -1})
	defer closes(t, c)
	assert.NoError(t, c.Broadcast(news(), adapter.Target{}, adapter.Flags{}))
	assert.NoError(t, c.Join(adapter.Target{}, []string{"r"}))
	assert.Equal(t, len(n.got()), 0)
	for _, m := range slices.Clone(w.sent) {
		own := *m
		own.Offset = " at 7"
		w.from(c.ID(), own)
	}
	assert.Equal(t, n.got(), []string{`["news"] at 7`, "join r"})
	w.fail = adapter.ErrDisconnected
	assert.ErrorIs(t, c.Leave(adapter.Target{}, []string{"r"}), adapter.ErrDisconnected)
	assert.ErrorIs(t, c.Disconnect(adapter.Target{}, true), adapter.ErrDisconnected)
	assert.Equal(t, n.got()[2:], []string{"leave r", "disconnect"})
}

func TestStartFails(t *testing.T) {
	w := &script{openError: errors.New("no route")}
	c := adapter.NewCluster(new(stub), w, nil)
	assert.ErrorIs(t, c.Start(t.Context()), w.openError)
	assert.ErrorIs(t, c.Broadcast(news(), adapter.Target{}, adapter.Flags{}), adapter.ErrClosed)
	assert.True(t, c.Start(t.Context()) != nil, "it does not start twice")
}

// Messages that mean nothing here do no harm.
func TestStrayMessages(t *testing.T) {
	n, w := new(stub), new(script)
	c := start(t, n, w, nil)
	w.self.Receive(&adapter.Message{Kind: adapter.KindBroadcast, Node: "a", Namespace: "/other", Data: []byte(`["x"]`)})
	for kind := range adapter.Kind(20) {
		if kind.IsResponse() || kind > adapter.KindClose || kind == 0 {
			w.from("a", adapter.Message{Kind: kind, RequestID: "unknown", Count: 3})
		}
	}
	w.from(c.ID(), adapter.Message{Kind: adapter.KindBroadcast, Data: []byte(`["x"]`)})
	assert.Equal(t, len(n.got()), 0)
	w.from("a", adapter.Message{Kind: adapter.KindServerSideEmit, RequestID: "q", Data: []byte(`["x"]`)})
	closes(t, c)
	w.take(0)
	n.question([]byte(`["late"]`), nil)
	w.from("a", adapter.Message{Kind: adapter.KindBroadcast, Data: []byte(`["x"]`)})
	assert.Equal(t, len(n.got()), 0)
	assert.Equal(t, len(w.take(adapter.KindServerSideResponse)), 0)
}
