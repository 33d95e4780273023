package client

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Code says what kind of failure a [TransportError] is.
type Code string

// The codes of a [TransportError].
const (
	CodeUnreachable         Code = "unreachable"          // no connection: name, address, route, a server that is down
	CodeTLS                 Code = "tls"                  // the certificate is not trusted, or one side speaks no TLS
	CodeTimeout             Code = "timeout"              // no answer within Options.Timeout
	CodeRedirected          Code = "redirected"           // the server sends clients to another URL, which ServerMessage is
	CodeWrongPath           Code = "wrong_path"           // something answers that is not Socket.IO
	CodeForbidden           Code = "forbidden"            // the server refuses: origin, its own rule
	CodeUnauthorized        Code = "unauthorized"         // the server, or a proxy, asks for credentials
	CodeUnavailable         Code = "unavailable"          // too many connections, or going down; RetryAfter may say when
	CodeUnknownTransport    Code = "unknown_transport"    // the server does not offer it
	CodeUnknownSession      Code = "unknown_session"      // the session has ended, or another node has it
	CodeBadRequest          Code = "bad_request"          // the server does not understand
	CodeUnsupportedProtocol Code = "unsupported_protocol" // the server speaks no Engine.IO protocol 4
	CodeProtocol2           Code = "protocol_2"           // a Socket.IO server of version 2
	CodeTooLarge            Code = "too_large"            // a message over the bound of one side
	CodeBroken              Code = "broken"               // the connection ended in the middle of something
	CodeClosed              Code = "closed"               // the server closed it
	CodeParse               Code = "parse"                // what the server sent is no packet
)

// TransportError is a connection that could not be opened, or broke.
type TransportError struct {
	Code      Code
	Transport Transport
	URL       string // without its query
	// Status is the HTTP status of the answer; 0 when none came.
	Status int
	// ServerCode is the Engine.IO error code in the answer, 0 to 5; -1 when there is none.
	ServerCode int
	// ServerMessage is the message that came with it, or the beginning of the answer.
	ServerMessage string
	// RetryAfter is how long the server asks to wait, and the client does before its next
	// attempt: at most 5 minutes; 0 when it does not say.
	RetryAfter time.Duration
	Err        error // what happened; may be nil
}

func (e *TransportError) Unwrap() error { return e.Err }

// Error says what happened and what to look at.
func (e *TransportError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "client: %s", e.Transport)
	if e.URL != "" {
		fmt.Fprintf(&b, " %s", e.URL)
	}
	b.WriteString(": ")
	b.WriteString(e.what())
	if e.Status != 0 {
		fmt.Fprintf(&b, " (status %d", e.Status)
		if e.ServerMessage != "" {
			fmt.Fprintf(&b, ": %s", e.ServerMessage)
		}
		b.WriteString(")")
	}
	if e.Err != nil {
		fmt.Fprintf(&b, ": %v", e.Err)
	}
	return b.String()
}

func (e *TransportError) what() string {
	switch e.Code {
	case CodeUnreachable:
		return "the server cannot be reached: is it running there?"
	case CodeTLS:
		return "no secure connection: is the certificate trusted, and should it be http:// or https://?"
	case CodeTimeout:
		return "no answer in time"
	case CodeRedirected:
		return "the server has another address: use that one"
	case CodeWrongPath:
		return "no Socket.IO server answers there: check Options.Path"
	case CodeForbidden:
		return "the server refuses this client: check its allowed origins and rules"
	case CodeUnauthorized:
		return "credentials are asked for"
	case CodeUnavailable:
		return "the server takes no connection now"
	case CodeUnknownTransport:
		return "the server does not offer this transport: check Options.Transports"
	case CodeUnknownSession:
		return "the server does not know the session (any more): several servers behind one address need sticky sessions"
	case CodeBadRequest:
		return "the server does not understand the request"
	case CodeUnsupportedProtocol:
		return "the server does not speak Engine.IO protocol 4 (Socket.IO 3 and 4)"
	case CodeProtocol2:
		return "this is a Socket.IO 2 server, which clients of version 3 and 4 cannot talk to"
	case CodeTooLarge:
		return "a message is too large"
	case CodeClosed:
		return "closed by the server"
	case CodeParse:
		return "what the server sent is no packet"
	default:
		return "the connection broke"
	}
}

// fault makes an error of something that happened on the way. A TransportError stays what
// it is.
func fault(t Transport, address string, err error) *TransportError {
	var known *TransportError
	if errors.As(err, &known) {
		if known.URL == "" { // a proxy's refusal
			known.Transport, known.URL = t, address
		}
		return known
	}
	var request *url.Error
	if errors.As(err, &request) {
		err = request.Err // without the query, in which there may be a token
	}
	e := &TransportError{Code: CodeBroken, Transport: t, URL: address, ServerCode: -1, Err: err}
	var (
		verification *tls.CertificateVerificationError
		alert        tls.AlertError
		record       tls.RecordHeaderError
		unknown      x509.UnknownAuthorityError
		host         x509.HostnameError
		op           *net.OpError
		dns          *net.DNSError
		netErr       net.Error
	)
	switch {
	case errors.As(err, &verification), errors.As(err, &alert), errors.As(err, &record),
		errors.As(err, &unknown), errors.As(err, &host),
		strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		e.Code = CodeTLS
	case errors.As(err, &dns), errors.As(err, &op) && (op.Op == "dial" || op.Op == "proxyconnect"):
		e.Code = CodeUnreachable
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &netErr) && netErr.Timeout():
		e.Code = CodeTimeout
	}
	return e
}

// maxErrorBody bounds what is read of an answer that refuses.
const maxErrorBody = 1024

// refusal makes an error of an answer with a status other than the one hoped for.
func refusal(t Transport, address string, r *http.Response) *TransportError {
	e := &TransportError{Code: CodeBadRequest, Transport: t, URL: address, Status: r.StatusCode, ServerCode: -1}
	var body []byte
	if r.Body != nil {
		body, _ = io.ReadAll(io.LimitReader(r.Body, maxErrorBody))
	}
	var answer struct {
		Code    *int
		Message string
	}
	html := isHTML(r.Header, body)
	if !html && json.Unmarshal(body, &answer) == nil && answer.Code != nil {
		e.ServerCode, e.ServerMessage = *answer.Code, answer.Message
	} else {
		e.ServerMessage = beginning(body)
		e.ServerCode = serverCode(e.ServerMessage)
	}
	e.RetryAfter = retryAfter(r.Header.Get("Retry-After"), time.Now())
	switch {
	case r.StatusCode >= 300 && r.StatusCode < 400 && r.Header.Get("Location") != "":
		e.Code, e.ServerMessage = CodeRedirected, "elsewhere"
		if u, err := r.Location(); err == nil {
			u.RawQuery = "" // in which there may be a token
			e.ServerMessage = u.Redacted()
		}
	case r.StatusCode == http.StatusServiceUnavailable, r.StatusCode == http.StatusTooManyRequests,
		r.StatusCode == http.StatusBadGateway, r.StatusCode == http.StatusGatewayTimeout:
		e.Code = CodeUnavailable
	case r.StatusCode == http.StatusUnauthorized, r.StatusCode == http.StatusProxyAuthRequired:
		e.Code = CodeUnauthorized
	case r.StatusCode == http.StatusRequestEntityTooLarge:
		e.Code = CodeTooLarge
	case e.ServerCode == 0:
		e.Code = CodeUnknownTransport
	case e.ServerCode == 1:
		e.Code = CodeUnknownSession
	case e.ServerCode == 4:
		e.Code = CodeForbidden
	case e.ServerCode == 5:
		e.Code = CodeUnsupportedProtocol
	case e.ServerCode >= 0:
	case r.StatusCode == http.StatusForbidden:
		e.Code = CodeForbidden
	case r.StatusCode == http.StatusNotFound, r.StatusCode < 300, html:
		e.Code = CodeWrongPath
	}
	return e
}

// maxRetryAfter bounds what a server may ask a client to wait.
const maxRetryAfter = 5 * time.Minute

// retryAfter reads a Retry-After: seconds, or a date. It returns 0 where there is none.
func retryAfter(value string, now time.Time) time.Duration {
	if seconds, err := strconv.ParseUint(value, 10, 32); err == nil {
		return min(time.Duration(seconds)*time.Second, maxRetryAfter)
	}
	if at, err := http.ParseTime(value); err == nil {
		return min(max(at.Sub(now), 0), maxRetryAfter)
	}
	return 0
}

// proxyRefusal makes an error of a proxy's answer to CONNECT.
func proxyRefusal(answer *http.Response) *TransportError {
	e := &TransportError{
		Code: CodeBroken, Status: answer.StatusCode, ServerCode: -1,
		RetryAfter: retryAfter(answer.Header.Get("Retry-After"), time.Now()),
		Err:        fmt.Errorf("the proxy answered %s", answer.Status),
	}
	switch s := answer.StatusCode; {
	case s == http.StatusProxyAuthRequired, s == http.StatusUnauthorized:
		e.Code = CodeUnauthorized
	case s == http.StatusForbidden:
		e.Code = CodeForbidden
	case s == http.StatusTooManyRequests, s >= 500:
		e.Code = CodeUnavailable
	}
	return e
}

// serverCode finds the code to a message: a WebSocket handshake is refused by the Node
// server with the message alone.
func serverCode(message string) int {
	for code, m := range []string{
		"Transport unknown", "Session ID unknown", "Bad handshake method", "Bad request", "Forbidden",
		"Unsupported protocol version",
	} {
		if m == message {
			return code
		}
	}
	if message == "Origin not allowed" { // this project's servers
		return 4
	}
	return -1
}

func isHTML(h http.Header, body []byte) bool {
	kind, _, _ := mime.ParseMediaType(h.Get("Content-Type"))
	text := strings.TrimSpace(string(body))
	// The Node server calls its plain refusals HTML.
	return strings.HasPrefix(text, "<") || kind == "text/html" && serverCode(text) < 0 && text != "ok" && len(text) > 200
}

// beginning is the first line of a body, for people.
func beginning(body []byte) string {
	text, _, _ := strings.Cut(strings.TrimSpace(string(body)), "\n")
	if strings.HasPrefix(text, "<") {
		return "HTML"
	}
	if len(text) > 200 {
		text = text[:200] + "…"
	}
	return strings.ToValidUTF8(text, "�")
}
