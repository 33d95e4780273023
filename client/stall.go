package client

import (
	"fmt"
	"time"
)

// Everything on a connection comes through one reader, in one order: a socket that has no
// room for an event holds up the others, and the server's pings. Three things bound that:
// signs of life for which no ping is needed; Options.StallTimeout, after which the socket
// leaves; and the end of the connection.

// deliver puts an event into the mailbox, and waits for room while there is none. It
// reports whether the event was taken. It runs on the reading goroutine.
func (s *Socket) deliver(e *engine, stint int, t task) bool {
	room, taken := s.mailbox.put(stint, t)
	if room == nil {
		return taken
	}
	beat := time.NewTicker(max(e.pingTimeout/2, 10*time.Millisecond))
	defer beat.Stop()
	patience := time.NewTimer(s.client.opts.StallTimeout)
	defer patience.Stop()
	defer e.expectPing() // those that came meanwhile have not been read
	for room != nil {
		select {
		case <-room:
			room, taken = s.mailbox.put(stint, t)
		case <-beat.C:
			e.giveSign()
		case <-patience.C:
			s.stall(e)
			return false
		case <-e.ctx.Done():
			return false
		}
	}
	return taken
}

// giveSign sends a pong that nobody has asked for. Servers take it as a sign of life, and
// begin anew to wait.
func (e *engine) giveSign() {
	e.client.mu.Lock()
	e.owePong()
	e.client.mu.Unlock()
	e.stir()
}

// stall ends a socket's stay in its namespace because a handler does not return; it joins
// again when its mailbox is empty. Where the server may keep its session, the connection is
// cut instead: who leaves gives the session up, and what comes meanwhile would be lost.
func (s *Socket) stall(e *engine) {
	c := s.client
	err := fmt.Errorf("%w: no room for events of %s in %s", ErrStalled, s.namespace, c.opts.StallTimeout)
	c.opts.Logger.Warn("a handler does not return", "namespace", s.namespace, "waited", c.opts.StallTimeout)
	c.mu.Lock()
	if !s.active || s.held || c.engine != e {
		c.mu.Unlock()
		return
	}
	again, joined, stint := !c.opts.DisableReconnection, s.state == StateConnected, s.mailbox.current()
	cut := !joined || again && s.pid != ""
	if !cut {
		e.control = append(e.control, s.disconnectPacket())
		e.stir()
	}
	s.answered()
	t := s.connectErrorTask(err)
	if joined {
		t = s.disconnectTask(Stalled, err)
	}
	if again {
		tell := t.run
		t = task{kind: comeBackTurn, run: func() { tell(); s.comeBack() }}
		s.held = true
		s.part()
		if joined {
			s.state = StateReconnecting
		}
		s.settleHasty(err)
	} else {
		s.giveUp(err)
	}
	if !cut {
		c.unneeded()
	}
	c.mu.Unlock()
	s.mailbox.turn(stint, t)
	if cut {
		e.fail(Stalled, err)
	}
}

// comeBack joins again after a stall, unless that has become pointless.
func (s *Socket) comeBack() {
	s.client.mu.Lock()
	defer s.client.mu.Unlock()
	if s.held {
		s.held = false
		s.seek()
	}
}
