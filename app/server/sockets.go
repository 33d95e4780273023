package server

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/kachi-io/kachi/socketio"
)

// admitPages has sockets with an address of their own take connections of the server's own
// pages, which browsers then take for another site's: the same host name, at the port where
// this server has its pages.
func (s *Server) admitPages(o *socketio.Options) error {
	others := o.AllowedOrigins
	if slices.Contains(others, "*") {
		return nil
	}
	for _, other := range others { // the options would look at them, if they had them
		if u, err := url.Parse(other); err != nil || other != u.Scheme+"://"+u.Host {
			return fmt.Errorf("server: the allowed origin %q is not of the form https://host[:port]", other)
		}
	}
	o.AllowedOrigins = nil
	o.AllowOrigin = func(r *http.Request, origin string) bool {
		return slices.ContainsFunc(others, func(other string) bool { return strings.EqualFold(other, origin) }) || s.ownPages(r, origin)
	}
	return nil
}

func (s *Server) ownPages(r *http.Request, origin string) bool {
	u, err := url.Parse(origin)
	if err != nil || u.Scheme != s.scheme() || !strings.EqualFold(u.Hostname(), hostName(r.Host)) {
		return false
	}
	port := u.Port()
	if port == "" {
		port = usual[u.Scheme]
	}
	main := s.ports.main.Load()
	return main != 0 && port == strconv.Itoa(int(main))
}

var usual = map[string]string{"http": "80", "https": "443"}

func (s *Server) scheme() string {
	if s.opts.TLS != nil {
		return "https"
	}
	return "http"
}

// name is what a Host header may hold that is written into a page and its policy.
var name = regexp.MustCompile(`^[A-Za-z0-9.-]+$|^\[[0-9a-fA-F:.]+\]$`)

// socketsOf says where a page that is asked for finds the sockets; "" where it is itself.
func (s *Server) socketsOf(r *http.Request) string {
	port := s.ports.sockets.Load()
	switch {
	case !s.opts.SocketsApart:
		return ""
	case s.opts.SocketURL != "":
		return s.opts.SocketURL
	case port == 0 || s.proxied(r): // a proxy has both at one address
		return ""
	}
	host := hostName(r.Host)
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if !name.MatchString(host) {
		return ""
	}
	return s.scheme() + "://" + host + ":" + strconv.Itoa(int(port))
}

// proxied reports whether a request comes from a trusted proxy.
func (s *Server) proxied(r *http.Request) bool {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	return err == nil && slices.ContainsFunc(s.opts.TrustedProxies, func(p netip.Prefix) bool { return p.Contains(peer.Addr().Unmap()) })
}

func hostName(hostport string) string {
	if host, _, err := net.SplitHostPort(hostport); err == nil {
		return host
	}
	return strings.Trim(hostport, "[]")
}

func portOf(a net.Addr) uint32 {
	if tcp, ok := a.(*net.TCPAddr); ok {
		return uint32(tcp.Port)
	}
	return 0
}
