package socketio

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/kachi-io/kachi/engineio"
	"github.com/kachi-io/kachi/internal/wheel"
	"github.com/kachi-io/kachi/socketio/packet"
)

// conn is one client's connection: it decodes what arrives and hands it to the
// client's sockets. Message and Closed are called by the session, one at a time;
// nothing here waits for user code, and nothing writes.
type conn struct {
	srv     *Server
	session *engineio.Session
	form    *form
	reader  packet.Reader
	broken  bool // the client broke the protocol: nothing more is taken

	mu      sync.Mutex
	sockets []*Socket // one for each namespace: mostly one, so a list
	past    *past     // nil until a socket has ended
	ended   bool
	overdue bool        // the timer expired while only middlewares were running
	timeout wheel.Timer // until it joins a namespace
}

// past is what a connection keeps of its sockets that have ended.
type past struct {
	put    []string     // out of these namespaces, by the server: see socket
	ending []*Namespace // whose functions have not all returned yet, once for each socket
}

const (
	// maxSockets bounds the namespaces that one connection may join.
	maxSockets = 1024
	// maxEnding bounds the sockets of one namespace that have ended and still wait for
	// the application: a client that joins and leaves in a loop costs no more than that.
	maxEnding = 16
)

func newConn(srv *Server, session *engineio.Session, f *form) *conn {
	c := &conn{srv: srv, session: session, form: f}
	c.reader = f.encoding.NewReader(packet.Limits{
		Attachments: srv.opts.MaxAttachments, AttachmentBytes: srv.opts.MaxAttachmentBytes, Depth: srv.opts.MaxDepth,
	})
	srv.wheel.Reset(&c.timeout, srv.opts.ConnectTimeout, c)
	return c
}

// Expire is the connect time-out.
func (c *conn) Expire(*wheel.Timer) {
	c.mu.Lock()
	c.overdue = !c.joined() && len(c.sockets) > 0
	idle := !c.ended && len(c.sockets) == 0
	c.ended = c.ended || idle // who asks for a namespace now is too late
	c.mu.Unlock()
	if idle {
		c.srv.work.add()
		go func() { // not on the wheel's goroutine
			defer c.srv.work.done()
			c.srv.opts.Logger.Info("closing a connection that joined no namespace", "session", c.session.ID())
			c.srv.opts.Hooks.Idle(c.session)
			c.session.Close()
		}()
	}
}

// joined reports whether a namespace has admitted the client. The caller holds c.mu.
func (c *conn) joined() bool { return slices.ContainsFunc(c.sockets, (*Socket).Connected) }

// Message takes one message of the client. The work is its socket's, where that had none.
func (c *conn) Message(data []byte, binary bool) (work engineio.Work) {
	if c.broken {
		return nil
	}
	decode := c.reader.Text
	if binary {
		decode = c.reader.Binary
	}
	p, complete, err := decode(data)
	if err == nil && complete {
		work, err = c.take(&p)
	}
	if err != nil {
		c.violation(err)
	}
	return work
}

// Closed ends the client's sockets, those that are left.
func (c *conn) Closed(reason Reason, err error) {
	c.mu.Lock()
	c.ended = true
	sockets := slices.Clone(c.sockets)
	c.mu.Unlock()
	c.srv.wheel.Stop(&c.timeout) // forget arms it no more
	for _, s := range sockets {
		s.close(reason, err)
	}
}

// violation closes the connection of a client that broke the protocol. Its sockets end
// with it, and not only when a polling client has come for the rest, or has not within
// 30 s: no room holds it meanwhile.
func (c *conn) violation(err error) {
	c.broken = true
	c.srv.opts.Logger.Info("closing a connection that broke the protocol", "session", c.session.ID(), "error", err)
	c.srv.opts.Hooks.ProtocolError(c.session, err)
	if c.form.kind == plain {
		c.session.CloseWith(badMessage, err.Error())
	}
	c.session.Close()
	c.Closed(engineio.ForcedClose, err)
}

var (
	errConnectTwice  = errors.New("socketio: CONNECT for a namespace that the client has joined")
	errNotJoined     = errors.New("socketio: packet for a namespace that the client has not joined")
	errFromClient    = errors.New("socketio: CONNECT_ERROR from a client")
	errTooManySpaces = fmt.Errorf("socketio: more than %d namespaces joined", maxSockets)
	errTooManyEnds   = errors.New("socketio: the client joins and leaves a namespace faster than it is served")
	errLate          = errors.New("socketio: no namespace was joined in time")
)

// brief shortens a name that a client made up, and may have made a megabyte long, for
// logs and errors.
func brief(name string) string {
	const enough = 64
	if len(name) <= enough {
		return name
	}
	return strings.ToValidUTF8(name[:enough], "") + "…"
}

// take handles one packet. An error means that the client broke the protocol.
func (c *conn) take(p *packet.Packet) (engineio.Work, error) {
	if p.Type == packet.Connect {
		return c.takeConnect(p)
	}
	if p.Type == packet.ConnectError {
		return nil, errFromClient
	}
	s, stray := c.socket(p.Namespace)
	if s == nil {
		if stray {
			c.srv.opts.Hooks.Stray(c.session, p.Namespace)
			return nil, nil
		}
		return nil, fmt.Errorf("%w: %q", errNotJoined, brief(p.Namespace))
	}
	switch p.Type {
	case packet.Event:
		return s.takeEvent(p)
	case packet.Ack:
		s.takeAck(p)
	case packet.Disconnect:
		s.close(ReasonClientDisconnect, nil)
	}
	return nil, nil
}

func (c *conn) takeConnect(p *packet.Packet) (engineio.Work, error) {
	if c.form.kind == old {
		p = agedConnect(p)
	}
	ns := c.srv.visit(p.Namespace)
	if ns == nil {
		c.srv.opts.Logger.Info("refused: no such namespace", "session", c.session.ID(), "namespace", brief(p.Namespace))
		c.send(c.form.refusal(p.Namespace, invalidNamespace))
		c.srv.opts.Hooks.Refused(c.session, p.Namespace, ErrNoNamespace)
		return nil, nil
	}
	s, err := c.open(ns, p.Data)
	if s == nil {
		ns.release()
		return nil, err
	}
	if ns.journal != nil && c.form.kind == current {
		ns.journal.claim(s) // before anybody asks for its id
	}
	return s.mailbox.push(s, (*connectTask)(s)), nil
}

// open makes the socket of a namespace; none when the connection has ended. From here on the
// namespace is in use until the socket has finished.
func (c *conn) open(ns *Namespace, auth []byte) (*Socket, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.ended:
		return nil, nil
	case slices.ContainsFunc(c.sockets, func(o *Socket) bool { return o.ns.name == ns.name }):
		return nil, fmt.Errorf("%w: %q", errConnectTwice, ns.name)
	case len(c.sockets) == maxSockets:
		return nil, errTooManySpaces
	case c.overdue && !c.joined():
		return nil, errLate // or who always asks for something would stay
	}
	if p := c.past; p != nil {
		ending := 0
		for _, other := range p.ending {
			if other == ns {
				ending++
			}
		}
		if ending >= maxEnding {
			return nil, fmt.Errorf("%w: %q", errTooManyEnds, ns.name)
		}
		p.put = slices.DeleteFunc(p.put, func(name string) bool { return name == ns.name })
	}
	s := newSocket(c, ns, auth)
	c.sockets = append(c.sockets, s)
	return s, nil
}

var invalidNamespace = []byte(`{"message":"Invalid namespace"}`)

// socket finds the client's socket of a namespace. stray reports that the server ended
// it: what the client sent before it knew is dropped, and no reason to close a
// connection that other namespaces share (the Node server closes it).
func (c *conn) socket(namespace string) (s *Socket, stray bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.sockets {
		if s.ns.name == namespace {
			return s, false
		}
	}
	return nil, c.past != nil && slices.Contains(c.past.put, namespace)
}

// forget takes an ended socket off the connection, and tells the client, in one step:
// it may join the namespace again as soon as it reads farewell, and what its next socket
// is sent must not come before that. farewell is nil when the client ended it, and reason
// is empty when it was refused.
//
// After a socket that was connected the client has the connect time-out once more to
// join another namespace. One that was refused gives it no more time: who is not
// admitted anywhere does not stay.
func (c *conn) forget(s *Socket, connected bool, farewell *packet.Packet, reason Reason) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sockets = slices.DeleteFunc(c.sockets, func(o *Socket) bool { return o == s })
	if c.past == nil {
		c.past = new(past)
	}
	c.past.ending = append(c.past.ending, s.ns)
	if farewell != nil {
		if len(c.past.put) < maxSockets {
			c.past.put = append(c.past.put, s.ns.name)
		}
		if c.form.kind != plain {
			c.send(farewell)
		} else if reason != "" { // the socket is the connection
			c.session.CloseWith(closeStatus(reason))
		}
	}
	switch {
	case c.ended:
	case connected:
		c.overdue = false
		c.srv.wheel.Reset(&c.timeout, c.srv.opts.ConnectTimeout, c)
	case c.overdue && len(c.sockets) == 0:
		c.srv.wheel.Reset(&c.timeout, 0, c)
	}
}

// finished notes that an ended socket's functions have returned.
func (c *conn) finished(s *Socket) {
	c.mu.Lock()
	e := c.past.ending
	if i := slices.Index(e, s.ns); i >= 0 {
		c.past.ending = slices.Delete(e, i, i+1)
	}
	c.mu.Unlock()
	s.ns.release()
}

// send queues a packet that belongs to no socket.
func (c *conn) send(p *packet.Packet) {
	m, _ := c.form.message(p) // what the server itself says, every form can hold
	c.queue(m)
}

// queue queues a message, unless it is nil: there are forms without it.
func (c *conn) queue(m *engineio.Message) {
	if m != nil {
		_ = c.session.Queue(m)
	}
}
