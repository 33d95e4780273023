package client

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/kachi-io/kachi/socketio/packet"
)

// Errors of sending, asking and connecting. They are compared with errors.Is.
var (
	// ErrClosed: [Client.Close] has been called.
	ErrClosed = errors.New("client: closed")
	// ErrBufferFull: too much waits to be sent; see [Options.MaxQueuedMessages].
	ErrBufferFull = errors.New("client: too much waits to be sent")
	// ErrDropped: a volatile event was not sent because the socket was not connected, or
	// too much waited.
	ErrDropped = errors.New("client: volatile event dropped")
	// ErrReserved: the event's name belongs to the protocol.
	ErrReserved = errors.New("client: the event's name is reserved")
	// ErrAckTimeout: no acknowledgement came in time.
	ErrAckTimeout = errors.New("client: no acknowledgement came in time")
	// ErrDisconnected: the connection ended before the acknowledgement came, or the socket
	// was disconnected. Whether the server has handled the event is not known.
	ErrDisconnected = errors.New("client: the socket has been disconnected")
	// ErrTooManyAcks: see [Options.MaxPendingAcks].
	ErrTooManyAcks = errors.New("client: too many acknowledgements are awaited")
	// ErrAnswered: an event was acknowledged a second time.
	ErrAnswered = errors.New("client: the event has been acknowledged already")
	// ErrMailboxFull: a handler waits in Ask, and so many events have come meanwhile that
	// the answer behind them cannot be read.
	ErrMailboxFull = errors.New("client: the answer is behind more events than the mailbox holds: ask outside of handlers")
	// ErrStalled: a handler did not return for [Options.StallTimeout] while more events
	// waited than the mailbox holds.
	ErrStalled = errors.New("client: a handler does not return, and too many events wait")
	// ErrNoAnswer: the namespace has not said within [Options.Timeout] whether the socket
	// may join. It is in a [*TransportError] with [CodeTimeout].
	ErrNoAnswer = errors.New("client: the namespace does not answer")
	// ErrTooLarge: the event is larger than the server takes. The error is a
	// [*TooLargeError].
	ErrTooLarge = errors.New("client: the event is larger than the server takes")
)

// TooLargeError tells by how much an event is too large. It is [ErrTooLarge].
type TooLargeError struct {
	Size  int // bytes of its largest message
	Limit int // what the server takes, its maxPayload
}

func (e *TooLargeError) Error() string {
	return fmt.Sprintf("client: the event has %d bytes in one message, the server takes %d", e.Size, e.Limit)
}

// Is makes every TooLargeError an [ErrTooLarge].
func (e *TooLargeError) Is(target error) bool { return target == ErrTooLarge }

// ConnectError is a namespace's refusal (CONNECT_ERROR). The socket does not try again by
// itself.
type ConnectError struct {
	Namespace string
	Message   string          // the server's
	Data      json.RawMessage // the server's error.data; nil when there is none
}

func (e *ConnectError) Error() string {
	return fmt.Sprintf("client: %s refused: %s", e.Namespace, e.Message)
}

// Code returns the code in Data, where servers that send errors of this project's shape
// put one; "" otherwise.
func (e *ConnectError) Code() string {
	var body struct{ Code string }
	_ = json.Unmarshal(e.Data, &body)
	return body.Code
}

// AuthError is a failure of [SocketOptions.AuthFunc], or auth that cannot be sent.
type AuthError struct{ Err error }

func (e *AuthError) Error() string { return "client: auth: " + e.Err.Error() }
func (e *AuthError) Unwrap() error { return e.Err }

// Error is a failure that the server answered in an acknowledgement, in the form
// {"status":"error","code":…,"message":…}.
type Error struct {
	Code    string          `json:"code"` // what programs go by
	Message string          `json:"message"`
	Details json.RawMessage `json:"details"`
	Cause   struct {
		Pattern string `json:"pattern"` // the event that failed
	} `json:"cause"`
}

func (e *Error) Error() string {
	if e.Message == "" {
		return e.Code
	}
	return e.Code + ": " + e.Message
}

// AckError returns the [*Error] that an acknowledgement holds, nil if it holds none.
func AckError(values packet.Args) error {
	if values.Len() == 0 || values.Raw[0][0] != '{' {
		return nil
	}
	var body struct {
		Status string `json:"status"`
		Error
	}
	if json.Unmarshal(values.Raw[0], &body) != nil || body.Status != "error" || body.Code == "" {
		return nil
	}
	return &body.Error
}

// Reason says why a socket was disconnected, in the words of the reference implementation.
type Reason string

// The reasons given to [Socket.OnDisconnect].
const (
	// ServerDisconnect: the server put the socket out of its namespace. It does not come
	// back by itself.
	ServerDisconnect Reason = "io server disconnect"
	// ClientDisconnect: [Socket.Disconnect] or [Client.Close].
	ClientDisconnect Reason = "io client disconnect"
	// PingTimeout: the server was silent for longer than its heartbeat allows.
	PingTimeout Reason = "ping timeout"
	// TransportClose: the connection was closed by the other side.
	TransportClose Reason = "transport close"
	// TransportFailure: the connection broke. The error tells more.
	TransportFailure Reason = "transport error"
	// ParseFailure: the server sent something that is no packet.
	ParseFailure Reason = "parse error"
	// Stalled: no handler has returned for [Options.StallTimeout] while the mailbox was
	// full. The error is [ErrStalled]. The socket joins again by itself when what waits has
	// been handled. On a connection that the server may recover all sockets are told.
	Stalled Reason = "handler stalled"
	// ForcedClose is given to [Hooks.Closed] alone: the client closed the connection,
	// because no socket needs it.
	ForcedClose Reason = "forced close"
)
