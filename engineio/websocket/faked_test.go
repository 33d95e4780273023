package websocket_test

import (
	"crypto/tls"
	"io"
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
			assert.NoError(t, c.Send(websocket.NewFrame(websocket.Binary, make([]byte, 4092)))) // all that the network holds
			synctest.Wait()
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

// A peer that takes something in every time-out is slow, not gone, however long a single
// write takes it.
func TestPartOfAWriteIsProgress(t *testing.T) {
	o := &websocket.Options{WriteTimeout: 7 * time.Second}
	faked(t, o, func(t *testing.T, c *websocket.Conn, p *peer) {
		assert.NoError(t, p.SetDeadline(noDeadline))
		payload := noise(60_000)
		assert.NoError(t, c.Send(websocket.NewFrame(websocket.Binary, []byte(payload))))
		var got []byte
		for len(got) < 10_000 {
			time.Sleep(5 * time.Second)
			some := make([]byte, 500)
			_, err := io.ReadFull(p.Conn, some)
			assert.NoError(t, err)
			got = append(got, some...)
			synctest.Wait()
			assert.True(t, !websocket.Dead(c), "closed after %d bytes", len(got))
		}
		rest := make([]byte, 4+60_000-len(got))
		_, err := io.ReadFull(p.Conn, rest)
		assert.NoError(t, err)
		assert.Equal(t, string(append(got, rest...)[4:]), payload, "what is written after a deadline goes on where it stopped")
		for range 10 {
			assert.NoError(t, c.Send(websocket.NewFrame(websocket.Binary, []byte(payload))))
		}
		began := time.Now()
		assert.ErrorIs(t, drainReads(c), websocket.ErrWriteTimeout)
		took := time.Since(began)
		assert.True(t, took > o.WriteTimeout && took <= 2*o.WriteTimeout, "%s", took) // the first write filled the buffer
	})
}

// Over TLS a write cannot be resumed: the time-out is for a piece.
func TestPartOfAWriteOverTLS(t *testing.T) {
	o := &websocket.Options{WriteTimeout: 7 * time.Second}
	certificates := []tls.Certificate{certificate(t)}
	for _, test := range []struct {
		name   string
		each   int // bytes that the peer takes every two seconds
		closed bool
	}{
		{"a piece and a half in a time-out", 8 << 10, false},
		{"half a piece", 2 << 10, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client, server := memnet.Pipe(&memnet.Options{Buffer: 4096})
				ours := tls.Server(server, &tls.Config{Certificates: certificates})
				theirs := tls.Client(client, &tls.Config{InsecureSkipVerify: true})
				go func() { _ = theirs.Handshake() }()
				assert.NoError(t, ours.Handshake())
				synctest.Wait()
				c := websocket.NewConn(ours, nil, o, false)
				assert.NoError(t, c.Send(websocket.NewFrame(websocket.Binary, make([]byte, 100_000))))
				began, some := time.Now(), make([]byte, test.each)
				for time.Since(began) < 20*time.Second && !websocket.Dead(c) {
					time.Sleep(2 * time.Second)
					_, _ = io.ReadFull(client, some)
					synctest.Wait()
				}
				assert.Equal(t, websocket.Dead(c), test.closed)
				if test.closed {
					assert.ErrorIs(t, drainReads(c), websocket.ErrWriteTimeout)
				}
				assert.NoError(t, c.CloseNow())
				_ = client.Close()
			})
		})
	}
}
