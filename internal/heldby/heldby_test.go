package heldby_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/heldby"
)

const project = "../.."

// What the documents say is held by a test is held by one.
func TestDocumentsNameTests(t *testing.T) {
	for _, test := range []struct {
		heldby.Document
		least int
	}{
		{heldby.Document{Path: "docs/gateways.md", Folders: []string{"gateway"}}, 70},
		{heldby.Document{Path: "docs/security.md", Folders: []string{"app/server", "app/account", "app/api"}}, 35},
		{heldby.Document{Path: "docs/requirements.md"}, 250},
	} {
		t.Run(test.Path, func(t *testing.T) {
			faults, count, err := heldby.Faults(project, test.Document)
			assert.NoError(t, err)
			for _, f := range faults {
				t.Error(f)
			}
			assert.True(t, count >= test.least, "%d tests are named", count)
		})
	}
}

// What the requirements say is in a file is in one that is there.
func TestRequirementsNameFiles(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(project, "docs/requirements.md"))
	assert.NoError(t, err)
	for _, link := range regexp.MustCompile(`\]\(([^)#]+)(?:#[^)]*)?\)`).FindAllStringSubmatch(string(text), -1) {
		_, err := os.Stat(filepath.Join(project, "docs", link[1]))
		assert.NoError(t, err, link[0])
	}
}

func TestFaults(t *testing.T) {
	dir := t.TempDir()
	write := func(path, text string) {
		t.Helper()
		path = filepath.Join(dir, path)
		assert.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		assert.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	}
	write("a/b/x_test.go", `package x
		func TestOne(t *testing.T) { t.Run("a part", nil); play(t, "talk.mjs") }
		func (suite) TestMethod(t *testing.T) {}
		func helper() { run("elsewhere") }`)
	write("c/y_test.go", "package y\nfunc TestTwo(t *testing.T) {}")
	write("c/y.go", "package y\nfunc TestNone(t *testing.T) {}")
	write("conformance/js/examples/talk.mjs", "check(\"one says\", async () => {});\nfor (const w of ways) check(`two say, over ${w}`, f);")
	for _, test := range []struct{ name, table, want string }{
		{"a function", "a/b `TestOne`", ""},
		{"a part of it", "a/b `TestOne/a part`", ""},
		{"a check of its script", "a/b `TestOne/one says`", ""},
		{"a check with a hole", "a/b `TestOne/two say, over polling`", ""},
		{"a folder that goes without saying", "and `TestTwo`, a/b `TestOne`", ""},
		{"no test", "somebody", `no test holds "what"`},
		{"nothing", "", `no test holds "what"`},
		{"no function", "a/b `TestTwo`", "there is no a/b `TestTwo in a/b"},
		{"a method", "a/b `TestMethod`", "there is no"},
		{"no test file", "c `TestNone`", "there is no"},
		{"no part", "a/b `TestOne/another part`", "there is no"},
		{"a part of something else", "a/b `TestOne/elsewhere`", "there is no"},
		{"one of two", "c `TestTwo`, c `TestThree`", "there is no c `TestThree in c"},
	} {
		t.Run(test.name, func(t *testing.T) {
			write("d.md", "# D\n\n| what | tests |\n|---|---|\n| what | "+test.table+" |\n\n| other | table |\n|---|---|\n| without | any |\n")
			faults, _, err := heldby.Faults(dir, heldby.Document{Path: "d.md", Folders: []string{"c"}})
			assert.NoError(t, err)
			if test.want == "" {
				assert.Equal(t, len(faults), 0, strings.Join(faults, "; "))
				return
			}
			assert.Equal(t, len(faults), 1)
			assert.True(t, strings.Contains(faults[0], test.want), faults[0])
		})
	}
	write("d.md", "| what | held by, or why it cannot occur |\n|--|--|\n| this | it does not compile |\n| that | |\n")
	faults, count, err := heldby.Faults(dir, heldby.Document{Path: "d.md"})
	assert.NoError(t, err)
	assert.Equal(t, faults, []string{`d.md: no test holds "that"`})
	assert.Equal(t, count, 0)
}
