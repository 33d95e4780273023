package websocket

import (
	"bytes"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"
)

// HandshakeError is a request that cannot become a WebSocket connection.
type HandshakeError struct {
	Status int    // of the HTTP answer
	Reason string // its text
}

func (e *HandshakeError) Error() string { return "websocket: handshake: " + e.Reason }

// CheckRequest reports why r is not a WebSocket handshake (RFC 6455 4.2.1), or nil.
// It writes nothing.
func CheckRequest(r *http.Request) *HandshakeError {
	h := r.Header
	switch {
	case r.Method != http.MethodGet:
		return &HandshakeError{http.StatusMethodNotAllowed, "method is not GET"}
	case !r.ProtoAtLeast(1, 1) || r.ProtoMajor > 1:
		return &HandshakeError{http.StatusUpgradeRequired, "protocol is not HTTP/1.1"}
	case !hasToken(h, "Connection", "upgrade") || !hasToken(h, "Upgrade", "websocket"):
		return &HandshakeError{http.StatusUpgradeRequired, "not a request to upgrade to websocket"}
	case len(h.Values("Sec-Websocket-Version")) != 1 || strings.TrimSpace(h.Get("Sec-Websocket-Version")) != "13":
		return &HandshakeError{http.StatusUpgradeRequired, "Sec-WebSocket-Version is not 13"}
	}
	keys := h.Values("Sec-Websocket-Key")
	if len(keys) != 1 {
		return &HandshakeError{http.StatusBadRequest, "not one Sec-WebSocket-Key"}
	}
	if key, err := base64.StdEncoding.DecodeString(strings.TrimSpace(keys[0])); err != nil || len(key) != 16 {
		return &HandshakeError{http.StatusBadRequest, "Sec-WebSocket-Key is not 16 bytes in base64"}
	}
	return nil
}

// Accept answers a handshake and takes the connection over. After it returns, the
// HTTP handler is to return too, and the connection to be read on a goroutine of its
// own: that frees the server's buffers and the handler's stack.
//
// When it fails it has answered the request, unless the connection itself broke, and
// returns a *HandshakeError if the fault lies in the request or in w. w may be wrapped
// by middleware that has an Unwrap method, see http.ResponseController. Headers that w
// already has are part of the answer 101.
//
// Accept does not check the Origin header, see Options.
func Accept(w http.ResponseWriter, r *http.Request, o *Options) (*Conn, error) {
	if bad := CheckRequest(r); bad != nil {
		return nil, refuse(w, bad)
	}
	if o == nil {
		o = &Options{}
	}
	subprotocol := chooseSubprotocol(r.Header, o.Subprotocols)
	deflate, extension := false, ""
	if o.Deflate != nil {
		deflate, extension = acceptDeflate(r.Header)
	}
	answer := answer(w.Header(), r, o.Header, subprotocol, extension)

	nc, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return nil, refuse(w, &HandshakeError{http.StatusNotImplemented, "connection cannot be taken over: " + err.Error()})
	}
	var leftover []byte
	if n := rw.Reader.Buffered(); n > 0 { // frames that came in the request's packet
		peeked, _ := rw.Reader.Peek(n)
		leftover = bytes.Clone(peeked)
	}
	// The server's own time-outs were for the request.
	err = nc.SetDeadline(time.Time{})
	c := NewConn(nc, leftover, o, deflate)
	if err == nil {
		_ = nc.SetWriteDeadline(time.Now().Add(c.writeTimeout))
		_, err = nc.Write(answer)
		_ = nc.SetWriteDeadline(time.Time{})
	}
	if err != nil {
		_ = c.CloseNow()
		return nil, fmt.Errorf("websocket: handshake: %w", err)
	}
	c.subprotocol = subprotocol
	return c, nil
}

// NewConn makes the server's side of a connection whose handshake is done. leftover is
// what was read from nc beyond it; deflate says whether permessage-deflate was
// negotiated. It takes over both nc and leftover.
func NewConn(nc net.Conn, leftover []byte, o *Options, deflate bool) *Conn {
	c := &Conn{
		settings: o.settings(deflate),
		nc:       nc,
		raw:      rawConn(nc),
		flusher:  o.flusher(),
	}
	c.in = leftover
	c.traffic.Received.Add(c.flusher.number, 0, len(leftover))
	c.init()
	return c
}

func refuse(w http.ResponseWriter, e *HandshakeError) error {
	h := w.Header()
	switch e.Status {
	case http.StatusUpgradeRequired:
		h.Set("Connection", "Upgrade")
		h.Set("Upgrade", "websocket")
		h.Set("Sec-WebSocket-Version", "13")
	case http.StatusMethodNotAllowed:
		h.Set("Allow", http.MethodGet)
	}
	http.Error(w, e.Reason, e.Status)
	return e
}

// answer builds the answer 101.
func answer(wrapped http.Header, r *http.Request, own http.Header, subprotocol, extension string) []byte {
	sum := sha1.Sum([]byte(strings.TrimSpace(r.Header.Get("Sec-Websocket-Key")) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	var b bytes.Buffer
	b.WriteString("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ")
	b.WriteString(base64.StdEncoding.EncodeToString(sum[:]))
	b.WriteString("\r\n")
	if subprotocol != "" {
		b.WriteString("Sec-WebSocket-Protocol: " + subprotocol + "\r\n")
	}
	if extension != "" {
		b.WriteString("Sec-WebSocket-Extensions: " + extension + "\r\n")
	}
	// http.Header.Write takes line breaks out of values.
	_ = own.WriteSubset(&b, notInAnswer)
	if len(wrapped) > 0 {
		skip := make(map[string]bool, len(notInAnswer)+len(own))
		for name := range notInAnswer {
			skip[name] = true
		}
		for name := range own {
			skip[name] = true
		}
		_ = wrapped.WriteSubset(&b, skip)
	}
	b.WriteString("\r\n")
	return b.Bytes()
}

// notInAnswer are the headers that are the handshake's own or make no sense in a 101.
var notInAnswer = map[string]bool{
	"Connection": true, "Upgrade": true, "Sec-Websocket-Accept": true, "Sec-Websocket-Protocol": true,
	"Sec-Websocket-Extensions": true, "Sec-Websocket-Version": true, "Content-Length": true,
	"Content-Type": true, "Content-Encoding": true, "Transfer-Encoding": true, "Trailer": true,
}

func chooseSubprotocol(h http.Header, preferred []string) string {
	for _, p := range preferred {
		for offered := range tokens(h, "Sec-Websocket-Protocol") {
			if offered == p {
				return p
			}
		}
	}
	return ""
}
