package main

import (
	"io/fs"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/kachi-io/kachi/clientfiles"
	"github.com/kachi-io/kachi/examples/exampletest"
	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/browsertest"
	"github.com/kachi-io/kachi/socketio"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func serve(t *testing.T) string {
	t.Helper()
	app, handler, err := New(slog.New(slog.DiscardHandler))
	assert.NoError(t, err)
	return exampletest.Serve(t, app, handler)
}

func TestProjectChat(t *testing.T) {
	exampletest.Play(t, "projectchat.mjs", serve(t), nil)
}

// window is one user's, on one of the pages.
type window struct{ *browsertest.Page }

// open opens a page and waits until it is connected.
func open(t *testing.T, browser *browsertest.Browser, name, url string) window {
	t.Helper()
	w := window{browser.Page(t, name, url)}
	w.WaitFor(`document.querySelector("#link").dataset.state === "connected"`)
	return w
}

func (w window) write(text string) {
	w.T.Helper()
	w.Fill("#message", text)
	w.Enter()
}

// shows waits until the page has exactly these lines.
func (w window) shows(lines ...string) {
	w.T.Helper()
	w.WaitFor(`JSON.stringify([...document.querySelectorAll("#chat div")].map((e) => e.textContent.replace(/^(client|User)-..../, "$1-****"))) === JSON.stringify(%s)`,
		browsertest.Quote(lines))
}

func TestPagesInChromium(t *testing.T) {
	browser := browsertest.Open(t, browsertest.Options{})
	if clientfiles.Version() == "" {
		t.Fatal("the client files are not there: run make web, or the tests with -short")
	}
	url := serve(t)

	t.Run("everyone", func(t *testing.T) {
		one, two := open(t, browser, "one", url+"/everyone.html"), open(t, browser, "two", url+"/everyone.html")
		one.write("안녕")
		one.shows("client-**** : 안녕")
		two.shows("client-**** : 안녕")
		one.Clean()
		two.Clean()
	})
	t.Run("project", func(t *testing.T) {
		one, other := open(t, browser, "one", url+"/project.html"), open(t, browser, "other", url+"/everyone.html")
		one.write("for the project")
		one.shows("User-**** : for the project")
		other.write("for everyone")
		other.shows("client-**** : for everyone")
		one.shows("User-**** : for the project")
		one.Clean()
	})
	enter := func(w window, nickname string) {
		w.Fill("#nickname", nickname)
		w.Enter()
		w.Visible("#message")
	}
	t.Run("nickname", func(t *testing.T) {
		mina, jun := open(t, browser, "Mina", url+"/nickname.html"), open(t, browser, "Jun", url+"/nickname.html")
		enter(mina, "Mina")
		enter(jun, "Jun")
		mina.write("eggs")
		mina.shows("나 : eggs")
		jun.shows("Mina: eggs")
		jun.write("how many")
		mina.shows("나 : eggs", "Jun: how many")

		sora := open(t, browser, "Sora", url+"/nickname.html")
		enter(sora, "mina")
		sora.write("I am Mina")
		sora.shows("Not sent: mina is taken")
		enter(sora, "Sora") // she is asked again, and what she wrote is still there
		sora.Enter()
		sora.shows("Not sent: mina is taken", "나 : I am Mina")
		for _, w := range []window{mina, jun, sora} {
			w.Clean()
		}
	})
	t.Run("markup is text", func(t *testing.T) {
		const attack = `<img src=x onerror="window.ran = true"><script>window.ran = true</script>`
		one, two := open(t, browser, "one", url+"/nickname.html"), open(t, browser, "two", url+"/nickname.html")
		enter(one, "<b>One</b>")
		one.write(attack)
		one.shows("나 : " + attack)
		two.shows("<b>One</b>: " + attack)
		for _, w := range []window{one, two} {
			assert.True(t, browsertest.Eval[bool](w.Page, `window.ran === undefined`))
			assert.Equal(t, browsertest.Eval[int](w.Page, `document.querySelectorAll("#chat div *").length`), 0)
		}
		// Should a script forget itself, the policy does not let it.
		assert.True(t, browsertest.Eval[bool](two.Page, `(() => { try { document.body.innerHTML = "<b>x</b>"; return false } catch { return true } })()`))
	})
	t.Run("one's own line is shown when it has arrived", func(t *testing.T) {
		one := open(t, browser, "one", url+"/nickname.html")
		enter(one, "Early")
		one.Offline(true)
		one.WaitFor(`document.querySelector("#link").dataset.state !== "connected"`)
		one.write("into the void")
		one.shows("Not sent: There is no connection")
		one.Offline(false)
		one.WaitFor(`document.querySelector("#link").dataset.state === "connected"`)
		one.Enter()
		one.shows("Not sent: There is no connection", "나 : into the void")
	})
}

// A server that has the pages and not the namespace: the page says so.
func TestThePageSaysThatItsNamespaceIsNotThere(t *testing.T) {
	browser := browsertest.Open(t, browsertest.Options{})
	without, err := gateway.NewApp(&gateway.Options{Socket: socketio.Options{ClientFiles: clientfiles.FS()}}, NewEveryone())
	assert.NoError(t, err)
	pages, err := fs.Sub(static, "static")
	assert.NoError(t, err)
	mux := http.NewServeMux()
	mux.Handle("/socket.io/", without)
	mux.Handle("/", http.FileServerFS(pages))
	url := exampletest.Serve(t, without, mux)
	w := window{browser.Page(t, "one", url+"/project.html")}
	w.WaitFor(`document.querySelector("#link").textContent === "Not connected: Invalid namespace"`)
	w.write("anybody?")
	w.shows("Not sent: There is no connection")
}

func TestPagesHaveSameOriginAssetsAndRelativeURLs(t *testing.T) {
	files, err := static.ReadDir("static")
	assert.NoError(t, err)
	for _, f := range files {
		text, err := static.ReadFile("static/" + f.Name())
		assert.NoError(t, err)
		for _, word := range []string{"http://", "https://", "localhost", "innerHTML", "jquery"} {
			assert.True(t, !strings.Contains(string(text), word), f.Name(), " has ", word)
		}
	}
}
