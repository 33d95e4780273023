//go:build !linux

package mysqlserver

import "os/exec"

// dieWithParent does nothing here: after a test process that was killed, end its
// servers by hand.
func dieWithParent(*exec.Cmd) {}
