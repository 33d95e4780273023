package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/kachi-io/kachi/app/config"
)

// health asks a server how it is, for places that have no other program to do it with.
type health struct {
	URL     string        `name:"url" env:"-" placeholder:"URL" help:"Where the server is: http://localhost:3000. Default: on this machine, where KACHI_ADDR and KACHI_CONFIG have it."`
	Ready   bool          `env:"-" help:"Ask whether it wants requests (/readyz), and not only whether it works (/healthz)."`
	Timeout time.Duration `env:"-" default:"4s" placeholder:"DURATION" help:"How long the answer may take. Default 4s."`
}

// Run prints what the server says, and fails when that is not well.
func (h *health) Run(ctx context.Context, out io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, h.Timeout)
	defer cancel()
	url, transport := strings.TrimSuffix(h.URL, "/"), &http.Transport{DisableKeepAlives: true}
	if url == "" {
		settings, err := config.Load(config.Sources{Env: os.LookupEnv})
		if err != nil {
			return err
		}
		scheme := "http"
		if settings.TLSCert != "" || len(settings.ACMEDomain) > 0 {
			scheme = "https"
			// The certificate is for the name by which others know the server. Nothing is
			// told here, so that it does not matter who answers.
			transport.TLSClientConfig = &tls.Config{InsecureSkipVerify: true, ServerName: append(settings.ACMEDomain, "localhost")[0]}
		}
		host, port, err := net.SplitHostPort(settings.Addr)
		if err != nil {
			return err
		}
		if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
			host = "localhost"
		}
		url = scheme + "://" + net.JoinHostPort(host, port)
	}
	path := "/healthz"
	if h.Ready {
		path = "/readyz"
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url+path, nil)
	if err != nil {
		return err
	}
	answer, err := transport.RoundTrip(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, 4<<10))
	if err != nil {
		return err
	}
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s%s: %s: %s", url, path, answer.Status, strings.TrimSpace(string(text)))
	}
	_, err = out.Write(text)
	return err
}
