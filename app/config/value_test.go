package config

import (
	"strings"
	"testing"
	"time"

	"github.com/kachi-io/kachi/engineio"
	"github.com/kachi-io/kachi/internal/assert"
)

func TestValues(t *testing.T) {
	for _, test := range []struct{ name, value, want string }{
		{"addr", "", "leave it out to have :3000"},
		{"addr", "localhost:http", `"http" is no port`},
		{"addr", ":65536", "is no port"},
		{"addr", "[::1]:0", ""},
		{"socket-addr", "", ""},
		{"data", " ", "is empty: leave it out to have ./data"},
		{"trusted-proxies", "10.0.0.1/8", "10.0.0.0/8 is, and 10.0.0.1 is one address"},
		{"trusted-proxies", "::ffff:10.0.0.1", ""},
		{"trusted-proxies", "fe80::1%eth0", "neither an address nor a network"},
		{"trusted-proxies", "proxy", "neither an address nor a network"},
		{"acme-domain", "*.example.com", "no full name"},
		{"acme-domain", "192.0.2.1", "no full name"},
		{"acme-domain", "localhost", "no full name"},
		{"acme-email", "Mina <mina@example.com>", "no mail address"},
		{"map-tiles", "https://tiles.example/{z}/{x}/{y}.png?key=1", ""},
		{"map-tiles", "/tiles/{z}/{x}/{y}", ""},
		{"map-tiles", "//tiles.example/{z}/{x}/{y}", "not of the form"},
		{"map-tiles", "javascript:{z}{x}{y}", "not of the form"},
		{"map-tiles", "https://{s}.example/{z}/{x}/{y}", "not of the form"},
		{"map-tiles", "https://tiles.example/{z}/{x}", "once each"},
		{"max-payload", "0", "below 1"},
		{"max-payload", "1073741825", "above 1073741824"},
		{"max-payload", "99999999999999999999", "too large"},
		{"ping-interval", "10us", "below 1ms"},
		{"ping-interval", "200000d", "more than a hundred years"},
		{"database", "mysql://kachi:geheim@db:3306/kachi", ""},
		{"database", "mysql://kachi@db/kachi", ""},
		{"database", "postgres://kachi:geheim@db/kachi", "does not begin with mysql://"},
		{"database", "kachi:geheim@tcp(db)/kachi", "does not begin with"},
		{"database", "mysql://kachi:gehe#im@db/kachi", "is no"},
		{"database", "mysql://kachi:geheim@db", "is not of the form"},
		{"database", "mysql://kachi:geheim@db/a/b", "more than the database's name"},
		{"database", "mysql://kachi:geheim@db/kachi?tls=true", ""},
		{"database", "mysql://kachi:geheim@/kachi?socket=/run/mysqld/mysqld.sock", ""},
		{"database", "mysql://kachi:geheim@localhost/kachi?socket=/run/a%20b&tls=skip-verify", ""},
		{"database", "mysql://kachi:geheim@db/kachi?socket=/run/s", "both a host and a socket"},
		{"database", "mysql://kachi:geheim@/kachi?socket=", "not of the form"},
		{"database", "mysql://kachi:geheim@/kachi?socket=geheim", "behind the database's name"},
		{"database", "mysql://kachi:geheim@db/kachi?tls=true&tls=geheim", "behind the database's name"},
		{"database", "mysql://kachi:geheim@db/kachi?geheim=1", "behind the database's name"},
		{"database", "mysql://kachi:geheim@db/kachi?tls=geheim", "behind the database's name"},
		{"database", "mysql://kachi:geheim@db/kachi?", "behind the database's name"},
		{"database", "mysql://kachi:geheim@db/kachi?%zz", "behind the database's name"},
		{"database", "mysql://kachi:geheim@db:99999/kachi", "is no port"},
	} {
		about := test.name + " " + test.value
		_, err := Load(Sources{Flags: map[string][]string{test.name: {test.value}}})
		if test.want == "" {
			assert.NoError(t, err, about)
			continue
		}
		found := assert.ErrorAs[*Error](t, err, about).Faults
		assert.Equal(t, len(found), 1, found)
		assert.True(t, strings.HasPrefix(found[0], "--"+test.name+": ") && strings.Contains(found[0], test.want), found[0])
		assert.True(t, !strings.Contains(found[0], "geheim"), found[0])
	}
}

func TestDurations(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"25s": 25 * time.Second, "30d": 30 * day, "1d12h": 36 * time.Hour, "0d1m": time.Minute, "1h30m": 90 * time.Minute,
		"1.5s": 1500 * time.Millisecond, "0": 0, "-1s": -time.Second, "2d1ms": 2*day + time.Millisecond, "10m5s": 605 * time.Second,
	} {
		got, err := parseDuration(text)
		assert.NoError(t, err, text)
		assert.Equal(t, got, want, text)
		again, err := parseDuration(formatDuration(got))
		assert.NoError(t, err, text)
		assert.Equal(t, again, want, formatDuration(got))
	}
	for _, text := range []string{"", "d", "1", "1.5d", "-1d", "+1d", "1d-1h", "1d2d", "1w", "2562047h48m", "999999999999999999d"} {
		_, err := parseDuration(text)
		assert.True(t, err != nil, text)
	}
	for d, want := range map[time.Duration]string{
		15 * time.Minute: "15m", 30 * day: "30d", 36 * time.Hour: "1d12h", 90 * time.Second: "1m30s", 10 * time.Second: "10s", time.Hour: "1h",
	} {
		assert.Equal(t, formatDuration(d), want)
	}
}

// What is taken here, the transport has to take.
func TestOriginsAreThoseOfTheTransport(t *testing.T) {
	for _, origin := range []string{"*", "https://a.example", "http://localhost:8080", "https://[::1]:3", "https://a.example/", "a.example", "https://*.a.example", "null"} {
		ours := checkOrigin(origin)
		theirs := (&engineio.Options{AllowedOrigins: []string{origin}}).Validate()
		assert.Equal(t, ours == nil, theirs == nil, origin)
	}
}
