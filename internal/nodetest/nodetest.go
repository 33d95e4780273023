// Package nodetest runs the JavaScript in conformance/js for tests that hold the project
// to the reference implementation.
package nodetest

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// Dir returns the path of conformance/js, its packages installed: once in a process, and
// by one process at a time. It needs node and npm on PATH and fails the test without
// them; with -short the test is skipped.
func Dir(t testing.TB) string {
	t.Helper()
	if testing.Short() {
		t.Skip("needs Node")
	}
	for _, command := range []string{"node", "npm"} {
		if _, err := exec.LookPath(command); err != nil {
			t.Fatalf("%s is not on PATH: install Node 20 or newer, or run the tests with -short", command)
		}
	}
	dir, err := prepared()
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// Run runs a script of conformance/js and returns what it wrote to standard output. The
// test ends when the script fails.
func Run(t testing.TB, script string, args ...string) []byte {
	t.Helper()
	return RunInput(t, nil, script, args...)
}

// RunInput is [Run] with input on the script's standard input.
func RunInput(t testing.TB, input []byte, script string, args ...string) []byte {
	t.Helper()
	var out, errors bytes.Buffer
	cmd := Command(t, script, args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(input), &out, &errors
	if err := cmd.Run(); err != nil {
		t.Fatalf("node %s: %v\n%s", script, err, errors.Bytes())
	}
	return out.Bytes()
}

// Command returns the command that runs a script of conformance/js, for a test that
// talks to it while it runs. It is killed when the test ends.
func Command(t testing.TB, script string, args ...string) *exec.Cmd {
	t.Helper()
	dir := Dir(t)
	path := filepath.Join(dir, script)
	// `go test` caches a result until a file changes that the test itself has looked at.
	if _, err := os.Stat(path); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "node", append([]string{path}, args...)...)
	cmd.Dir = dir
	return cmd
}

var prepared = sync.OnceValues(func() (string, error) {
	dir, err := find()
	if err != nil {
		return "", err
	}
	// The lock file of the packages is also what other processes are kept out by: it is
	// there before the first install and survives it.
	lock := filepath.Join(dir, "package-lock.json")
	unlock, err := exclusive(lock)
	if err != nil {
		return "", err
	}
	defer unlock()
	if installed(dir, lock) {
		return dir, nil
	}
	return dir, install(dir)
})

// find returns conformance/js of the module that the test runs in.
func find() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return filepath.Join(dir, "conformance", "js"), nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", os.ErrNotExist
		}
		dir = parent
	}
}

// installed tells whether the packages are there and not older than their lock file. npm
// writes its own record last.
func installed(dir, lock string) bool {
	done, err := os.Stat(filepath.Join(dir, "node_modules", ".package-lock.json"))
	if err != nil {
		return false
	}
	wanted, err := os.Stat(lock)
	return err == nil && !done.ModTime().Before(wanted.ModTime())
}

func install(dir string) error {
	cmd := exec.Command("npm", "ci", "--no-audit", "--no-fund", "--loglevel=error")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("npm ci: %w\n%s", err, out)
	}
	return nil
}
