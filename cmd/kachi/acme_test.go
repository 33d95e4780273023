//go:build unix

package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/nodetest"
)

// domain is whom the certificates are for. It leads to this machine by the authority's DNS.
const domain = "chat.example.test"

// authority is Pebble, an ACME server for tests by those who run Let's Encrypt. It makes sure
// of names as they do, by DNS and by what the server then says at its ports, refuses nonces at
// random, and gives certificates that nobody else trusts.
type authority struct {
	directory string
	trust     string // a file: the certificate that its own HTTPS shows
	dir       string
	programs  string // the folder of Pebble's
	dns       string
	admin     string
	cmd       *exec.Cmd
	log       lockedBuffer
}

// buildPebble builds Pebble and its DNS into a folder.
func buildPebble(t *testing.T) (programs string) {
	t.Helper()
	if testing.Short() {
		t.Skip("builds Pebble")
	}
	programs = t.TempDir()
	const from = "github.com/letsencrypt/pebble/v2/cmd/"
	build := exec.Command("go", "-C", "../../conformance/pebble", "build", "-o", programs, from+"pebble", from+"pebble-challtestsrv")
	out, err := build.CombinedOutput()
	assert.NoError(t, err, string(out))
	return programs
}

// newAuthority starts Pebble and its DNS. alpn and challenges are the ports of the server where
// Pebble looks.
func newAuthority(t *testing.T, programs, alpn, challenges string) *authority {
	t.Helper()
	dir := t.TempDir()
	at := "127.0.0.1:" + freePort(t)
	a := &authority{dir: dir, programs: programs, directory: "https://" + at + "/dir", trust: filepath.Join(dir, "cert.pem"), dns: "127.0.0.1:" + freePort(t), admin: "127.0.0.1:" + freePort(t)}
	key := filepath.Join(dir, "key.pem")
	pair(t, 1, a.trust, key)
	config := quote(map[string]any{"pebble": map[string]any{
		"listenAddress": at, "managementListenAddress": a.admin, "certificate": a.trust, "privateKey": key,
		"httpPort": json.Number(challenges), "tlsPort": json.Number(alpn), "retryAfter": map[string]int{"authz": 1, "order": 1},
	}})
	assert.NoError(t, os.WriteFile(filepath.Join(dir, "pebble.json"), []byte(config), 0o600))
	names := exec.Command(filepath.Join(programs, "pebble-challtestsrv"), "-dns01", a.dns, "-defaultIPv4", "127.0.0.1", "-defaultIPv6", "",
		"-http01", "", "-https01", "", "-tlsalpn01", "", "-doh", "", "-management", "127.0.0.1:"+freePort(t))
	assert.NoError(t, names.Start())
	t.Cleanup(func() {
		_ = names.Process.Kill()
		_ = names.Wait()
	})
	assert.Eventually(t, func() bool {
		c, err := net.Dial("tcp", a.dns)
		return err == nil && c.Close() == nil
	}, "DNS")
	a.start(t)
	t.Cleanup(func() { a.stop(t) })
	return a
}

func (a *authority) start(t *testing.T) {
	t.Helper()
	a.cmd = exec.Command(filepath.Join(a.programs, "pebble"), "-config", filepath.Join(a.dir, "pebble.json"), "-dnsserver", a.dns, "-strict")
	a.cmd.Env = append(os.Environ(), "PEBBLE_VA_NOSLEEP=1", "PEBBLE_WFE_NONCEREJECT=5")
	a.cmd.Stdout, a.cmd.Stderr = &a.log, &a.log
	assert.NoError(t, a.cmd.Start())
	assert.Eventually(t, func() bool { return a.fetch(a.directory) != nil }, "Pebble")
}

// stop has the authority gone.
func (a *authority) stop(t *testing.T) {
	t.Helper()
	if a.cmd.ProcessState == nil {
		assert.NoError(t, a.cmd.Process.Kill())
		_ = a.cmd.Wait() // which says so
	}
}

// fetch gets something of Pebble's own, nil when it cannot.
func (a *authority) fetch(url string) []byte {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	answer, err := client.Get(url)
	if err != nil {
		return nil
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		return nil
	}
	return text
}

// issued counts the certificates that it has given.
func (a *authority) issued() int { return strings.Count(a.log.String(), "Issued certificate serial") }

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	assert.NoError(t, err)
	assert.NoError(t, l.Close())
	_, port, err := net.SplitHostPort(l.Addr().String())
	assert.NoError(t, err)
	return port
}

// guest comes to a server at an address by the domain's name, and trusts an authority.
type guest struct {
	url    string
	client *http.Client
}

func newGuest(t *testing.T, address string, root []byte) *guest {
	t.Helper()
	roots := x509.NewCertPool()
	assert.True(t, roots.AppendCertsFromPEM(root), string(root))
	_, port, err := net.SplitHostPort(address)
	assert.NoError(t, err)
	transport := &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: roots},
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, address)
		}}
	return &guest{"https://" + domain + ":" + port, &http.Client{Transport: transport}}
}

// certificate is which one the guest is shown, with which the server is then well; nil where it
// does not come so far.
func (g *guest) certificate(t *testing.T) *big.Int {
	t.Helper()
	answer, err := g.client.Get(g.url + "/healthz")
	if err != nil {
		t.Log(err)
		return nil
	}
	defer answer.Body.Close()
	assert.Equal(t, answer.StatusCode, 200)
	return answer.TLS.PeerCertificates[0].SerialNumber
}

// The server gets its certificate, by whichever port the authority can reach, is served with it
// to programs that trust the authority, and keeps it over restarts, also when the authority has
// gone meanwhile.
func TestACertificateByACME(t *testing.T) {
	programs, binary := buildPebble(t), buildKachi(t)
	for _, challenge := range []string{"tls-alpn-01", "http-01"} {
		t.Run(challenge, func(t *testing.T) {
			main, redirect, nobody := freePort(t), freePort(t), freePort(t)
			address := "127.0.0.1:" + main
			var flags []string
			var a *authority
			if challenge == "http-01" {
				a = newAuthority(t, programs, nobody, redirect)
				flags = []string{"--redirect-addr", "127.0.0.1:" + redirect}
			} else {
				a = newAuthority(t, programs, main, nobody)
			}
			root := a.fetch("https://" + a.admin + "/roots/0")
			t.Setenv("SSL_CERT_FILE", a.trust) // for the server
			flags = append(flags, "--acme-domain", domain, "--acme-email", "ops@example.test", "--acme-directory", a.directory, "--data", t.TempDir())
			k := launch(t, binary, address, flags...)
			g := newGuest(t, address, root)
			var serial *big.Int
			assert.Eventually(t, func() bool { serial = g.certificate(t); return serial != nil }, "a certificate", k.log, &a.log)
			assert.True(t, strings.Contains(k.log.String(), "acme: there is a certificate"), k.log.String())
			assert.Equal(t, a.issued(), 1, a.log.String())

			answer, err := g.client.Post(g.url+"/api/auth/register", "application/json", strings.NewReader(quote(map[string]string{"name": "Mina", "password": password})))
			assert.NoError(t, err)
			defer answer.Body.Close()
			var account struct{ AccessToken string }
			assert.NoError(t, json.NewDecoder(answer.Body).Decode(&account))
			clients := func() {
				nodetest.Checks(t, "app/tls.mjs", nil, "KACHI_GIVEN="+quote(map[string]string{"url": g.url, "ca": string(root), "token": account.AccessToken}))
			}
			clients()

			for _, there := range []bool{true, false} {
				k.stop(t)
				if !there {
					a.stop(t)
				}
				k = launch(t, binary, address, flags...)
				assert.Equal(t, fmt.Sprint(g.certificate(t)), fmt.Sprint(serial), "the authority is there:", there)
				assert.Equal(t, a.issued(), 1, a.log.String())
			}
			clients()
		})
	}
}

// Without the authority there is no certificate, which the log says once; the server lives.
func TestWithoutTheAuthority(t *testing.T) {
	address, private := "127.0.0.1:"+freePort(t), "127.0.0.1:"+freePort(t)
	k := launch(t, buildKachi(t), address, "--private-addr", private, "--acme-domain", domain, "--acme-directory", "https://127.0.0.1:"+freePort(t)+"/dir")
	for range 3 {
		_, err := tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true, ServerName: domain})
		assert.True(t, err != nil)
	}
	fetch(t, "http://"+private+"/readyz")
	k.stop(t)
	assert.Equal(t, strings.Count(k.log.String(), "acme: there is no certificate"), 1, k.log.String())
}
