package auth

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"
)

// JWKSOptions configures [JWKS]. The zero value is the default of every field; nil is the
// zero value.
type JWKSOptions struct {
	// MaxAge is how long a key that was taken out of the set still verifies at most, as long
	// as the endpoint answers. In the last quarter of it newer keys are fetched while those
	// that are there go on verifying; who comes later, after a pause, waits for them.
	// Default 15 min.
	MaxAge time.Duration
	// Interval is the least time from one request to the next, whatever tokens come.
	// Default 10 s.
	Interval time.Duration
	// Timeout bounds a request. Default 5 s.
	Timeout time.Duration
	// MaxBytes bounds the answer. Default 256 KiB.
	MaxBytes int64
	// Client makes the requests. Default: one that keeps no connection and takes its proxy
	// from the environment. Where it has no CheckRedirect of its own, two redirects are
	// followed, and none away from HTTPS.
	Client *http.Client
	// InsecureHTTP allows an address without TLS that is not of this machine: whoever is on
	// the way can then sign tokens.
	InsecureHTTP bool
	// Logger gets failures at Warn. Default none.
	Logger *slog.Logger
}

// JWKS is a [KeySource] that fetches a key set (RFC 7517) from an address. It asks at the
// first token, when the keys grow old (MaxAge), and when a token names a key that is not
// there, but never more often than Interval, and one request at a time. When the endpoint is
// down, the keys that are there go on verifying. Secrets in the set (HS256) are ignored.
func JWKS(address string, o *JWKSOptions) KeySource {
	j := &jwks{address: address}
	if o != nil {
		j.o = *o
	}
	for _, d := range []struct {
		d     *time.Duration
		value time.Duration
	}{{&j.o.MaxAge, 15 * time.Minute}, {&j.o.Interval, 10 * time.Second}, {&j.o.Timeout, 5 * time.Second}} {
		if *d.d <= 0 {
			*d.d = d.value
		}
	}
	if j.o.MaxBytes <= 0 {
		j.o.MaxBytes = 256 << 10
	}
	if j.o.Logger == nil {
		j.o.Logger = slog.New(slog.DiscardHandler)
	}
	client := http.Client{Transport: http.DefaultTransport}
	if j.o.Client != nil {
		client = *j.o.Client
	} else if usual, ok := http.DefaultTransport.(*http.Transport); ok { // and not a tracer's
		own := usual.Clone()
		own.DisableKeepAlives = true // a request in a quarter of an hour
		own.MaxResponseHeaderBytes = 64 << 10
		client.Transport = own
	}
	if client.CheckRedirect == nil {
		client.CheckRedirect = j.redirect
	}
	j.o.Client = &client
	return j
}

type jwks struct {
	address string
	o       JWKSOptions

	mu      sync.Mutex
	keys    []Key
	fetched time.Time // when the keys came
	asked   time.Time // when the last request began
	failed  error     // what the last request came to
	running *fetch    // nil when none is under way
}

// fetch is a request under way.
type fetch struct{ done chan struct{} }

func (j *jwks) check() error { return j.allowed(j.address) }

func (j *jwks) allowed(address string) error {
	u, err := url.Parse(address)
	if err != nil {
		return errors.New("the address of the key set cannot be read") // it may hold a password
	}
	if u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return fmt.Errorf("%q is no address of a key set", u.Redacted())
	}
	ip := net.ParseIP(u.Hostname())
	if u.Scheme == "http" && !j.o.InsecureHTTP && u.Hostname() != "localhost" && !ip.IsLoopback() {
		return fmt.Errorf("keys from %q can be exchanged on the way: use https, or JWKSOptions.InsecureHTTP", u.Redacted())
	}
	return nil
}

func (j *jwks) redirect(r *http.Request, via []*http.Request) error {
	if len(via) >= 3 {
		return errors.New("too many redirects")
	}
	if via[len(via)-1].URL.Scheme == "https" && r.URL.Scheme != "https" {
		return errors.New("a redirect away from https")
	}
	return j.allowed(r.URL.String())
}

// Keys implements [KeySource].
func (j *jwks) Keys(ctx context.Context, h Header) ([]Key, error) {
	j.mu.Lock()
	fit, age := j.fit(h), time.Since(j.fetched)
	if len(fit) > 0 && age < j.o.MaxAge/4*3 {
		j.mu.Unlock()
		return fit, nil
	}
	// While the endpoint is down nobody waits for it who has a key.
	down := j.failed != nil && time.Since(j.asked) < j.o.MaxAge
	f := j.begin()
	if f == nil || len(fit) > 0 && (age < j.o.MaxAge || down) {
		defer j.mu.Unlock()
		return j.found(fit)
	}
	j.mu.Unlock()
	select {
	case <-f.done:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.found(j.fit(h))
}

// found tells an unknown key from one that could not be looked for.
func (j *jwks) found(fit []Key) ([]Key, error) {
	if len(fit) == 0 && j.failed != nil {
		return nil, j.failed
	}
	return fit, nil
}

func (j *jwks) fit(h Header) (fit []Key) {
	for _, k := range j.keys {
		if k.fits(h) {
			fit = append(fit, k)
		}
	}
	return fit
}

// begin starts a request, or returns the one under way; nil when it is too early for
// another. The request belongs to no client: all of them wait for it.
func (j *jwks) begin() *fetch {
	if j.running != nil {
		return j.running
	}
	if !j.asked.IsZero() && time.Since(j.asked) < j.o.Interval {
		return nil
	}
	j.asked = time.Now()
	j.running = &fetch{done: make(chan struct{})}
	go j.fetch(j.running)
	return j.running
}

func (j *jwks) fetch(f *fetch) {
	ctx, cancel := context.WithTimeout(context.Background(), j.o.Timeout)
	defer cancel()
	keys, err := j.request(ctx)
	if err != nil {
		err = fmt.Errorf("auth: fetching keys: %w", err)
		j.o.Logger.Warn("keys cannot be fetched", "error", err)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.failed = err; err == nil {
		j.keys, j.fetched = keys, time.Now()
	}
	j.running = nil
	close(f.done)
}

func (j *jwks) request(ctx context.Context) ([]Key, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, j.address, nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Accept", "application/jwk-set+json, application/json")
	answer, err := j.o.Client.Do(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the endpoint answers %s", answer.Status)
	}
	text, err := io.ReadAll(io.LimitReader(answer.Body, j.o.MaxBytes+1))
	if err != nil {
		return nil, err
	}
	if int64(len(text)) > j.o.MaxBytes {
		return nil, fmt.Errorf("the key set is larger than %d bytes", j.o.MaxBytes)
	}
	return parseSet(text)
}
