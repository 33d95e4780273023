package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/wstest"
	"github.com/kachi-io/kachi/socketio"
	"github.com/kachi-io/kachi/socketio/packet"
)

// shouted is JSON in another form: it counts what it encodes, and knows an event that it
// cannot hold.
type shouted struct{ encoded *atomic.Int32 }

var errTooLoud = errors.New("too loud")

func (e shouted) Name() string { return "shouted" }

func (e shouted) Append(dst []byte, p *packet.Packet) ([]byte, [][]byte, error) {
	if strings.Contains(string(p.Data), "unspeakable") {
		return nil, nil, errTooLoud
	}
	e.encoded.Add(1)
	return packet.JSON.Append(append(dst, '!'), p)
}

func (e shouted) NewReader(l packet.Limits) packet.Reader {
	return quiet{packet.JSON.NewReader(l)}
}

type quiet struct{ packet.Reader }

func (q quiet) Text(data []byte) (packet.Packet, bool, error) { return q.Reader.Text(data[1:]) }

// mounted serves a server on mounts of every kind.
func mounted(t testing.TB, o *socketio.Options, more func(mux *http.ServeMux, srv *socketio.Server)) (*socketio.Server, string) {
	t.Helper()
	srv := socketio.NewServer(o)
	mux := http.NewServeMux()
	mux.Handle("/socket.io/", srv)
	more(mux, srv)
	host := httptest.NewServer(mux)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		assert.NoError(t, srv.Shutdown(ctx))
		host.Close()
	})
	return srv, host.URL
}

func shout(t testing.TB, url string) *wstest.Conn {
	t.Helper()
	c := wstest.Dial(t, url+"/shouted/?EIO=4&transport=websocket")
	assert.True(t, strings.HasPrefix(c.Next(t), "0{"))
	assert.NoError(t, c.SendText("4!0"))
	assert.True(t, strings.HasPrefix(c.Next(t), `4!0{"sid":`))
	return c
}

func TestABroadcastIsEncodedOnceForEachEncoding(t *testing.T) {
	form := shouted{new(atomic.Int32)}
	srv, url := mounted(t, nil, func(mux *http.ServeMux, srv *socketio.Server) {
		mux.Handle("/shouted/", srv.Handler(socketio.Mount{Encoding: form}))
		mux.Handle("/again/", srv.Handler(socketio.Mount{Encoding: form, Path: "/again"}))
	})
	var quiet []*client
	var loud []*wstest.Conn
	for range 3 {
		c, _ := join(t, url)
		quiet = append(quiet, c)
		loud = append(loud, shout(t, url))
	}
	assert.Equal(t, srv.Count(), 6)
	before := form.encoded.Load()
	for n := range 10 {
		assert.NoError(t, srv.Emit("e", n))
	}
	for n := range 10 {
		for i := range 3 {
			quiet[i].expect(fmt.Sprintf(`42["e",%d]`, n))
			loud[i].Expect(t, fmt.Sprintf(`4!2["e",%d]`, n))
		}
	}
	assert.Equal(t, form.encoded.Load()-before, int32(10))
}

func TestWhatAnEncodingCannotHold(t *testing.T) {
	form := shouted{new(atomic.Int32)}
	failed := make(chan error, 10)
	srv, url := mounted(t, nil, func(mux *http.ServeMux, srv *socketio.Server) {
		mux.Handle("/shouted/", srv.Handler(socketio.Mount{Encoding: form}))
		srv.OnConnect(func(_ context.Context, s *socketio.Socket) error {
			failed <- s.Emit("unspeakable")
			return nil
		})
	})
	c, _ := join(t, url)
	c.expect(`42["unspeakable"]`)
	assert.NoError(t, assert.Receive(t, failed))
	loud := shout(t, url)
	err := assert.Receive(t, failed)
	assert.True(t, errors.Is(err, socketio.ErrEncoding) && errors.Is(err, errTooLoud), err)
	assert.NoError(t, srv.Emit("unspeakable")) // the others get it
	assert.NoError(t, srv.Emit("e"))
	c.expect(`42["unspeakable"]`)
	c.expect(`42["e"]`)
	loud.Expect(t, `4!2["e"]`)
}

func TestMountPath(t *testing.T) {
	srv, url := mounted(t, nil, func(mux *http.ServeMux, srv *socketio.Server) {
		mux.Handle("/", srv.Handler(socketio.Mount{Path: "/{tenant}/socket.io"}))
	})
	c := wstest.Dial(t, url+"/acme/socket.io/?EIO=4&transport=websocket")
	c.Next(t)
	assert.NoError(t, c.SendText("40"))
	c.Next(t)
	s := srv.Sockets()[0]
	assert.Equal(t, s.Handshake().Param("tenant"), "acme")
	assert.Equal(t, s.Handshake().Param("room"), "")
	assert.Equal(t, get(t, url+"/acme/other/?EIO=4&transport=polling", nil).StatusCode, http.StatusNotFound)
	assert.Equal(t, get(t, url+"/acme/socket.io/?EIO=4&transport=polling", nil).StatusCode, http.StatusOK)
}

// Positions are for those who know what they are.
func TestOnlyWhoComesBackSeesPositions(t *testing.T) {
	form := shouted{new(atomic.Int32)}
	srv, url := mounted(t, &socketio.Options{Recovery: &socketio.Recovery{}, AllowEIO3: true}, func(mux *http.ServeMux, srv *socketio.Server) {
		mux.Handle("/shouted/", srv.Handler(socketio.Mount{Encoding: form}))
		mux.Handle("/ws", srv.PlainHandler(socketio.PlainMount{}))
	})
	r := &returner{t: t, url: url}
	r.come()
	loud := shout(t, url)
	plain := wstest.Dial(t, url+"/ws")
	aged := wstest.Dial(t, url+"/socket.io/?EIO=3&transport=websocket")
	aged.Next(t)
	aged.Expect(t, "40")
	assert.Eventually(t, func() bool { return srv.Count() == 4 })
	for _, emit := range []func() error{
		func() error { return srv.Emit("e", 1) },
		func() error { return srv.Volatile().Emit("e", 1) },
	} {
		assert.NoError(t, emit())
		assert.Equal(t, r.event(), "e1")
		text := loud.Next(t)
		assert.True(t, strings.HasPrefix(text, `4!2["e",1,"`), text)
		plain.Expect(t, `{"event":"e","data":1}`)
		aged.Expect(t, `42["e",1]`)
	}
	assert.NoError(t, aged.Close())
	assert.NoError(t, plain.Close())
	assert.Eventually(t, func() bool { return srv.Count() == 2 })

	// What was kept is there for every form.
	assert.NoError(t, loud.Close())
	r.cut()
	assert.NoError(t, srv.Emit("e", 2))
	r.come()
	assert.True(t, r.recovered)
	assert.Equal(t, r.event(), "e2")
}
