package engineio

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// client is who sent a request, and where to, as far as it can be believed.
type client struct {
	addr   netip.Addr // invalid for a Unix socket and the like
	host   string     // host[:port] that the client asked for
	secure bool       // the client spoke TLS, to us or to a trusted proxy
}

// identify finds the client. Forwarding headers are read only where the peer is a
// trusted proxy; of X-Forwarded-For the last address that is not a trusted proxy counts,
// since whatever is left of it was written by somebody unknown.
//
// A proxy usually maintains one of X-Forwarded-For and Forwarded and passes the other on
// as the client sent it. Where both are there and name different addresses, neither is
// believed.
func (s *Server) identify(r *http.Request) client {
	peer, _ := netip.ParseAddr(hostOnly(r.RemoteAddr))
	peer = peer.Unmap().WithZone("")
	c := client{addr: peer, host: r.Host, secure: r.TLS != nil}
	if !s.trusts(peer) {
		return c
	}
	listed, xHops := s.lastUntrusted(forwardedFor(r.Header["X-Forwarded-For"]))
	forwarded, element, hops := s.lastForwarded(r.Header["Forwarded"])
	switch {
	case xHops && hops && listed != forwarded:
		return c
	case xHops:
		c.addr = listed
	case hops:
		c.addr = forwarded
	}
	if proto := lastField(r.Header["X-Forwarded-Proto"]); proto != "" {
		c.secure = strings.EqualFold(proto, "https") || strings.EqualFold(proto, "wss")
	} else if proto := element["proto"]; proto != "" {
		c.secure = strings.EqualFold(proto, "https") || strings.EqualFold(proto, "wss")
	}
	if host := lastField(r.Header["X-Forwarded-Host"]); host != "" {
		c.host = host
	} else if host := element["host"]; host != "" {
		c.host = host
	}
	return c
}

// ClientAddress returns the address of the client that sent a request, this server's or
// another's, as [Options].TrustedProxies has it; an invalid one where it has none. It is
// safe for concurrent use.
func (s *Server) ClientAddress(r *http.Request) netip.Addr { return s.identify(r).addr }

// trusts reports whether an address is one of Options.TrustedProxies. A peer without an
// IP address sits on the other end of a Unix socket, on this machine: it is trusted where
// any proxy is.
func (s *Server) trusts(addr netip.Addr) bool {
	if !addr.IsValid() {
		return len(s.opts.TrustedProxies) > 0
	}
	return slices.ContainsFunc(s.opts.TrustedProxies, func(p netip.Prefix) bool { return p.Contains(addr) })
}

// lastUntrusted walks the hops from the nearest on. ok is false where there are none, or
// the decisive one cannot be read.
func (s *Server) lastUntrusted(hops []string) (addr netip.Addr, ok bool) {
	for _, hop := range slices.Backward(hops) {
		a, err := netip.ParseAddr(hostOnly(strings.Trim(hop, `"`)))
		if err != nil {
			return addr, ok // "unknown", or an obfuscated name: the hop before it is the last known
		}
		addr, ok = a.Unmap().WithZone(""), true
		if !s.trusts(addr) {
			return addr, true
		}
	}
	return addr, ok
}

func forwardedFor(values []string) []string {
	var hops []string
	for _, v := range values {
		for hop := range strings.SplitSeq(v, ",") {
			hops = append(hops, strings.TrimSpace(hop))
		}
	}
	return hops
}

// lastForwarded reads Forwarded (RFC 7239): the address by the same rule, and the
// parameters of the element that the nearest proxy wrote.
func (s *Server) lastForwarded(values []string) (addr netip.Addr, nearest map[string]string, ok bool) {
	var hops []string
	for _, v := range values {
		for element := range strings.SplitSeq(v, ",") {
			nearest = map[string]string{}
			for pair := range strings.SplitSeq(element, ";") {
				k, v, _ := strings.Cut(strings.TrimSpace(pair), "=")
				nearest[strings.ToLower(k)] = strings.Trim(v, `"`)
			}
			hops = append(hops, nearest["for"])
		}
	}
	addr, ok = s.lastUntrusted(hops)
	return addr, nearest, ok
}

func lastField(values []string) string {
	if len(values) == 0 {
		return ""
	}
	v := values[len(values)-1]
	return strings.TrimSpace(v[strings.LastIndexByte(v, ',')+1:])
}
