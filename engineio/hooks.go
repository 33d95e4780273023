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
	// Closed reports the end of a session, after [Receiver.Closed].
	Closed func(s *Session, reason Reason, err error)
	// Refused reports a request that was answered with an error code.
	Refused func(Refusal)
	// Oversized reports a message or a polling body over [Options.MaxPayload]. size is
	// what the client announced, or 0 where it did not say.
	Oversized func(s *Session, size, limit int64)
	// Dropped reports a volatile message that [Session.Send] dropped. Drops by
	// [Session.Queue], which may run under its caller's locks, are told by its result
	// alone.
	Dropped func(s *Session, m *Message)
	// Headers may change the headers of an answer to a session's request, the 101 of a
	// WebSocket handshake included; first is true for the answer to the handshake.
	// Refusals do not pass here.
	Headers func(h http.Header, r *http.Request, first bool)
}

// Refusal is a request that was answered with an error code.
type Refusal struct {
	Request *http.Request
	Status  int    // of the HTTP answer
	Code    int    // one of the Code constants
	Message string // as the client sees it
	// Cause names what the code leaves open: one of the Cause constants, or "".
	Cause string
	// Session is the one that the request named, where it exists.
	Session *Session
	// Err is what AllowRequest, GenerateID or the WebSocket handshake returned.
	Err error
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
)
