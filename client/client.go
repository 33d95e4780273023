package client

import (
	"context"
	"fmt"
	"net"
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
		c.owned = c.newTransport()
		c.http.Transport = c.owned
	}
	// A POST that is redirected becomes a GET, and what was in it would be lost without
	// anybody's knowledge. WebSocket clients follow no redirects either.
	c.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
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

// newTransport returns the client's own transport. It is not made of http.DefaultTransport,
// in whose place programs put other types.
func (c *Client) newTransport() *http.Transport {
	t := &http.Transport{
		Proxy:                 c.opts.Proxy,
		DialContext:           (&net.Dialer{Timeout: 30 * time.Second}).DialContext,
		TLSClientConfig:       c.opts.TLS.Clone(),
		TLSHandshakeTimeout:   10 * time.Second,
		ForceAttemptHTTP2:     true,
		IdleConnTimeout:       idleTimeout,
		ExpectContinueTimeout: time.Second,
	}
	t.OnProxyConnectResponse = func(_ context.Context, _ *url.URL, _ *http.Request, answer *http.Response) error {
		if answer.StatusCode == http.StatusOK {
			return nil
		}
		return proxyRefusal(answer)
	}
	return t
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
		s.queue.clear()
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
		if s.active && !s.held {
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
