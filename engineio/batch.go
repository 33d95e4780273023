package engineio

import (
	"context"
	"slices"
	"time"
)

// startGathering notes that something waits for a poll from now on. Under mu.
func (s *Session) startGathering() {
	if s.server.opts.BatchDelay > 0 {
		s.polling.since = s.server.now()
	}
}

// gathering returns how long the messages that wait for a poll may still wait for more, by
// [Options.BatchDelay]. Under mu.
func (s *Session) gathering() time.Duration {
	p, delay := s.polling, s.server.opts.BatchDelay
	if delay == 0 || p.beat || p.noop || p.shut || p.outbox.Len() == 0 ||
		p.outbox.Bytes() >= s.server.opts.MaxPayload ||
		!s.server.queue.Roomy(p.outbox.Len(), p.outbox.Bytes()) {
		return 0
	}
	return max(p.since+delay-s.server.now(), 0)
}

// flushGrace bounds how long Shutdown waits for clients to take what waits for more.
const flushGrace = 100 * time.Millisecond

// flush gives what waits for more to the clients that take it now. Those that do not are
// treated as if there were no delay: what waits is discarded.
func (s *Server) flush(ctx context.Context) {
	sessions := s.sessions.all()
	for _, session := range sessions {
		session.flush()
	}
	grace := time.NewTimer(flushGrace)
	defer grace.Stop()
	for slices.ContainsFunc(sessions, (*Session).flushing) {
		select {
		case <-time.After(time.Millisecond):
		case <-grace.C:
			return
		case <-ctx.Done():
			return
		}
	}
}

func (s *Session) flush() {
	if c := s.conn.Load(); c != nil {
		c.Flush()
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.polling; p != nil && p.waiting != nil && p.outbox.Len() > 0 {
		p.noop = true // sent only where there is nothing else
		p.wake()
	}
}

// flushing reports whether the client is about to take what waits.
func (s *Session) flushing() bool {
	if c := s.conn.Load(); c != nil {
		messages, _ := c.Buffered()
		return messages > 0
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.polling != nil && s.polling.waiting != nil && s.polling.outbox.Len() > 0
}
