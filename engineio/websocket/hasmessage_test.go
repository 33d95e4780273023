package websocket

import (
	"strings"
	"testing"

	"github.com/kachi-io/kachi/internal/assert"
)

// HasMessage says yes only where Read will not wait.
func TestHasMessage(t *testing.T) {
	small := "\x81\x83abcdxyz" // text, masked, 3 bytes
	large := "\x82\xfe\x01\x00abcd" + strings.Repeat("x", 256)
	for _, row := range []struct {
		name, input string
		want        bool
	}{
		{"nothing", "", false},
		{"half a header", small[:1], false},
		{"a header", small[:6], false},
		{"not all of it", small[:8], false},
		{"a message", small, true},
		{"a message and more", small + small[:3], true},
		{"an empty message", "\x81\x80abcd", true},
		{"a longer one", large, true},
		{"not all of a longer one", large[:len(large)-1], false},
		{"its length is cut", large[:3], false},
		{"eight bytes of length", "\x82\xff\x00\x00\x00\x00\x00\x00\x00\x01abcdx", false},
		{"a fragment", "\x01\x83abcdxyz", false},
		{"the last fragment", "\x80\x83abcdxyz", false},
		{"a ping", "\x89\x80abcd", false},
	} {
		c := &Conn{}
		c.in = []byte(row.input)
		assert.Equal(t, c.HasMessage(), row.want, row.name)
	}
}
