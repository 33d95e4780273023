//go:build !unix

package mysqlserver

import "os"

// folder makes a folder. Nothing can be locked here.
func folder() (dir string, unlock func(), err error) {
	dir, err = os.MkdirTemp("", "kachi-mysql-")
	return dir, func() {}, err
}

// sweep cannot tell here which folders are no longer used.
func sweep() {}
