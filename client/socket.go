package client

import (
	"container/list"
	"context"
	"errors"
	"fmt"
	"time"
)

// State tells how far a [Client] or a [Socket] is.
type State int

// The states.
const (
	StateIdle         State = iota // not asked to connect, refused, put out, or given up
	StateConnecting                // for the first time
	StateConnected                 //
	StateReconnecting              // after a connection was lost
	StateClosed                    // by Client.Close
)

// String returns the state's name.
func (s State) String() string {
	switch s {
	case StateIdle:
		return "idle"
	case StateConnecting:
		return "connecting"
	case StateConnected:
		return "connected"
	case StateReconnecting:
		return "reconnecting"
	case StateClosed:
		return "closed"
	default:
		return fmt.Sprintf("State(%d)", int(s))
	}
}

// Socket is a client's place in one namespace. It outlives connections: after a loss it
// joins again by itself. Its methods are safe for concurrent use.
type Socket struct {
	client    *Client
	namespace string
	opts      SocketOptions
	mailbox   *mailbox
	handlers  handlers

	// What follows is guarded by client.mu.
	state      State
	active     bool               // it wants to be connected
	ctx        context.Context    // of handlers
	cancel     context.CancelFunc // of ctx
	asked      *engine            // where CONNECT waits for its answer; nil if none does
	patience   *time.Timer        // rings when the answer is late; nil if none is awaited
	authing    *engine            // where AuthFunc is being called for
	id         string
	recovered  bool
	pid        string
	received   string // the offset of the last event that came
	handled    string // and of the last one whose handlers have returned
	stay       int    // counts the stays in the namespace that have ended
	held       bool   // it has stalled: it joins when its mailbox is empty
	waiters    map[*waiter]struct{}
	failure    error // of the last attempt; nil when it has not failed
	queue      queue
	pending    map[int64]*question
	lastAck    int64
	retries    list.List // of *retry, the first one in flight
	retryBytes int
}

// waiter waits for a socket to be connected.
type waiter struct {
	outcome chan error // takes one
	patient bool       // goes on waiting when an attempt has failed
}

func newSocket(c *Client, namespace string, o *SocketOptions) *Socket {
	m := &mailbox{crew: c.crew, messages: c.opts.MailboxMessages, bytes: c.opts.MailboxBytes}
	s := &Socket{
		client: c, namespace: namespace, opts: o.withDefaults(), mailbox: m,
		pid: o.Session.ID, received: o.Session.Offset, handled: o.Session.Offset,
		waiters: map[*waiter]struct{}{}, pending: map[int64]*question{},
	}
	s.queue.socket = s
	if c.closed {
		s.state = StateClosed
	}
	s.begin()
	s.cancel()
	return s
}

// begin gives handlers a context.
func (s *Socket) begin() {
	s.ctx, s.cancel = context.WithCancel(context.WithValue(context.Background(), mailboxKey{}, s.mailbox))
}

// Client returns the client that the socket belongs to.
func (s *Socket) Client() *Client { return s.client }

// Namespace returns the namespace's name, "/chat" say.
func (s *Socket) Namespace() string { return s.namespace }

// ID returns the id that the server knows the socket by, another one with each connection
// unless it was recovered; "" while it is not connected.
func (s *Socket) ID() string {
	s.client.mu.Lock()
	defer s.client.mu.Unlock()
	return s.id
}

// State tells how far the socket is.
func (s *Socket) State() State {
	s.client.mu.Lock()
	defer s.client.mu.Unlock()
	return s.state
}

// Connected tells whether the socket has joined its namespace.
func (s *Socket) Connected() bool { return s.State() == StateConnected }

// Recovered tells whether the server restored the socket's session when it connected last:
// its id, its rooms, and what it missed.
func (s *Socket) Recovered() bool {
	s.client.mu.Lock()
	defer s.client.mu.Unlock()
	return s.recovered
}

// Open has the socket connect, and connect again whenever the connection is lost, until it
// is refused, put out or disconnected. It does not wait; what is emitted meanwhile is kept
// for when it is connected. On a closed client it does nothing.
func (s *Socket) Open() {
	s.client.mu.Lock()
	defer s.client.mu.Unlock()
	s.open()
}

func (s *Socket) open() {
	c := s.client
	if c.closed || s.active {
		return
	}
	s.active, s.state = true, StateConnecting
	s.begin()
	s.seek()
}

// seek has the socket join on the connection that is there, or on the next one, with
// client.mu held.
func (s *Socket) seek() {
	switch c := s.client; {
	case c.engine != nil && !c.engine.closing && c.engine.ctx.Err() == nil:
		s.join(c.engine)
	case !c.loop:
		c.loop = true
		c.crew.start(c.run)
	}
}

// Connect is Open, and waits for the outcome of the first attempt: nil when the socket is
// connected, a [*ConnectError] when the namespace refused it, a [*TransportError] when
// there is no connection, an [*AuthError]. After other errors than a refusal the client
// goes on trying unless [Options.DisableReconnection] is set; see [Socket.Wait]. ctx bounds
// the wait alone.
func (s *Socket) Connect(ctx context.Context) error {
	return s.await(ctx, true, false)
}

// Wait waits until the socket is connected, however many attempts that takes. It returns
// an error when the socket is refused, put out, disconnected or closed, when the client has
// given up, or when ctx ends, then together with the last attempt's; at once where it does
// not want to connect.
func (s *Socket) Wait(ctx context.Context) error {
	return s.await(ctx, false, true)
}

func (s *Socket) await(ctx context.Context, open, patient bool) error {
	c := s.client
	w := &waiter{outcome: make(chan error, 1), patient: patient}
	c.mu.Lock()
	if open {
		s.open()
	}
	switch {
	case c.closed:
		c.mu.Unlock()
		return ErrClosed
	case s.state == StateConnected:
		c.mu.Unlock()
		return nil
	case !s.active:
		c.mu.Unlock()
		return ErrDisconnected
	}
	s.waiters[w] = struct{}{}
	c.mu.Unlock()
	select {
	case err := <-w.outcome:
		return err
	case <-ctx.Done():
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(s.waiters, w)
		return errors.Join(ctx.Err(), s.failure)
	}
}

// settle tells all who wait, with client.mu held.
func (s *Socket) settle(err error) {
	s.failure = nil
	for w := range s.waiters {
		w.outcome <- err
	}
	clear(s.waiters)
}

// settleHasty tells those who wait for the first attempt alone, with client.mu held.
func (s *Socket) settleHasty(err error) {
	s.failure = err
	for w := range s.waiters {
		if !w.patient {
			w.outcome <- err
			delete(s.waiters, w)
		}
	}
}

// Disconnect leaves the namespace, for the reason [ClientDisconnect]; what has been emitted
// is sent first. The socket does not connect again by itself. Events that wait for a
// handler are dropped. The connection is closed when no other socket needs it.
func (s *Socket) Disconnect() {
	c := s.client
	c.mu.Lock()
	defer c.mu.Unlock()
	if !s.active {
		return
	}
	s.leave(true)
	s.settle(ErrDisconnected)
	c.unneeded()
}

// leave ends the socket's wish to be connected, with client.mu held. With a farewell the
// server gets what is queued, and is told.
func (s *Socket) leave(farewell bool) {
	c := s.client
	if !s.active {
		s.mailbox.clear(task{})
		return
	}
	s.active, s.held = false, false
	s.cancel()
	was := s.state
	s.state = StateIdle
	if was != StateConnected {
		s.id = ""
		s.mailbox.clear(task{})
		return
	}
	if farewell {
		s.queue.moveTo(c.engine)
		c.engine.control = append(c.engine.control, s.disconnectPacket())
		c.engine.stir()
	}
	s.part()
	s.mailbox.clear(s.disconnectTask(ClientDisconnect, nil))
}

// part ends a stay in the namespace, with client.mu held: its id, and what was asked in it
// and of it.
func (s *Socket) part() {
	s.id = ""
	s.stay++
	s.queue.dropAcks()
	s.forgetSent(ErrDisconnected)
}

// lose takes note that the connection has ended, with client.mu held, and returns what is
// to be done without it.
func (s *Socket) lose(reason Reason, err error, again bool) func() {
	was := s.state
	tried := was == StateConnected || s.asked != nil || s.authing != nil
	s.answered()
	s.authing = nil
	if !s.active || !tried { // it came, or comes back, too late for this one, and gets another
		return func() {}
	}
	switch {
	case !again && reason != ForcedClose:
		s.active, s.state = false, StateIdle
		s.cancel()
	case was == StateConnected:
		s.state = StateReconnecting
	}
	s.part()
	stint := s.mailbox.current()
	if was == StateConnected {
		t := s.disconnectTask(reason, err)
		return func() { s.mailbox.turn(stint, t) }
	}
	if reason == ForcedClose { // it came while the connection was being closed, and gets another
		return func() {}
	}
	if err == nil {
		err = fmt.Errorf("%w: %s", ErrDisconnected, reason)
	}
	if !again {
		s.settle(err)
	}
	return s.failedTurn(stint, err)
}

// fail takes note that an attempt to connect has failed, with client.mu held, and returns
// what is to be done without it. There will be no other if it is final.
func (s *Socket) fail(err error, final bool) func() {
	turn := s.failedTurn(s.mailbox.current(), err)
	if final {
		s.giveUp(err)
	}
	return turn
}

func (s *Socket) failedTurn(stint int, err error) func() {
	s.settleHasty(err)
	t := s.connectErrorTask(err)
	return func() { s.mailbox.turn(stint, t) }
}

// giveUp ends the socket's wish to be connected, because of err, with client.mu held.
func (s *Socket) giveUp(err error) {
	if !s.active {
		return
	}
	s.active, s.held, s.state = false, false, StateIdle
	s.cancel()
	s.part()
	if err == nil {
		err = ErrDisconnected
	}
	s.settle(err)
}

// OnConnect registers f to run whenever the socket has joined its namespace, before the
// events that follow. What it missed and gets again after a recovery comes before f.
// Functions run on the socket's goroutine, in the order of their registration.
func (s *Socket) OnConnect(f func(ctx context.Context)) { add(s, &s.handlers.connect, f) }

// OnConnectError registers f to run whenever an attempt to connect has failed: with a
// [*ConnectError], after which the socket does not try again by itself, a
// [*TransportError] or an [*AuthError].
func (s *Socket) OnConnectError(f func(ctx context.Context, err error)) {
	add(s, &s.handlers.connectError, f)
}

// OnDisconnect registers f to run whenever the socket was connected and is no more, after
// the events that had come. err tells more about the reason, and may be nil.
func (s *Socket) OnDisconnect(f func(ctx context.Context, reason Reason, err error)) {
	add(s, &s.handlers.disconnect, f)
}

func (s *Socket) connectTask() task {
	ctx := s.ctx
	return task{kind: connectTurn, run: func() {
		for _, f := range registered(s, &s.handlers.connect) {
			s.client.crew.call(func() { f(ctx) })
		}
	}}
}

func (s *Socket) connectErrorTask(err error) task {
	ctx := context.WithoutCancel(s.ctx)
	return task{kind: connectErrorTurn, run: func() {
		for _, f := range registered(s, &s.handlers.connectError) {
			s.client.crew.call(func() { f(ctx, err) })
		}
	}}
}

func (s *Socket) disconnectTask(reason Reason, err error) task {
	ctx := context.WithoutCancel(s.ctx)
	return task{kind: disconnectTurn, run: func() {
		for _, f := range registered(s, &s.handlers.disconnect) {
			s.client.crew.call(func() { f(ctx, reason, err) })
		}
	}}
}

var errNoSID = errors.New("CONNECT was answered without an id")
