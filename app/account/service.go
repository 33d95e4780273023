package account

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"strings"

	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/gateway/auth"
)

// Service is another service of the same operator, by a name that its token gives it: the same
// for as long as it has that one.
type Service struct{ Name string }

// Services admits requests that show one of the tokens as Authorization: Bearer. Without
// tokens nobody is admitted.
func Services(tokens []string) gateway.Authenticator[Service] {
	known := hashed(tokens)
	return gateway.AuthenticatorFunc[Service](func(_ context.Context, h *gateway.Handshake) (Service, error) {
		return serviceOf(known, h.Header().Get("Authorization"))
	})
}

func serviceOf(known [][32]byte, header string) (Service, error) {
	scheme, token, _ := strings.Cut(header, " ")
	if token = strings.TrimSpace(token); !strings.EqualFold(scheme, "Bearer") || token == "" {
		return Service{}, gateway.Denied(auth.DeniedMissing, "A service's token is needed")
	}
	shown, found := sha256.Sum256([]byte(token)), 0
	for i := range known { // all, so that the time says nothing
		found |= subtle.ConstantTimeCompare(known[i][:], shown[:])
	}
	if found == 0 {
		return Service{}, gateway.Denied(auth.DeniedSignature, "That is no service's token")
	}
	return Service{hex.EncodeToString(shown[:8])}, nil
}

func hashed(tokens []string) [][32]byte {
	all := make([][32]byte, len(tokens))
	for i, t := range tokens {
		all[i] = sha256.Sum256([]byte(t))
	}
	return all
}
