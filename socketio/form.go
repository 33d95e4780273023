package socketio

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/kachi-io/kachi/engineio"
	"github.com/kachi-io/kachi/socketio/adapter"
	"github.com/kachi-io/kachi/socketio/packet"
)

// form is how a connection speaks: the encoding of its mount, and what its clients know.
// There are few, shared by all their connections: a broadcast is encoded once for each
// that has a receiver.
type form struct {
	encoding packet.Encoding
	kind     kind
	frames   *form // whose messages are the same, unless they bear positions; itself for most
}

type kind uint8

const (
	current kind = iota // Socket.IO protocol 5: clients know positions, and come back with them
	old                 // protocol 4, of Socket.IO v2 clients
	plain               // WebSocket alone
)

// newForm returns the form of a mount for the protocol's present version.
func newForm(e packet.Encoding) *form {
	f := &form{encoding: e}
	f.frames = f
	return f
}

// aged returns the form of f for clients of the old protocol.
func (f *form) aged() *form { return &form{encoding: f.encoding, kind: old, frames: f} }

// greeting answers CONNECT; nil where there is no answer. private is what the client may
// come back with, if it may.
func (f *form) greeting(s *Socket, private string) *packet.Packet {
	p := &packet.Packet{Type: packet.Connect, Namespace: s.ns.name, ID: packet.NoID}
	switch f.kind {
	case plain:
		return nil
	case old: // makes the socket's id itself
		return p
	}
	data := `{"sid":"` + s.id // ids need no escapes
	if private != "" {
		data += `","pid":"` + private
	}
	p.Data = []byte(data + `"}`)
	return p
}

// refusal answers CONNECT, too. data is what connectErrorData returns.
func (f *form) refusal(namespace string, data []byte) *packet.Packet {
	p := &packet.Packet{Type: packet.ConnectError, Namespace: namespace, ID: packet.NoID, Data: data}
	if f.kind == old { // expects the data, or else the message alone
		var parts struct{ Message, Data json.RawMessage }
		if json.Unmarshal(data, &parts) == nil {
			if p.Data = parts.Message; parts.Data != nil {
				p.Data = parts.Data
			}
		}
	}
	return p
}

// ErrEncoding: the encoding of a client's connection cannot hold what it is to be sent.
var ErrEncoding = errors.New("socketio: the client's encoding cannot hold this")

// message encodes a packet for the wire; nil is none.
func (f *form) message(p *packet.Packet) (*engineio.Message, error) {
	if p == nil {
		return nil, nil
	}
	buf := make([]byte, engineio.Room, engineio.Room+len(p.Namespace)+len(p.Data)+24)
	if f.encoding == packet.JSON { // most: nothing escapes, nothing fails
		return engineio.NewMessage(packet.Append(buf, p), p.Attachments...), nil
	}
	text, binary, err := f.encoding.Append(buf, p)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: %s: %w", ErrEncoding, f.encoding.Name(), err)
	case f.kind == plain:
		return engineio.PlainMessage(text, binary...), nil
	case text == nil:
		return engineio.BinaryMessage(binary[0]), nil
	}
	return engineio.NewMessage(text, binary...), nil
}

// copies is an event on its way to several sockets: as it was emitted, and as a message of
// each form that has a receiver, made when the first one is found. It is not safe for
// concurrent use.
type copies struct {
	packet     *packet.Packet
	positioned *packet.Packet // with its position, for those that know what that is; nil without a journal
	flags      adapter.Flags

	first formed
	more  []formed
}

// formed is an event in one form.
type formed struct {
	form    *form
	packet  *packet.Packet
	message *engineio.Message // nil where the form cannot hold it
	err     error
}

// position gives the event its position, as its last argument: in the form that most
// clients have, whose message and packet share the memory.
func (c *copies) position(f *form, position string) {
	p := *c.packet
	open := p.Data[:len(p.Data)-1] // without the bracket
	size := len(open) + len(`,""]`) + len(position)
	p.Data = open
	text := make([]byte, engineio.Room, engineio.Room+len(p.Namespace)+size+24)
	text = packet.Append(text, &p)
	text = append(append(append(text, `,"`...), position...), `"]`...)
	p.Data = text[len(text)-size:]
	m := engineio.NewMessage(text, p.Attachments...)
	m.Volatile, m.NoCompress = c.flags.Volatile, c.flags.NoCompress
	c.positioned, c.first = &p, formed{form: f, packet: &p, message: m}
}

// size is that of an event with a position.
func (c *copies) size() int { return c.first.message.Size() }

// to returns the message for a socket. An error is one of the form: none of its clients
// can be sent the event.
func (c *copies) to(s *Socket) (*engineio.Message, error) {
	f, p := s.conn.form, c.packet
	if c.positioned != nil && f.kind == current {
		p = c.positioned
	}
	f = f.frames
	if c.first.form == f && c.first.packet == p {
		return c.first.message, c.first.err
	}
	for i := range c.more {
		if m := &c.more[i]; m.form == f && m.packet == p {
			return m.message, m.err
		}
	}
	m := formed{form: f, packet: p}
	if m.message, m.err = f.message(p); m.err == nil {
		m.message.Volatile, m.message.NoCompress = c.flags.Volatile, c.flags.NoCompress
	}
	if c.first.form == nil {
		c.first = m
	} else {
		c.more = append(c.more, m)
	}
	return m.message, m.err
}

// failed returns the first error of a form that had receivers.
func (c *copies) failed() error {
	err := c.first.err
	for i := range c.more {
		if err == nil {
			err = c.more[i].err
		}
	}
	return err
}

// queue queues the event for a socket: it touches memory only.
func (c *copies) queue(s *Socket) error {
	m, err := c.to(s)
	if err != nil {
		return err
	}
	return s.conn.session.Queue(m)
}
