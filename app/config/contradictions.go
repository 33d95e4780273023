package config

import (
	"net"
	"slices"
)

// contradictions are what settings cannot say together.
var contradictions = []struct {
	of    []string // the settings that say it
	exist func(c *Config) bool
	words string
}{
	{
		[]string{"tls-cert", "tls-key"},
		func(c *Config) bool { return (c.TLSCert == "") != (c.TLSKey == "") },
		"one is of no use without the other",
	}, {
		[]string{"tls-cert", "acme-domain"},
		func(c *Config) bool { return c.TLSCert != "" && len(c.ACMEDomain) > 0 },
		"exclude each other: certificates are given, or got by ACME",
	}, {
		[]string{"acme-email", "acme-domain"},
		func(c *Config) bool { return c.ACMEEmail != "" && len(c.ACMEDomain) == 0 },
		"a mail address, and no name to get a certificate for",
	}, {
		[]string{"addr", "socket-addr"},
		func(c *Config) bool { return collide(c.Addr, c.SocketAddr) },
		"are one port: leave socket-addr empty to have Socket.IO there, too",
	}, {
		[]string{"socket-url", "socket-addr"},
		func(c *Config) bool { return c.SocketURL != "" && c.SocketAddr == "" },
		"Socket.IO has no address of its own, and browsers are told of one",
	}, {
		[]string{"redirect-addr", "tls-cert", "acme-domain"},
		func(c *Config) bool { return c.RedirectAddr != "" && c.TLSCert == "" && len(c.ACMEDomain) == 0 },
		"there is no HTTPS to send anybody to",
	}, {
		[]string{"redirect-addr", "addr"},
		func(c *Config) bool { return collide(c.RedirectAddr, c.Addr) },
		"are one port, which cannot be HTTP and HTTPS",
	}, {
		[]string{"redirect-addr", "socket-addr"},
		func(c *Config) bool { return collide(c.RedirectAddr, c.SocketAddr) },
		"are one port, which cannot be HTTP and HTTPS",
	}, {
		[]string{"redirect-addr", "private-addr"},
		func(c *Config) bool { return collide(c.RedirectAddr, c.PrivateAddr) },
		"are one port, which would not be private",
	}, {
		[]string{"addr", "private-addr"},
		func(c *Config) bool { return collide(c.Addr, c.PrivateAddr) },
		"are one port, which would not be private",
	}, {
		[]string{"socket-addr", "private-addr"},
		func(c *Config) bool { return collide(c.SocketAddr, c.PrivateAddr) },
		"are one port, which would not be private",
	}, {
		[]string{"map-credit", "map-tiles"},
		func(c *Config) bool { return c.MapCredit != "" && c.MapTiles == "" },
		"the map is drawn from Natural Earth, which is credited already",
	}, {
		[]string{"metrics", "private-addr"},
		func(c *Config) bool { return c.Metrics == "private" && c.PrivateAddr == "" },
		"metrics are to be private, and there is no private address to serve them at",
	}, {
		[]string{"access-token-lifetime", "refresh-token-lifetime"},
		func(c *Config) bool { return c.AccessTokenLifetime >= c.RefreshTokenLifetime },
		"access tokens would outlive what they are renewed with",
	}, {
		[]string{"max-per-address", "max-connections"},
		func(c *Config) bool { return c.MaxConnections > 0 && c.MaxPerAddress > c.MaxConnections },
		"one address may have more connections than all together",
	}, {
		[]string{"allowed-origins"},
		func(c *Config) bool { return len(c.AllowedOrigins) > 1 && slices.Contains(c.AllowedOrigins, "*") },
		"* lets all sites in, and others are listed beside it",
	},
}

// collide reports whether two addresses cannot be listened at together.
func collide(a, b string) bool {
	hostA, portA, errA := net.SplitHostPort(a)
	hostB, portB, errB := net.SplitHostPort(b)
	if errA != nil || errB != nil || portA != portB || portA == "0" {
		return false
	}
	all := func(host string) bool {
		ip := net.ParseIP(host)
		return host == "" || (ip != nil && ip.IsUnspecified())
	}
	return hostA == hostB || all(hostA) || all(hostB)
}
