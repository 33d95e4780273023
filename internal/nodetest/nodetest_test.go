package nodetest_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/nodetest"
)

func TestDirHasThePackages(t *testing.T) {
	_, err := os.Stat(filepath.Join(nodetest.Dir(t), "node_modules", "socket.io-parser", "package.json"))
	assert.NoError(t, err)
}

func TestRunInputGivesTheScriptItsInput(t *testing.T) {
	script := filepath.Join(t.TempDir(), "echo.mjs")
	assert.NoError(t, os.WriteFile(script, []byte(`process.stdin.pipe(process.stdout); process.stdout.write(process.argv[2])`), 0o600))
	relative, err := filepath.Rel(nodetest.Dir(t), script)
	assert.NoError(t, err)
	assert.Equal(t, string(nodetest.RunInput(t, []byte("in"), relative, "arg")), "argin")
}
