package main

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"go.uber.org/goleak"

	"github.com/kachi-io/kachi/client"
	"github.com/kachi-io/kachi/examples/exampletest"
	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/gateway/gatewaytest"
	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/wstest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var secret = bytes.Repeat([]byte("s"), 32)

var directory = &Directory{
	names:   map[int]string{1: "Mina", 2: "Jun", 3: "Sora"},
	members: map[RoomID][]int{"1": {1, 2, 3}, "2": {1}},
}

func token(t *testing.T, user int, life time.Duration) string {
	t.Helper()
	token, err := issue(secret, user, time.Now().Add(life))
	assert.NoError(t, err)
	return token
}

func serve(t *testing.T, logger *slog.Logger) string {
	t.Helper()
	app, err := New(Config{Secret: secret, Origins: []string{"https://chat.example"}}, directory, logger)
	assert.NoError(t, err)
	return exampletest.Serve(t, app, nil)
}

func TestJWTChat(t *testing.T) {
	var log lockedBuffer
	url := serve(t, slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	forged, err := issue(bytes.Repeat([]byte("x"), 32), 1, time.Now().Add(time.Hour))
	assert.NoError(t, err)
	given := map[string]any{
		"mina": token(t, 1, time.Hour), "jun": token(t, 2, time.Hour), "sora": token(t, 3, time.Hour),
		"expired": token(t, 1, -time.Minute), "unknown": token(t, 404, time.Hour), "forged": forged,
	}
	exampletest.Play(t, "jwtchat.mjs", url, given)
	for name, token := range given { // never logged
		assert.True(t, !strings.Contains(log.String(), token.(string)), name)
	}
}

// An authentication that takes its time: what the client sends meanwhile waits for it.
func TestNoEventIsHandledBeforeTheUserIsKnown(t *testing.T) {
	release := make(chan struct{})
	slow := gateway.AuthenticatorFunc[User](func(ctx context.Context, h *gateway.Handshake) (User, error) {
		<-release
		return User{1, "Mina"}, nil
	})
	app, err := gateway.NewApp(nil, NewChat(directory, slow))
	assert.NoError(t, err)
	url := exampletest.Serve(t, app, nil)
	c := wstest.Dial(t, url+"/socket.io/?EIO=4&transport=websocket")
	assert.True(t, strings.HasPrefix(c.Next(t), "0{"))
	assert.NoError(t, c.SendText(`40/chat,`))
	assert.NoError(t, c.SendText(`42/chat,0["join",1]`))
	close(release)
	assert.True(t, strings.HasPrefix(c.Next(t), `40/chat,{"sid"`))
	c.Expect(t, `42/chat,["getUserList",{"userList":[{"userId":1,"userName":"Mina"}]}]`)
	c.Expect(t, `42/chat,["userJoined",{"userName":"Mina","room":"1"}]`)
	c.Expect(t, `43/chat,0[]`)
}

func TestASocketEndsWithItsToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		app, err := New(Config{Secret: secret}, directory, slog.New(slog.DiscardHandler))
		assert.NoError(t, err)
		in := gatewaytest.Start(t, nil, app)
		c := in.Dial(t, "/chat", gatewaytest.Token(token(t, 1, time.Hour)))
		gatewaytest.Ask[any](t, c, "join", 1)
		time.Sleep(time.Hour + time.Minute) // in the test's own time
		c.ExpectDisconnect(t)
	})
}

func TestRevokedTokensEndTheirSockets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		made, err := New(Config{Secret: secret}, directory, slog.New(slog.DiscardHandler))
		assert.NoError(t, err)
		app := gatewaytest.Start(t, nil, made)
		phone, laptop := token(t, 1, time.Hour), token(t, 1, time.Hour)
		one, two := app.Dial(t, "/chat", gatewaytest.Token(phone)), app.Dial(t, "/chat", gatewaytest.Token(laptop))
		jun := app.Dial(t, "/chat", gatewaytest.Token(token(t, 2, time.Hour)))
		for _, c := range []*gatewaytest.Client{one, two, jun} {
			gatewaytest.Next(t, c, GetUserList) // all are in
		}
		revoked := func(c *gatewaytest.Client) {
			t.Helper()
			assert.Equal(t, gatewaytest.Details[gateway.Denial](t, c.ExpectError(t, gateway.CodeUnauthorized)).Reason, gateway.DeniedRevoked)
			assert.Equal(t, c.ExpectDisconnect(t).Reason, client.ServerDisconnect) // for good: it does not come back by itself
		}
		refused := func(token string) {
			t.Helper()
			err := app.ConnectError(t, gateway.CodeUnauthorized, "/chat", gatewaytest.Token(token))
			assert.Equal(t, gatewaytest.Details[gateway.Denial](t, err).Reason, gateway.DeniedRevoked)
		}

		// The phone is lost.
		var claims jwt.RegisteredClaims
		_, _, err = jwt.NewParser().ParseUnverified(phone, &claims)
		assert.NoError(t, err)
		assert.NoError(t, app.RevokeToken(t.Context(), claims.ID, claims.ExpiresAt.Time))
		revoked(one)
		refused(phone)
		gatewaytest.Ask[any](t, two, "join", 1)
		jun.ExpectNone(t, "userOffline") // she is still there

		// The account is blocked, and then it is not any more.
		assert.NoError(t, app.Revoke(t.Context(), "1"))
		revoked(two)
		refused(laptop)
		assert.Equal(t, gatewaytest.Next(t, jun, UserOffline), User{1, "Mina"})
		time.Sleep(time.Second) // tokens have the second of their issue
		app.Dial(t, "/chat", gatewaytest.Token(token(t, 1, time.Hour)))
		assert.Equal(t, gatewaytest.Next(t, jun, UserOnline), User{1, "Mina"})
		gatewaytest.Ask[any](t, jun, "join", 1)
	})
}

func TestOnlyPagesOfListedOriginsConnect(t *testing.T) {
	url := serve(t, slog.New(slog.DiscardHandler))
	for origin, want := range map[string]int{"": 200, "https://chat.example": 200, "https://evil.example": 403, "null": 403} {
		request, err := http.NewRequest(http.MethodGet, url+"/socket.io/?EIO=4&transport=polling", nil)
		assert.NoError(t, err)
		if origin != "" {
			request.Header.Set("Origin", origin)
		}
		response, err := http.DefaultClient.Do(request)
		assert.NoError(t, err)
		_ = response.Body.Close()
		assert.Equal(t, response.StatusCode, want, origin)
	}
	http.DefaultClient.CloseIdleConnections()
}

func TestASecretThatIsNoneIsAnErrorAtStart(t *testing.T) {
	_, err := New(Config{}, directory, slog.New(slog.DiscardHandler))
	assert.True(t, err != nil, "no secret")
}

func TestTheSecretComesFromTheEnvironment(t *testing.T) {
	t.Setenv("JWT_SECRET_KEY", string(secret))
	t.Setenv("ALLOWED_ORIGINS", "https://a.example,https://b.example")
	assert.Equal(t, configuration(), Config{secret, []string{"https://a.example", "https://b.example"}, ":8080"})
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
