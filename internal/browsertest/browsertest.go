// Package browsertest opens pages in Chromium, for tests of what users see.
package browsertest

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/external"
)

// patience bounds a broken test. It covers several tries of a client that reconnects.
const patience = 45 * time.Second

// Browser is a Chromium that ends with the test.
type Browser struct{ ctx context.Context }

// Options configures a browser. The zero value is the default.
type Options struct {
	// AnyCertificate trusts every server, also a test's.
	AnyCertificate bool
}

// Open starts a browser. It needs Chromium on PATH, and fails the test without it; with
// -short the test is skipped.
func Open(t testing.TB, o Options) *Browser {
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
	if o.AnyCertificate {
		options = append(options, chromedp.Flag("ignore-certificate-errors", true))
	}
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	browser, cancel := chromedp.NewContext(allocator)
	t.Cleanup(func() {
		_ = chromedp.Cancel(browser)
		cancel()
		stop()
	})
	assert.NoError(t, chromedp.Do(browser))
	return &Browser{browser}
}

// Page is one user's window, in a profile of its own. Its methods are for the test's
// goroutine, and end the test when something fails.
type Page struct {
	T    testing.TB // may be replaced by a subtest's
	Name string

	ctx context.Context

	mu       sync.Mutex
	problems []string // what the page wrote to the console as an error
}

// Page opens a page. name is the user's, for messages.
func (b *Browser) Page(t testing.TB, name, url string) *Page {
	t.Helper()
	ctx, cancel := chromedp.NewContext(b.ctx, chromedp.WithNewBrowserContext())
	t.Cleanup(cancel)
	p := &Page{T: t, Name: name, ctx: ctx}
	assert.NoError(t, chromedp.Do(ctx)) // the page lives as long as the context of the first call
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
	p.Do(chromedp.EmulateViewport(1100, 720), chromedp.Navigate(url))
	return p
}

// Do takes steps, one after the other.
func (p *Page) Do(steps ...chromedp.Action[chromedp.Void]) {
	p.T.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	assert.NoError(p.T, chromedp.Do(ctx, steps...), p.Name)
}

// Eval runs an expression in the page, and waits for the value where it is a promise.
func Eval[T any](p *Page, expression string) T {
	p.T.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	value, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	assert.NoError(p.T, err, p.Name+": "+expression)
	return value
}

// WaitFor waits until the expression is true. It polls from here, because the pages'
// policy forbids what the browser's own polling does.
func (p *Page) WaitFor(format string, args ...any) {
	p.T.Helper()
	expression := fmt.Sprintf(format, args...)
	for deadline := time.Now().Add(patience); !Eval[bool](p, "!!("+expression+")"); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			text := Eval[string](p, "document.body.innerText")
			p.T.Fatalf("%s: not true: %s\nThe page shows:\n%s", p.Name, expression, text)
		}
	}
}

// Visible waits until an element can be seen.
func (p *Page) Visible(selector string) {
	p.T.Helper()
	p.Do(chromedp.WaitVisible(chromedp.CSS(selector)))
}

// Click clicks on an element.
func (p *Page) Click(selector string) {
	p.T.Helper()
	p.Do(chromedp.Click(chromedp.CSS(selector)))
}

// Fill replaces what stands in a field.
func (p *Page) Fill(selector, text string) {
	p.T.Helper()
	p.Do(chromedp.Focus(chromedp.CSS(selector)))
	p.WaitFor(`((e) => (e.focus(), e.select(), e === document.activeElement))(document.querySelector(%s))`, Quote(selector)) // a dialog that closes may have taken it
	p.Insert(text)
}

// Insert types text into what has the focus, as an input method would.
func (p *Page) Insert(text string) {
	p.T.Helper()
	_, err := chromedp.Call(p.ctx, input.InsertText, input.InsertTextParams{Text: text})
	assert.NoError(p.T, err)
}

// Enter presses the key of that name.
func (p *Page) Enter() {
	p.T.Helper()
	p.key("Enter", "\r", 13)
}

// Tab presses the key of that name: the focus goes on.
func (p *Page) Tab() {
	p.T.Helper()
	p.key("Tab", "", 9)
}

func (p *Page) key(name, text string, code int64) {
	p.T.Helper()
	for _, params := range []input.DispatchKeyEventParams{
		{Type: input.DispatchKeyEventTypeKeyDown, Key: name, Code: name, Text: text, WindowsVirtualKeyCode: code},
		{Type: input.DispatchKeyEventTypeKeyUp, Key: name, Code: name, WindowsVirtualKeyCode: code},
	} {
		_, err := chromedp.Call(p.ctx, input.DispatchKeyEvent, params)
		assert.NoError(p.T, err)
	}
}

// Drag takes hold of the middle of an element with the mouse, moves it by so many pixels, and
// lets it go.
func (p *Page) Drag(selector string, right, down float64) {
	p.T.Helper()
	at := Eval[[]float64](p, `(() => {
		const box = document.querySelector(`+Quote(selector)+`).getBoundingClientRect();
		return [box.x + box.width / 2, box.y + box.height / 2];
	})()`)
	p.Do(chromedp.MouseEvent(chromedp.MousePressed, at[0], at[1], chromedp.ButtonLeft, chromedp.ClickCount(1)))
	for _, part := range []float64{0.3, 0.7, 1} {
		p.Do(chromedp.MouseEvent(chromedp.MouseMoved, at[0]+part*right, at[1]+part*down, chromedp.ButtonLeft))
	}
	p.Do(chromedp.MouseEvent(chromedp.MouseReleased, at[0]+right, at[1]+down, chromedp.ButtonLeft, chromedp.ClickCount(1)))
}

// Scheme has the user prefer "light" or "dark".
func (p *Page) Scheme(name string) {
	p.T.Helper()
	_, err := chromedp.Call(p.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: name}},
	})
	assert.NoError(p.T, err)
}

// Offline takes the page's network away, or gives it back.
func (p *Page) Offline(is bool) {
	p.T.Helper()
	p.cut(is, "")
	p.network(is)
}

// Unreachable has what is at matching addresses not be reached (a pattern as URLPattern of
// browsers takes it), while all else can be; connections to it end. Offline(false) ends that.
func (p *Page) Unreachable(pattern string) {
	p.T.Helper()
	p.Offline(true) // pages close their connections then
	p.cut(true, pattern)
	p.network(false)
}

func (p *Page) cut(is bool, pattern string) {
	p.T.Helper()
	conditions := network.Conditions{URLPattern: pattern, Offline: is, DownloadThroughput: -1, UploadThroughput: -1}
	_, err := chromedp.Call(p.ctx, network.EmulateNetworkConditionsByRule, network.EmulateNetworkConditionsByRuleParams{
		MatchedNetworkConditions: []*network.Conditions{&conditions},
	})
	assert.NoError(p.T, err)
}

// network has the browser tell the page whether there is one.
func (p *Page) network(gone bool) {
	p.T.Helper()
	_, err := chromedp.Call(p.ctx, network.OverrideNetworkState, network.OverrideNetworkStateParams{
		Offline: gone, DownloadThroughput: -1, UploadThroughput: -1,
	})
	assert.NoError(p.T, err)
}

// Block has requests fail whose addresses fit one of the patterns (the browser's URLPattern);
// with none, no more do.
func (p *Page) Block(patterns ...string) {
	p.T.Helper()
	var params network.SetBlockedURLsParams
	for _, pattern := range patterns {
		params.URLPatterns = append(params.URLPatterns, &network.BlockPattern{URLPattern: pattern, Block: true})
	}
	_, err := chromedp.Call(p.ctx, network.SetBlockedURLs, params)
	assert.NoError(p.T, err)
}

// Clean checks that no script failed and the page's policy stopped nothing.
func (p *Page) Clean() {
	p.T.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	assert.Equal(p.T, len(p.problems), 0, p.Name, strings.Join(p.problems, "\n"))
}

// Quote writes a value as JavaScript.
func Quote(v any) string {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(data)
}
