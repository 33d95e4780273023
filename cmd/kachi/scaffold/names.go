package scaffold

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"unicode"
)

const maxName = 50

var (
	nameForm  = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9]*([-_][A-Za-z0-9]+)*$`)
	wordsEdge = regexp.MustCompile(`([a-z0-9])([A-Z])`)
)

// names are the forms of a name: live-location.
type names struct {
	Name      string // as it was given
	Type      string // LiveLocation
	File      string // live_location
	Namespace string // /live-location
	Package   string
}

func namesOf(name string) (names, error) {
	if len(name) > maxName || !nameForm.MatchString(name) {
		return names{}, fmt.Errorf("%q is no name: a letter, then letters and digits, with - or _ between words, at most %d characters", name, maxName)
	}
	words := strings.FieldsFunc(wordsEdge.ReplaceAllString(name, "$1-$2"), func(r rune) bool { return r == '-' || r == '_' })
	n := names{Name: name}
	for i, w := range words {
		n.Type += string(unicode.ToUpper(rune(w[0]))) + w[1:]
		words[i] = strings.ToLower(w)
	}
	n.File = strings.Join(words, "_")
	n.Namespace = "/" + strings.Join(words, "-")
	return n, nil
}

// source is what is in a folder of a module.
type source struct {
	name     string
	declared map[string]string // names of the package, with the file of each
}

// packageIn reads the package of a folder: where there is none yet, it is named after the
// folder. Files with these names are left out.
func packageIn(dir string, except ...string) (*source, error) {
	s := &source{declared: map[string]string{}}
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return nil, err
	}
	for _, path := range files {
		base := filepath.Base(path)
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		name := f.Name.Name
		if strings.HasSuffix(base, "_test.go") {
			name = strings.TrimSuffix(name, "_test")
		}
		if s.name != "" && name != s.name {
			return nil, fmt.Errorf("%s has more than one package: %s and %s", dir, s.name, name)
		}
		s.name = name
		if !contains(except, base) {
			s.note(f, base)
		}
	}
	if s.name == "" {
		full, err := filepath.Abs(dir)
		if err != nil {
			return nil, err
		}
		s.name = strings.Map(func(r rune) rune {
			if r < unicode.MaxASCII && (unicode.IsLetter(r) || unicode.IsDigit(r)) {
				return unicode.ToLower(r)
			}
			return -1
		}, filepath.Base(full))
		if !token.IsIdentifier(s.name) {
			return nil, fmt.Errorf("%s has no package yet, and its name makes none: write a file with a package clause first", full)
		}
	}
	return s, nil
}

func contains(list []string, one string) bool {
	for _, s := range list {
		if s == one {
			return true
		}
	}
	return false
}

func (s *source) note(f *ast.File, base string) {
	for _, d := range f.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Recv == nil {
				s.declared[d.Name.Name] = base
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				switch spec := spec.(type) {
				case *ast.TypeSpec:
					s.declared[spec.Name.Name] = base
				case *ast.ValueSpec:
					for _, name := range spec.Names {
						s.declared[name.Name] = base
					}
				}
			}
		}
	}
}

// moduleFile finds the go.mod of a folder's module.
func moduleFile(dir string) (string, bool) {
	dir, err := filepath.Abs(dir)
	for err == nil {
		path := filepath.Join(dir, "go.mod")
		if _, err := os.Stat(path); err == nil {
			return path, true
		}
		if filepath.Dir(dir) == dir {
			break
		}
		dir = filepath.Dir(dir)
	}
	return "", false
}
