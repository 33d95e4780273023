package client_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/kachi-io/kachi/client"
	"github.com/kachi-io/kachi/internal/assert"
)

// stalling is a WebSocket server that admits everybody, and sends events to / for as long
// as they are taken.
type stalling struct {
	url    string
	pongs  chan bool
	leaves chan string // namespaces that were left
}

func newStalling(t *testing.T) *stalling {
	s := &stalling{pongs: make(chan bool, 1000), leaves: make(chan string, 1000)}
	host := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer conn.CloseNow()
		say := func(text string) { _ = conn.Write(r.Context(), websocket.MessageText, []byte(text)) }
		say(`0{"sid":"s","upgrades":[],"pingInterval":25000,"pingTimeout":40}`)
		for {
			_, data, err := conn.Read(r.Context())
			if err != nil {
				return
			}
			switch text := string(data); {
			case text == "40":
				say(`40{"sid":"id"}`)
				for i := range 20 {
					say(fmt.Sprintf(`42["number",%d]`, i))
				}
			case text == "3":
				s.pongs <- true
			case text == "41":
				s.leaves <- "/"
			case strings.HasPrefix(text, "40/"):
				say(strings.TrimSuffix(text, ",") + `,{"sid":"id"}`)
			}
		}
	}))
	t.Cleanup(host.Close)
	s.url = host.URL
	return s
}

// While events wait for room, the client cannot read the server's pings. It says without
// being asked that it is there.
func TestSignsOfLifeWhileAHandlerHoldsUpTheConnection(t *testing.T) {
	server := newStalling(t)
	c, err := client.New(server.url, &client.Options{Transports: []client.Transport{client.WebSocket}, MailboxMessages: 4})
	assert.NoError(t, err)
	defer c.Close()
	s := c.Of("/", nil)
	w := watch(s)
	goOn := make(chan struct{})
	var got ledger[int]
	client.On(s, "number", func(_ context.Context, i int) {
		<-goOn
		got.add(i)
	})
	assert.NoError(t, s.Connect(within(t)))
	for range 3 {
		assert.Receive(t, server.pongs)
	}
	close(goOn)
	assert.Eventually(t, func() bool { return got.len() == 20 })
	assert.Equal(t, got.all(), upto(20)) // nothing is lost
	assert.Equal(t, len(w.disconnected), 0)
}

// A handler that does not return costs its socket the namespace, and the others nothing.
// When what came has been handled, the socket is back.
func TestAStalledSocketLetsTheOthersGoOn(t *testing.T) {
	server := newStalling(t)
	o := &client.Options{Transports: []client.Transport{client.WebSocket}, MailboxMessages: 4, StallTimeout: 50 * time.Millisecond}
	c, err := client.New(server.url, o)
	assert.NoError(t, err)
	defer c.Close()
	s, other := c.Of("/", nil), c.Of("/other", nil)
	w := watch(s)
	why := make(chan error, 10)
	s.OnDisconnect(func(_ context.Context, _ client.Reason, err error) { why <- err })
	goOn := make(chan struct{})
	var got ledger[int]
	client.On(s, "number", func(_ context.Context, i int) {
		<-goOn
		got.add(i)
	})
	assert.NoError(t, s.Connect(within(t)))
	assert.Equal(t, assert.Receive(t, server.leaves), "/")
	assert.NoError(t, other.Connect(within(t))) // read behind all that was for the other
	assert.Equal(t, s.State(), client.StateReconnecting)
	assert.Equal(t, s.ID(), "")
	assert.Equal(t, len(w.disconnected), 0)
	close(goOn)
	assert.Receive(t, w.connected)
	assert.Equal(t, assert.Receive(t, w.disconnected), client.Stalled)
	assert.ErrorIs(t, assert.Receive(t, why), client.ErrStalled)
	assert.Receive(t, w.connected) // the second time nothing stalls
	assert.Eventually(t, func() bool { return got.len() > 20 })
	all := got.all()
	n := 0 // of the first time; then all of the second
	for n < len(all) && all[n] == n {
		n++
	}
	assert.True(t, n >= 4 && n < 20, all)
	assert.Eventually(t, func() bool { return got.len() == n+20 })
	assert.Equal(t, got.all()[n:], upto(20))
	assert.Equal(t, other.State(), client.StateConnected)
}

// stallRows are rows about handlers that do not return.
var stallRows = []row{
	{
		name:     "a handler that does not return keeps nobody from coming back",
		settings: settings{PingInterval: 300 * time.Millisecond, PingTimeout: time.Second},
		run: func(t *testing.T, p *play) {
			o := p.options()
			// Node waits for an answer to its close frame, which only a stall lets be read.
			o.MailboxMessages, o.StallTimeout = 2, time.Second
			o.ReconnectionDelay, o.ReconnectionDelayMax = time.Millisecond, time.Millisecond
			attempts := make(chan int, 10_000)
			o.Hooks.Reconnecting = func(attempt int, _ time.Duration) { attempts <- attempt }
			c := p.client(p.url(), o)
			s, other := c.Of("/", nil), c.Of("/chat", nil)
			w := watch(s)
			begun, goOn := make(chan struct{}, 1000), make(chan struct{})
			client.On(s, "number", func(context.Context, int) {
				begun <- struct{}{}
				<-goOn
			})
			release := sync.OnceFunc(func() { close(goOn) })
			t.Cleanup(release)
			assert.NoError(t, s.Connect(within(t)))
			assert.NoError(t, other.Connect(within(t)))
			assert.NoError(t, s.Emit("count", 10, 10))
			assert.Receive(t, begun)
			p.down(t)
			for range 100 {
				assert.Receive(t, attempts)
			}
			p.up(t)
			assert.NoError(t, other.Wait(within(t)))
			assert.Equal(t, len(w.disconnected), 0)
			release()
			assert.Receive(t, w.disconnected)
			assert.NoError(t, s.Wait(within(t)))
		},
	},
	{
		name:     "a socket that stalls and is recovered misses nothing",
		settings: settings{Recovery: true},
		ways:     once, // over polling Node's server takes a heartbeat to miss a client
		run: func(t *testing.T, p *play) {
			o := p.options()
			o.MailboxMessages, o.StallTimeout = 2, 50*time.Millisecond
			c := p.client(p.url(), o)
			s := c.Of("/", nil)
			w := watch(s)
			var got ledger[int]
			goOn := make(chan struct{})
			client.On(s, "news", func(_ context.Context, i int) {
				<-goOn
				got.add(i)
			})
			assert.NoError(t, s.Connect(within(t)))
			id := assert.Receive(t, w.connected)
			other := p.connect("/")
			ask[any](p, other, "tell", "news", 0)
			for i := range 20 {
				ask[any](p, other, "tell", "news", i+1)
			}
			assert.Eventually(t, func() bool { return s.State() == client.StateReconnecting })
			close(goOn)
			assert.Equal(t, assert.Receive(t, w.disconnected), client.Stalled)
			assert.Equal(t, assert.Receive(t, w.connected), id)
			assert.True(t, s.Recovered(), "recovered")
			assert.Eventually(t, func() bool { return got.len() >= 21 })
			assert.Equal(t, got.all(), upto(21))
		},
	},
}
