//go:build unix

package nodetest

import (
	"os"
	"syscall"
)

// exclusive waits until no other process holds the file's lock, and takes it.
func exclusive(path string) (unlock func(), err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	for {
		if err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != syscall.EINTR {
			break
		}
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return func() { f.Close() }, nil // closing gives the lock up
}
