package client_test

import (
	"context"
	"crypto/tls"
	"errors"
	"net/http"
	"net/http/httptest"
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
		"MaxPayload is negative":                       {MaxPayload: -1},
		"ReconnectionDelay is negative":                {ReconnectionDelay: -time.Second},
		"unknown transport \"webtransport\"":           {Transports: []client.Transport{"webtransport"}},
		"polling twice":                                {Transports: []client.Transport{client.Polling, client.Polling}},
		"RandomizationFactor":                          {RandomizationFactor: 2},
		"Options.TLS and Options.Proxy have no effect": {TLS: &tls.Config{}, HTTPClient: &http.Client{}},
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

func TestAuthFuncThatFails(t *testing.T) {
	failed := errors.New("no token")
	err := try(t, script(t, open), client.Options{
		Transports: []client.Transport{client.WebSocket},
		Socket:     client.SocketOptions{AuthFunc: func(context.Context) (any, error) { return nil, failed }},
	})
	assert.ErrorAs[*client.AuthError](t, err)
	assert.ErrorIs(t, err, failed)
}

func TestLeavingWhileAuthIsAskedFor(t *testing.T) {
	c, err := client.New(script(t, open), &client.Options{Transports: []client.Transport{client.WebSocket}})
	assert.NoError(t, err)
	asked, left := make(chan bool, 1), make(chan error, 1)
	s := c.Of("/", &client.SocketOptions{AuthFunc: func(ctx context.Context) (any, error) {
		asked <- true
		<-ctx.Done()
		left <- ctx.Err()
		return nil, ctx.Err()
	}})
	s.Open()
	assert.Receive(t, asked)
	s.Disconnect()
	assert.ErrorIs(t, assert.Receive(t, left), context.Canceled)
	assert.Equal(t, s.State(), client.StateIdle)
	assert.NoError(t, c.Close())
	assert.Receive(t, ended(c.Done()))
}

func TestNamespaceThatCannotBe(t *testing.T) {
	err := try(t, script(t, open)+"/a,b", client.Options{Transports: []client.Transport{client.WebSocket}})
	assert.True(t, err != nil && strings.Contains(err.Error(), "comma"), err)
}

func TestServerThatAsksToWait(t *testing.T) {
	host := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "7")
		http.Error(w, "later", http.StatusServiceUnavailable)
	}))
	defer host.Close()
	pauses := make(chan time.Duration, 1)
	c, err := client.New(host.URL, &client.Options{Hooks: client.Hooks{
		Reconnecting: func(_ int, pause time.Duration) { pauses <- pause },
	}})
	assert.NoError(t, err)
	defer c.Close()
	s := c.Of("/", nil)
	s.Open()
	assert.Equal(t, assert.Receive(t, pauses), 7*time.Second)
	ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	err = s.Wait(ctx)
	assert.ErrorIs(t, err, context.DeadlineExceeded)
	assert.Equal(t, assert.ErrorAs[*client.TransportError](t, err).Code, client.CodeUnavailable)
}
