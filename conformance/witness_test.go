package conformance_test

import (
	"bufio"
	"encoding/json"
	"io"
	"net"
	"os/exec"
	"regexp"
	"strconv"
	"sync"
	"testing"

	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/history"
	"github.com/kachi-io/kachi/internal/nodetest"
)

// witness is a real client (witness.mjs) whose process may be killed and started anew, the
// network between, and what it has told.
type witness struct {
	t          *testing.T
	log        *history.Log
	transports []string
	net        *network

	mu     sync.Mutex
	next   int              // number of the next process's first connection
	kept   map[string]*kept // by namespace
	got    map[int]bool     // message and namespace have one number
	stdin  io.WriteCloser
	cmd    *exec.Cmd
	ended  chan struct{} // its notes have been read to the end
	killed bool
}

// kept is what a client keeps of a socket.
type kept struct {
	Session  string `json:"session,omitempty"`
	Position string `json:"position,omitempty"`
	Socket   string `json:"socket,omitempty"`
	here     bool   // admitted, and not gone since
	left     bool   // and comes back on the next connection
}

func newWitness(t *testing.T, log *history.Log, n int, server string, transports []string, namespaces ...string) *witness {
	w := &witness{t: t, log: log, transports: transports, next: n * 1_000_000, kept: map[string]*kept{}, got: map[int]bool{}}
	for _, name := range namespaces {
		w.kept[name] = &kept{}
	}
	t.Cleanup(func() { // of a test that has failed, too
		w.mu.Lock()
		cmd, ended, running := w.cmd, w.ended, w.cmd != nil && !w.killed
		w.killed = true
		w.mu.Unlock()
		if running {
			_ = cmd.Process.Kill()
			<-ended
			_ = cmd.Wait()
		}
	})
	w.net = newNetwork(t, server, func(conn int) { log.Add(history.Entry{Kind: history.HungUp, Conn: conn}) })
	return w
}

// start starts a process with what the one before has kept.
func (w *witness) start() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.next += 10_000
	parameter, err := json.Marshal(map[string]any{
		"url": "http://" + w.net.addr(), "transports": w.transports, "conn": w.next, "spaces": w.kept,
	})
	assert.NoError(w.t, err)
	w.cmd = nodetest.Command(w.t, "client/witness.mjs", string(parameter))
	w.stdin, err = w.cmd.StdinPipe()
	assert.NoError(w.t, err)
	out, err := w.cmd.StdoutPipe()
	assert.NoError(w.t, err)
	assert.NoError(w.t, w.cmd.Start())
	w.killed, w.ended = false, make(chan struct{})
	go w.listen(out, w.ended)
}

// kill ends the process as a crash does: whatever it was doing.
func (w *witness) kill() {
	w.net.hold()
	w.net.cut() // noted before anybody can see it
	w.mu.Lock()
	w.killed = true
	cmd, ended := w.cmd, w.ended
	w.mu.Unlock()
	_ = cmd.Process.Kill()
	<-ended
	_ = cmd.Wait()
	w.mu.Lock()
	for _, k := range w.kept {
		k.here, k.left = false, false
	}
	w.mu.Unlock()
	w.net.release()
}

func (w *witness) listen(out io.Reader, ended chan struct{}) {
	defer close(ended)
	for lines := bufio.NewScanner(out); lines.Scan(); {
		var note struct {
			Kind, Namespace, Socket, Session, Position string
			Conn, ID                                   int
		}
		if err := json.Unmarshal(lines.Bytes(), &note); err != nil {
			w.t.Errorf("the client wrote %q", lines.Text())
			continue
		}
		w.take(note.Kind, history.Entry{
			Conn: note.Conn, Namespace: note.Namespace, Socket: note.Socket, Session: note.Session, Text: note.Position, ID: note.ID,
		})
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.killed {
		w.t.Error("the client ended by itself")
	}
}

func (w *witness) take(kind string, e history.Entry) {
	w.mu.Lock()
	defer w.mu.Unlock()
	k := w.kept[e.Namespace]
	switch kind {
	case "asked":
		e.Kind, e.Socket = history.Asked, k.Socket
	case "admitted":
		e.Kind = history.Admitted
		k.Session, k.Socket, k.here, k.left = e.Session, e.Socket, true, false
	case "got":
		e.Kind = history.Got
		if e.Text != "" {
			k.Position = e.Text
		}
		e.Text = ""
		w.got[e.ID] = true
	case "dismissed":
		e.Kind, k.here = history.Dismissed, false
	case "left":
		e.Kind, k.here, k.left = history.Left, false, true
	case "lost":
		e.Kind = history.Lost
		for _, k := range w.kept {
			k.here = false
		}
	default:
		w.t.Errorf("the client noted %q", kind)
		return
	}
	w.log.Add(e)
	if kind == "asked" || kind == "left" {
		_, _ = io.WriteString(w.stdin, "\n") // fails where it was killed meanwhile
	}
}

func (w *witness) command(text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	_, _ = io.WriteString(w.stdin, text+"\n")
}

// here reports whether all its sockets are connected, as far as the client has told. Where
// one has left, and waits for the next connection, it cuts this one.
func (w *witness) here() bool {
	w.mu.Lock()
	here, left := true, false
	for _, k := range w.kept {
		here, left = here && k.here, left || k.left
		k.left = false
	}
	w.mu.Unlock()
	if left {
		w.net.cut()
	}
	return here
}

func (w *witness) has(id int) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.got[id]
}

func (w *witness) socket(namespace string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.kept[namespace].Socket
}

// network is a TCP proxy that knows which of the client's connections a line belongs to.
type network struct {
	listener net.Listener
	server   string
	lost     func(conn int) // is told before a connection is lost
	work     sync.WaitGroup

	mu     sync.Mutex
	free   *sync.Cond
	held   bool // nobody gets through
	closed bool
	lines  map[*line]bool
	newest int          // connection, which may have no line at the moment
	dead   map[int]bool // nothing of this connection comes through any more
	frozen map[int]bool // and nobody is told
}

type line struct {
	conn      int
	near, far net.Conn
}

func newNetwork(t *testing.T, server string, lost func(int)) *network {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	assert.NoError(t, err)
	n := &network{listener: l, server: server, lost: lost, lines: map[*line]bool{}, dead: map[int]bool{}, frozen: map[int]bool{}}
	n.free = sync.NewCond(&n.mu)
	n.work.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			n.work.Go(func() { n.carry(c) })
		}
	})
	return n
}

func (n *network) addr() string { return n.listener.Addr().String() }

var connParameter = regexp.MustCompile(`[?&]c=(\d+)`)

// carry takes a line to the server: one request after another of one connection.
func (n *network) carry(near net.Conn) {
	defer near.Close()
	in := bufio.NewReader(near)
	request, err := in.ReadString('\n')
	found := connParameter.FindStringSubmatch(request)
	if err != nil || found == nil {
		return
	}
	number, _ := strconv.Atoi(found[1])
	far, err := net.Dial("tcp", n.server)
	if err != nil {
		return
	}
	defer far.Close()
	l := &line{number, near, far}
	if !n.enter(l) {
		return
	}
	defer n.leave(l)
	if _, err := io.WriteString(far, request); err != nil {
		return
	}
	var back sync.WaitGroup
	back.Go(func() {
		n.copy(l, near, far)
		_ = near.Close()
	})
	n.copy(l, far, in)
	_ = far.Close()
	back.Wait()
}

// copy carries one direction, until the line is cut; a frozen one takes and gives nothing.
func (n *network) copy(l *line, to io.Writer, from io.Reader) {
	buf := make([]byte, 16<<10)
	for {
		size, err := from.Read(buf)
		if !n.passes(l) || err != nil {
			return
		}
		if _, err := to.Write(buf[:size]); err != nil {
			return
		}
	}
}

// passes waits while the line is frozen, and reports whether it still is one.
func (n *network) passes(l *line) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	for n.frozen[l.conn] && !n.dead[l.conn] && !n.closed {
		n.free.Wait()
	}
	return !n.dead[l.conn] && !n.closed
}

func (n *network) enter(l *line) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	for n.held && !n.closed {
		n.free.Wait()
	}
	if n.dead[l.conn] || n.closed {
		return false
	}
	n.lines[l] = true
	n.newest = max(n.newest, l.conn)
	return true
}

func (n *network) leave(l *line) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.lines, l)
}

// cut ends all connections for good.
func (n *network) cut() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.condemn(n.dead)
	for l := range n.lines {
		_ = l.near.Close()
		_ = l.far.Close()
	}
	n.free.Broadcast()
}

// freeze lets nothing through of all connections that there are.
func (n *network) freeze() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.condemn(n.frozen)
}

// condemn tells of all connections that are lost now. The caller holds n.mu.
func (n *network) condemn(how map[int]bool) {
	all := map[int]bool{n.newest: n.newest > 0}
	for l := range n.lines {
		all[l.conn] = true
	}
	for conn, there := range all {
		if there && !n.dead[conn] && !n.frozen[conn] {
			n.lost(conn)
		}
		how[conn] = true
	}
}

func (n *network) hold() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.held = true
}

func (n *network) release() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.held = false
	n.free.Broadcast()
}

func (n *network) close() {
	n.mu.Lock()
	n.closed = true
	n.mu.Unlock()
	_ = n.listener.Close()
	n.cut()
	n.work.Wait()
}
