package connect

import (
	"context"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/socketio"
)

// pipe is one that nobody reads, until it is broken.
type pipe struct {
	full   chan bool
	broken chan struct{}
	once   sync.Once
}

func (p *pipe) Write(b []byte) (int, error) {
	p.once.Do(func() { p.full <- true })
	<-p.broken
	return len(b), nil
}

func TestEndsAlthoughNobodyReadsWhatItPrints(t *testing.T) {
	srv := socketio.NewServer(nil)
	host := httptest.NewServer(srv)
	defer host.Close()
	defer srv.Shutdown(context.Background())
	out := &pipe{full: make(chan bool, 1), broken: make(chan struct{})}
	c := &Command{URL: host.URL, Path: "/socket.io/", Encoding: "json", Timeout: time.Minute, AckTimeout: time.Minute, Wait: "forever", JSON: true}
	r, err := c.prepare(&Streams{In: strings.NewReader(""), Out: out, Err: out})
	assert.NoError(t, err)
	r.patience = 10 * time.Millisecond
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- r.untilEnd(ctx) }()
	assert.Receive(t, out.full)
	cancel()
	assert.Equal(t, assert.Receive(t, ended), error(Exit(1)))
	close(out.broken)
	assert.Receive(t, finished(r.session.client.Done()))
}

func finished(done <-chan struct{}) <-chan bool {
	c := make(chan bool, 1)
	go func() {
		<-done
		c <- true
	}()
	return c
}
