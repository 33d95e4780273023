package account_test

import (
	"strings"
	"testing"

	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/internal/assert"
)

// reason is why somebody was refused.
func reason(t *testing.T, err error) string {
	t.Helper()
	coded := assert.ErrorAs[*gateway.Error](t, err)
	assert.Equal(t, coded.Code, gateway.CodeUnauthorized)
	denial, ok := coded.Details.(gateway.Denial)
	assert.True(t, ok, coded.Details)
	return denial.Reason
}

func contains(text string, all ...string) bool {
	for _, part := range all {
		if !strings.Contains(text, part) {
			return false
		}
	}
	return true
}

func cut(token string) (family, secret string, ok bool) { return strings.Cut(token, ".") }
