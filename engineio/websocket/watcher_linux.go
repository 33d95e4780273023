package websocket

import (
	"os"
	"sync"
	"syscall"
	"unsafe"
)

// watcher waits for the input of all connections that no goroutine reads. Its goroutine
// runs, and its epoll exists, while it knows of any. It reads nothing and never waits for
// a connection.
//
// The epoll is edge-triggered, so that nothing is to be told to the kernel when a message
// has come, and itself watched by the runtime, so that no thread waits in it.
type watcher struct {
	mu     sync.Mutex
	epoll  *os.File // nil while nothing is watched
	fd     int
	conns  []*Conn // by descriptor
	count  int
	serial uint32
	broken bool // the runtime cannot wait for an epoll here
}

var theWatcher watcher

const (
	epollET       = 1 << 31
	watchedEvents = syscall.EPOLLIN | syscall.EPOLLRDHUP | epollET
	hangUpEvents  = syscall.EPOLLRDHUP | syscall.EPOLLHUP | syscall.EPOLLERR
)

// add begins to watch c, and reports false where that cannot be done: there are bounds on
// how much one user may watch. The connection must not be closed meanwhile, or add fails.
func (w *watcher) add(c *Conn) bool {
	added := false
	err := c.raw.Control(func(fd uintptr) {
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.broken || w.epoll == nil && !w.start() {
			return
		}
		w.serial++
		c.fd, c.serial = int32(fd), w.serial
		event := syscall.EpollEvent{Events: watchedEvents, Fd: c.fd, Pad: int32(c.serial)}
		if syscall.EpollCtl(w.fd, syscall.EPOLL_CTL_ADD, int(fd), &event) != nil {
			if w.count == 0 {
				w.stop()
			}
			return
		}
		for len(w.conns) <= int(fd) {
			w.conns = append(w.conns, nil)
		}
		if w.conns[fd] == nil { // else of one that is just being removed
			w.count++
		}
		w.conns[fd] = c
		added = true
	})
	return added && err == nil
}

// remove forgets c before its descriptor is closed, which takes it out of the epoll.
func (w *watcher) remove(c *Conn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if int(c.fd) >= len(w.conns) || w.conns[c.fd] != c {
		return
	}
	w.conns[c.fd] = nil
	if w.count--; w.count == 0 {
		w.stop()
	}
}

// start makes the epoll and the goroutine. Under mu.
func (w *watcher) start() bool {
	fd, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return false
	}
	if err = syscall.SetNonblock(fd, true); err != nil { // as the sign that it can be polled
		_ = syscall.Close(fd)
		return false
	}
	w.epoll, w.fd = os.NewFile(uintptr(fd), "epoll"), fd
	raw, err := w.epoll.SyscallConn()
	if err != nil {
		w.stop()
		return false
	}
	go w.watch(w.epoll, raw)
	return true
}

// stop ends the goroutine. Under mu.
func (w *watcher) stop() {
	_ = w.epoll.Close()
	w.epoll, w.conns = nil, nil
}

// watch is the watcher's goroutine.
func (w *watcher) watch(epoll *os.File, raw syscall.RawConn) {
	var (
		events [128]syscall.EpollEvent
		found  [len(events)]ready
		n      int
	)
	harvest := func(fd uintptr) bool {
		var err error
		n, err = epollNow(int(fd), events[:])
		return n > 0 || err != nil && err != syscall.EINTR
	}
	for raw.Read(harvest) == nil && n >= 0 {
		w.mu.Lock()
		k := w.find(events[:n], found[:])
		w.mu.Unlock()
		for i := range found[:k] {
			found[i].conn.notice(found[i].hup)
			found[i].conn = nil
		}
	}
	w.giveUp(epoll)
}

// look finds what has come for others, without waiting, starts them, and reports whether
// there are any. On a single processor the runtime asks the kernel for input only when
// nobody can run, or every ten milliseconds, so that one client that always has sent more
// would hold up all others by tenths of a second.
func (w *watcher) look() bool {
	var (
		events [32]syscall.EpollEvent
		found  [len(events)]ready
	)
	w.mu.Lock()
	if w.epoll == nil {
		w.mu.Unlock()
		return false
	}
	n, _ := epollNow(w.fd, events[:])
	k := w.find(events[:max(n, 0)], found[:])
	w.mu.Unlock()
	var first []*Conn // who has been here for a while goes before those who come
	for _, r := range found[:k] {
		switch {
		case !r.conn.claim(r.hup):
		case r.conn.rounds < settled:
			go r.conn.resume()
		default:
			first = append(first, r.conn)
		}
	}
	if len(first) > 0 {
		go resumeEach(first)
	}
	return k > 0
}

// epollNow is epoll_wait without waiting.
func epollNow(fd int, events []syscall.EpollEvent) (int, error) {
	n, _, errno := syscall.RawSyscall6(syscall.SYS_EPOLL_PWAIT, uintptr(fd), uintptr(unsafe.Pointer(&events[0])), uintptr(len(events)), 0, 0, 0)
	if errno != 0 {
		return -1, errno
	}
	return int(n), nil
}

// ready is a connection of which there is news.
type ready struct {
	conn *Conn
	hup  bool
}

// find says whom the events are for. Under mu.
func (w *watcher) find(events []syscall.EpollEvent, found []ready) (k int) {
	for _, e := range events {
		if int(e.Fd) >= len(w.conns) {
			continue
		}
		if c := w.conns[e.Fd]; c != nil && c.serial == uint32(e.Pad) {
			found[k] = ready{c, e.Events&hangUpEvents != 0}
			k++
		}
	}
	return k
}

// giveUp leaves the waiting to a goroutine for each connection, unless the watcher has
// been stopped.
func (w *watcher) giveUp(epoll *os.File) {
	w.mu.Lock()
	conns := w.conns
	if w.epoll != epoll {
		conns = nil
	} else {
		w.broken = true
	}
	w.mu.Unlock()
	for i := range conns {
		w.mu.Lock()
		c := conns[i]
		w.mu.Unlock()
		if c != nil {
			c.notice(true)
		}
	}
}
