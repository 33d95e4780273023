package socketio

import (
	"context"
	"slices"

	"github.com/kachi-io/kachi/socketio/packet"
)

// disconnect ends the socket from this side, and tells the client.
func (s *Socket) disconnect(reason Reason) {
	s.end(reason, nil, true)
}

// disconnect ends all sockets of a connection from this side, then the connection.
func (c *conn) disconnect() {
	c.mu.Lock()
	sockets := slices.Clone(c.sockets)
	c.mu.Unlock()
	for _, s := range sockets {
		s.disconnect(ReasonServerClose)
	}
	c.session.Close()
}

// close ends the socket after the client or the connection ended it.
func (s *Socket) close(reason Reason, err error) { s.end(reason, err, false) }

// end is the one way in which sockets end, whoever ends them. The first call counts.
// From here on nothing can be sent, no room holds the socket, and nobody waits for its
// answers; its last task, after the events that had arrived, tells the application.
func (s *Socket) end(reason Reason, err error, tell bool) {
	before := s.state.Swap(stateEnded)
	if before == stateEnded {
		return
	}
	s.cancel()
	last := &endTask{reason: reason, err: err}
	admitted := before != statePending
	if admitted {
		last.rooms = append([]string{s.id}, s.part(reason)...)
		s.roomsMu.Lock()
		s.ending = last
		s.roomsMu.Unlock()
	}
	var farewell *packet.Packet // after remove: no broadcast follows it
	if tell {
		farewell = &packet.Packet{Type: packet.Disconnect, Namespace: s.ns.name, ID: packet.NoID}
	}
	if j := s.ns.journal; j != nil && !admitted {
		j.unclaim(s, reason)
	}
	s.conn.forget(s, admitted, farewell, reason)
	s.asked.end(s)
	if !admitted {
		// The task that admits it, or is about to, sees the state; nobody was told of it.
		s.mailbox.seal(s, noTask{}, true)
		return
	}
	s.mailbox.seal(s, last, reason == ReasonFlooding)
}

// part takes the socket out of all rooms, and returns them.
func (s *Socket) part(reason Reason) []string {
	if j := s.ns.journal; j != nil {
		return j.part(s, reason)
	}
	return s.ns.local.remove(s)
}

// noTask ends a socket that nobody was told of.
type noTask struct{}

func (noTask) run(s *Socket) { s.conn.finished(s) }

// endTask runs the lifecycle functions of a socket's end.
type endTask struct {
	reason Reason
	err    error
	rooms  []string // that it was in; guarded by the socket's roomsMu
}

func (t *endTask) run(s *Socket) {
	defer s.conn.finished(s) // also where a function ends the goroutine
	base := context.WithoutCancel(s.ctx)
	table := s.ns.registered()
	for _, phase := range []struct {
		name string
		run  []func(context.Context, *Socket, Reason) error
	}{
		{"disconnecting", table.disconnecting},
		{"disconnect", table.disconnect},
	} {
		if phase.name == "disconnect" {
			s.roomsMu.Lock()
			t.rooms = nil
			s.roomsMu.Unlock()
		}
		for _, f := range phase.run {
			ctx, cancel := context.WithTimeout(base, s.ns.srv.opts.HookTimeout)
			if err := protect(func() error { return f(ctx, s, t.reason) }); err != nil {
				s.failed(phase.name, err)
			}
			cancel()
		}
	}
	if n := s.unanswered.Load(); n > 0 {
		s.ns.srv.opts.Logger.Debug("acknowledgements never given", "namespace", s.ns.name, "socket", s.id, "count", n)
		s.ns.srv.opts.Hooks.Unanswered(s, int(n))
	}
	s.ns.srv.opts.Hooks.Disconnected(s, t.reason, t.err)
}
