package socketio_test

import (
	"bufio"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kachi-io/kachi/internal/history"
	"github.com/kachi-io/kachi/internal/wstest"
)

// agent is a client of a schedule: one connection, which polls, may move to WebSocket,
// and notes what it does and gets.
type agent struct {
	w      *world
	n      int // of the connection, in the history
	person *person
	spoil  *spoiler

	sid  string
	bell chan struct{} // rings when something is to be sent, or the transport changes
	over chan struct{} // closed when the connection is no more
	end  sync.Once
	runs *group

	silent    atomic.Bool
	abandoned atomic.Bool
	slow      atomic.Bool  // has been stalled, once at least
	stall     atomic.Int64 // nanoseconds that the reader sleeps before it reads on; negative: for good

	mu      sync.Mutex
	conns   []net.Conn
	out     []string // packets to send
	paused  bool     // an upgrade holds the writer and the poller
	posting bool
	polling bool // a poll is under way, or will be
	ws      *frames
	spaces  map[string]*space
	waiting *binaryEvent
}

// space is the client's part in a namespace.
type space struct {
	pending bool
	socket  string // "" before the answer, and after the end
	left    bool
}

type binaryEvent struct {
	text string
	left int
}

// goodbye in the queue ends the connection in good order.
const goodbye = "\x00"

func (w *world) newAgent(n int, of *person) *agent {
	return &agent{
		w: w, n: n, person: of, bell: make(chan struct{}, 1), over: make(chan struct{}), spaces: map[string]*space{},
		spoil: w.spoil, runs: newGroup(),
	}
}

func (a *agent) note(e history.Entry) {
	e.Conn = a.n
	a.w.log.Add(e)
}

// open connects, on WebSocket or by polling.
func (a *agent) open(websocket bool) error {
	if websocket {
		f, err := a.dialWebSocket("")
		if err != nil {
			return err
		}
		if _, err := f.read(); err != nil { // OPEN
			return err
		}
		a.ws = f
		a.runs.Go(func() { a.readWebSocket(f) })
	} else {
		h, err := a.dialHTTP()
		if err != nil {
			return err
		}
		status, body, err := h.do("GET", "EIO=4&transport=polling", "")
		if err != nil || status != 200 || !strings.HasPrefix(body, "0") {
			return fmt.Errorf("handshake: %d %q %w", status, body, err)
		}
		var open struct{ SID string }
		if err := json.Unmarshal([]byte(body[1:]), &open); err != nil {
			return err
		}
		a.sid, a.polling = open.SID, true
		a.runs.Go(func() { a.poll(h) })
	}
	a.runs.Go(a.write)
	return nil
}

func (a *agent) dial() (net.Conn, error) {
	nc, err := a.w.dial()
	if err != nil {
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	select {
	case <-a.over:
		_ = nc.Close()
		return nil, net.ErrClosed
	default:
	}
	a.conns = append(a.conns, nc)
	return nc, nil
}

// lost ends the client after the server, or the client itself, ended the connection.
func (a *agent) lost() {
	a.end.Do(func() {
		a.part(history.Entry{Kind: history.Lost})
		a.close(func(nc net.Conn) { _ = nc.Close() })
	})
}

// drop ends the connection without a word.
func (a *agent) drop(reset bool) {
	a.end.Do(func() {
		a.part(history.Entry{Kind: history.HungUp})
		a.close(func(nc net.Conn) {
			if r, ok := nc.(interface{ Reset() }); ok && reset {
				r.Reset()
			} else if t, ok := nc.(*net.TCPConn); ok && reset {
				_ = t.SetLinger(0)
			}
			_ = nc.Close()
		})
	})
}

func (a *agent) close(end func(net.Conn)) {
	a.mu.Lock()
	conns := a.conns
	close(a.over)
	a.mu.Unlock()
	for _, nc := range conns {
		end(nc)
	}
}

// left reports whether the client has done with the connection.
func (a *agent) left() bool { return a.abandoned.Load() || a.gone() }

func (a *agent) gone() bool {
	select {
	case <-a.over:
		return true
	default:
		return false
	}
}

// send queues packets, as one. The caller has noted them.
func (a *agent) queue(packets ...string) {
	a.mu.Lock()
	a.out = append(a.out, packets...)
	a.mu.Unlock()
	a.ring()
}

func (a *agent) ring() {
	select {
	case a.bell <- struct{}{}:
	default:
	}
}

// write sends what is queued: by POST, or in frames.
func (a *agent) write() {
	var h *httpConn
	for {
		a.mu.Lock()
		packets, ws := a.out, a.ws
		if a.paused || len(packets) == 0 {
			a.mu.Unlock()
			select {
			case <-a.bell:
				continue
			case <-a.over:
				return
			}
		}
		a.out = nil
		a.posting = ws == nil
		a.mu.Unlock()
		var err error
		if ws != nil {
			err = ws.send(packets)
		} else {
			if h == nil {
				h, err = a.dialHTTP()
			}
			if err == nil {
				err = a.post(h, packets)
			}
		}
		a.mu.Lock()
		a.posting = false
		a.mu.Unlock()
		if err != nil {
			a.lost()
			return
		}
	}
}

func (a *agent) post(h *httpConn, packets []string) error {
	body := strings.Join(packets, "\x1e")
	body = strings.ReplaceAll(body, goodbye, "1")
	status, text, err := h.do("POST", "EIO=4&transport=polling&sid="+a.sid, body)
	if err == nil && status != 200 {
		err = fmt.Errorf("POST: %d %s", status, text)
	}
	return err
}

// poll takes what comes until the client moves or ends.
func (a *agent) poll(h *httpConn) {
	for {
		a.hesitate()
		a.mu.Lock()
		if a.paused {
			a.polling = false
			a.mu.Unlock()
			return
		}
		a.mu.Unlock()
		status, body, err := h.do("GET", "EIO=4&transport=polling&sid="+a.sid, "")
		if err != nil || status != 200 {
			a.lost()
			return
		}
		for p := range strings.SplitSeq(body, "\x1e") {
			if data, binary := strings.CutPrefix(p, "b"); binary {
				bytes, _ := base64.StdEncoding.DecodeString(data)
				a.takeBinary(bytes)
			} else if !a.take(p) {
				a.lost()
				return
			}
		}
	}
}

// hesitate is what a slow reader does.
func (a *agent) hesitate() {
	if d := time.Duration(a.stall.Swap(0)); d != 0 {
		if d < 0 {
			<-a.over
			return
		}
		select {
		case <-time.After(d):
		case <-a.over:
		}
	}
}

func (a *agent) readWebSocket(f *frames) {
	for {
		a.hesitate()
		m, err := f.read()
		switch {
		case err != nil:
			a.lost()
			return
		case m.op == wstest.Close:
			_ = f.frame(wstest.Close, m.data)
			a.lost()
			return
		case m.op == wstest.Binary:
			a.takeBinary(m.data)
		case !a.take(string(m.data)):
			a.lost()
			return
		}
	}
}

// upgrade moves to WebSocket as the official client does, or begins to and gives up.
func (a *agent) upgrade(giveUp bool) {
	a.mu.Lock()
	possible := a.ws == nil && !a.paused && a.sid != "" && !a.slow.Load()
	a.mu.Unlock()
	if !possible || a.gone() {
		return
	}
	f, err := a.dialWebSocket("&sid=" + a.sid)
	if err != nil || f.frame(wstest.Text, []byte("2probe")) != nil {
		return
	}
	if m, err := f.read(); err != nil || string(m.data) != "3probe" {
		_ = f.nc.Close()
		return
	}
	if giveUp {
		_ = f.nc.Close()
		return
	}
	a.mu.Lock()
	a.paused = true
	a.mu.Unlock()
	for { // until the poll and the post under way have been answered
		a.mu.Lock()
		still := a.posting || a.polling
		a.mu.Unlock()
		if !still {
			break
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-a.over:
			return
		}
	}
	if f.frame(wstest.Text, []byte("5")) != nil {
		a.lost()
		return
	}
	a.runs.Go(func() { a.readWebSocket(f) })
	a.mu.Lock()
	a.ws, a.paused = f, false
	a.mu.Unlock()
	a.ring()
}

// httpConn is a connection for one request after another.
type httpConn struct {
	nc net.Conn
	in *bufio.Reader
}

func (a *agent) dialHTTP() (*httpConn, error) {
	nc, err := a.dial()
	if err != nil {
		return nil, err
	}
	return &httpConn{nc, bufio.NewReader(nc)}, nil
}

func (h *httpConn) do(method, query, body string) (status int, answer string, err error) {
	request := method + " /socket.io/?" + query + " HTTP/1.1\r\nHost: kachi.test\r\n"
	if method == "POST" {
		request += "Content-Length: " + strconv.Itoa(len(body)) + "\r\n"
	}
	if _, err := io.WriteString(h.nc, request+"\r\n"+body); err != nil {
		return 0, "", err
	}
	resp, err := http.ReadResponse(h.in, nil)
	if err != nil {
		return 0, "", err
	}
	text, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(text), err
}

// frames is the client's side of a WebSocket connection. One goroutine writes.
type frames struct {
	nc net.Conn
	in *bufio.Reader
}

type frame struct {
	op   byte
	data []byte
}

func (a *agent) dialWebSocket(query string) (*frames, error) {
	nc, err := a.dial()
	if err != nil {
		return nil, err
	}
	_, err = io.WriteString(nc, "GET /socket.io/?EIO=4&transport=websocket"+query+" HTTP/1.1\r\nHost: kachi.test\r\n"+
		"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
	if err != nil {
		return nil, err
	}
	f := &frames{nc, bufio.NewReader(nc)}
	resp, err := http.ReadResponse(f.in, nil)
	if err == nil && resp.StatusCode != http.StatusSwitchingProtocols {
		err = errors.New(resp.Status)
	}
	return f, err
}

func (f *frames) frame(op byte, data []byte) error {
	_, err := f.nc.Write(wstest.AppendFrame(nil, op, data))
	return err
}

func (f *frames) send(packets []string) error {
	var b []byte
	for _, p := range packets {
		if p == goodbye {
			b = wstest.AppendFrame(b, wstest.Close, nil)
		} else {
			b = wstest.AppendFrame(b, wstest.Text, []byte(p))
		}
	}
	_, err := f.nc.Write(b)
	return err
}

func (f *frames) read() (frame, error) {
	var head [10]byte
	if _, err := io.ReadFull(f.in, head[:2]); err != nil {
		return frame{}, err
	}
	n := uint64(head[1])
	var err error
	switch n {
	case 126:
		_, err = io.ReadFull(f.in, head[2:4])
		n = uint64(binary.BigEndian.Uint16(head[2:]))
	case 127:
		_, err = io.ReadFull(f.in, head[2:10])
		n = binary.BigEndian.Uint64(head[2:])
	}
	if err != nil || n > 1<<20 {
		return frame{}, fmt.Errorf("frame of %d bytes: %w", n, err)
	}
	data := make([]byte, n)
	_, err = io.ReadFull(f.in, data)
	return frame{head[0] & 0xf, data}, err
}

// group is a sync.WaitGroup to which may be added while somebody waits.
type group struct {
	mu   sync.Mutex
	n    int
	idle *sync.Cond
}

func newGroup() *group {
	g := new(group)
	g.idle = sync.NewCond(&g.mu)
	return g
}

func (g *group) Go(f func()) {
	g.mu.Lock()
	g.n++
	g.mu.Unlock()
	go func() {
		defer func() {
			g.mu.Lock()
			g.n--
			g.idle.Broadcast()
			g.mu.Unlock()
		}()
		f()
	}()
}

func (g *group) Wait() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for g.n > 0 {
		g.idle.Wait()
	}
}
