// Package external finds the programs that tests use: browsers and servers that are not
// part of the project.
package external

import (
	"os"
	"os/exec"
	"testing"
)

// All is the environment variable under which a missing program fails a test. `make
// test` sets it; without it the test is skipped.
const All = "KACHI_TEST_ALL"

// Program returns the path of the first of the commands that is installed. When none
// is, the test is skipped, or fails where everything must be tested.
func Program(t testing.TB, commands ...string) string {
	t.Helper()
	for _, command := range commands {
		if path, err := exec.LookPath(command); err == nil {
			return path
		}
	}
	Missing(t, "none of %v is installed", commands)
	panic("unreachable")
}

// Missing says that something which the test needs is not there.
func Missing(t testing.TB, format string, args ...any) {
	t.Helper()
	if os.Getenv(All) != "" {
		t.Fatalf(format, args...)
	}
	t.Skipf(format, args...)
}
