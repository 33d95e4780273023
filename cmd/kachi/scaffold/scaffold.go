// Package scaffold is the command `kachi new`: it writes a gateway with its test, or a
// small project.
package scaffold

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"go/format"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"text/template"

	"golang.org/x/mod/modfile"
)

const kachi = "github.com/kachi-io/kachi"

//go:embed templates
var files embed.FS

var templates = sync.OnceValue(func() *template.Template { return template.Must(template.ParseFS(files, "templates/*.tmpl")) })

// Command are the arguments of `kachi new`.
type Command struct {
	Gateway Gateway `cmd:"" help:"Write a gateway and its test into the current folder's package."`
	Project Project `cmd:"" help:"Write a small service with a gateway, its test and a README into a new folder."`
}

// Gateway are the arguments of `kachi new gateway`.
type Gateway struct {
	Name  string `arg:"" help:"What the gateway is called: chat, or live-location."`
	Dir   string `env:"-" default:"." placeholder:"DIR" help:"The folder to write into. Default the current one."`
	Force bool   `env:"-" help:"Overwrite files that are there."`
}

// Run writes the gateway, and what to do next to out.
func (g *Gateway) Run(out io.Writer) error {
	n, err := namesOf(g.Name)
	if err != nil {
		return err
	}
	mod, found := moduleFile(g.Dir)
	if !found {
		return errors.New("there is no go.mod here or above: kachi new project makes a module, or go mod init")
	}
	s := &set{dir: g.Dir, force: g.Force}
	code, test := n.File+"_gateway.go", n.File+"_gateway_test.go"
	there, err := packageIn(g.Dir, code, test)
	if err != nil {
		return err
	}
	for _, name := range []string{n.Type, "New" + n.Type, n.Type + "Message", n.Type + "Receipt", n.Type + "Posted", "start" + n.Type} {
		if file, taken := there.declared[name]; taken {
			return fmt.Errorf("package %s has a %s already, in %s: choose another name", there.name, name, file)
		}
	}
	n.Package = there.name
	s.add(code, "gateway.go.tmpl", n)
	s.add(test, "gateway_test.go.tmpl", n)
	if err := s.write(); err != nil {
		return err
	}
	fmt.Fprintf(out, "Wrote %s and %s, of package %s.\nGive New%s() to gateway.NewApp, whose Options have a Validator, and run: go test ./...\n",
		filepath.Join(g.Dir, code), filepath.Join(g.Dir, test), n.Package, n.Type)
	if !knows(mod) {
		fmt.Fprintf(out, "%s does not require %s yet. It is not published: clone it, and run\n\tgo mod edit -require %s@v0.0.0 -replace %s=PATH/OF/THE/CLONE && go mod tidy\n", mod, kachi, kachi, kachi)
	}
	return nil
}

// knows reports whether a module is, or requires, this one.
func knows(mod string) bool {
	f, err := readModule(mod)
	if err != nil {
		return true // go says what is wrong with it
	}
	if f.Module != nil && f.Module.Mod.Path == kachi {
		return true
	}
	for _, r := range f.Require {
		if r.Mod.Path == kachi {
			return true
		}
	}
	return false
}

func readModule(path string) (*modfile.File, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return modfile.ParseLax(path, data, nil)
}

// set is files that are written together or not at all, as far as can be known before.
type set struct {
	dir   string
	force bool
	list  []file
	errs  []error
}

type file struct {
	name string
	data []byte
}

// add adds a file made of a template. Go code is formatted.
func (s *set) add(name, from string, data any) {
	var out bytes.Buffer
	if err := templates().ExecuteTemplate(&out, from, data); err != nil {
		s.errs = append(s.errs, err)
		return
	}
	text := out.Bytes()
	if strings.HasSuffix(name, ".go") {
		formatted, err := format.Source(text)
		if err != nil {
			s.errs = append(s.errs, fmt.Errorf("%s: %w", name, err))
			return
		}
		text = formatted
	}
	s.list = append(s.list, file{name, text})
}

func (s *set) write() error {
	if !s.force {
		for _, f := range s.list {
			if _, err := os.Lstat(filepath.Join(s.dir, f.name)); err == nil {
				s.errs = append(s.errs, fmt.Errorf("%s is there already: --force overwrites it", filepath.Join(s.dir, f.name)))
			}
		}
	}
	if err := errors.Join(s.errs...); err != nil {
		return err
	}
	how := os.O_WRONLY | os.O_CREATE | os.O_EXCL
	if s.force {
		how = os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	}
	for _, f := range s.list {
		if err := write(filepath.Join(s.dir, f.name), f.data, how); err != nil {
			return err
		}
	}
	return nil
}

func write(path string, data []byte, how int) error {
	f, err := os.OpenFile(path, how, fs.FileMode(0o644))
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Close())
}
