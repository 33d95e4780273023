package client_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/kachi-io/kachi/client"
	"github.com/kachi-io/kachi/internal/assert"
)

// row is one test of the client table. It runs against this project's server and against
// Node's, once for each of the ways to connect, and does not know which server it has.
type row struct {
	name     string
	settings settings
	ways     []string // default all
	run      func(t *testing.T, p *play)
}

var ways = map[string][]client.Transport{
	"polling":   {client.Polling},
	"websocket": {client.WebSocket},
	"upgrade":   {client.Polling, client.WebSocket},
}

// once is for rows that have nothing to do with transports.
var once = []string{"websocket"}

func TestTable(t *testing.T) {
	t.Run("kachi", func(t *testing.T) {
		t.Parallel()
		runRows(t, "kachi", &kachiServers{servers: map[int]*kachiServer{}})
	})
	t.Run("node", func(t *testing.T) {
		t.Parallel()
		runRows(t, "node", startNode(t))
	})
}

func runRows(t *testing.T, kind string, m maker) {
	for _, rows := range [][]row{connectRows, messageRows, lifeRows, troubleRows, stallRows} {
		for _, r := range rows {
			list := r.ways
			if list == nil {
				list = []string{"polling", "websocket", "upgrade"}
			}
			for _, way := range list {
				t.Run(way+"/"+r.name, func(t *testing.T) {
					t.Parallel()
					r.run(t, &play{stage: newStage(t, kind, m, r.settings), way: way, at: t})
				})
			}
		}
	}
}

// play is what a row works with.
type play struct {
	*stage
	way string
	at  *testing.T
}

// options are those of a client that connects in this row's way. Reconnecting is quick.
func (p *play) options() *client.Options {
	return &client.Options{
		Transports:           ways[p.way],
		ReconnectionDelay:    5 * time.Millisecond,
		ReconnectionDelayMax: 50 * time.Millisecond,
	}
}

// client makes a client, which is closed at the end of the test.
func (p *play) client(url string, o *client.Options) *client.Client {
	p.at.Helper()
	c, err := client.New(url, o)
	assert.NoError(p.at, err)
	p.at.Cleanup(func() {
		assert.NoError(p.at, c.Close())
		assert.Receive(p.at, ended(c.Done()), "the client's end")
	})
	return c
}

// ended makes a value of a channel's end.
func ended(done <-chan struct{}) <-chan bool {
	c := make(chan bool, 1)
	go func() {
		<-done
		c <- true
	}()
	return c
}

// connect makes a connected socket of the namespace.
func (p *play) connect(namespace string, setup ...func(*client.Socket)) *client.Socket {
	p.at.Helper()
	return p.join(p.client(p.url(), p.options()), namespace, setup...)
}

// join connects a socket of a client.
func (p *play) join(c *client.Client, namespace string, setup ...func(*client.Socket)) *client.Socket {
	p.at.Helper()
	s := c.Of(namespace, nil)
	for _, f := range setup {
		f(s)
	}
	assert.NoError(p.at, s.Connect(within(p.at)), "connect")
	return s
}

// within is a context that bounds a broken test.
func within(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// ask asks and expects an answer.
func ask[T any](p *play, s *client.Socket, event string, args ...any) T {
	p.at.Helper()
	answer, err := client.Ask[T](within(p.at), s, event, args...)
	assert.NoError(p.at, err, event)
	return answer
}

// who is what the server knows of a client.
type who struct {
	ID        string
	Recovered bool
	Transport string
	Auth      map[string]any
	Query     map[string]string
	Headers   map[string]string
}

// turns notes what happens to a socket.
type turns struct {
	connected    chan string // its id
	failed       chan error
	disconnected chan client.Reason
}

func watch(s *client.Socket) *turns {
	w := &turns{make(chan string, 1000), make(chan error, 1000), make(chan client.Reason, 1000)}
	s.OnConnect(func(context.Context) { w.connected <- s.ID() })
	s.OnConnectError(func(_ context.Context, err error) { w.failed <- err })
	s.OnDisconnect(func(_ context.Context, reason client.Reason, _ error) { w.disconnected <- reason })
	return w
}

// ledger notes values, for a handler to write and a test to read.
type ledger[T any] struct {
	mu     sync.Mutex
	values []T
}

func (l *ledger[T]) add(v T) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.values = append(l.values, v)
}

func (l *ledger[T]) all() []T {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]T{}, l.values...)
}

func (l *ledger[T]) len() int { return len(l.all()) }

// upto is 0 to n-1.
func upto(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}
