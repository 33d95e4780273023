package client

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"net/url"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	eio "github.com/kachi-io/kachi/engineio/packet"
	"github.com/kachi-io/kachi/socketio/packet"
)

// transport carries the packets of one session. One goroutine sends and one receives.
type transport interface {
	name() Transport
	// open begins a session, and returns the packets of the first answer.
	open(ctx context.Context) ([]eio.Packet, error)
	// size is what a frame takes of the server's maxPayload.
	size(frame) int
	// batch is how many bytes of frames are sent together.
	batch() int
	send(ctx context.Context, frames []frame) error
	// receive waits for packets. It may return some together with an error.
	receive(ctx context.Context) ([]eio.Packet, error)
	// fence waits until the server has read what was sent, if it can be found out.
	fence(ctx context.Context)
	// farewell tells the server that the session ends.
	farewell(ctx context.Context)
	// close lets go of the connection. It may be called more than once.
	close()
}

// engine is one Engine.IO session: a connection from its handshake to its end. The
// client's loop makes it and waits for its end; a reader, a writer and, for an upgrade, a
// prober work on it.
type engine struct {
	client *Client
	ctx    context.Context // ends with the session
	cancel context.CancelFunc
	url    *url.URL
	work   sync.WaitGroup // reader, writer, prober

	sid          string
	upgrades     []string
	pingInterval time.Duration
	pingTimeout  time.Duration
	maxPayload   int // of the server; 0: it does not say

	wake   chan struct{} // takes one: the writer has something to look at
	early  []eio.Packet  // came with the handshake
	reader packet.Reader // the reading goroutine's

	// The reader is with the receiver of a message, not with the network.
	delivering atomic.Bool
	pings      *time.Timer
	lastChance atomic.Int64 // until when a ping must come, in Unix nanoseconds

	end    sync.Once
	reason Reason // valid when ctx has ended
	err    error

	// What follows is guarded by client.mu.
	transport transport
	control   []*outgoing // ahead of the sockets' queues
	rest      []frame     // of a packet that was begun
	held      *outgoing   // its turn comes, but not yet
	pong      bool
	owed      time.Time // since when pong is
	closing   bool
	moving    *move // an upgrade; nil when none is under way
}

// open begins a session on the transport.
func (c *Client) openOn(ctx context.Context, name Transport) (_ *engine, err error) {
	e := &engine{client: c, url: c.url, wake: make(chan struct{}, 1), reader: c.opts.Encoding.NewReader(c.opts.Limits)}
	e.ctx, e.cancel = context.WithCancel(context.Background())
	t := e.newTransport(name)
	e.transport = t
	defer func() {
		if err != nil {
			t.close()
			e.cancel()
		}
	}()
	packets, err := t.open(ctx)
	if err != nil {
		return nil, fault(name, e.endpoint(name).Redacted(), err)
	}
	if err := e.handshake(packets); err != nil {
		return nil, err
	}
	return e, nil
}

func (e *engine) newTransport(name Transport) transport {
	if name == WebSocket {
		return &webSocket{engine: e}
	}
	return &polling{engine: e}
}

func (e *engine) handshake(packets []eio.Packet) error {
	t := e.transport.name()
	if len(packets) == 0 || packets[0].Type != eio.Open {
		return e.fault(t, CodeParse, errors.New("the first packet is not OPEN"))
	}
	var open struct {
		SID          string
		Upgrades     []string
		PingInterval float64
		PingTimeout  float64
		MaxPayload   float64
	}
	if err := json.Unmarshal(packets[0].Data, &open); err != nil || open.SID == "" {
		return e.fault(t, CodeParse, errors.Join(errors.New("malformed OPEN"), err))
	}
	e.sid, e.upgrades = open.SID, open.Upgrades
	e.maxPayload = int(min(max(open.MaxPayload, 0), math.MaxInt32))
	for _, beat := range []struct {
		to *time.Duration
		ms float64
	}{{&e.pingInterval, open.PingInterval}, {&e.pingTimeout, open.PingTimeout}} {
		if beat.ms <= 0 || beat.ms > maxBeat {
			return e.fault(t, CodeParse, errors.New("malformed OPEN: pingInterval and pingTimeout must be above 0 and below 2^31"))
		}
		*beat.to = time.Duration(beat.ms * float64(time.Millisecond))
	}
	e.early = packets[1:]
	return nil
}

// maxBeat bounds what a server may state of its heartbeat, in milliseconds: Node's timers
// go no further.
const maxBeat = math.MaxInt32

// start begins to carry packets. It is called once the sockets know the engine.
func (e *engine) start() {
	e.pings = time.AfterFunc(time.Hour, e.silent)
	e.expectPing()
	e.run(e.write)
	e.run(e.read)
	e.upgrade()
}

func (e *engine) run(f func()) {
	e.work.Add(1)
	e.client.crew.start(func() {
		defer e.work.Done()
		f()
	})
}

// wait returns when the session has ended and nobody works on it any more.
func (e *engine) wait() (Reason, error) {
	<-e.ctx.Done()
	e.work.Wait()
	e.pings.Stop()
	return e.reason, e.err
}

// dismiss ends a session that nobody needs before it has been started.
func (e *engine) dismiss() {
	ctx, cancel := context.WithTimeout(e.ctx, e.client.opts.CloseTimeout)
	defer cancel()
	if e.transport.name() == Polling { // a WebSocket connection that ends says enough
		e.transport.farewell(ctx)
	}
	e.cancel()
	e.transport.close()
}

// fail ends the session. The first reason counts.
func (e *engine) fail(reason Reason, err error) {
	e.end.Do(func() {
		e.client.mu.Lock()
		if e.closing { // whichever side hangs up first
			reason, err = ForcedClose, nil
		}
		e.client.mu.Unlock()
		e.reason, e.err = reason, err
		e.cancel()
		e.current().close() // an upgrade that is decided after this closes its own
	})
}

// broke ends the session after an error of its transport.
func (e *engine) broke(t Transport, err error) {
	f := fault(t, e.endpoint(t).Redacted(), err)
	switch f.Code {
	case CodeClosed:
		e.fail(TransportClose, f)
	case CodeParse:
		e.fail(ParseFailure, f)
	default:
		e.fail(TransportFailure, f)
	}
}

func (e *engine) fault(t Transport, code Code, err error) *TransportError {
	return &TransportError{Code: code, Transport: t, URL: e.endpoint(t).Redacted(), ServerCode: -1, Err: err}
}

// shutdown ends the session when everything that waits has been sent, with client.mu held.
func (e *engine) shutdown() {
	if e.closing {
		return
	}
	e.closing = true
	if e.moving != nil {
		e.moving.giveUp()
	}
	patience := time.AfterFunc(e.client.opts.CloseTimeout, func() { e.fail(ForcedClose, nil) })
	context.AfterFunc(e.ctx, func() { patience.Stop() })
	e.stir()
}

// stir has the writer look at the queues.
func (e *engine) stir() {
	select {
	case e.wake <- struct{}{}:
	default:
	}
}

// read takes in what comes, in order.
func (e *engine) read() {
	packets := e.early
	e.early = nil
	for {
		for _, p := range packets {
			if !e.take(p) {
				return
			}
		}
		t := e.turn()
		if t == nil {
			return
		}
		var err error
		packets, err = t.receive(e.ctx)
		if err != nil {
			for _, p := range packets {
				if !e.take(p) {
					return
				}
			}
			e.broke(t.name(), err)
			return
		}
	}
}

// take takes a packet. It reports false when the session has ended by it.
func (e *engine) take(p eio.Packet) bool {
	switch p.Type {
	case eio.Ping:
		e.expectPing()
		e.client.mu.Lock()
		stuck := !e.owePong()
		e.client.mu.Unlock()
		if stuck {
			e.fail(TransportFailure, e.fault(e.current().name(), CodeTimeout, errStuck))
			return false
		}
		e.stir()
	case eio.Close:
		e.fail(TransportClose, e.fault(e.current().name(), CodeClosed, nil))
		return false
	case eio.Message:
		return e.message(p)
	case eio.Noop, eio.Pong, eio.Open, eio.Upgrade: // nothing to do
	}
	return true
}

// owePong has the writer send a pong, with client.mu held. It reports false when the one
// before has not been taken for longer than any server waits for it: the network, or the
// server, takes nothing.
func (e *engine) owePong() bool {
	if e.pong {
		return time.Since(e.owed) <= e.pingInterval+e.pingTimeout
	}
	e.pong, e.owed = true, time.Now()
	return true
}

var errStuck = errors.New("what was sent is not taken")

func (e *engine) message(p eio.Packet) bool {
	var (
		decoded  packet.Packet
		complete bool
		err      error
	)
	if p.Binary {
		decoded, complete, err = e.reader.Binary(p.Data)
	} else {
		decoded, complete, err = e.reader.Text(p.Data)
	}
	if err != nil {
		e.fail(ParseFailure, e.fault(e.current().name(), CodeParse, err))
		return false
	}
	if complete {
		e.delivering.Store(true)
		e.client.packet(e, &decoded)
		e.delivering.Store(false)
	}
	return true
}

func (e *engine) current() transport {
	e.client.mu.Lock()
	defer e.client.mu.Unlock()
	return e.transport
}

// expectPing begins to wait for a ping.
func (e *engine) expectPing() {
	patience := e.pingInterval + e.pingTimeout
	e.lastChance.Store(time.Now().Add(patience).UnixNano())
	e.pings.Reset(patience)
}

// silent ends the session when no ping has come. While the reader waits for a handler it
// cannot see one: the server will tell.
func (e *engine) silent() {
	if e.ctx.Err() != nil {
		return
	}
	if e.delivering.Load() {
		e.expectPing()
		return
	}
	e.fail(PingTimeout, nil)
}

// expired tells whether the time for a ping has passed although the timer has not rung: it
// stands still while a machine sleeps.
func (e *engine) expired() bool {
	return time.Now().UnixNano() > e.lastChance.Load() && !e.delivering.Load()
}

var errUTF8 = errors.New("text that is not UTF-8")

// parseText reads a packet of a WebSocket message.
func parseText(data []byte) (eio.Packet, error) {
	if !utf8.Valid(data) {
		return eio.Packet{}, errUTF8
	}
	return eio.ParseText(data)
}
