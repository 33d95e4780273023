package gateway

import (
	"encoding/json"
	"net/http"
	"net/netip"
	"net/url"

	"github.com/kachi-io/kachi/socketio"
)

// Handshake is how a client came: over Socket.IO or plain WebSocket, or with a request.
type Handshake struct {
	socket  *socketio.Socket // nil for a request
	request *http.Request    // nil for a socket
	app     *App             // the request's
}

// Header returns the headers of the first request. They are parsed at each call, and the
// result is the caller's own.
func (h *Handshake) Header() http.Header {
	if h.socket == nil {
		return h.request.Header.Clone()
	}
	return h.socket.Handshake().Header()
}

// Cookie returns the value of a cookie, "" where there is none.
func (h *Handshake) Cookie(name string) string {
	r := h.request
	if r == nil {
		r = &http.Request{Header: h.Header()}
	}
	if c, err := r.Cookie(name); err == nil {
		return c.Value
	}
	return ""
}

// Query returns the parameters of the URL.
func (h *Handshake) Query() url.Values {
	if h.socket == nil {
		return h.request.URL.Query()
	}
	return h.socket.Handshake().Query()
}

// Address returns the client's, for requests as for sockets: see
// [socketio.Options].TrustedProxies. It is invalid where it is not known.
func (h *Handshake) Address() netip.Addr {
	if h.socket == nil {
		return h.app.server.ClientAddress(h.request)
	}
	return h.socket.Handshake().Address
}

// Auth returns what the client gave as auth, as raw JSON: {} when it gave none, and for
// requests.
func (h *Handshake) Auth() json.RawMessage {
	if h.socket == nil {
		return json.RawMessage("{}")
	}
	return h.socket.Auth()
}

// DecodeAuth decodes it. What does not fit is an error with the code "bad_request".
func (h *Handshake) DecodeAuth(target any) error {
	if err := json.Unmarshal(h.Auth(), target); err != nil {
		return misfit("auth", err)
	}
	return nil
}

// Socket returns the socket that asks to be admitted, nil for a request. It has no rooms
// and cannot emit yet.
func (h *Handshake) Socket() *socketio.Socket { return h.socket }

// Request returns the request; nil for a socket.
func (h *Handshake) Request() *http.Request { return h.request }
