package auth_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"go.uber.org/goleak"

	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/gateway/auth"
	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/wstest"
	"github.com/kachi-io/kachi/socketio"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	secret     = bytes.Repeat([]byte("s"), 32)
	rsaKey     = must(rsa.GenerateKey(rand.Reader, 2048))
	otherRSA   = must(rsa.GenerateKey(rand.Reader, 2048))
	ecKey      = must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	edKey      = ed25519.NewKeyFromSeed(bytes.Repeat([]byte("e"), ed25519.SeedSize))
	rsaPEM     = pemOf(&rsaKey.PublicKey)
	nextMinute = time.Now().Add(time.Minute).Unix()
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func pemOf(public any) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: must(x509.MarshalPKIXPublicKey(public))})
}

type user struct {
	Name string
	Role string
}

// byClaims makes users of tokens.
func byClaims(_ context.Context, c *auth.Claims) (user, error) {
	var own struct{ Role string }
	if err := c.Decode(&own); err != nil {
		return user{}, err
	}
	switch c.Subject {
	case "gone":
		return user{}, gateway.Forbidden("There is no such user any more")
	case "broken":
		return user{}, errors.New("the database is on fire")
	}
	return user{c.Subject, own.Role}, nil
}

type claims = map[string]any

// sign makes a token. Claims that are not given are the usual ones; nil takes one out.
func sign(method jwt.SigningMethod, key any, header, own claims) string {
	all := jwt.MapClaims{"iss": "https://id.example.com", "sub": "mina", "aud": "chat", "exp": nextMinute}
	maps.Copy(all, own)
	maps.DeleteFunc(all, func(_ string, v any) bool { return v == nil })
	t := jwt.NewWithClaims(method, all)
	maps.Copy(t.Header, header)
	return must(t.SignedString(key))
}

func hs(own claims) string { return sign(jwt.SigningMethodHS256, secret, nil, own) }

// serve starts an app with one gateway, whose socket says who it is.
func serve(t testing.TB, o auth.Options, options *gateway.Options) string {
	t.Helper()
	app, err := gateway.NewApp(options, gateway.New("/c", auth.JWT(o, byClaims), func(g *gateway.Namespace[user]) {
		gateway.On(g, "whoami", func(c *gateway.Context[user], _ gateway.None) (string, error) {
			return c.Principal.Name + " " + c.Principal.Role + " " + c.Key(), nil
		})
	}))
	assert.NoError(t, err)
	mux := http.NewServeMux()
	mux.Handle("/socket.io/", app)
	mux.Handle("/ws", app.Server().PlainHandler(socketio.PlainMount{Path: "/ws", Namespace: "/c"}))
	host := httptest.NewServer(mux)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		assert.NoError(t, app.Stop(ctx))
		host.Close()
	})
	return host.URL
}

// connect asks to be admitted, and returns who the server says it is, or the reason for
// which it is refused, or the code.
func connect(t testing.TB, url, query, payload string, header http.Header) string {
	t.Helper()
	all := wstest.Handshake()
	maps.Copy(all, header)
	c, answer, err := wstest.Try(url+"/socket.io/?EIO=4&transport=websocket"+query, all)
	assert.NoError(t, err)
	assert.True(t, c != nil, answer)
	defer c.Close()
	assert.True(t, strings.HasPrefix(c.Next(t), "0{"))
	assert.NoError(t, c.SendText("40/c,"+payload))
	text := c.Next(t)
	if body, refused := strings.CutPrefix(text, "44/c,"); refused {
		var e struct {
			Data struct {
				Code    string
				Details struct{ Reason string }
			}
		}
		assert.NoError(t, json.Unmarshal([]byte(body), &e), body)
		if e.Data.Code == gateway.CodeUnauthorized {
			return e.Data.Details.Reason
		}
		return e.Data.Code
	}
	assert.True(t, strings.HasPrefix(text, "40/c,"), text)
	assert.NoError(t, c.SendText(`42/c,1["whoami"]`))
	var who []string
	answered, _ := strings.CutPrefix(c.Next(t), "43/c,1")
	assert.NoError(t, json.Unmarshal([]byte(answered), &who), answered)
	return who[0]
}

func payload(token any) string {
	return string(must(json.Marshal(map[string]any{"token": token})))
}

func TestTokensOfEachAlgorithm(t *testing.T) {
	for name, test := range map[string]struct {
		key    auth.Key
		method jwt.SigningMethod
		signer any
	}{
		"HS256":   {auth.HS256(secret), jwt.SigningMethodHS256, secret},
		"RS256":   {auth.RS256(&rsaKey.PublicKey), jwt.SigningMethodRS256, rsaKey},
		"RS256 2": {auth.PEM(rsaPEM), jwt.SigningMethodRS256, rsaKey},
		"ES256":   {auth.ES256(&ecKey.PublicKey), jwt.SigningMethodES256, ecKey},
		"EdDSA":   {auth.EdDSA(edKey.Public().(ed25519.PublicKey)), jwt.SigningMethodEdDSA, edKey},
	} {
		t.Run(name, func(t *testing.T) {
			url := serve(t, auth.Options{Keys: auth.Fixed(test.key), Issuer: "https://id.example.com", Audience: []string{"chat", "news"}}, nil)
			good := sign(test.method, test.signer, nil, claims{"role": "admin", "aud": []string{"x", "news"}})
			assert.Equal(t, connect(t, url, "", payload(good), nil), "mina admin mina")
			spoiled := []byte(good)
			at := len(spoiled) - 10
			spoiled[at] = 'A' + (spoiled[at]-'A'+1)%26
			assert.Equal(t, connect(t, url, "", payload(string(spoiled)), nil), auth.DeniedSignature)
			// What was signed for someone else.
			parts := strings.Split(good, ".")
			parts[1] = base64.RawURLEncoding.EncodeToString([]byte(`{"iss":"https://id.example.com","sub":"root","aud":"chat","exp":99999999999}`))
			assert.Equal(t, connect(t, url, "", payload(strings.Join(parts, ".")), nil), auth.DeniedSignature)
		})
	}
}

func TestRefusedTokens(t *testing.T) {
	url := serve(t, auth.Options{
		Keys:   auth.Fixed(auth.HS256(secret), auth.RS256(&rsaKey.PublicKey).WithID("r1")),
		Issuer: "https://id.example.com", Audience: []string{"chat"},
	}, nil)
	now := time.Now().Unix()
	segment := func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
	unsigned := segment(`{"alg":"none"}`) + "." + strings.Split(hs(nil), ".")[1] + "."
	for name, test := range map[string]struct {
		token any
		want  string
	}{
		"good":              {hs(nil), "mina  mina"},
		"issued later":      {hs(claims{"iat": now + 1000}), "mina  mina"},
		"none":              {"", auth.DeniedMissing},
		"null":              {nil, auth.DeniedMissing},
		"only the scheme":   {"Bearer ", auth.DeniedMissing},
		"a number":          {7, auth.DeniedMalformed},
		"no token":          {"abc", auth.DeniedMalformed},
		"two parts":         {"a.b", auth.DeniedMalformed},
		"four parts":        {hs(nil) + ".x", auth.DeniedMalformed},
		"no base64":         {"ä" + hs(nil), auth.DeniedMalformed},
		"padded":            {hs(nil) + "=", auth.DeniedMalformed},
		"no JSON":           {segment("{") + ".e30.e30", auth.DeniedMalformed},
		"claims no object":  {segment(`{"alg":"HS256"}`) + "." + segment("[]") + ".e30", auth.DeniedMalformed},
		"much too long":     {hs(claims{"x": strings.Repeat("x", 9000)}), auth.DeniedMalformed},
		"alg none":          {unsigned, auth.DeniedAlgorithm},
		"alg None":          {segment(`{"alg":"None"}`) + "." + strings.Split(unsigned, ".")[1] + ".", auth.DeniedAlgorithm},
		"alg missing":       {segment(`{}`) + "." + strings.Split(unsigned, ".")[1] + ".", auth.DeniedAlgorithm},
		"another algorithm": {sign(jwt.SigningMethodHS512, secret, nil, nil), auth.DeniedAlgorithm},
		"ES256, no key":     {sign(jwt.SigningMethodES256, ecKey, nil, nil), auth.DeniedAlgorithm},
		// The public key is public: as a secret it must not do.
		"public key as secret": {sign(jwt.SigningMethodHS256, rsaPEM, nil, nil), auth.DeniedSignature},
		"public key, its id":   {sign(jwt.SigningMethodHS256, rsaPEM, claims{"kid": "r1"}, nil), auth.DeniedSignature},
		"another key's id":     {sign(jwt.SigningMethodRS256, rsaKey, claims{"kid": "r2"}, nil), auth.DeniedUnknownKey},
		"its id":               {sign(jwt.SigningMethodRS256, rsaKey, claims{"kid": "r1"}, nil), "mina  mina"},
		"another key":          {sign(jwt.SigningMethodRS256, otherRSA, claims{"kid": "r1"}, nil), auth.DeniedSignature},
		"an id that is none":   {sign(jwt.SigningMethodRS256, rsaKey, claims{"kid": 7}, nil), auth.DeniedMalformed},
		"an extension":         {sign(jwt.SigningMethodHS256, secret, claims{"crit": []string{"b64"}, "b64": false}, nil), auth.DeniedMalformed},
		"expired":              {hs(claims{"exp": now - 1}), gateway.DeniedExpired},
		"never expires":        {hs(claims{"exp": nil}), auth.DeniedClaims},
		"never expires, too":   {hs(claims{"exp": nil, "EXP": nextMinute}), auth.DeniedClaims},
		"expiry no number":     {hs(claims{"exp": "tomorrow"}), auth.DeniedMalformed},
		"expiry without end":   {hs(claims{"exp": 1e300}), auth.DeniedMalformed},
		"not yet":              {hs(claims{"nbf": now + 1000}), auth.DeniedEarly},
		"another issuer":       {hs(claims{"iss": "https://evil.example.com"}), auth.DeniedIssuer},
		"no issuer":            {hs(claims{"iss": nil}), auth.DeniedClaims},
		"another audience":     {hs(claims{"aud": []string{"shop", "news"}}), auth.DeniedAudience},
		"no audience":          {hs(claims{"aud": nil}), auth.DeniedClaims},
		"expired for others":   {hs(claims{"aud": "shop", "exp": now - 1}), auth.DeniedAudience},
		"subject no text":      {hs(claims{"sub": 7}), auth.DeniedMalformed},
		"another subject":      {hs(claims{"SUB": "root"}), "mina  mina"},
		"refused":              {hs(claims{"sub": "gone"}), gateway.CodeForbidden},
		"failed":               {hs(claims{"sub": "broken"}), gateway.CodeInternal},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, connect(t, url, "", payload(test.token), nil), test.want)
		})
	}
}

func TestLeewayAndNoExpiry(t *testing.T) {
	now := time.Now().Unix()
	url := serve(t, auth.Options{
		Keys: auth.Fixed(auth.HS256(secret)), Leeway: time.Minute, WithoutExpiry: true,
		Key: func(c *auth.Claims) string { return c.Issuer + "|" + c.Subject },
	}, nil)
	for _, test := range []struct {
		own  claims
		want string
	}{
		{claims{"exp": now - 20}, "mina  https://id.example.com|mina"},
		{claims{"exp": now - 100}, gateway.DeniedExpired},
		{claims{"nbf": now + 20}, "mina  https://id.example.com|mina"},
		{claims{"nbf": now + 100}, auth.DeniedEarly},
		{claims{"exp": nil}, "mina  https://id.example.com|mina"},
	} {
		assert.Equal(t, connect(t, url, "", payload(hs(test.own)), nil), test.want, test.own)
	}
	null := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"HS256"}`)) + "." + base64.RawURLEncoding.EncodeToString([]byte("null"))
	null += "." + base64.RawURLEncoding.EncodeToString(must(jwt.SigningMethodHS256.Sign(null, secret)))
	assert.Equal(t, connect(t, url, "", payload(null), nil), auth.DeniedMalformed)
}

func TestWhereTheTokenIs(t *testing.T) {
	token := func(name string) string { return hs(claims{"sub": name}) }
	header := func(kind, value string) http.Header { return http.Header{kind: {value}} }
	both := http.Header{"Authorization": {"bearer " + token("header")}, "Cookie": {"session=" + token("cookie")}}
	query := "&access_token=" + token("query")
	url := serve(t, auth.Options{Keys: auth.Fixed(auth.HS256(secret)), Cookie: "session", Query: "access_token"}, nil)
	for name, test := range map[string]struct {
		query, payload string
		header         http.Header
		want           string
	}{
		"payload":              {query, payload(token("payload")), both, "payload"},
		"payload, with scheme": {"", payload("Bearer " + token("payload")), nil, "payload"},
		"payload, bad":         {query, payload("x"), both, auth.DeniedMalformed},
		"payload, empty":       {query, payload(""), both, "header"},
		"payload, other name":  {query, `{"Token":"x"}`, both, "header"},
		"header":               {query, "", both, "header"},
		"other scheme":         {"", "", header("Authorization", "Basic "+token("header")), auth.DeniedMissing},
		"cookie":               {query, "", header("Cookie", "session="+token("cookie")), "cookie"},
		"other cookie":         {"", "", header("Cookie", "token="+token("cookie")), auth.DeniedMissing},
		"query":                {query, "", nil, "query"},
		"other parameter":      {"&token=" + token("query"), "", nil, auth.DeniedMissing},
	} {
		t.Run(name, func(t *testing.T) {
			got, _, _ := strings.Cut(connect(t, url, test.query, test.payload, test.header), " ")
			assert.Equal(t, got, test.want)
		})
	}

	strict := serve(t, auth.Options{Keys: auth.Fixed(auth.HS256(secret))}, nil)
	assert.Equal(t, connect(t, strict, query, "", both), "header  header")
	assert.Equal(t, connect(t, strict, query, "", header("Cookie", "session="+token("cookie"))), auth.DeniedMissing)

	c, answer, err := wstest.Try(strict+"/ws", wstest.Handshake())
	assert.NoError(t, err)
	assert.True(t, c == nil)
	assert.Equal(t, answer.StatusCode, 401)
	h := wstest.Handshake()
	h.Set("Sec-Websocket-Protocol", "kachi, bearer."+token("plain"))
	c, _, err = wstest.Try(strict+"/ws", h)
	assert.NoError(t, err)
	defer c.Close()
	assert.NoError(t, c.SendText(`{"event":"whoami","id":1}`))
	assert.True(t, strings.Contains(c.Next(t), "plain  plain"))
}

func TestTokensAreNotLogged(t *testing.T) {
	var log safeBuffer
	logger := slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	var told []error
	var mu sync.Mutex
	o := &gateway.Options{Logger: logger, EchoInput: true}
	o.Socket.Logger = logger
	o.Socket.Hooks.Failed = func(_ *socketio.Socket, _ string, err error) { mu.Lock(); told = append(told, err); mu.Unlock() }
	url := serve(t, auth.Options{
		Query: "token", Cookie: "token", Algorithms: []auth.Algorithm{auth.AlgorithmHS256},
		Keys: auth.KeyFunc(func(_ context.Context, h auth.Header) ([]auth.Key, error) {
			switch h.KeyID {
			case "down":
				return nil, errors.New("nobody answers")
			case "none":
				return nil, nil
			}
			return []auth.Key{auth.HS256(secret)}, nil
		}),
	}, o)
	good := hs(nil)
	parts := strings.Split(good, ".")
	tokens := []string{
		good, hs(claims{"exp": 1}), hs(claims{"sub": "broken"}), hs(claims{"sub": "gone"}), good + "x", "x" + good, parts[0] + "." + parts[1] + ".",
		sign(jwt.SigningMethodHS256, secret, claims{"kid": "down"}, nil), sign(jwt.SigningMethodHS256, secret, claims{"kid": "none"}, nil),
		sign(jwt.SigningMethodHS384, secret, nil, nil), parts[0] + ".!!!!" + parts[1] + "." + parts[2],
	}
	results := map[string]int{}
	for _, token := range tokens {
		results[connect(t, url, "", payload(token), nil)]++
		connect(t, url, "", "", http.Header{"Authorization": {"Bearer " + token}})
		connect(t, url, "", "", http.Header{"Cookie": {"token=" + token}})
		connect(t, url, "&token="+token, "", nil)
	}
	assert.Equal(t, results, map[string]int{
		"mina  mina": 1, "expired": 1, "internal": 1, "forbidden": 1, "signature": 2, "malformed": 2, "unavailable": 1, "unknown_key": 1, "algorithm": 1,
	})
	text := log.String()
	assert.True(t, strings.Contains(text, "nobody answers"), text) // the cause is there
	mu.Lock()
	defer mu.Unlock()
	for _, err := range told {
		text += err.Error()
	}
	for _, token := range tokens {
		for _, part := range strings.Split(token, ".") {
			assert.True(t, len(part) < 8 || !strings.Contains(text, part), part)
		}
	}
}

// safeBuffer is a log that servers write.
type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func TestWrongOptions(t *testing.T) {
	small := must(rsa.GenerateKey(rand.Reader, 2048)).PublicKey
	small.N = small.N.Rsh(small.N, 1100)
	other := must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader))
	source := auth.KeyFunc(func(context.Context, auth.Header) ([]auth.Key, error) { return nil, nil })
	for want, o := range map[string]auth.Options{
		"Keys is nil":         {},
		"there is no key":     {Keys: auth.Fixed(), Algorithms: []auth.Algorithm{auth.AlgorithmHS256}},
		"key 2 is no key":     {Keys: auth.Fixed(auth.HS256(secret), auth.Key{}), Algorithms: []auth.Algorithm{auth.AlgorithmHS256}},
		"too short":           {Keys: auth.Fixed(auth.HS256([]byte("secret")))},
		"948 bits":            {Keys: auth.Fixed(auth.RS256(&small))},
		"not on P-256":        {Keys: auth.Fixed(auth.ES256(&other.PublicKey))},
		"key of 3 bytes":      {Keys: auth.Fixed(auth.EdDSA([]byte("abc")))},
		"no PEM block":        {Keys: auth.Fixed(auth.PEM([]byte("abc"))), Algorithms: []auth.Algorithm{auth.AlgorithmRS256}},
		"has to name":         {Keys: source},
		`no algorithm "none"`: {Keys: source, Algorithms: []auth.Algorithm{"none"}},
		"Leeway is negative":  {Keys: auth.Fixed(auth.HS256(secret)), Leeway: -1},
		"no address":          {Keys: auth.JWKS("file:///etc/passwd", nil), Algorithms: []auth.Algorithm{auth.AlgorithmRS256}},
		"can be exchanged":    {Keys: auth.JWKS("http://id.example.com/keys", nil), Algorithms: []auth.Algorithm{auth.AlgorithmRS256}},
	} {
		_, err := gateway.NewApp(nil, gateway.New("/c", auth.JWT(o, byClaims), func(*gateway.Namespace[user]) {}))
		assert.True(t, err != nil && strings.Contains(err.Error(), want) && strings.Contains(err.Error(), "auth_test.go:"), want, err)
	}
	_, err := gateway.NewApp(nil, gateway.New("/c", auth.JWT[user](auth.Options{Keys: auth.Fixed(auth.HS256(secret))}, nil), func(*gateway.Namespace[user]) {}))
	assert.True(t, err != nil && strings.Contains(err.Error(), "no function"), err)
}
