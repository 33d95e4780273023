package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/browsertest"
	"github.com/kachi-io/kachi/internal/testclient"
)

// patience bounds a broken test. It covers several tries of a client that reconnects.
const patience = 45 * time.Second

// kachi is a running server process.
type kachi struct {
	url string
	cmd *exec.Cmd
	log *lockedBuffer
}

// launch starts the server and waits until it says where it is.
func launch(t testing.TB, binary, addr string, flags ...string) *kachi {
	t.Helper()
	if !slices.Contains(flags, "--data") {
		flags = append(flags, "--data", t.TempDir())
	}
	k := attach(t, exec.Command(binary, append([]string{"serve", "--addr", addr}, flags...)...))
	t.Cleanup(func() {
		if k.cmd.ProcessState == nil {
			k.stop(t)
		}
	})
	return k
}

// attach starts a command that serves, and waits until it says where.
func attach(t testing.TB, cmd *exec.Cmd) *kachi {
	t.Helper()
	k := &kachi{cmd: cmd, log: &lockedBuffer{}}
	k.cmd.Stderr = k.log
	stdout, err := k.cmd.StdoutPipe()
	assert.NoError(t, err)
	assert.NoError(t, k.cmd.Start())
	line, err := bufio.NewReader(stdout).ReadString('\n')
	assert.NoError(t, err, "it says nothing")
	k.url = strings.TrimPrefix(strings.TrimSpace(line), "Kachi is at ")
	return k
}

// stop ends the process as an operator would, and sees to it that it ends well.
func (k *kachi) stop(t testing.TB) {
	t.Helper()
	assert.NoError(t, k.cmd.Process.Signal(syscall.SIGTERM))
	kill := time.AfterFunc(patience, func() { _ = k.cmd.Process.Kill() })
	defer kill.Stop()
	assert.NoError(t, k.cmd.Wait(), k.log.String())
}

// page is one user's window, with what a user does and sees.
type page struct{ *browsertest.Page }

func openPage(t *testing.T, browser *browsertest.Browser, name, url string) page {
	t.Helper()
	return page{browser.Page(t, name, url)}
}

// password is everybody's.
const password = "the nest is high up"

// register makes an account, by the form that one comes to.
func (p page) register() {
	p.T.Helper()
	p.Click(`a[href^="/register"]`)
	p.Visible(`[autocomplete="new-password"]`)
	p.fill("name", p.Name)
	p.fill("password", password)
	p.Enter()
	p.at("/chat", "Chat")
}

// fill types into the field of that name.
func (p page) fill(name, text string) {
	p.T.Helper()
	p.Visible(`[name="` + name + `"]`)
	p.Fill(`[name="`+name+`"]`, text)
}

// at waits until the page has that address and that heading.
func (p page) at(path, heading string) {
	p.T.Helper()
	p.WaitFor(`location.pathname === %s && document.querySelector("h1")?.innerText.includes(%s)`, quote(path), quote(heading))
}

// says waits until an element of the page has that text.
func (p page) says(selector, text string) {
	p.T.Helper()
	p.WaitFor(`[...document.querySelectorAll(%s)].some((e) => e.innerText.includes(%s))`, quote(selector), quote(text))
}

// press clicks on the button with these words, or with that name.
func (p page) press(within, words string) {
	p.T.Helper()
	const find = `[...document.querySelectorAll(%s + " button, " + %[1]s + " a")].find((e) => e.checkVisibility() && (e.innerText.trim() === %[2]s || e.ariaLabel === %[2]s))`
	p.WaitFor(`!!`+find, quote(within), quote(words))
	browsertest.Eval[bool](p.Page, fmt.Sprintf(`(`+find+`.click(), true)`, quote(within), quote(words)))
}

// createRoom makes a room by its dialog, and returns its address.
func (p page) createRoom(name string, private bool) (path string) {
	p.T.Helper()
	p.press(".chat-side", "New room")
	p.fill("room", name)
	if private {
		p.Click(`dialog input[value="invited"]`)
	}
	p.press("dialog", "Create the room")
	p.WaitFor(`/^\/chat\/./.test(location.pathname) && document.querySelector("h1").innerText.includes(%s)`, quote(name))
	p.inside()
	return browsertest.Eval[string](p.Page, `location.pathname`)
}

// enter opens a room by the list.
func (p page) enter(room string) {
	p.T.Helper()
	const find = `[...document.querySelectorAll(".chat-room-row")].find((e) => e.querySelector("bdi").textContent === %s)`
	p.WaitFor(`!!`+find, quote(room))
	browsertest.Eval[bool](p.Page, fmt.Sprintf(`(`+find+`.click(), true)`, quote(room)))
	p.WaitFor(`document.querySelector("h1").innerText.includes(%s)`, quote(room))
}

// inside waits until the room that is shown has been entered, and its messages are there.
func (p page) inside() {
	p.T.Helper()
	p.WaitFor(`!!document.querySelector(".chat-people li") && document.querySelector(".chat-scroll")?.ariaBusy === "false" && !document.querySelector(".chat-scroll .skeletons")`)
}

// write sends a message by the keyboard.
func (p page) write(text string) {
	p.T.Helper()
	p.Fill(`[name="message"]`, text)
	p.Enter()
	p.WaitFor(`document.querySelector('[name="message"]').value === ""`)
}

// texts are the messages that the page shows.
func (p page) texts() []string {
	p.T.Helper()
	return browsertest.Eval[[]string](p.Page, `[...document.querySelectorAll(".chat-bubble")].map((e) => e.textContent)`)
}

// sees waits until the page shows these messages last.
func (p page) sees(texts ...string) {
	p.T.Helper()
	p.WaitFor(`JSON.stringify([...document.querySelectorAll(".chat-bubble")].slice(-%d).map((e) => e.textContent)) === JSON.stringify(%s)`,
		len(texts), quote(texts))
}

// deliveries waits until the last of one's own messages stand so.
func (p page) deliveries(want ...string) {
	p.T.Helper()
	p.WaitFor(`JSON.stringify([...document.querySelectorAll("[data-delivery]")].slice(-%d).map((e) => e.dataset.delivery)) === JSON.stringify(%s)`,
		len(want), quote(want))
}

// link waits until the banner says how the connection stands.
func (p page) link(text string) {
	p.T.Helper()
	p.says(".status-banner", text)
}

// people waits until these are in the room.
func (p page) people(names ...string) {
	p.T.Helper()
	p.WaitFor(`JSON.stringify([...document.querySelectorAll(".chat-aside .chat-person")].map((e) => e.textContent)) === JSON.stringify(%s)`, quote(names))
}

// speaker is somebody in a room who has no window.
type speaker struct {
	t      *testing.T
	room   string
	socket *testclient.Client
}

func newSpeaker(t *testing.T, url, name, room string) *speaker {
	t.Helper()
	body := strings.NewReader(quote(map[string]string{"name": name, "password": password}))
	answer, err := http.Post(url+"/api/auth/register", "application/json", body)
	assert.NoError(t, err)
	defer answer.Body.Close()
	var account struct{ AccessToken string }
	assert.NoError(t, json.NewDecoder(answer.Body).Decode(&account))
	s := &speaker{t, room, testclient.Connect(t, url, "/chat", map[string]string{"token": account.AccessToken})}
	s.socket.Ask(nil, "join", room)
	return s
}

func (s *speaker) say(text string) {
	s.t.Helper()
	var receipt struct{ ID string }
	s.socket.Ask(&receipt, "message", map[string]string{"room": s.room, "message": text})
	assert.True(s.t, receipt.ID != "", text)
}

// quote writes a value as JSON, which is JavaScript.
func quote(v any) string { return browsertest.Quote(v) }
