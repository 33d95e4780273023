package mysqlserver

import (
	"testing"

	"golang.org/x/sys/unix"
)

// Pause stops the server in the middle of what it does, as a machine that hangs: its
// connections stay, new ones are taken by the kernel, nothing is answered. The server
// must run. Linux only.
func (s *Server) Pause(t testing.TB) {
	t.Helper()
	s.signal(t, unix.SIGSTOP, unix.WSTOPPED)
}

// Resume lets a paused server go on. Linux only.
func (s *Server) Resume(t testing.TB) {
	t.Helper()
	s.signal(t, unix.SIGCONT, unix.WCONTINUED)
}

// signal waits until the signal has done its work: a thread of the server that is running
// stops a moment later.
func (s *Server) signal(t testing.TB, signal unix.Signal, done int) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running == nil {
		t.Fatal("the server is stopped")
	}
	process := s.running.cmd.Process
	if err := process.Signal(signal); err != nil {
		t.Fatal(err)
	}
	err := unix.EINTR
	for err == unix.EINTR {
		err, _ = unix.Waitid(unix.P_PID, process.Pid, nil, done, nil).(unix.Errno)
	}
	if err != 0 {
		t.Fatal(err)
	}
}
