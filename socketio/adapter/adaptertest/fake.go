package adaptertest

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/ids"
	"github.com/kachi-io/kachi/socketio/adapter"
	"github.com/kachi-io/kachi/socketio/packet"
)

// fake is a node without a network: sockets are lists of what was delivered to them. It
// holds adapters to their part of the contract, too.
type fake struct {
	t         *testing.T
	namespace string
	adapter   adapter.Adapter
	closed    atomic.Bool
	running   sync.WaitGroup // goroutines of answers

	mu         sync.Mutex
	sockets    map[string]*fakeSocket
	rooms      map[string]map[string]*fakeSocket // without own ids
	serverSide func(Event) ([]byte, [][]byte)
	asks       map[*fakeAsk]struct{}
}

// fakeAsk is one DeliverWithAck: the sockets that have not answered.
type fakeAsk struct {
	waiting map[string]struct{}
	answer  func(adapter.Answer)
}

func serveFake(t *testing.T, namespace string, f adapter.Factory) Server {
	n := &fake{
		t: t, namespace: namespace,
		sockets: make(map[string]*fakeSocket),
		rooms:   make(map[string]map[string]*fakeSocket),
		asks:    make(map[*fakeAsk]struct{}),
	}
	a, err := f(n)
	assert.NoError(t, err)
	n.adapter = a
	assert.NoError(t, a.Start(soon(t)))
	return n
}

// called checks that the adapter is not closed.
func (n *fake) called() {
	if n.closed.Load() {
		n.t.Error("the adapter called its node after Close")
	}
}

func (n *fake) Adapter() adapter.Adapter { return n.adapter }

func (n *fake) Connect(rooms ...string) Socket {
	s := &fakeSocket{node: n, id: ids.New(), rooms: make(map[string]struct{})}
	n.mu.Lock()
	n.sockets[s.id] = s
	changed := append(n.join(s, rooms), s.id)
	n.mu.Unlock()
	n.roomsChanged(changed)
	return s
}

func (n *fake) ServerSide(f func(Event) ([]byte, [][]byte)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.serverSide = f
}

func (n *fake) Close() {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if n.closed.Load() {
		return
	}
	if err := n.adapter.Close(ctx); err != nil { // as it may: the broker may be gone
		n.t.Logf("closing the adapter: %v", err)
	}
	n.closed.Store(true)
	n.running.Wait()
}

// roomsChanged tells an adapter that cares. n.mu is not held.
func (n *fake) roomsChanged(rooms []string) {
	if o, ok := n.adapter.(adapter.RoomObserver); ok {
		for _, room := range rooms {
			o.RoomChanged(room)
		}
	}
}

// join returns the rooms that are new on this node. n.mu is held, as in all methods in
// lower case that follow.
func (n *fake) join(s *fakeSocket, rooms []string) (changed []string) {
	for _, room := range rooms {
		if n.rooms[room] == nil {
			n.rooms[room] = make(map[string]*fakeSocket)
			changed = append(changed, room)
		}
		n.rooms[room][s.id] = s
		s.rooms[room] = struct{}{}
	}
	return changed
}

func (n *fake) leave(s *fakeSocket, rooms []string) (changed []string) {
	for _, room := range rooms {
		delete(s.rooms, room)
		delete(n.rooms[room], s.id)
		if members, ok := n.rooms[room]; ok && len(members) == 0 {
			delete(n.rooms, room)
			changed = append(changed, room)
		}
	}
	return changed
}

// remove takes a socket out, and lists the rooms that are no more and the answers that
// will not come.
func (n *fake) remove(s *fakeSocket) (changed []string, gone []func()) {
	if n.sockets[s.id] == nil {
		return nil, nil
	}
	changed = append(n.leave(s, s.list()), s.id)
	delete(n.sockets, s.id)
	for a := range n.asks {
		if _, ok := a.waiting[s.id]; ok {
			delete(a.waiting, s.id)
			gone = append(gone, func() { a.answer(adapter.Answer{Socket: s.id}) })
		}
	}
	return changed, gone
}

// selected finds the sockets of a target.
func (n *fake) selected(t adapter.Target) []*fakeSocket {
	found := make(map[*fakeSocket]struct{})
	for _, room := range t.Rooms {
		for _, s := range n.rooms[room] {
			found[s] = struct{}{}
		}
		if s := n.sockets[room]; s != nil {
			found[s] = struct{}{}
		}
	}
	if len(t.Rooms) == 0 {
		for _, s := range n.sockets {
			found[s] = struct{}{}
		}
	}
	var list []*fakeSocket
	for s := range found {
		if !s.in(t.Except) {
			list = append(list, s)
		}
	}
	return list
}

// The methods of adapter.Node.

func (n *fake) Namespace() string { return n.namespace }

func (n *fake) checkPacket(p *packet.Packet, f adapter.Flags) {
	n.called()
	if p.Type != packet.Event || p.Namespace != n.namespace || p.ID != packet.NoID || !json.Valid(p.Data) || f.Timeout != 0 {
		n.t.Errorf("a packet that no node can deliver: %+v, %+v", p, f)
	}
}

func eventOf(p *packet.Packet, f adapter.Flags) Event {
	f.Offset = "" // a namespace would append it to the arguments
	return Event{Data: string(p.Data), Attachments: p.Attachments, Flags: &f}
}

func (n *fake) Deliver(p *packet.Packet, t adapter.Target, f adapter.Flags) {
	n.checkPacket(p, f)
	e := eventOf(p, f)
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, s := range n.selected(t) {
		s.received = append(s.received, e)
	}
}

func (n *fake) DeliverWithAck(p *packet.Packet, t adapter.Target, f adapter.Flags, answer func(adapter.Answer)) (asked []string, stop func()) {
	n.checkPacket(p, f)
	e := eventOf(p, f)
	a := &fakeAsk{waiting: make(map[string]struct{}), answer: answer}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.asks[a] = struct{}{}
	for _, s := range n.selected(t) {
		s.received = append(s.received, e)
		asked = append(asked, s.id)
		a.waiting[s.id] = struct{}{}
		if s.answer != nil {
			how := s.answer
			n.running.Go(func() { n.answerFor(a, s, e, how) })
		}
	}
	var stopped atomic.Bool
	return asked, func() {
		if stopped.Swap(true) {
			n.t.Error("stop was called twice")
		}
		n.mu.Lock()
		defer n.mu.Unlock()
		delete(n.asks, a)
		clear(a.waiting)
	}
}

func (n *fake) answerFor(a *fakeAsk, s *fakeSocket, e Event, how func(Event) ([]byte, [][]byte)) {
	data, attachments := how(e)
	if data == nil {
		return
	}
	n.mu.Lock()
	_, waiting := a.waiting[s.id]
	delete(a.waiting, s.id)
	n.mu.Unlock()
	if waiting {
		a.answer(adapter.Answer{Socket: s.id, Data: data, Attachments: attachments})
	}
}

// pendingAcks is how many sockets' answers are still accepted.
func (n *fake) pendingAcks() (count int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for a := range n.asks {
		count += len(a.waiting)
	}
	return count
}

// handshake is how all fake sockets began.
var handshake = adapter.Handshake{
	Header:  http.Header{"User-Agent": {"suite"}, "Cookie": {"a=1"}},
	Time:    time.UnixMilli(1_767_225_600_123),
	Address: "192.0.2.7", XDomain: true, Secure: true, URL: "/socket.io/?EIO=4",
	Query: url.Values{"EIO": {"4"}, "tag": {"x", "y"}},
	Auth:  json.RawMessage(`{"token":"t"}`),
}

func (n *fake) Sockets(t adapter.Target) []adapter.SocketInfo {
	n.called()
	n.mu.Lock()
	defer n.mu.Unlock()
	var list []adapter.SocketInfo
	for _, s := range n.selected(t) {
		list = append(list, adapter.SocketInfo{
			ID: s.id, Handshake: handshake, Rooms: append(s.list(), s.id),
			Data: json.RawMessage(`{"name":"` + s.id + `"}`),
		})
	}
	return list
}

func (n *fake) SocketIDs(t adapter.Target) []string {
	n.called()
	n.mu.Lock()
	defer n.mu.Unlock()
	var list []string
	for _, s := range n.selected(t) {
		list = append(list, s.id)
	}
	return list
}

func (n *fake) Count(t adapter.Target) int { return len(n.SocketIDs(t)) }

func (n *fake) Rooms() []string {
	n.called()
	n.mu.Lock()
	defer n.mu.Unlock()
	var list []string
	for room := range n.rooms {
		list = append(list, room)
	}
	return list
}

func (n *fake) HasRoom(room string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.rooms[room]) > 0 || n.sockets[room] != nil
}

func (n *fake) Join(t adapter.Target, rooms []string) { n.move(t, rooms, n.join) }

func (n *fake) Leave(t adapter.Target, rooms []string) { n.move(t, rooms, n.leave) }

func (n *fake) move(t adapter.Target, rooms []string, f func(*fakeSocket, []string) []string) {
	n.called()
	var changed []string
	n.mu.Lock()
	for _, s := range n.selected(t) {
		changed = append(changed, f(s, rooms)...)
	}
	n.mu.Unlock()
	n.roomsChanged(changed)
}

func (n *fake) Disconnect(t adapter.Target, _ bool) {
	n.called()
	n.mu.Lock()
	list := n.selected(t)
	n.mu.Unlock()
	for _, s := range list {
		s.Disconnect()
	}
}

func (n *fake) ServerSideEvent(data []byte, attachments [][]byte, answer func([]byte, [][]byte)) {
	n.called()
	n.mu.Lock()
	defer n.mu.Unlock()
	how := n.serverSide
	if how == nil {
		return
	}
	e := Event{Data: string(data), Attachments: attachments}
	if answer == nil { // nobody waits: in order, and the suite's functions only note it
		how(e)
		return
	}
	n.running.Go(func() {
		if data, attachments := how(e); data != nil {
			answer(data, attachments)
			answer([]byte(`["a second answer"]`), nil)
		}
	})
}
