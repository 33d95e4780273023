package socketio_test

import (
	"context"
	"encoding/json"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/memnet"
	"github.com/kachi-io/kachi/internal/wstest"
	"github.com/kachi-io/kachi/socketio"
)

// fakedHost is a server whose connections are in memory, on a clock that moves when
// everybody waits: its time-outs have their real lengths and cost nothing.
type fakedHost struct {
	*socketio.Server
	t *testing.T
	l *memnet.Listener
}

func faked(t *testing.T, o *socketio.Options, test func(t *testing.T, srv fakedHost)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		srv := fakedHost{socketio.NewServer(o), t, memnet.Listen(nil)}
		host := &http.Server{Handler: srv.Server}
		served := make(chan struct{})
		go func() { defer close(served); _ = host.Serve(srv.l) }()
		t.Cleanup(func() {
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			assert.NoError(t, srv.Shutdown(ctx))
			_ = host.Close()
			<-served
			time.Sleep(time.Second) // the wheels stop at their next tick
		})
		test(t, srv)
	})
}

// dial is [dial] to this server.
func (srv fakedHost) dial() *client {
	srv.t.Helper()
	nc, err := srv.l.Dial()
	assert.NoError(srv.t, err)
	conn, _, err := wstest.On(nc, "http://kachi.test/socket.io/?EIO=4&transport=websocket", nil)
	assert.NoError(srv.t, err)
	srv.t.Cleanup(func() { _ = nc.Close() })
	c := &client{t: srv.t, conn: conn}
	var open struct{ SID string }
	handshake := c.read()
	assert.NoError(srv.t, json.Unmarshal([]byte(handshake[1:]), &open))
	c.sid = open.SID
	return c
}

// join is [join] to this server.
func (srv fakedHost) join() (*client, string) {
	srv.t.Helper()
	c := srv.dial()
	return c, c.connect("/", "")
}

// expectTook checks how long something took, up to a tick of the server's timers.
func expectTook(t *testing.T, began time.Time, d time.Duration) {
	t.Helper()
	took := time.Since(began)
	assert.True(t, took >= d && took <= d+20*time.Millisecond, "took %s, want %s", took, d)
}
