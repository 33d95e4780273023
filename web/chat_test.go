package web_test

import (
	"fmt"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/kachi-io/kachi/app/apptest"
	"github.com/kachi-io/kachi/internal/browsertest"
)

// The chat with all that can be in it can be used on the narrowest screen and on a wide one,
// in both languages and themes: nothing scrolls sideways, a finger hits each target, and axe
// finds no fault.
func TestChatIsAccessible(t *testing.T) {
	browser := browsertest.Open(t, browsertest.Options{})
	app := apptest.New(t, nil)
	mina, jun := app.Register(t, "Mina"), app.Register(t, "Jun")
	var room struct{ ID string }
	mina.Call(t, 201, "POST", "/api/rooms", map[string]any{"name": "Aroomwithanamethathasnoplacetobreakitanywhere 까치 둥지", "private": true}, &room)
	mina.Call(t, 204, "POST", "/api/rooms/"+room.ID+"/members", map[string]any{"userId": jun.ID}, nil)
	for i := range 7 {
		jun.Call(t, 201, "POST", "/api/rooms", map[string]any{"name": fmt.Sprintf("Room %d", i)}, nil)
	}
	speakers := map[*apptest.Person]func(text string) (id string){}
	for _, who := range []*apptest.Person{mina, jun} {
		client := who.Dial(t, "/chat")
		client.Ask(nil, "join", room.ID)
		speakers[who] = func(text string) string {
			var receipt struct{ ID string }
			client.Ask(&receipt, "message", map[string]string{"room": room.ID, "message": text})
			return receipt.ID
		}
		if who == jun {
			gone := speakers[who]("never mind")
			client.Ask(nil, "delete", map[string]string{"id": gone})
			client.Ask(nil, "edit", map[string]string{"id": speakers[who]("a mistkae"), "message": "a mistake"})
		}
	}
	speakers[jun]("https://example.com/an/address/that/is/very/long/and/has/no/place/to/break/it/anywhere?at=all")
	speakers[mina]("둥지에서 봐요 😊\n둘째 줄")
	speakers[mina]("thelongestwordintheworldthelongestwordintheworldthelongestwordintheworldthelongestwordintheworld")
	speakers[jun]("🎉🐦")

	for _, language := range []string{"en", "ko"} {
		for _, size := range [][2]int64{phone, desktop, {1600, 900}} {
			t.Run(fmt.Sprint(language, " ", size[0]), func(t *testing.T) {
				p := person{browser.Page(t, mina.Name, app.URL+"/sign-in")}
				p.Do(chromedp.EmulateViewport(size[0], size[1]))
				browsertest.Eval[bool](p.Page, `(localStorage.setItem("kachi.language", `+browsertest.Quote(language)+`), true)`)
				p.Do(chromedp.Navigate(app.URL + "/sign-in"))
				p.signIn(mina.Name, apptest.Password)
				p.WaitFor(`document.querySelectorAll(".chat-room-row").length >= 8`)
				p.flawless()
				p.Click(`a[href="/chat/` + room.ID + `"]`)
				p.WaitFor(`document.querySelectorAll(".chat-message").length >= 6 && document.querySelector(".chat-scroll").ariaBusy === "false"`)
				p.flawless()
				open := func(action string) {
					browsertest.Eval[bool](p.Page, `(`+action+`, true)`)
					p.WaitFor(`document.querySelector("dialog[open]")?.getAnimations().length === 0`)
					p.flawless()
					p.Click("dialog header .icon-button")
					p.WaitFor(`!document.querySelector("dialog")`)
				}
				open(`[...document.querySelectorAll(".chat-more")].at(-1).click()`)
				action := func(i int) string {
					return fmt.Sprintf(`document.querySelectorAll(".chat-room .page-actions .icon-button")[%d].click()`, i)
				}
				for i := range 2 { // invite, menu
					open(action(i))
				}
				if size[0] > desktop[0] {
					p.Clean()
					return
				}
				for i := range 4 { // members, change, leave, remove
					browsertest.Eval[bool](p.Page, `(`+action(1)+`, true)`)
					p.WaitFor(`document.querySelector("dialog[open] .chat-choices")`)
					open(fmt.Sprintf(`document.querySelectorAll(".chat-choices button")[%d].click()`, i))
				}
				p.Clean()
			})
		}
	}
}
