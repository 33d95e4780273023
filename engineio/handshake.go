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
	more   *more  // nil for most
}

// more is what few handshakes have.
type more struct {
	plain  *Plain
	params []string // names and values by turns
}

func (h *Handshake) detail() *more {
	if h.more == nil {
		h.more = new(more)
	}
	return h.more
}

func newHandshake(r *http.Request, from client, now time.Time) *Handshake {
	h := &Handshake{
		URL:     strings.Clone(r.URL.RequestURI()),
		Address: from.addr,
		Secure:  from.secure,
		XDomain: r.Header.Get("Origin") != "",
		Time:    now,
		header:  compactHeader(r),
	}
	if params := pathParams(r); params != nil {
		h.detail().params = params
	}
	return h
}

// pathParams returns what the wildcards of the pattern stand for that an http.ServeMux has
// found the handler by: "/rooms/{room}", "/files/{path...}".
func pathParams(r *http.Request) (params []string) {
	for rest := r.Pattern; ; {
		_, wildcard, found := strings.Cut(rest, "{")
		if !found {
			return params
		}
		wildcard, rest, _ = strings.Cut(wildcard, "}")
		if name := strings.TrimSuffix(wildcard, "..."); name != "$" {
			params = append(params, name, strings.Clone(r.PathValue(name)))
		}
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

// Param returns what a wildcard of the path stands for, where the request came by a pattern
// of an [http.ServeMux]: "room" for "/rooms/{room}". It is "" for one that is not there.
func (h *Handshake) Param(name string) string {
	if h.more != nil {
		for i := 0; i < len(h.more.params); i += 2 {
			if h.more.params[i] == name {
				return h.more.params[i+1]
			}
		}
	}
	return ""
}

// Params returns all that [Handshake.Param] knows: nil for none. The map is made at each
// call, and the caller's own.
func (h *Handshake) Params() map[string]string {
	if h.more == nil || len(h.more.params) == 0 {
		return nil
	}
	all := make(map[string]string, len(h.more.params)/2)
	for i := 0; i < len(h.more.params); i += 2 {
		all[h.more.params[i]] = h.more.params[i+1]
	}
	return all
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
