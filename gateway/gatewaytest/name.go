package gatewaytest

import (
	"context"
	"strings"

	"github.com/kachi-io/kachi/gateway"
)

// ByName is an authenticator for gateways whose own is not what is tested: who says a name
// ([Name]; plain clients and requests over HTTP as their [Token]) is that principal, and the
// name is its key. Who says none is admitted, too, as nobody in particular.
var ByName gateway.Authenticator[string] = byName{}

// Name is the name of a client, for [ByName].
func Name(name string) DialOption { return Auth(map[string]string{"name": name}) }

type byName struct{}

func (byName) Authenticate(_ context.Context, h *gateway.Handshake) (gateway.Identity[string], error) {
	var auth struct{ Name string }
	err := h.DecodeAuth(&auth)
	if token, ok := strings.CutPrefix(h.Header().Get("Authorization"), "Bearer "); ok && auth.Name == "" {
		auth.Name = token
	}
	return gateway.Identity[string]{Principal: auth.Name, Key: auth.Name}, err
}
