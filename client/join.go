package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/kachi-io/kachi/socketio/packet"
)

// join asks for the namespace on a connection, with client.mu held.
func (s *Socket) join(e *engine) {
	if s.asked == e || s.authing == e {
		return // left and came back before the answer: it is on its way
	}
	if s.opts.AuthFunc == nil {
		data, err := encodeAuth(s.opts.Auth)
		if strings.ContainsRune(s.namespace, ',') {
			err = fmt.Errorf("client: a namespace cannot have a comma in its name: %q", s.namespace)
		}
		if err != nil {
			s.client.crew.start(func() { s.refused(e, err) })
			return
		}
		s.sendConnect(e, data)
		return
	}
	s.authing = e
	s.client.crew.start(func() { s.authenticate(e) })
}

// authenticate calls AuthFunc until it has an answer, or nobody wants one any more.
func (s *Socket) authenticate(e *engine) {
	c := s.client
	pauses := backoff{min: c.opts.ReconnectionDelay, max: c.opts.ReconnectionDelayMax, jitter: c.opts.RandomizationFactor}
	for {
		ctx, stop, ok := s.authContext(e)
		if !ok {
			return
		}
		data, err := s.callAuth(ctx)
		stop()
		c.mu.Lock()
		if s.authing != e {
			c.mu.Unlock()
			return
		}
		if err == nil || !s.active {
			s.authing = nil
			if s.active {
				s.sendConnect(e, data)
			}
			c.mu.Unlock()
			return
		}
		if c.opts.DisableReconnection {
			s.authing = nil
			c.mu.Unlock()
			s.refused(e, err)
			return
		}
		turn := s.fail(err, false)
		left := s.ctx.Done()
		c.mu.Unlock()
		turn()
		timer := time.NewTimer(pauses.next())
		select {
		case <-timer.C:
		case <-left:
		case <-e.ctx.Done():
		}
		timer.Stop()
	}
}

// authContext returns a context that ends with the connection, or when the socket leaves.
func (s *Socket) authContext(e *engine) (_ context.Context, stop func(), ok bool) {
	s.client.mu.Lock()
	defer s.client.mu.Unlock()
	if s.authing != e {
		return nil, nil, false
	}
	if !s.active {
		s.authing = nil
		return nil, nil, false
	}
	ctx, cancel := context.WithCancel(e.ctx)
	watch := context.AfterFunc(s.ctx, cancel)
	return ctx, func() { watch(); cancel() }, true
}

func (s *Socket) callAuth(ctx context.Context) (data []byte, err error) {
	var auth any
	s.client.crew.call(func() { auth, err = s.opts.AuthFunc(ctx) })
	if err != nil {
		return nil, &AuthError{err}
	}
	return encodeAuth(auth)
}

// encodeAuth encodes what becomes the payload of CONNECT: an object, or nil for nothing.
func encodeAuth(auth any) ([]byte, error) {
	if auth == nil {
		return nil, nil
	}
	data, err := json.Marshal(auth)
	switch {
	case err != nil:
		return nil, &AuthError{err}
	case bytes.Equal(data, []byte("null")):
		return nil, nil
	case data[0] != '{':
		return nil, &AuthError{errors.New("it is not a JSON object")}
	}
	return data, nil
}

// sendConnect queues CONNECT, with client.mu held.
func (s *Socket) sendConnect(e *engine, auth []byte) {
	c := s.client
	if s.pid != "" {
		auth = withSession(auth, s.pid, s.received)
	}
	o := s.controlPacket(&packet.Packet{Type: packet.Connect, Data: auth})
	s.asked = e
	e.control = append(e.control, o)
	e.stir()
	if c.opts.Timeout > 0 {
		s.patience = time.AfterFunc(c.opts.Timeout, func() { s.unanswered(e) })
	}
}

// withSession adds what the socket shows to have its session restored. The auth's own
// fields win, as in the reference implementation.
func withSession(auth []byte, pid, offset string) []byte {
	fields := map[string]json.RawMessage{}
	fields["pid"], _ = json.Marshal(pid)
	if offset != "" {
		fields["offset"], _ = json.Marshal(offset)
	}
	_ = json.Unmarshal(auth, &fields) // it is an object, or nothing
	data, _ := json.Marshal(fields)
	return data
}

// answered takes note that CONNECT has its answer, or will have none, with client.mu held.
func (s *Socket) answered() {
	s.asked = nil
	if s.patience != nil {
		s.patience.Stop()
		s.patience = nil
	}
}

// unanswered gives up a connection on which the namespace does not answer. Where others
// use it, the socket is told, and goes on waiting.
func (s *Socket) unanswered(e *engine) {
	c := s.client
	c.mu.Lock()
	if s.asked != e {
		c.mu.Unlock()
		return
	}
	late := e.fault(e.transport.name(), CodeTimeout, fmt.Errorf("%w: %s", ErrNoAnswer, s.namespace))
	for _, other := range c.all {
		if other.state == StateConnected {
			tell := s.fail(late, false)
			c.mu.Unlock()
			tell()
			return
		}
	}
	c.mu.Unlock()
	e.fail(TransportFailure, late)
}

// packet takes a packet of the connection. It runs on the reading goroutine.
func (c *Client) packet(e *engine, p *packet.Packet) {
	c.mu.Lock()
	s := c.sockets[canonical(p.Namespace)]
	c.mu.Unlock()
	if s == nil {
		return // of a namespace that was never asked for
	}
	switch p.Type {
	case packet.Connect:
		s.admitted(e, p.Data)
	case packet.ConnectError:
		s.refused(e, connectError(s.namespace, p.Data))
	case packet.Disconnect:
		s.dismissed(e)
	case packet.Event:
		s.takeEvent(e, p)
	case packet.Ack:
		s.takeAck(p)
	}
}

// admitted takes the answer to CONNECT.
func (s *Socket) admitted(e *engine, data []byte) {
	var answer struct{ SID, PID string }
	_ = json.Unmarshal(data, &answer)
	if answer.SID == "" {
		s.refused(e, e.fault(e.current().name(), CodeProtocol2, errNoSID))
		return
	}
	c := s.client
	c.mu.Lock()
	if s.asked != e {
		c.mu.Unlock()
		return
	}
	s.answered()
	if !s.active { // it left before it was there: now the server can be told
		e.control = append(e.control, s.disconnectPacket())
		e.stir()
		c.mu.Unlock()
		return
	}
	s.recovered = answer.PID != "" && answer.PID == s.pid
	if !s.recovered {
		s.received, s.handled = "", "" // of another session
	}
	s.id, s.pid, s.state = answer.SID, answer.PID, StateConnected
	s.settle(nil)
	s.drain()
	t, stint := s.connectTask(), s.mailbox.current()
	e.stir()
	c.mu.Unlock()
	s.mailbox.turn(stint, t)
}

// refused takes a namespace's refusal, or what has the same effect.
func (s *Socket) refused(e *engine, err error) {
	c := s.client
	c.mu.Lock()
	if s.asked == e {
		s.answered()
	}
	if !s.active || s.state == StateConnected || c.engine != e {
		c.mu.Unlock()
		return
	}
	t, stint := s.connectErrorTask(err), s.mailbox.current()
	s.giveUp(err)
	c.unneeded()
	c.mu.Unlock()
	s.mailbox.turn(stint, t)
}

func connectError(namespace string, data []byte) error {
	e := &ConnectError{Namespace: namespace}
	var body struct {
		Message string
		Data    json.RawMessage
	}
	switch {
	case json.Unmarshal(data, &body) == nil:
		e.Message, e.Data = body.Message, body.Data
	case json.Unmarshal(data, &e.Message) != nil: // older servers send a string
		e.Message = string(data)
	}
	return e
}

// dismissed takes note that the server put the socket out.
func (s *Socket) dismissed(e *engine) {
	c := s.client
	c.mu.Lock()
	if s.asked == e {
		s.answered()
	}
	if !s.active || c.engine != e {
		c.mu.Unlock()
		return
	}
	stint := s.mailbox.current()
	t := s.disconnectTask(ServerDisconnect, nil)
	if s.state != StateConnected {
		t = s.connectErrorTask(ErrDisconnected)
	}
	s.giveUp(nil)
	c.unneeded()
	c.mu.Unlock()
	s.mailbox.turn(stint, t)
}
