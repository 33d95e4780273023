package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/alecthomas/kong"

	"github.com/kachi-io/kachi/cmd/kachi/connect"
	"github.com/kachi-io/kachi/internal/assert"
)

// image is what the Dockerfile says of the last stage: how the program is started in it.
type image struct {
	program             string // where it is
	env                 []string
	start, health       []string
	user, volume, build string
}

func readImage(t *testing.T) (i image) {
	t.Helper()
	text, err := os.ReadFile("../../deploy/Dockerfile")
	assert.NoError(t, err)
	list := func(text string) (all []string) {
		assert.NoError(t, json.Unmarshal([]byte(text), &all), text)
		return all
	}
	var entry, cmd []string
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		word, rest, _ := strings.Cut(line, " ")
		fields := strings.Fields(rest)
		switch word {
		case "FROM":
			i = image{build: i.build}
		case "RUN":
			if _, build, found := strings.Cut(rest, "go build "); found {
				i.build = build
			}
		case "COPY":
			if strings.HasSuffix(rest, "/kachi") {
				i.program = fields[len(fields)-1]
			}
		case "ENV":
			i.env = append(i.env, fields...)
		case "USER":
			i.user = rest
		case "VOLUME":
			i.volume = rest
		case "HEALTHCHECK":
			_, rest, _ = strings.Cut(rest, " CMD ")
			i.health = list(rest)
		case "ENTRYPOINT":
			entry = list(rest)
		case "CMD":
			cmd = list(rest)
		}
	}
	i.start = append(entry, cmd...)
	return i
}

// The program needs nothing of the image but itself, its folder, and what every container has:
// it runs in an empty root, as the user of the image, and its health check works there.
func TestTheProgramOfTheImage(t *testing.T) {
	i := readImage(t)
	binary := released(t)
	root := t.TempDir()
	put := func(path string, content []byte, mode os.FileMode) {
		path = filepath.Join(root, path)
		assert.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		assert.NoError(t, os.WriteFile(path, content, mode))
	}
	program, err := os.ReadFile(binary)
	assert.NoError(t, err)
	put(i.program, program, 0o755)
	put("/etc/hosts", []byte("127.0.0.1 localhost\n"), 0o644)
	data := filepath.Join(root, i.volume)
	assert.NoError(t, os.Mkdir(data, 0o700))
	as := &syscall.SysProcAttr{Chroot: root}
	if os.Getuid() == 0 {
		assert.Equal(t, i.user, "65532:65532")
		as.Credential = &syscall.Credential{Uid: 65532, Gid: 65532}
		assert.NoError(t, os.Chown(data, 65532, 65532))
		for dir := root; dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
			assert.NoError(t, os.Chmod(dir, 0o755)) // tests' folders are their user's
		}
	} else { // who may do that as a root of their own
		as.Cloneflags = syscall.CLONE_NEWUSER
		as.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		as.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	inside := func(args []string) *exec.Cmd {
		return &exec.Cmd{Path: args[0], Args: args, Dir: "/", SysProcAttr: as, Env: append(i.env, "KACHI_ADDR=:"+freePort(t))}
	}
	server := inside(i.start)
	k := attach(t, server)
	t.Cleanup(func() { k.stop(t) })
	check := inside(i.health)
	check.Env = server.Env
	out, err := check.CombinedOutput()
	assert.NoError(t, err, string(out))
	for _, name := range []string{"kachi.db", "jwt-secret"} {
		_, err = os.Stat(filepath.Join(data, name))
		assert.NoError(t, err)
	}
}

// The image has the program that `make build` makes.
func TestTheImageIsBuiltAsTheProgramIs(t *testing.T) {
	i := readImage(t)
	makefile, err := os.ReadFile("../../Makefile")
	assert.NoError(t, err)
	line := regexp.MustCompile(`\$\(GO\) build (.*) -o bin/kachi`).FindSubmatch(makefile)
	same := func(text string) string {
		return strings.NewReplacer(`"`, "", "'", "", "$(VERSION)", "$VERSION").Replace(text)
	}
	flags, _, _ := strings.Cut(i.build, " -o ")
	assert.Equal(t, same(flags), same(string(line[1])))
	assert.Equal(t, i.start[0], i.program)
	assert.Equal(t, i.health[0], i.program)
}

// What files and guides have people type is understood.
func TestCommandsInFilesAndGuides(t *testing.T) {
	understood := func(where string, args []string) {
		t.Helper()
		line := commands{Serve: newServe()}
		parser, err := kong.New(&line, kong.Name("kachi"), kong.Bind(&connect.Streams{}))
		assert.NoError(t, err)
		_, err = parser.Parse(args)
		assert.NoError(t, err, where, args)
	}
	i := readImage(t)
	understood("Dockerfile", i.start[1:])
	understood("Dockerfile", i.health[1:])
	unit, err := os.ReadFile("../../deploy/kachi.service")
	assert.NoError(t, err)
	start := regexp.MustCompile(`(?m)^ExecStart=/usr/local/bin/kachi (.*)$`).FindSubmatch(unit)
	assert.True(t, start != nil, string(unit))
	understood("kachi.service", strings.Fields(string(start[1])))

	typed := 0
	guides, err := filepath.Glob("../../docs/*.md")
	assert.NoError(t, err)
	for _, path := range append(guides, "../../README.md") {
		text, err := os.ReadFile(path)
		assert.NoError(t, err)
		shell := false
		for line := range bytes.Lines(text) {
			words := strings.Fields(string(line))
			switch {
			case strings.HasPrefix(string(line), "```"):
				shell = strings.HasPrefix(string(line), "```sh")
			case shell:
				for len(words) > 0 && strings.HasPrefix(words[0], "KACHI_") {
					words = words[1:]
				}
				if len(words) > 1 && (words[0] == "kachi" || words[0] == "bin/kachi") {
					typed++
					for i, w := range words { // comments, other programs
						if strings.HasPrefix(w, "#") || strings.ContainsAny(w, "|&;<>") {
							words = words[:i]
							break
						}
						words[i] = strings.Trim(w, `'"`)
					}
					understood(path, words[1:])
				}
			}
		}
	}
	assert.True(t, typed > 4, typed)
}
