package websocket

import "time"

// BreakWatcher makes the watcher fail, and returns what mends it once its connections
// have ended.
func BreakWatcher() (mend func()) {
	w := &theWatcher
	w.mu.Lock()
	epoll := w.epoll
	w.mu.Unlock()
	_ = epoll.Close()
	broken := func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		return w.broken
	}
	for !broken() {
		time.Sleep(time.Millisecond)
	}
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.broken = false
		w.stop()
		w.count = 0
	}
}
