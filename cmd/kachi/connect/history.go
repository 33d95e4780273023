package connect

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"

	"github.com/kachi-io/kachi/cmd/kachi/connect/editor"
)

// Bounds of what is kept across runs.
const (
	historyLines = 1000
	historyLine  = 4 << 10 // bytes; longer lines are not kept
)

// secret tells which lines may hold one.
var secret = regexp.MustCompile(`(?i)auth|token|passw|secret|credential|api[-_]?key|^\s*join\s+\S+\s+\S`)

// historyPath is where lines are kept, in the user's directory for such things; "" where
// there is none.
func historyPath() string {
	dir := os.Getenv("XDG_STATE_HOME")
	if dir == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return ""
		}
		dir = filepath.Join(home, ".local", "state")
		if runtime.GOOS == "windows" {
			dir = filepath.Join(home, "AppData", "Local")
		}
	}
	if !filepath.IsAbs(dir) {
		return ""
	}
	return filepath.Join(dir, "kachi", "connect_history")
}

// history is the editor's, and its file. A file that cannot be read or written is done
// without: nobody wants to be stopped by it.
type history struct {
	editor.History
	path string // "": nothing is kept
}

// loadHistory reads what earlier runs have kept, and shortens the file if it has grown.
func loadHistory(path string) *history {
	h := &history{History: editor.History{Max: historyLines}, path: path}
	if path == "" {
		return h
	}
	f, err := os.Open(path)
	if err != nil {
		return h
	}
	defer f.Close()
	lines := 0
	// Whatever somebody has put there, no more is read than could have been written.
	scanner := bufio.NewScanner(io.LimitReader(f, 2*historyLines*historyLine))
	scanner.Buffer(nil, 2*historyLine)
	for scanner.Scan() {
		lines++
		h.Add(scanner.Text())
	}
	if lines >= 2*historyLines || scanner.Err() != nil {
		h.rewrite()
	}
	return h
}

func (h *history) rewrite() {
	temp, err := os.CreateTemp(filepath.Dir(h.path), "connect_history") // mode 0600
	if err != nil {
		return
	}
	var out bytes.Buffer
	for _, line := range h.Lines() {
		out.WriteString(line + "\n")
	}
	_, err = temp.Write(out.Bytes())
	if errors.Join(err, temp.Close()) == nil && os.Rename(temp.Name(), h.path) == nil {
		return
	}
	_ = os.Remove(temp.Name())
}

// add keeps a line: for this run, and for later ones unless it may hold a secret.
func (h *history) add(line string) {
	if strings.TrimSpace(line) == "" {
		return
	}
	h.Add(line)
	if h.path == "" || len(line) > historyLine || secret.MatchString(line) {
		return
	}
	if os.MkdirAll(filepath.Dir(h.path), 0o700) != nil {
		return
	}
	f, err := os.OpenFile(h.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return
	}
	defer f.Close()
	_, _ = f.WriteString(line + "\n")
}
