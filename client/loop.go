package client

import (
	"context"
	"errors"
	"time"
)

// run opens connections for as long as a socket needs one.
func (c *Client) run() {
	pauses := backoff{min: c.opts.ReconnectionDelay, max: c.opts.ReconnectionDelayMax, jitter: c.opts.RandomizationFactor}
	for {
		ctx, ok := c.stage()
		if !ok {
			return
		}
		e, err := c.open(ctx)
		final := c.opts.DisableReconnection
		if err == nil {
			pauses.reset()
			c.carry(e)
		} else if ctx.Err() == nil {
			n := c.opts.ReconnectionAttempts
			exhausted := n > 0 && pauses.attempts >= n
			final = final || exhausted
			c.failed(err, final)
			if f := c.opts.Hooks.ReconnectFailed; f != nil && exhausted {
				c.crew.call(func() { f(err) })
			}
		}
		if final || ctx.Err() != nil {
			pauses.reset() // a socket that needs a connection has only just begun to
			continue
		}
		c.pause(ctx, &pauses, err)
	}
}

// stage returns a context for the next thing to wait for. It reports false, and the loop
// has ended, when no socket needs a connection.
func (c *Client) stage() (context.Context, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.halt != nil {
		c.halt()
		c.halt = nil
	}
	if c.closed || !c.needed() {
		c.loop, c.lost = false, false
		return nil, false
	}
	ctx, cancel := context.WithCancel(context.Background())
	c.halt = cancel
	return ctx, true
}

// openGrace is how long an attempt to open a connection goes on when nobody needs it any
// more: the server is told that the session ends, instead of keeping it until its
// heartbeat fails.
const openGrace = 500 * time.Millisecond

func (c *Client) open(halted context.Context) (*engine, error) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if c.opts.Timeout > 0 {
		var stop func()
		ctx, stop = context.WithTimeout(ctx, c.opts.Timeout)
		defer stop()
	}
	defer context.AfterFunc(halted, func() {
		select {
		case <-time.After(min(openGrace, c.opts.CloseTimeout)):
			cancel()
		case <-ctx.Done():
		}
	})()
	c.mu.Lock()
	c.abandon = cancel
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		c.abandon = nil
		c.mu.Unlock()
	}()
	transports := c.opts.Transports
	if c.opts.RememberUpgrade && c.upgrade {
		transports = []Transport{WebSocket}
	}
	var errs []error
	for _, t := range transports {
		e, err := c.openOn(ctx, t)
		if err == nil {
			return e, nil
		}
		errs = append(errs, err)
		if !c.opts.TryAllTransports || ctx.Err() != nil || halted.Err() != nil {
			break
		}
	}
	if len(errs) == 1 {
		return nil, errs[0]
	}
	return nil, errors.Join(errs...)
}

// carry lets the sockets use a connection until it ends.
func (c *Client) carry(e *engine) {
	c.mu.Lock()
	if c.closed || !c.needed() {
		c.mu.Unlock()
		e.dismiss()
		return
	}
	c.engine, c.lost = e, true
	opened := e.describe()
	c.mu.Unlock()

	c.opts.Logger.Debug("connection open", "id", opened.ID, "transport", opened.Transport)
	if f := c.opts.Hooks.Opened; f != nil {
		c.crew.call(func() { f(opened) })
	}
	e.start()
	c.mu.Lock()
	for _, s := range c.all {
		if s.active && !s.held {
			s.join(e)
		}
	}
	c.unneeded()
	c.mu.Unlock()

	reason, err := e.wait()
	if c.owned != nil {
		c.owned.CloseIdleConnections() // they are likely to have gone with the session
	}
	c.mu.Lock()
	c.engine = nil
	e.giveBack()
	c.upgrade = e.transport.name() == WebSocket
	again := !c.opts.DisableReconnection
	var turns []func()
	for _, s := range c.all {
		turns = append(turns, s.lose(reason, err, again))
	}
	c.mu.Unlock()
	c.opts.Logger.Debug("connection closed", "id", opened.ID, "reason", reason, "error", err)
	if f := c.opts.Hooks.Closed; f != nil {
		c.crew.call(func() { f(reason, err) })
	}
	for _, f := range turns {
		f()
	}
}

// failed tells the sockets that a connection could not be opened, and that none will be
// tried if it is final.
func (c *Client) failed(err error, final bool) {
	c.opts.Logger.Debug("no connection", "error", err)
	c.mu.Lock()
	c.upgrade = false
	var turns []func()
	for _, s := range c.all {
		if s.active && !s.held {
			turns = append(turns, s.fail(err, final))
		}
	}
	c.mu.Unlock()
	for _, f := range turns {
		f()
	}
}

// pause waits before the next attempt.
func (c *Client) pause(ctx context.Context, pauses *backoff, err error) {
	pause := pauses.next()
	var known *TransportError
	if errors.As(err, &known) && known.RetryAfter > pause {
		pause = known.RetryAfter
	}
	if f := c.opts.Hooks.Reconnecting; f != nil {
		n := pauses.attempts
		c.crew.call(func() { f(n, pause) })
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		pauses.reset()
	}
}
