package socketio

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math"
	"net/http"
	"net/netip"
	"time"

	"github.com/kachi-io/kachi/engineio"
	"github.com/kachi-io/kachi/engineio/websocket"
	"github.com/kachi-io/kachi/socketio/adapter"
)

// Options configures a [Server]. The zero value is the default of every field; nil is
// the zero value. The fields up to GenerateID are those of [engineio.Options], with
// the same defaults, which are the Node server's.
type Options struct {
	PingInterval         time.Duration                             // between a pong and the next ping; 25 s
	PingTimeout          time.Duration                             // for the pong to come; 20 s
	UpgradeTimeout       time.Duration                             // for an upgrade to finish; 10 s
	MaxPayload           int                                       // bytes of one incoming message or polling body; 1,000,000
	Transports           []engineio.Transport                      // polling and WebSocket
	DisableUpgrades      bool                                      // clients are not told that they may upgrade
	AllowEIO3            bool                                      // serves Engine.IO protocol 3, too; refused
	Cookie               *engineio.Cookie                          // a cookie with the session id; none
	AllowedOrigins       []string                                  // other sites that may connect, "https://host[:port]" or "*"; same origin only
	AllowOrigin          func(r *http.Request, origin string) bool // decides instead of AllowedOrigins
	CORS                 engineio.CORS                             // what browsers of other sites are told
	AllowRequest         func(r *http.Request) error               // refuses handshakes; all are admitted
	TrustedProxies       []netip.Prefix                            // whose Forwarded and X-Forwarded-* headers are believed; none
	MaxConnections       int                                       // open at once; no limit
	MaxPerAddress        int                                       // open at once from one address; no limit
	MaxQueuedMessages    int                                       // waiting for one client, per connection; 4,096
	MaxQueuedBytes       int                                       // waiting for one client, per connection; 4 MiB
	WriteTimeout         time.Duration                             // how long a client may take nothing while something waits; 30 s
	BatchDelay           time.Duration                             // how long what is sent may wait for more, to be written together; 0, at most 1 s
	CompressionThreshold int                                       // bytes from which polling answers are compressed; 1,024, negative: never
	Deflate              *websocket.Deflate                        // permessage-deflate; off
	GenerateID           func(r *http.Request) (string, error)     // makes Engine.IO session ids; 20 random characters
	// ConnContext gives a connection's context its values. What it returns must not
	// hold on to the request, which is let go after the handshake.
	ConnContext func(ctx context.Context, r *http.Request) context.Context

	// ConnectTimeout is how long a connection may stay without having joined a
	// namespace, however often it is refused, and how long middlewares may take to
	// decide. Default 45 s.
	ConnectTimeout time.Duration
	// AckTimeout bounds the wait for an acknowledgement where the caller's context has
	// no deadline. Default 30 s.
	AckTimeout time.Duration
	// HookTimeout is the deadline of the context given to OnDisconnecting and
	// OnDisconnect. Default 10 s.
	HookTimeout time.Duration
	// MailboxMessages and MailboxBytes bound the events of one socket that wait for a
	// handler: an event beyond them is dropped and answered with the error code
	// "overloaded". A client that goes on for as many events again is disconnected with
	// the reason "flooding". Defaults 1,024 and 8 MiB, enough for what the official
	// client sends at once after a reconnect, and for a few payloads of the largest size.
	MailboxMessages int
	MailboxBytes    int
	// MaxEventRate bounds the events of one socket per second, over a time in which
	// EventBurst may come at once: an event beyond it is dropped and answered with the
	// error code "rate_limited" and the milliseconds to wait (details.retryAfter), and
	// counts towards "flooding". Default 0: no limit. EventBurst is 1,000 by default.
	MaxEventRate float64
	EventBurst   int
	// MaxAttachments bounds the binary attachments of one packet. Default 10.
	MaxAttachments int
	// MaxAttachmentBytes bounds the attachments of one packet together, which are held
	// until the last has come. A client that sends more is disconnected, and
	// [Hooks.ProtocolError] is called. Default 8 MiB, or MaxPayload where that is more.
	MaxAttachmentBytes int
	// MaxDepth bounds the nesting of JSON in one packet. Default 128.
	MaxDepth int

	// Recovery turns connection state recovery on. Default nil: off. It keeps events in
	// memory, and takes one step for every event of a namespace and all its receivers.
	Recovery *Recovery

	// ClientFiles holds the browser builds of socket.io-client (socket.io.js,
	// socket.io.min.js, socket.io.esm.min.js, socket.io.msgpack.min.js and their .map
	// files), served beside the protocol. Default none: those requests are answered 404.
	ClientFiles fs.FS
	// Adapter makes each namespace's adapter. Default [adapter.NewMemory]: this process
	// alone.
	Adapter adapter.Factory
	// Logger gets what an operator should know: failures at Error, refusals and
	// protocol errors at Info, the ordinary at Debug. Default none.
	Logger *slog.Logger
	// Hooks observe the server.
	Hooks Hooks
}

func (o *Options) engine() *engineio.Options {
	return &engineio.Options{
		PingInterval:         o.PingInterval,
		PingTimeout:          o.PingTimeout,
		UpgradeTimeout:       o.UpgradeTimeout,
		MaxPayload:           o.MaxPayload,
		Transports:           o.Transports,
		DisableUpgrades:      o.DisableUpgrades,
		AllowEIO3:            o.AllowEIO3,
		Cookie:               o.Cookie,
		AllowedOrigins:       o.AllowedOrigins,
		AllowOrigin:          o.AllowOrigin,
		CORS:                 o.CORS,
		AllowRequest:         o.AllowRequest,
		TrustedProxies:       o.TrustedProxies,
		MaxConnections:       o.MaxConnections,
		MaxPerAddress:        o.MaxPerAddress,
		MaxQueuedMessages:    o.MaxQueuedMessages,
		MaxQueuedBytes:       o.MaxQueuedBytes,
		WriteTimeout:         o.WriteTimeout,
		BatchDelay:           o.BatchDelay,
		CompressionThreshold: o.CompressionThreshold,
		Deflate:              o.Deflate,
		GenerateID:           o.GenerateID,
		ConnContext:          o.ConnContext,
		Logger:               o.Logger,
		Hooks:                o.Hooks.Engine,
	}
}

// Validate reports contradictions and impossible values, all of them at once.
// [NewServer] panics with the same error; a program whose options come from outside
// calls Validate first.
func (o *Options) Validate() error {
	if o == nil {
		return nil
	}
	errs := []error{o.engine().Validate()}
	for _, f := range []struct {
		name  string
		value int64
	}{
		{"ConnectTimeout", int64(o.ConnectTimeout)},
		{"AckTimeout", int64(o.AckTimeout)},
		{"HookTimeout", int64(o.HookTimeout)},
		{"MailboxMessages", int64(o.MailboxMessages)},
		{"MailboxBytes", int64(o.MailboxBytes)},
		{"MaxEventRate", int64(math.Floor(o.MaxEventRate))},
		{"EventBurst", int64(o.EventBurst)},
		{"MaxAttachments", int64(o.MaxAttachments)},
		{"MaxAttachmentBytes", int64(o.MaxAttachmentBytes)},
		{"MaxDepth", int64(o.MaxDepth)},
	} {
		if f.value < 0 {
			errs = append(errs, fmt.Errorf("socketio: Options.%s is negative", f.name))
		}
	}
	return errors.Join(append(errs, o.Recovery.validate()...)...)
}

// withDefaults returns a copy in which every field says what holds.
func (o *Options) withDefaults() Options {
	var c Options
	if o != nil {
		c = *o
	}
	setDefault(&c.ConnectTimeout, 45*time.Second)
	setDefault(&c.AckTimeout, 30*time.Second)
	setDefault(&c.HookTimeout, 10*time.Second)
	setDefault(&c.MailboxMessages, 1024)
	setDefault(&c.MailboxBytes, 8<<20)
	setDefault(&c.EventBurst, 1000)
	setDefault(&c.MaxAttachments, 10)
	setDefault(&c.MaxAttachmentBytes, max(8<<20, c.MaxPayload))
	setDefault(&c.MaxDepth, 128)
	if c.Adapter == nil {
		c.Adapter = adapter.NewMemory
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	c.Recovery = c.Recovery.withDefaults()
	c.Hooks = c.Hooks.guarded(c.Logger)
	return c
}

func setDefault[T int | time.Duration](field *T, value T) {
	if *field == 0 {
		*field = value
	}
}
