package web_test

import (
	"fmt"
	"testing"

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
