// Package heldby holds documents to the tests that they name: each row of a table that says
// by which test something is held names one, and it is there.
package heldby

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Document is one whose tables name tests.
type Document struct {
	// Path is from the project's folder.
	Path string
	// Folders are where a test is looked for that has no folder in front.
	Folders []string
}

// heading is of the columns that are looked at: the last of a table.
var heading = regexp.MustCompile(`^(test|tests|held by)\b`)

// named is a test as documents have it: its folder, the function, and one of its parts.
var named = regexp.MustCompile("(?:([a-z]+(?:/[a-z]+)*) )?`(Test[A-Za-z0-9]+)(?:/([^`]+))?`")

// Faults says what is wrong with a document of the project in a folder, and how many tests
// it names.
func Faults(project string, d Document) (faults []string, count int, err error) {
	text, err := os.ReadFile(filepath.Join(project, d.Path))
	if err != nil {
		return nil, 0, err
	}
	there := packages{project: project, read: map[string]tests{}}
	fault := func(format string, args ...any) {
		faults = append(faults, d.Path+": "+fmt.Sprintf(format, args...))
	}
	for _, row := range rows(string(text)) {
		found := named.FindAllStringSubmatch(row.last, -1)
		count += len(found)
		if len(found) == 0 && !(row.mayExplain && row.last != "") {
			fault("no test holds %q", row.first)
		}
		for _, name := range found {
			folders := d.Folders
			if name[1] != "" && there.isFolder(name[1]) { // and not a word of the sentence
				folders = []string{name[1]}
			}
			held, err := there.have(folders, name[2], name[3])
			if err != nil {
				return nil, 0, err
			}
			if !held {
				fault("there is no %s in %s", strings.Trim(name[0], "`"), strings.Join(folders, ", "))
			}
		}
	}
	return faults, count, nil
}

// row is a row of a table that names tests.
type row struct {
	first, last string
	mayExplain  bool // why there is no test
}

// rows are those of all tables whose last column is of tests.
func rows(text string) (all []row) {
	var head []string
	fenced := false
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "```") {
			fenced = !fenced
		}
		if fenced || !strings.HasPrefix(line, "|") {
			head = nil
			continue
		}
		cells := split(line)
		switch last := cells[len(cells)-1]; {
		case head == nil:
			head = cells
		case strings.Trim(line, "|-: ") == "" && strings.Contains(line, "-"):
		case heading.MatchString(head[len(head)-1]):
			what := slices.IndexFunc(cells, func(c string) bool { return c != "" })
			all = append(all, row{cells[max(what, 0)], last, strings.Contains(head[len(head)-1], "or why")})
		}
	}
	return all
}

// split takes a line of a table apart.
func split(line string) []string {
	const bar = "\x00"
	line = strings.ReplaceAll(line, `\|`, bar)
	cells := strings.Split(strings.TrimSuffix(strings.TrimPrefix(line, "|"), "|"), "|")
	for i, c := range cells {
		cells[i] = strings.TrimSpace(strings.ReplaceAll(c, bar, "|"))
	}
	return cells
}
