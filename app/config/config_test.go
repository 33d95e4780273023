package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kachi-io/kachi/internal/assert"
)

// environment looks variables up in a map.
func environment(all map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) { v, ok := all[name]; return v, ok }
}

// write makes a file kachi.yaml.
func write(t testing.TB, text string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "kachi.yaml")
	assert.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// faults loads what is wrong.
func faults(t *testing.T, from Sources) []string {
	t.Helper()
	_, err := Load(from)
	return assert.ErrorAs[*Error](t, err).Faults
}

func TestDefaults(t *testing.T) {
	l, err := Load(Sources{})
	assert.NoError(t, err)
	assert.Equal(t, l.Config, Config{
		Addr: ":3000", Metrics: "public", ACMEDirectory: "https://acme-v02.api.letsencrypt.org/directory", Data: "./data", AccessTokenLifetime: 15 * time.Minute, RefreshTokenLifetime: 30 * day,
		Registration: "open", DashboardRole: "user", MaxPayload: 1_000_000, PingInterval: 25 * time.Second, PingTimeout: 20 * time.Second,
		LogFormat: "auto", LogLevel: "info", ShutdownTimeout: 10 * time.Second,
	})
	for _, s := range Settings() {
		assert.Equal(t, l.Source(s.Name), "")
	}
}

func TestPrecedence(t *testing.T) {
	file := write(t, "log-level: debug\naddr: :1\nstatic: site\n")
	env := map[string]string{"KACHI_CONFIG": file, "KACHI_LOG_LEVEL": "warn", "KACHI_ADDR": ":2", "KACHI_STATIC": ""}
	l, err := Load(Sources{Flags: map[string][]string{"addr": {":3", ":4"}}, Env: environment(env)})
	assert.NoError(t, err)
	for _, test := range []struct{ name, value, want, source string }{
		{"config", l.File, file, "KACHI_CONFIG"},
		{"addr", l.Addr, ":4", "--addr"},
		{"log-level", l.LogLevel, "warn", "KACHI_LOG_LEVEL"},
		{"static", l.Static, "site", "kachi.yaml line 3"},
		{"log-format", l.LogFormat, "auto", ""},
	} {
		assert.Equal(t, test.value, test.want, test.name)
		assert.Equal(t, l.Source(test.name), test.source, test.name)
	}

	l, err = Load(Sources{Flags: map[string][]string{"static": {""}, "config": {""}}, Env: environment(env)})
	assert.NoError(t, err)
	assert.Equal(t, l.Static, "", "an empty flag is a value")
	assert.Equal(t, l.Addr, ":2", "and stands above the variable that names a file")
}

func TestLists(t *testing.T) {
	file := write(t, `
service-token:
  - 1234567890123456
  - "abcdefghijklmnop"
trusted-proxies: [10.0.0.0/8, "::1", 192.0.2.1]
acme-domain: chat.example.com
`)
	l, err := Load(Sources{
		Flags: map[string][]string{"config": {file}, "acme-domain": {"a.example,b.example", "c.example"}},
		Env:   environment(map[string]string{"KACHI_ALLOWED_ORIGINS": " https://a.example, http://b.example:8080,"}),
	})
	assert.NoError(t, err)
	assert.Equal(t, l.AllowedOrigins, []string{"https://a.example", "http://b.example:8080"})
	assert.Equal(t, l.ACMEDomain, []string{"a.example", "b.example", "c.example"})
	assert.Equal(t, l.ServiceToken, []Secret{"1234567890123456", "abcdefghijklmnop"})
	networks := []string{}
	for _, p := range l.TrustedProxies {
		networks = append(networks, p.String())
	}
	assert.Equal(t, networks, []string{"10.0.0.0/8", "::1/128", "192.0.2.1/32"})
}

func TestNamesEveryFaultAtOnce(t *testing.T) {
	file := write(t, `addr: nowhere
address: ":3000"
jwt_secret: "file-secret"
colour: blue
max-payload: many
max-payload: 5
demo: [true]
log-format: {a: b}
tls-cert: cert.pem
acme-domain: [chat.example.com]
config: other.yaml
static:
`)
	got := faults(t, Sources{
		Flags: map[string][]string{
			"config": {file}, "max-payload": {"7"}, "ping-interval": {"soon"}, "allowed-origins": {"https://a.example/x,ftp://b"}, "demo": {"maybe"},
		},
		Env: environment(map[string]string{"KACHI_PING_TIMEOUT": "20", "KACHI_MAX_CONNECTIONS": "-1"}),
	})
	assert.Equal(t, got, []string{
		`kachi.yaml line 2: unknown key "address", did you mean addr?`,
		`kachi.yaml line 3: unknown key "jwt_secret", did you mean jwt-secret?`,
		`kachi.yaml line 4: unknown key "colour"`,
		`kachi.yaml line 6: max-payload stands in line 5 already`,
		`kachi.yaml line 8: log-format: is neither a value nor a list of values`,
		`kachi.yaml line 11: unknown key "config"`,
		`kachi.yaml line 1: addr: "nowhere" is not of the form HOST:PORT or :PORT`,
		`--allowed-origins: "https://a.example/x" is neither * nor of the form https://host[:port]`,
		`--allowed-origins: "ftp://b" is neither * nor of the form https://host[:port]`,
		`--demo: "maybe" is neither true nor false`,
		`KACHI_MAX_CONNECTIONS: -1 is below 0`,
		`kachi.yaml line 5: max-payload: "many" is no whole number`,
		`--ping-interval: "soon" is no duration such as 25s, 15m, 1h30m or 30d`,
		`KACHI_PING_TIMEOUT: "20" is no duration such as 25s, 15m, 1h30m or 30d`,
		`tls-cert (kachi.yaml line 9), tls-key (default): one is of no use without the other`,
		`tls-cert (kachi.yaml line 9), acme-domain (kachi.yaml line 10): exclude each other: certificates are given, or got by ACME`,
	})
	text := (&Error{got}).Error()
	assert.True(t, strings.HasPrefix(text, "16 faults in the settings:\n  kachi.yaml line 2: "), text)
	assert.Equal(t, (&Error{got[:1]}).Error(), got[0])
}

func TestFiles(t *testing.T) {
	for _, test := range []struct {
		text, want string // no want: nothing is wrong, and nothing set
	}{
		{"", ""},
		{"# nothing\n", ""},
		{"---\n~\n", ""},
		{"addr:\nservice-token: ~\n", ""},
		{"addr :3000", "line 1: here should be a setting"},
		{"- addr\n", "line 1: here should be a setting"},
		{"addr: \"\ndata: x", "is no YAML"},
		{"allowed-origins: *\n", "a value that begins with * or & needs quotes"},
		{"jwt-secret: *geheim\n", "a value that begins with * or & needs quotes"},
		{"addr: :1\n---\naddr: :2\n", "has more behind its first YAML document"},
		{"addr: [\":1\", \":2\"]\n", "line 1: addr: is a list, and has to be one value"},
		{"addr: []\n", "line 1: addr: is a list, and has to be one value"},
		{"allowed-origins: [[a]]\n", "line 1 is no plain value"},
		{"? [a]\n: b\n", "line 1: a key has to be a name"},
		{strings.Repeat("#\n", maxFileBytes), "which is no file of settings"},
	} {
		l, err := Load(Sources{Flags: map[string][]string{"config": {write(t, test.text)}}})
		if test.want == "" {
			assert.NoError(t, err, test.text)
			assert.Equal(t, l.Source("addr"), "", test.text)
			continue
		}
		fault := assert.ErrorAs[*Error](t, err, test.text).Faults
		assert.Equal(t, len(fault), 1, fault)
		assert.True(t, strings.HasPrefix(fault[0], "kachi.yaml ") && strings.Contains(fault[0], test.want), fault[0])
		assert.True(t, !strings.Contains(fault[0], "geheim"), fault[0])
	}
	l, err := Load(Sources{Flags: map[string][]string{"config": {write(t, "data: &d here\nstatic: *d\nlog-level: debug\n")}}})
	assert.NoError(t, err)
	assert.Equal(t, l.Static, "here")

	missing := faults(t, Sources{Env: environment(map[string]string{"KACHI_CONFIG": "nowhere.yaml", "KACHI_ADDR": "x"})})
	assert.Equal(t, len(missing), 2)
	assert.True(t, strings.Contains(missing[0], "nowhere.yaml"), missing[0])
}

func TestContradictions(t *testing.T) {
	for _, test := range []struct {
		flags map[string][]string
		want  string
	}{
		{map[string][]string{"tls-key": {"k"}}, "tls-cert (default), tls-key (--tls-key): one is"},
		{map[string][]string{"tls-cert": {"c"}, "tls-key": {"k"}}, ""},
		{map[string][]string{"acme-email": {"a@example.com"}}, "no name to get a certificate for"},
		{map[string][]string{"socket-addr": {":3000"}}, "addr (default), socket-addr (--socket-addr): are one port"},
		{map[string][]string{"addr": {"127.0.0.1:3000"}, "private-addr": {"[::]:3000"}}, "would not be private"},
		{map[string][]string{"socket-addr": {"127.0.0.1:1"}, "private-addr": {"127.0.0.1:1"}}, "would not be private"},
		{map[string][]string{"addr": {"127.0.0.1:1"}, "private-addr": {"127.0.0.2:1"}}, ""},
		{map[string][]string{"addr": {":0"}, "private-addr": {":0"}}, ""},
		{map[string][]string{"socket-url": {"https://a.example"}}, "Socket.IO has no address of its own"},
		{map[string][]string{"socket-url": {"https://a.example"}, "socket-addr": {":1"}}, ""},
		{map[string][]string{"redirect-addr": {":80"}}, "there is no HTTPS to send anybody to"},
		{map[string][]string{"redirect-addr": {":80"}, "acme-domain": {"a.example"}}, ""},
		{map[string][]string{"redirect-addr": {":3000"}, "acme-domain": {"a.example"}}, "cannot be HTTP and HTTPS"},
		{map[string][]string{"redirect-addr": {":1"}, "socket-addr": {":1"}, "acme-domain": {"a.example"}}, "cannot be HTTP and HTTPS"},
		{map[string][]string{"redirect-addr": {":1"}, "private-addr": {":1"}, "acme-domain": {"a.example"}}, "would not be private"},
		{map[string][]string{"metrics": {"private"}}, "no private address"},
		{map[string][]string{"metrics": {"private"}, "private-addr": {":1"}}, ""},
		{map[string][]string{"access-token-lifetime": {"30d"}}, "access tokens would outlive"},
		{map[string][]string{"max-per-address": {"11"}, "max-connections": {"10"}}, "one address may have more"},
		{map[string][]string{"max-per-address": {"11"}}, ""},
		{map[string][]string{"allowed-origins": {"*,https://a.example"}}, "* lets all sites in"},
		{map[string][]string{"allowed-origins": {"*"}}, ""},
		{map[string][]string{"tls-key": {"k"}, "metrics": {"nowhere"}}, "one is of no use"}, // what is broken contradicts nothing
	} {
		_, err := Load(Sources{Flags: test.flags})
		if test.want == "" {
			assert.NoError(t, err, fmt.Sprint(test.flags))
			continue
		}
		found := assert.ErrorAs[*Error](t, err, fmt.Sprint(test.flags)).Faults
		assert.True(t, strings.Contains(found[len(found)-1], test.want), found)
		for _, f := range found[:len(found)-1] {
			assert.True(t, strings.Contains(f, "nowhere"), found)
		}
	}
	for _, c := range contradictions {
		for _, name := range c.of {
			known := false
			for _, s := range settings {
				known = known || s.Name == name
			}
			assert.True(t, known, name)
		}
	}
}

// Every setting can be set in all ways that it has.
func TestEverySettingFromEverySource(t *testing.T) {
	values := map[string]string{
		"config": "", "tls-cert": "cert.pem", "tls-key": "key.pem", "acme-domain": "a.example", "acme-email": "a@example.com", "static": "site",
		"map-tiles": "/{z}/{x}/{y}", "map-credit": "© OpenStreetMap contributors", "jwt-secret": strings.Repeat("s", 32), "service-token": strings.Repeat("t", 16), "database": "mysql://u:p@h/d",
		"trusted-proxies": "10.0.0.0/8", "allowed-origins": "https://a.example", "socket-addr": ":3030", "socket-url": "https://live.example", "redirect-addr": ":8080", "private-addr": ":3001", "data": "d", "demo": "true",
	}
	for i, s := range settings {
		value, ok := values[s.Name]
		switch {
		case !ok && s.OneOf != nil:
			value = s.OneOf[0]
		case !ok:
			value = s.Default
		}
		assert.True(t, value != "" || s.Name == "config", s.Name)
		assert.True(t, s.Help != "" && s.Group != "" && (s.Type != "" || s.Switch), s.Name)
		var want Config
		assert.Equal(t, len(settings[i].parse(&want, []string{value})), 0, s.Name)
		sources := []Sources{{Flags: map[string][]string{s.Name: {value}}}}
		if value != "" {
			sources = append(sources, Sources{Env: environment(map[string]string{s.Env: value})})
		}
		if s.Key != "" {
			sources = append(sources, Sources{Flags: map[string][]string{"config": {write(t, fmt.Sprintf("%s: %q\n", s.Key, value))}}})
		}
		for _, from := range sources {
			l := &Loaded{}
			loaded, err := Load(from)
			if err == nil {
				l = loaded
			} else { // some contradict the defaults of others, which is another test
				for _, f := range assert.ErrorAs[*Error](t, err).Faults {
					assert.True(t, strings.Contains(f, s.Name+" (") && strings.Contains(f, "(default)"), f)
				}
				continue
			}
			assert.True(t, l.Source(s.Name) != "", s.Name)
			assert.Equal(t, settings[i].written(&l.Config), settings[i].written(&want), s.Name)
		}
	}
}

func TestWarnsOfSecretsThatCanBeGuessed(t *testing.T) {
	load := func(jwt, services string) *Loaded {
		l, err := Load(Sources{Env: environment(map[string]string{"KACHI_JWT_SECRET": jwt, "KACHI_SERVICE_TOKEN": services})})
		assert.NoError(t, err)
		return l
	}
	assert.Equal(t, len(load(strings.Repeat("s", 32), strings.Repeat("t", 16)).Warnings()), 0)
	assert.Equal(t, len(load("", "").Warnings()), 0)
	warnings := load("geheim", "1234567890123456,geheim").Warnings()
	assert.Equal(t, len(warnings), 2)
	for i, start := range []string{"jwt-secret (KACHI_JWT_SECRET) has 6 bytes", "service-token (KACHI_SERVICE_TOKEN) has 6 bytes"} {
		assert.True(t, strings.HasPrefix(warnings[i], start) && !strings.Contains(warnings[i], "geheim"), warnings[i])
	}
}
