package client_test

import (
	"crypto/tls"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/kachi-io/kachi/client"
	"github.com/kachi-io/kachi/internal/assert"
)

func TestURLs(t *testing.T) {
	for _, url := range []string{"", "localhost:3000", "example.com", "ftp://example.com", "http://", "http://a b"} {
		_, err := client.New(url, nil)
		assert.True(t, err != nil, "%q was taken", url)
	}
	for url, namespace := range map[string]string{
		"http://host": "/", "https://host:3000/": "/", "ws://host/chat": "/chat", "wss://host/a/b?token=c": "/a/b",
	} {
		c, err := client.New(url, nil)
		assert.NoError(t, err, url)
		assert.Equal(t, c.Of("", nil).Namespace(), namespace, url)
		assert.NoError(t, c.Close())
	}
}

func TestOptionsThatCannotBe(t *testing.T) {
	for want, o := range map[string]client.Options{
		"MaxPayload is negative":             {MaxPayload: -1},
		"ReconnectionDelay is negative":      {ReconnectionDelay: -time.Second},
		"unknown transport \"webtransport\"": {Transports: []client.Transport{"webtransport"}},
		"polling twice":                      {Transports: []client.Transport{client.Polling, client.Polling}},
		"RandomizationFactor":                {RandomizationFactor: 2},
		"Options.TLS has no effect":          {TLS: &tls.Config{}, HTTPClient: &http.Client{}},
	} {
		_, err := client.New("http://host", &o)
		assert.True(t, err != nil && strings.Contains(err.Error(), want), "want %q, got %v", want, err)
	}
}

func TestAuthThatIsNone(t *testing.T) {
	url := script(t, open)
	for name, auth := range map[string]any{"no object": "secret", "no JSON": func() {}} {
		assert.ErrorAs[*client.AuthError](t, try(t, url, client.Options{
			Transports: []client.Transport{client.WebSocket}, Socket: client.SocketOptions{Auth: auth},
		}), name)
	}
}
