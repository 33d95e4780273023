package asyncapi

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// TestingT is what [Committed] needs of a *testing.T.
type TestingT interface {
	Helper()
	Name() string
	Logf(format string, args ...any)
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// UpdateVariable is the environment variable that has [Committed] write the file.
const UpdateVariable = "KACHI_UPDATE"

// Committed holds the document at path, which is under version control, to the code: the
// test fails when it does not agree with the app's, and says in what, and which command
// rewrites it. So each change of what clients see is there to be reviewed. A path that ends
// in ".ts" has the module of [TypeScript], where the pages' sources can import it.
func Committed(t TestingT, app Registry, info Info, path string) {
	t.Helper()
	doc, err := Document(app, info)
	if err != nil {
		t.Fatalf("%v", err)
		return
	}
	now := doc.JSON()
	if filepath.Ext(path) == ".ts" {
		now = TypeScript(doc)
	}
	was, err := os.ReadFile(path)
	switch {
	case err == nil && bytes.Equal(was, now):
		return
	case os.Getenv(UpdateVariable) != "":
		err := os.MkdirAll(filepath.Dir(path), 0o755)
		if err == nil {
			err = os.WriteFile(path, now, 0o644)
		}
		if err != nil {
			t.Fatalf("%v", err)
			return
		}
		t.Logf("%s is written", path)
		return
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		t.Fatalf("%v", err)
		return
	}
	name, _, _ := strings.Cut(t.Name(), "/")
	command := fmt.Sprintf("%s=1 go test -run '^%s$' .", UpdateVariable, name)
	if err != nil {
		t.Errorf("%s is not there yet. This writes it:\n\t%s", path, command)
		return
	}
	t.Errorf("%s does not agree with the code:\n%s\nIf that is what is wanted, this rewrites it:\n\t%s", path, differences(was, now), command)
}

// differences names what changed for clients, and where the texts part.
func differences(was, now []byte) string {
	var b strings.Builder
	if old, err := Parse(was); !bytes.HasPrefix(now, []byte("{")) {
		// TypeScript: the document beside it says more.
	} else if err != nil {
		fmt.Fprintf(&b, "\t%v\n", err)
	} else if doc, err := Parse(now); err == nil {
		for _, c := range Diff(old, doc) {
			fmt.Fprintf(&b, "\t%s\n", c)
		}
	}
	before, after := strings.Split(string(was), "\n"), strings.Split(string(now), "\n")
	line := 0
	for line < len(before) && line < len(after) && before[line] == after[line] {
		line++
	}
	fmt.Fprintf(&b, "\tfrom line %d on:\n", line+1)
	for _, side := range []struct {
		sign  string
		lines []string
	}{{"-", before}, {"+", after}} {
		for _, text := range side.lines[min(line, len(side.lines)):min(line+5, len(side.lines))] {
			fmt.Fprintf(&b, "\t%s %s\n", side.sign, text)
		}
	}
	return strings.TrimSuffix(b.String(), "\n")
}
