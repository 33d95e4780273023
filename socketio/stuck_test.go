package socketio_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/kachi-io/kachi/engineio"
	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/socketio"
)

// stuckTest is a room of a thousand over loopback, one of which does not read.
type stuckTest struct {
	srv   *socketio.Server
	all   crowd // those that read
	stuck member
	conn  *engineio.Session // of the stuck one
	ended chan string       // ids of sockets that the server ended, and why

	before footprint
	sent   int
	bytes  []byte // all that was broadcast, as a member receives it
}

const (
	stuckMembers  = 1000
	stuckMessages = 256 // that may wait for one member
	stuckBytes    = 1 << 20
	stuckPayload  = 500
	stuckRound    = 20 // messages of a round of broadcasts
)

// newStuckTest keeps the buffers of the operating system small, which would take some
// megabytes over loopback before anything had to wait.
func newStuckTest(t *testing.T) *stuckTest {
	t.Helper()
	if testing.Short() {
		t.Skip("a thousand connections")
	}
	const small = 8 << 10
	o := &socketio.Options{
		PingInterval: time.Hour, WriteTimeout: time.Hour,
		MaxQueuedMessages: stuckMessages, MaxQueuedBytes: stuckBytes,
	}
	ended := make(chan string, stuckMembers)
	o.Hooks.Disconnected = func(s *socketio.Socket, reason socketio.Reason, _ error) {
		if reason != engineio.TransportClose { // by the client
			ended <- fmt.Sprint(s.ID(), " ", reason)
		}
	}
	srv, url := startWith(t, o, func(nc *net.TCPConn) { _ = nc.SetWriteBuffer(small) })

	gather(t, srv, url, stuckMembers, "room").disperse(t, srv) // what a crowd makes once
	x := &stuckTest{srv: srv, ended: ended, before: takeFootprint()}
	x.all = gather(t, srv, url, stuckMembers-1, "room")
	nc := dialTCP(t, url)
	assert.NoError(t, nc.SetReadBuffer(small))
	x.stuck = enter(t, url, nc)
	s, ok := srv.Socket(x.stuck.id)
	assert.True(t, ok)
	s.Join("room")
	x.conn = s.Conn()
	return x
}

// round broadcasts some messages, and sees every member but the stuck one get them, in
// order and nothing else.
func (x *stuckTest) round(t *testing.T) {
	t.Helper()
	payload := strings.Repeat("x", stuckPayload)
	from := len(x.bytes)
	for range stuckRound {
		assert.NoError(t, x.srv.To("room").Emit("n", x.sent, payload))
		x.bytes = appendText(x.bytes, fmt.Sprintf(`42["n",%d,"%s"]`, x.sent, payload))
		x.sent++
	}
	x.all.expect(t, x.bytes[from:])
}

// waiting samples what waits for the stuck member, which must be within the bounds. One
// write, of 16 KiB here, has left the queue, and waits for the operating system.
func (x *stuckTest) waiting(t *testing.T) (messages, bytes int) {
	t.Helper()
	const write = 16 << 10
	messages, bytes = x.conn.Buffered()
	if messages > stuckMessages+write/stuckPayload || bytes > stuckBytes+write {
		t.Errorf("%d messages and %d bytes wait; %d and %d may", messages, bytes, stuckMessages, stuckBytes)
	}
	return messages, bytes
}

// watch samples it all the time until stop is called.
func (x *stuckTest) watch(t *testing.T) (stop func()) {
	done := make(chan struct{})
	var watching sync.WaitGroup
	watching.Go(func() {
		for {
			x.waiting(t)
			select {
			case <-done:
				return
			case <-time.After(100 * time.Microsecond):
			}
		}
	})
	return func() { close(done); watching.Wait() }
}

// end lets everybody go, and looks for what was left behind.
func (x *stuckTest) end(t *testing.T) {
	t.Helper()
	assert.Equal(t, len(x.ended), 0, "others were disconnected")
	x.stuck.reset()
	x.all.disperse(t, x.srv)
	assert.Eventually(t, func() bool { return x.srv.Connections() == 0 })
	before := x.before
	*x = stuckTest{}
	before.expectBack(t, 512<<10)
}

// A member that does not read delays nobody, and costs what is queued for it. When it
// reads again, it gets everything.
func TestAStuckMemberDelaysNobody(t *testing.T) {
	x := newStuckTest(t)
	stop := x.watch(t)
	for waiting := 0; waiting < stuckMessages*3/4; waiting, _ = x.waiting(t) {
		x.round(t)
		if x.sent > 20*stuckMessages {
			t.Fatalf("after %d messages only %d wait", x.sent, waiting)
		}
	}
	messages, bytes := x.waiting(t)
	t.Logf("%d of %d messages (%d bytes) wait for the stuck member, when the others have them all", messages, x.sent, bytes)

	missed := x.bytes
	assert.NoError(t, x.stuck.expect(missed, make([]byte, len(missed))))
	x.round(t)
	fresh := x.bytes[len(missed):]
	assert.NoError(t, x.stuck.expect(fresh, make([]byte, len(fresh))))
	stop()
	x.end(t)
}

// Over the bound it is closed, and nobody else notices.
func TestAStuckMemberIsClosed(t *testing.T) {
	x := newStuckTest(t)
	stop := x.watch(t)
	for x.srv.Connections() == stuckMembers {
		x.round(t)
		if x.sent > 20*stuckMessages {
			t.Fatalf("after %d messages it is not closed", x.sent)
		}
	}
	assert.Equal(t, assert.Receive(t, x.ended), x.stuck.id+" slow consumer")
	assert.ErrorIs(t, x.conn.Send(engineio.TextMessage("x")), engineio.ErrClosed)
	x.round(t)
	assert.Equal(t, x.srv.Connections(), len(x.all))

	// It finds what the operating system had taken, and the end.
	rest, err := io.ReadAll(x.stuck)
	assert.True(t, err == nil || errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, os.ErrDeadlineExceeded))
	assert.True(t, len(rest) < len(x.bytes) && strings.HasPrefix(string(x.bytes), string(rest)))
	stop()
	x.end(t)
}
