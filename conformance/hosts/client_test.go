package hosts

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/nodetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(run{m}) }

type run struct{ m *testing.M }

func (r run) Run() int {
	flag.Parse()
	_ = flag.Set("test.parallel", "8") // they wait for heartbeats most of the time
	code := r.m.Run()
	if err := node.stop(); err != nil {
		fmt.Println("node:", err)
		code = 1
	}
	return code
}

// The ways in which a client may connect.
var ways = []string{"polling", "websocket", "upgrade"}

// player is where clients run: Node, or a page.
type player interface {
	perform(t testing.TB, request map[string]any) json.RawMessage
}

// client is one socket.io-client.
type client struct {
	t    testing.TB
	in   player
	name string
}

var clients atomic.Int64

// openClient makes a client that connects to the URL in one of the ways. It is closed at the end
// of the test.
func openClient(t testing.TB, in player, url, way string, options map[string]any) *client {
	t.Helper()
	c := &client{t, in, strconv.FormatInt(clients.Add(1), 10)}
	c.do("open", nil, "url", url, "way", way, "options", options)
	t.Cleanup(func() { c.do("close", nil) })
	return c
}

// client is openClient in Node.
func (s *site) client(t testing.TB, way string) *client {
	t.Helper()
	options := map[string]any{}
	if ca := s.ca(); ca != "" {
		options["ca"] = ca
	}
	return openClient(t, node, s.url, way, options)
}

// do lets the client perform an act, with pairs of names and values as its arguments.
func (c *client) do(act string, into any, args ...any) {
	c.t.Helper()
	named := map[string]any{}
	for i := 0; i < len(args); i += 2 {
		named[args[i].(string)] = args[i+1]
	}
	result := c.in.perform(c.t, map[string]any{"act": act, "client": c.name, "args": named})
	if into != nil {
		assert.NoError(c.t, json.Unmarshal(result, into), string(result))
	}
}

// entry is something that happened to a client.
type entry struct {
	Event  string // connect, disconnect, connect_error
	Reason string
	Status int
	Text   string
}

type state struct {
	Connected bool
	Transport string
	Log       []entry
}

func (s state) count(event string) (n int) {
	for _, e := range s.Log {
		if e.Event == event {
			n++
		}
	}
	return n
}

func (c *client) state() (s state) {
	c.t.Helper()
	c.do("state", &s)
	return s
}

// converses lets messages of all kinds go both ways.
func (c *client) converses() (s state) {
	c.t.Helper()
	c.do("converse", &s)
	return s
}

// holds checks that a client of that way gets through undisturbed, by the transport that
// it wants in the end, or by polling where that is all that there is.
func (c *client) holds(way string, webSocket bool) {
	c.t.Helper()
	c.converses()
	want := "polling"
	if way == "websocket" || webSocket && !strings.HasPrefix(way, "polling") {
		want = "websocket"
		c.do("upgraded", nil)
	}
	s := c.converses()
	assert.Equal(c.t, s.Transport, want)
	assert.Equal(c.t, s.Log, []entry{{Event: "connect"}})
}

// happened waits for an event.
func (c *client) happened(event string) (e entry) {
	c.t.Helper()
	c.do("happened", &e, "event", event)
	return e
}

func (c *client) pings(n int) {
	c.t.Helper()
	c.do("pings", nil, "count", n)
}

// nodeProcess plays clients in one Node process for all tests of the package.
type nodeProcess struct {
	start sync.Once
	err   error
	cmd   *exec.Cmd
	in    io.WriteCloser
	log   bytes.Buffer
	read  chan struct{} // closed when it has ended

	mu      sync.Mutex
	next    int
	waiting map[int]chan nodeAnswer
}

type nodeAnswer struct {
	ID     int
	Result json.RawMessage
	Error  string
}

var node = &nodeProcess{waiting: map[int]chan nodeAnswer{}}

// ready sees to it that Node runs. With -short the test is skipped.
func (n *nodeProcess) ready(t testing.TB) {
	t.Helper()
	dir := nodetest.Dir(t)
	n.start.Do(func() { n.err = n.run(dir) })
	assert.NoError(t, n.err)
}

func (n *nodeProcess) run(dir string) error {
	n.cmd = exec.Command("node", filepath.Join(dir, "hosts", "node.mjs"))
	n.cmd.Dir = dir
	n.cmd.Stderr = &n.log
	out, err := n.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if n.in, err = n.cmd.StdinPipe(); err != nil {
		return err
	}
	if err := n.cmd.Start(); err != nil {
		return err
	}
	n.read = make(chan struct{})
	go func() {
		defer close(n.read)
		lines := bufio.NewScanner(out)
		lines.Buffer(nil, 16<<20)
		for lines.Scan() {
			var a nodeAnswer
			if json.Unmarshal(lines.Bytes(), &a) != nil {
				continue
			}
			n.mu.Lock()
			waiting := n.waiting[a.ID]
			delete(n.waiting, a.ID)
			n.mu.Unlock()
			if waiting != nil {
				waiting <- a
			}
		}
	}()
	return nil
}

func (n *nodeProcess) perform(t testing.TB, request map[string]any) json.RawMessage {
	t.Helper()
	n.ready(t)
	answer := make(chan nodeAnswer, 1)
	n.mu.Lock()
	n.next++
	request["id"] = n.next
	n.waiting[n.next] = answer
	line, err := json.Marshal(request)
	if err == nil {
		_, err = n.in.Write(append(line, '\n'))
	}
	n.mu.Unlock()
	assert.NoError(t, err)
	select {
	case a := <-answer:
		if a.Error != "" {
			t.Fatalf("%s: %s", line, a.Error)
		}
		return a.Result
	case <-n.read:
		t.Fatal("Node has ended")
	case <-time.After(40 * time.Second):
		t.Fatalf("no answer to %s", line)
	}
	return nil
}

// stop ends Node, which ends with its input.
func (n *nodeProcess) stop() error {
	if n.cmd == nil || n.cmd.Process == nil {
		return nil
	}
	_ = n.in.Close()
	kill := time.AfterFunc(5*time.Second, func() { _ = n.cmd.Process.Kill() })
	defer kill.Stop()
	<-n.read
	if err := n.cmd.Wait(); err != nil {
		return errors.Join(err, errors.New(n.log.String()))
	}
	return nil
}
