package engineio

import (
	"errors"
	"net/http"
	"time"

	"github.com/kachi-io/kachi/engineio/packet"
	"github.com/kachi-io/kachi/engineio/websocket"
	"github.com/kachi-io/kachi/internal/wheel"
)

// candidate is a WebSocket connection that wants to take over a polling session. The
// client asks on it (2probe), is answered (3probe), stops polling, and says that it moves
// (5); anything else ends the candidate and leaves the session as it was.
type candidate struct {
	session *Session
	conn    *websocket.Conn // nil while the handshake is being answered
	base64  bool            // as of a session
	timeout wheel.Timer
	noop    wheel.Timer
	err     error // why it failed, the first cause that was noted; under the session's mu
}

const (
	// noopInterval is how often a poll that waits is released while a client wants to
	// stop polling. Not at once: the client would take the noop for the last poll, and
	// send twice what it holds back (its tests count packets over 100 ms).
	noopInterval = 100 * time.Millisecond
	upgradeTick  = 10 * time.Millisecond
	// strayTimeout is how long a refused candidate may take to say good-bye, and
	// maxStrays how many may be about that at once.
	strayTimeout = time.Second
	maxStrays    = 256
)

var probeAnswer = websocket.NewFrame(websocket.Text, packet.AppendText(nil, packet.Pong, []byte("probe")))

// offerUpgrade serves a WebSocket handshake that names a session.
func (s *Session) offerUpgrade(w http.ResponseWriter, r *http.Request, q request) {
	if bad := websocket.CheckRequest(r); bad != nil {
		f := badHandshake(w, bad)
		f.Request, f.Session = r, s
		s.server.refuse(w, q, f)
		return
	}
	c := &candidate{session: s, base64: q.base64}
	s.mu.Lock()
	if s.state.Load() == stateClosed {
		s.mu.Unlock()
		s.refuseLate(w, r, q)
		return
	}
	// One at a time, once, and not for a session that began on WebSocket: it has nothing
	// to gain, and whoever comes there is not its client.
	if s.direct || s.polling == nil || s.upgrade != nil {
		s.mu.Unlock()
		s.server.turnAway(w, r, q, s)
		return
	}
	s.upgrade = c
	s.server.upgrades.Reset(&c.timeout, s.server.opts.UpgradeTimeout, (*candidateTimeout)(c))
	s.hold()
	s.mu.Unlock()

	s.runHeadersHook(w.Header(), r, false)
	conn, err := websocket.Accept(w, r, &s.server.accepting)
	if err != nil {
		s.server.handshakeFailed(w, r, s, err)
		s.withdraw(c, err)
		s.unhold()
		return
	}
	s.mu.Lock()
	live := s.upgrade == c
	c.conn = conn
	s.mu.Unlock()
	s.server.keep(conn)
	if !live { // the session ended, or the time was up
		_ = conn.Close(websocket.StatusNoStatus, "")
	}
	go s.readCandidate(c)
}

// readCandidate reads a candidate, and goes on as the session's reader when it succeeds.
func (s *Session) readCandidate(c *candidate) {
	for {
		t, data, err := c.conn.Read()
		if err != nil {
			var tooBig *websocket.TooBigError
			if errors.As(err, &tooBig) {
				s.oversized(tooBig.Size, int64(tooBig.Limit))
			}
			cause := s.withdraw(c, err)
			s.server.drop(c.conn)
			s.guard(func() { s.server.opts.Hooks.UpgradeFailed(s, cause) })
			s.unhold()
			return
		}
		p, err := packet.ParseText(data)
		cause := ErrUpgradePacket
		switch {
		case t != websocket.Text || err != nil:
		case p.Type == packet.Ping && string(p.Data) == "probe":
			if cause = c.conn.Send(probeAnswer); cause == nil {
				c.conn.Flush()
				s.probed(c)
				continue
			}
		case p.Type == packet.Upgrade:
			if s.takeOver(c) {
				s.server.drop(c.conn)
				s.guard(func() { s.server.opts.Hooks.Upgraded(s) })
				c.conn.Await((*reader)(s))
				return
			}
		}
		// Refused, or the session is gone: read on only until the client has let go,
		// which Close bounds.
		_ = s.withdraw(c, cause)
		_ = c.conn.Close(websocket.StatusNoStatus, "")
	}
}

// probed begins to release polls.
func (s *Session) probed(c *candidate) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.upgrade == c {
		s.server.upgrades.Reset(&c.noop, noopInterval, (*candidateNoop)(c))
	}
}

// takeOver moves the session to the candidate: what waits is sealed and moved under the
// lock, so that whatever is sent from here on comes behind it.
func (s *Session) takeOver(c *candidate) bool {
	s.mu.Lock()
	if s.upgrade != c || s.state.Load() == stateClosed {
		s.mu.Unlock()
		return false
	}
	c.disarm()
	s.upgrade = nil
	p := s.polling
	beat := p.beat // due, but no poll came for it
	switch {
	case s.beat != beatPong:
	case s.protocol == 3:
		s.startBeat()
	default:
		// The reference drops the time-out here, and never pings again when the pong got
		// lost in the move.
		s.arm(beatPong, s.server.opts.PingTimeout)
	}
	if p.post != nil {
		// It was sent before the upgrade, so it counts; but its client's pongs come by
		// another way now, and no longer bound it.
		p.post.patience(s.server.opts.UpgradeTimeout)
	}
	s.base64 = c.base64
	s.moveTo(c.conn)
	p.ring() // a poll that still waits is refused like those that come now
	p.arrived()
	s.mu.Unlock()
	if beat {
		_ = c.conn.SendFirst(s.beatFrame())
	}
	return true
}

// withdraw lets the session go on without the candidate, and returns the first cause of
// its failure: the one given, unless there was another before.
func (s *Session) withdraw(c *candidate, cause error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.upgrade == c {
		s.upgrade = nil
	}
	c.disarm()
	if c.err == nil {
		c.err = cause
	}
	return c.err
}

func (c *candidate) disarm() {
	c.session.server.upgrades.Stop(&c.timeout)
	c.session.server.upgrades.Stop(&c.noop)
}

type (
	candidateTimeout candidate
	candidateNoop    candidate
)

// Expire gives a candidate up that took too long.
func (t *candidateTimeout) Expire(*wheel.Timer) {
	c := (*candidate)(t)
	s := c.session
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.upgrade != c {
		return
	}
	s.upgrade, c.err = nil, ErrUpgradeTimeout
	s.server.upgrades.Stop(&c.noop)
	if conn := c.conn; conn != nil {
		_ = conn.Close(websocket.StatusNoStatus, "")
	}
}

// Expire releases a poll that waits, and comes again.
func (t *candidateNoop) Expire(*wheel.Timer) {
	c := (*candidate)(t)
	s := c.session
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.upgrade != c || s.polling == nil {
		return
	}
	if p := s.polling; p.waiting != nil {
		p.noop = true
		p.wake()
	}
	s.server.upgrades.Reset(&c.noop, noopInterval, (*candidateNoop)(c))
}

// turnAway refuses a candidate as the reference does: the handshake is answered, and then
// the connection closed. Clients take status 400 for a server that knows no WebSocket.
func (s *Server) turnAway(w http.ResponseWriter, r *http.Request, q request, session *Session) {
	if s.strays.Add(1) > maxStrays || s.closing.Load() {
		s.strays.Add(-1)
		s.refuse(w, q, Refusal{Request: r, Session: session, Code: CodeBadRequest, Cause: CauseUpgrade})
		return
	}
	o := s.accepting
	o.CloseTimeout = min(o.CloseTimeout, strayTimeout)
	conn, err := websocket.Accept(w, r, &o)
	if err != nil {
		s.strays.Add(-1)
		s.handshakeFailed(w, r, session, err)
		return
	}
	s.refused(Refusal{Request: r, Session: session, Status: http.StatusSwitchingProtocols,
		Code: CodeBadRequest, Cause: CauseUpgrade})
	s.keep(conn)
	_ = conn.Close(websocket.StatusNoStatus, "")
	go func() {
		defer s.strays.Add(-1)
		defer s.drop(conn)
		for {
			if _, _, err := conn.Read(); err != nil {
				return
			}
		}
	}()
}
