package engineio

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/kachi-io/kachi/engineio/websocket"
)

// Transport is the way a session's packets travel.
type Transport string

// The transports of a [Server].
const (
	Polling   Transport = "polling"   // HTTP long-polling
	WebSocket Transport = "websocket" // RFC 6455
)

// Options configures a [Server]. The zero value of each field means its default; the
// defaults are those of the reference implementation, where it has the option. A Server
// copies its Options: changes after [NewServer] have no effect.
type Options struct {
	// PingInterval is the time between the answer to a ping and the next ping.
	// Default 25 s.
	PingInterval time.Duration
	// PingTimeout is how long the answer to a ping may take. Default 20 s.
	PingTimeout time.Duration
	// UpgradeTimeout is how long a WebSocket connection that wants to take over a
	// polling session may take to do so. Default 10 s.
	UpgradeTimeout time.Duration
	// MaxPayload bounds one WebSocket message and one polling body from the client, in
	// bytes. The client is told it as maxPayload. Default 1,000,000.
	MaxPayload int
	// Transports lists what is served. Default both.
	Transports []Transport
	// DisableUpgrades keeps WebSocket out of the upgrades that a polling client is told
	// of. As in the reference implementation, one that tries all the same succeeds.
	DisableUpgrades bool
	// AllowEIO3 also serves protocol 3 of Engine.IO, of the clients of Socket.IO 2: any EIO
	// in the query but 4, and none. JSON-P is not served. Default: refused with code 5.
	AllowEIO3 bool
	// AllowRequest is asked about every handshake, not about later requests of a
	// session. An error refuses with status 403, code 4 and the error's message, which
	// the client sees. It runs on the request's goroutine.
	AllowRequest func(r *http.Request) error

	// CompressionThreshold is the size in bytes from which an answer to a poll is
	// compressed with gzip or deflate, if the client accepts one. Default 1024;
	// negative: never.
	CompressionThreshold int
	// Deflate turns permessage-deflate on for WebSocket. Default off.
	Deflate *websocket.Deflate
	// InitialPacket, if not empty, is sent as a text message right after the handshake.
	InitialPacket []byte
	// Cookie sets a cookie that holds the session id on the answer to a polling
	// handshake, for load balancers. Default none.
	Cookie *Cookie

	// AllowedOrigins lists the other sites whose pages may connect, as
	// "https://host[:port]", or "*" for all. Requests without an Origin header, which no
	// browser sends across sites, and requests from the server's own origin are always
	// admitted. It holds for every request of every transport. The origin "null" is
	// admitted by "*" only.
	AllowedOrigins []string
	// AllowOrigin decides instead of AllowedOrigins. It is asked about requests with an
	// Origin header that is not the server's own.
	AllowOrigin func(r *http.Request, origin string) bool
	// CORS is what browsers of admitted origins are told.
	CORS CORS

	// MaxConnections bounds the sessions that exist at once; further handshakes are
	// refused with status 503. Default no bound.
	MaxConnections int
	// MaxPerAddress bounds the sessions of one client address (of one /64 network for
	// IPv6). Default no bound.
	MaxPerAddress int
	// TrustedProxies lists the networks of the proxies in front of the server. From them
	// alone X-Forwarded-For, X-Forwarded-Proto, X-Forwarded-Host and Forwarded are
	// believed. Default none.
	TrustedProxies []netip.Prefix

	// GenerateID makes the id of a new session. Ids must be unique and hard to guess:
	// whoever knows one can take part in the session. Default 20 random characters.
	GenerateID func(r *http.Request) (string, error)
	// ConnContext returns the context that [Session.Context] will return, made from ctx,
	// which never ends. It must not keep r: the request is dropped after the handshake.
	ConnContext func(ctx context.Context, r *http.Request) context.Context

	// MaxQueuedMessages and MaxQueuedBytes bound what waits to be written to one
	// client. Over it, volatile messages are dropped first; then the session is closed
	// with [SlowConsumer]. Defaults 4096 and 4 MiB.
	MaxQueuedMessages int
	MaxQueuedBytes    int
	// WriteTimeout is how long a client may take nothing of what is being written to it
	// ([websocket.Options.WriteTimeout] says what holds over TLS), and how long the answer
	// to a poll may take. Default 30 s.
	WriteTimeout time.Duration

	// BatchDelay lets what is sent wait for more, to be written together: fewer and larger
	// writes, and answers to polls, for messages that come up to that much later. It holds
	// for all messages, alone or broadcast; not for the protocol's own packets, the close
	// of a session included, nor for as much as one write takes (16 KiB or 128 messages;
	// for a poll MaxPayload) or a queue that is more than half full, which take along what
	// waits. What waits counts for [Session.Buffered]; Abort discards it, Close does not,
	// and Shutdown only what is not taken within 100 ms. Default 0: nothing waits. At most
	// 1 s.
	BatchDelay time.Duration

	// Logger gets one line, at debug level, for each refusal and each end of a session,
	// and once each warnings about a host that hides its connections and a site that
	// may not connect. Default none.
	Logger *slog.Logger
	// Hooks observe the server.
	Hooks Hooks
}

// CORS is what the answers tell a browser whose page comes from another, admitted,
// origin. It matters to polling only: a WebSocket handshake knows no CORS.
type CORS struct {
	// Methods answered to a preflight. Default GET and POST.
	Methods []string
	// AllowedHeaders answered to a preflight. Default whatever the browser asks for.
	AllowedHeaders []string
	// ExposedHeaders are the response headers that the page may read. Default none.
	ExposedHeaders []string
	// Credentials allows requests with cookies. It cannot be combined with the origin
	// "*".
	Credentials bool
	// MaxAge is how long a preflight may be cached. Default: not said.
	MaxAge time.Duration
}

// Cookie describes the cookie of [Options.Cookie]. The zero value is the default of the
// reference implementation: io=<id>; Path=/; HttpOnly; SameSite=Lax.
type Cookie struct {
	Name     string        // default "io"
	Path     string        // default "/"
	Domain   string        // default none: the host alone
	MaxAge   time.Duration // default none: until the browser closes
	Secure   bool
	Readable bool          // by scripts: leaves HttpOnly out
	SameSite http.SameSite // default [http.SameSiteLaxMode]
}

const (
	defaultMaxPayload           = 1_000_000
	defaultCompressionThreshold = 1024
	defaultQueuedMessages       = 4096
	defaultQueuedBytes          = 4 << 20
	maxBatchDelay               = time.Second
)

// withDefaults returns a copy in which the zero values are filled in.
func (o *Options) withDefaults() *Options {
	c := Options{}
	if o != nil {
		c = *o
	}
	setDefault(&c.PingInterval, 25*time.Second)
	setDefault(&c.PingTimeout, 20*time.Second)
	setDefault(&c.UpgradeTimeout, 10*time.Second)
	setDefault(&c.MaxPayload, defaultMaxPayload)
	setDefault(&c.CompressionThreshold, defaultCompressionThreshold)
	setDefault(&c.MaxQueuedMessages, defaultQueuedMessages)
	setDefault(&c.MaxQueuedBytes, defaultQueuedBytes)
	setDefault(&c.WriteTimeout, 30*time.Second)
	if len(c.Transports) == 0 {
		c.Transports = []Transport{Polling, WebSocket}
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if len(c.CORS.Methods) == 0 {
		c.CORS.Methods = []string{http.MethodGet, http.MethodPost}
	}
	if c.Cookie != nil {
		cookie := *c.Cookie
		setDefault(&cookie.Name, "io")
		setDefault(&cookie.Path, "/")
		setDefault(&cookie.SameSite, http.SameSiteLaxMode)
		c.Cookie = &cookie
	}
	c.Transports = slices.Clone(c.Transports)
	c.AllowedOrigins = slices.Clone(c.AllowedOrigins)
	c.TrustedProxies = slices.Clone(c.TrustedProxies)
	c.InitialPacket = slices.Clone(c.InitialPacket)
	return &c
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// Validate reports every contradiction in o, joined; nil is valid. [NewServer] panics
// with this error.
func (o *Options) Validate() error {
	if o == nil {
		return nil
	}
	var errs []error
	fail := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("engineio: "+format, args...))
	}
	for name, value := range map[string]int64{
		"PingInterval": int64(o.PingInterval), "PingTimeout": int64(o.PingTimeout),
		"UpgradeTimeout": int64(o.UpgradeTimeout), "WriteTimeout": int64(o.WriteTimeout),
		"MaxPayload": int64(o.MaxPayload), "MaxConnections": int64(o.MaxConnections),
		"MaxPerAddress":     int64(o.MaxPerAddress),
		"MaxQueuedMessages": int64(o.MaxQueuedMessages), "MaxQueuedBytes": int64(o.MaxQueuedBytes),
		"BatchDelay": int64(o.BatchDelay), "CORS.MaxAge": int64(o.CORS.MaxAge),
	} {
		if value < 0 {
			fail("Options.%s is negative", name)
		}
	}
	for name, value := range map[string]time.Duration{
		"PingInterval": o.PingInterval, "PingTimeout": o.PingTimeout,
	} {
		if value > 0 && value < time.Millisecond {
			fail("Options.%s is below a millisecond, which the handshake cannot say", name)
		}
	}
	if o.BatchDelay > maxBatchDelay {
		fail("Options.BatchDelay is above %s", maxBatchDelay)
	}
	for _, t := range o.Transports {
		if t != Polling && t != WebSocket {
			fail("Options.Transports: unknown transport %q", t)
		}
	}
	for _, origin := range o.AllowedOrigins {
		if err := checkAllowedOrigin(origin); err != nil {
			fail("Options.AllowedOrigins: %w", err)
		}
	}
	if o.AllowOrigin != nil && len(o.AllowedOrigins) > 0 {
		fail("Options.AllowOrigin and Options.AllowedOrigins exclude each other")
	}
	if o.CORS.Credentials && slices.Contains(o.AllowedOrigins, "*") {
		fail(`Options.CORS.Credentials with the origin "*" would let every site act as the user; list the origins`)
	}
	for _, p := range o.TrustedProxies {
		if !p.IsValid() {
			fail("Options.TrustedProxies: invalid prefix")
		}
	}
	if c := o.Cookie; c != nil {
		check := http.Cookie{Name: c.Name, Value: "x", Path: c.Path, Domain: c.Domain}
		setDefault(&check.Name, "io")
		if err := check.Valid(); err != nil {
			fail("Options.Cookie: %w", err)
		}
		if c.SameSite == http.SameSiteNoneMode && !c.Secure {
			fail("Options.Cookie: browsers refuse SameSite=None without Secure")
		}
	}
	return errors.Join(errs...)
}

func checkAllowedOrigin(origin string) error {
	if origin == "*" {
		return nil
	}
	u, err := url.Parse(origin)
	if err != nil || u.Scheme == "" || u.Host == "" || origin != u.Scheme+"://"+u.Host ||
		strings.ContainsAny(u.Host, "*@ ") {
		return fmt.Errorf(`%q is not "*" or of the form "https://host[:port]"`, origin)
	}
	return nil
}
