package account

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"strings"

	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/gateway/auth"
)

// Service is another service of the same operator, by its number among the tokens.
type Service struct{ Number int }

// Services admits requests that show one of the tokens as Authorization: Bearer. Without
// tokens nobody is admitted.
func Services(tokens []string) gateway.Authenticator[Service] {
	known := make([][32]byte, len(tokens))
	for i, t := range tokens {
		known[i] = sha256.Sum256([]byte(t))
	}
	return gateway.AuthenticatorFunc[Service](func(_ context.Context, h *gateway.Handshake) (Service, error) {
		scheme, token, _ := strings.Cut(h.Header().Get("Authorization"), " ")
		if !strings.EqualFold(scheme, "Bearer") || token == "" {
			return Service{}, gateway.Denied(auth.DeniedMissing, "A service's token is needed")
		}
		shown, found := sha256.Sum256([]byte(strings.TrimSpace(token))), -1
		for i := range known { // all, so that the time says nothing
			if subtle.ConstantTimeCompare(known[i][:], shown[:]) == 1 {
				found = i
			}
		}
		if found < 0 {
			return Service{}, gateway.Denied(auth.DeniedSignature, "That is no service's token")
		}
		return Service{found}, nil
	})
}
