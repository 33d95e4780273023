package scaffold_test

import (
	"bytes"
	"go/format"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kachi-io/kachi/cmd/kachi/scaffold"
	_ "github.com/kachi-io/kachi/gateway/gatewaytest" // so that a change of it is one of this test, which go caches
	"github.com/kachi-io/kachi/internal/assert"
)

// A project is built and tested with this checkout, and has another gateway then.
func TestProject(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "nest")
	var out bytes.Buffer
	p := scaffold.Project{Name: "nest", Dir: dir, Module: "example.com/team/nest", Kachi: "../../.."}
	assert.NoError(t, p.Run(&out))
	assert.True(t, strings.Contains(out.String(), "not published yet"), out.String())
	assert.NoError(t, (&scaffold.Gateway{Name: "liveLocation", Dir: dir}).Run(&out))
	assert.True(t, strings.Contains(out.String(), "live_location_gateway_test.go, of package main"), out.String())
	assert.True(t, !strings.Contains(out.String(), "does not require"), out.String())
	for _, args := range [][]string{{"build", "-o", filepath.Join(dir, "nest.bin"), "."}, {"vet", "./..."}, {"test", "-v", "./..."}} {
		cmd := exec.Command("go", args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off")
		told, err := cmd.CombinedOutput()
		assert.NoError(t, err, "go %s: %s", strings.Join(args, " "), string(told))
		if args[0] == "test" {
			for _, name := range []string{"TestNestTellsAllOthers", "TestLiveLocationTakesNoEmptyMessage"} {
				assert.True(t, strings.Contains(string(told), "--- PASS: "+name), string(told))
			}
		}
	}
	sources, err := filepath.Glob(filepath.Join(dir, "*.go"))
	assert.NoError(t, err)
	assert.Equal(t, len(sources), 5)
	for _, path := range sources {
		text, err := os.ReadFile(path)
		assert.NoError(t, err)
		formatted, err := format.Source(text)
		assert.NoError(t, err)
		assert.Equal(t, string(text), string(formatted))
	}
}

// A program that was built in a clone, or that a link elsewhere points at, finds it.
func TestTheProgramsOwnClone(t *testing.T) {
	clone := folder(t, map[string]string{"go.mod": "module github.com/kachi-io/kachi\n\ngo 1.26.0\n", "go.sum": "", "kachi": ""})
	clone, err := filepath.EvalSymlinks(clone)
	assert.NoError(t, err)
	link := filepath.Join(t.TempDir(), "kachi")
	assert.NoError(t, os.Symlink(filepath.Join(clone, "kachi"), link))
	was := *scaffold.Executable
	t.Cleanup(func() { *scaffold.Executable = was })
	*scaffold.Executable = func() (string, error) { return link, nil }

	t.Chdir(t.TempDir())
	var out bytes.Buffer
	assert.NoError(t, (&scaffold.Project{Name: "nest"}).Run(&out))
	assert.True(t, strings.Contains(out.String(), "points at "+clone+".\n"), out.String())

	*scaffold.Executable = func() (string, error) { return filepath.Join(t.TempDir(), "elsewhere"), nil }
	err = (&scaffold.Project{Name: "other"}).Run(&out)
	assert.True(t, err != nil && strings.Contains(err.Error(), "--kachi DIR"), err)
}

// What the README of Kachi shows is what is written: the gateway without its imports, and
// its first test.
func TestReadmeShowsTheProject(t *testing.T) {
	dir := t.TempDir()
	p := scaffold.Project{Name: "nest", Dir: dir, Kachi: "../../.."}
	assert.NoError(t, p.Run(&bytes.Buffer{}))
	read := func(path string) string {
		text, err := os.ReadFile(path)
		assert.NoError(t, err)
		return string(text)
	}
	readme := read("../../../README.md")
	_, gateway, _ := strings.Cut(read(filepath.Join(dir, "nest_gateway.go")), "kachi/gateway\"\n\n")
	_, test, _ := strings.Cut(read(filepath.Join(dir, "nest_gateway_test.go")), "func TestNestTellsAllOthers")
	test, _, _ = strings.Cut(test, "\n\nfunc ")
	for _, code := range []string{gateway, "func TestNestTellsAllOthers" + test + "\n"} {
		assert.True(t, strings.Contains(readme, "```go\n"+code+"```\n"), "README.md does not show\n", code)
	}
}

// folder makes a folder with files.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "a-folder")
	assert.NoError(t, os.Mkdir(dir, 0o755))
	for name, text := range files {
		assert.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644))
	}
	return dir
}

func TestGatewayInAPackage(t *testing.T) {
	const mod = "module example.com/x\n"
	for name, test := range map[string]struct {
		files map[string]string
		want  string
	}{
		"of its files": {map[string]string{"go.mod": mod, "a.go": "package live\n"}, "package live\n"},
		"of its tests": {map[string]string{"go.mod": mod, "a_test.go": "package live_test\n"}, "package live\n"},
		"of no file":   {map[string]string{"go.mod": mod}, "package afolder\n"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := folder(t, test.files)
			var out bytes.Buffer
			assert.NoError(t, (&scaffold.Gateway{Name: "chat", Dir: dir}).Run(&out))
			assert.True(t, strings.Contains(out.String(), "does not require github.com/kachi-io/kachi yet"), out.String())
			text, err := os.ReadFile(filepath.Join(dir, "chat_gateway.go"))
			assert.NoError(t, err)
			assert.True(t, strings.HasPrefix(string(text), test.want), string(text))
		})
	}
}

func TestNothingIsOverwritten(t *testing.T) {
	dir := folder(t, map[string]string{"go.mod": "module x\n", "chat_gateway_test.go": "package x\n"})
	var out bytes.Buffer
	err := (&scaffold.Gateway{Name: "chat", Dir: dir}).Run(&out)
	assert.True(t, err != nil && strings.Contains(err.Error(), "chat_gateway_test.go is there already: --force"), err)
	_, err = os.Stat(filepath.Join(dir, "chat_gateway.go"))
	assert.ErrorIs(t, err, os.ErrNotExist)
	assert.NoError(t, (&scaffold.Gateway{Name: "chat", Dir: dir, Force: true}).Run(&out))
	assert.NoError(t, (&scaffold.Gateway{Name: "chat", Dir: dir, Force: true}).Run(&out))

	p := scaffold.Project{Name: "x", Dir: dir, Kachi: "../../.."}
	err = p.Run(&out)
	assert.True(t, err != nil && strings.Contains(err.Error(), "not empty"), err)
}

func TestRefusals(t *testing.T) {
	const mod = "module x\n"
	for name, test := range map[string]struct {
		name  string
		files map[string]string
		says  string
	}{
		"no name":           {"", map[string]string{"go.mod": mod}, "is no name"},
		"a digit":           {"1chat", map[string]string{"go.mod": mod}, "is no name"},
		"a path":            {"../chat", map[string]string{"go.mod": mod}, "is no name"},
		"an end":            {"chat-", map[string]string{"go.mod": mod}, "is no name"},
		"long":              {strings.Repeat("a", 51), map[string]string{"go.mod": mod}, "is no name"},
		"no module":         {"chat", nil, "no go.mod"},
		"two packages":      {"chat", map[string]string{"go.mod": mod, "a.go": "package a\n", "b.go": "package b\n"}, "more than one package"},
		"no Go":             {"chat", map[string]string{"go.mod": mod, "a.go": "hello"}, "expected 'package'"},
		"the type is taken": {"chat", map[string]string{"go.mod": mod, "a.go": "package a\n\ntype Chat struct{}\n"}, "has a Chat already, in a.go"},
	} {
		t.Run(name, func(t *testing.T) {
			err := (&scaffold.Gateway{Name: test.name, Dir: folder(t, test.files)}).Run(&bytes.Buffer{})
			assert.True(t, err != nil && strings.Contains(err.Error(), test.says), err)
		})
	}
	for says, p := range map[string]scaffold.Project{
		"is no clone of Kachi":  {Name: "x", Kachi: t.TempDir()},
		"is no name":            {Name: "x y"},
		"malformed import path": {Name: "x", Module: "a b"},
	} {
		err := p.Run(&bytes.Buffer{})
		assert.True(t, err != nil && strings.Contains(err.Error(), says), err)
	}
}
