//go:build unix

package websocket

import (
	"net"
	"os"
	"syscall"
)

// rawConn returns access to the socket under a plain connection, or nil where reads
// and writes have to go through net.Conn: TLS, pipes, wrapped connections.
func rawConn(nc net.Conn) syscall.RawConn {
	var sc syscall.Conn
	switch nc := nc.(type) {
	case *net.TCPConn:
		sc = nc
	case *net.UnixConn:
		sc = nc
	default:
		return nil
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return nil
	}
	return raw
}

// rawRead reads what there is. again tells that there is nothing yet.
func rawRead(fd uintptr, p []byte) (n int, again bool, err error) {
	for {
		n, err = readNow(int(fd), p)
		switch {
		case err == nil:
			return n, false, nil
		case err == syscall.EINTR:
		case err == syscall.EAGAIN:
			return 0, true, nil
		default:
			return 0, false, os.NewSyscallError("read", err)
		}
	}
}

// rawWrite writes what the kernel takes at once. again tells that it took less than all.
func rawWrite(fd uintptr, p []byte) (n int, again bool, err error) {
	for n < len(p) {
		m, err := writeNow(int(fd), p[n:])
		switch {
		case err == nil:
			n += m
		case err == syscall.EINTR:
		case err == syscall.EAGAIN:
			return n, true, nil
		default:
			return n, false, os.NewSyscallError("write", err)
		}
	}
	return n, false, nil
}
