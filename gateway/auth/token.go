package auth

import (
	"encoding/json"
	"strings"

	"github.com/kachi-io/kachi/gateway"
)

// maxToken is how many bytes a token may have: net/http takes 1 MB of headers, and nothing
// good is that long.
const maxToken = 8 << 10

// find returns the token that a client came with, from the first place that has one.
func find(o *Options, h *gateway.Handshake) (string, error) {
	var auth map[string]json.RawMessage
	if json.Unmarshal(h.Auth(), &auth) == nil {
		if raw, ok := auth["token"]; ok && string(raw) != "null" {
			var text string
			if json.Unmarshal(raw, &text) != nil {
				return "", errMalformed
			}
			if t := unprefixed(text); t != "" {
				return t, nil
			}
		}
	}
	if t, ok := bearer(h.Header().Get("Authorization")); ok && t != "" {
		return t, nil
	}
	if o.Cookie != "" {
		if t := h.Cookie(o.Cookie); t != "" {
			return t, nil
		}
	}
	if o.Query != "" {
		if t := h.Query().Get(o.Query); t != "" {
			return t, nil
		}
	}
	return "", errMissing
}

// unprefixed takes "Bearer " off, which some clients put there.
func unprefixed(text string) string {
	if t, ok := bearer(text); ok {
		return t
	}
	return strings.TrimSpace(text)
}

// bearer returns the credentials of the scheme Bearer (RFC 6750, 2.1).
func bearer(header string) (string, bool) {
	scheme, credentials, _ := strings.Cut(strings.TrimSpace(header), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return "", false
	}
	return strings.TrimSpace(credentials), true
}
