package adapter_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/socketio/adapter"
	"github.com/kachi-io/kachi/socketio/packet"
)

// stub is a node that notes what it is asked, with sockets that answer when told to.
type stub struct {
	sockets []string

	mu        sync.Mutex
	delivered []string
	answer    func(adapter.Answer)
	stopped   int
	question  func(data []byte, attachments [][]byte)
}

func (n *stub) Namespace() string { return "/" }

func (n *stub) Deliver(p *packet.Packet, _ adapter.Target, f adapter.Flags) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.delivered = append(n.delivered, string(p.Data)+f.Offset)
}

func (n *stub) DeliverWithAck(_ *packet.Packet, _ adapter.Target, _ adapter.Flags, answer func(adapter.Answer)) ([]string, func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.answer = answer
	return n.sockets, func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.stopped++
	}
}

// reply answers for a socket, once it has been asked.
func (n *stub) reply(a adapter.Answer) {
	for {
		n.mu.Lock()
		answer := n.answer
		n.mu.Unlock()
		if answer != nil {
			answer(a)
			return
		}
		time.Sleep(time.Millisecond)
	}
}

func (n *stub) stops() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.stopped
}

func (n *stub) got() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.delivered)
}

func (n *stub) Sockets(adapter.Target) (list []adapter.SocketInfo) {
	for _, id := range n.sockets {
		list = append(list, adapter.SocketInfo{ID: id, Rooms: []string{id, "local"}})
	}
	return list
}

func (n *stub) SocketIDs(adapter.Target) []string      { return n.sockets }
func (n *stub) Count(adapter.Target) int               { return len(n.sockets) }
func (n *stub) Rooms() []string                        { return []string{"local"} }
func (n *stub) HasRoom(string) bool                    { return true }
func (n *stub) Join(_ adapter.Target, rooms []string)  { n.note("join", rooms...) }
func (n *stub) Leave(_ adapter.Target, rooms []string) { n.note("leave", rooms...) }
func (n *stub) Disconnect(adapter.Target, bool)        { n.note("disconnect") }

func (n *stub) note(what string, rooms ...string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, r := range rooms {
		what += " " + r
	}
	n.delivered = append(n.delivered, what)
}

func (n *stub) ServerSideEvent(_ []byte, _ [][]byte, answer func([]byte, [][]byte)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.question = answer
}

// script is a wire whose other end is the test.
type script struct {
	openError error
	counts    func() int // a NodeCounter, where it is used as one

	mu   sync.Mutex
	self adapter.Endpoint
	fail error
	sent []*adapter.Message
	// respond is called with what is published, on a goroutine of its own.
	respond func(*adapter.Message)
	running sync.WaitGroup
}

func (w *script) Open(_ context.Context, self adapter.Endpoint) error {
	w.self = self
	return w.openError
}

func (w *script) Publish(m *adapter.Message) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.fail != nil {
		return w.fail
	}
	w.sent = append(w.sent, m)
	if w.respond != nil {
		w.running.Go(func() { w.respond(m) })
	}
	return nil
}

func (w *script) Send(_ string, m *adapter.Message) error { return w.Publish(m) }

func (w *script) Close(context.Context) error {
	w.running.Wait()
	return nil
}

// take returns what was sent of a kind, and forgets everything that was sent.
func (w *script) take(kind adapter.Kind) (list []*adapter.Message) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, m := range w.sent {
		if m.Kind == kind {
			list = append(list, m)
		}
	}
	w.sent = nil
	return list
}

// from hands the adapter a message of another node.
func (w *script) from(node string, m adapter.Message) {
	m.Node, m.Namespace = node, "/"
	w.self.Receive(&m)
}

// counting is a script that counts.
type counting struct{ *script }

func (w counting) CountNodes(context.Context) (int, error) { return w.counts(), nil }

// start makes an adapter over a script, with the members named already known. The test
// closes it.
func start(t *testing.T, n *stub, w *script, o *adapter.ClusterOptions, members ...string) *adapter.Cluster {
	t.Helper()
	var wire adapter.Wire = w
	if w.counts != nil {
		wire = counting{w}
	}
	c := adapter.NewCluster(n, wire, o)
	assert.NoError(t, c.Start(t.Context()))
	for _, m := range members {
		w.from(m, adapter.Message{Kind: adapter.KindHeartbeat})
	}
	return c
}

func closes(t *testing.T, c *adapter.Cluster) {
	t.Helper()
	assert.NoError(t, c.Close(context.Background()))
}

func nodes(t *testing.T, c *adapter.Cluster) int {
	t.Helper()
	n, err := c.Nodes(t.Context())
	assert.NoError(t, err)
	return n
}
