package config

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/kachi-io/kachi/internal/assert"
)

func TestPrintsAllButSecrets(t *testing.T) {
	const jwt, token, password = "0123456789abcdef0123456789abcdef", "token-of-service", "p%40ss-geheim"
	file := write(t, "log-level: debug\nmap-tiles: \"https://tiles.example/{z}/{x}/{y}.png\" # here\n")
	l, err := Load(Sources{
		Flags: map[string][]string{"config": {file}, "trusted-proxies": {"10.0.0.0/8,::1"}, "refresh-token-lifetime": {"36h"}},
		Env: environment(map[string]string{
			"KACHI_JWT_SECRET": jwt, "KACHI_SERVICE_TOKEN": token + "," + token + "2", "KACHI_DATABASE": "mysql://kachi:" + password + "@db:3306/kachi",
		}),
	})
	assert.NoError(t, err)
	var b strings.Builder
	assert.NoError(t, l.Print(&b))
	for _, line := range []string{
		`jwt-secret: "(hidden)"                   # KACHI_JWT_SECRET`,
		`service-token: ["(hidden)", "(hidden)"]  # KACHI_SERVICE_TOKEN`,
		`database: "mysql://kachi:(hidden)@db:3306/kachi" # KACHI_DATABASE`,
		`log-level: debug                         # kachi.yaml line 1`,
		`map-tiles: "https://tiles.example/{z}/{x}/{y}.png" # kachi.yaml line 2`,
		`trusted-proxies: ["10.0.0.0/8", "::1"]   # --trusted-proxies`,
		`refresh-token-lifetime: 1d12h            # --refresh-token-lifetime`,
		`ping-timeout: 20s                        # default`,
	} {
		assert.True(t, strings.Contains(b.String(), line+"\n"), line+"\n"+b.String())
	}
	asJSON, err := json.Marshal(l)
	assert.NoError(t, err)
	for name, text := range map[string]string{
		"Print": b.String(), "JSON": string(asJSON), "%v": fmt.Sprintf("%v", l), "%+v": fmt.Sprintf("%+v", l.Config), "%#v": fmt.Sprintf("%#v", l.Config),
		"%s": fmt.Sprintf("%s %s %s", l.JWTSecret, l.ServiceToken, l.Database), "%q": fmt.Sprintf("%q", l.JWTSecret),
	} {
		for _, secret := range []string{jwt, token, "geheim"} {
			assert.True(t, !strings.Contains(text, secret), name, text)
		}
	}
	assert.Equal(t, string(l.JWTSecret), jwt)
	assert.Equal(t, l.secrets(), []string{jwt, token, token + "2"})
	assert.Equal(t, string(l.Database), "mysql://kachi:"+password+"@db:3306/kachi")
	for url, want := range map[DatabaseURL]string{
		"": "", "mysql://kachi@db/k": "mysql://kachi@db/k", "kachi:geheim@db": hidden, "mysql://%zz:geheim@": hidden,
		"mysql://kachi:geheim@/k?socket=/run/s&tls=true": "mysql://kachi:(hidden)@/k?socket=/run/s&tls=true",
		"mysql://kachi@db/k?geheim@db":                   hidden,
		"mysql://kachi@db/k?tls=geheim":                  hidden,
		"mysql://kachi@db/k#geheim@db":                   hidden,
	} {
		assert.Equal(t, url.String(), want)
	}
}

// FuzzFile feeds files to the reader: whatever is taken, is printed as a file that says
// the same.
func FuzzFile(f *testing.F) {
	for _, text := range []string{
		"addr: :1\n", "data: &a \"x # y\"\nstatic: *a\n", "allowed-origins: ['*']\n", "trusted-proxies: [::1]\nping-interval: 1d1ms\n", "a: [", "? {}", "<<: {addr: :1}",
		"static: \"\\u2028\\x00\\\"\"", "static: !!binary aGk=", "static: |\n  a\n  b\n",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		l, err := Load(Sources{Flags: map[string][]string{"config": {write(t, string(text))}}})
		if err != nil {
			assert.ErrorAs[*Error](t, err)
			return
		}
		if len(l.secrets()) > 0 || l.Database != "" {
			return // which print hides
		}
		var printed strings.Builder
		assert.NoError(t, l.Print(&printed))
		again, err := Load(Sources{Flags: map[string][]string{"config": {write(t, printed.String())}}})
		assert.NoError(t, err, printed.String())
		for i := range settings {
			if s := &settings[i]; s.Key != "" {
				assert.Equal(t, again.text(s), l.text(s), printed.String())
			}
		}
	})
}

func (l *Loaded) text(s *Setting) string { return strings.Join(s.written(&l.Config), ",") }

// secrets are those of l, for tests.
func (l *Loaded) secrets() (all []string) {
	if l.JWTSecret != "" {
		all = append(all, string(l.JWTSecret))
	}
	for _, s := range l.ServiceToken {
		all = append(all, string(s))
	}
	return all
}
