package engineio

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"net/netip"
	"net/textproto"
	"net/url"
	"strings"
	"time"

	"github.com/kachi-io/kachi/engineio/websocket"
)

// Handshake is what a session keeps of its first request: a copy, since the request
// itself would hold several kilobytes for as long as the session lives. It is immutable.
type Handshake struct {
	URL     string     // as requested: path and query
	Address netip.Addr // of the client, see Options.TrustedProxies; invalid where it has none (a Unix socket)
	Secure  bool       // the client spoke TLS, to the server or to a trusted proxy
	XDomain bool       // the request had an Origin header
	Time    time.Time

	header string // as on the wire, "Name: value\r\n" each
}

func newHandshake(r *http.Request, from client, now time.Time) *Handshake {
	return &Handshake{
		URL:     strings.Clone(r.URL.RequestURI()),
		Address: from.addr,
		Secure:  from.secure,
		XDomain: r.Header.Get("Origin") != "",
		Time:    now,
		header:  compactHeader(r),
	}
}

// compactHeader is one string for all: an http.Header of ten fields costs about 1.5 KB,
// and the strings in it would keep the connection's read buffer.
func compactHeader(r *http.Request) string {
	var b strings.Builder
	size := len("Host: \r\n") + len(r.Host)
	for name, values := range r.Header {
		if spent[name] {
			continue
		}
		for _, v := range values {
			size += len(name) + len(v) + len(": \r\n")
		}
	}
	b.Grow(size)
	write := func(name, value string) {
		b.WriteString(name)
		b.WriteString(": ")
		b.WriteString(value)
		b.WriteString("\r\n")
	}
	if r.Host != "" {
		write("Host", r.Host) // net/http takes it out of the header; the reference keeps it
	}
	for name, values := range r.Header {
		if spent[name] {
			continue
		}
		for _, v := range values {
			write(name, v)
		}
	}
	return b.String()
}

// spent headers have done their work when a session begins.
var spent = map[string]bool{
	"Connection": true, "Upgrade": true,
	"Sec-Websocket-Key": true, "Sec-Websocket-Version": true, "Sec-Websocket-Extensions": true,
}

// Header returns the headers of the request, Host included and those left out that are
// about the connection alone (Upgrade, Sec-WebSocket-Key and the like). They are parsed
// at each call, and the result is the caller's own.
func (h *Handshake) Header() http.Header {
	mime, _ := textproto.NewReader(bufio.NewReader(strings.NewReader(h.header + "\r\n"))).ReadMIMEHeader()
	return http.Header(mime)
}

// Query returns the parameters of the URL. They are parsed at each call, and the result
// is the caller's own.
func (h *Handshake) Query() url.Values {
	u, err := url.ParseRequestURI(h.URL)
	if err != nil {
		return url.Values{}
	}
	return u.Query()
}

// openPacket is the first packet of a session, without its type. The order of the fields
// is the reference's.
func (s *Server) openPacket(id string, t Transport) []byte {
	b, _ := json.Marshal(struct { // cannot fail: strings and numbers
		SID          string      `json:"sid"`
		Upgrades     []Transport `json:"upgrades"`
		PingInterval int64       `json:"pingInterval"`
		PingTimeout  int64       `json:"pingTimeout"`
		MaxPayload   int         `json:"maxPayload"`
	}{
		id, s.opts.upgrades(t),
		s.opts.PingInterval.Milliseconds(), s.opts.PingTimeout.Milliseconds(), s.opts.MaxPayload,
	})
	return b
}

// cookie returns the value of the Set-Cookie header of a polling handshake.
func (s *Server) cookie(id string) string {
	o := s.opts.Cookie
	c := http.Cookie{
		Name: o.Name, Value: id, Path: o.Path, Domain: o.Domain, MaxAge: int(o.MaxAge.Seconds()),
		Secure: o.Secure, HttpOnly: !o.Readable, SameSite: o.SameSite,
	}
	return c.String()
}

// connContext makes the context of Session.Context. The request's own would keep the
// request, and end with it.
func (s *Server) connContext(r *http.Request) context.Context {
	if s.opts.ConnContext == nil {
		return context.Background()
	}
	return s.opts.ConnContext(context.Background(), r)
}

// handshake begins a session, or refuses to. The order of the checks is the reference's,
// with the limits before what may be costly.
func (s *Server) handshake(w http.ResponseWriter, r *http.Request, q request, from client) {
	switch {
	case q.transport == WebSocket && r.ProtoMajor >= 2:
		s.refuse(w, q, Refusal{Request: r, Code: CodeBadRequest, Cause: CauseTransportHandshake,
			Message: "WebSocket needs HTTP/1.1, this request came over HTTP/2 or later"})
		return
	case r.Method != http.MethodGet:
		s.refuse(w, q, Refusal{Request: r, Code: CodeBadHandshakeMethod})
		return
	case (q.transport == WebSocket) != q.upgrade:
		s.refuse(w, q, Refusal{Request: r, Code: CodeBadRequest, Cause: CauseTransportHandshake})
		return
	}
	if s.closing.Load() {
		s.refuse(w, q, shuttingDown(r))
		return
	}
	if cause := s.limits.admit(from.addr); cause != "" {
		s.refuse(w, q, Refusal{Request: r, Status: http.StatusServiceUnavailable, Code: CodeForbidden,
			Cause: cause, Message: "Too many connections"})
		return
	}
	counted := true // until a session answers for it
	release := func() {
		if counted {
			counted = false
			s.limits.release(from.addr)
		}
	}
	defer release() // whatever AllowRequest and the like do
	refuse := func(f Refusal) {
		release() // before the client hears of it, and tries again
		f.Request = r
		s.refuse(w, q, f)
	}
	if s.opts.AllowRequest != nil {
		if err := s.opts.AllowRequest(r); err != nil {
			refuse(Refusal{Code: CodeForbidden, Message: err.Error(), Err: err})
			return
		}
	}
	if q.protocol != "4" {
		refuse(Refusal{Code: CodeUnsupportedProtocol})
		return
	}
	if q.upgrade {
		if bad := websocket.CheckRequest(r); bad != nil {
			refuse(badHandshake(w, bad))
			return
		}
	}
	id, err := s.generateID(r)
	if err != nil {
		refuse(Refusal{Code: CodeBadRequest, Cause: CauseIDGeneration, Err: err})
		return
	}
	session := newSession(s, id, q.transport, newHandshake(r, from, time.Now()), s.connContext(r))
	if !s.sessions.add(session) {
		refuse(Refusal{Code: CodeBadRequest, Cause: CauseIDGeneration, Err: errIDTaken})
		return
	}
	counted = false
	if s.closing.Load() { // Shutdown has looked already, or else it finds the session
		session.unhold()
		s.refuse(w, q, shuttingDown(r))
		return
	}
	if q.transport == WebSocket {
		session.openWebSocket(w, r)
	} else {
		session.openPolling(w, r)
	}
}

func shuttingDown(r *http.Request) Refusal {
	return Refusal{Request: r, Status: http.StatusServiceUnavailable, Code: CodeForbidden,
		Cause: CauseShutdown, Message: "Server shutting down"}
}
