//go:build !linux

package mariadbtest

import "os/exec"

// dieWithParent does nothing here: after a test process that was killed, end its
// mariadbd by hand.
func dieWithParent(*exec.Cmd) {}
