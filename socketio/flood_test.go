//go:build linux

package socketio_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kachi-io/kachi/engineio"
	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/wstest"
	"github.com/kachi-io/kachi/socketio"
)

// The bounds of the server under attack. From 127.0.0.1 come the ordinary clients and two
// attackers; the third has two addresses of its own, of which one alone can reach
// floodPerAddress, and both together floodConnections.
const (
	floodOrdinary    = 20
	floodPerAddress  = floodOrdinary + 4
	floodConnections = floodOrdinary + 2 + floodPerAddress + 6
	floodMailbox     = 64
	floodBurst       = 200 // events, of which hardly more come in time
	floodPayload     = 1_000_000
	// floodHeap is what the server and the attackers may add to the heap: a message of the
	// largest size being read, decoded and answered, on its attacker's side too, and small
	// change for connections and mailboxes.
	floodHeap = 16 * floodPayload
)

// tally counts by name.
type tally struct {
	mu sync.Mutex
	n  map[string]int
}

func (c *tally) add(name string, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n == nil {
		c.n = map[string]int{}
	}
	c.n[name] += n
}

func (c *tally) all() map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.n)
}

func (c *tally) get(name string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.n[name]
}

// attacker is one that misbehaves.
type attacker struct {
	url  string
	seen *tally
	step func() // tells of an action
}

// connect comes back until there is room.
func (a *attacker) connect() (*wstest.Conn, error) {
	for range 100_000 {
		c, response, err := wstest.Try(a.url+"/socket.io/?EIO=4&transport=websocket", nil)
		switch {
		case err != nil:
			return nil, err
		case c != nil:
			a.seen.add("open", 1)
			_, err = c.Read()
			return c, err
		case response.StatusCode != 503:
			return nil, errors.New(response.Status)
		}
		a.seen.add("refused", 1)
	}
	return nil, errors.New("there is never room")
}

// flood sends events as fast as it can until it is thrown out, and comes back, visit
// after visit. In turn it keeps to its rate first, or has a handler wait.
func (a *attacker) flood(visits int) error {
	c, err := a.connect()
	if err != nil {
		return err
	}
	defer c.Close()
	id := 0
	events := func(name string, n int) (frames []byte) {
		for range n {
			frames = wstest.AppendFrame(frames, wstest.Text, []byte("42"+strconv.Itoa(id)+`["`+name+`",0]`))
			id++
		}
		a.seen.add("events", n)
		return frames
	}
	// read reads until something comes that is no answer, or n answers have.
	read := func(n int) (string, error) {
		for {
			f, err := c.Read()
			if err != nil || !bytes.HasPrefix(f.Payload, []byte("43")) {
				return f.String(), err
			}
			switch {
			case bytes.Contains(f.Payload, []byte(`"rate_limited"`)):
				a.seen.add("rate_limited", 1)
			case bytes.Contains(f.Payload, []byte(`"overloaded"`)):
				a.seen.add("overloaded", 1)
			default:
				a.seen.add("answers", 1)
			}
			if n--; n == 0 {
				return "", nil
			}
		}
	}
	for visit := range visits {
		a.step()
		if err := c.SendText("40"); err != nil {
			return err
		}
		if text, err := read(0); err != nil || !strings.HasPrefix(text, `40{"sid"`) {
			return fmt.Errorf("CONNECT was answered %q, %v", text, err)
		}
		name := "hold"
		if visit%2 == 0 {
			name = "echo"
			for range floodBurst / 50 {
				if _, err := c.Write(events(name, 50)); err != nil {
					return err
				}
				if text, err := read(50); text != "" || err != nil {
					return fmt.Errorf("instead of an answer: %q, %v", text, err)
				}
			}
		}
		if _, err := c.Write(events(name, 2*floodBurst)); err != nil {
			return err
		}
		if text, err := read(0); err != nil || text != "41" {
			return fmt.Errorf("the flood ended with %q, %v", text, err)
		}
	}
	return nil
}

// storm opens connections, from two addresses, and resets them when they are answered.
func (a *attacker) storm(rounds int) error {
	const handshake = "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: kachi.test\r\n" +
		"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
	var open crowd
	dial := func(from net.IP, n int) error {
		dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: from}}
		some := crowd{}
		for range n {
			nc, err := dialer.Dial("tcp", strings.TrimPrefix(a.url, "http://"))
			if err != nil {
				return err
			}
			some = append(some, member{Conn: nc})
			if _, err := io.WriteString(nc, handshake); err != nil {
				return err
			}
		}
		open = append(open, some...)
		var status [len("HTTP/1.1 101")]byte
		for _, m := range some {
			_ = m.SetReadDeadline(time.Now().Add(crowdPatience))
			if _, err := io.ReadFull(m, status[:]); err != nil {
				return err
			}
			switch string(status[len(status)-3:]) {
			case "101":
				a.seen.add("open", 1)
			case "503":
				a.seen.add("refused", 1)
			default:
				return fmt.Errorf("answered %q", status)
			}
		}
		return nil
	}
	for range rounds {
		a.step()
		err := errors.Join(dial(net.IPv4(127, 0, 0, 2), floodPerAddress+8), dial(net.IPv4(127, 0, 0, 3), 16))
		for _, m := range open {
			m.reset()
		}
		open = nil
		if err != nil {
			return err
		}
	}
	return nil
}

// large sends events of the largest size that is taken, and then one that is a byte
// larger, for which it is thrown out.
func (a *attacker) large(visits int) error {
	event := `421["size","` + strings.Repeat("x", floodPayload-len(`421["size",""]`)) + `"]`
	just := wstest.AppendFrame(nil, wstest.Text, []byte(event))
	over := wstest.AppendFrame(nil, wstest.Text, []byte(event+" "))
	visit := func() error {
		c, err := a.connect()
		if err != nil {
			return err
		}
		defer c.Close()
		if err := c.SendText("40"); err != nil {
			return err
		}
		if _, err := c.Read(); err != nil {
			return err
		}
		for range 3 {
			a.step()
			if _, err := c.Write(just); err != nil {
				return err
			}
			if f, err := c.Read(); err != nil || f.String() != fmt.Sprintf("431[%d]", floodPayload-len(`421["size",""]`)) {
				return fmt.Errorf("the largest was answered %s, %v", f, err)
			}
		}
		if _, err := c.Write(over); err != nil {
			return err
		}
		f, err := c.Read()
		if err != nil || f.Op != wstest.Close || binary.BigEndian.Uint16(f.Payload) != 1009 {
			return fmt.Errorf("what is too large was answered %s, %v", f, err)
		}
		a.seen.add("too big", 1)
		return nil
	}
	for range visits {
		if err := visit(); err != nil {
			return err
		}
	}
	return nil
}

// While three clients misbehave, each as fast as it can, others are served, memory is
// bounded, and whatever is refused is told to the client and to the hooks alike.
func TestFloodsAreBoundedAndCounted(t *testing.T) {
	var seen, told tally
	o := &socketio.Options{
		PingInterval: time.Hour, ConnectTimeout: time.Hour,
		MaxConnections: floodConnections, MaxPerAddress: floodPerAddress,
		MaxPayload: floodPayload, MailboxMessages: floodMailbox, MailboxBytes: 2 * floodPayload,
		MaxEventRate: 0.001, EventBurst: floodBurst,
	}
	o.Hooks.Engine.Opened = func(*engineio.Session) { told.add("open", 1) }
	o.Hooks.Engine.Refused = func(f engineio.Refusal) {
		told.add("refused", 1)
		told.add(f.Cause, 1)
	}
	o.Hooks.Engine.Oversized = func(*engineio.Session, int64, int64) { told.add("too big", 1) }
	o.Hooks.Overloaded = func(_ *socketio.Socket, _, code string) { told.add(code, 1) }
	o.Hooks.Stray = func(*engineio.Session, string) { told.add("stray", 1) }
	o.Hooks.Unanswered = func(_ *socketio.Socket, n int) { told.add("unanswered", n) }
	o.Hooks.Disconnected = func(_ *socketio.Socket, reason socketio.Reason, _ error) { told.add(string(reason), 1) }
	o.Hooks.ProtocolError = func(_ *engineio.Session, err error) { t.Error(err) }
	srv, url := start(t, o)
	srv.On("echo", func(_ context.Context, e *socketio.Event) error { return e.Ack(json.RawMessage(e.Args().Raw[0])) })
	srv.On("hold", func(ctx context.Context, _ *socketio.Event) error { <-ctx.Done(); return nil })
	srv.On("size", func(_ context.Context, e *socketio.Event) error {
		var text string
		if err := e.Decode(&text); err != nil {
			return err
		}
		return e.Ack(len(text))
	})

	before := takeFootprint()
	clients := make([]*client, floodOrdinary)
	for i := range clients {
		clients[i], _ = join(t, url)
	}
	seen.add("open", len(clients))
	asked := 0
	ask := func() { // each in turn, and then the next number
		for _, c := range clients {
			c.send(fmt.Sprintf(`42%d["echo",%d]`, asked, asked))
			c.expect(fmt.Sprintf(`43%d[%d]`, asked, asked))
		}
		asked++
	}

	const visits = 40
	progress := make(chan struct{}, 1)
	a := &attacker{url, &seen, func() {
		select {
		case progress <- struct{}{}:
		default:
		}
	}}
	attacks := []func() error{
		func() error { return a.flood(visits) },
		func() error { return a.storm(visits) },
		func() error { return a.large(visits / 4) }, // a megabyte takes its time under the race detector
	}
	ended := make(chan error, len(attacks))
	for _, attack := range attacks {
		go func() { ended <- attack() }()
	}
	highest := int64(0)
	for running := len(attacks); running > 0; {
		select {
		case err := <-ended:
			running--
			assert.True(t, err == nil, err)
		case <-progress:
			if asked < floodBurst-1 {
				ask()
			}
			if asked%4 == 0 {
				highest = max(highest, liveHeap())
			}
		}
	}
	ask()
	assert.True(t, asked > 5, "%d rounds of echoes during the attacks", asked-1)
	assert.True(t, highest < before.heap+floodHeap, "the heap grew from %d to %d bytes", before.heap, highest)

	for _, c := range clients {
		c.gone()
	}
	assert.Eventually(t, func() bool { return srv.Connections() == 0 })
	for _, name := range []string{"open", "refused", "too big", "overloaded", "rate_limited"} {
		assert.True(t, seen.get(name) > 0, name)
		assert.Equal(t, told.get(name), seen.get(name), name)
	}
	assert.Equal(t, told.get(engineio.CauseMaxConnections)+told.get(engineio.CauseMaxPerAddress), told.get("refused"))
	assert.True(t, told.get(engineio.CauseMaxConnections) > 0 && told.get(engineio.CauseMaxPerAddress) > 0)
	assert.Equal(t, told.get(string(socketio.ReasonFlooding)), visits)
	assert.Equal(t, seen.get("answers")+told.get("overloaded")+told.get("rate_limited")+told.get("stray")+told.get("unanswered"),
		seen.get("events"), "what became of the flood")
	t.Logf("%d rounds of echoes; at most %d bytes more; clients saw %v, hooks were told %v", asked, highest-before.heap, seen.all(), told.all())
	clients = nil
	before.expectBack(t, 1<<20)
}
