package auth_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/gateway/auth"
	"github.com/kachi-io/kachi/internal/assert"
)

// jwkOf is a key as an issuer publishes it.
func jwkOf(id string, public crypto.PublicKey, more ...string) map[string]string {
	b64 := base64.RawURLEncoding.EncodeToString
	j := map[string]string{"kid": id, "use": "sig"}
	switch k := public.(type) {
	case *rsa.PublicKey:
		j["kty"], j["n"], j["e"] = "RSA", b64(k.N.Bytes()), b64(big.NewInt(int64(k.E)).Bytes())
	case *ecdsa.PublicKey:
		point := must(k.Bytes())
		j["kty"], j["crv"], j["x"], j["y"] = "EC", "P-256", b64(point[1:33]), b64(point[33:])
	case ed25519.PublicKey:
		j["kty"], j["crv"], j["x"] = "OKP", "Ed25519", b64(k)
	case []byte:
		j["kty"], j["k"] = "oct", b64(k)
	}
	for i := 0; i+1 < len(more); i += 2 {
		j[more[i]] = more[i+1]
	}
	return j
}

func setOf(keys ...map[string]string) string {
	return string(must(json.Marshal(map[string]any{"keys": keys})))
}

// issuer is an endpoint of keys.
type issuer struct {
	mu     sync.Mutex
	set    string
	status int // 0: it answers; negative: it breaks the connection
	hold   chan struct{}
	asked  int
	atOnce int
	most   int
}

func (i *issuer) publish(set string, status int) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.set, i.status = set, status
}

func (i *issuer) requests() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.asked
}

func (i *issuer) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	i.mu.Lock()
	i.asked++
	i.atOnce++
	i.most = max(i.most, i.atOnce)
	set, status, hold := i.set, i.status, i.hold
	i.mu.Unlock()
	defer func() {
		i.mu.Lock()
		i.atOnce--
		i.mu.Unlock()
	}()
	if hold != nil {
		<-hold
	}
	switch {
	case status < 0:
		panic(http.ErrAbortHandler)
	case status > 0:
		w.WriteHeader(status)
	}
	_, _ = io.WriteString(w, set)
}

var asymmetric = []auth.Algorithm{auth.AlgorithmRS256, auth.AlgorithmES256, auth.AlgorithmEdDSA}

func TestKeysFromAnEndpoint(t *testing.T) {
	i := &issuer{set: setOf(
		jwkOf("r", &rsaKey.PublicKey, "alg", "RS256"), jwkOf("e", &ecKey.PublicKey), jwkOf("d", edKey.Public(), "alg", "EdDSA"),
		jwkOf("encrypts", &otherRSA.PublicKey, "use", "enc"), jwkOf("rs512", &otherRSA.PublicKey, "alg", "RS512"),
		jwkOf("secret", secret, "alg", "HS256"), jwkOf("off", &ecKey.PublicKey, "x", base64.RawURLEncoding.EncodeToString(make([]byte, 32))),
		map[string]string{"kty": "future"},
	)}
	host := httptest.NewServer(i)
	defer host.Close()
	url := serve(t, auth.Options{Keys: auth.JWKS(host.URL, &auth.JWKSOptions{Interval: time.Hour}), Algorithms: append(asymmetric, auth.AlgorithmHS256)}, nil)
	for _, test := range []struct {
		method jwt.SigningMethod
		key    any
		kid    any
		want   string
	}{
		{jwt.SigningMethodRS256, rsaKey, "r", "mina  mina"},
		{jwt.SigningMethodES256, ecKey, "e", "mina  mina"},
		{jwt.SigningMethodEdDSA, edKey, "d", "mina  mina"},
		{jwt.SigningMethodRS256, rsaKey, "e", auth.DeniedUnknownKey}, // of another algorithm
		{jwt.SigningMethodRS256, otherRSA, "r", auth.DeniedSignature},
		{jwt.SigningMethodRS256, otherRSA, "encrypts", auth.DeniedUnknownKey},
		{jwt.SigningMethodRS256, otherRSA, "rs512", auth.DeniedUnknownKey},
		{jwt.SigningMethodHS256, secret, "secret", auth.DeniedUnknownKey},
		{jwt.SigningMethodHS256, rsaPEM, "r", auth.DeniedUnknownKey},
		{jwt.SigningMethodES256, ecKey, "off", auth.DeniedUnknownKey},
	} {
		assert.Equal(t, connect(t, url, "", payload(sign(test.method, test.key, claims{"kid": test.kid}, nil)), nil), test.want, test.kid)
	}
	assert.Equal(t, connect(t, url, "", payload(sign(jwt.SigningMethodRS256, rsaKey, nil, nil)), nil), "mina  mina")
	assert.Equal(t, i.requests(), 1) // in an hour, whatever ids come
}

func TestKeysRotateWhileTheEndpointComesAndGoes(t *testing.T) {
	i := &issuer{set: setOf(jwkOf("1", &rsaKey.PublicKey))}
	host := httptest.NewServer(i)
	defer host.Close()
	url := serve(t, auth.Options{Algorithms: asymmetric, Keys: auth.JWKS(host.URL, &auth.JWKSOptions{Interval: time.Nanosecond})}, nil)
	first, second := sign(jwt.SigningMethodRS256, rsaKey, claims{"kid": "1"}, nil), sign(jwt.SigningMethodES256, ecKey, claims{"kid": "2"}, nil)
	is := func(token, want string) { t.Helper(); assert.Equal(t, connect(t, url, "", payload(token), nil), want) }

	i.publish("", 500)
	is(first, gateway.CodeUnavailable) // it may be good: nobody knows
	i.publish(setOf(jwkOf("1", &rsaKey.PublicKey)), 0)
	is(first, "mina  mina")
	is(second, auth.DeniedUnknownKey)
	asked := i.requests()
	is(first, "mina  mina")
	assert.Equal(t, i.requests(), asked)

	for _, broken := range []struct {
		set    string
		status int
	}{{"", 503}, {"", -1}, {"no JSON", 0}, {`{"keys":[]}`, 0}, {setOf(jwkOf("x", secret)), 0}, {strings.Repeat(" ", 300<<10), 0}, {setOf(make([]map[string]string, 65)...), 0}} {
		i.publish(broken.set, broken.status)
		is(second, gateway.CodeUnavailable)
		is(first, "mina  mina") // the keys that were there stay
	}
	i.publish(setOf(jwkOf("2", &ecKey.PublicKey)), 0)
	is(second, "mina  mina")
	is(first, auth.DeniedUnknownKey) // taken back
}

func TestManyClientsWaitForOneRequest(t *testing.T) {
	i := &issuer{set: setOf(jwkOf("1", &rsaKey.PublicKey)), hold: make(chan struct{})}
	host := httptest.NewServer(i)
	defer host.Close()
	url := serve(t, auth.Options{Algorithms: asymmetric, Keys: auth.JWKS(host.URL, nil)}, nil)
	token := payload(sign(jwt.SigningMethodRS256, rsaKey, claims{"kid": "1"}, nil))
	answers := make(chan string, 20)
	for range cap(answers) {
		go func() { answers <- connect(t, url, "", token, nil) }()
	}
	assert.Eventually(t, func() bool { return i.requests() == 1 })
	close(i.hold)
	for range cap(answers) {
		assert.Equal(t, assert.Receive(t, answers), "mina  mina")
	}
	assert.Equal(t, i.requests(), 1)
	assert.Equal(t, i.most, 1)
}

// within answers requests in the bubble of a test.
type within struct {
	issuer *issuer
	stuck  bool
}

func (b *within) RoundTrip(r *http.Request) (*http.Response, error) {
	if b.stuck {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	w := httptest.NewRecorder()
	b.issuer.ServeHTTP(w, r)
	return w.Result(), nil
}

func TestHowOftenAndHowLongAnEndpointIsAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &within{issuer: &issuer{set: setOf(jwkOf("1", &rsaKey.PublicKey))}}
		keys := auth.JWKS("https://id.example.com/keys", &auth.JWKSOptions{Client: &http.Client{Transport: b}})
		known, unknown := auth.Header{Algorithm: auth.AlgorithmRS256, KeyID: "1"}, auth.Header{Algorithm: auth.AlgorithmRS256, KeyID: "2"}
		find := func(h auth.Header) int {
			t.Helper()
			found, err := keys.Keys(t.Context(), h)
			assert.NoError(t, err)
			synctest.Wait() // for what goes on behind it
			return len(found)
		}
		assert.Equal(t, find(known), 1)
		for range 100 { // a second: whoever makes ids up
			assert.Equal(t, find(unknown), 0)
			time.Sleep(10 * time.Millisecond)
		}
		assert.Equal(t, b.issuer.requests(), 1)
		time.Sleep(9 * time.Second)
		find(unknown)
		assert.Equal(t, b.issuer.requests(), 2)
		time.Sleep(11 * time.Minute)
		assert.Equal(t, find(known), 1)
		assert.Equal(t, b.issuer.requests(), 2) // still fresh
		b.issuer.publish(setOf(jwkOf("2", &rsaKey.PublicKey)), 0)
		time.Sleep(time.Minute)
		assert.Equal(t, find(known), 1) // nobody waits for newer ones
		assert.Equal(t, b.issuer.requests(), 3)
		assert.Equal(t, find(known), 0)
		assert.Equal(t, find(unknown), 1)

		b.stuck = true
		time.Sleep(time.Hour)
		assert.Equal(t, find(unknown), 1) // old, and there is nothing newer
		time.Sleep(10 * time.Second)
		start := time.Now()
		_, err := keys.Keys(t.Context(), known)
		assert.True(t, err != nil && strings.Contains(err.Error(), "deadline"), err)
		assert.Equal(t, time.Since(start), 5*time.Second)
	})
}
