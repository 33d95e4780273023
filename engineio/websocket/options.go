package websocket

import (
	"net/http"
	"time"

	"github.com/kachi-io/kachi/internal/outbox"
	"github.com/kachi-io/kachi/internal/traffic"
)

// Options are the settings of a connection. The zero value, and nil, mean the
// defaults. Accept copies what it keeps.
//
// There is no check of the Origin header: which pages may connect is decided by the
// caller, before Accept, for all its transports alike. A server that takes cookies and
// skips that check lets any page act for its users.
type Options struct {
	// MaxMessage is the size in bytes of the largest message that is read, after
	// inflating. Default 1,000,000.
	MaxMessage int

	// Deflate allows permessage-deflate. Nil: it is declined.
	Deflate *Deflate

	// Header is added to the answer 101, in place of what w has under the same names.
	Header http.Header

	// Subprotocols are those that the server speaks, in order of preference.
	Subprotocols []string

	// Queue bounds the backlog of outgoing frames, and may count those that were evicted
	// from it. Default 4,096 frames and 4 MiB.
	Queue outbox.Limits

	// Traffic, unless it is nil, counts what connections have moved, in the bytes that are
	// on the wire, or below TLS's. Which messages count is up to others: those that are
	// written by [Frame].Messages, those that are read by [Conn.Received].
	Traffic *traffic.Traffic

	// WriteTimeout is how long the peer may take nothing of a pending write. Default
	// 30 s. Where the connection is neither a plain socket nor TLS, twice that may pass
	// before it is noticed.
	//
	// Over TLS it is how long each piece of 16 KiB may take: a write that TLS has begun
	// and not finished cannot be resumed. Linux lets a write go on that has met a full
	// buffer when a third of that is free. So a client over TLS that has stopped for long
	// enough to fill it must then take a third of it, up to 1.4 MB with the usual
	// settings, within the time-out.
	WriteTimeout time.Duration

	// Batch lets what is sent and queued wait for more, to be written together: fewer
	// writes for later ones. Nothing waits longer than the delay, from when the connection
	// is free to be written; as much as a write takes (16 KiB or 128 frames), what leaves
	// less than half of Queue free, and what is to go first do not wait, and take with
	// them what does. Nil: nothing waits.
	Batch *Batch

	// CloseTimeout is how long Close waits for the peer's close frame, and how long
	// the rest of a closed connection is read so that the peer gets our close frame.
	// Default 5 s.
	CloseTimeout time.Duration
}

// settings is what a connection keeps of its options.
type settings struct {
	maxMessage   int
	queue        outbox.Limits
	writeTimeout time.Duration
	closeTimeout time.Duration
	deflate      *Deflate // nil unless negotiated
	traffic      *traffic.Traffic
}

func (o *Options) settings(deflate bool) settings {
	if o == nil {
		o = &Options{}
	}
	s := settings{
		maxMessage:   or(o.MaxMessage, 1_000_000),
		writeTimeout: or(o.WriteTimeout, 30*time.Second),
		closeTimeout: or(o.CloseTimeout, 5*time.Second),
		queue: outbox.Limits{
			Messages: or(o.Queue.Messages, 4096),
			Bytes:    or(o.Queue.Bytes, 4<<20),
			Evicted:  o.Queue.Evicted,
		},
	}
	if s.traffic = o.Traffic; s.traffic == nil {
		s.traffic = &uncounted
	}
	if deflate {
		s.deflate = o.Deflate
		if s.deflate == nil {
			s.deflate = new(Deflate)
		}
	}
	return s
}

// uncounted counts what nobody looks at.
var uncounted traffic.Traffic

func or[T int | time.Duration](v, otherwise T) T {
	if v <= 0 {
		return otherwise
	}
	return v
}
