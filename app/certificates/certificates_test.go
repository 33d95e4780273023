package certificates

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/acme"

	"github.com/kachi-io/kachi/internal/assert"
)

// written is a certificate for localhost in two files.
type written struct{ cert, key string }

func write(t *testing.T, serial int64) (w written) {
	t.Helper()
	dir := t.TempDir()
	w = written{filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")}
	w.write(t, serial)
	return w
}

func (w written) write(t *testing.T, serial int64) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	assert.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	assert.NoError(t, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	assert.NoError(t, err)
	assert.NoError(t, os.WriteFile(w.cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	assert.NoError(t, os.WriteFile(w.key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600))
}

func serial(c *tls.Certificate) int { return int(c.Leaf.SerialNumber.Int64()) }

func TestFilesThatChangeAreShownALittleLater(t *testing.T) {
	w := write(t, 1)
	f, err := FromFiles(w.cert, w.key, nil)
	assert.NoError(t, err)
	now := time.Now()
	assert.Equal(t, serial(f.current(now)), 1)
	w.write(t, 2)
	assert.Equal(t, serial(f.current(now.Add(look/2))), 1)
	assert.Equal(t, serial(f.current(now.Add(2*look))), 2)
}

func TestAnotherFileBehindALinkIsAChange(t *testing.T) {
	one, two, dir := write(t, 1), write(t, 2), t.TempDir()
	link := written{filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")}
	point := func(to written) {
		for from, to := range map[string]string{link.cert: to.cert, link.key: to.key} {
			_ = os.Remove(from)
			assert.NoError(t, os.Symlink(to, from))
		}
	}
	point(one)
	f, err := FromFiles(link.cert, link.key, nil)
	assert.NoError(t, err)
	point(two)
	assert.Equal(t, serial(f.current(time.Now().Add(2*look))), 2)
}

// Whoever renews a certificate writes one file after the other.
func TestFilesThatDoNotFitAreNotShown(t *testing.T) {
	w, other := write(t, 1), write(t, 2)
	f, err := FromFiles(w.cert, w.key, nil)
	assert.NoError(t, err)
	cert, err := os.ReadFile(other.cert)
	assert.NoError(t, err)
	key, err := os.ReadFile(other.key)
	assert.NoError(t, err)
	assert.NoError(t, os.WriteFile(w.cert, cert, 0o600))
	now := time.Now()
	assert.Equal(t, serial(f.current(now.Add(2*look))), 1)
	assert.True(t, f.Reload() != nil, "the key is another's")
	assert.NoError(t, os.WriteFile(w.key, key, 0o600))
	assert.Equal(t, serial(f.current(now.Add(4*look))), 2)

	assert.NoError(t, os.Remove(w.cert))
	assert.Equal(t, serial(f.current(now.Add(6*look))), 2)
	_, err = FromFiles(w.cert, w.key, nil)
	assert.ErrorIs(t, err, os.ErrNotExist)
}

func TestReloadNeedsNoWaiting(t *testing.T) {
	w := write(t, 1)
	f, err := FromFiles(w.cert, w.key, nil)
	assert.NoError(t, err)
	w.write(t, 2)
	assert.NoError(t, f.Reload())
	shown, err := f.TLS().GetCertificate(nil)
	assert.NoError(t, err)
	assert.Equal(t, serial(shown), 2)
}

func TestACMEServesOnlyItsNames(t *testing.T) {
	asked := make(chan string, 10)
	authority := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r.URL.Path
		http.Error(w, "not now", http.StatusTeapot)
	}))
	defer authority.Close()
	a := FromACME(ACMEOptions{Domains: []string{"chat.example"}, Email: "a@example.com", Folder: t.TempDir(), Directory: authority.URL + "/directory"})
	c := a.TLS()
	for _, protocol := range []string{"h2", "http/1.1", acme.ALPNProto} {
		assert.True(t, slices.Contains(c.NextProtos, protocol), protocol)
	}
	hello := func(name string) error {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		near, far := net.Pipe()
		defer near.Close()
		defer far.Close()
		client := tls.Client(far, &tls.Config{ServerName: name, InsecureSkipVerify: true})
		go func() { _ = client.HandshakeContext(ctx) }()
		return tls.Server(near, c).HandshakeContext(ctx)
	}
	assert.True(t, hello("other.example") != nil)
	select {
	case path := <-asked:
		t.Fatal("asked the authority for a name that is not the server's: " + path)
	default:
	}
	assert.True(t, hello("chat.example") != nil, "the authority gives none")
	assert.Equal(t, assert.Receive(t, asked), "/directory")
}

// An operator is told of what net/http takes for a client's fault, and not at each handshake.
func TestTheLogSaysWhetherThereIsACertificate(t *testing.T) {
	var log bytes.Buffer
	a := FromACME(ACMEOptions{Domains: []string{"chat.example"}, Folder: t.TempDir(), Logger: slog.New(slog.NewTextHandler(&log, nil))})
	lines := func() (all []string) {
		for line := range strings.Lines(log.String()) {
			_, line, _ = strings.Cut(line, "msg=")
			all = append(all, line[:strings.Index(line, " name=")])
		}
		log.Reset()
		return all
	}
	w, now := write(t, 1), time.Now()
	pair, err := tls.LoadX509KeyPair(w.cert, w.key)
	assert.NoError(t, err)
	const none, some = `"acme: there is no certificate, and nobody can connect by that name"`, `"acme: there is a certificate"`
	fails := func(after time.Duration) { a.tell("Chat.Example.", nil, errors.New("not now"), now.Add(after)) }
	works := func() { a.tell("chat.example", &pair, nil, now) }

	fails(0)
	fails(again / 2)
	assert.Equal(t, lines(), []string{none})
	fails(again)
	assert.Equal(t, lines(), []string{none})
	works()
	works()
	assert.Equal(t, lines(), []string{some})
	fails(0)
	assert.Equal(t, lines(), []string{none})
	works() // the same as before
	assert.Equal(t, len(lines()), 0)
	renewed, leaf := pair, *pair.Leaf
	leaf.NotAfter = leaf.NotAfter.Add(time.Hour)
	renewed.Leaf = &leaf
	a.tell("chat.example", &renewed, nil, now)
	assert.Equal(t, lines(), []string{some})
	a.tell("other.example", nil, errors.New("not ours"), now)
	a.tell("", nil, errors.New("no name"), now)
	assert.Equal(t, len(lines()), 0)
}

func TestChallengesLeaveTheRest(t *testing.T) {
	a := FromACME(ACMEOptions{Domains: []string{"chat.example"}, Folder: t.TempDir()})
	h := a.Challenges(Redirect(&net.TCPAddr{Port: 443}))
	ask := func(path string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("GET", "http://chat.example"+path, nil))
		return w
	}
	assert.Equal(t, ask("/.well-known/acme-challenge/unknown").Code, 404)
	assert.Equal(t, ask("/chat").Header().Get("Location"), "https://chat.example/chat")
}

func TestRedirect(t *testing.T) {
	for _, test := range []struct {
		method, host, path string
		port               int
		status             int
		location           string
	}{
		{"GET", "a.example", "/x?y=z", 443, 302, "https://a.example/x?y=z"},
		{"HEAD", "a.example:80", "/", 443, 302, "https://a.example/"},
		{"GET", "a.example:8080", "/", 8443, 302, "https://a.example:8443/"},
		{"GET", "[::1]:80", "/", 443, 302, "https://[::1]/"},
		{"GET", "a.example", "//evil.example", 443, 302, "https://a.example//evil.example"},
		{"POST", "a.example", "/api/auth/login", 443, 400, ""},
	} {
		r := httptest.NewRequest(test.method, "/", strings.NewReader(""))
		r.Host = test.host
		r.URL.Path, r.URL.RawQuery, _ = strings.Cut(test.path, "?")
		w := httptest.NewRecorder()
		Redirect(&net.TCPAddr{Port: test.port}).ServeHTTP(w, r)
		assert.Equal(t, w.Code, test.status, test.path)
		assert.Equal(t, w.Header().Get("Location"), test.location)
	}
}
