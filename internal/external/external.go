// Package external finds the programs that tests use: browsers and servers that are not
// part of the project.
package external

import (
	"os/exec"
	"testing"
)

// Program returns the path of the first of the commands that is installed. When none
// is, the test fails; with -short it is skipped before it looks.
func Program(t testing.TB, commands ...string) string {
	t.Helper()
	return Packaged(t, "", commands...)
}

// Packaged is [Program] for commands whose Debian package, pkg, one cannot tell from
// their names.
func Packaged(t testing.TB, pkg string, commands ...string) string {
	t.Helper()
	if testing.Short() {
		t.Skipf("needs one of %v", commands)
	}
	for _, command := range commands {
		if path, err := exec.LookPath(command); err == nil {
			return path
		}
	}
	if pkg != "" {
		pkg = ", from the package " + pkg
	}
	t.Fatalf("none of %v is on PATH: `make test` installs it on Debian%s, or run the tests with -short", commands, pkg)
	panic("unreachable")
}
