package client

import (
	"context"
	"errors"
	"slices"
	"time"

	eio "github.com/kachi-io/kachi/engineio/packet"
)

// move is the change of a session from polling to WebSocket: a probe on the new transport;
// then the old one is paused, which takes until its GET and its POST have been answered;
// then the server is told. Its fields are guarded by client.mu.
type move struct {
	cancel  context.CancelFunc // ends the probe
	pausing bool
	parked  chan struct{} // reader and writer, when they have nothing under way
	decided chan struct{} // closed when they may go on
}

// probeTimeout bounds an upgrade where Options.Timeout does not.
const probeTimeout = 20 * time.Second

var (
	probeFrame   = frame{data: eio.AppendText(nil, eio.Ping, []byte("probe"))}
	upgradeFrame = frame{data: eio.AppendText(nil, eio.Upgrade, nil)}
)

var (
	errProbe   = errors.New("the probe was not answered as it should be")
	errClosing = errors.New("the connection is being closed")
)

// upgrade begins to move to WebSocket, where both sides want it.
func (e *engine) upgrade() {
	c := e.client
	o := &c.opts
	if e.transport.name() != Polling || o.DisableUpgrade ||
		!slices.Contains(o.Transports, WebSocket) || !slices.Contains(e.upgrades, string(WebSocket)) {
		return
	}
	timeout := o.Timeout
	if timeout < 0 {
		timeout = probeTimeout
	}
	ctx, cancel := context.WithTimeout(e.ctx, timeout)
	m := &move{cancel: cancel, parked: make(chan struct{}, 2), decided: make(chan struct{})}
	c.mu.Lock()
	if e.closing {
		c.mu.Unlock()
		cancel()
		return
	}
	e.moving = m
	c.mu.Unlock()
	e.run(func() {
		defer cancel()
		e.move(ctx, m)
	})
}

func (e *engine) move(ctx context.Context, m *move) {
	c := e.client
	ws := &webSocket{engine: e}
	err := e.probe(ctx, m, ws)
	c.mu.Lock()
	e.moving = nil
	if err == nil && e.ctx.Err() == nil {
		e.transport = ws
	} else {
		err = errors.Join(err, e.ctx.Err())
	}
	opened := e.describe()
	c.mu.Unlock()
	close(m.decided)
	e.stir()
	switch {
	case err == nil:
		if f := c.opts.Hooks.Upgraded; f != nil {
			c.crew.call(func() { f(opened) })
		}
	default:
		ws.close()
		if e.ctx.Err() != nil || errors.Is(err, errClosing) {
			return
		}
		err = fault(WebSocket, e.endpoint(WebSocket).Redacted(), err)
		c.opts.Logger.Debug("no upgrade", "error", err)
		if f := c.opts.Hooks.UpgradeFailed; f != nil {
			c.crew.call(func() { f(err) })
		}
	}
}

// probe prepares ws and pauses polling. Without an error the session is on ws.
func (e *engine) probe(ctx context.Context, m *move, ws *webSocket) error {
	if err := ws.dial(ctx); err != nil {
		return err
	}
	if err := ws.send(ctx, []frame{probeFrame}); err != nil {
		return err
	}
	answer, err := ws.receive(ctx)
	if err != nil {
		return err
	}
	if len(answer) != 1 || answer[0].Type != eio.Pong || string(answer[0].Data) != "probe" {
		return e.fault(WebSocket, CodeParse, errProbe)
	}
	e.client.mu.Lock()
	if e.closing {
		e.client.mu.Unlock()
		return errClosing
	}
	m.pausing = true
	e.client.mu.Unlock()
	e.stir()
	for range cap(m.parked) {
		select {
		case <-m.parked:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if err := ws.send(ctx, []frame{upgradeFrame}); err != nil {
		e.broke(WebSocket, err) // the server may have moved or not
		return err
	}
	return nil
}

// giveUp ends an upgrade that has not come to the pause, with client.mu held.
func (m *move) giveUp() {
	if !m.pausing {
		m.cancel()
	}
}

// turn returns the transport to work on, for the reader and the writer before each step;
// nil when the session has ended. During an upgrade it waits.
func (e *engine) turn() transport {
	for {
		e.client.mu.Lock()
		t, m := e.transport, e.moving
		paused := m != nil && m.pausing
		e.client.mu.Unlock()
		if e.ctx.Err() != nil {
			return nil
		}
		if !paused {
			return t
		}
		m.parked <- struct{}{} // there is room for both
		select {
		case <-m.decided:
		case <-e.ctx.Done():
			return nil
		}
	}
}
