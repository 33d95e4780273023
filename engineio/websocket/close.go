package websocket

import (
	"crypto/tls"
	"errors"
	"fmt"
	"time"
)

// Close sends what is queued and then a close frame, waits in the background for the
// peer's, and closes the connection. It returns at once; Read returns when the end has
// come. Nothing can be sent any more.
//
// A reason longer than 123 bytes is cut. StatusNoStatus sends a close frame without a
// code. A peer that does not take the backlog is given up after WriteTimeout and
// CloseTimeout together, one that does not answer the close frame after CloseTimeout.
func (c *Conn) Close(code StatusCode, reason string) error {
	if !code.allowed() && code != StatusNoStatus {
		return fmt.Errorf("websocket: %d cannot be sent in a close frame", code)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed() {
		return ErrClosed
	}
	c.closing = closeFrame(code, reason)
	c.timer = time.AfterFunc(c.writeTimeout+c.closeTimeout, c.onCloseTimeout)
	c.tellRoom()
	c.wake()
	return nil
}

// CloseNow drops what is queued and closes the network connection. Read returns
// ErrClosed. It may be called more than once.
func (c *Conn) CloseNow() error {
	c.shutdown(ErrClosed)
	return nil
}

// partTime bounds the write of CloseNowWith over TLS and wrapped connections, which cannot
// be asked to write without waiting.
const partTime = 50 * time.Millisecond

// CloseNowWith is CloseNow with a close frame before it, where nothing waits to be written
// and the peer takes the frame at once. Its answer is not waited for.
func (c *Conn) CloseNowWith(code StatusCode, reason string) error {
	if !code.allowed() && code != StatusNoStatus {
		return fmt.Errorf("websocket: %d cannot be sent in a close frame", code)
	}
	c.mu.Lock()
	if c.closed() || c.pending() || c.writer != idle {
		c.mu.Unlock()
		return c.CloseNow()
	}
	c.writer = busy // for good
	c.closing = closeFrame(code, reason)
	frame := c.closing
	c.mu.Unlock()
	if c.raw != nil {
		o := newOutput()
		o.data = frame
		_ = c.tryWrite(o)
		o.free()
	} else if c.nc.SetWriteDeadline(time.Now().Add(partTime)) == nil {
		_, _ = c.nc.Write(frame)
	}
	return c.CloseNow()
}

// hangUp ends reading because of err, and answers with the close frame that err asks
// for. It returns what Read is to return. Whatever is queued is dropped: the peer has
// closed, or has lost the right to it.
func (c *Conn) hangUp(err error) error {
	var frame []byte
	var closed *CloseError
	var protocol *ProtocolError
	switch {
	case errors.As(err, &closed):
		frame = closeFrame(closed.Code, "")
	case errors.As(err, &protocol):
		frame = closeFrame(protocol.Code, protocol.Reason)
	case errors.Is(err, ErrMessageTooBig):
		frame = closeFrame(StatusMessageTooBig, "message too big")
	default:
		return c.shutdown(err)
	}
	c.mu.Lock()
	if c.dead {
		defer c.mu.Unlock()
		return c.err
	}
	if c.sent {
		c.mu.Unlock()
		return c.shutdown(err)
	}
	c.hungUp = true
	c.err = err
	if c.closing == nil || closed == nil {
		c.closing = frame
	}
	c.drop()
	if c.timer == nil {
		c.timer = time.AfterFunc(c.closeTimeout, c.onCloseTimeout)
	} else {
		c.timer.Reset(c.closeTimeout)
	}
	c.wake()
	c.mu.Unlock()
	return err
}

// closeWritten follows the write of the close frame. The caller holds c.mu.
func (c *Conn) closeWritten() {
	c.sent = true
	c.drop()
	if c.hungUp {
		go c.linger()
	} else {
		c.timer.Reset(c.closeTimeout)
	}
}

// drop empties the backlog. The caller holds c.mu.
func (c *Conn) drop() {
	c.queue.Clear()
	c.first, c.pongs, c.npongs = nil, nil, 0
	c.tellRoom()
}

// linger closes a connection on which both sides are done: ours by a close frame, the
// peer's by one or by a fault. The socket is not closed while input is unread, which
// would make the kernel send a reset that can overtake our close frame; the peer is
// told that nothing more comes, and its rest is read until it hangs up as well.
func (c *Conn) linger() {
	if nc, ok := c.nc.(interface{ CloseWrite() error }); ok {
		_ = c.nc.SetReadDeadline(time.Now().Add(c.closeTimeout))
		if nc.CloseWrite() == nil {
			for c.fill(true) == nil {
				c.consume(len(c.in))
			}
		}
	}
	c.shutdown(ErrClosed)
}

func (c *Conn) onCloseTimeout() { c.shutdown(ErrCloseTimeout) }

// shutdown closes the socket. All ends of a connection come here, and the first one
// decides what Read returns, which is also the result.
func (c *Conn) shutdown(err error) error {
	c.mu.Lock()
	if c.dead {
		defer c.mu.Unlock()
		return c.err
	}
	c.dead = true
	if c.err == nil {
		c.err = err
	}
	err = c.err
	c.drop()
	c.flyingMessages, c.flyingBytes = 0, 0
	if c.timer != nil {
		c.timer.Stop()
	}
	watched := c.watched
	c.mu.Unlock()

	nc := c.nc
	if t, ok := nc.(*tls.Conn); ok {
		nc = t.NetConn() // tls.Conn.Close may wait five seconds for a peer that does not read
	}
	if !watched {
		_ = nc.Close()
		return err
	}
	theWatcher.remove(c) // before the descriptor may be another's
	_ = nc.Close()
	c.notice(true) // somebody has to read the end
	return err
}
