package socketio

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/kachi-io/kachi/engineio"
	"github.com/kachi-io/kachi/socketio/packet"
)

// Error is a failure that the client may see. Any other error is logged and reaches
// clients, if at all, in general terms.
type Error struct {
	// Code is what programs go by: short, lower case, words joined by underscores.
	Code string
	// Message is for people.
	Message string
	// Details is encoded as JSON; nil is left out.
	Details any
}

// NewError returns an error that the client may see.
func NewError(code, message string) *Error { return &Error{Code: code, Message: message} }

func (e *Error) Error() string {
	if e.Message == "" {
		return e.Code
	}
	return e.Code + ": " + e.Message
}

// Codes that the package itself answers with.
const (
	CodeBadRequest  = "bad_request"  // an argument is missing or of the wrong type
	CodeOverloaded  = "overloaded"   // too many events wait for their handlers
	CodeRateLimited = "rate_limited" // events come faster than MaxEventRate
	CodeInternal    = "internal"     // a failure whose details are not the client's business
	// CodeTooManyNamespaces: no more of a [Dynamic] can exist at once.
	CodeTooManyNamespaces = "too_many_namespaces"
)

// Errors of sending and asking. They are compared with errors.Is.
var (
	// ErrClosed: the socket or its connection has ended.
	ErrClosed = engineio.ErrClosed
	// ErrAnswered: an event was acknowledged a second time.
	ErrAnswered = errors.New("socketio: the event has been acknowledged already")
	// ErrAckTimeout: no acknowledgement came in time.
	ErrAckTimeout = errors.New("socketio: no acknowledgement came in time")
	// ErrReserved: the event's name belongs to the protocol.
	ErrReserved = errors.New("socketio: the event's name is reserved")
	// ErrSlowConsumer: the client takes too little of what is sent to it and is being
	// disconnected.
	ErrSlowConsumer = engineio.ErrSlowConsumer
	// ErrDropped: a volatile event was not sent because the client was not ready.
	ErrDropped = engineio.ErrDropped
	// ErrNoNamespace: no namespace has the name, or may have it.
	ErrNoNamespace = errors.New("socketio: there is no such namespace")
	// ErrNotOpen: a [Dynamic]'s namespace is just about to be opened for its first client on
	// this node, which middlewares still have to admit.
	ErrNotOpen = errors.New("socketio: the namespace is not open yet: its first client is being admitted")
)

// PanicError is what a panic in a handler, middleware or hook becomes.
type PanicError struct {
	Value any
	Stack []byte
}

func (e *PanicError) Error() string { return fmt.Sprintf("panic: %v", e.Value) }

// Unwrap gives the panic's value when it is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// ErrorBody is the one shape in which clients see errors: as the value of an
// acknowledgement, or the argument of the event "exception".
type ErrorBody struct {
	Status  string      `json:"status"` // "error"
	Code    string      `json:"code"`
	Message string      `json:"message"`
	Details any         `json:"details,omitempty"`
	Cause   *ErrorCause `json:"cause,omitempty"`
}

// ErrorCause tells what the client did when the error came about.
type ErrorCause struct {
	Pattern string `json:"pattern"` // the event's name
	Data    any    `json:"data,omitempty"`
}

// PublicError is what a client may know of err, caused by the event named pattern: an
// [*Error] as it is, any other in general terms.
func PublicError(err error, pattern string) *ErrorBody {
	body := &ErrorBody{Status: "error", Code: CodeInternal, Message: "Internal error"}
	var coded *Error
	if errors.As(err, &coded) {
		body.Code, body.Message, body.Details = coded.Code, coded.Message, coded.Details
	}
	if pattern != "" {
		body.Cause = &ErrorCause{Pattern: pattern}
	}
	return body
}

// tell hands the error to send, once more without its details where those cannot be
// encoded.
func (b *ErrorBody) tell(send func(*ErrorBody) error) {
	err := protect(func() error { return send(b) })
	var panicked *PanicError
	var argument *packet.ArgumentError
	if errors.As(err, &panicked) || errors.As(err, &argument) {
		b.Details = nil
		_ = send(b)
	}
}

// connectErrorData is the payload of a CONNECT_ERROR packet.
func connectErrorData(err error) (data []byte) {
	if errors.Is(err, ErrNoNamespace) {
		return invalidNamespace
	}
	PublicError(err, "").tell(func(body *ErrorBody) (err error) {
		if data, err = json.Marshal(struct {
			Message string     `json:"message"`
			Data    *ErrorBody `json:"data"`
		}{body.Message, body}); err != nil {
			err = &packet.ArgumentError{Err: err}
		}
		return err
	})
	return data
}
