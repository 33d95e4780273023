//go:build linux

package main

import (
	"bytes"
	"encoding/binary"
	"flag"
	"fmt"
	"net"
	"net/netip"
	"os"

	"golang.org/x/sys/unix"
)

const (
	upgraded = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n" // of the key in the RFC's example
	openPacket = `0{"sid":"epoll","upgrades":[],"pingInterval":3600000,"pingTimeout":20000,"maxPayload":1000000}`
)

var (
	headEnd    = []byte("\r\n\r\n")
	connect    = []byte("40")
	connected  = appendFrame(nil, 1, []byte(`40{"sid":"epoll"}`))
	chatPrefix = []byte(`42["chat"`)
	joinPacket = []byte(`420["join"`)
	joined     = appendFrame(nil, 1, []byte("430[]"))
	echoPrefix = []byte(`["echo",`)
)

type conn struct {
	fd       int
	upgraded bool
	member   int // place among the members, -1 outside
	rest     []byte
	out      []byte // what the kernel has not taken
	answer   []byte // to what was just read
	waits    bool   // for room in the kernel
}

type server struct {
	epoll, listener int
	conns           []*conn
	members         []*conn
	gather          bool
	pending         []byte // frames of this turn, for every member
	buf             []byte
}

func main() {
	addr := flag.String("addr", "127.0.0.1:3000", "IPv4 address and port to listen on")
	gather := flag.Bool("gather", false, "write to each member once a turn")
	flag.Parse()
	s := &server{gather: *gather, buf: make([]byte, 1<<20)}
	if err := s.listen(*addr); err != nil {
		fmt.Fprintln(os.Stderr, "epoll:", err)
		os.Exit(1)
	}
	fmt.Println("listening on", *addr)
	s.serve()
}

func (s *server) listen(addr string) error {
	at, err := netip.ParseAddrPort(addr)
	if err != nil {
		return err
	}
	if !at.Addr().Is4() {
		return &net.AddrError{Err: "not an IPv4 address", Addr: addr}
	}
	var limit unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &limit) == nil {
		limit.Cur = limit.Max
		_ = unix.Setrlimit(unix.RLIMIT_NOFILE, &limit)
	}
	if s.listener, err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0); err != nil {
		return err
	}
	_ = unix.SetsockoptInt(s.listener, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1)
	if err := unix.Bind(s.listener, &unix.SockaddrInet4{Port: int(at.Port()), Addr: at.Addr().As4()}); err != nil {
		return err
	}
	if err := unix.Listen(s.listener, 4096); err != nil {
		return err
	}
	if s.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return err
	}
	return unix.EpollCtl(s.epoll, unix.EPOLL_CTL_ADD, s.listener, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(s.listener)})
}

func (s *server) serve() {
	events := make([]unix.EpollEvent, 512)
	for {
		n, err := unix.EpollWait(s.epoll, events, -1)
		if err != nil && err != unix.EINTR { //nolint:errorlint // an errno
			fmt.Fprintln(os.Stderr, "epoll:", err)
			return
		}
		for _, event := range events[:max(n, 0)] {
			if int(event.Fd) == s.listener {
				s.accept()
				continue
			}
			c := s.conns[event.Fd]
			if c == nil {
				continue
			}
			if event.Events&unix.EPOLLOUT != 0 {
				s.write(c, nil)
			}
			if event.Events&^unix.EPOLLOUT != 0 && s.conns[c.fd] == c {
				s.read(c)
			}
		}
		s.deliver()
	}
}

func (s *server) accept() {
	for range 256 {
		fd, _, err := unix.Accept4(s.listener, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
		if err != nil {
			return
		}
		_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
		for len(s.conns) <= fd {
			s.conns = append(s.conns, nil)
		}
		s.conns[fd] = &conn{fd: fd, member: -1}
		_ = unix.EpollCtl(s.epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)})
	}
}

func (s *server) end(c *conn) {
	if s.conns[c.fd] != c {
		return
	}
	s.conns[c.fd] = nil
	_ = unix.Close(c.fd)
	if c.member >= 0 {
		last := s.members[len(s.members)-1]
		s.members[c.member] = last
		last.member = c.member
		s.members = s.members[:len(s.members)-1]
		c.member = -1
	}
}

func (s *server) read(c *conn) {
	kept := copy(s.buf, c.rest)
	n, err := unix.Read(c.fd, s.buf[kept:])
	if err == unix.EAGAIN || err == unix.EINTR { //nolint:errorlint // an errno
		return
	}
	if err != nil || n <= 0 || kept+n == len(s.buf) {
		s.end(c)
		return
	}
	p := s.buf[:kept+n]
	if !c.upgraded {
		end := bytes.Index(p, headEnd)
		if end < 0 {
			c.rest = append(c.rest[:0], p...)
			return
		}
		c.upgraded = true
		p = p[end+len(headEnd):]
		c.answer = append(c.answer, upgraded...)
		c.answer = appendFrame(c.answer, 1, []byte(openPacket))
	}
	for {
		opcode, payload, size := parseFrame(p)
		if size == 0 {
			break
		}
		p = p[size:]
		if opcode == 8 {
			s.end(c)
			return
		}
		s.packet(c, payload)
	}
	c.rest = append(c.rest[:0], p...)
	if len(p) == 0 && cap(c.rest) > 4096 {
		c.rest = nil
	}
	if len(c.answer) > 0 {
		s.write(c, c.answer)
		c.answer = c.answer[:0]
	}
}

func (s *server) packet(c *conn, p []byte) {
	switch {
	case bytes.HasPrefix(p, chatPrefix):
		s.pending = appendFrame(s.pending, 1, p)
		if !s.gather {
			s.deliver()
		}
	case bytes.Equal(p, connect):
		c.answer = append(c.answer, connected...)
	case bytes.HasPrefix(p, joinPacket):
		if c.member < 0 {
			c.member = len(s.members)
			s.members = append(s.members, c)
		}
		c.answer = append(c.answer, joined...)
	default:
		i := bytes.IndexByte(p, '[')
		if i > 2 && bytes.HasPrefix(p[i:], echoPrefix) {
			p[1] = '3'
			c.answer = appendFrame(c.answer, 1, p[:i+1], p[i+len(echoPrefix):])
		}
	}
}

func (s *server) deliver() {
	if len(s.pending) == 0 {
		return
	}
	for i := len(s.members) - 1; i >= 0; i-- { // from the end: one that is gone moves the last
		s.write(s.members[i], s.pending)
	}
	s.pending = s.pending[:0]
}

// write sends p behind what waits. Nothing bounds what waits: this is a yardstick.
func (s *server) write(c *conn, p []byte) {
	if len(c.out) > 0 {
		c.out = append(c.out, p...)
		p = c.out
	}
	n, err := 0, error(nil)
	if len(p) > 0 {
		n, err = unix.Write(c.fd, p)
	}
	if err != nil && err != unix.EAGAIN && err != unix.EINTR { //nolint:errorlint // an errno
		s.end(c)
		return
	}
	n = max(n, 0)
	if len(c.out) > 0 {
		c.out = c.out[:copy(c.out, c.out[n:])]
	} else if n < len(p) {
		c.out = append(c.out, p[n:]...)
	}
	if waits := len(c.out) > 0; waits != c.waits {
		c.waits = waits
		events := uint32(unix.EPOLLIN)
		if waits {
			events |= unix.EPOLLOUT
		}
		_ = unix.EpollCtl(s.epoll, unix.EPOLL_CTL_MOD, c.fd, &unix.EpollEvent{Events: events, Fd: int32(c.fd)})
	}
}

func appendFrame(dst []byte, opcode byte, parts ...[]byte) []byte {
	n := 0
	for _, part := range parts {
		n += len(part)
	}
	dst = append(dst, 0x80|opcode)
	switch {
	case n < 126:
		dst = append(dst, byte(n))
	case n < 1<<16:
		dst = append(dst, 126, byte(n>>8), byte(n))
	default:
		dst = append(dst, 127)
		dst = binary.BigEndian.AppendUint64(dst, uint64(n))
	}
	for _, part := range parts {
		dst = append(dst, part...)
	}
	return dst
}

// parseFrame unmasks the first frame of p in place; size is 0 when it is not whole.
func parseFrame(p []byte) (opcode byte, payload []byte, size int) {
	if len(p) < 6 {
		return 0, nil, 0
	}
	n, head := int(p[1]&0x7f), 6
	switch n {
	case 126:
		n, head = int(binary.BigEndian.Uint16(p[2:])), 8
	case 127:
		if len(p) < 14 {
			return 0, nil, 0
		}
		n, head = int(binary.BigEndian.Uint64(p[2:])&(1<<31-1)), 14
	}
	if len(p) < head+n {
		return 0, nil, 0
	}
	mask := binary.LittleEndian.Uint32(p[head-4:])
	payload = p[head : head+n]
	if mask != 0 {
		for i := range payload {
			payload[i] ^= byte(mask >> (i % 4 * 8))
		}
	}
	return p[0] & 0x0f, payload, head + n
}
