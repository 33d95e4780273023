package engineio

import (
	"time"

	"github.com/kachi-io/kachi/engineio/packet"
	"github.com/kachi-io/kachi/engineio/websocket"
	"github.com/kachi-io/kachi/internal/wheel"
)

// heartbeat is what a session's one timer stands for at the moment.
type heartbeat uint8

const (
	beatOff    heartbeat = iota
	beatPing             // time for the next ping
	beatPong             // the answer to a ping is overdue; in protocol 3, a ping
	beatLinger           // a closing session has had its time
)

// lingerTimeout is how long a polling client may take to come for what is left when the
// server closes its session.
const lingerTimeout = 30 * time.Second

var (
	pingFrame = websocket.NewFrame(websocket.Text, packet.AppendText(nil, packet.Ping, nil))
	pongFrame = websocket.NewFrame(websocket.Text, packet.AppendText(nil, packet.Pong, nil))
)

// heartbeatTick makes the wheel coarse enough to be free at the usual intervals, and fine
// enough not to distort short ones.
func heartbeatTick(o *Options) time.Duration {
	return min(max(min(o.PingInterval, o.PingTimeout)/64, time.Millisecond), 250*time.Millisecond)
}

// pulse is the session as its timer sees it.
type pulse Session

// arm sets the session's timer. Under mu.
func (s *Session) arm(b heartbeat, d time.Duration) {
	s.beat, s.due = b, s.server.now()+d
	s.server.heartbeats.Reset(&s.timer, d, (*pulse)(s))
}

func (s *Session) disarm() {
	s.beat = beatOff
	s.server.heartbeats.Stop(&s.timer)
}

// Expire is called by the wheel, on its goroutine.
func (p *pulse) Expire(*wheel.Timer) {
	s := (*Session)(p)
	s.mu.Lock()
	now := s.server.now()
	if s.beat == beatOff || now < s.due { // moved meanwhile
		s.mu.Unlock()
		return
	}
	switch s.beat {
	case beatPing:
		// The time-out counts from when the ping was due, so that delays do not add up; but
		// a client has at least half of it, however late the server was.
		timeout := s.server.opts.PingTimeout
		s.arm(beatPong, timeout-min(now-s.due, timeout/2))
		if c := s.conn.Load(); c != nil {
			s.heard.Store(false)
			s.mu.Unlock()
			_ = c.SendFirst(s.beatFrame()) // a connection that is gone tells its reader
			return
		}
		s.polling.beat = true
		s.polling.wake()
	case beatPong:
		s.endLocked(PingTimeout, nil, false)
	case beatLinger:
		s.endLocked(ForcedClose, nil, false)
	}
	s.mu.Unlock()
}

// beatFrame returns the server's part of the heartbeat of a session on WebSocket.
func (s *Session) beatFrame() *websocket.Frame {
	switch s.protocol {
	case plain:
		return plainPing
	case 3:
		return pongFrame
	}
	return pingFrame
}

// beatType is beatFrame for polling.
func (s *Session) beatType() packet.Type {
	if s.protocol == 3 {
		return packet.Pong
	}
	return packet.Ping
}

// startBeat begins the heartbeat. In protocol 3 the client begins: a ping, which is due
// after an interval, may be a time-out late. Under mu.
func (s *Session) startBeat() {
	if s.protocol == 3 {
		s.arm(beatPong, s.server.opts.PingInterval+s.server.opts.PingTimeout)
		return
	}
	s.arm(beatPing, s.server.opts.PingInterval)
}

// pinged answers a ping of protocol 3.
func (s *Session) pinged() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.beat != beatPong {
		return // closing
	}
	s.startBeat()
	if c := s.conn.Load(); c != nil {
		_ = c.SendFirst(pongFrame)
		return
	}
	s.polling.beat = true
	s.polling.wake()
}

// ponged notes a pong, or whatever else shows that the client is there: the next ping is
// an interval away.
func (s *Session) ponged() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.beat == beatPing || s.beat == beatPong {
		s.arm(beatPing, s.server.opts.PingInterval)
	}
}

// expireOverdue ends a session whose pong is overdue and whose timer has not come round
// yet: a request that arrives after the time-out does not find it.
func (s *Session) expireOverdue() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.beat == beatPong && s.server.now() >= s.due {
		s.endLocked(PingTimeout, nil, false)
	}
}

// now is the time on the server's own clock.
func (s *Server) now() time.Duration { return time.Since(s.started) }
