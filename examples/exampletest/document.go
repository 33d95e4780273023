package exampletest

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/kachi-io/kachi/internal/assert"
)

var update = flag.Bool("update", false, "write the snippets into the documents that show them")

// shown are a snippet's name and its code in a document.
var shown = regexp.MustCompile("(?s)<!-- ([a-z]+) -->\n```go\n(.*?)```\n")

// Document holds the code that a document shows to what is compiled: each block under a
// comment <!-- name --> is what stands between "// begin name" and "// end name" in a Go file
// of the test's folder, and each of those is shown. With -update it is written there. It
// returns how many there are, and the document.
func Document(t *testing.T, path string) (count int, document string) {
	t.Helper()
	want := snippets(t)
	text, err := os.ReadFile(path)
	assert.NoError(t, err)
	missing := map[string]bool{}
	for name := range want {
		missing[name] = true
	}
	document = shown.ReplaceAllStringFunc(string(text), func(block string) string {
		parts := shown.FindStringSubmatch(block)
		code, ok := want[parts[1]]
		if !assert.True(t, ok, "no snippet ", parts[1]) {
			return block
		}
		delete(missing, parts[1])
		if !*update {
			assert.Equal(t, parts[2], code, parts[1])
		}
		return fmt.Sprintf("<!-- %s -->\n```go\n%s```\n", parts[1], code)
	})
	assert.Equal(t, missing, map[string]bool{}, "snippets that the document does not show")
	if *update {
		assert.NoError(t, os.WriteFile(path, []byte(document), 0o644))
	}
	return len(want), document
}

// snippets are what stands between "// begin name" and "// end name".
func snippets(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob("*.go")
	assert.NoError(t, err)
	all := map[string]string{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		assert.NoError(t, err)
		name := ""
		for line := range strings.Lines(string(text)) {
			switch {
			case strings.HasPrefix(line, "// begin "):
				name = strings.TrimSpace(strings.TrimPrefix(line, "// begin "))
				assert.True(t, all[name] == "", name, " twice")
			case name != "" && line == "// end "+name+"\n":
				all[name] = strings.Trim(all[name], "\n") + "\n"
				name = ""
			case name != "":
				all[name] += line
			}
		}
		assert.Equal(t, name, "", file)
	}
	return all
}
