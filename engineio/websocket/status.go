package websocket

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"unicode/utf8"
)

// StatusCode says why a connection is closed (RFC 6455 7.4 and IANA's registry).
// Applications use 4000 to 4999.
type StatusCode uint16

const (
	StatusNormalClosure       StatusCode = 1000
	StatusGoingAway           StatusCode = 1001
	StatusProtocolError       StatusCode = 1002
	StatusUnsupportedData     StatusCode = 1003
	StatusNoStatus            StatusCode = 1005 // a close frame without a code; in Close: send none
	StatusAbnormalClosure     StatusCode = 1006 // never on the wire
	StatusInvalidPayload      StatusCode = 1007
	StatusPolicyViolation     StatusCode = 1008
	StatusMessageTooBig       StatusCode = 1009
	StatusMandatoryExtension  StatusCode = 1010
	StatusInternalError       StatusCode = 1011
	StatusServiceRestart      StatusCode = 1012
	StatusTryAgainLater       StatusCode = 1013
	StatusBadGateway          StatusCode = 1014
	maxCloseReason                       = maxControl - 2
	firstUnassigned, firstOwn StatusCode = 1015, 3000
)

// allowed reports whether the code may stand in a close frame.
func (s StatusCode) allowed() bool {
	switch s {
	case 1004, StatusNoStatus, StatusAbnormalClosure:
		return false
	}
	return s >= StatusNormalClosure && s < firstUnassigned || s >= firstOwn && s < 5000
}

var (
	// ErrClosed is returned once the connection is closed or about to be: by Close,
	// by CloseNow, by the peer or because of an error. It is also a net.ErrClosed.
	ErrClosed = fmt.Errorf("websocket: %w", net.ErrClosed)

	// ErrFull is returned when the backlog has reached Options.Queue. The frame was
	// not queued; whether the connection goes on is for the caller to decide.
	ErrFull = errors.New("websocket: the peer does not read fast enough")

	// ErrDropped is returned for a volatile frame that found no room.
	ErrDropped = errors.New("websocket: volatile frame dropped")

	// ErrMessageTooBig is matched by a TooBigError.
	ErrMessageTooBig = errors.New("websocket: message too big")

	// ErrWriteTimeout is returned by Read when the peer took nothing of a pending
	// write for Options.WriteTimeout. It is also an os.ErrDeadlineExceeded.
	ErrWriteTimeout = fmt.Errorf("websocket: write: %w", os.ErrDeadlineExceeded)

	// ErrCloseTimeout is returned by Read when the peer did not answer Close within
	// Options.CloseTimeout. It is also an os.ErrDeadlineExceeded.
	ErrCloseTimeout = fmt.Errorf("websocket: close: %w", os.ErrDeadlineExceeded)
)

// CloseError is the peer's close frame. It is what Read returns at the end of an
// orderly connection, whoever began to close it.
type CloseError struct {
	Code   StatusCode // StatusNoStatus when the frame had none
	Reason string
}

func (e *CloseError) Error() string {
	if e.Reason == "" {
		return fmt.Sprintf("websocket: closed by the peer with %d", e.Code)
	}
	return fmt.Sprintf("websocket: closed by the peer with %d: %s", e.Code, e.Reason)
}

// ProtocolError is a violation of the protocol by the peer. The connection is closed
// with Code: StatusProtocolError, or StatusInvalidPayload for text that is not UTF-8
// and for compressed data that is broken.
type ProtocolError struct {
	Code   StatusCode
	Reason string
}

func (e *ProtocolError) Error() string { return "websocket: " + e.Reason }

// TooBigError is returned by Read for a message over Options.MaxMessage. The
// connection is closed with StatusMessageTooBig.
type TooBigError struct {
	Size  int64 // bytes, as far as known when the limit was passed
	Limit int   // bytes
}

func (e *TooBigError) Error() string {
	return fmt.Sprintf("websocket: message of %d bytes or more is over the limit of %d", e.Size, e.Limit)
}

// Is matches ErrMessageTooBig.
func (e *TooBigError) Is(target error) bool { return target == ErrMessageTooBig }

func violation(reason string) error {
	return &ProtocolError{Code: StatusProtocolError, Reason: reason}
}

func badPayload(reason string) error {
	return &ProtocolError{Code: StatusInvalidPayload, Reason: reason}
}

// parseClose reads the payload of a close frame (RFC 6455 5.5.1).
func parseClose(payload []byte) (*CloseError, error) {
	if len(payload) == 0 {
		return &CloseError{Code: StatusNoStatus}, nil
	}
	if len(payload) == 1 {
		return nil, violation("close frame with half a status code")
	}
	e := &CloseError{
		Code:   StatusCode(binary.BigEndian.Uint16(payload)),
		Reason: string(payload[2:]),
	}
	if !e.Code.allowed() {
		return nil, violation("close frame with an invalid status code")
	}
	if !utf8.ValidString(e.Reason) {
		return nil, badPayload("close frame with a reason that is not UTF-8")
	}
	return e, nil
}

// closeFrame builds a close frame. The reason is cut to what fits.
func closeFrame(code StatusCode, reason string) []byte {
	if code == StatusNoStatus {
		return []byte{fin | opClose, 0}
	}
	if len(reason) > maxCloseReason {
		end := maxCloseReason
		for end > 0 && !utf8.RuneStart(reason[end]) {
			end--
		}
		reason = reason[:end]
	}
	b := make([]byte, 0, 4+len(reason))
	b = append(b, fin|opClose, byte(2+len(reason)))
	b = binary.BigEndian.AppendUint16(b, uint16(code))
	return append(b, reason...)
}
