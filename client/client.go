package client

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Client is a connection to one server, which its sockets share, one for each namespace.
// It connects when the first socket does, connects again when the connection is lost, and
// closes it when no socket needs it. While no socket needs it, it holds no goroutine. Its
// methods are safe for concurrent use.
type Client struct {
	opts      Options
	url       *url.URL // scheme, host and query of the server
	namespace string   // the path of the URL
	http      *http.Client
	owned     *http.Transport // of http, if it is the client's own
	stamps    atomic.Int64
	crew      *crew

	mu      sync.Mutex
	sockets map[string]*Socket
	all     []*Socket // the same, in the order in which they were made
	turn    int       // of all: whose packet is sent next
	engine  *engine   // nil while there is no connection
	loop    bool      // a goroutine opens connections
	halt    func()    // ends what the loop waits for; nil while there is no loop
	abandon func()    // ends an attempt to open a connection at once; nil while there is none
	lost    bool      // there has been a connection
	upgrade bool      // the last connection was WebSocket at its end
	closed  bool
}

// New returns a client of the server at rawURL, "http://", "https://", "ws://" or "wss://"
// and a host. The path, if there is one, names the namespace that Of("") stands for; a
// query goes with every request. It does not connect yet.
func New(rawURL string, o *Options) (*Client, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	u, err := url.Parse(rawURL)
	if err != nil {
		return nil, fmt.Errorf("client: %w", err)
	}
	switch u.Scheme {
	case "http", "https":
	case "ws":
		u.Scheme = "http"
	case "wss":
		u.Scheme = "https"
	default:
		return nil, fmt.Errorf("client: the URL %q does not begin with http://, https://, ws:// or wss://", rawURL)
	}
	if u.Host == "" {
		return nil, fmt.Errorf("client: the URL %q names no host", rawURL)
	}
	c := &Client{opts: o.withDefaults(), crew: newCrew(), sockets: map[string]*Socket{}}
	c.namespace = canonical(u.Path)
	c.url = &url.URL{Scheme: u.Scheme, User: u.User, Host: u.Host, RawQuery: u.RawQuery}
	c.stamps.Store(time.Now().UnixMilli())
	return c, c.setHTTP()
}

// idleTimeout is how long a connection to the server is kept for the next request. Node's
// servers close it after 5 s, and a POST that meets that moment is lost.
const idleTimeout = 3 * time.Second

func (c *Client) setHTTP() error {
	c.http = &http.Client{}
	if c.opts.HTTPClient != nil {
		*c.http = *c.opts.HTTPClient
		c.http.Timeout = 0 // a poll may wait for long
	} else {
		c.owned = http.DefaultTransport.(*http.Transport).Clone()
		c.owned.TLSClientConfig = c.opts.TLS.Clone()
		c.owned.IdleConnTimeout = idleTimeout
		c.http.Transport = c.owned
	}
	switch {
	case c.opts.Jar != nil:
		c.http.Jar = c.opts.Jar
	case c.http.Jar == nil:
		jar, err := cookiejar.New(nil)
		if err != nil {
			return err
		}
		c.http.Jar = jar
	}
	return nil
}

// canonical is the name of a namespace as the protocol has it.
func canonical(namespace string) string {
	return "/" + strings.TrimPrefix(namespace, "/")
}

// Connect returns a socket of the namespace that the path of rawURL names, connected. Its
// client is the socket's own: see [Socket.Client], and close it in the end. The functions
// in setup run before connecting: handlers that they register miss nothing.
//
// ctx bounds the wait, not the connection. An error, also one that trying again might cure,
// ends everything; a program that wants to wait for its server calls [New],
// [Client.Of] and [Socket.Open].
func Connect(ctx context.Context, rawURL string, o *Options, setup ...func(*Socket)) (*Socket, error) {
	c, err := New(rawURL, o)
	if err != nil {
		return nil, err
	}
	s := c.Of("", nil)
	for _, f := range setup {
		f(s)
	}
	if err := s.Connect(ctx); err != nil {
		c.Close()
		return nil, err
	}
	return s, nil
}

// Of returns the client's socket of the namespace, which it makes when it is asked for the
// first time: with o, or [Options].Socket where o is nil. Empty is the namespace that the
// URL's path named. It does not connect; see [Socket.Connect] and [Socket.Open].
func (c *Client) Of(namespace string, o *SocketOptions) *Socket {
	if namespace == "" {
		namespace = c.namespace
	}
	namespace = canonical(namespace)
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.sockets[namespace]
	if s == nil {
		if o == nil {
			o = &c.opts.Socket
		}
		s = newSocket(c, namespace, o)
		c.sockets[namespace] = s
		c.all = append(c.all, s)
	}
	return s
}

// State tells how far the connection is.
func (c *Client) State() State {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.closed:
		return StateClosed
	case c.engine != nil:
		return StateConnected
	case !c.loop:
		return StateIdle
	case c.lost:
		return StateReconnecting
	default:
		return StateConnecting
	}
}

// Connection describes an open connection.
type Connection struct {
	ID           string // of the Engine.IO session
	Transport    Transport
	PingInterval time.Duration
	PingTimeout  time.Duration
	MaxPayload   int // bytes that the server takes in one message or POST; 0: it did not say
}

// Connection returns the open connection; ok is false while there is none.
func (c *Client) Connection() (_ Connection, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.engine == nil {
		return Connection{}, false
	}
	return c.engine.describe(), true
}

func (e *engine) describe() Connection {
	return Connection{
		ID: e.sid, Transport: e.transport.name(),
		PingInterval: e.pingInterval, PingTimeout: e.pingTimeout, MaxPayload: e.maxPayload,
	}
}

// Close disconnects all sockets and closes the connection, for good. What connected sockets
// have emitted is sent first, for at most [Options.CloseTimeout]. It returns when no
// goroutine of the client is left but those in which a handler or hook runs at that moment,
// so that these may call it, too; [Client.Done] tells when they have returned. Events that
// wait for a handler are dropped. Further calls wait for the same.
func (c *Client) Close() error {
	c.close(true)
	return nil
}

// CloseNow is Close without a farewell: nothing is sent any more, and the server sees a
// connection that was lost. So [Socket.Session] can be gone on with, by another client.
func (c *Client) CloseNow() error {
	c.close(false)
	return nil
}

// Done is closed when the client has been closed and nothing of it runs any more.
func (c *Client) Done() <-chan struct{} { return c.crew.done }

func (c *Client) close(farewell bool) {
	c.mu.Lock()
	c.closed = true
	e := c.engine
	for _, s := range c.all {
		s.leave(farewell)
		s.state = StateClosed
		s.settle(ErrClosed)
		s.forget(ErrClosed)
	}
	if farewell {
		c.unneeded()
	} else if c.halt != nil {
		c.halt()
		if c.abandon != nil {
			c.abandon()
		}
	}
	c.mu.Unlock()
	if !farewell && e != nil {
		e.fail(ForcedClose, nil)
	}
	c.crew.end()
	if c.owned != nil {
		c.owned.CloseIdleConnections()
	}
}

// needed tells whether a socket wants a connection, with c.mu held.
func (c *Client) needed() bool {
	for _, s := range c.all {
		if s.active {
			return true
		}
	}
	return false
}

// unneeded closes the connection, or gives up opening one, if no socket needs it, with c.mu
// held.
func (c *Client) unneeded() {
	if c.needed() {
		return
	}
	if c.engine != nil {
		c.engine.shutdown()
	}
	if c.halt != nil {
		c.halt()
	}
}

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
		if s.active {
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
		if s.active {
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
		pause = min(known.RetryAfter, maxRetryAfter)
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

// maxRetryAfter bounds what a server may ask a client to wait.
const maxRetryAfter = 5 * time.Minute
