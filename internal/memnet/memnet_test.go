package memnet_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/memnet"
)

func TestBytesComeInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := memnet.Pipe(&memnet.Options{Buffer: 3})
		go func() {
			_, err := a.Write([]byte("hello, world"))
			assert.NoError(t, err)
			assert.NoError(t, a.Close())
		}()
		got, err := io.ReadAll(b)
		assert.NoError(t, err)
		assert.Equal(t, string(got), "hello, world")
		_, err = b.Write([]byte("x"))
		assert.ErrorIs(t, err, syscall.EPIPE)
	})
}

func TestAFullBufferStopsTheWriter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := memnet.Pipe(&memnet.Options{Buffer: 3})
		assert.NoError(t, a.SetWriteDeadline(time.Now().Add(time.Second)))
		began := time.Now()
		n, err := a.Write([]byte("four"))
		assert.Equal(t, n, 3)
		assert.ErrorIs(t, err, os.ErrDeadlineExceeded)
		var timeout net.Error
		assert.True(t, errors.As(err, &timeout) && timeout.Timeout())
		assert.Equal(t, time.Since(began), time.Second)
		assert.NoError(t, a.SetWriteDeadline(time.Time{}))
		written := make(chan error, 1)
		go func() { _, err := a.Write([]byte("r")); written <- err }()
		synctest.Wait()
		assert.Equal(t, len(written), 0)
		buf := make([]byte, 1)
		_, err = b.Read(buf)
		assert.NoError(t, err)
		assert.NoError(t, <-written)
	})
}

func TestADeadlineReachesAReadThatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, _ := memnet.Pipe(nil)
		read := make(chan error, 1)
		go func() { _, err := a.Read(make([]byte, 1)); read <- err }()
		synctest.Wait()
		assert.NoError(t, a.SetReadDeadline(time.Now().Add(time.Minute)))
		assert.ErrorIs(t, <-read, os.ErrDeadlineExceeded)
		assert.NoError(t, a.SetReadDeadline(time.Time{}))
		go func() { _, err := a.Read(make([]byte, 1)); read <- err }()
		synctest.Wait()
		assert.NoError(t, a.Close())
		assert.ErrorIs(t, <-read, net.ErrClosed)
	})
}

func TestDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := memnet.Pipe(&memnet.Options{Delay: func() time.Duration { return time.Second }})
		began := time.Now()
		buf := make([]byte, 10)
		_, _ = a.Write([]byte("x"))
		time.Sleep(time.Second / 2)
		_, _ = a.Write([]byte("y"))
		_ = a.CloseWrite()
		for _, want := range []time.Duration{time.Second, 3 * time.Second / 2} {
			n, err := b.Read(buf)
			assert.NoError(t, err)
			assert.Equal(t, n, 1)
			assert.Equal(t, time.Since(began), want)
		}
		_, err := b.Read(buf)
		assert.Equal(t, err == io.EOF, true)
		_, err = b.Write([]byte("still open in this direction"))
		assert.NoError(t, err)
		_, err = a.Read(buf)
		assert.NoError(t, err)
	})
}

func TestReset(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, end := range map[string]func(c *memnet.Conn){
			"Reset":                 func(c *memnet.Conn) { c.Reset() },
			"Close and leave bytes": func(c *memnet.Conn) { _ = c.Close() },
		} {
			a, b := memnet.Pipe(nil)
			_, _ = a.Write([]byte("under way"))
			_, _ = b.Write([]byte("under way"))
			end(a)
			_, err := b.Read(make([]byte, 1))
			assert.ErrorIs(t, err, syscall.ECONNRESET, name)
		}
	})
}

// What net/http does with a connection (background reads, aborting them by deadlines,
// hijacking) stands still with the bubble's clock.
func TestHTTP(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := memnet.Listen(nil)
		srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/wait" {
				<-r.Context().Done()
				return
			}
			time.Sleep(time.Hour)
			_, _ = io.Copy(w, r.Body)
		})}
		served := make(chan error, 1)
		go func() { served <- srv.Serve(l) }()
		client := &http.Client{Transport: &http.Transport{
			DialContext: func(context.Context, string, string) (net.Conn, error) { return l.Dial() },
		}}
		for range 2 {
			resp, err := client.Post("http://x/", "text/plain", strings.NewReader("hello"))
			assert.NoError(t, err)
			body, err := io.ReadAll(resp.Body)
			assert.NoError(t, err)
			assert.Equal(t, string(body), "hello")
			assert.NoError(t, resp.Body.Close())
		}
		c, err := l.Dial()
		assert.NoError(t, err)
		_, _ = io.WriteString(c, "GET /wait HTTP/1.1\r\nHost: x\r\n\r\n")
		synctest.Wait()
		assert.NoError(t, c.Close()) // ends the handler
		client.CloseIdleConnections()
		assert.NoError(t, srv.Close())
		assert.ErrorIs(t, <-served, http.ErrServerClosed)
		_, err = l.Dial()
		assert.ErrorIs(t, err, syscall.ECONNREFUSED)
	})
}
