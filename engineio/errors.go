package engineio

import "errors"

// Reason says why a session ended. The values are those of the reference
// implementation, as Socket.IO passes them on to applications, and two of our own.
type Reason string

// The reasons of [Receiver.Closed].
const (
	// TransportError: the client broke the rules of the transport, or a connection broke
	// in the middle of a request. The error tells more.
	TransportError Reason = "transport error"
	// TransportClose: the client ended the session or its connection.
	TransportClose Reason = "transport close"
	// PingTimeout: the client did not answer a ping in time, or, in protocol 3, did not ping.
	PingTimeout Reason = "ping timeout"
	// ParseError: the client sent a packet that is none.
	ParseError Reason = "parse error"
	// ForcedClose: the server called [Session.Close].
	ForcedClose Reason = "forced close"
	// ServerShuttingDown: [Server.Shutdown].
	ServerShuttingDown Reason = "server shutting down"
	// SlowConsumer: the client did not take what was sent, and the bounds of
	// [Options.MaxQueuedMessages] or [Options.MaxQueuedBytes] were reached.
	SlowConsumer Reason = "slow consumer"
)

// What [Session.Send] and [Session.Queue] return.
var (
	// ErrClosed: the session is closed or closing.
	ErrClosed = errors.New("engineio: session closed")
	// ErrSlowConsumer: there was no room; the session is being closed.
	ErrSlowConsumer = errors.New("engineio: slow consumer")
	// ErrDropped: a volatile message found no room and was dropped; the session goes on.
	ErrDropped = errors.New("engineio: volatile message dropped")
	// ErrMessageKind: [PlainMessage] makes messages for plain sessions, and for them alone.
	ErrMessageKind = errors.New("engineio: message made for another kind of session")
)

// The errors given to [Receiver.Closed] beside the reason.
var (
	// ErrOverlap: two polls, or two posts, of one session at the same time.
	ErrOverlap = errors.New("engineio: overlapping requests of one session")
	// ErrPollDropped: the client gave up a poll that was waiting.
	ErrPollDropped = errors.New("engineio: poll connection closed prematurely")
	// ErrPostDropped: a post ended before its body was complete.
	ErrPostDropped = errors.New("engineio: data request connection closed prematurely")
	// ErrInvalidContent: a post of type application/octet-stream, which protocol 4 does
	// not know.
	ErrInvalidContent = errors.New("engineio: invalid content type")
	// ErrHeartbeatDirection: a ping from the client in protocol 4, where the server pings,
	// or a pong in protocol 3, where it answers.
	ErrHeartbeatDirection = errors.New("engineio: invalid heartbeat direction")
	// ErrPayloadTooBig: a WebSocket message over [Options.MaxPayload]. (A polling body
	// over it is refused with status 413 and the session goes on.)
	ErrPayloadTooBig = errors.New("engineio: payload too big")
)

// The errors given to [Hooks.UpgradeFailed], besides those of the connection.
var (
	// ErrUpgradeTimeout: the client did not move within [Options.UpgradeTimeout].
	ErrUpgradeTimeout = errors.New("engineio: upgrade timed out")
	// ErrUpgradePacket: the client sent something else than an upgrade consists of.
	ErrUpgradePacket = errors.New("engineio: unexpected packet during an upgrade")
)

// The codes in the body of a refused request, {"code":…,"message":…}.
const (
	CodeUnknownTransport    = 0 // also for a transport that is switched off
	CodeUnknownSession      = 1 // never existed, or has ended
	CodeBadHandshakeMethod  = 2 // a handshake is a GET
	CodeBadRequest          = 3
	CodeForbidden           = 4 // origin, AllowRequest; with status 503: limits, shutdown
	CodeUnsupportedProtocol = 5 // EIO is not 4, see Options.AllowEIO3
)

var codeMessages = [...]string{
	CodeUnknownTransport:    "Transport unknown",
	CodeUnknownSession:      "Session ID unknown",
	CodeBadHandshakeMethod:  "Bad handshake method",
	CodeBadRequest:          "Bad request",
	CodeForbidden:           "Forbidden",
	CodeUnsupportedProtocol: "Unsupported protocol version",
}
