package web_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

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
		server.with(func() { server.rooms = append(server.rooms, map[string]any{"id": 7, "name": "까치 둥지"}) })
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

	step("what is new stands in the navigation and in the title", func(t *testing.T) {
		server.with(func() {
			server.notes = append(server.notes, map[string]any{"id": "1", "title": "<b>bold</b>", "body": "", "createdAt": time.Now()})
		})
		mina.Click(`nav a[href="/notifications"]`)
		mina.says(".notification strong", "<b>bold</b>")
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

	step("signing out", func(t *testing.T) {
		mina.at("/account", "Account")
		mina.Click(".account-who button")
		mina.Visible("dialog[open]")
		mina.Click("dialog .icon-button")
		mina.WaitFor(`!document.querySelector("dialog")`)
		mina.focused(".account-who button")
		mina.Click(".account-who button")
		mina.Click("dialog .danger")
		mina.at("/sign-in?next=%2Faccount", "Sign in")
		mina.says(".toast", "You are signed out.")
		browsertest.Eval[bool](mina.Page, `(history.back(), true)`)
		mina.WaitFor(`!document.querySelector(".frame")`)
		server.with(func() { assert.Equal(t, len(server.sessions), 0) })
	})

	mina.Clean()
	server.with(func() { assert.Equal(t, server.reused, 0) })
}

// Every page can be used on the narrowest screen, in both languages, without scrolling
// sideways, and with targets that a finger can hit.
func TestShellOnSmallScreens(t *testing.T) {
	browser := browsertest.Open(t, browsertest.Options{})
	server := startAccounts(t)
	server.rooms = append(server.rooms, map[string]any{"id": 1, "name": "a-room-with-a-name-that-has-no-place-to-break-it-anywhere"})
	server.notes = append(server.notes, map[string]any{"id": "1", "title": "까치 둥지", "body": "https://example.com/a/long/address/that/does/not/break", "createdAt": time.Now()})
	p := person{browser.Page(t, "Mina", server.url+"/sign-in")}
	p.Do(chromedp.EmulateViewport(320, 568))
	for _, language := range []string{"en", "ko"} {
		browsertest.Eval[bool](p.Page, fmt.Sprintf(`(localStorage.setItem("kachi.language", %q), true)`, language))
		for _, path := range []string{"/sign-in", "/register", "/chat", "/chat/1", "/map", "/notifications", "/dashboard", "/account", "/nowhere"} {
			p.Do(chromedp.Navigate(server.url + path))
			p.WaitFor(`document.documentElement.lang === %q && !!document.querySelector("h1") && !document.querySelector("#content > .skeletons")`, language)
			assert.Equal(t, browsertest.Eval[[]string](p.Page, `
				[document.documentElement, document.querySelector("#content")]
					.filter((e) => e.scrollWidth > e.clientWidth)
					.map((e) => e.tagName + " is " + e.scrollWidth + " wide")`), []string{}, path)
			assert.Equal(t, browsertest.Eval[[]string](p.Page, `
				[...document.querySelectorAll("a, button, label:has(input)")]
					.filter((e) => e.checkVisibility() && !e.matches(".skip"))
					.map((e) => [e.getBoundingClientRect(), e.outerHTML])
					.filter(([box]) => box.width < 43.9 || box.height < 43.9)
					.map(([box, html]) => box.width + " x " + box.height + " " + html)`), []string{}, path)
			if path == "/register" {
				p.Do(chromedp.Navigate(server.url + "/sign-in"))
				p.signIn("Mina", "the nest is high")
				p.WaitFor(`location.pathname === "/chat"`)
			}
		}
		p.Do(chromedp.Navigate(server.url + "/account"))
		p.Visible(".account-who button")
		p.Click(".account-who button")
		p.Click("dialog .danger")
		p.WaitFor(`location.pathname === "/sign-in"`)
	}
	p.Clean()
}

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
