package gateway

import (
	"errors"
	"fmt"

	"github.com/kachi-io/kachi/socketio"
)

// Error is a failure that the client may see: see [socketio.Error]. Any other error is
// logged, and clients are told "Internal error".
type Error = socketio.Error

// The codes that this package answers with. Applications add their own.
const (
	CodeUnauthorized = "unauthorized"           // nobody has said who calls, or not well
	CodeForbidden    = "forbidden"              // who calls may not do that
	CodeNotFound     = "not_found"              // there is no such event, or no such thing
	CodeBadRequest   = socketio.CodeBadRequest  // the input cannot be decoded
	CodeInvalid      = "invalid"                // the input breaks a rule; details are a list of [FieldError]
	CodeConflict     = "conflict"               // with what is there already
	CodeTimeout      = "timeout"                // no answer in time
	CodeRateLimited  = socketio.CodeRateLimited // too much of it; details.retryAfter is in milliseconds
	CodeOverloaded   = socketio.CodeOverloaded  // too much at the moment
	CodeUnavailable  = "unavailable"            // something that is needed for it, for a time
	CodeInternal     = socketio.CodeInternal    // details are in the log
)

// NewError returns an error that the client may see.
func NewError(code, message string) *Error { return socketio.NewError(code, message) }

// Errorf is [NewError] with a format.
func Errorf(code, format string, args ...any) *Error {
	return socketio.NewError(code, fmt.Sprintf(format, args...))
}

// Unauthorized is an error with the code "unauthorized".
func Unauthorized(message string) *Error { return NewError(CodeUnauthorized, message) }

// Forbidden is an error with the code "forbidden".
func Forbidden(message string) *Error { return NewError(CodeForbidden, message) }

// NotFound is an error with the code "not_found".
func NotFound(message string) *Error { return NewError(CodeNotFound, message) }

// FieldError says what is wrong with one field of an input.
type FieldError struct {
	Path    string `json:"path"`            // in JSON: "items[2].name"; "" for the whole
	Rule    string `json:"rule"`            // that was broken: "required", "max", "type"
	Param   string `json:"param,omitempty"` // of the rule: "100"
	Message string `json:"message"`
}

// Invalid is an error with the code "invalid" about fields of the input.
func Invalid(fields ...FieldError) *Error {
	message := "The input is not valid"
	if len(fields) > 0 {
		message = fields[0].Message
	}
	return &Error{Code: CodeInvalid, Message: message, Details: fields}
}

var (
	errNotFound = NewError(CodeNotFound, "There is no such event")
	errTimeout  = NewError(CodeTimeout, "There was no answer in time")
)

// ErrNotStarted: something is sent before the [App] was made.
var ErrNotStarted = errors.New("gateway: the hub belongs to no app yet: make the app first")

// errNoSocket: a call over HTTP has neither a namespace nor rooms.
var errNoSocket = errors.New("gateway: a request over HTTP is in no namespace: send with the Hub")

// ErrorMode says how errors reach the clients that caused them.
type ErrorMode uint8

const (
	// ErrorsInAck puts them into the acknowledgement where one was asked for, and sends the
	// event "exception" where not. The default.
	ErrorsInAck ErrorMode = iota
	// ErrorsAsEvent always sends the event "exception", and no acknowledgement, as NestJS
	// does.
	ErrorsAsEvent
	// ErrorsInBoth does both.
	ErrorsInBoth
)
