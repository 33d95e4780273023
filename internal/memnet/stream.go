package memnet

import (
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// stream is one direction of a connection.
type stream struct {
	limit int
	delay time.Duration

	mu      sync.Mutex
	changed sync.Cond
	buf     []byte // written and not yet read
	marks   []mark // when what of buf arrives; none without a delay
	ended   bool   // the writer has closed
	endAt   time.Time
	broken  bool // cut: what was under way is lost
	deaf    bool // the reader has closed
	mute    bool // the writer has closed, or cut

	readDeadline, writeDeadline time.Time
}

// mark says when the next n bytes arrive.
type mark struct {
	n  int
	at time.Time
}

func newStream(o *Options) *stream {
	s := &stream{limit: defaultBuffer}
	if o != nil && o.Buffer > 0 {
		s.limit = o.Buffer
	}
	if o != nil && o.Delay != nil {
		s.delay = o.Delay()
	}
	s.changed.L = &s.mu
	return s
}

func (s *stream) set(change func(*stream)) {
	s.mu.Lock()
	change(s)
	s.changed.Broadcast()
	s.mu.Unlock()
}

func (s *stream) read(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		n, next := s.arrived()
		switch {
		case s.deaf:
			return 0, failed("read", net.ErrClosed)
		case passed(s.readDeadline):
			return 0, failed("read", os.ErrDeadlineExceeded)
		case s.broken:
			return 0, failed("read", syscall.ECONNRESET)
		case len(p) == 0:
			return 0, nil
		case n > 0:
			n = copy(p, s.buf[:n])
			s.take(n)
			return n, nil
		case s.ended && len(s.buf) == 0 && !time.Now().Before(s.endAt):
			return 0, io.EOF
		}
		s.wait(s.readDeadline, next)
	}
}

// arrived returns how many bytes can be read, and when more can. The caller holds mu.
func (s *stream) arrived() (n int, next time.Time) {
	if s.delay == 0 {
		return len(s.buf), time.Time{}
	}
	now := time.Now()
	for _, m := range s.marks {
		if m.at.After(now) {
			return n, m.at
		}
		n += m.n
	}
	if s.ended {
		next = s.endAt
	}
	return n, next
}

func (s *stream) take(n int) {
	s.buf = s.buf[n:]
	if len(s.buf) == 0 {
		s.buf = nil
	}
	for n > 0 && len(s.marks) > 0 {
		m := &s.marks[0]
		part := min(n, m.n)
		m.n -= part
		n -= part
		if m.n == 0 {
			s.marks = s.marks[1:]
		}
	}
	s.changed.Broadcast()
}

func (s *stream) write(p []byte) (written int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		switch {
		case s.mute:
			return written, failed("write", net.ErrClosed)
		case passed(s.writeDeadline):
			return written, failed("write", os.ErrDeadlineExceeded)
		case s.deaf:
			return written, failed("write", syscall.EPIPE)
		}
		if n := min(len(p), s.limit-len(s.buf)); n > 0 {
			s.buf = append(s.buf, p[:n]...)
			if s.delay > 0 {
				s.marks = append(s.marks, mark{n, time.Now().Add(s.delay)})
			}
			p, written = p[n:], written+n
			s.changed.Broadcast()
		}
		if len(p) == 0 {
			return written, nil
		}
		s.wait(s.writeDeadline, time.Time{})
	}
}

// wait waits for a change, or until the earlier of the times that are set. The caller
// holds mu.
func (s *stream) wait(a, b time.Time) {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		a = b
	}
	if !a.IsZero() {
		alarm := time.AfterFunc(time.Until(a), func() { s.set(func(*stream) {}) })
		defer alarm.Stop()
	}
	s.changed.Wait()
}

// closeReader reports whether something was left unread.
func (s *stream) closeReader() (unread bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	unread = len(s.buf) > 0 && !s.deaf
	s.deaf, s.buf, s.marks = true, nil, nil
	s.changed.Broadcast()
	return unread
}

func (s *stream) closeWriter() {
	s.set(func(s *stream) {
		if s.mute {
			return
		}
		s.mute, s.ended, s.endAt = true, true, time.Now().Add(s.delay)
	})
}

func (s *stream) cut() {
	s.set(func(s *stream) { s.mute, s.broken, s.buf, s.marks = true, true, nil, nil })
}

func passed(deadline time.Time) bool { return !deadline.IsZero() && !time.Now().Before(deadline) }
