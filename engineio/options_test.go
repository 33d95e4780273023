package engineio

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/kachi-io/kachi/internal/assert"
)

func TestDefaults(t *testing.T) {
	var none *Options
	assert.NoError(t, none.Validate())
	for _, o := range []*Options{none, {}} {
		c := o.withDefaults()
		assert.Equal(t, c.PingInterval, 25*time.Second)
		assert.Equal(t, c.PingTimeout, 20*time.Second)
		assert.Equal(t, c.UpgradeTimeout, 10*time.Second)
		assert.Equal(t, c.MaxPayload, 1_000_000)
		assert.Equal(t, c.CompressionThreshold, 1024)
		assert.Equal(t, c.Transports, []Transport{Polling, WebSocket})
		assert.Equal(t, c.MaxQueuedMessages, 4096)
		assert.Equal(t, c.MaxQueuedBytes, 4<<20)
	}
}

func TestOptionsAreCopied(t *testing.T) {
	o := &Options{AllowedOrigins: []string{"https://a.com"}, Cookie: &Cookie{}}
	s := NewServer(nil, o)
	o.AllowedOrigins[0] = "*"
	o.Cookie.Name = "changed"
	assert.Equal(t, s.opts.AllowedOrigins[0], "https://a.com")
	assert.Equal(t, s.opts.Cookie.Name, "io")
	assert.Equal(t, o.PingInterval, time.Duration(0))
}

func TestContradictions(t *testing.T) {
	for _, c := range []struct {
		o    Options
		says string
	}{
		{Options{PingInterval: -1}, "PingInterval is negative"},
		{Options{PingTimeout: time.Microsecond}, "PingTimeout is below a millisecond"},
		{Options{MaxPayload: -1}, "MaxPayload is negative"},
		{Options{MaxConnections: -1}, "MaxConnections is negative"},
		{Options{BatchDelay: -1}, "BatchDelay is negative"},
		{Options{BatchDelay: time.Second + 1}, "BatchDelay is above 1s"},
		{Options{Transports: []Transport{"webtransport"}}, `unknown transport "webtransport"`},
		{Options{AllowedOrigins: []string{"example.com"}}, `"example.com" is not`},
		{Options{AllowedOrigins: []string{"https://example.com/"}}, `"https://example.com/" is not`},
		{Options{AllowedOrigins: []string{"https://*.example.com"}}, "is not"},
		{Options{AllowedOrigins: []string{"null"}}, `"null" is not`},
		{Options{AllowedOrigins: []string{"*"}, CORS: CORS{Credentials: true}}, "act as the user"},
		{Options{AllowedOrigins: []string{"*"}, AllowOrigin: func(*http.Request, string) bool { return true }}, "exclude each other"},
		{Options{TrustedProxies: []netip.Prefix{{}}}, "invalid prefix"},
		{Options{Cookie: &Cookie{Name: "a b"}}, "invalid Cookie.Name"},
		{Options{Cookie: &Cookie{SameSite: http.SameSiteNoneMode}}, "without Secure"},
	} {
		err := c.o.Validate()
		if assert.True(t, err != nil, "%s", c.says) {
			assert.True(t, strings.Contains(err.Error(), c.says), "%v should say %q", err, c.says)
		}
		func() {
			defer func() { assert.Equal(t, recover() != nil, true, c.says) }()
			NewServer(nil, &c.o)
		}()
	}
	err := (&Options{PingInterval: -1, MaxPayload: -1}).Validate()
	assert.True(t, strings.Contains(err.Error(), "PingInterval") && strings.Contains(err.Error(), "MaxPayload"), "all at once")
}
