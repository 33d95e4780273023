package web_test

import (
	"os"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/kachi-io/kachi/app/apptest"
	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/browsertest"
)

// Sizes of windows.
var (
	desktop = [2]int64{1280, 800}
	phone   = [2]int64{320, 640}
)

// enter opens a page of the whole server as somebody who has an account.
func enter(t *testing.T, browser *browsertest.Browser, app *apptest.App, who *apptest.Person, size [2]int64, path, heading string) person {
	t.Helper()
	p := person{browser.Page(t, who.Name, app.URL+"/sign-in?next="+path)}
	p.Do(chromedp.EmulateViewport(size[0], size[1]))
	p.signIn(who.Name, apptest.Password)
	p.at(path, heading)
	return p
}

// press presses the button of that name: its text, or its label.
func (p person) press(name string) {
	p.T.Helper()
	find := `[...document.querySelectorAll("button, a, summary")].find((e) =>
		e.checkVisibility() && (e.getAttribute("aria-label") ?? e.textContent).trim() === ` + browsertest.Quote(name) + `)`
	p.WaitFor(`!!%s`, find)
	browsertest.Eval[bool](p.Page, `(`+find+`.click(), true)`)
}

// flawless checks what the page shows in both themes: see faults.
func (p person) flawless() {
	p.T.Helper()
	axe, err := os.ReadFile("node_modules/axe-core/axe.min.js")
	assert.NoError(p.T, err)
	browsertest.Eval[bool](p.Page, string(axe)+"; true")
	for _, theme := range strings.Fields("light dark") {
		browsertest.Eval[bool](p.Page, `(document.documentElement.dataset.theme = `+browsertest.Quote(theme)+`, true)`)
		// Colours change, and what appears does so by and by.
		p.WaitFor(`!document.getAnimations().some((a) => a.playState === "running" && a.effect.getComputedTiming().endTime !== Infinity)`)
		assert.Equal(p.T, browsertest.Eval[[]string](p.Page, faults), []string{}, theme)
	}
	browsertest.Eval[bool](p.Page, `delete document.documentElement.dataset.theme`)
}
