package main

import (
	"bufio"
	"bytes"
	"io/fs"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/kachi-io/kachi/clientfiles"
	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/browsertest"
	"github.com/kachi-io/kachi/web"
)

// patience bounds a broken test. It covers several tries of a client that reconnects.
const patience = 45 * time.Second

// buildKachi builds the command, with the pages that `make web` has built.
func buildKachi(t *testing.T) string {
	t.Helper()
	if _, err := fs.Stat(web.Pages(), "index.html"); err != nil || clientfiles.Version() == "" {
		t.Fatal("the pages are not built: run make web, or the tests with -short")
	}
	binary := filepath.Join(t.TempDir(), "kachi")
	out, err := exec.Command("go", append(append([]string{"build"}, buildFlags...), "-o", binary, ".")...).CombinedOutput()
	assert.NoError(t, err, string(out))
	return binary
}

// kachi is a running server process.
type kachi struct {
	url string
	cmd *exec.Cmd
	log *bytes.Buffer
}

// launch starts the server and waits until it says where it is.
func launch(t *testing.T, binary, addr string, flags ...string) *kachi {
	t.Helper()
	k := &kachi{cmd: exec.Command(binary, append([]string{"serve", "--addr", addr}, flags...)...), log: &bytes.Buffer{}}
	k.cmd.Stderr = k.log
	stdout, err := k.cmd.StdoutPipe()
	assert.NoError(t, err)
	assert.NoError(t, k.cmd.Start())
	t.Cleanup(func() {
		if k.cmd.ProcessState == nil {
			k.stop(t)
		}
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	assert.NoError(t, err)
	k.url = strings.TrimPrefix(strings.TrimSpace(line), "Kachi is at ")
	return k
}

// stop ends the process as an operator would, and sees to it that it ends well.
func (k *kachi) stop(t *testing.T) {
	t.Helper()
	assert.NoError(t, k.cmd.Process.Signal(syscall.SIGTERM))
	kill := time.AfterFunc(patience, func() { _ = k.cmd.Process.Kill() })
	defer kill.Stop()
	assert.NoError(t, k.cmd.Wait(), k.log.String())
}

// page is one user's window.
type page struct{ *browsertest.Page }

func openPage(t *testing.T, browser *browsertest.Browser, name, url string) page {
	t.Helper()
	return page{browser.Page(t, name, url)}
}

// enter fills in the form and presses Enter.
func (p page) enter(room string) {
	p.T.Helper()
	p.Visible("#name")
	p.Fill("#name", p.Name)
	p.Fill("#room", room)
	p.Enter()
	p.WaitFor(`!!document.querySelector("#message")`)
}

// write sends a message by the keyboard.
func (p page) write(text string) {
	p.T.Helper()
	p.Fill("#message", text)
	p.Enter()
	p.WaitFor(`document.querySelector("#message").value === ""`)
}

// texts are the messages that the page shows.
func (p page) texts() []string {
	p.T.Helper()
	return browsertest.Eval[[]string](p.Page, `[...document.querySelectorAll(".message .text")].map((e) => e.textContent)`)
}

// sees waits until the page shows these messages last.
func (p page) sees(texts ...string) {
	p.T.Helper()
	p.WaitFor(`JSON.stringify([...document.querySelectorAll(".message .text")].slice(-%d).map((e) => e.textContent)) === JSON.stringify(%s)`,
		len(texts), quote(texts))
}

// notices waits until the page has said so between the messages.
func (p page) notices(text string) {
	p.T.Helper()
	p.WaitFor(`[...document.querySelectorAll(".notice")].some((e) => e.textContent.startsWith(%s))`, quote(text))
}

// deliveries waits until the last of one's own messages stand so.
func (p page) deliveries(want ...string) {
	p.T.Helper()
	p.WaitFor(`JSON.stringify([...document.querySelectorAll("[data-delivery]")].slice(-%d).map((e) => e.dataset.delivery)) === JSON.stringify(%s)`,
		len(want), quote(want))
}

// link waits until the banner says how the connection stands.
func (p page) link(kind string) {
	p.T.Helper()
	p.WaitFor(`document.querySelector(".banner").dataset.link === %s`, quote(kind))
}

// people waits until these are in the room.
func (p page) people(names ...string) {
	p.T.Helper()
	p.WaitFor(`JSON.stringify([...document.querySelectorAll("#people .who")].map((e) => e.textContent)) === JSON.stringify(%s)`, quote(names))
}

// quote writes a value as JSON, which is JavaScript.
func quote(v any) string { return browsertest.Quote(v) }
