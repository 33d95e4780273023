//go:build !race

package websocket

import (
	"syscall"
	"unsafe"
)

// What cannot block is called without telling the runtime that it may. With one processor
// that saves more than the 50 ns: a goroutine that the runtime believes to be blocked, after
// some 20 µs, finds itself at the very end of the queue when it comes back, behind all who
// have come meanwhile.

// shortLen is how many bytes are copied by such a call at most: while it runs, the collector
// may have to wait.
const shortLen = 64 << 10

func readNow(fd int, p []byte) (int, error) {
	if len(p) == 0 || len(p) > shortLen {
		return syscall.Read(fd, p)
	}
	n, _, errno := syscall.RawSyscall(syscall.SYS_READ, uintptr(fd), uintptr(unsafe.Pointer(&p[0])), uintptr(len(p)))
	return result(n, errno)
}

func writeNow(fd int, p []byte) (int, error) {
	if len(p) == 0 || len(p) > shortLen {
		return syscall.Write(fd, p)
	}
	n, _, errno := syscall.RawSyscall(syscall.SYS_WRITE, uintptr(fd), uintptr(unsafe.Pointer(&p[0])), uintptr(len(p)))
	return result(n, errno)
}

func result(n uintptr, errno syscall.Errno) (int, error) {
	if errno != 0 {
		return -1, errno
	}
	return int(n), nil
}
