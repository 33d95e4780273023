package certificates

import (
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"
)

// ACMEOptions say which certificates to get, and where.
type ACMEOptions struct {
	// Domains are the names. A certificate is got when somebody first asks for its name, and
	// renewed a month before it ends.
	Domains []string
	// Email is whom the authority writes to. Default nobody.
	Email string
	// Folder keeps account and certificates, so that a restart asks for nothing.
	Folder string
	// Directory is the authority's. Default Let's Encrypt's.
	Directory string
	// Logger is told when a certificate is there, and when none is to be had. Default nobody.
	Logger *slog.Logger
}

// ACME gets certificates from an authority, which makes sure of the names by asking the
// server: over TLS at port 443 (TLS-ALPN-01), or over HTTP at port 80 (HTTP-01), where
// [Redirect] is served there. Its methods are safe for concurrent use.
type ACME struct {
	manager *autocert.Manager
	domains []string
	log     *slog.Logger

	mu    sync.Mutex
	known map[shown]state // for each of the domains those of two keys, and of none where it failed
}

// shown is a certificate that clients of a kind are shown.
type shown struct {
	domain string
	key    x509.PublicKeyAlgorithm
}

type state struct {
	until time.Time // the certificate's end
	told  time.Time // of a failure
}

// again is how long the log is silent about a failure that goes on.
const again = time.Hour

// FromACME accepts the authority's terms of service.
func FromACME(o ACMEOptions) *ACME {
	a := &ACME{domains: o.Domains, log: o.Logger, known: map[shown]state{}}
	if a.log == nil {
		a.log = slog.New(slog.DiscardHandler)
	}
	a.manager = &autocert.Manager{
		Prompt:     autocert.AcceptTOS,
		Cache:      autocert.DirCache(o.Folder),
		HostPolicy: autocert.HostWhitelist(o.Domains...),
		Email:      o.Email,
		Client:     &acme.Client{DirectoryURL: o.Directory},
	}
	return a
}

// TLS returns a configuration that shows the certificates, and answers the authority.
func (a *ACME) TLS() *tls.Config {
	c := a.manager.TLSConfig()
	c.MinVersion = tls.VersionTLS12
	c.GetCertificate = func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		cert, err := a.manager.GetCertificate(hello)
		if !slices.Contains(hello.SupportedProtos, acme.ALPNProto) { // which is the authority
			a.tell(hello.ServerName, cert, err, time.Now())
		}
		return cert, err
	}
	return c
}

// tell logs what is new about a certificate: net/http takes a handshake that fails for the
// client's fault.
func (a *ACME) tell(domain string, cert *tls.Certificate, err error, now time.Time) {
	domain = strings.TrimSuffix(strings.ToLower(domain), ".")
	if !slices.Contains(a.domains, domain) {
		return
	}
	of := shown{domain: domain}
	if err == nil {
		of.key = cert.Leaf.PublicKeyAlgorithm
	}
	a.mu.Lock()
	before := a.known[of]
	after := before
	switch {
	case err == nil:
		after.until = cert.Leaf.NotAfter
		delete(a.known, shown{domain: domain}) // the next failure is news
	case now.Sub(before.told) >= again:
		after.told = now
	}
	a.known[of] = after
	a.mu.Unlock()
	switch {
	case after == before:
	case err != nil:
		a.log.Error("acme: there is no certificate, and nobody can connect by that name", "name", domain, "error", err)
	default:
		a.log.Info("acme: there is a certificate", "name", domain, "until", after.until)
	}
}

// Challenges answers the authority's questions over HTTP, and leaves the rest to next. An
// authority of one's own may ask at another port than 80, which Host then names.
func (a *ACME) Challenges(next http.Handler) http.Handler {
	answers := a.manager.HTTPHandler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if name, _, err := net.SplitHostPort(r.Host); err == nil && strings.HasPrefix(r.URL.Path, "/.well-known/acme-challenge/") {
			asked := *r
			asked.Host = name
			r = &asked
		}
		answers.ServeHTTP(w, r)
	})
}

// Redirect sends those who come over HTTP on to HTTPS at the port of an address. What they
// have sent beyond an address has been read by others already, and is refused.
func Redirect(to net.Addr) http.Handler {
	_, port, _ := net.SplitHostPort(to.String())
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			http.Error(w, "Use HTTPS", http.StatusBadRequest)
			return
		}
		host := r.Host
		if name, _, err := net.SplitHostPort(host); err == nil {
			host = name
			if ip := net.ParseIP(name); ip != nil && ip.To4() == nil {
				host = "[" + name + "]"
			}
		}
		if port != "443" {
			host += ":" + port
		}
		w.Header().Set("Cache-Control", "no-store") // where HTTPS is may change
		http.Redirect(w, r, "https://"+host+r.URL.RequestURI(), http.StatusFound)
	})
}
