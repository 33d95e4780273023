//go:build unix

package mysqlserver

import (
	"os"
	"path/filepath"
	"syscall"
)

const prefix = "kachi-mysql-"

// folder makes a folder that is this process's until it is unlocked, or the process is
// gone.
func folder() (dir string, unlock func(), err error) {
	dir, err = os.MkdirTemp("", prefix)
	if err != nil {
		return "", nil, err
	}
	f, err := os.OpenFile(filepath.Join(dir, "locking"), os.O_CREATE|os.O_RDWR, 0o600)
	if err == nil {
		err = tryLock(f)
	}
	if err == nil { // under the name that sweep looks for only when it is locked
		err = os.Rename(f.Name(), filepath.Join(dir, "lock"))
	}
	if err != nil {
		f.Close()
		os.RemoveAll(dir)
		return "", nil, err
	}
	return dir, func() { f.Close() }, nil // closing gives the lock up
}

// sweep removes the folders of this user's processes that are gone.
func sweep() {
	dirs, _ := filepath.Glob(filepath.Join(os.TempDir(), prefix+"*"))
	for _, dir := range dirs {
		info, err := os.Lstat(dir)
		if err != nil || !info.IsDir() {
			continue
		}
		if stat, ok := info.Sys().(*syscall.Stat_t); !ok || int(stat.Uid) != os.Geteuid() {
			continue
		}
		f, err := os.Open(filepath.Join(dir, "lock"))
		if err != nil {
			continue
		}
		if tryLock(f) == nil {
			os.RemoveAll(dir)
		}
		f.Close()
	}
}

func tryLock(f *os.File) error {
	for {
		if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != syscall.EINTR {
			return err
		}
	}
}
