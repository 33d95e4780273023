package certificates

import (
	"crypto/tls"
	"net"
	"net/http"

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
}

// ACME gets certificates from an authority, which makes sure of the names by asking the
// server: over TLS at port 443 (TLS-ALPN-01), or over HTTP at port 80 (HTTP-01), where
// [Redirect] is served there.
type ACME struct{ manager *autocert.Manager }

// FromACME accepts the authority's terms of service.
func FromACME(o ACMEOptions) *ACME {
	return &ACME{&autocert.Manager{
		Prompt:     autocert.AcceptTOS,
		Cache:      autocert.DirCache(o.Folder),
		HostPolicy: autocert.HostWhitelist(o.Domains...),
		Email:      o.Email,
		Client:     &acme.Client{DirectoryURL: o.Directory},
	}}
}

// TLS returns a configuration that shows the certificates, and answers the authority.
func (a *ACME) TLS() *tls.Config {
	c := a.manager.TLSConfig()
	c.MinVersion = tls.VersionTLS12
	return c
}

// Challenges answers the authority's questions over HTTP, and leaves the rest to next.
func (a *ACME) Challenges(next http.Handler) http.Handler { return a.manager.HTTPHandler(next) }

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
