package connect

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kachi-io/kachi/internal/assert"
)

func TestHistoryIsKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state", "kachi", "connect_history")
	h := loadHistory(path)
	for _, line := range []string{
		"emit news", "", "  ", "auth {}", `join /admin {"x":1}`, "join /chat", `emit login {"password":"x"}`, `emit x {"Token":"y"}`,
		"emit " + strings.Repeat("x", historyLine), "ask join",
	} {
		h.add(line)
	}
	assert.Equal(t, len(h.Lines()), 8) // secrets can be brought back, within the run
	assert.Equal(t, loadHistory(path).Lines(), []string{"emit news", "join /chat", "ask join"})

	for name, want := range map[string]os.FileMode{path: 0o600, filepath.Dir(path): 0o700} {
		info, err := os.Stat(name)
		assert.NoError(t, err)
		assert.Equal(t, info.Mode().Perm(), want)
	}
}

func TestHistoryIsBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "connect_history")
	var all strings.Builder
	for i := range 3 * historyLines {
		fmt.Fprintf(&all, "emit %d\n", i)
	}
	assert.NoError(t, os.WriteFile(path, []byte(all.String()), 0o644))
	h := loadHistory(path)
	assert.Equal(t, len(h.Lines()), historyLines)
	assert.Equal(t, h.Lines()[0], "emit 2000")
	kept, err := os.ReadFile(path)
	assert.NoError(t, err)
	assert.Equal(t, strings.Count(string(kept), "\n"), historyLines)
	info, err := os.Stat(path)
	assert.NoError(t, err)
	assert.Equal(t, info.Mode().Perm(), os.FileMode(0o600))
	left, err := os.ReadDir(filepath.Dir(path))
	assert.NoError(t, err)
	assert.Equal(t, len(left), 1)
}

// A history that is none, or that nobody may write, is no reason to stop.
func TestHistoryInTheWay(t *testing.T) {
	dir := t.TempDir()
	strange := filepath.Join(dir, "strange")
	assert.NoError(t, os.WriteFile(strange, []byte("emit a\n"+strings.Repeat("x", 100_000)+"\nemit b\n"), 0o600))
	h := loadHistory(strange)
	assert.Equal(t, h.Lines(), []string{"emit a"})
	h.add("emit c")
	assert.Equal(t, loadHistory(strange).Lines(), []string{"emit a", "emit c"})

	for _, path := range []string{"", dir, filepath.Join(strange, "below", "a", "file")} {
		h := loadHistory(path)
		h.add("emit a")
		assert.Equal(t, h.Lines(), []string{"emit a"})
	}
}

func TestHistoryPath(t *testing.T) {
	t.Setenv("HOME", "/home/mina")
	t.Setenv("XDG_STATE_HOME", "")
	assert.Equal(t, historyPath(), "/home/mina/.local/state/kachi/connect_history")
	t.Setenv("XDG_STATE_HOME", "/state")
	assert.Equal(t, historyPath(), "/state/kachi/connect_history")
	t.Setenv("XDG_STATE_HOME", "not/absolute")
	assert.Equal(t, historyPath(), "")
}
