package websocket_test

import (
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kachi-io/kachi/engineio/websocket"
	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/memnet"
)

// faked runs a test with a connection in memory, read by nobody yet, on a clock that
// moves when everybody waits. Plain sockets, which are written to in another way, have
// their tests beside.
func faked(t *testing.T, o *websocket.Options, test func(t *testing.T, c *websocket.Conn, p *peer)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		client, server := memnet.Pipe(&memnet.Options{Buffer: 4096})
		c := websocket.NewConn(server, nil, o, false)
		t.Cleanup(func() { _ = c.CloseNow() })
		test(t, c, newPeer(t, client))
	})
}

func TestCloseTimeout(t *testing.T) {
	o := &websocket.Options{CloseTimeout: 5 * time.Second, WriteTimeout: 7 * time.Second}
	t.Run("no answer", func(t *testing.T) {
		faked(t, o, func(t *testing.T, c *websocket.Conn, p *peer) {
			began := time.Now()
			assert.NoError(t, c.Close(1000, ""))
			go p.expectClose(1000)
			assert.ErrorIs(t, drainReads(c), websocket.ErrCloseTimeout)
			assert.Equal(t, time.Since(began), o.CloseTimeout)
			synctest.Wait()
		})
	})
	t.Run("peer talks on", func(t *testing.T) {
		faked(t, o, func(t *testing.T, c *websocket.Conn, p *peer) {
			began := time.Now()
			assert.NoError(t, c.Close(1000, ""))
			go func() {
				for {
					if _, err := p.Write(frame(end|ping, "still here")); err != nil {
						return
					}
					time.Sleep(time.Second)
				}
			}()
			assert.ErrorIs(t, drainReads(c), websocket.ErrCloseTimeout)
			assert.Equal(t, time.Since(began), o.CloseTimeout)
			time.Sleep(time.Second)
		})
	})
	t.Run("nobody reads", func(t *testing.T) {
		faked(t, o, func(t *testing.T, c *websocket.Conn, p *peer) {
			assert.NoError(t, c.Close(1000, ""))
			p.expectClose(1000)
			_, _, err := c.Read()
			assert.ErrorIs(t, err, websocket.ErrCloseTimeout)
		})
	})
	t.Run("backlog not taken", func(t *testing.T) {
		faked(t, o, func(t *testing.T, c *websocket.Conn, _ *peer) {
			began := time.Now()
			for range 100 {
				assert.NoError(t, c.Send(websocket.NewFrame(websocket.Binary, make([]byte, 1000))))
			}
			assert.NoError(t, c.Close(1000, ""))
			assert.ErrorIs(t, drainReads(c), os.ErrDeadlineExceeded)
			assert.Equal(t, time.Since(began), o.WriteTimeout)
		})
	})
}

func TestWriteTimeoutInMemory(t *testing.T) {
	o := &websocket.Options{WriteTimeout: 7 * time.Second}
	faked(t, o, func(t *testing.T, c *websocket.Conn, p *peer) {
		for range 20 {
			assert.NoError(t, c.Send(websocket.NewFrame(websocket.Binary, make([]byte, 3000))))
		}
		for range 3 { // a slow peer that takes something
			time.Sleep(5 * time.Second)
			first, payload, err := p.read()
			assert.NoError(t, err)
			assert.Equal(t, first, byte(end|blob))
			assert.Equal(t, len(payload), 3000)
			for range 4 {
				_, _, err = p.read()
				assert.NoError(t, err)
			}
			synctest.Wait()
			assert.True(t, !websocket.Dead(c))
		}
		time.Sleep(o.WriteTimeout) // and then nothing any more
		assert.ErrorIs(t, drainReads(c), websocket.ErrWriteTimeout)
	})
}
