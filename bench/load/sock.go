//go:build linux

package main

import (
	"errors"
	"unsafe"

	"golang.org/x/sys/unix"
)

// sock is one non-blocking TCP connection.
type sock struct {
	l          *loop
	fd         int
	to         receiver
	connecting bool
	watched    uint32 // what epoll has been asked for
	deaf       bool   // never read
	rest       []byte // came, and is not whole yet
	out        []byte // what the kernel has not taken
	skip       int    // bytes of a large frame that are not looked at
	eager      bool   // wants writable whenever the kernel has room
	bytes      uint64 // that were read
	ended      bool
	rude       bool // an attacker's: others go first
}

// receiver owns a socket.
type receiver interface {
	connected(s *sock)
	// read is given all that has come and is not consumed; it returns how much it used.
	read(s *sock, p []byte) int
	// writable is called on eager sockets.
	writable(s *sock)
	ended(s *sock, why string)
}

// dial begins to connect from the source address, and returns before it is connected.
func (l *loop) dial(to receiver, target *unix.SockaddrInet4, source [4]byte, receiveBuffer int) (*sock, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	fail := func(err error) (*sock, error) {
		_ = unix.Close(fd)
		return nil, err
	}
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	if receiveBuffer > 0 {
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, receiveBuffer)
	}
	if source != [4]byte{} {
		// The port is chosen when the target is known, so that it may serve once for each.
		_ = unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1)
		if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: source}); err != nil {
			return fail(err)
		}
	}
	if err := unix.Connect(fd, target); err != nil && !errors.Is(err, unix.EINPROGRESS) {
		return fail(err)
	}
	s := &sock{l: l, fd: fd, to: to, connecting: true}
	for len(l.socks) <= fd {
		l.socks = append(l.socks, nil)
	}
	s.watched = unix.EPOLLIN | unix.EPOLLOUT
	if err := unix.EpollCtl(l.epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: s.watched, Fd: int32(fd)}); err != nil {
		return fail(err)
	}
	l.socks[fd] = s
	l.live++
	return s, nil
}

func (s *sock) handle(events uint32) {
	if s.connecting {
		if errno, _ := unix.GetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_ERROR); errno != 0 {
			s.fail("connect: " + unix.Errno(errno).Error())
			return
		}
		if events&unix.EPOLLOUT == 0 {
			return
		}
		s.connecting = false
		s.to.connected(s)
		s.watch()
	}
	if events&unix.EPOLLOUT != 0 && !s.ended {
		s.push()
		if s.eager && len(s.out) == 0 && !s.ended {
			s.to.writable(s)
		}
		s.watch()
	}
	if s.ended {
		return
	}
	if s.deaf {
		if events&(unix.EPOLLERR|unix.EPOLLHUP) != 0 {
			s.fail("reset")
		}
		return
	}
	if events&(unix.EPOLLIN|unix.EPOLLERR|unix.EPOLLHUP) != 0 {
		s.receive()
	}
}

// receive reads once: epoll tells again when there is more, and the others have their
// turn before.
func (s *sock) receive() {
	buf := s.l.buf
	if len(s.rest) >= len(buf)/2 {
		s.fail("a message larger than the generator's buffer")
		return
	}
	kept := copy(buf, s.rest)
	n, errno := rawRead(s.fd, buf[kept:])
	switch {
	case errno == unix.EAGAIN || errno == unix.EINTR:
		return
	case errno != 0:
		s.fail("read: " + errno.Error())
		return
	case n == 0:
		s.fail("end of stream")
		return
	}
	s.bytes += uint64(n)
	all := buf[:kept+n]
	if s.skip > 0 {
		n := min(s.skip, len(all))
		s.skip -= n
		all = all[n:]
		if s.skip > 0 {
			s.rest = s.rest[:0]
			return
		}
	}
	used := s.to.read(s, all)
	if s.ended {
		return
	}
	s.rest = append(s.rest[:0], all[used:]...)
}

// write sends p, or keeps what the kernel does not take.
func (s *sock) write(p []byte) {
	if s.ended {
		return
	}
	if len(s.out) == 0 && !s.connecting {
		n, errno := rawWrite(s.fd, p)
		if errno != 0 && errno != unix.EAGAIN && errno != unix.EINTR {
			s.fail("write: " + errno.Error())
			return
		}
		if p = p[n:]; len(p) == 0 {
			return
		}
	}
	s.out = append(s.out, p...)
	s.watch()
}

// push writes what waits.
func (s *sock) push() {
	if len(s.out) == 0 {
		return
	}
	n, errno := rawWrite(s.fd, s.out)
	if errno != 0 && errno != unix.EAGAIN && errno != unix.EINTR {
		s.fail("write: " + errno.Error())
		return
	}
	s.out = s.out[:copy(s.out, s.out[n:])]
}

// watch asks epoll for what the socket's state calls for.
func (s *sock) watch() {
	if s.ended || s.connecting {
		return
	}
	var want uint32
	if !s.deaf {
		want |= unix.EPOLLIN
	}
	if len(s.out) > 0 || s.eager {
		want |= unix.EPOLLOUT
	}
	if want == s.watched {
		return
	}
	s.watched = want
	_ = unix.EpollCtl(s.l.epoll, unix.EPOLL_CTL_MOD, s.fd, &unix.EpollEvent{Events: want, Fd: int32(s.fd)})
}

func (s *sock) fail(why string) {
	if s.ended {
		return
	}
	s.abort()
	s.to.ended(s, why)
}

// abort closes with a reset, as a machine does that is switched off: nothing is left
// behind on the client's side, where waiting ports would soon run out.
func (s *sock) abort() {
	if s.ended {
		return
	}
	s.ended = true
	s.l.live--
	s.l.socks[s.fd] = nil
	_ = unix.SetsockoptLinger(s.fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
	_ = unix.Close(s.fd)
	s.rest, s.out = nil, nil
}

// rawRead and rawWrite do not tell Go's scheduler: the calls never block.

func rawRead(fd int, p []byte) (int, unix.Errno) {
	n, _, errno := unix.RawSyscall(unix.SYS_READ, uintptr(fd), uintptr(unsafe.Pointer(&p[0])), uintptr(len(p)))
	if errno != 0 {
		return 0, errno
	}
	return int(n), 0
}

func rawWrite(fd int, p []byte) (int, unix.Errno) {
	n, _, errno := unix.RawSyscall(unix.SYS_WRITE, uintptr(fd), uintptr(unsafe.Pointer(&p[0])), uintptr(len(p)))
	if errno != 0 {
		return 0, errno
	}
	return int(n), 0
}
