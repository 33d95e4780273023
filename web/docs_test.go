package web_test

import (
	"os"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/kachi-io/kachi/app/apptest"
	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/browsertest"
)

// The documents are pages, too: of what the server really has, on every screen, by the
// keyboard, and within their policy.
func TestDocsInBrowser(t *testing.T) {
	browser := browsertest.Open(t, browsertest.Options{})
	app := apptest.New(t, nil)
	axe, err := os.ReadFile("node_modules/axe-core/axe.min.js")
	assert.NoError(t, err)
	p := person{browser.Page(t, "Mina", app.URL+"/docs/")}
	for _, size := range [][2]int64{phone, desktop} {
		p.Do(chromedp.EmulateViewport(size[0], size[1]))
		for _, page := range []struct{ path, has string }{
			{"/docs/", "PUT /api/location"},
			{"/docs/http/", "PUT /api/location"},
			{"/docs/events/", "join_room"},
		} {
			p.Do(chromedp.Navigate(app.URL + page.path))
			p.says("code", page.has)
			assert.Equal(t, browsertest.Eval[[]string](p.Page, `[...document.querySelectorAll('a[href^="#"]')]
				.map((a) => decodeURIComponent(a.hash.slice(1))).filter((id) => !document.getElementById(id))`), []string{}, page.path)
			browsertest.Eval[bool](p.Page, string(axe)+"; true")
			for _, scheme := range []string{"light", "dark"} {
				p.Scheme(scheme)
				p.WaitFor(`matchMedia("(prefers-color-scheme: %s)").matches`, scheme)
				assert.Equal(t, browsertest.Eval[[]string](p.Page, docsFaults), []string{}, page.path, scheme)
			}
		}
	}

	// From one to the other, and to a route, which has the focus next.
	p.Do(chromedp.Navigate(app.URL + "/docs/"))
	p.press("Events")
	p.WaitFor(`location.pathname === "/docs/events/"`)
	p.press("HTTP API")
	p.WaitFor(`location.pathname === "/docs/http/"`)
	p.Tab()
	p.WaitFor(`document.activeElement.matches(".skip") && document.activeElement.getBoundingClientRect().left >= 0`)
	p.Enter()
	p.focused("#content")
	p.Do(chromedp.Navigate(app.URL + "/docs/http/"))
	for focus := ""; focus != "SUMMARY"; {
		p.Tab()
		focus = browsertest.Eval[string](p.Page, `document.activeElement.tagName`)
		assert.True(t, focus == "A" || focus == "SUMMARY", focus)
	}
	p.Enter()
	p.WaitFor(`document.querySelector("nav details").open`)
	p.Tab()
	p.Enter()
	p.WaitFor(`location.hash === "#chapter-Accounts"`)
	p.Clean()
}

// docsFaults lists what is wrong with a page of documents: see faults. Its links are lists of
// words, which are as high as these are.
const docsFaults = `(async () => {
	const page = document.documentElement;
	const wide = page.scrollWidth > page.clientWidth ? ["the page is " + page.scrollWidth + " wide"] : [];
	const { violations } = await axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] });
	return [...wide, ...violations.map((v) => v.id + ": " + v.nodes.slice(0, 3).map((n) => n.html).join(" "))];
})()`
