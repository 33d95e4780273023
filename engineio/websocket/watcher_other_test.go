//go:build !linux

package websocket

// BreakWatcher has nothing to break here.
func BreakWatcher() (mend func()) { return func() {} }
