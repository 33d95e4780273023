//go:build !unix

package websocket

import (
	"errors"
	"net"
	"syscall"
)

// Elsewhere all connections are read and written through net.Conn: Windows has no
// non-blocking sockets that could be used beside the runtime's poller.
func rawConn(net.Conn) syscall.RawConn { return nil }

func rawRead(uintptr, []byte) (int, bool, error)  { return 0, false, errors.ErrUnsupported }
func rawWrite(uintptr, []byte) (int, bool, error) { return 0, false, errors.ErrUnsupported }
