package main

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/kachi-io/kachi/clientfiles"
	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/web"
)

// built is the folder of the command, once a test has wanted it.
var built string

func TestMain(m *testing.M) {
	code := m.Run()
	if built != "" {
		_ = os.RemoveAll(built)
	}
	os.Exit(code)
}

// build builds the command into that folder. What it returns with an error says why.
func build(name string, env []string, flags ...string) (binary string, err error) {
	if built == "" {
		if built, err = os.MkdirTemp("", "kachi"); err != nil {
			return "", err
		}
	}
	binary = filepath.Join(built, name)
	cmd := exec.Command("go", append(append([]string{"build"}, flags...), "-o", binary, ".")...)
	cmd.Env = append(os.Environ(), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return string(out), err
	}
	return binary, nil
}

// command builds the command once, as the tests are built.
var command = sync.OnceValues(func() (string, error) { return build("kachi", nil, buildFlags...) })

// buildKachi returns the command, with the pages that `make web` has built.
func buildKachi(t testing.TB) string {
	t.Helper()
	needPages(t)
	binary, err := command()
	assert.NoError(t, err, binary)
	return binary
}

func needPages(t testing.TB) {
	t.Helper()
	if testing.Short() {
		t.Skip("builds the program")
	}
	if _, err := fs.Stat(web.Pages(), "index.html"); err != nil || clientfiles.Version() == "" {
		t.Fatal("the pages are not built: run make web, or the tests with -short")
	}
}
