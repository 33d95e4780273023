//go:build linux

package main

import (
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	readBuffer = 256 << 10
	maxEvents  = 512
)

// loop watches all sockets from one thread. Nothing in it may be used from another
// goroutine.
type loop struct {
	epoll   int
	started time.Time
	now     int64 // nanoseconds since started; renewed for each event
	socks   []*sock
	events  []unix.EpollEvent
	buf     []byte // what is being read: shared by all, a socket keeps only what is incomplete
	dirty   []*client
	live    int // sockets that are open
}

func newLoop() (*loop, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, err
	}
	return &loop{
		epoll:   fd,
		started: time.Now(),
		events:  make([]unix.EpollEvent, maxEvents),
		buf:     make([]byte, readBuffer),
	}, nil
}

// close ends every socket at once, with a reset.
func (l *loop) close() {
	for _, s := range l.socks {
		if s != nil {
			s.abort()
		}
	}
	_ = unix.Close(l.epoll)
}

func (l *loop) clock() int64 {
	l.now = int64(time.Since(l.started))
	return l.now
}

// run calls step before each wait, until it says that it is done. wake is when step
// wants to be called again although nothing has come.
func (l *loop) run(step func(now int64) (wake int64, done bool)) {
	for {
		wake, done := step(l.clock())
		l.flush()
		if done {
			return
		}
		l.wait(wake - l.clock())
		l.flush()
	}
}

// flush sends what the events of this turn have led to, one write for each client.
func (l *loop) flush() {
	for i := 0; i < len(l.dirty); i++ { // it may grow meanwhile
		c := l.dirty[i]
		c.dirty = false
		c.flush()
	}
	l.dirty = l.dirty[:0]
}

func (l *loop) wait(timeout int64) {
	n := l.poll()
	if n == 0 && timeout > 0 {
		n = l.block(timeout)
	}
	rude := 0
	for _, event := range l.events[:n] {
		switch s := l.socks[event.Fd]; {
		case s == nil: // ended by an event before this one
		case s.rude:
			rude++
		default:
			l.clock()
			s.handle(event.Events)
		}
	}
	if rude > 0 {
		l.bear(l.events[:n])
	}
}

// patience is for how many attackers there is time in one turn. The kernel names the rest
// again in the next.
const patience = 4

// bear handles attackers' events after those of the others, whose latency is measured.
func (l *loop) bear(events []unix.EpollEvent) {
	left := patience
	for _, event := range events {
		if s := l.socks[event.Fd]; s != nil && s.rude && left > 0 {
			left--
			l.clock()
			s.handle(event.Events)
		}
	}
}

// poll asks without waiting and without telling Go's scheduler, which costs a tenth of a
// microsecond: under load it always finds something.
func (l *loop) poll() int {
	n, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(l.epoll),
		uintptr(unsafe.Pointer(&l.events[0])), uintptr(len(l.events)), 0, 0, 0)
	if errno != 0 {
		return 0
	}
	return int(n)
}

// block waits for at most timeout nanoseconds. epoll_wait counts in milliseconds, too
// coarse for a schedule; epoll_pwait2 takes nanoseconds.
func (l *loop) block(timeout int64) int {
	ts := unix.NsecToTimespec(min(timeout, int64(time.Second)))
	n, _, errno := unix.Syscall6(unix.SYS_EPOLL_PWAIT2, uintptr(l.epoll),
		uintptr(unsafe.Pointer(&l.events[0])), uintptr(len(l.events)), uintptr(unsafe.Pointer(&ts)), 0, 0)
	if errno != 0 {
		return 0
	}
	return int(n)
}

// raiseLimit lets the process have as many descriptors as it may, and returns how many.
func raiseLimit() int {
	var limit unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &limit) != nil {
		return 1024
	}
	limit.Cur = limit.Max
	_ = unix.Setrlimit(unix.RLIMIT_NOFILE, &limit)
	_ = unix.Getrlimit(unix.RLIMIT_NOFILE, &limit)
	return int(min(limit.Cur, 1<<20))
}
