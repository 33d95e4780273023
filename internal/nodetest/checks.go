package nodetest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"testing"
)

// result is what a script says of one check, a line each.
type result struct {
	Name  string `json:"name"`
	Stage string `json:"stage"`
	Error string `json:"error"` // empty: it passed
	Done  *int   `json:"done"`  // last line: how many checks there were
}

// Checks runs a script that writes a line of JSON for each of its checks, and makes a
// subtest of each. log, unless it is nil, returns the log of the server that a check used.
// env is added to the environment, "NAME=value".
func Checks(t *testing.T, script string, log func(stage string) string, env ...string) {
	t.Helper()
	cmd := Command(t, script)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	count, told := 0, -1
	for lines := bufio.NewScanner(out); lines.Scan(); {
		var r result
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			t.Errorf("%s wrote %q", script, lines.Text())
			continue
		}
		if r.Done != nil {
			told = *r.Done
			continue
		}
		count++
		t.Run(r.Name, func(t *testing.T) {
			if r.Error == "" {
				return
			}
			t.Error(r.Error)
			if log != nil {
				t.Log("the server's log:\n" + log(r.Stage))
			}
		})
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("node %s: %v\n%s", script, err, stderr.Bytes())
	}
	if count != told || count == 0 {
		t.Errorf("%s: %d checks of %d reported\n%s", script, count, told, stderr.Bytes())
	}
}
