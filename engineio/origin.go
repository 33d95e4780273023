package engineio

import (
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// originCheck is the answer to: may this request come from where it comes from?
type originCheck uint8

const (
	originAdmitted  originCheck = iota
	originMalformed             // code 3, INVALID_ORIGIN
	originRefused               // code 4
)

// checkOrigin applies the one origin policy, which holds for every request of every
// transport: unlike CORS headers it also stops what a browser would let through, such as
// a WebSocket handshake from another site.
func (s *Server) checkOrigin(r *http.Request, from client) originCheck {
	values := r.Header["Origin"]
	if len(values) == 0 {
		return originAdmitted // native clients, and same-origin polls of most browsers
	}
	origin := values[0]
	if !validHeaderValue(origin) {
		return originMalformed
	}
	switch {
	case s.opts.AllowOrigin == nil && slices.Contains(s.opts.AllowedOrigins, "*"):
		return originAdmitted
	case origin != "null" && sameOrigin(origin, from):
		return originAdmitted
	case s.opts.AllowOrigin != nil:
		if s.opts.AllowOrigin(r, origin) {
			return originAdmitted
		}
	case origin != "null":
		for _, allowed := range s.opts.AllowedOrigins {
			if strings.EqualFold(allowed, origin) {
				return originAdmitted
			}
		}
	}
	return originRefused
}

// sameOrigin compares an origin with the host that the request was sent to. A server
// behind a TLS proxy that it was not told of sees plain HTTP where the browser sees
// HTTPS, so the scheme counts only where the request is known to have come over TLS.
func sameOrigin(origin string, from client) bool {
	u, err := url.Parse(origin)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return false
	}
	if from.secure && u.Scheme != "https" {
		return false
	}
	port := ":80"
	if u.Scheme == "https" {
		port = ":443"
	}
	return strings.EqualFold(strings.TrimSuffix(u.Host, port), strings.TrimSuffix(from.host, port))
}

// validHeaderValue reports whether v holds only what a header may (RFC 9110, 5.5).
// net/http has checked that already; a handler called by other means has not.
func validHeaderValue(v string) bool {
	for i := range len(v) {
		if c := v[i]; c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}

// crossOrigin reports whether the server answers other sites at all; only then are
// preflights answered.
func (o *Options) crossOrigin() bool { return o.AllowOrigin != nil || len(o.AllowedOrigins) > 0 }

// setCORS writes what an admitted cross-origin request is told. The origin "*" is
// answered with "*", which needs no Vary and is the same for every cache.
func (s *Server) setCORS(h http.Header, r *http.Request) {
	if !s.opts.crossOrigin() {
		return
	}
	if slices.Contains(s.opts.AllowedOrigins, "*") {
		h.Set("Access-Control-Allow-Origin", "*")
	} else {
		h.Add("Vary", "Origin")
		origin := r.Header.Get("Origin")
		if origin == "" {
			return
		}
		h.Set("Access-Control-Allow-Origin", origin)
	}
	c := &s.opts.CORS
	if c.Credentials {
		h.Set("Access-Control-Allow-Credentials", "true")
	}
	if len(c.ExposedHeaders) > 0 {
		h.Set("Access-Control-Expose-Headers", strings.Join(c.ExposedHeaders, ","))
	}
}

// preflight answers an OPTIONS request of an admitted origin.
func (s *Server) preflight(w http.ResponseWriter, r *http.Request) {
	h, c := w.Header(), &s.opts.CORS
	h.Set("Access-Control-Allow-Methods", strings.Join(c.Methods, ","))
	if len(c.AllowedHeaders) > 0 {
		h.Set("Access-Control-Allow-Headers", strings.Join(c.AllowedHeaders, ","))
	} else {
		h.Add("Vary", "Access-Control-Request-Headers")
		if asked := r.Header.Get("Access-Control-Request-Headers"); asked != "" {
			h.Set("Access-Control-Allow-Headers", asked)
		}
	}
	if c.MaxAge > 0 {
		h.Set("Access-Control-Max-Age", strconv.Itoa(int(c.MaxAge.Seconds())))
	}
	w.WriteHeader(http.StatusNoContent)
}

// hostOnly strips a port, and the brackets of an IPv6 address.
func hostOnly(hostport string) string {
	if host, _, err := net.SplitHostPort(hostport); err == nil {
		return host
	}
	return strings.Trim(hostport, "[]")
}
