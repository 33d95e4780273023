package auth_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/gateway/auth"
	"github.com/kachi-io/kachi/internal/assert"
)

// The header is what the client writes: nothing in it brings a key along, or an address of
// one.
func TestKeysInTheHeaderAreNotTaken(t *testing.T) {
	asked := &issuer{set: setOf(jwkOf("x", &otherRSA.PublicKey))}
	host := httptest.NewServer(asked)
	defer host.Close()
	url := serve(t, auth.Options{Keys: auth.Fixed(auth.RS256(&rsaKey.PublicKey))}, nil)
	for name, value := range map[string]any{
		"jwk": jwkOf("x", &otherRSA.PublicKey), "jku": host.URL, "x5u": host.URL,
		"x5c": []string{base64.StdEncoding.EncodeToString([]byte("certificate"))},
	} {
		forged := sign(jwt.SigningMethodRS256, otherRSA, claims{name: value}, nil)
		assert.Equal(t, connect(t, url, "", payload(forged), nil), auth.DeniedSignature, name)
	}
	assert.Equal(t, asked.requests(), 0)
}

// A token for one namespace is none for another with another issuer, whoever signed it.
func TestTokensOfAnotherIssuer(t *testing.T) {
	with := func(issuer string, key auth.Key) string {
		return serve(t, auth.Options{Keys: auth.Fixed(key), Issuer: issuer}, nil)
	}
	ours, theirs := with("https://id.example.com", auth.RS256(&rsaKey.PublicKey)), with("https://other.example.com", auth.RS256(&otherRSA.PublicKey))
	own := sign(jwt.SigningMethodRS256, rsaKey, nil, nil)
	assert.Equal(t, connect(t, ours, "", payload(own), nil), "mina  mina")
	assert.Equal(t, connect(t, theirs, "", payload(own), nil), auth.DeniedSignature)
	posing := sign(jwt.SigningMethodRS256, otherRSA, nil, nil) // says that it is ours
	assert.Equal(t, connect(t, ours, "", payload(posing), nil), auth.DeniedSignature)
	assert.Equal(t, connect(t, theirs, "", payload(posing), nil), auth.DeniedIssuer)
	for _, near := range []any{"https://id.example.com/", "https://ID.example.com", "", []string{"https://id.example.com"}} {
		odd := sign(jwt.SigningMethodRS256, rsaKey, nil, claims{"iss": near})
		got := connect(t, ours, "", payload(odd), nil)
		assert.True(t, got == auth.DeniedIssuer || got == auth.DeniedClaims || got == auth.DeniedMalformed, near, got)
	}
}

// Leeway has tokens count longer than they say. What was taken back stays so until then.
func TestRevokedWithinTheLeeway(t *testing.T) {
	app, err := gateway.NewApp(nil, gateway.New("/c", auth.JWT(auth.Options{
		Keys: auth.Fixed(auth.HS256(secret)), Leeway: time.Minute,
	}, byClaims), func(g *gateway.Namespace[user]) {
		gateway.On(g, "whoami", func(c *gateway.Context[user], _ gateway.None) (string, error) { return c.Principal.Name, nil })
	}))
	assert.NoError(t, err)
	host := httptest.NewServer(app)
	defer host.Close()
	defer func() { assert.NoError(t, app.Stop(t.Context())) }()
	expired := time.Now().Add(-time.Second)
	token := payload(hs(claims{"jti": "7", "exp": expired.Unix()}))
	assert.Equal(t, connect(t, host.URL, "", token, nil), "mina")
	assert.NoError(t, app.RevokeToken(t.Context(), "7", expired))
	assert.Equal(t, connect(t, host.URL, "", token, nil), gateway.DeniedRevoked)
}

// Whoever has a key that an issuer took out of its set cannot wait for a quiet day.
func TestAKeyTakenOutDoesNotVerifyAfterAPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &within{issuer: &issuer{set: setOf(jwkOf("1", &rsaKey.PublicKey), jwkOf("2", &otherRSA.PublicKey))}}
		keys := auth.JWKS("https://id.example.com/keys", &auth.JWKSOptions{Client: &http.Client{Transport: b}})
		find := func(id string) int {
			t.Helper()
			found, err := keys.Keys(t.Context(), auth.Header{Algorithm: auth.AlgorithmRS256, KeyID: id})
			assert.NoError(t, err)
			return len(found)
		}
		assert.Equal(t, find("1"), 1)
		b.issuer.publish(setOf(jwkOf("2", &otherRSA.PublicKey)), 0)
		time.Sleep(24 * time.Hour)
		assert.Equal(t, find("1"), 0)

		// An endpoint that fails takes nothing back, and is waited for once.
		b.issuer.publish("", 500)
		time.Sleep(24 * time.Hour)
		assert.Equal(t, find("2"), 1)
		b.stuck = true
		time.Sleep(time.Minute)
		start := time.Now()
		assert.Equal(t, find("2"), 1)
		assert.Equal(t, time.Since(start), time.Duration(0))
		synctest.Wait()
		time.Sleep(time.Minute) // until the request has ended
	})
}

// hops answers with a redirect for each address that it knows.
type hops struct {
	to    map[string]string
	asked []string
}

func (h *hops) RoundTrip(r *http.Request) (*http.Response, error) {
	h.asked = append(h.asked, r.URL.String())
	answer := &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(setOf(jwkOf("1", &rsaKey.PublicKey)))), Request: r}
	if to, ok := h.to[r.URL.String()]; ok {
		answer.StatusCode, answer.Header = 302, http.Header{"Location": {to}}
	}
	return answer, nil
}

func TestRedirectsOfAKeySet(t *testing.T) {
	const start = "https://id.example.com/keys"
	for name, test := range map[string]struct {
		to   map[string]string
		want string // "": it is followed
	}{
		"elsewhere":       {map[string]string{start: "https://keys.example.com/"}, ""},
		"away from https": {map[string]string{start: "http://id.example.com/keys"}, "away from https"},
		"to this machine": {map[string]string{start: "http://127.0.0.1/keys"}, "away from https"},
		"in a circle":     {map[string]string{start: start}, "too many redirects"},
		"another scheme":  {map[string]string{start: "file:///etc/passwd"}, "away from https"},
	} {
		// A client of the application's own, for its certificates, is as careful.
		at := &hops{to: test.to}
		own := &http.Client{Transport: at}
		keys := auth.JWKS(start, &auth.JWKSOptions{Client: own})
		assert.True(t, own.CheckRedirect == nil, "the application's client is left as it is")
		found, err := keys.Keys(t.Context(), auth.Header{Algorithm: auth.AlgorithmRS256})
		if test.want == "" {
			assert.NoError(t, err, name)
			assert.Equal(t, len(found), 1)
			continue
		}
		assert.True(t, err != nil && strings.Contains(err.Error(), test.want), name, err)
		assert.True(t, len(at.asked) <= 3, at.asked)
	}
	// One that has its own policy keeps it.
	at := &hops{to: map[string]string{start: "http://id.example.com/keys"}}
	keys := auth.JWKS(start, &auth.JWKSOptions{Client: &http.Client{Transport: at, CheckRedirect: func(*http.Request, []*http.Request) error { return nil }}})
	found, err := keys.Keys(t.Context(), auth.Header{Algorithm: auth.AlgorithmRS256})
	assert.NoError(t, err)
	assert.Equal(t, len(found), 1)
}

// Tracing libraries put their own transport in the place of the default one.
func TestKeysWithAnotherDefaultTransport(t *testing.T) {
	before := http.DefaultTransport
	defer func() { http.DefaultTransport = before }()
	http.DefaultTransport = &hops{}
	keys := auth.JWKS("https://id.example.com/keys", nil)
	found, err := keys.Keys(t.Context(), auth.Header{Algorithm: auth.AlgorithmRS256})
	assert.NoError(t, err)
	assert.Equal(t, len(found), 1)
}

func TestKeysThatAreNone(t *testing.T) {
	for _, key := range []auth.Key{auth.ES256(nil), auth.ES256(&ecdsa.PublicKey{Curve: elliptic.P256()}), auth.RS256(nil), auth.EdDSA(nil), auth.HS256(nil), auth.PEM(nil)} {
		o := auth.Options{Keys: auth.Fixed(key), Algorithms: []auth.Algorithm{auth.AlgorithmES256}}
		_, err := gateway.NewApp(nil, gateway.New("/c", auth.JWT(o, byClaims), func(*gateway.Namespace[user]) {}))
		assert.True(t, err != nil && strings.Contains(err.Error(), "key 1: "), err)
	}
}

func TestAnAddressKeepsItsPassword(t *testing.T) {
	for _, address := range []string{"https://me:hunter2@id.example.com:port/keys", "ftp://me:hunter2@id.example.com/keys", "http://me:hunter2@id.example.com/keys"} {
		o := auth.Options{Keys: auth.JWKS(address, nil), Algorithms: []auth.Algorithm{auth.AlgorithmES256}}
		_, err := gateway.NewApp(nil, gateway.New("/c", auth.JWT(o, byClaims), func(*gateway.Namespace[user]) {}))
		assert.True(t, err != nil && !strings.Contains(err.Error(), "hunter2"), err)
	}
}

func TestLeewayIsSmall(t *testing.T) {
	o := auth.Options{Keys: auth.Fixed(auth.HS256(secret)), Leeway: time.Hour}
	_, err := gateway.NewApp(nil, gateway.New("/c", auth.JWT(o, byClaims), func(*gateway.Namespace[user]) {}))
	assert.True(t, err != nil && strings.Contains(err.Error(), "Leeway"), err)
}
