package engineio

import (
	"errors"

	"github.com/kachi-io/kachi/engineio/packet"
)

var errPanic = errors.New("engineio: receiver panicked")

// take handles one packet of the client, whatever carried it. It reports false when the
// packet broke the rules, which has ended the session. The work that it leaves, if any, is
// the caller's to run once receive is free. Under receive.
func (s *Session) take(p packet.Packet, err error) (work Work, ok bool) {
	if state := s.state.Load(); state != stateOpen {
		// Too late for everything but this: a client that was told good-bye in its last poll
		// says the same, and comes for nothing more. (Clients before 4.7 always do.)
		if state == stateClosing && err == nil && p.Type == packet.Close {
			s.end(TransportClose, nil, true)
		}
		return nil, true
	}
	if err != nil {
		s.end(ParseError, err, true)
		return nil, false
	}
	switch p.Type {
	case packet.Message:
		return s.deliver(p.Data, p.Binary), true
	case packet.Pong, packet.Ping:
		if (p.Type == packet.Ping) != (s.protocol == 3) {
			s.end(TransportError, ErrHeartbeatDirection, true)
			return nil, false
		}
		if s.protocol == 3 {
			s.pinged()
		} else {
			s.ponged()
		}
	case packet.Close:
		// The reference ignores it over WebSocket, and waits for the ping time-out.
		s.end(TransportClose, nil, true)
	}
	return nil, true // open, upgrade and noop mean nothing here; the reference ignores them too
}

func (s *Session) deliver(data []byte, binary bool) (work Work) {
	s.guard(func() { work = s.receiver.Message(data, binary) })
	return work
}
