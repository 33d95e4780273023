// Package traffic counts messages and bytes, at next to no cost for those who move them.
package traffic

import (
	"sync/atomic"
	"unsafe"
)

// Traffic is what goes both ways.
type Traffic struct{ Received, Sent Counter }

// stripes is how many places a Counter has: processors that count at once mostly meet
// different ones.
const stripes = 16

// Counter counts what many goroutines move. The zero value is ready, and all methods are
// safe for concurrent use. It is for whoever is about to call the operating system, or has
// just done so, with many messages perhaps: an addition then is a hundredth of that.
type Counter struct{ all [stripes]stripe }

// stripe has two cache lines to itself, since processors fetch them in pairs.
type stripe struct {
	messages, bytes atomic.Uint64
	_               [128 - 2*unsafe.Sizeof(atomic.Uint64{})]byte
}

// Add counts messages and bytes. at spreads those that add at once, any number will do.
func (c *Counter) Add(at uint32, messages, bytes int) {
	s := &c.all[at%stripes]
	if messages > 0 {
		s.messages.Add(uint64(messages))
	}
	if bytes > 0 {
		s.bytes.Add(uint64(bytes))
	}
}

// Load returns what was counted.
func (c *Counter) Load() (messages, bytes uint64) {
	for i := range c.all {
		messages += c.all[i].messages.Load()
		bytes += c.all[i].bytes.Load()
	}
	return messages, bytes
}
