package adapter

import "time"

// Fate is what becomes of a message on its way to one node. The zero value is ordinary
// delivery.
type Fate struct {
	// Lost: it never arrives.
	Lost bool
	// Delay: it arrives this much later, and so does what follows it to the same node.
	Delay time.Duration
}

// wait lets the delay pass, and reports false when stop was closed meanwhile.
func (f Fate) wait(stop <-chan struct{}) bool {
	if f.Delay <= 0 {
		select {
		case <-stop:
			return false
		default:
			return true
		}
	}
	timer := time.NewTimer(f.Delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-stop:
		return false
	}
}

// Fault sets a function that decides the fate of each message to each node other than its
// sender (both by the ids of their adapters); nil for none. It is called with the bus
// locked: it must not use the bus, and must not wait.
func (b *Bus) Fault(f func(from, to string, m *Message) Fate) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fault = f
}

// Stop takes the broker away: nothing can be sent, and all nodes are told. What has been
// sent still arrives.
func (b *Bus) Stop() { b.setStopped(true) }

// Resume brings the broker back.
func (b *Bus) Resume() { b.setStopped(false) }

func (b *Bus) setStopped(stopped bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.change(func() { b.stopped = stopped })
}

// Cut takes the broker away from this node, which is told.
func (n *BusNode) Cut() { n.setCut(true) }

// Restore undoes Cut.
func (n *BusNode) Restore() { n.setCut(false) }

func (n *BusNode) setCut(cut bool) {
	n.bus.mu.Lock()
	defer n.bus.mu.Unlock()
	n.bus.change(func() { n.cut = cut })
}

// change tells every wire whose connection comes or goes by f. b.mu is held.
func (b *Bus) change(f func()) {
	away := func(w *busWire) bool { return b.stopped || w.node.cut }
	before := make([]bool, len(b.wires))
	for i, w := range b.wires {
		before[i] = away(w)
	}
	f()
	for i, w := range b.wires {
		if now := away(w); now != before[i] {
			d := delivery{news: true}
			if now {
				d.state = ErrDisconnected
			}
			w.push(d)
		}
	}
}

// Split lets no message pass between the nodes given and the others, and tells nobody:
// so a network fails. A node that is split off alone is as good as dead to the others.
func (b *Bus) Split(nodes ...*BusNode) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, n := range nodes {
		n.far = true
	}
}

// Heal undoes Split.
func (b *Bus) Heal(nodes ...*BusNode) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, n := range nodes {
		n.far = false
	}
}

// Lost is the number of messages that a full backlog has cost.
func (b *Bus) Lost() uint64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.lost
}
