package heldby

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// scripts are the folders by which tests name the scripts that they play.
var scripts = []string{"conformance/js", "conformance/js/client", "conformance/js/examples"}

// tests are those of a package, by their names.
type tests map[string]*test

// test is what a test can be made of.
type test struct {
	parts []string         // texts in its code: names of subtests are among them
	plays []*regexp.Regexp // checks of the scripts that it plays
}

func (t *test) has(part string) bool {
	return part == "" || slices.Contains(t.parts, part) ||
		slices.ContainsFunc(t.plays, func(check *regexp.Regexp) bool { return check.MatchString(part) })
}

// packages are the packages of a project whose tests were asked for.
type packages struct {
	project string
	read    map[string]tests
}

func (p packages) isFolder(path string) bool {
	info, err := os.Stat(filepath.Join(p.project, path))
	return err == nil && info.IsDir()
}

// have says whether one of the folders has a test with such a part.
func (p packages) have(folders []string, name, part string) (bool, error) {
	for _, folder := range folders {
		if p.read[folder] == nil {
			t, err := p.testsOf(folder)
			if err != nil {
				return false, err
			}
			p.read[folder] = t
		}
		if t := p.read[folder][name]; t != nil && t.has(part) {
			return true, nil
		}
	}
	return false, nil
}

func (p packages) testsOf(folder string) (tests, error) {
	files, err := filepath.Glob(filepath.Join(p.project, folder, "*_test.go"))
	if err != nil {
		return nil, err
	}
	all := tests{}
	for _, path := range files {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || f.Recv != nil || !strings.HasPrefix(f.Name.Name, "Test") || len(f.Type.Params.List) != 1 {
				continue
			}
			if all[f.Name.Name], err = p.testOf(f); err != nil {
				return nil, err
			}
		}
	}
	return all, nil
}

func (p packages) testOf(f *ast.FuncDecl) (*test, error) {
	t := &test{}
	var errs []error
	ast.Inspect(f, func(n ast.Node) bool {
		literal, ok := n.(*ast.BasicLit)
		if !ok || literal.Kind != token.STRING {
			return true
		}
		text, err := strconv.Unquote(literal.Value)
		if err == nil && strings.HasSuffix(text, ".mjs") {
			var checks []*regexp.Regexp
			checks, err = p.checksOf(text)
			t.plays = append(t.plays, checks...)
		}
		t.parts = append(t.parts, text)
		errs = append(errs, err)
		return true
	})
	return t, errors.Join(errs...)
}

// declared is a check in a script, and hole what is put into its name.
var (
	declared = regexp.MustCompile("\\bcheck\\(\\s*(?:\"((?:[^\"\\\\]|\\\\.)*)\"|`([^`]*)`)")
	hole     = regexp.MustCompile(`\\\$\\\{.*?\\\}`)
)

// checksOf are the names of a script's checks.
func (p packages) checksOf(script string) (checks []*regexp.Regexp, err error) {
	for _, folder := range scripts {
		text, err := os.ReadFile(filepath.Join(p.project, folder, script))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		for _, m := range declared.FindAllSubmatch(text, -1) {
			name := regexp.QuoteMeta(string(m[1]) + string(m[2]))
			check, err := regexp.Compile("^" + hole.ReplaceAllString(name, ".+") + "$")
			if err != nil {
				return nil, err
			}
			checks = append(checks, check)
		}
	}
	return checks, nil
}
