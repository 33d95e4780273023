package asyncapi_test

import (
	"context"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/internal/assert"
)

// sessions admits by tokens "name number". Some names are special.
type sessions struct {
	mu   sync.Mutex
	seen map[string]int
}

func (s *sessions) identify(token string) (id gateway.Identity[string], err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen[token]++
	id = gateway.Identity[string]{Principal: token, Key: token[:min(len(token), 3)], Expires: time.Now().Add(time.Hour)}
	switch {
	case token == "":
		return id, gateway.Denied("missing", "A token is needed")
	case token == "brief":
		id.Key, id.Expires = "car", time.Now().Add(time.Second)
	case token == "stale":
		return id, gateway.Denied(gateway.DeniedExpired, "Too old")
	case token == "busy" && s.seen[token] == 1:
		return id, gateway.NewError(gateway.CodeUnavailable, "Later")
	}
	return id, nil
}

func (s *sessions) Authenticate(_ context.Context, h *gateway.Handshake) (gateway.Identity[string], error) {
	var auth struct{ Token string }
	if err := h.DecodeAuth(&auth); err != nil {
		return gateway.Identity[string]{}, err
	}
	return s.identify(auth.Token)
}

func (s *sessions) Refresh(_ context.Context, _ *gateway.Handshake, token string) (gateway.Identity[string], error) {
	return s.identify(token)
}

type (
	Purchase struct {
		ID   string `json:"id" validate:"omitempty,max=36"`
		What string `json:"what"`
	}
	AnyPurchase struct {
		ID   *string `json:"id,omitempty"`
		What string  `json:"what"`
	}
	ShortPurchase struct {
		ID   string `json:"id,omitempty" validate:"omitempty,max=35"`
		What string `json:"what"`
	}
	session = *gateway.Context[string]
)

// TestClientsComeBack has clients meet all that keeps them from being connected.
func TestClientsComeBack(t *testing.T) {
	program, err := os.ReadFile("testdata/tokens.ts")
	assert.NoError(t, err)
	var app *gateway.App
	app = newApp(t, gateway.New("/session", gateway.Authenticator[string](&sessions{seen: map[string]int{}}), func(g *gateway.Namespace[string]) {
		gateway.On(g, "who", func(c session, _ gateway.None) (string, error) { return c.Principal, nil })
		gateway.Handle(g, "warn", func(c session, _ gateway.None) error { // when the server itself does, is told by its own tests
			return c.Socket().Emit("tokenExpiring", gateway.TokenExpiry{ExpiresAt: time.Now()})
		})
		gateway.Handle(g, "signOut", func(c session, _ gateway.None) error { return app.Revoke(c, c.Key()) })
		gateway.On(g, "order", func(_ session, in Purchase) (string, error) { return in.ID, nil }).
			Idempotent(time.Minute, func(in Purchase) string { return in.ID })
		gateway.On(g, "orderAny", func(_ session, in *AnyPurchase) (*string, error) {
			if in == nil {
				return nil, nil
			}
			return in.ID, nil
		}).Idempotent(time.Minute, func(in *AnyPurchase) string {
			if in == nil || in.ID == nil {
				return ""
			}
			return *in.ID
		})
		gateway.On(g, "orderShort", func(_ session, in ShortPurchase) (string, error) { return in.ID, nil }).
			Idempotent(time.Minute, func(in ShortPurchase) string { return in.ID })
	}), gateway.New("/other", gateway.Anyone, func(g *gateway.Namespace[gateway.Nobody]) {
		gateway.Handle(g, "x", func(nobody, gateway.None) error { return nil })
	}))
	type list = []any
	assert.Equal(t, runProgram(t, app, program), map[string]any{
		"first":  "ann 1",
		"warned": list{list{"connecting", "connected"}, list{"Error: no answer 2", "Error: no answer 3"}},
		"lost":   list{"bob 3", list{"connecting", "connected"}, 2.0},
		"shared": true, "still": "ann 4",
		"late":    list{true, "connected"},
		"busy":    list{"connecting", "connecting unavailable", "connected"},
		"stale":   list{"connecting", "connecting unauthorized expired", "connected"},
		"nobody":  list{list{"unauthorized", "missing"}, list{"disconnected", "the client is not connected"}, list{"connecting", "closed unauthorized missing"}},
		"revoked": list{list{"connecting", "connected", "closed unauthorized revoked"}, list{"disconnected", "the client is not connected"}},
		"again":   list{list{"unauthorized", "revoked"}, list{"connecting", "closed unauthorized revoked"}},
		"id":      true, "mine": "mine", "pointer": 36.0, "null": nil, "short": "",
		"closed": list{"closed", list{"disconnected", "the client is closed"}},
		"later":  "closed", "fay": "fay",
	})
}
