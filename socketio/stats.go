package socketio

import (
	"maps"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/kachi-io/kachi/engineio"
	"github.com/kachi-io/kachi/internal/tally"
)

// Stats is what a [Server] has counted on this node, in all namespaces together, whether
// its hooks are set or not. As in [engineio.Stats], each number was true at some moment of
// the call, but not all of them at the same one; at rest they agree: Admitted is the sum of
// Sockets and all of Ended. Ordinary events are not counted, and cost nothing.
type Stats struct {
	// Engine counts the connections below. All volatile events that were dropped, whether
	// emitted, asked or broadcast, are its Dropped, once for each socket, and those that
	// made room for others its Evicted.
	Engine engineio.Stats

	// Sockets that are connected, and namespaces of a [Dynamic] that exist, at the moment.
	Sockets           int
	DynamicNamespaces int

	// All that follows counts from the beginning of the server. The hook that is told the
	// same stands behind each.

	Admitted       uint64            // sockets [Hooks.Connected]
	Ended          map[Reason]uint64 // sockets that had been admitted [Hooks.Disconnected]
	Refused        uint64            // CONNECT packets [Hooks.Refused]
	Idle           uint64            // connections closed without a namespace [Hooks.Idle]
	ProtocolErrors uint64            // connections closed for one [Hooks.ProtocolError]
	Failed         uint64            // errors and panics of the application [Hooks.Failed]

	// Events of clients.

	Overloaded  uint64 // dropped: too many waited [Hooks.Overloaded, CodeOverloaded]
	RateLimited uint64 // dropped: too fast [Hooks.Overloaded, CodeRateLimited]
	Discarded   uint64 // dropped while they waited, the sum of the counts [Hooks.Discarded]
	Unhandled   uint64 // nothing is registered for them [Hooks.Unhandled]

	Unanswered     uint64 // acknowledgements not given, the sum of the counts [Hooks.Unanswered]
	UnexpectedAcks uint64 // that nobody waited for [Hooks.UnexpectedAck]
	Stray          uint64 // packets for a socket just disconnected [Hooks.Stray]

	// Connection state recovery.

	Recovered    uint64 // sockets that went on [Hooks.Recovered]
	Replayed     uint64 // events sent to them, the sum of the counts [Hooks.Recovered]
	NotRecovered uint64 // clients that came back and began anew [Hooks.NotRecovered]
	Expired      uint64 // sessions given up [Hooks.Expired]

	// Namespaces of a [Dynamic].

	NamespacesCreated uint64 // [Hooks.NamespaceCreated]
	NamespacesRemoved uint64 // [Hooks.NamespaceRemoved]

	// Events of other nodes' applications. There is no hook: they are logged.

	ServerSideDropped uint64 // too many waited, or unreadable
	ServerSideFailed  uint64 // errors and panics of their handlers
}

// Stats returns what the server has counted. Its cost depends on the number of namespaces,
// not of sockets; the maps are the caller's own, and nil where nothing was counted.
func (srv *Server) Stats() Stats {
	c := &srv.counts
	removed := c.namespacesRemoved.Load() // before those created
	s := Stats{
		Engine:            srv.engine.Stats(),
		Admitted:          c.admitted.Load(),
		Ended:             c.ended.Snapshot(),
		Refused:           c.refused.Load(),
		Idle:              c.idle.Load(),
		ProtocolErrors:    c.protocolErrors.Load(),
		Failed:            c.failed.Load(),
		Overloaded:        c.overloaded.Load(),
		RateLimited:       c.rateLimited.Load(),
		Discarded:         c.discarded.Load(),
		Unhandled:         c.unhandled.Load(),
		Unanswered:        c.unanswered.Load(),
		UnexpectedAcks:    c.unexpectedAcks.Load(),
		Stray:             c.stray.Load(),
		Recovered:         c.recovered.Load(),
		Replayed:          c.replayed.Load(),
		NotRecovered:      c.notRecovered.Load(),
		Expired:           c.expired.Load(),
		NamespacesCreated: c.namespacesCreated.Load(),
		NamespacesRemoved: removed,
		ServerSideDropped: c.serverSideDropped.Load(),
		ServerSideFailed:  c.serverSideFailed.Load(),
	}
	s.DynamicNamespaces = int(s.NamespacesCreated - removed)
	srv.mu.Lock()
	namespaces := slices.Collect(maps.Values(srv.namespaces))
	srv.mu.Unlock()
	for _, ns := range namespaces { // each may wait for a broadcast
		s.Sockets += ns.Count()
	}
	return s
}

// NamespaceStats is what there is of a namespace on this node at the moment.
type NamespaceStats struct {
	Name    string // of namespaces of a [Dynamic], its pattern, for all of them together
	Sockets int
	Rooms   int // without those that sockets have for themselves
}

// Namespaces returns what there is of each namespace, by name. Its cost depends on the
// number of namespaces, not of sockets or rooms.
func (srv *Server) Namespaces() []NamespaceStats {
	srv.mu.Lock()
	namespaces := slices.Collect(maps.Values(srv.namespaces))
	srv.mu.Unlock()
	byName := map[string]NamespaceStats{}
	for _, ns := range namespaces {
		name := ns.Name()
		if d := ns.Dynamic(); d != nil {
			name = d.Name()
		}
		s := byName[name]
		byName[name] = NamespaceStats{name, s.Sockets + ns.Count(), s.Rooms + ns.local.countRooms()}
	}
	return slices.SortedFunc(maps.Values(byName), func(a, b NamespaceStats) int { return strings.Compare(a.Name, b.Name) })
}

type counters struct {
	admitted, refused, idle, protocolErrors, failed atomic.Uint64
	overloaded, rateLimited, discarded, unhandled   atomic.Uint64
	unanswered, unexpectedAcks, stray               atomic.Uint64
	recovered, replayed, notRecovered, expired      atomic.Uint64
	serverSideDropped, serverSideFailed             atomic.Uint64
	namespacesCreated, namespacesRemoved            atomic.Uint64
	ended                                           tally.Tally[Reason]
}

// counted returns hooks that count and then call h's, so that nothing can be told and not
// counted, or the other way round. Dropped is as it was: its drops are counted below.
func (h Hooks) counted(c *counters) Hooks {
	counting := h
	counting.Connected = func(s *Socket) {
		c.admitted.Add(1)
		h.Connected(s)
	}
	counting.Disconnected = func(s *Socket, reason Reason, err error) {
		c.ended.Add(reason)
		h.Disconnected(s, reason, err)
	}
	counting.Refused = func(conn *engineio.Session, namespace string, err error) {
		c.refused.Add(1)
		h.Refused(conn, namespace, err)
	}
	counting.Idle = func(conn *engineio.Session) {
		c.idle.Add(1)
		h.Idle(conn)
	}
	counting.ProtocolError = func(conn *engineio.Session, err error) {
		c.protocolErrors.Add(1)
		h.ProtocolError(conn, err)
	}
	counting.Failed = func(s *Socket, event string, err error) {
		c.failed.Add(1)
		h.Failed(s, event, err)
	}
	counting.Overloaded = func(s *Socket, event, code string) {
		if code == CodeRateLimited {
			c.rateLimited.Add(1)
		} else {
			c.overloaded.Add(1)
		}
		h.Overloaded(s, event, code)
	}
	counting.Discarded = func(s *Socket, count int) {
		c.discarded.Add(uint64(count))
		h.Discarded(s, count)
	}
	counting.Unhandled = func(s *Socket, event string) {
		c.unhandled.Add(1)
		h.Unhandled(s, event)
	}
	counting.Unanswered = func(s *Socket, count int) {
		c.unanswered.Add(uint64(count))
		h.Unanswered(s, count)
	}
	counting.UnexpectedAck = func(s *Socket, id int64) {
		c.unexpectedAcks.Add(1)
		h.UnexpectedAck(s, id)
	}
	counting.Stray = func(conn *engineio.Session, namespace string) {
		c.stray.Add(1)
		h.Stray(conn, namespace)
	}
	counting.Recovered = func(s *Socket, replayed int) {
		c.recovered.Add(1)
		c.replayed.Add(uint64(replayed))
		h.Recovered(s, replayed)
	}
	counting.NotRecovered = func(s *Socket) {
		c.notRecovered.Add(1)
		h.NotRecovered(s)
	}
	counting.Expired = func(ns *Namespace, socket string) {
		c.expired.Add(1)
		h.Expired(ns, socket)
	}
	counting.NamespaceCreated = func(ns *Namespace) {
		c.namespacesCreated.Add(1)
		h.NamespaceCreated(ns)
	}
	counting.NamespaceRemoved = func(ns *Namespace) {
		c.namespacesRemoved.Add(1)
		h.NamespaceRemoved(ns)
	}
	return counting
}
