package fromnest

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

var update = flag.Bool("update", false, "write the snippets into docs/from-nestjs.md")

// shown are a snippet's name and its code in the document.
var shown = regexp.MustCompile("(?s)<!-- ([a-z]+) -->\n```go\n(.*?)```\n")

// What the document shows is what is compiled and tested here, all of it.
func TestDocumentShowsTheseSnippets(t *testing.T) {
	const path = "../../docs/from-nestjs.md"
	want := snippets(t)
	document, err := os.ReadFile(path)
	assert.NoError(t, err)
	missing := map[string]bool{}
	for name := range want {
		missing[name] = true
	}
	written := shown.ReplaceAllStringFunc(string(document), func(block string) string {
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
	assert.Equal(t, strings.Count(written, "```go"), len(want), "code that comes from elsewhere")
	if *update {
		assert.NoError(t, os.WriteFile(path, []byte(written), 0o644))
	}
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
