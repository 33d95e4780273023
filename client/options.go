package client

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/kachi-io/kachi/socketio/packet"
)

// Transport is a way of carrying a connection.
type Transport string

// The transports.
const (
	Polling   Transport = "polling"   // HTTP long-polling
	WebSocket Transport = "websocket" // RFC 6455
)

// Options configures a [Client]. The zero value is the default of every field; nil is the
// zero value. Names and defaults follow socket.io-client 4.8 where it has the same.
type Options struct {
	// Path is where the server listens. Default "/socket.io/".
	Path string
	// Transports are what the connection may use: it opens on the first, and moves from
	// polling to WebSocket where both are given and the server offers it. Default polling,
	// then WebSocket.
	Transports []Transport
	// DisableUpgrade keeps a connection on the transport that it opened on.
	DisableUpgrade bool
	// TryAllTransports opens on the next transport when one fails. By default only the
	// first is tried.
	TryAllTransports bool
	// RememberUpgrade opens on WebSocket directly when the connection before was WebSocket
	// at its end.
	RememberUpgrade bool

	Query  url.Values  // added to the URL of every request
	Header http.Header // added to every request, "Origin" and "Host" included

	// Jar keeps the cookies that servers set. Default one in memory, which the client's
	// connections share, so that a balancer with sticky cookies works.
	Jar http.CookieJar
	// HTTPClient makes the requests, those of WebSocket handshakes too. Its Timeout and its
	// CheckRedirect do not count: redirects are not followed ([CodeRedirected]). Default
	// one of the client's own.
	HTTPClient *http.Client
	// TLS and Proxy configure the default HTTPClient; they may not be given together with
	// another. Defaults: the system's certificates, and the proxy of the environment
	// (HTTP_PROXY, HTTPS_PROXY, NO_PROXY; [http.ProxyFromEnvironment]).
	TLS   *tls.Config
	Proxy func(*http.Request) (*url.URL, error)
	// Deflate offers permessage-deflate to WebSocket servers.
	Deflate bool

	// Encoding is the form of the packets, which must be the server's. Default
	// [packet.JSON].
	Encoding packet.Encoding
	// Limits bound what a packet from the server may hold.
	Limits packet.Limits

	// Timeout bounds the opening of a connection, the upgrade to WebSocket (20 s where there
	// is no bound), and the wait for the answer of a namespace: over it the connection is
	// given up, or, where other sockets use it, OnConnectError is told and the answer waited
	// for. The error has [CodeTimeout]. Default 20 s; negative: no bound.
	Timeout time.Duration
	// CloseTimeout is how long [Client.Close] and [Socket.Disconnect] let what is queued
	// be sent. Default 5 s.
	CloseTimeout time.Duration

	// DisableReconnection: a connection that is lost, or could not be opened, is not
	// opened again until [Socket.Connect] or [Socket.Open] is called.
	DisableReconnection bool
	// ReconnectionAttempts is how often in a row it is tried again. Default 0: no limit.
	ReconnectionAttempts int
	// ReconnectionDelay is the pause before the first attempt, which doubles with each
	// up to ReconnectionDelayMax. Longer is the pause only where the server says when to
	// come ([TransportError].RetryAfter). Defaults 1 s and 5 s.
	ReconnectionDelay    time.Duration
	ReconnectionDelayMax time.Duration
	// RandomizationFactor spreads the pauses: 0.5 makes 500 to 1,500 ms of one second.
	// Default 0.5, at most 1; negative: none.
	RandomizationFactor float64

	// MaxPayload bounds a WebSocket message, and the answer to a poll, in bytes. Over it
	// the connection is closed. Default 16 MiB.
	MaxPayload int
	// MaxQueuedMessages and MaxQueuedBytes bound what each socket has emitted and not
	// sent yet: while it is not connected, or when the network is slower. Over them Emit
	// returns [ErrBufferFull]. A single event larger than MaxQueuedBytes is taken where
	// nothing waits. Defaults 4,096 and 4 MiB.
	MaxQueuedMessages int
	MaxQueuedBytes    int
	// MaxPendingAcks bounds the acknowledgements that each socket waits for. Over it Ask
	// returns [ErrTooManyAcks]. Default 4,096.
	MaxPendingAcks int
	// MailboxMessages and MailboxBytes bound the events of one socket that wait for its
	// handlers. Over them the client reads no more until a handler has returned, for no
	// socket of the connection: the server sees a slow consumer, and nothing is lost. Its
	// heartbeat is kept up. While a handler waits in Ask
	// (called with the handler's context) four times as much is taken; see
	// [ErrMailboxFull]. Defaults 1,024 and 16 MiB.
	MailboxMessages int
	MailboxBytes    int

	// StallTimeout is how long a full mailbox may hold up the connection without a handler
	// returning. Over it the socket leaves its namespace, for the reason [Stalled], so that
	// the others go on, and joins again when what waits for its handlers has been handled.
	// Default 20 s.
	StallTimeout time.Duration

	// Socket is for sockets that are made without options of their own.
	Socket SocketOptions

	// Logger gets what an operator should know. Default none.
	Logger *slog.Logger
	// Hooks observe the client.
	Hooks Hooks
}

// SocketOptions configures one [Socket]. Its zero value is the default of every field.
type SocketOptions struct {
	// Auth is what the server gets as the handshake's auth. It must encode to a JSON
	// object. Default none.
	Auth any
	// AuthFunc is called for each connection, in place of Auth, on a goroutine of its own.
	// Its context ends with the connection, or when the socket leaves, and it must return
	// then: there is no other bound. An error is told to OnConnectError as an [*AuthError],
	// and it is called again after a pause, unless [Options.DisableReconnection] is set.
	AuthFunc func(ctx context.Context) (any, error)
	// AckTimeout bounds the wait for an acknowledgement where the caller's context has no
	// deadline, and each try where Retries is set. Default 30 s.
	AckTimeout time.Duration
	// Retries, if it is not 0, has every event wait for its acknowledgement and sent again
	// without one, at most Retries times. Events go out one at a time; the next one waits.
	// The server's handlers must acknowledge, and see some events twice.
	Retries int
	// Session is what [Socket.Session] of an earlier client returned, to go on there.
	Session Session
}

// Hooks observe a client. All may be nil. They run on the goroutine that opens connections
// and must return soon; they may call any method.
type Hooks struct {
	// Opened: a connection is open; its sockets join their namespaces now.
	Opened func(Connection)
	// Upgraded: the connection moved to WebSocket. It runs on a goroutine of its own.
	Upgraded func(Connection)
	// UpgradeFailed: it stays on polling. It runs on a goroutine of its own.
	UpgradeFailed func(error)
	// Closed: the connection has ended, for whatever reason.
	Closed func(reason Reason, err error)
	// Reconnecting: the client will try to open a connection after the pause. Attempts are
	// counted from 1.
	Reconnecting func(attempt int, pause time.Duration)
	// ReconnectFailed: [Options.ReconnectionAttempts] attempts have failed, the last with
	// err. Sockets that are connected again begin anew.
	ReconnectFailed func(err error)
	// Undelivered: an event that Emit took will not be sent: it is too large for the
	// server, or [SocketOptions.Retries] are used up. It runs on a goroutine of its own.
	Undelivered func(s *Socket, event string, err error)
	// DecodeFailed: the argument of an event does not fit the type given to [On]. It runs
	// on the socket's goroutine.
	DecodeFailed func(s *Socket, event string, err error)
}

// Validate reports contradictions and impossible values, all of them at once. [New]
// returns the same error.
func (o *Options) Validate() error {
	if o == nil {
		return nil
	}
	var errs []error
	for _, f := range []struct {
		name  string
		value int64
	}{
		{"CloseTimeout", int64(o.CloseTimeout)},
		{"ReconnectionAttempts", int64(o.ReconnectionAttempts)},
		{"ReconnectionDelay", int64(o.ReconnectionDelay)},
		{"ReconnectionDelayMax", int64(o.ReconnectionDelayMax)},
		{"MaxPayload", int64(o.MaxPayload)},
		{"MaxQueuedMessages", int64(o.MaxQueuedMessages)},
		{"MaxQueuedBytes", int64(o.MaxQueuedBytes)},
		{"MaxPendingAcks", int64(o.MaxPendingAcks)},
		{"MailboxMessages", int64(o.MailboxMessages)},
		{"MailboxBytes", int64(o.MailboxBytes)},
		{"StallTimeout", int64(o.StallTimeout)},
		{"Socket.AckTimeout", int64(o.Socket.AckTimeout)},
		{"Socket.Retries", int64(o.Socket.Retries)},
	} {
		if f.value < 0 {
			errs = append(errs, fmt.Errorf("client: Options.%s is negative", f.name))
		}
	}
	for i, t := range o.Transports {
		if t != Polling && t != WebSocket {
			errs = append(errs, fmt.Errorf("client: Options.Transports: unknown transport %q: use polling or websocket", t))
		} else if slices.Contains(o.Transports[:i], t) {
			errs = append(errs, fmt.Errorf("client: Options.Transports: %s twice", t))
		}
	}
	if o.RandomizationFactor > 1 {
		errs = append(errs, errors.New("client: Options.RandomizationFactor is above 1"))
	}
	if (o.TLS != nil || o.Proxy != nil) && o.HTTPClient != nil {
		errs = append(errs, errors.New("client: Options.TLS and Options.Proxy have no effect on Options.HTTPClient: configure its Transport"))
	}
	if o.Socket.Auth != nil && o.Socket.AuthFunc != nil {
		errs = append(errs, errors.New("client: Options.Socket has both Auth and AuthFunc"))
	}
	return errors.Join(errs...)
}

// withDefaults returns a copy in which every field says what holds.
func (o *Options) withDefaults() Options {
	var c Options
	if o != nil {
		c = *o
	}
	c.Path = "/" + strings.Trim(c.Path, "/")
	if c.Path == "/" {
		c.Path = "/socket.io"
	}
	c.Path += "/"
	if len(c.Transports) == 0 {
		c.Transports = []Transport{Polling, WebSocket}
	}
	c.Transports = slices.Clone(c.Transports)
	c.Header = c.Header.Clone()
	if c.Proxy == nil {
		c.Proxy = http.ProxyFromEnvironment
	}
	if c.Encoding == nil {
		c.Encoding = packet.JSON
	}
	setDefault(&c.Timeout, 20*time.Second)
	setDefault(&c.CloseTimeout, 5*time.Second)
	setDefault(&c.ReconnectionDelay, time.Second)
	setDefault(&c.ReconnectionDelayMax, 5*time.Second)
	if c.RandomizationFactor == 0 {
		c.RandomizationFactor = 0.5
	}
	setDefault(&c.MaxPayload, 16<<20)
	setDefault(&c.MaxQueuedMessages, 4096)
	setDefault(&c.MaxQueuedBytes, 4<<20)
	setDefault(&c.MaxPendingAcks, 4096)
	setDefault(&c.MailboxMessages, 1024)
	setDefault(&c.MailboxBytes, 16<<20)
	setDefault(&c.StallTimeout, 20*time.Second)
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

func (o *SocketOptions) withDefaults() SocketOptions {
	c := *o
	if c.AckTimeout <= 0 {
		c.AckTimeout = 30 * time.Second
	}
	return c
}

func setDefault[T int | time.Duration](field *T, value T) {
	if *field == 0 {
		*field = value
	}
}
