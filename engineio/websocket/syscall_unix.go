//go:build unix && (!linux || race)

package websocket

import "syscall"

// The race detector takes what is written and read for an order between goroutines, if it
// sees the calls.

func readNow(fd int, p []byte) (int, error)  { return syscall.Read(fd, p) }
func writeNow(fd int, p []byte) (int, error) { return syscall.Write(fd, p) }
