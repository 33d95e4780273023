package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/browsertest"
)

// TestInBrowsers lets two people talk through the server that users run, in the browsers
// that they use. Its parts are one conversation, in this order.
func TestInBrowsers(t *testing.T) {
	browser := browsertest.Open(t, browsertest.Options{})
	binary, data := buildKachi(t), t.TempDir()
	server := launch(t, binary, "127.0.0.1:0", "--data", data)
	addr := strings.TrimPrefix(server.url, "http://")
	mina, jun := openPage(t, browser, "Mina", server.url), openPage(t, browser, "Jun", server.url)
	var nest string // the address of the room

	restart := func() { server = launch(t, binary, addr, "--data", data) } // which ends with the whole test
	step := func(name string, f func(t *testing.T)) {
		t.Helper()
		if !t.Run(name, func(t *testing.T) { mina.T, jun.T = t, t; f(t) }) {
			t.FailNow()
		}
	}

	step("from the first page into a room", func(t *testing.T) {
		mina.at("/sign-in", "Sign in")
		mina.register()
		mina.says("h2", "No rooms yet")
		nest = mina.createRoom("까치 둥지", false)
		mina.says(".chat-scroll", "Say hello")
		mina.people("Mina")

		jun.register()
		jun.says(".chat-rooms h2", "Open to everyone")
		jun.enter("까치 둥지")
		jun.says("h2", "You are not in this room yet")
		jun.press(".chat-room", "Join the room")
		jun.inside()
		jun.people("Jun", "Mina")
		mina.people("Mina", "Jun")
	})

	step("a conversation", func(t *testing.T) {
		mina.write("Hello, Jun")
		jun.sees("Hello, Jun")
		mina.deliveries("seen")
		mina.says(".chat-room-last", "You: Hello, Jun")
		jun.write("안녕, 미나")
		mina.sees("Hello, Jun", "안녕, 미나")
		mina.says(".chat-sender", "Jun")
		mina.says(".chat-day", "Today")
		mina.WaitFor(`document.querySelector('[role="log"]').innerText === "Jun: 안녕, 미나"`)
	})

	step("who is writing", func(t *testing.T) {
		jun.Fill(`[name="message"]`, "I am think")
		mina.says(".chat-typing", "Jun is writing…")
		mina.WaitFor(`document.querySelector(".chat-typing").textContent === ""`)
		jun.Fill(`[name="message"]`, "")
	})

	step("markup is text, and addresses are links", func(t *testing.T) {
		const attack = `<img src=x onerror="window.ran = true"><script>window.ran = true</script>`
		mina.write(attack)
		jun.sees(attack)
		mina.write("javascript:alert(1) and (https://example.com/a_(b)).")
		jun.sees("javascript:alert(1) and (https://example.com/a_(b)).")
		for _, p := range []page{mina, jun} {
			assert.True(t, browsertest.Eval[bool](p.Page, `window.ran === undefined`), p.Name)
			assert.Equal(t, browsertest.Eval[int](p.Page, `document.querySelectorAll(".chat-lines img, .chat-lines script").length`), 0)
			assert.Equal(t, browsertest.Eval[[]string](p.Page, `[...document.querySelectorAll(".chat-bubble a")].map((a) => a.href + " " + a.rel + " " + a.target)`),
				[]string{"https://example.com/a_(b) noopener noreferrer nofollow _blank"})
		}
	})

	step("the keys of the message field", func(t *testing.T) {
		// Enter ends a syllable while Korean is composed.
		mina.Fill(`[name="message"]`, "안녕")
		browsertest.Eval[bool](mina.Page, `document.activeElement.dispatchEvent(new KeyboardEvent("keydown", {key: "Enter", isComposing: true, bubbles: true, cancelable: true}))`)
		assert.Equal(t, browsertest.Eval[string](mina.Page, `document.activeElement.value`), "안녕")
		mina.Do(chromedp.KeyEvent(kb.Enter, chromedp.KeyModifiers(chromedp.ModifierShift)))
		mina.Insert("둘째 줄")
		mina.Enter()
		jun.sees("안녕\n둘째 줄")
	})

	step("a message is edited and deleted", func(t *testing.T) {
		mina.write("a mistkae")
		jun.sees("a mistkae")
		mina.deliveries("seen")
		mina.Do(chromedp.KeyEvent(kb.ArrowUp))
		mina.says(".chat-editing", "Editing your message")
		mina.write("a mistake")
		jun.sees("a mistake")
		jun.says(".chat-edited", "edited")
		mina.deliveries("seen")
		mina.press(`.chat-message:last-of-type`, "More about this message")
		mina.press("dialog", "Delete")
		mina.press("dialog", "Delete for everyone")
		jun.sees("This message was deleted.")
		mina.sees("This message was deleted.")
	})

	step("what is new is told on other pages", func(t *testing.T) {
		jun.Click(`.who`)
		jun.at("/account", "Account")
		aside := mina.createRoom("Aside", true)
		mina.press(".chat-room", "Invite")
		mina.fill("person", "ju")
		mina.press("dialog", "Invite Jun")
		mina.says("dialog", "Jun is invited.")
		mina.press("dialog", "Close")
		mina.WaitFor(`!document.querySelector("dialog[open]")`) // which gives the focus back
		jun.says(".toast", "Invitation to Aside")
		mina.write("just between us")
		jun.says("nav", "1 room with new messages")
		jun.Click(`nav a[href="/chat"]`)
		jun.WaitFor(`document.querySelector(".chat-room-row.unread")?.innerText.includes("Mina: just between us")`)
		jun.enter("Aside")
		jun.says(".chat-new", "New messages")
		jun.sees("just between us")
		mina.deliveries("seen")
		jun.WaitFor(`!document.querySelector('nav a[href="/chat"] .badge')`)
		jun.WaitFor(`location.pathname === %s`, quote(aside))
	})

	step("a draft stays with its room", func(t *testing.T) {
		jun.Fill(`[name="message"]`, "not finished")
		jun.enter("까치 둥지")
		jun.WaitFor(`document.querySelector('[name="message"]').value === ""`)
		jun.enter("Aside")
		jun.WaitFor(`document.querySelector('[name="message"]').value === "not finished"`)
		jun.Do(chromedp.Reload())
		jun.WaitFor(`document.querySelector('[name="message"]')?.value === "not finished"`)
		jun.Fill(`[name="message"]`, "")
	})

	step("leaving a room", func(t *testing.T) {
		jun.press(".chat-room", "More about this room")
		jun.press("dialog", "Leave the room")
		jun.says("dialog", "Leave Aside?")
		jun.Click("dialog .danger")
		jun.says(".toast", "You have left Aside.")
		jun.at("/chat", "Chat")
		mina.people("Mina")
		jun.WaitFor(`![...document.querySelectorAll(".chat-room-row")].some((e) => e.innerText.includes("Aside"))`)
		jun.Do(chromedp.Navigate(server.url + browsertest.Eval[string](mina.Page, `location.pathname`)))
		jun.says("h2", "There is no such room")
	})

	step("the network goes and comes back", func(t *testing.T) {
		for _, p := range []page{mina, jun} {
			p.enter("까치 둥지")
			p.inside()
		}
		mina.write("before the tunnel")
		mina.deliveries("seen")
		mina.Offline(true)
		mina.link("You are offline.")
		mina.write("in the tunnel")
		mina.write("still in the tunnel")
		mina.deliveries("waiting", "waiting")
		jun.write("are you there?")
		mina.Offline(false)
		mina.link("Connected")
		jun.sees("before the tunnel", "are you there?", "in the tunnel", "still in the tunnel")
		mina.sees("before the tunnel", "are you there?", "in the tunnel", "still in the tunnel")
		jun.write("there you are")
		mina.sees("there you are")
		for _, p := range []page{mina, jun} {
			once(t, p, "in the tunnel")
			once(t, p, "are you there?")
		}
	})

	step("the server is restarted", func(t *testing.T) {
		server.stop(t)
		mina.link("The connection was lost.")
		jun.link("The connection was lost.")
		mina.write("nobody hears this yet")
		mina.deliveries("waiting")
		restart()
		mina.link("Connected")
		jun.link("Connected")
		jun.sees("nobody hears this yet")
		mina.people("Mina", "Jun")
		jun.write("I am back")
		mina.sees("nobody hears this yet", "I am back")
		once(t, mina, "I am back")
		once(t, jun, "nobody hears this yet")
	})

	step("another language, and the same room after a reload", func(t *testing.T) {
		browsertest.Eval[bool](mina.Page, `(localStorage.setItem("kachi.language", "ko"), true)`)
		mina.Do(chromedp.Reload())
		mina.at(nest, "까치 둥지")
		mina.inside()
		mina.sees("nobody hears this yet", "I am back")
		mina.says(".chat-day", "오늘")
		mina.WaitFor(`document.querySelector('[name="message"]').placeholder === "까치 둥지에 메시지 쓰기"`)
	})

	step("no script failed", func(*testing.T) {
		mina.Clean()
		jun.Clean()
	})
}

// A long conversation is loaded as its reader goes up, and what they look at stays where it
// is; what is said meanwhile is told below.
func TestHistoryInBrowser(t *testing.T) {
	browser := browsertest.Open(t, browsertest.Options{})
	server := launch(t, buildKachi(t), "127.0.0.1:0")
	mina := openPage(t, browser, "Mina", server.url)
	mina.register()
	path := mina.createRoom("nest", false)
	talk := newSpeaker(t, server.url, "Jun", strings.TrimPrefix(path, "/chat/"))
	for i := range 130 {
		talk.say(fmt.Sprintf("message %d", i+1))
	}
	mina.sees("message 129", "message 130")
	mina.Do(chromedp.Reload())
	mina.inside()
	mina.sees("message 130")
	// The last page of the history; or two, where the first came before the room was at its end.
	loaded := mina.texts()
	assert.True(t, loaded[0] == "message 81" || loaded[0] == "message 31", loaded[0])

	top := `[...document.querySelectorAll(".chat-message")].find((e) => e.querySelector(".chat-bubble").textContent === "` + loaded[2] + `").getBoundingClientRect().top`
	before := browsertest.Eval[float64](mina.Page, `(() => { document.querySelector(".chat-scroll").scrollTop = 120; return `+top+`; })()`)
	mina.WaitFor(`document.querySelectorAll(".chat-message").length > %d`, len(loaded))
	after := browsertest.Eval[float64](mina.Page, top)
	assert.True(t, after-before < 3 && before-after < 3, "what is looked at moved", before, after)

	talk.say("look down")
	mina.says(".chat-newest", "1 new message below")
	assert.Equal(t, browsertest.Eval[float64](mina.Page, top), after)
	mina.Click(".chat-newest")
	mina.WaitFor(`!document.querySelector(".chat-newest")`)
	mina.sees("message 130", "look down")

	browsertest.Eval[bool](mina.Page, `(document.querySelector(".chat-scroll").scrollTop = 0, true)`)
	mina.WaitFor(`(document.querySelector(".chat-scroll").scrollTop = 0, document.querySelector(".chat-top").innerText.includes("This is where the conversation begins"))`)
	assert.Equal(t, mina.texts()[0], "message 1")
	assert.Equal(t, len(mina.texts()), 131)
	mina.Clean()
}

// Tokens expire under a conversation, which goes on over the same connection.
func TestTokensExpireInBrowser(t *testing.T) {
	browser := browsertest.Open(t, browsertest.Options{})
	server := launch(t, buildKachi(t), "127.0.0.1:0", "--access-token-lifetime", "4s")
	mina := openPage(t, browser, "Mina", server.url)
	mina.register()
	path := mina.createRoom("nest", false)
	// The page asks for tokens as long as it runs: three of them are more than one lifetime.
	browsertest.Eval[bool](mina.Page, `(window.tokens = 0, window.fetchBefore = fetch, window.fetch = (a, b) => { if (String(a).includes("/api/auth/refresh")) tokens++; return fetchBefore(a, b); }, true)`)
	mina.WaitFor(`tokens >= 3`)
	jun := openPage(t, browser, "Jun", server.url+"/chat")
	jun.register()
	jun.Do(chromedp.Navigate(server.url + path))
	jun.press(".chat-room", "Join the room")
	jun.inside()
	jun.write("still there?")
	mina.sees("still there?")
	mina.write("of course")
	jun.sees("still there?", "of course")
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
