package web_test

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/kachi-io/kachi/app/account"
	"github.com/kachi-io/kachi/app/apptest"
	"github.com/kachi-io/kachi/app/server"
	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/browsertest"
)

// The figures are there at once, and follow what happens; a page that nobody sees rests.
func TestDashboardInBrowser(t *testing.T) {
	browser := browsertest.Open(t, browsertest.Options{})
	app := apptest.New(t, nil)
	mina, jun := app.Register(t, "Mina"), app.Register(t, "Jun")
	wide := enter(t, browser, app, mina, desktop, "/dashboard", "Dashboard")
	narrow := enter(t, browser, app, jun, phone, "/dashboard", "Dashboard")
	connections := func(n string) string {
		return `document.querySelector(".dashboard-tiles dd")?.textContent === "` + n + `"`
	}
	for _, p := range []person{wide, narrow} {
		p.WaitFor("%s", connections("2"))
		p.WaitFor(`document.querySelectorAll(".dashboard-plot canvas").length === 6`)
		p.flawless()
	}
	other := jun.Dial(t, "/notifications")
	wide.WaitFor("%s", connections("3"))
	// Rates are of the time between two updates.
	wide.WaitFor(`/\d\/s/.test([...document.querySelectorAll(".dashboard-tiles dd")][1].textContent)`)
	wide.says(".dashboard-table", "/notifications")
	other.Close()
	wide.WaitFor("%s", connections("2"))

	// The same as a table, on the phone; with what was before it came.
	narrow.press("Connections as a table")
	narrow.WaitFor(`document.querySelectorAll("details[open] tbody tr").length > 2`)
	narrow.flawless()

	// The connection breaks and comes back.
	wide.Offline(true)
	wide.says(".dashboard-waiting", "newer figures are not coming")
	wide.Offline(false)
	wide.WaitFor(`document.querySelector(".dashboard-waiting").textContent === ""`)

	// In the language of the page.
	browsertest.Eval[bool](wide.Page, `(localStorage.setItem("kachi.language", "ko"), true)`)
	wide.Do(chromedp.Reload())
	wide.says(".dashboard h2", "연결")
	wide.flawless()
	wide.Clean()
	narrow.Clean()
}

// A page that nobody looks at leaves the namespace: the server has nobody to measure for (see
// app/dashboard), and begins again when somebody looks.
func TestDashboardThatNobodyLooksAt(t *testing.T) {
	browser := browsertest.Open(t, browsertest.Options{})
	app := apptest.New(t, nil)
	mina := app.Register(t, "Mina")
	p := enter(t, browser, app, mina, desktop, "/dashboard", "Dashboard")
	look := func(state string) {
		t.Helper()
		browsertest.Eval[bool](p.Page, `(Object.defineProperty(document, "visibilityState", { value: "`+state+`", configurable: true }),
			document.dispatchEvent(new Event("visibilitychange")))`)
	}
	metric := func(name string) (value int) {
		t.Helper()
		text, err := io.ReadAll(app.Nobody().Do(t, "GET", "/metrics", nil).Body)
		assert.NoError(t, err)
		for line := range strings.Lines(string(text)) {
			if rest, found := strings.CutPrefix(line, name+" "); found {
				_, err := fmt.Sscan(rest, &value)
				assert.NoError(t, err)
				return value
			}
		}
		t.Fatal("no metric ", name)
		return 0
	}
	const updates = `kachi_emitted_total{event="dashboardUpdate",namespace="/dashboard"}`
	p.says(".dashboard .hint", "As of")
	watched := metric("kachi_sockets")

	look("hidden")
	p.says(".dashboard-waiting", "Paused while this page is not looked at.")
	assert.Eventually(t, func() bool { return metric("kachi_sockets") == watched-1 })
	told, shown := metric(updates), browsertest.Eval[string](p.Page, `document.querySelector(".dashboard > .hint").textContent`)
	p.flawless()
	assert.Equal(t, metric(updates), told)

	look("visible")
	p.WaitFor(`document.querySelector(".dashboard-waiting").textContent === "" && document.querySelector(".dashboard > .hint").textContent !== %s`, browsertest.Quote(shown))
	assert.Equal(t, metric("kachi_sockets"), watched)
	assert.True(t, metric(updates) > told)
	p.Clean()
}

// Where the dashboard is for administrators, others are told so.
func TestDashboardForAdministrators(t *testing.T) {
	browser := browsertest.Open(t, browsertest.Options{})
	app := apptest.New(t, &server.Options{DashboardRole: account.RoleAdmin})
	mina, jun := app.Register(t, "Mina"), app.Register(t, "Jun")
	his := enter(t, browser, app, jun, phone, "/dashboard", "Dashboard")
	his.says("h2", "The dashboard is not for everybody")
	his.flawless()
	hers := enter(t, browser, app, mina, phone, "/dashboard", "Dashboard")
	hers.says(".dashboard-tiles dt", "Connections")
	his.Clean()
	hers.Clean()
}
