// Package ids makes session and socket ids.
package ids

import (
	"crypto/rand"
	"encoding/base64"
	"sync/atomic"
)

var counter atomic.Uint32

// New returns 20 URL-safe characters: 12 random bytes, which nobody can guess, and
// the low 24 bits of a counter, which keep two ids of one process apart whatever the
// random source does. This is the layout that the Node server uses.
func New() string {
	var b [15]byte
	rand.Read(b[:12]) // never fails: crypto/rand ends the process instead
	n := counter.Add(1)
	b[12], b[13], b[14] = byte(n>>16), byte(n>>8), byte(n)
	return base64.RawURLEncoding.EncodeToString(b[:])
}
