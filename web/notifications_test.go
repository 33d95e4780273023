package web_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/kachi-io/kachi/app/apptest"
	"github.com/kachi-io/kachi/internal/browsertest"
)

// What one is told arrives on every device that one has, whatever page it shows; and what is
// read on one is read on all.
func TestNotificationsInBrowser(t *testing.T) {
	browser := browsertest.Open(t, browsertest.Options{})
	app := apptest.New(t, nil)
	mina := app.Register(t, "Mina")
	tell := func(title, body string, data any) {
		t.Helper()
		app.Service().Call(t, 202, "POST", "/api/notifications", map[string]any{"userId": mina.ID, "title": title, "body": body, "data": data}, nil)
	}
	for i := range 31 { // one page, and one more
		tell(fmt.Sprintf("Earlier %d", i+1), "It was before anybody looked.", nil)
	}

	wide := enter(t, browser, app, mina, desktop, "/notifications", "Notifications")
	wide.says(".notification-title", "Earlier 31")
	narrow := enter(t, browser, app, mina, phone, "/account", "Account")
	narrow.says("nav", "31 unread notifications")
	narrow.WaitFor(`document.title === "(31) Account · Kachi"`)

	tell("<b>까치</b> is here", "A magpie sits on the roof.", map[string]string{"url": "/account?from=magpie"})
	for _, p := range []person{wide, narrow} {
		p.says(".toast", "<b>까치</b> is here")
		p.says("nav", "32 unread notifications")
	}
	wide.WaitFor(`document.querySelector(".notification-title").innerText.includes("<b>까치</b> is here")`)
	wide.WaitFor(`document.title === "(32) Notifications · Kachi"`)
	wide.flawless()

	// On the phone: its link is followed, which reads it everywhere.
	narrow.Click(`nav a[href="/notifications"]`)
	narrow.at("/notifications", "Notifications")
	narrow.says(".notification.new .notification-title", "<b>까치</b> is here")
	narrow.flawless()
	narrow.Click(".notification-title a")
	narrow.at("/account?from=magpie", "Account")
	for _, p := range []person{wide, narrow} {
		p.says("nav", "31 unread notifications")
	}
	wide.WaitFor(`!document.querySelector(".notification").matches(".new")`)

	// One, with the keyboard; the older ones; all.
	wide.press("Mark as read: Earlier 31")
	narrow.says("nav", "30 unread notifications")
	wide.press("Show older ones")
	wide.says(".notification-title", "Earlier 1")
	wide.WaitFor(`document.querySelectorAll(".notification").length === 32 && document.activeElement.matches(".notification-title")`)
	wide.press("Mark all as read")
	wide.says(".toast", "All notifications are read.")
	for _, p := range []person{wide, narrow} {
		p.WaitFor(`!document.querySelector(".badge") && !document.title.startsWith("(")`)
	}
	wide.WaitFor(`!document.querySelector(".notification.new")`)

	// What comes while a device has no network is there when it comes back.
	narrow.Offline(true)
	narrow.says(".status-banner", "You are offline.")
	tell("Missed", "Nobody was there.", nil)
	wide.says("nav", "1 unread notification")
	narrow.Offline(false)
	narrow.says("nav", "1 unread notification")

	wide.Clean()
	narrow.Clean()
}

// In Korean: what one is told, and the words around it, on a phone and a desktop.
func TestNotificationsInKorean(t *testing.T) {
	browser := browsertest.Open(t, browsertest.Options{})
	app := apptest.New(t, nil)
	mina := app.Register(t, "미나")
	for _, size := range [][2]int64{phone, desktop} {
		p := enter(t, browser, app, mina, size, "/notifications", "Notifications")
		browsertest.Eval[bool](p.Page, `(localStorage.setItem("kachi.language", "ko"), true)`)
		p.Do(chromedp.Reload())
		p.at("/notifications", "알림")
		if size == phone {
			p.says("h2", "새 알림이 없습니다")
			p.flawless()
		}
		app.Service().Call(t, 202, "POST", "/api/notifications", []map[string]any{
			{"userId": mina.ID, "title": "배송이 출발했습니다", "body": "주문하신 새집이 오늘 저녁 7시에서 9시 사이에 도착합니다. 문 앞에 두고 갈까요?", "data": map[string]string{"url": "/map"}},
			{"userId": mina.ID, "title": strings.Repeat("까치", 40), "body": "https://example.com/" + strings.Repeat("a", 200)},
		}, nil)
		p.says(".notification.new .notification-title", "배송이 출발했습니다")
		p.says(".notification-title", strings.Repeat("까치", 40))
		p.says("nav", "읽지 않은 알림 2개")
		p.WaitFor(`document.title === "(2) 알림 · Kachi"`)
		p.says(".notification time", "지금")
		p.says("#notifications-desktop", "데스크톱 알림")
		p.flawless()
		p.press("읽음으로 표시: 배송이 출발했습니다")
		p.says("nav", "읽지 않은 알림 1개")
		p.press("모두 읽음으로 표시")
		p.says(".toast", "모든 알림을 읽었습니다.")
		p.flawless()
		p.Clean()
	}
}

// What cannot be loaded is said, and comes when it can.
func TestNotificationsThatCannotBeLoaded(t *testing.T) {
	browser := browsertest.Open(t, browsertest.Options{})
	app := apptest.New(t, nil)
	mina := app.Register(t, "Mina")
	p := enter(t, browser, app, mina, phone, "/account", "Account")
	app.Service().Call(t, 202, "POST", "/api/notifications", map[string]any{"userId": mina.ID, "title": "Missed", "body": "Nobody was there."}, nil)
	p.says("nav", "1 unread notification")
	p.Block("*://*:*/api/notifications?*")
	p.Click(`nav a[href="/notifications"]`)
	p.says("h2", "The notifications could not be loaded")
	p.flawless()
	p.Block()
	p.press("Try again")
	p.says(".notification-title", "Missed")
	p.Clean()
}
