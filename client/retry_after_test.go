package client

import (
	"testing"
	"time"

	"github.com/kachi-io/kachi/internal/assert"
)

func TestRetryAfter(t *testing.T) {
	now := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"":                              0,
		"soon":                          0,
		"-5":                            0,
		"0":                             0,
		"7":                             7 * time.Second,
		"4000000000":                    maxRetryAfter,
		"99999999999999999999":          0,
		"Wed, 02 Jan 2030 03:04:35 GMT": 30 * time.Second,
		"Wed, 02 Jan 2030 03:04:00 GMT": 0,
		"Thu, 02 Jan 2031 03:04:35 GMT": maxRetryAfter,
	} {
		assert.Equal(t, retryAfter(value, now), want, value)
	}
}
