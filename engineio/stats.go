package engineio

import (
	"sync/atomic"

	"github.com/kachi-io/kachi/internal/tally"
	"github.com/kachi-io/kachi/internal/traffic"
)

// Stats is what a [Server] has counted, whether its hooks are set or not. Each number was
// true at some moment of the call, but not all of them at the same one: under load they may
// disagree by what happened meanwhile. At rest they agree: Opened is the sum of Polling,
// WebSocket and all of Closed.
//
// Counting costs ordinary messages next to nothing: traffic is added up once for each read
// and write, however many messages that moves. An atomic addition, or for the maps a short
// lock, is paid where a session begins, moves or ends, a request is refused, or a message
// dropped.
type Stats struct {
	// Sessions at the moment, by what carries them: those included that are being opened,
	// and those that are being closed until their last goroutine has ended.
	Polling, WebSocket int

	// All that follows counts from the beginning of the server.

	// Opened sessions, as told to [Hooks.Opened].
	Opened uint64
	// Upgraded sessions, as told to [Hooks.Upgraded].
	Upgraded uint64
	// UpgradesFailed counts WebSocket connections that were to take over a session and did
	// not, as told to [Hooks.UpgradeFailed].
	UpgradesFailed uint64
	// Closed sessions by reason, as told to [Hooks.Closed]. Reasons that an application
	// made up for [Session.Abort] are counted as "other" when they are many.
	Closed map[Reason]uint64
	// Refused requests by [Refusal.Kind], as told to [Hooks.Refused].
	Refused map[string]uint64
	// Oversized messages and bodies, as told to [Hooks.Oversized].
	Oversized uint64
	// Dropped counts the volatile messages for which [Session.Send] or [Session.Queue]
	// found no room: once for each session. Those of Send are told to [Hooks.Dropped].
	Dropped uint64
	// Evicted counts the volatile messages that waited for a client and made room for
	// newer ones. What still waits when a session ends is not counted.
	Evicted uint64

	// Traffic of all sessions.
	Traffic Traffic
}

// Traffic is what sessions have moved: messages of clients and of the layer above, an
// attachment each for itself; and bytes, as WebSocket frames, POST requests' bodies and
// the answers to polls have them on the wire, heartbeats and the like included, HTTP's
// headers and TLS not. What is sent counts when the network has taken it.
type Traffic struct {
	MessagesReceived, MessagesSent uint64
	BytesReceived, BytesSent       uint64
}

// Stats returns what the server has counted. Its cost does not depend on the number of
// sessions; the maps are the caller's own, and nil where nothing was counted.
func (s *Server) Stats() Stats {
	c := &s.counts
	received, read := c.traffic.Received.Load()
	sent, written := c.traffic.Sent.Load()
	return Stats{
		Polling:        int(c.polling.Load()),
		WebSocket:      int(c.websocket.Load()),
		Opened:         c.opened.Load(),
		Upgraded:       c.upgraded.Load(),
		UpgradesFailed: c.upgradesFailed.Load(),
		Closed:         c.closed.Snapshot(),
		Refused:        c.refused.Snapshot(),
		Oversized:      c.oversized.Load(),
		Dropped:        c.dropped.Load(),
		Evicted:        c.evicted.Load(),

		Traffic: Traffic{MessagesReceived: received, MessagesSent: sent, BytesReceived: read, BytesSent: written},
	}
}

// counters belong to the server, not to its sessions, which would grow.
type counters struct {
	polling, websocket               atomic.Int64 // sessions now
	opened, upgraded, upgradesFailed atomic.Uint64
	oversized, dropped, evicted      atomic.Uint64
	traffic                          traffic.Traffic
	closed                           tally.Tally[Reason]
	refused                          tally.Tally[string]
}

func (c *counters) carriedBy(t Transport) *atomic.Int64 {
	if t == WebSocket {
		return &c.websocket
	}
	return &c.polling
}

// dropped counts a volatile message that found no room.
func (s *Server) dropped() error {
	s.counts.dropped.Add(1)
	return ErrDropped
}

// counted returns hooks that count, so that nothing can be told and not counted, or the
// other way round. Those that report an event may be called, whatever h has; Dropped,
// which tells less than is counted, and Headers, which tells nothing, are as they were.
func (h Hooks) counted(c *counters) Hooks {
	counting := h
	counting.Opened = func(s *Session) {
		c.opened.Add(1)
		if h.Opened != nil {
			h.Opened(s)
		}
	}
	counting.Upgraded = func(s *Session) {
		c.upgraded.Add(1)
		if h.Upgraded != nil {
			h.Upgraded(s)
		}
	}
	counting.UpgradeFailed = func(s *Session, err error) {
		c.upgradesFailed.Add(1)
		if h.UpgradeFailed != nil {
			h.UpgradeFailed(s, err)
		}
	}
	counting.Closed = func(s *Session, reason Reason, err error) {
		c.closed.Add(reason)
		if h.Closed != nil {
			h.Closed(s, reason, err)
		}
	}
	counting.Refused = func(f Refusal) {
		c.refused.Add(f.Kind())
		if h.Refused != nil {
			h.Refused(f)
		}
	}
	counting.Oversized = func(s *Session, size, limit int64) {
		c.oversized.Add(1)
		if h.Oversized != nil {
			h.Oversized(s, size, limit)
		}
	}
	return counting
}
