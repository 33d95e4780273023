//go:build unix

package main

import (
	"net"
	"net/http/httptest"
	"os"
	"os/exec"
	"reflect"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/term"

	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/glass"
)

// person sits at a terminal in which `kachi connect` runs.
type person struct {
	t        *testing.T
	keyboard *os.File
	terminal *os.File // the program's end, kept open to look at its modes
	before   *term.State
	cmd      *exec.Cmd
	ended    chan error

	mu     sync.Mutex
	screen glass.Screen
}

// sit starts the command in a terminal of its own. Lines are kept in the directory state.
func sit(t *testing.T, state string, args ...string) *person {
	t.Helper()
	binary, err := command()
	assert.NoError(t, err, binary)
	keyboard, terminal, err := pty.Open()
	assert.NoError(t, err)
	assert.NoError(t, pty.Setsize(terminal, &pty.Winsize{Rows: 40, Cols: 72}))
	p := &person{t: t, keyboard: keyboard, terminal: terminal, ended: make(chan error, 1), screen: glass.Screen{Columns: 72}}
	p.before, err = term.GetState(int(terminal.Fd()))
	assert.NoError(t, err)
	p.cmd = exec.Command(binary, append([]string{"connect"}, args...)...)
	p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr = terminal, terminal, terminal
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	p.cmd.Env = append(os.Environ(), "TERM=xterm", "NO_COLOR=", "XDG_STATE_HOME="+state)
	assert.NoError(t, p.cmd.Start())
	go func() { p.ended <- p.cmd.Wait() }()
	done := make(chan struct{})
	go func() {
		defer close(done)
		chunk := make([]byte, 4096)
		for {
			n, err := keyboard.Read(chunk)
			if err != nil {
				return
			}
			p.mu.Lock()
			_, _ = p.screen.Write(chunk[:n])
			p.mu.Unlock()
		}
	}()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		terminal.Close()
		<-done
		keyboard.Close()
		if t.Failed() {
			t.Logf("on the screen:\n%s", p.screen.String())
		}
	})
	return p
}

func (p *person) types(keys string) {
	p.t.Helper()
	_, err := p.keyboard.WriteString(keys)
	assert.NoError(p.t, err)
}

func (p *person) look() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.screen.String()
}

// sees waits until the screen shows the text.
func (p *person) sees(text string) {
	p.t.Helper()
	deadline := time.Now().Add(patience)
	for !strings.Contains(p.look(), text) {
		if time.Now().After(deadline) {
			p.t.Fatalf("not on the screen: %q", text)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// ends waits until the command has ended with the code, and sees to it that the terminal is
// as it was.
func (p *person) ends(code int) {
	p.t.Helper()
	_ = assert.Receive(p.t, p.ended, "the end of the command")
	assert.Equal(p.t, p.cmd.ProcessState.ExitCode(), code)
	after, err := term.GetState(int(p.terminal.Fd()))
	assert.NoError(p.t, err)
	assert.True(p.t, reflect.DeepEqual(after, p.before), "the terminal's modes are restored")
}

const (
	ctrlC = "\x03"
	ctrlD = "\x04"
)

func TestConnectOnATerminal(t *testing.T) {
	host := httptest.NewServer(kachiServer(t, nil))
	defer host.Close()
	state := t.TempDir()
	p := sit(t, state, host.URL)
	p.sees("/> |")
	p.sees("Moved to WebSocket.")

	// Editing.
	p.types("emit ecko {\"a\":1}\x1b[D\x1b[D\x1b[D\x1b[D\x1b[D\x1b[D\x1b[D\x1b[D\x1b[D\x7f")
	p.types("h\r")
	p.sees("\n← echoed {\"a\":1}\n/> |")

	// An event in the middle of a line, with wide characters, leaves it as it was.
	p.types("emit echo 반쯤 쓴 줄\x1b[D")
	p.sees("/> emit echo 반쯤 쓴 |줄")
	o := connectTo(t, "ask tell news \"something happened\"", host.URL)
	assert.Equal(t, o.code, 0, o.err)
	p.sees("\n← news \"something happened\"\n/> emit echo 반쯤 쓴 |줄")
	p.types("짧은 \r")
	p.sees("← echoed \"반쯤\" \"쓴\" \"짧은\" \"줄\"")

	// Earlier lines, and names seen before.
	p.types("\x1b[A\x1b[A")
	p.sees("/> emit echo {\"a\":1}|")
	p.types(ctrlC)
	p.sees("/> emit echo {\"a\":1}^C\n/> |")
	p.types("as\tech\t")
	p.sees("/> ask echo|")
	p.types("\t")
	p.sees("echo  echoed\n/> ask echo|")
	p.types(" 1\r")
	p.sees(": 1\n/> |")
	p.types("wait news\r")

	// Pasted over several lines.
	p.types("\x1b[200~emit echo {\n  \"pasted\": [1,\r\n2]\n}\nemit echo too\n\x1b[201~")
	p.sees("← echoed {\"pasted\":[1,2]}")
	p.sees("← echoed \"too\"")

	// Questions of the server.
	p.types("emit inquire ready ?\r")
	p.sees("← ready \"?\"   (a question: answer 1 …)")
	p.types("answer 1 yes\r")
	p.sees("← answered \"yes\"")
	p.types("answer 1 yes\r")
	p.sees("there is no question 1")

	// Mistakes.
	p.types("echo 1\r")
	p.sees("there is no command echo. Did you mean: emit echo …?")
	p.types("emit echo {\"a\" 1}\r")
	p.sees("                 ^ argument 1 is not JSON")
	p.types("emit echo \"" + strings.Repeat("x", 500) + "\"\r")
	p.sees("x… (502 bytes in all)")

	// Namespaces.
	p.types("join /refusing\r")
	p.sees("/refusing refused this client: not you")
	p.types("join /chat\r")
	p.sees("\n/chat> |")
	p.types("ask echo here\r")
	p.sees("← [/chat] answer to echo")
	p.types("disconnect\r")
	p.sees("Left /chat.\n/chat (not connected)> |")
	p.types("connect\r")
	p.sees("\n/chat> |")

	// What takes long can be interrupted, and typing goes on meanwhile.
	p.types("sleep 1h\r")
	p.types("ask echo afterwards\r")
	p.types(ctrlC)
	p.sees("Interrupted.")
	p.sees(": \"afterwards\"")
	p.types("auth {\"token\":\"secret\"}\r")
	p.types("half a line")
	p.sees("half a line|")
	p.types(ctrlC)
	p.sees("half a line^C")
	p.types(ctrlC)
	p.ends(0)

	// The next time.
	p = sit(t, state, host.URL)
	p.sees("/> |")
	p.types("\x1b[A") // what was given up is not kept, nor what may hold a secret
	p.sees("/> ask echo afterwards|")
	p.types("\x15" + ctrlD)
	p.ends(0)
}

func TestConnectOnATerminalEnds(t *testing.T) {
	host := httptest.NewServer(kachiServer(t, nil))
	defer host.Close()
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	assert.NoError(t, err)
	defer silent.Close()
	for _, test := range []struct {
		name string
		args []string
		end  func(p *person)
		code int
	}{
		{name: "Ctrl-C", args: []string{host.URL}, end: func(p *person) { p.sees("/> |"); p.types(ctrlC) }},
		{name: "Ctrl-D", args: []string{host.URL}, end: func(p *person) { p.sees("/> |"); p.types(ctrlD) }},
		{name: "Ctrl-D behind lines", args: []string{host.URL}, end: func(p *person) {
			p.sees("/> |")
			p.types("emit tell x\rsleep 1ms\rstatus\r" + ctrlD)
			p.sees("* /: connected")
		}},
		{name: "Ctrl-D twice", args: []string{host.URL}, end: func(p *person) { p.sees("/> |"); p.types("sleep 1h\r" + ctrlD + ctrlD) }},
		{name: "quit", args: []string{host.URL}, end: func(p *person) { p.sees("/> |"); p.types("quit\r") }},
		{name: "SIGTERM", args: []string{host.URL}, end: func(p *person) {
			p.sees("/> |")
			p.types("half a line")
			p.sees("half a line|")
			assert.NoError(t, p.cmd.Process.Signal(syscall.SIGTERM))
		}},
		{name: "Ctrl-C while connecting", args: []string{"http://" + silent.Addr().String()}, code: 1, end: func(p *person) {
			p.sees("Connecting to http://127.0.0.1")
			p.types(ctrlC)
		}},
		{name: "no server", args: []string{"http://" + silent.Addr().String(), "--timeout=10ms"}, code: 1,
			end: func(p *person) { p.sees("No answer from") }},
		{name: "refused, then admitted", args: []string{host.URL + "/refusing"}, end: func(p *person) {
			p.sees("/refusing refused this client: not you")
			p.sees("/refusing (not connected)> |")
			p.types("auth {\"token\":\"secret\"}\rconnect\r")
			p.sees("\n/refusing> |")
			p.types(ctrlD)
		}},
		{name: "without an editor", args: []string{host.URL, "--json"}, end: func(p *person) {
			p.sees(`"type":"connect"`)
			p.types("ask echo 1\rfrobnicate\r")
			p.sees(`"type":"answer"`)
			p.sees(`"type":"error"`)
			p.types(ctrlD)
		}},
		{name: "without an editor, Ctrl-C", args: []string{host.URL, "--json"}, end: func(p *person) {
			p.types("ask echo 1\r")
			p.sees(`"type":"answer"`)
			p.types(ctrlC)
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := sit(t, t.TempDir(), test.args...)
			test.end(p)
			p.ends(test.code)
		})
	}
}

// The server goes away while somebody types, and comes back.
func TestConnectOnATerminalComesBack(t *testing.T) {
	handler, srv := stoppable(t, nil)
	host := httptest.NewServer(handler)
	addr := host.Listener.Addr().String()
	p := sit(t, t.TempDir(), host.URL, "--transport=websocket")
	p.sees("/> |")
	p.types("emit echo one")
	p.sees("emit echo one|")
	host.Listener.Close()
	assert.NoError(t, srv.Shutdown(t.Context()))
	p.sees("/ (not connected)> emit echo one|")
	p.sees("Trying again in")
	p.types("\r")
	p.sees("it is sent when / is")
	again := startAt(t, addr)
	defer again.Close()
	p.sees("← echoed \"one\"\n/> |")
	p.types(ctrlD)
	p.ends(0)
}
