package socketio

import (
	"errors"
	"fmt"
	"slices"
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
	decoder packet.Decoder
	broken  bool // the client broke the protocol: nothing more is taken

	mu      sync.Mutex
	sockets []*Socket // one for each namespace: mostly one, so a list
	left    []string  // namespaces that the server disconnected it from, see stray
	ended   bool
	timeout wheel.Timer // until it joins a namespace
}

// maxSockets bounds the namespaces that one connection may join.
const maxSockets = 1024

func (srv *Server) accept(session *engineio.Session) engineio.Receiver {
	c := &conn{srv: srv, session: session}
	c.decoder.Limits = packet.Limits{Attachments: srv.opts.MaxAttachments, Depth: srv.opts.MaxDepth}
	srv.wheel.Reset(&c.timeout, srv.opts.ConnectTimeout, c)
	return c
}

// Expire is the connect time-out.
func (c *conn) Expire(*wheel.Timer) {
	c.mu.Lock()
	idle := !c.ended && len(c.sockets) == 0
	c.mu.Unlock()
	if idle {
		c.srv.opts.Logger.Info("closing a connection that joined no namespace", "session", c.session.ID())
		go c.session.Close() // not on the wheel's goroutine
	}
}

// Message takes one message of the client.
func (c *conn) Message(data []byte, binary bool) {
	if c.broken {
		return
	}
	decode := c.decoder.Text
	if binary {
		decode = c.decoder.Binary
	}
	p, complete, err := decode(data)
	if err == nil && complete {
		err = c.take(&p)
	}
	if err != nil {
		c.violation(err)
	}
}

// Closed ends the client's sockets.
func (c *conn) Closed(reason Reason, err error) {
	c.srv.wheel.Stop(&c.timeout)
	c.mu.Lock()
	c.ended = true
	sockets := slices.Clone(c.sockets)
	c.mu.Unlock()
	for _, s := range sockets {
		s.close(reason, err)
	}
}

// violation closes the connection of a client that broke the protocol.
func (c *conn) violation(err error) {
	c.broken = true
	c.srv.opts.Logger.Info("closing a connection that broke the protocol", "session", c.session.ID(), "error", err)
	call2(c.srv.opts.Hooks.ProtocolError, c.session, err)
	c.session.Close()
}

var (
	errConnectTwice  = errors.New("socketio: CONNECT for a namespace that the client has joined")
	errNotJoined     = errors.New("socketio: packet for a namespace that the client has not joined")
	errFromClient    = errors.New("socketio: CONNECT_ERROR from a client")
	errTooManySpaces = fmt.Errorf("socketio: more than %d namespaces joined", maxSockets)
	errNoNamespace   = errors.New("socketio: there is no such namespace")
)

// take handles one packet. An error means that the client broke the protocol.
func (c *conn) take(p *packet.Packet) error {
	if p.Type == packet.Connect {
		return c.takeConnect(p)
	}
	if p.Type == packet.ConnectError {
		return errFromClient
	}
	s, stray := c.socket(p.Namespace)
	if s == nil {
		if stray {
			call2(c.srv.opts.Hooks.Stray, c.session, p.Namespace)
			return nil
		}
		return fmt.Errorf("%w: %q", errNotJoined, p.Namespace)
	}
	switch p.Type {
	case packet.Event:
		return s.takeEvent(p)
	case packet.Ack:
		return s.takeAck(p)
	case packet.Disconnect:
		s.close(ReasonClientDisconnect, nil)
	}
	return nil
}

func (c *conn) takeConnect(p *packet.Packet) error {
	ns := c.srv.lookup(p.Namespace)
	if ns == nil {
		c.srv.opts.Logger.Info("refused: no such namespace", "session", c.session.ID(), "namespace", p.Namespace)
		c.send(&packet.Packet{Type: packet.ConnectError, Namespace: p.Namespace, ID: packet.NoID, Data: invalidNamespace})
		call3(c.srv.opts.Hooks.Refused, c.session, p.Namespace, errNoNamespace)
		return nil
	}
	s := newSocket(c, ns, p.Data)
	c.mu.Lock()
	switch {
	case c.ended:
		c.mu.Unlock()
		return nil
	case slices.ContainsFunc(c.sockets, func(o *Socket) bool { return o.ns == ns }):
		c.mu.Unlock()
		return fmt.Errorf("%w: %q", errConnectTwice, ns.name)
	case len(c.sockets) == maxSockets:
		c.mu.Unlock()
		return errTooManySpaces
	}
	c.sockets = append(c.sockets, s)
	c.left = slices.DeleteFunc(c.left, func(name string) bool { return name == ns.name })
	c.mu.Unlock()
	s.mailbox.push(s, (*connectTask)(s), 0)
	return nil
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
	return nil, slices.Contains(c.left, namespace)
}

// forget takes an ended socket off the connection. When no namespace is left, the
// client has the connect time-out to join another.
func (c *conn) forget(s *Socket, byServer bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sockets = slices.DeleteFunc(c.sockets, func(o *Socket) bool { return o == s })
	if byServer && len(c.left) < maxSockets {
		c.left = append(c.left, s.ns.name)
	}
	if len(c.sockets) == 0 && !c.ended {
		c.srv.wheel.Reset(&c.timeout, c.srv.opts.ConnectTimeout, c)
	}
}

// send queues a packet that belongs to no socket.
func (c *conn) send(p *packet.Packet) { _ = c.session.Queue(message(p)) }

// message encodes a packet for the wire.
func message(p *packet.Packet) *engineio.Message {
	buf := make([]byte, engineio.Room, engineio.Room+len(p.Namespace)+len(p.Data)+24)
	return engineio.NewMessage(packet.Append(buf, p), p.Attachments...)
}
