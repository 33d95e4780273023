package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"github.com/kachi-io/kachi/clientfiles"
	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/external"
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
func launch(t *testing.T, binary, addr string) *kachi {
	t.Helper()
	k := &kachi{cmd: exec.Command(binary, "serve", "--addr", addr), log: &bytes.Buffer{}}
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

// openBrowser starts a Chromium that ends with the test.
func openBrowser(t *testing.T) context.Context {
	t.Helper()
	path := external.Program(t, "chromium", "chromium-browser", "google-chrome")
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path),
		chromedp.NoSandbox, // root has none, as in a container
		chromedp.DisableGPU,
		chromedp.Flag("user-data-dir", t.TempDir()),
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("accept-lang", "en-US"),
		chromedp.Flag("lang", "en-US"),
	)
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	browser, cancel := chromedp.NewContext(allocator)
	t.Cleanup(func() {
		_ = chromedp.Cancel(browser)
		cancel()
		stop()
	})
	assert.NoError(t, chromedp.Do(browser))
	return browser
}

// page is one user's window, in a profile of its own.
type page struct {
	t    *testing.T
	ctx  context.Context
	name string

	mu       sync.Mutex
	problems []string // what the page wrote to the console as an error
}

func openPage(t *testing.T, browser context.Context, name, url string) *page {
	t.Helper()
	ctx, cancel := chromedp.NewContext(browser, chromedp.WithNewBrowserContext())
	t.Cleanup(cancel)
	p := &page{t: t, ctx: ctx, name: name}
	messages := chromedp.Console(ctx)
	go func() {
		for m, err := range messages {
			if err != nil {
				return
			}
			// That a server cannot be reached is part of these tests.
			if m.IsException() || m.Type == "error" && m.Source != "network" && !strings.Contains(m.Text, "WebSocket connection to") {
				p.mu.Lock()
				p.problems = append(p.problems, m.String())
				p.mu.Unlock()
			}
		}
	}()
	p.do(chromedp.EmulateViewport(1100, 720), chromedp.Navigate(url))
	return p
}

func (p *page) do(steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	assert.NoError(p.t, chromedp.Do(ctx, steps...), p.name)
}

// eval runs an expression in the page.
func eval[T any](p *page, expression string) T {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	value, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression))
	assert.NoError(p.t, err, p.name+": "+expression)
	return value
}

// waitFor waits until the expression is true. It polls from here, because the pages'
// policy forbids what the browser's own polling does.
func (p *page) waitFor(format string, args ...any) {
	p.t.Helper()
	expression := fmt.Sprintf(format, args...)
	for deadline := time.Now().Add(patience); !eval[bool](p, expression); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			text := eval[string](p, "document.body.innerText")
			p.t.Fatalf("%s: not true: %s\nThe page shows:\n%s", p.name, expression, text)
		}
	}
}

// enter fills in the form and presses Enter.
func (p *page) enter(room string) {
	p.t.Helper()
	p.do(chromedp.WaitVisible(chromedp.CSS("#name")))
	p.fill("#name", p.name)
	p.fill("#room", room)
	p.press("Enter", 13)
	p.waitFor(`!!document.querySelector("#message")`)
}

func (p *page) fill(selector, text string) {
	p.t.Helper()
	p.do(chromedp.Focus(chromedp.CSS(selector)))
	eval[bool](p, `(document.activeElement.select(), true)`)
	p.insert(text)
}

// insert types text into what has the focus, as an input method would.
func (p *page) insert(text string) {
	p.t.Helper()
	_, err := chromedp.Call(p.ctx, input.InsertText, input.InsertTextParams{Text: text})
	assert.NoError(p.t, err)
}

func (p *page) press(key string, code int64) {
	p.t.Helper()
	for _, params := range []input.DispatchKeyEventParams{
		{Type: input.DispatchKeyEventTypeKeyDown, Key: key, Code: key, Text: map[string]string{"Enter": "\r"}[key], WindowsVirtualKeyCode: code},
		{Type: input.DispatchKeyEventTypeKeyUp, Key: key, Code: key, WindowsVirtualKeyCode: code},
	} {
		_, err := chromedp.Call(p.ctx, input.DispatchKeyEvent, params)
		assert.NoError(p.t, err)
	}
}

// write sends a message by the keyboard.
func (p *page) write(text string) {
	p.t.Helper()
	p.do(chromedp.Focus(chromedp.CSS("#message")))
	p.insert(text)
	p.press("Enter", 13)
	p.waitFor(`document.querySelector("#message").value === ""`)
}

// texts are the messages that the page shows.
func (p *page) texts() []string {
	p.t.Helper()
	return eval[[]string](p, `[...document.querySelectorAll(".message .text")].map((e) => e.textContent)`)
}

// sees waits until the page shows these messages last.
func (p *page) sees(texts ...string) {
	p.t.Helper()
	p.waitFor(`JSON.stringify([...document.querySelectorAll(".message .text")].slice(-%d).map((e) => e.textContent)) === JSON.stringify(%s)`,
		len(texts), quote(texts))
}

// notices waits until the page has said so between the messages.
func (p *page) notices(text string) {
	p.t.Helper()
	p.waitFor(`[...document.querySelectorAll(".notice")].some((e) => e.textContent.startsWith(%s))`, quote(text))
}

// deliveries waits until the last of one's own messages stand so.
func (p *page) deliveries(want ...string) {
	p.t.Helper()
	p.waitFor(`JSON.stringify([...document.querySelectorAll("[data-delivery]")].slice(-%d).map((e) => e.dataset.delivery)) === JSON.stringify(%s)`,
		len(want), quote(want))
}

// link waits until the banner says how the connection stands.
func (p *page) link(kind string) {
	p.t.Helper()
	p.waitFor(`document.querySelector(".banner").dataset.link === %s`, quote(kind))
}

// people waits until these are in the room.
func (p *page) people(names ...string) {
	p.t.Helper()
	p.waitFor(`JSON.stringify([...document.querySelectorAll("#people .who")].map((e) => e.textContent)) === JSON.stringify(%s)`, quote(names))
}

// offline takes the page's network away, or gives it back.
func (p *page) offline(is bool) {
	p.t.Helper()
	conditions := network.Conditions{Offline: is, DownloadThroughput: -1, UploadThroughput: -1}
	_, err := chromedp.Call(p.ctx, network.EmulateNetworkConditionsByRule, network.EmulateNetworkConditionsByRuleParams{
		MatchedNetworkConditions: []*network.Conditions{&conditions},
	})
	assert.NoError(p.t, err)
	_, err = chromedp.Call(p.ctx, network.OverrideNetworkState, network.OverrideNetworkStateParams{
		Offline: is, DownloadThroughput: -1, UploadThroughput: -1,
	})
	assert.NoError(p.t, err)
}

// clean checks that no script failed and the policy stopped nothing.
func (p *page) clean() {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	assert.Equal(p.t, len(p.problems), 0, p.name, strings.Join(p.problems, "\n"))
}

func quote(v any) string {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(data)
}
