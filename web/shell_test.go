package web_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/kachi-io/kachi/app/pages"
	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/browsertest"
)

// person is one user's window, with what a user does and sees.
type person struct{ *browsertest.Page }

// fill types into the field of that name.
func (p person) fill(name, text string) {
	p.T.Helper()
	p.Visible(`[name="` + name + `"]`)
	p.Fill(`[name="`+name+`"]`, text)
}

// signIn fills in the form, and presses Enter.
func (p person) signIn(name, password string) {
	p.T.Helper()
	p.fill("name", name)
	p.fill("password", password)
	p.Enter()
}

// at waits until the page has that address and that heading, which has the focus.
func (p person) at(path, heading string) {
	p.T.Helper()
	p.WaitFor(`location.pathname + location.search === %s && document.querySelector("h1")?.textContent === %s`,
		browsertest.Quote(path), browsertest.Quote(heading))
}

// says waits until an element of the page has that text.
func (p person) says(selector, text string) {
	p.T.Helper()
	p.WaitFor(`[...document.querySelectorAll(%s)].some((e) => e.innerText.includes(%s))`,
		browsertest.Quote(selector), browsertest.Quote(text))
}

// focused waits until that element has the focus.
func (p person) focused(selector string) {
	p.T.Helper()
	p.WaitFor(`!!document.activeElement?.matches(%s)`, browsertest.Quote(selector))
}

func TestShellInBrowser(t *testing.T) {
	browser := browsertest.Open(t, browsertest.Options{})
	server := startAccounts(t)
	mina := person{browser.Page(t, "Mina", server.url+"/notifications?x=1")}
	step := func(name string, f func(t *testing.T)) {
		t.Helper()
		if !t.Run(name, func(t *testing.T) { mina.T = t; f(t) }) {
			t.FailNow()
		}
	}

	step("who is not signed in comes to the door", func(t *testing.T) {
		mina.at("/sign-in?next=%2Fnotifications%3Fx%3D1", "Sign in")
		mina.focused(`[name="name"]`)
		mina.signIn("Mina", "wrong")
		mina.says(`[role="alert"]`, "The name or the password is not right.")
		mina.focused(`[name="password"]`)
		server.with(func() { server.tooOften = true })
		mina.signIn("Mina", "wrong again")
		mina.says(`[role="alert"]`, "Too many tries.")
		mina.says(".note", "You can try again in 1:")
		mina.focused(`[name="password"]`)
		server.with(func() { server.tooOften = false })
	})

	step("an account is made", func(t *testing.T) {
		jun := person{browser.Page(t, "Jun", server.url+"/register")}
		jun.fill("name", "Mina")
		jun.fill("password", "short")
		jun.Enter()
		jun.says(".field-error", "At least 8 characters.")
		jun.focused(`[name="password"][aria-invalid="true"]`)
		jun.fill("password", "long enough")
		jun.Enter()
		jun.says(".field-error", "Somebody has that name already.")
		jun.focused(`[name="name"][aria-invalid="true"]`)
		jun.fill("name", "Jun")
		jun.fill("password", "password") // which this server does not like
		jun.Enter()
		jun.says(".field-error", "At least 12 characters.")
		jun.Click(`button[aria-label="Show the password"]`)
		jun.WaitFor(`document.querySelector("[name=password]").type === "text"`)
		jun.fill("password", "long enough for all")
		jun.Enter()
		jun.at("/chat", "Chat")
		jun.says(".who-name", "Jun")
		jun.Clean()
	})

	step("signing in leads to where one wanted to go", func(t *testing.T) {
		mina.Do(chromedp.Reload()) // the wait is over for who comes again
		mina.signIn("Mina", "the nest is high")
		mina.at("/notifications?x=1", "Notifications")
		mina.WaitFor(`document.title === "Notifications · Kachi"`)
		assert.Equal(t, browsertest.Eval[string](mina.Page, `JSON.stringify({...localStorage}) + document.cookie`), "{}")
	})

	step("links, back and forward, with the focus and the title", func(t *testing.T) {
		server.with(func() {
			server.rooms = append(server.rooms, map[string]any{"id": "7", "name": "까치 둥지", "members": 1})
		})
		mina.Click(`nav a[href="/chat"]`)
		mina.at("/chat", "Chat")
		mina.focused("h1")
		mina.WaitFor(`document.querySelector("nav [aria-current=page]").pathname === "/chat"`)
		mina.Click(`a[href="/chat/7"]`)
		mina.at("/chat/7", "까치 둥지")
		mina.focused("h1")
		browsertest.Eval[bool](mina.Page, `(history.back(), true)`)
		mina.at("/chat", "Chat")
		browsertest.Eval[bool](mina.Page, `(history.forward(), true)`)
		mina.at("/chat/7", "까치 둥지")
		mina.WaitFor(`document.title === "까치 둥지 · Kachi"`)
		mina.Do(chromedp.Reload())
		mina.at("/chat/7", "까치 둥지")
		assert.True(t, browsertest.Eval[bool](mina.Page, `document.activeElement === document.body`))
	})

	step("the keyboard alone", func(t *testing.T) {
		mina.Do(chromedp.EmulateViewport(600, 720)) // where a room has a way back
		defer mina.Do(chromedp.EmulateViewport(1100, 720))
		mina.Do(chromedp.KeyEvent("\t"))
		mina.focused(".skip")
		mina.Enter()
		mina.focused("#content")
		mina.Do(chromedp.KeyEvent("\t"))
		mina.focused(`a[href="/chat"]`)
		mina.Enter()
		mina.at("/chat", "Chat")
	})

	step("what is new stands in the navigation and in the title", func(t *testing.T) {
		server.with(func() {
			server.notes = append(server.notes, map[string]any{"id": "1", "title": "<b>bold</b>", "body": "", "createdAt": time.Now()})
		})
		mina.Click(`nav a[href="/notifications"]`)
		mina.says(".notification-title", "<b>bold</b>")
		mina.says("nav", "1 unread notification")
		mina.WaitFor(`document.title === "(1) Notifications · Kachi"`)
	})

	step("the live connection goes and comes back", func(t *testing.T) {
		mina.Click(`nav a[href="/dashboard"]`)
		mina.says(".status-banner", "Connected")
		mina.Offline(true)
		mina.says(".status-banner", "You are offline.")
		mina.Offline(false)
		mina.says(".status-banner", "Connected")
	})

	step("a token that expires is replaced, without a new socket", func(t *testing.T) {
		server.with(func() { server.lifetime = 4 * time.Second })
		jun := person{browser.Page(t, "Jun", server.url+"/sign-in?next=/dashboard")}
		jun.signIn("Jun", "long enough for all")
		jun.says(".status-banner", "Connected")
		assert.Eventually(t, func() (ok bool) {
			server.with(func() { ok = server.replaced >= 2 })
			return ok
		}, "the socket is shown newer tokens")
		// Until the server does not know him any more.
		server.with(func() { clear(server.sessions) })
		jun.at("/sign-in?next=%2Fdashboard", "Sign in")
		jun.says(".note", "Your session has ended.")
		server.with(func() { server.lifetime = time.Hour })
	})

	step("the language and the theme", func(t *testing.T) {
		mina.Do(chromedp.Reload())
		mina.signIn("Mina", "the nest is high") // her session went with his
		mina.at("/dashboard", "Dashboard")
		mina.Click(".who")
		mina.at("/account", "Account")
		mina.Click(`input[value="ko"]`)
		mina.says("h1", "내 계정")
		mina.Click(`input[value="dark"]`)
		mina.WaitFor(`document.documentElement.lang === "ko" && getComputedStyle(document.documentElement).colorScheme === "dark"`)
		mina.Do(chromedp.Reload())
		mina.says("h1", "내 계정")
		mina.WaitFor(`document.documentElement.lang === "ko" && getComputedStyle(document.documentElement).colorScheme === "dark"`)
		mina.Click(`input[value="en"]`)
	})

	step("a second tab", func(t *testing.T) {
		mina.at("/account", "Account")
		browsertest.Eval[bool](mina.Page, `(window.tab = open("/chat"), true)`)
		mina.WaitFor(`tab.document.querySelector("h1")?.textContent === "Chat"`)
	})

	step("signing out", func(t *testing.T) {
		mina.Click(".account-who button")
		mina.Visible("dialog[open]")
		mina.Click("dialog .icon-button")
		mina.WaitFor(`!document.querySelector("dialog")`)
		mina.focused(".account-who button")
		mina.Click(".account-who button")
		mina.Click("dialog .danger")
		mina.at("/sign-in?next=%2Faccount", "Sign in")
		mina.says(".toast", "You are signed out.")
		mina.WaitFor(`tab.document.querySelector("h1")?.textContent === "Sign in"`)
		browsertest.Eval[bool](mina.Page, `(history.back(), true)`)
		mina.WaitFor(`!document.querySelector(".frame")`)
		server.with(func() { assert.Equal(t, len(server.sessions), 0) })
	})

	mina.Clean()
	server.with(func() { assert.Equal(t, server.reused, 0) })
}

// Every page can be used on the narrowest screen and on a wide one, in both languages and
// themes: nothing scrolls sideways, a finger hits each target, and axe finds no fault.
func TestShellIsAccessible(t *testing.T) {
	browser := browsertest.Open(t, browsertest.Options{})
	axe, err := os.ReadFile("node_modules/axe-core/axe.min.js")
	assert.NoError(t, err)
	server := startAccounts(t)
	server.rooms = append(server.rooms, map[string]any{"id": "1", "members": 1, "name": "a-room-with-a-name-that-has-no-place-to-break-it-anywhere"})
	server.notes = append(server.notes, map[string]any{"id": "1", "title": "까치 둥지", "body": "https://example.com/a/long/address/that/does/not/break", "createdAt": time.Now()})
	for _, way := range []struct {
		language, theme string
		width           int64
	}{{"en", "light", 320}, {"ko", "dark", 320}, {"en", "dark", 1280}, {"ko", "light", 1280}} {
		t.Run(fmt.Sprintf("%s %s %d", way.language, way.theme, way.width), func(t *testing.T) {
			p := person{browser.Page(t, "Mina", server.url+"/sign-in")}
			p.Do(chromedp.EmulateViewport(way.width, 640))
			browsertest.Eval[bool](p.Page, fmt.Sprintf(`(localStorage.setItem("kachi.language", %q), localStorage.setItem("kachi.theme", %q), true)`, way.language, way.theme))
			look := func(path string) {
				p.Do(chromedp.Navigate(server.url + path))
				p.WaitFor(`document.documentElement.lang === %q && document.documentElement.dataset.theme === %q &&
					!!document.querySelector("h1") && !document.querySelector("#content > .skeletons")`, way.language, way.theme)
				browsertest.Eval[bool](p.Page, string(axe)+"; true")
				assert.Equal(t, browsertest.Eval[[]string](p.Page, faults), []string{}, path)
			}
			for _, path := range []string{"/sign-in", "/register", "/nowhere"} {
				look(path)
			}
			p.Do(chromedp.Navigate(server.url + "/sign-in"))
			p.signIn("Mina", "the nest is high")
			p.WaitFor(`location.pathname === "/chat"`)
			for _, path := range []string{"/chat", "/chat/1", "/map", "/notifications", "/dashboard", "/account", "/nowhere"} {
				look(path)
			}
			p.Clean()
		})
	}
}

// faults lists what is wrong with the page that is shown.
const faults = `(async () => {
	const wide = [document.documentElement, document.querySelector("#content")]
		.filter((e) => e.scrollWidth > e.clientWidth)
		.map((e) => e.tagName + " is " + e.scrollWidth + " wide");
	const small = [...document.querySelectorAll("a, button, label:has(input)")]
		.filter((e) => e.checkVisibility() && !e.matches(".skip, p a")) // links in a text are as high as it
		.map((e) => [e.getBoundingClientRect(), e.outerHTML])
		.filter(([box]) => box.width < 43.9 || box.height < 43.9)
		.map(([box, html]) => box.width + " x " + box.height + " " + html);
	const { violations } = await axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] });
	return [...wide, ...small, ...violations.map((v) => v.id + ": " + v.nodes.map((n) => n.html).join(" "))];
})()`

// Without a server that can say who is here, the pages say so and try again.
func TestShellWithoutServer(t *testing.T) {
	browser := browsertest.Open(t, browsertest.Options{})
	server := startAccounts(t)
	server.broken = true
	p := person{browser.Page(t, "Mina", server.url+"/chat")}
	p.says("h2", "The server cannot be reached")
	server.with(func() { server.broken = false })
	p.at("/sign-in", "Sign in")
	p.Clean()
}

// The server knows the addresses that the pages have, and no others.
func TestServerKnowsTheAddressesOfPages(t *testing.T) {
	files, err := filepath.Glob("src/pages/*/index.ts")
	assert.NoError(t, err)
	want := []string{"/{$}"}
	for _, file := range files {
		source, err := os.ReadFile(file)
		assert.NoError(t, err)
		for _, list := range regexp.MustCompile(`(?s)paths: \[(.*?)\]`).FindAllSubmatch(source, -1) {
			for _, path := range regexp.MustCompile(`'(.*?)'`).FindAllSubmatch(list[1], -1) {
				want = append(want, string(path[1]))
			}
		}
	}
	slices.Sort(want)
	assert.Equal(t, slices.Sorted(slices.Values(pages.Addresses)), want)
}
