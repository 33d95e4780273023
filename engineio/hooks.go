package engineio

import "net/http"

// Hooks observe a server. Every field may be nil. Hooks run on the goroutine of what
// they report, with no lock of this package held, several at once; they must not block.
type Hooks struct {
	// Opened reports a new session, after its Receiver was made and before the client
	// hears of it.
	Opened func(s *Session)
	// Upgraded reports that a polling session moved to WebSocket.
	Upgraded func(s *Session)
	// UpgradeFailed reports that a WebSocket connection which was to take over a polling
	// session, and had been answered 101, ended without doing so. err is
	// [ErrUpgradeTimeout], [ErrUpgradePacket], [ErrClosed] when the session ended first, or
	// what the connection reported. Unless the session has ended it goes on polling.
	UpgradeFailed func(s *Session, err error)
	// Closed reports the end of a session, after [Receiver.Closed].
	Closed func(s *Session, reason Reason, err error)
	// Refused reports a request that was not served: every answer of this package with a
	// status other than 200, 204 and 101, the 101 that is only the way to turn an upgrade
	// away, and a WebSocket handshake that broke while it was answered. It is called before
	// the answer, if the answer is ours. Where the fault also ends the session, Closed
	// follows.
	Refused func(Refusal)
	// Oversized reports a message or a polling body over [Options.MaxPayload]. size is
	// what the client announced, or 0 where it did not say. A polling body is also
	// refused, a WebSocket message also ends its connection.
	Oversized func(s *Session, size, limit int64)
	// Dropped reports a volatile message that [Session.Send] dropped. Drops by
	// [Session.Queue], which may run under its caller's locks, are told by its result
	// alone; [Stats] counts both. Volatile messages that had been queued and then made room
	// for others are counted ([Stats.Evicted]) and not reported: they go under the lock of
	// a connection, on behalf of somebody else's message.
	Dropped func(s *Session, m *Message)
	// Headers may change the headers of an answer to a session's request, the 101 of a
	// WebSocket handshake included; first is true for the answer to the handshake.
	// Refusals do not pass here.
	Headers func(h http.Header, r *http.Request, first bool)
}

// Refusal is a request that was not served.
type Refusal struct {
	Request *http.Request
	Status  int    // of the HTTP answer; 0 when the connection broke before there was one
	Code    int    // one of the Code constants
	Message string // as the client sees it; "" where the answer has no body
	// Cause names what the code leaves open: one of the Cause constants, or "".
	Cause string
	// Session is the one that the request named, where it exists.
	Session *Session
	// Err is what AllowRequest, GenerateID, Plain.Accept or the WebSocket handshake returned, or what was
	// wrong with a request of the session.
	Err error
}

// Kind returns the one word under which [Stats.Refused] counts the refusal: its cause, or,
// where it has none, its code's name in the reference implementation.
func (f Refusal) Kind() string {
	if f.Cause != "" {
		return f.Cause
	}
	return codeNames[f.Code]
}

var codeNames = [...]string{
	CodeUnknownTransport:    "UNKNOWN_TRANSPORT",
	CodeUnknownSession:      "UNKNOWN_SID",
	CodeBadHandshakeMethod:  "BAD_HANDSHAKE_METHOD",
	CodeBadRequest:          "BAD_REQUEST",
	CodeForbidden:           "FORBIDDEN",
	CodeUnsupportedProtocol: "UNSUPPORTED_PROTOCOL_VERSION",
}

// The causes of a [Refusal]. The first four are names of the reference implementation.
const (
	CauseInvalidOrigin      = "INVALID_ORIGIN"            // malformed Origin header
	CauseTransportMismatch  = "TRANSPORT_MISMATCH"        // the session uses another transport
	CauseTransportHandshake = "TRANSPORT_HANDSHAKE_ERROR" // no or no valid WebSocket handshake
	CauseIDGeneration       = "ID_GENERATION_ERROR"       // GenerateID failed, or the id is taken
	CauseOrigin             = "ORIGIN_NOT_ALLOWED"
	CauseMaxConnections     = "MAX_CONNECTIONS"
	CauseMaxPerAddress      = "MAX_PER_ADDRESS"
	CauseShutdown           = "SERVER_SHUTTING_DOWN"
	CauseJSONP              = "JSONP_NOT_SUPPORTED" // of protocol 3
	CauseAccept             = "ACCEPT_REFUSED"      // [Plain.Accept] returned an error, which is Err

	// Of requests of a session.
	CauseUpgrade         = "UPGRADE_REFUSED"       // another upgrade is under way or done, or there is nothing to upgrade
	CauseOverlap         = "OVERLAPPING_REQUESTS"  // two polls or two posts at once; ends the session
	CauseContentType     = "INVALID_CONTENT_TYPE"  // ErrInvalidContent; ends the session
	CauseBadPacket       = "BAD_PACKET"            // in a polling body; ends the session
	CauseIncompleteBody  = "INCOMPLETE_BODY"       // the answer finds nobody; ends the session
	CausePayloadTooLarge = "PAYLOAD_TOO_LARGE"     // status 413
	CauseMethod          = "METHOD_OF_THE_SESSION" // neither GET nor POST; status 500, as in the reference
)
