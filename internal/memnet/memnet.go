// Package memnet is a network in memory for tests. Its connections have bounded buffers,
// deadlines and, if wanted, a delay. Whoever waits for one of them waits durably in the
// sense of testing/synctest: in a bubble, time stands still while something can move, and
// jumps when nothing can. (net.Pipe has no buffer, and a second writer waits for a mutex
// there, which stops a bubble's clock for good.)
package memnet

import (
	"io"
	"net"
	"sync"
	"syscall"
	"time"
)

// Options of a network. The zero value, and nil, mean the defaults.
type Options struct {
	// Buffer is how many bytes each direction of a connection holds. Default 64 KiB.
	Buffer int
	// Delay is how long bytes are under way, asked for once for each direction of each
	// connection. Default none.
	Delay func() time.Duration
}

const defaultBuffer = 64 << 10

// Addr is the address of everything here. It is one of 127.0.0.1 for whoever parses it.
type Addr struct{}

// Network implements net.Addr.
func (Addr) Network() string { return "mem" }

func (Addr) String() string { return "127.0.0.1:1" }

// Listener accepts the connections that are dialled at it.
type Listener struct {
	options *Options
	backlog chan *Conn
	once    sync.Once
	closed  chan struct{}
}

var _ net.Listener = (*Listener)(nil)

// Listen makes a listener. In a bubble it belongs to the bubble.
func Listen(o *Options) *Listener {
	return &Listener{options: o, backlog: make(chan *Conn), closed: make(chan struct{})}
}

// Accept implements net.Listener.
func (l *Listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.backlog:
		return c, nil
	case <-l.closed:
		return nil, failed("accept", net.ErrClosed)
	}
}

// Dial connects to the listener.
func (l *Listener) Dial() (*Conn, error) {
	client, server := Pipe(l.options)
	select {
	case l.backlog <- server:
		return client, nil
	case <-l.closed:
		return nil, failed("dial", syscall.ECONNREFUSED)
	}
}

// Close implements net.Listener.
func (l *Listener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

// Addr implements net.Listener.
func (l *Listener) Addr() net.Addr { return Addr{} }

// Conn is one end of a connection.
type Conn struct{ in, out *stream }

var _ net.Conn = (*Conn)(nil)

// Pipe returns the two ends of a connection. o may be nil.
func Pipe(o *Options) (*Conn, *Conn) {
	a, b := newStream(o), newStream(o)
	return &Conn{in: a, out: b}, &Conn{in: b, out: a}
}

// Read implements net.Conn.
func (c *Conn) Read(p []byte) (int, error) { return c.in.read(p) }

// Write implements net.Conn. It returns when all of p fits into the buffer.
func (c *Conn) Write(p []byte) (int, error) { return c.out.write(p) }

// Close implements net.Conn. The other end reads what is under way and then io.EOF,
// unless this one leaves something unread: then, as with TCP, the connection is reset.
func (c *Conn) Close() error {
	if c.in.closeReader() {
		c.out.cut()
		return nil
	}
	c.out.closeWriter()
	return nil
}

// CloseWrite tells the other end that nothing more comes. What it sends can still be
// read.
func (c *Conn) CloseWrite() error {
	c.out.closeWriter()
	return nil
}

// Reset ends the connection abruptly: both ends lose what is under way.
func (c *Conn) Reset() {
	c.in.closeReader()
	c.out.cut()
}

// LocalAddr implements net.Conn.
func (c *Conn) LocalAddr() net.Addr { return Addr{} }

// RemoteAddr implements net.Conn.
func (c *Conn) RemoteAddr() net.Addr { return Addr{} }

// SetDeadline implements net.Conn.
func (c *Conn) SetDeadline(t time.Time) error {
	_ = c.SetReadDeadline(t)
	return c.SetWriteDeadline(t)
}

// SetReadDeadline implements net.Conn. It holds for a Read that waits already, too.
func (c *Conn) SetReadDeadline(t time.Time) error {
	c.in.set(func(s *stream) { s.readDeadline = t })
	return nil
}

// SetWriteDeadline implements net.Conn. It holds for a Write that waits already, too.
func (c *Conn) SetWriteDeadline(t time.Time) error {
	c.out.set(func(s *stream) { s.writeDeadline = t })
	return nil
}

func failed(op string, err error) error {
	if err == io.EOF {
		return err
	}
	return &net.OpError{Op: op, Net: "mem", Addr: Addr{}, Err: err}
}
