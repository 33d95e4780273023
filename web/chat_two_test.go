package web_test

import (
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/kachi-io/kachi/app/apptest"
	"github.com/kachi-io/kachi/internal/browsertest"
)

// write sends a message in the room that is shown.
func (p person) write(text string) {
	p.T.Helper()
	p.fill("message", text)
	p.Enter()
}

// hears waits until that is said in the room that is shown, once.
func (p person) hears(text string) {
	p.T.Helper()
	p.WaitFor(`[...document.querySelectorAll(".chat-bubble")].filter((e) => e.innerText === %s).length === 1`, browsertest.Quote(text))
}

// speaks has somebody's pages speak a language.
func (p person) speaks(language string) {
	p.T.Helper()
	browsertest.Eval[bool](p.Page, `(localStorage.setItem("kachi.language", `+browsertest.Quote(language)+`), true)`)
	p.Do(chromedp.Reload())
}

// Two people and a room, from its beginning to its end: on a wide screen in English its owner,
// on a phone in Korean who is invited.
func TestChatOfTwoInBrowser(t *testing.T) {
	browser := browsertest.Open(t, browsertest.Options{})
	app := apptest.New(t, nil)
	mina := enter(t, browser, app, app.Register(t, "Mina"), desktop, "/chat", "Chat")
	junIs := app.Register(t, "Jun")
	jun := person{browser.Page(t, "Jun", "about:blank")}
	step := func(name string, f func(t *testing.T)) {
		t.Helper()
		if !t.Run(name, func(t *testing.T) {
			mina.T, jun.T = t, t
			f(t)
		}) {
			t.FailNow()
		}
	}
	menu := func(p person, room, action string) {
		p.T.Helper()
		p.press(room)
		p.press(action)
		p.WaitFor(`document.querySelectorAll("dialog[open]").length === 1`)
	}
	const more = "More about this room"

	step("who is away finds an invitation on return, in their language", func(t *testing.T) {
		mina.press("New room")
		mina.fill("room", "Nest")
		mina.Click(`input[value="invited"]`)
		mina.press("Create the room")
		mina.says("h1", "Nest")
		mina.press("Invite")
		mina.fill("person", "Ju")
		mina.press("Invite Jun")
		mina.says("dialog", "Jun is invited.")
		mina.press("Close")

		jun.Do(chromedp.EmulateViewport(phone[0], phone[1]), chromedp.Navigate(app.URL+"/sign-in?next=/notifications"))
		jun.speaks("ko")
		jun.signIn("Jun", apptest.Password)
		jun.at("/notifications", "알림")
		jun.says(".notification.new", "Nest 초대")
		jun.says(".notification.new", "Mina 님이 초대했습니다.")
		jun.flawless()
		jun.Click(".notification-title a")
		jun.says("h1", "Nest")
		jun.WaitFor(`!document.querySelector(".badge")`) // it is read
	})

	step("what one says the other hears", func(t *testing.T) {
		mina.write("Is somebody there?")
		jun.hears("Is somebody there?")
		jun.write("여기 있어요")
		mina.hears("여기 있어요")
		jun.write("a mistake of Jun's")
		mina.hears("a mistake of Jun's")
	})

	step("the owner deletes what another said", func(t *testing.T) {
		browsertest.Eval[bool](mina.Page, `([...document.querySelectorAll(".chat-message:not(.own) .chat-more")].at(-1).click(), true)`)
		mina.says("dialog h2", "Message from Jun")
		mina.WaitFor(`document.querySelectorAll(".chat-more").length === 3 && document.querySelectorAll(".chat-more[tabindex='0']").length === 1`)
		mina.WaitFor(`![...document.querySelectorAll("dialog .button")].some((b) => b.innerText === "Edit")`)
		mina.press("Delete")
		mina.press("Delete for everyone")
		jun.says(".chat-message.own.deleted", "삭제된 메시지입니다.")
		jun.WaitFor(`document.querySelector(".chat-message:not(.own) .chat-more") === null`) // he is no owner
	})

	step("what was edited and deleted while one was away is seen on return", func(t *testing.T) {
		jun.Offline(true)
		jun.says(".status-banner", "오프라인")
		mina.write("Never mind")
		mina.hears("Never mind")
		browsertest.Eval[bool](mina.Page, `(document.querySelector(".chat-message.own .chat-more").click(), true)`)
		mina.press("Edit")
		mina.fill("message", "Is anybody there?")
		mina.Enter()
		mina.hears("Is anybody there?")
		browsertest.Eval[bool](mina.Page, `([...document.querySelectorAll(".chat-message.own .chat-more")].at(-1).click(), true)`)
		mina.press("Delete")
		mina.press("Delete for everyone")
		mina.WaitFor(`document.querySelectorAll(".chat-message.deleted").length === 2`)
		jun.hears("Is somebody there?") // as it was
		jun.Offline(false)
		jun.hears("Is anybody there?")
		jun.WaitFor(`document.querySelectorAll(".chat-message.deleted").length === 2`)
	})

	step("what is not sent survives a reload, and is sent once", func(t *testing.T) {
		jun.Unreachable("*://*:*/socket.io/*")
		jun.write("before the reload")
		jun.says(".chat-message.outgoing", "before the reload")
		jun.fill("message", "a draft")
		jun.Do(chromedp.Reload())
		jun.says(".chat-message.outgoing", "before the reload")
		jun.WaitFor(`document.querySelector("[name=message]").value === "a draft"`)
		jun.Offline(false)
		jun.WaitFor(`!document.querySelector(".chat-message.outgoing")`)
		jun.hears("before the reload")
		mina.hears("before the reload")
		jun.Do(chromedp.Reload())
		jun.hears("before the reload")
	})

	step("who signs out leaves nothing unsent behind", func(t *testing.T) {
		jun.Unreachable("*://*:*/socket.io/*")
		jun.write("for nobody")
		jun.says(".chat-message.outgoing", "for nobody")
		jun.WaitFor(`JSON.stringify({...sessionStorage}).includes("for nobody")`)
		jun.Do(chromedp.Navigate(app.URL + "/account"))
		jun.at("/account", "내 계정")
		jun.press("로그아웃")
		jun.Visible("dialog[open]")
		jun.Click("dialog .danger")
		jun.Visible(`[name="password"]`)
		jun.WaitFor(`JSON.stringify({...sessionStorage}) === "{}"`)
		jun.Offline(false)
		jun.Do(chromedp.Navigate(app.URL + "/sign-in?next=/chat"))
		jun.signIn("Jun", apptest.Password)
		jun.says(".chat-room-row", "Nest")
		jun.Click(".chat-room-row")
		jun.hears("before the reload")
		jun.WaitFor(`!document.querySelector(".chat-message.outgoing")`)
	})

	step("a room is called otherwise, and opened", func(t *testing.T) {
		menu(mina, more, "Members")
		mina.says("dialog h2", "2 members")
		mina.says("dialog li", "Mina\nyou · owner · here now")
		mina.says("dialog li", "Jun\nhere now")
		mina.flawless()
		mina.press("Close")
		menu(mina, more, "Change the room")
		mina.fill("room", "Tree")
		mina.Click(`input[value="everyone"]`)
		mina.press("Save")
		mina.says("h1", "Tree")
		jun.says("h1", "Tree")
		jun.WaitFor(`!document.querySelector(".chat-title .icon")`) // the lock
	})

	step("who is put out while they write keeps what they have written", func(t *testing.T) {
		jun.fill("message", "아직 다 못 썼")
		menu(mina, more, "Members")
		mina.press("Put Jun out")
		mina.focused(".chat-sure .danger")
		mina.flawless()
		mina.Click(".chat-sure .danger")
		mina.says("dialog [role=status]", "Jun is not a member any more.")
		mina.WaitFor(`document.querySelectorAll("dialog li").length === 1`)
		mina.focused("dialog li")
		mina.press("Close")
		jun.says("h2", "더 이상 이 방에 있지 않습니다")
		jun.says(".empty-state", "방장이 내보냈습니다.")
		jun.focused(".chat-gone")
		jun.says(".chat-unsent", "아직 다 못 썼")
		jun.flawless()
		jun.press("대화방에 들어가기") // it is open to everyone
		jun.WaitFor(`document.querySelector("[name=message]")?.value === "아직 다 못 썼"`)
		jun.write("다시 왔어요")
		mina.hears("다시 왔어요")
	})

	step("a room that is removed says so to who is in it", func(t *testing.T) {
		menu(mina, more, "Remove the room")
		mina.flawless()
		mina.Click("dialog .danger")
		mina.says(".toast", "Tree is removed.")
		mina.at("/chat", "Chat")
		mina.WaitFor(`!document.querySelector(".chat-room-row")`)
		jun.says("h2", "삭제된 대화방입니다")
		jun.says("h1", "Tree")
		jun.flawless()
	})

	step("who leaves is asked first", func(t *testing.T) {
		var room struct{ ID string }
		junIs.Call(t, 201, "POST", "/api/rooms", map[string]any{"name": "Attic"}, &room)
		mina.Do(chromedp.Navigate(app.URL + "/chat/" + room.ID))
		mina.press("Join the room")
		mina.press(more)
		mina.WaitFor(`[...document.querySelectorAll("dialog .chat-choices button")].map((b) => b.innerText).join() === "Members,Leave the room"`)
		mina.press("Leave the room")
		mina.WaitFor(`document.querySelector("dialog h2").innerText === "Leave Attic?"`)
		mina.Click("dialog .danger")
		mina.says(".toast", "You have left Attic.")
		mina.at("/chat", "Chat")
	})

	mina.T, jun.T = t, t
	mina.Clean()
	jun.Clean()
}
