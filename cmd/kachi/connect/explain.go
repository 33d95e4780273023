package connect

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"

	"github.com/kachi-io/kachi/client"
)

// explained is an error for people, and its code for programs.
type explained struct {
	code    string
	message string
	data    json.RawMessage
}

// proxyError is a proxy's refusal to open a tunnel.
type proxyError struct{ status string }

func (e *proxyError) Error() string { return "the proxy answered " + e.status }

// explain says what happened, and which flag to try.
func (t *target) explain(err error) explained {
	var (
		refused   *client.ConnectError
		transport *client.TransportError
		auth      *client.AuthError
	)
	switch {
	case errors.As(err, &refused):
		return t.refused(refused)
	case errors.As(err, &transport):
		return explained{code: string(transport.Code), message: t.broken(transport)}
	case errors.As(err, &auth):
		return explained{code: "auth", message: "The auth cannot be sent: " + auth.Err.Error() + "."}
	case errors.Is(err, client.ErrDisconnected):
		return explained{code: "disconnected", message: "The connection ended before the namespace was joined."}
	}
	return explained{code: "failed", message: err.Error()}
}

func (t *target) refused(e *client.ConnectError) explained {
	out := explained{code: e.Code(), data: e.Data}
	if out.code == "" {
		out.code = "refused"
	}
	switch {
	case e.Message == "Invalid namespace":
		out.message = fmt.Sprintf("The server has no namespace %s.", e.Namespace)
		if out.code == "refused" {
			out.code = "invalid_namespace"
		}
	case e.Message == "":
		out.message = fmt.Sprintf("%s refused this client.", e.Namespace)
	default:
		out.message = fmt.Sprintf("%s refused this client: %s", e.Namespace, e.Message)
	}
	return out
}

func (t *target) broken(e *client.TransportError) string {
	var proxy *proxyError
	var op *net.OpError
	switch {
	case errors.As(e.Err, &proxy):
		return t.proxyRefused(proxy.status)
	case e.Status == http.StatusProxyAuthRequired:
		return t.proxyRefused(fmt.Sprintf("%d %s", e.Status, http.StatusText(e.Status)))
	case errors.As(e.Err, &op) && op.Op == "proxyconnect":
		return fmt.Sprintf("The proxy cannot be reached: %s. See --proxy, and HTTP_PROXY and HTTPS_PROXY in the environment.", cause(op.Err))
	}
	answer := answered(e)
	switch e.Code {
	case client.CodeUnreachable:
		return t.unreachable(e)
	case client.CodeTLS:
		return t.secure(e.Err)
	case client.CodeTimeout:
		if errors.Is(e, client.ErrNoAnswer) {
			return fmt.Sprintf("%s is there, and the namespace has not answered in time. --timeout gives it longer.", t.origin)
		}
		return fmt.Sprintf("No answer from %s in time. Is this the right port? --timeout gives it longer.", t.origin)
	case client.CodeRedirected:
		return fmt.Sprintf("%s sends clients to %s: connect to that address.", t.origin, t.elsewhere(e.ServerMessage))
	case client.CodeWrongPath:
		return fmt.Sprintf("There is no Socket.IO server at %s%s%s. If the server has another path, try --path.", t.origin, t.path, answer)
	case client.CodeForbidden:
		hint := "The server has a rule against this client."
		if strings.Contains(strings.ToLower(e.ServerMessage), "origin") || t.withOrigin {
			hint = "Try --origin with a site that the server allows, or add this one to the server's allowed origins."
		}
		return fmt.Sprintf("%s refused this client%s. %s", t.origin, answer, hint)
	case client.CodeUnauthorized:
		return fmt.Sprintf("%s asks for credentials%s. Try -H 'Authorization: …'.", t.origin, answer)
	case client.CodeUnavailable:
		return fmt.Sprintf("%s takes no connection now%s.", t.origin, answer)
	case client.CodeUnknownTransport:
		return fmt.Sprintf("The server does not offer %s%s. Try --transport %s.", e.Transport, answer, other(e.Transport))
	case client.CodeUnknownSession:
		return fmt.Sprintf("The server does not know the session any more%s. Several servers behind one address need sticky sessions; --transport websocket needs none.", answer)
	case client.CodeUnsupportedProtocol:
		return fmt.Sprintf("The server does not speak Engine.IO protocol 4, that of Socket.IO 3 and 4%s.", answer)
	case client.CodeProtocol2:
		return "This is a Socket.IO 2 server. Clients of version 3 and 4, as this one, cannot talk to it."
	case client.CodeBadRequest:
		if strings.Contains(e.ServerMessage, "HTTP request to an HTTPS server") {
			return fmt.Sprintf("The server speaks TLS: try https://%s", strings.TrimPrefix(t.origin, "http://"))
		}
		if e.Transport == client.WebSocket {
			return fmt.Sprintf("%s takes no WebSocket connection%s. A proxy in between may let none through: try --transport polling. Or is there no Socket.IO server? See --path.", t.origin, answer)
		}
		return fmt.Sprintf("%s does not understand the request%s. Is it a Socket.IO server? See --path and --transport.", t.origin, answer)
	case client.CodeTooLarge:
		return "A message is too large: " + cause(e.Err) + "."
	case client.CodeParse:
		return fmt.Sprintf("What came from %s is not Socket.IO's protocol: %s. See --path and --encoding.", t.origin, cause(e.Err))
	case client.CodeClosed:
		return fmt.Sprintf("%s closed the connection. If it did so at once: is --encoding the server's?", t.origin)
	}
	if e.Status == 0 && (errors.Is(e.Err, io.EOF) || errors.Is(e.Err, io.ErrUnexpectedEOF) || errors.Is(e.Err, syscall.ECONNRESET)) {
		return fmt.Sprintf("%s hung up without an answer. If it does so at once: is there a Socket.IO server at %s? See --path.", t.origin, t.path)
	}
	return fmt.Sprintf("The connection to %s broke: %s%s.", t.origin, cause(e.Err), answer)
}

// elsewhere is the address to give to this command, of one that a server redirects to.
func (t *target) elsewhere(address string) string {
	return strings.TrimSuffix(address, t.path)
}

func (t *target) proxyRefused(status string) string {
	hint := "See --proxy."
	if strings.HasPrefix(status, "407") {
		hint = "It wants to know who you are: --proxy http://USER:PASSWORD@HOST:PORT"
	}
	return fmt.Sprintf("The proxy does not let this client through (%s). %s", status, hint)
}

func (t *target) unreachable(e *client.TransportError) string {
	var dns *net.DNSError
	switch {
	case errors.As(e.Err, &dns):
		return fmt.Sprintf("There is no host with the name %s (%s).", dns.Name, dns.Err)
	case errors.Is(e.Err, syscall.ECONNREFUSED):
		return fmt.Sprintf("Nobody listens at %s. Is the server running, and is this its port?", t.origin)
	}
	return fmt.Sprintf("%s cannot be reached: %s.", t.origin, cause(e.Err))
}

// secure explains a failure of TLS.
func (t *target) secure(err error) string {
	var (
		unknown x509.UnknownAuthorityError
		host    x509.HostnameError
		invalid x509.CertificateInvalidError
		record  tls.RecordHeaderError
	)
	switch {
	case errors.As(err, &unknown):
		return fmt.Sprintf("The certificate of %s is signed by nobody that this machine trusts. --ca FILE trusts its authority; --insecure goes without checking.", t.origin)
	case errors.As(err, &host):
		return fmt.Sprintf("The certificate of %s is for another name: %v. --insecure goes without checking.", t.origin, host)
	case errors.As(err, &invalid):
		return fmt.Sprintf("The certificate of %s is not valid: %v. --insecure goes without checking.", t.origin, invalid)
	case errors.As(err, &record), strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		return fmt.Sprintf("The server speaks no TLS: try http://%s", strings.TrimPrefix(t.origin, "https://"))
	}
	return fmt.Sprintf("No secure connection to %s: %s.", t.origin, cause(err))
}

// answered is what came back, in parentheses.
func answered(e *client.TransportError) string {
	if e.Status == 0 {
		return ""
	}
	if e.ServerMessage == "" {
		return fmt.Sprintf(" (status %d)", e.Status)
	}
	return fmt.Sprintf(" (status %d: %s)", e.Status, e.ServerMessage)
}

func other(t client.Transport) client.Transport {
	if t == client.Polling {
		return client.WebSocket
	}
	return client.Polling
}

// cause is the innermost error that says something: those around it repeat the URL.
func cause(err error) string {
	if err == nil {
		return "no further detail"
	}
	var op *net.OpError
	var call *os.SyscallError
	switch {
	case errors.As(err, &call):
		return call.Err.Error()
	case errors.As(err, &op):
		return op.Err.Error()
	}
	for inner := errors.Unwrap(err); inner != nil; inner = errors.Unwrap(inner) {
		err = inner
	}
	return err.Error()
}

// sending says why an event, or an answer, did not go as hoped.
func (s *session) sending(st *step, err error) error {
	var tooLarge *client.TooLargeError
	name := eventName(st.event)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, context.Canceled):
		return err
	case errors.Is(err, client.ErrAckTimeout):
		return failed("timeout", "No answer to %s in %s: the server does not acknowledge it, or --ack-timeout is too short.", name, s.ackTimeout)
	case errors.Is(err, client.ErrDisconnected):
		return failed("disconnected", "The connection was lost before the answer: whether the server has handled it is not known.")
	case errors.Is(err, client.ErrDropped):
		return failed("dropped", "%s was dropped: not connected, or too much waits to be sent.", name)
	case errors.Is(err, client.ErrReserved):
		return failed("reserved", "%s is a name of the protocol's own, which nobody may send.", name)
	case errors.Is(err, client.ErrAnswered):
		return failed("answered", "It has been answered.")
	case errors.Is(err, client.ErrBufferFull):
		return failed("full", "Too much waits to be sent.")
	case errors.As(err, &tooLarge):
		return failed("too_large", "%s has %d bytes, and the server takes %d at once.", name, tooLarge.Size, tooLarge.Limit)
	}
	return failed("failed", "%s", strings.TrimPrefix(err.Error(), "client: "))
}
