//go:build !unix

package mariadbtest

import "os"

// folder makes a folder. Nothing can be locked here.
func folder() (dir string, unlock func(), err error) {
	dir, err = os.MkdirTemp("", "kachi-mariadb-")
	return dir, func() {}, err
}

// sweep cannot tell here which folders are no longer used.
func sweep() {}
