package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/browsertest"
)

// TestInBrowsers lets two people talk through the server that users run, in the browsers
// that they use. Its parts are one conversation, in this order.
func TestInBrowsers(t *testing.T) {
	browser := browsertest.Open(t, browsertest.Options{})
	binary := buildKachi(t)
	server := launch(t, binary, "127.0.0.1:0")
	addr := strings.TrimPrefix(server.url, "http://")
	mina, jun := openPage(t, browser, "Mina", server.url), openPage(t, browser, "Jun", server.url)

	restart := func() { server = launch(t, binary, addr) }
	step := func(name string, f func(t *testing.T)) {
		t.Helper()
		if !t.Run(name, func(t *testing.T) { mina.T, jun.T = t, t; f(t) }) {
			t.FailNow()
		}
	}

	step("a conversation", func(t *testing.T) {
		mina.enter("nest")
		mina.people("Mina")
		jun.enter("nest")
		mina.notices("Jun came in")
		mina.people("Mina", "Jun")
		jun.people("Jun", "Mina")

		mina.write("Hello, Jun")
		jun.sees("Hello, Jun")
		mina.deliveries("delivered")
		jun.write("안녕, 미나")
		mina.sees("Hello, Jun", "안녕, 미나")
	})

	step("who is writing", func(t *testing.T) {
		jun.Insert("I am think")
		mina.WaitFor(`document.querySelector(".typing").textContent === "Jun is writing…"`)
		jun.Fill("#message", "")
		mina.WaitFor(`document.querySelector(".typing").textContent === ""`)
	})

	step("markup is text", func(t *testing.T) {
		const attack = `<img src=x onerror="window.ran = true"><script>window.ran = true</script>`
		mina.write(attack)
		jun.sees(attack)
		for _, p := range []page{mina, jun} {
			assert.True(t, browsertest.Eval[bool](p.Page, `window.ran === undefined`), p.Name)
			assert.Equal(t, browsertest.Eval[int](p.Page, `document.querySelectorAll(".lines img, .lines script").length`), 0)
		}
	})

	step("leaving and coming back", func(t *testing.T) {
		jun.Click("#leave")
		mina.notices("Jun left")
		mina.people("Mina")
		jun.enter("nest")
		mina.people("Mina", "Jun")
	})

	step("a name that is taken", func(t *testing.T) {
		other := openPage(t, browser, "mina", server.url+"/?room=nest")
		other.Visible("#name")
		other.Fill("#name", "mina")
		other.Enter()
		other.WaitFor(`document.querySelector("#entry-error").textContent.includes("has that name")`)
	})

	step("the network goes and comes back", func(t *testing.T) {
		mina.write("before the tunnel")
		mina.deliveries("delivered")
		mina.Offline(true)
		mina.link("offline")
		mina.write("in the tunnel")
		mina.write("still in the tunnel")
		mina.deliveries("waiting", "waiting")
		mina.Offline(false)
		mina.link("connected")
		mina.deliveries("delivered", "delivered")
		jun.sees("before the tunnel", "in the tunnel", "still in the tunnel")
		mina.notices("You were away")
		jun.write("there you are")
		mina.sees("there you are")
		once(t, jun, "in the tunnel")
	})

	step("the server is restarted", func(t *testing.T) {
		server.stop(t)
		mina.link("offline")
		jun.link("offline")
		mina.write("nobody hears this yet")
		mina.deliveries("waiting")
		restart()
		mina.link("connected")
		jun.link("connected")
		mina.deliveries("delivered")
		mina.people("Mina", "Jun")
		jun.write("I am back")
		mina.sees("nobody hears this yet", "I am back")
		mina.write("so am I")
		jun.sees("so am I")
		once(t, mina, "I am back")
	})

	step("Korean", func(t *testing.T) {
		mina.Click(`header button[lang="ko"]`)
		mina.WaitFor(`document.documentElement.lang === "ko" && document.querySelector("#leave").textContent === "나가기"`)
		mina.Do(chromedp.Reload())
		mina.WaitFor(`document.querySelector("#enter")?.textContent === "들어가기"`)
		jun.people("Jun")
	})

	mina.Clean()
	jun.Clean()
}

// A folder of one's own, whose pages find the client script on the same server. They ask for
// a namespace that this one does not have, and say so.
func TestStaticFolderInBrowser(t *testing.T) {
	browser := browsertest.Open(t, browsertest.Options{})
	server := launch(t, buildKachi(t), "127.0.0.1:0", "--static", "../../examples/projectchat/static")
	p := openPage(t, browser, "Mina", server.url)
	p.Click(`a[href="project.html"]`)
	p.WaitFor(`document.querySelector("#link")?.textContent === "Not connected: Invalid namespace"`)
	p.Clean()
}

// once checks that a message is shown, and only once.
func once(t *testing.T, p page, text string) {
	t.Helper()
	texts := p.texts()
	first := slices.Index(texts, text)
	assert.True(t, first >= 0 && !slices.Contains(texts[first+1:], text), p.Name, texts)
}
