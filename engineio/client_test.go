package engineio

import (
	"crypto/tls"
	"net/http/httptest"
	"net/netip"
	"testing"

	"github.com/kachi-io/kachi/internal/assert"
)

func TestIdentify(t *testing.T) {
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	for _, c := range []struct {
		name    string
		peer    string
		header  map[string][]string
		addr    string
		host    string
		secure  bool
		overTLS bool
	}{
		{name: "direct", peer: "192.0.2.7:1234", addr: "192.0.2.7"},
		{name: "direct over TLS", peer: "192.0.2.7:1234", overTLS: true, addr: "192.0.2.7", secure: true},
		{name: "IPv4 in IPv6", peer: "[::ffff:192.0.2.7]:1", addr: "192.0.2.7"},
		{name: "IPv6 with a zone", peer: "[fe80::1%eth0]:1", addr: "fe80::1"},
		{name: "headers of a stranger", peer: "192.0.2.7:1", addr: "192.0.2.7", header: map[string][]string{
			"X-Forwarded-For": {"1.1.1.1"}, "X-Forwarded-Proto": {"https"}, "X-Forwarded-Host": {"evil"}, "Forwarded": {"for=1.1.1.1"}}},
		{name: "proxy without headers", peer: "10.0.0.1:1", addr: "10.0.0.1"},
		{name: "proxy", peer: "10.0.0.1:1", addr: "192.0.2.7", secure: true, host: "app.example.com", header: map[string][]string{
			"X-Forwarded-For": {"192.0.2.7"}, "X-Forwarded-Proto": {"https"}, "X-Forwarded-Host": {"app.example.com"}}},
		{name: "chain, with what the client invented", peer: "10.0.0.1:1", addr: "192.0.2.7", header: map[string][]string{
			"X-Forwarded-For": {"1.1.1.1, 192.0.2.7, 10.0.0.2"}}},
		{name: "chain over several lines", peer: "10.0.0.1:1", addr: "192.0.2.7", header: map[string][]string{
			"X-Forwarded-For": {"1.1.1.1, 192.0.2.7", "10.0.0.2"}}},
		{name: "all of them proxies", peer: "10.0.0.1:1", addr: "10.0.0.3", header: map[string][]string{
			"X-Forwarded-For": {"10.0.0.3, 10.0.0.2"}}},
		{name: "unreadable hop", peer: "10.0.0.1:1", addr: "10.0.0.2", header: map[string][]string{
			"X-Forwarded-For": {"1.1.1.1, garbage, 10.0.0.2"}}},
		{name: "nothing but garbage", peer: "10.0.0.1:1", addr: "10.0.0.1", header: map[string][]string{
			"X-Forwarded-For": {"garbage"}}},
		{name: "IPv6, with a port", peer: "[fd00::1]:1", addr: "2001:db8::1", header: map[string][]string{
			"X-Forwarded-For": {"[2001:db8::1]:4711"}}},
		{name: "Forwarded", peer: "10.0.0.1:1", addr: "192.0.2.7", secure: true, host: "app.example.com", header: map[string][]string{
			"Forwarded": {`for=1.1.1.1, for="192.0.2.7:99";proto=https;host=app.example.com`}}},
		{name: "Forwarded, IPv6", peer: "10.0.0.1:1", addr: "2001:db8::1", header: map[string][]string{
			"Forwarded": {`For="[2001:db8::1]:4711"`}}},
		{name: "Forwarded, unknown", peer: "10.0.0.1:1", addr: "10.0.0.1", header: map[string][]string{
			"Forwarded": {"for=unknown"}}},
		{name: "both, and they agree", peer: "10.0.0.1:1", addr: "192.0.2.7", header: map[string][]string{
			"X-Forwarded-For": {"192.0.2.7"}, "Forwarded": {"for=192.0.2.7"}}},
		{name: "both, and they differ: one is the client's own", peer: "10.0.0.1:1", addr: "10.0.0.1", header: map[string][]string{
			"X-Forwarded-For": {"192.0.2.7"}, "Forwarded": {"for=1.1.1.1"}}},
		{name: "protocol: the nearest proxy's word", peer: "10.0.0.1:1", addr: "192.0.2.7", header: map[string][]string{
			"X-Forwarded-For": {"192.0.2.7"}, "X-Forwarded-Proto": {"https, http"}}},
		{name: "Unix socket", peer: "@", addr: "192.0.2.7", header: map[string][]string{
			"X-Forwarded-For": {"192.0.2.7"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := NewServer(nil, &Options{TrustedProxies: proxies})
			r := httptest.NewRequest("GET", "/", nil)
			r.RemoteAddr, r.Host = c.peer, "example.com"
			for name, values := range c.header {
				r.Header[name] = values
			}
			if c.overTLS {
				r.TLS = &tls.ConnectionState{}
			}
			got := s.identify(r)
			assert.Equal(t, got.addr.String(), c.addr)
			assert.Equal(t, got.secure, c.secure)
			if c.host == "" {
				c.host = "example.com"
			}
			assert.Equal(t, got.host, c.host)
		})
	}
	// Without proxies a Unix socket is nobody in particular.
	r := httptest.NewRequest("GET", "/", nil)
	r.RemoteAddr = "@"
	r.Header.Set("X-Forwarded-For", "192.0.2.7")
	assert.True(t, !NewServer(nil, nil).identify(r).addr.IsValid())
}

// Behind a TLS proxy the origin's scheme and host are those that the browser knows.
func TestOriginBehindAProxy(t *testing.T) {
	h := serve(t, &Options{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}})
	forwarded := []string{"X-Forwarded-For", "192.0.2.7", "X-Forwarded-Proto", "https", "X-Forwarded-Host", "app.example.com"}
	p := h.poller(append(forwarded, "Origin", "https://app.example.com")...)
	hs := p.session.Handshake()
	assert.Equal(t, hs.Address.String(), "192.0.2.7")
	assert.True(t, hs.Secure && hs.XDomain)
	a := h.request("GET", h.url+"&transport=polling", "", append(forwarded, "Origin", "http://app.example.com")...)
	assert.Equal(t, a.status, 403)
}
