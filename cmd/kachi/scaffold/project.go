package scaffold

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
)

// Project are the arguments of `kachi new project`.
type Project struct {
	Name   string `arg:"" help:"What the service and its folder are called."`
	Module string `env:"-" placeholder:"PATH" help:"The path of the module: example.com/team/NAME. Default NAME."`
	Kachi  string `env:"-" placeholder:"DIR" help:"Where a clone of Kachi is, which is not published yet. Default the one that the current folder is in, or this program."`
	Dir    string `env:"-" placeholder:"DIR" help:"The folder to write into. Default NAME."`
	Force  bool   `env:"-" help:"Write into a folder that is not empty, and overwrite files that are there."`
}

// Run writes the project, and what to do next to out.
func (p *Project) Run(out io.Writer) error {
	n, err := namesOf(p.Name)
	if err != nil {
		return err
	}
	if p.Module == "" {
		p.Module = p.Name
	}
	if err := module.CheckImportPath(p.Module); err != nil {
		return err
	}
	clone, err := p.clone()
	if err != nil {
		return err
	}
	dir := p.Dir
	if dir == "" {
		dir = p.Name
	}
	if there, err := os.ReadDir(dir); err == nil && len(there) > 0 && !p.Force {
		return fmt.Errorf("%s is there already, and not empty: --force writes into it nevertheless", dir)
	}
	n.Package = "main"
	s := &set{dir: dir, force: p.Force}
	s.add("main.go", "main.go.tmpl", n)
	s.add(n.File+"_gateway.go", "gateway.go.tmpl", n)
	s.add(n.File+"_gateway_test.go", "gateway_test.go.tmpl", n)
	s.add("README.md", "README.md.tmpl", n)
	if err := s.addModule(p.Module, clone); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := s.write(); err != nil {
		return err
	}
	fmt.Fprintf(out, "Wrote %s, with the namespace %s.\nKachi is not published yet: go.mod has a replace directive that points at %s.\nNow run:\n\tcd %s && go mod tidy && go test ./... && go run .\n", dir, n.Namespace, clone, dir)
	return nil
}

// executable is os.Executable.
var executable = os.Executable

// clone returns where Kachi is: what make build leaves in bin is in the clone, too.
func (p *Project) clone() (string, error) {
	if p.Kachi == "" {
		folders := []string{"."}
		if program, err := executable(); err == nil {
			if real, err := filepath.EvalSymlinks(program); err == nil {
				folders = append(folders, filepath.Dir(real))
			}
		}
		for _, dir := range folders {
			if mod, found := moduleFile(dir); found && isKachi(mod) {
				return filepath.Dir(mod), nil
			}
		}
		return "", errors.New("this framework is not published yet: clone https://github.com/kachi-io/kachi, and say where it is by --kachi DIR")
	}
	dir, err := filepath.Abs(p.Kachi)
	if err != nil {
		return "", err
	}
	if !isKachi(filepath.Join(dir, "go.mod")) {
		return "", fmt.Errorf("%s is no clone of Kachi: it has no go.mod of %s", dir, kachi)
	}
	return dir, nil
}

func isKachi(mod string) bool {
	f, err := readModule(mod)
	return err == nil && f.Module != nil && f.Module.Mod.Path == kachi
}

// addModule adds go.mod, and the clone's go.sum, so that what the clone has been built with
// is what the project is built with.
func (s *set) addModule(path, clone string) error {
	f, err := readModule(filepath.Join(clone, "go.mod"))
	if err != nil {
		return err
	}
	sums, err := os.ReadFile(filepath.Join(clone, "go.sum"))
	if err != nil {
		return err
	}
	mod := new(modfile.File)
	if err := errors.Join(mod.AddModuleStmt(path), mod.AddGoStmt(f.Go.Version), mod.AddRequire(kachi, "v0.0.0"), mod.AddReplace(kachi, "", clone, "")); err != nil {
		return err
	}
	data, err := mod.Format()
	if err != nil {
		return err
	}
	s.list = append(s.list, file{"go.mod", data}, file{"go.sum", sums})
	return nil
}
