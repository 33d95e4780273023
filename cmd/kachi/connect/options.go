package connect

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/kachi-io/kachi/client"
	"github.com/kachi-io/kachi/socketio/packet"
	"github.com/kachi-io/kachi/socketio/packet/msgpack"
)

// encodings are what --encoding may be.
var encodings = map[string]packet.Encoding{
	"json":    packet.JSON,
	"msgpack": msgpack.Encoding,
}

// options returns what the client is to be made with.
func (c *Command) options() (*client.Options, error) {
	o := &client.Options{
		Path:                c.Path,
		Header:              http.Header{},
		Query:               url.Values{},
		Timeout:             c.Timeout,
		DisableReconnection: c.NoReconnect,
		Encoding:            encodings[c.Encoding],
		CloseTimeout:        2 * time.Second,
	}
	if o.Encoding == nil {
		return nil, fmt.Errorf("--encoding: there is no %q, but %s", c.Encoding, strings.Join(slices.Sorted(maps.Keys(encodings)), ", "))
	}
	if c.Timeout <= 0 || c.AckTimeout <= 0 {
		return nil, errors.New("--timeout and --ack-timeout must be above zero")
	}
	for _, t := range c.Transport {
		o.Transports = append(o.Transports, client.Transport(t))
	}
	for _, h := range c.Header {
		name, value, ok := strings.Cut(h, ":")
		name = strings.TrimSpace(name)
		if !ok || name == "" {
			return nil, fmt.Errorf("--header %q: write it as 'Name: value'", h)
		}
		o.Header.Add(name, strings.TrimSpace(value))
	}
	if c.Origin != "" {
		o.Header.Set("Origin", c.Origin)
	}
	for _, q := range c.Query {
		name, value, ok := strings.Cut(q, "=")
		if !ok || name == "" {
			return nil, fmt.Errorf("--query %q: write it as name=value", q)
		}
		o.Query.Add(name, value)
	}
	transport, err := c.transport()
	if err != nil {
		return nil, err
	}
	o.HTTPClient = &http.Client{Transport: transport}
	return o, o.Validate()
}

// auth is what --auth and --token make; nil for nothing.
func (c *Command) auth() (json.RawMessage, error) {
	fields := map[string]json.RawMessage{}
	for _, a := range c.Auth {
		if strings.HasPrefix(strings.TrimSpace(a), "{") {
			if err := json.Unmarshal([]byte(a), &fields); err != nil {
				return nil, fmt.Errorf("--auth %s: it is not JSON: %w", a, err)
			}
			continue
		}
		name, value, ok := strings.Cut(a, "=")
		if !ok || name == "" {
			return nil, fmt.Errorf("--auth %q: write it as a JSON object, or as name=value", a)
		}
		fields[name] = quoted(value)
	}
	if c.Token != "" {
		fields["token"] = quoted(c.Token)
	}
	if len(fields) == 0 {
		return nil, nil
	}
	return json.Marshal(fields)
}

func quoted(s string) json.RawMessage {
	data, _ := json.Marshal(s) // a string can be encoded
	return data
}

// transport makes requests through the proxy, and with the trust, that the flags say.
func (c *Command) transport() (*http.Transport, error) {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.TLSClientConfig = &tls.Config{InsecureSkipVerify: c.Insecure}
	if c.CA != "" {
		pem, err := os.ReadFile(c.CA)
		if err != nil {
			return nil, fmt.Errorf("--ca: %w", err)
		}
		t.TLSClientConfig.RootCAs = x509.NewCertPool()
		if !t.TLSClientConfig.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("--ca: %s holds no certificate in PEM form", c.CA)
		}
	}
	switch c.Proxy {
	case "":
	case "none":
		t.Proxy = nil
	default:
		proxy, err := url.Parse(c.Proxy)
		if err != nil || proxy.Host == "" || !slices.Contains([]string{"http", "https", "socks5", "socks5h"}, proxy.Scheme) {
			return nil, errors.New("--proxy is not of the form http://HOST:PORT (https and socks5 will do, too)")
		}
		t.Proxy = http.ProxyURL(proxy)
	}
	t.OnProxyConnectResponse = func(_ context.Context, _ *url.URL, _ *http.Request, answer *http.Response) error {
		if answer.StatusCode != http.StatusOK {
			return &proxyError{answer.Status}
		}
		return nil
	}
	return t, nil
}
