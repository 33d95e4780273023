package document_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net"
	"slices"
	"strconv"
	"sync"
	"testing"

	"github.com/kachi-io/kachi/app/account"
	"github.com/kachi-io/kachi/app/apptest"
	"github.com/kachi-io/kachi/app/document"
	"github.com/kachi-io/kachi/app/store"
	"github.com/kachi-io/kachi/app/store/storetest"
	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/gateway/validate"
	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/testclient"
	"github.com/kachi-io/kachi/socketio"
	"github.com/kachi-io/kachi/socketio/adapter"
)

// follow plays a client that began with a snapshot and was told of changes until the version
// last, and checks that it has missed none: those that are newer than the snapshot come each
// once, and in order.
func follow(t *testing.T, c *testclient.Client, snapshot view, last int64) {
	t.Helper()
	now := snapshot.Version
	for now < last {
		d := told(t, c)
		if d.Version <= now {
			if now != snapshot.Version {
				t.Fatalf("told of version %d after %d", d.Version, now)
			}
			continue // it is in the snapshot
		}
		assert.Equal(t, d.Version, now+1, "after the snapshot of version", snapshot.Version)
		assert.Equal(t, string(d.Value), strconv.FormatInt(d.Version, 10))
		now = d.Version
	}
}

func TestNoChangeIsMissedBetweenSnapshotAndFirstUpdate(t *testing.T) {
	apptest.Each(t, nil, func(t *testing.T, app *apptest.App) {
		mina := app.Register(t, "Mina")
		const last, readers = 300, 60
		written := make(chan int64, last)
		writer := mina.Dial(t, "/sync")
		var wg sync.WaitGroup
		wg.Go(func() {
			defer close(written)
			for i := range int64(last) {
				if answer := update(writer, "k", i+1, i); answer.Version != i+1 {
					t.Error(answer)
					return
				}
				written <- i + 1
			}
		})
		type reader struct {
			*testclient.Client
			snapshot view
		}
		var all []reader
		for range readers {
			c := mina.Dial(t, "/sync")
			all = append(all, reader{c, subscribe(c, "k")})
			for range last / readers / 2 { // spread over the writer's time
				<-written
			}
		}
		wg.Wait()
		early, late := 0, 0
		for _, r := range all {
			follow(t, r.Client, r.snapshot, last)
			r.ExpectNothing()
			if r.snapshot.Version < last {
				early++
			}
			if r.snapshot.Version > 0 {
				late++
			}
		}
		assert.True(t, early > 10 && late > 10, "most of them came while it was written", early, late)
	})
}

// Each increment of each of eight writers lands once, whoever meets whom, and all see one
// order.
func TestConflicts(t *testing.T) {
	apptest.Each(t, nil, func(t *testing.T, app *apptest.App) {
		mina, jun := app.Register(t, "Mina"), app.Register(t, "Jun")
		const writers, increments = 8, 10
		reader := jun.Dial(t, "/sync")
		snapshot := subscribe(reader, "counter")
		var wg sync.WaitGroup
		for i := range writers {
			person := []*apptest.Person{mina, jun}[i%2]
			c := person.Dial(t, "/sync")
			wg.Go(func() {
				d := view{Value: json.RawMessage("null")}
				for n := 0; n < increments; {
					value, _ := strconv.ParseInt(string(d.Value), 10, 64) // 0 of null
					answer := update(c, "counter", value+1, d.Version)
					switch answer.Code {
					case "":
						n++
						d.Version, d.Value = answer.Version, json.RawMessage(strconv.FormatInt(value+1, 10))
					case "conflict":
						d = answer.current()
					default:
						t.Error(answer)
						return
					}
				}
			})
		}
		wg.Wait()
		follow(t, reader, snapshot, writers*increments)
		reader.ExpectNothing()
		var d view
		mina.Call(t, 200, "GET", "/api/sync/counter", nil, &d)
		assert.Equal(t, d.String(), "counter=80@80")
	})
}

// node is a server of /sync alone, one of several.
func node(t *testing.T, documents func(*gateway.Hub) *document.Documents, o socketio.Options) (url string, stop func()) {
	t.Helper()
	hub := gateway.NewHub()
	s := documents(hub)
	everybody := gateway.AuthenticatorFunc[account.User](func(context.Context, *gateway.Handshake) (account.User, error) {
		return account.User{ID: 1, Name: "Mina"}, nil // the database's first
	})
	app, err := gateway.NewApp(&gateway.Options{Socket: o, Hub: hub, Validator: validate.New(nil), Logger: slog.New(slog.DiscardHandler)}, s.Gateway(everybody))
	assert.NoError(t, err)
	app.OnStart("sync", s.Start, s.Stop)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	assert.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- app.Serve(ctx, l, nil) }()
	stop = sync.OnceFunc(func() {
		cancel()
		assert.NoError(t, assert.Receive(t, served, "the end of the node"))
	})
	t.Cleanup(stop)
	return "http://" + l.Addr().String(), stop
}

// counted is a feed that knows who subscribes to it.
type counted struct {
	document.Feed
	mu          sync.Mutex
	subscribers int
}

func (c *counted) Subscribe(ctx context.Context, tell func(context.Context, document.Document)) (func(), error) {
	stop, err := c.Feed.Subscribe(ctx, tell)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.subscribers++
	return func() {
		stop()
		c.mu.Lock()
		defer c.mu.Unlock()
		c.subscribers--
	}, err
}

func (c *counted) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.subscribers
}

// Servers of one database, whose sockets are a cluster and whose changes a feed carries: each
// client is told once, by the server that it is at, and servers that stop are told nothing
// more.
func TestEachClientIsToldOnceHoweverManyServersThereAre(t *testing.T) {
	storetest.EachSource(t, func(t *testing.T, source string) {
		db := storetest.Open(t, source)
		_, err := db.AddUser(t.Context(), store.User{Name: "Mina", Role: "user"}, "mina", "user")
		assert.NoError(t, err)
		feed, bus := &counted{Feed: document.NewFeed()}, adapter.NewBus(nil)
		documents := func(hub *gateway.Hub) *document.Documents {
			return document.New(db, hub, document.Options{Feed: feed})
		}
		var clients []*testclient.Client
		var stops []func()
		for range 3 {
			url, stop := node(t, documents, socketio.Options{Adapter: bus.Node().Adapter})
			stops = append(stops, stop)
			for range 2 {
				clients = append(clients, testclient.Connect(t, url, "/sync", nil))
			}
		}
		assert.Equal(t, feed.count(), 3)
		for _, c := range clients {
			subscribe(c, "k")
		}
		for i, c := range clients {
			assert.Equal(t, update(c, "k", i, int64(i)).Version, int64(i+1))
		}
		for _, c := range clients {
			var versions []int64
			for range clients {
				versions = append(versions, told(t, c).Version)
			}
			assert.True(t, slices.IsSorted(versions), versions)
			c.ExpectNothing()
		}
		stops[2]()
		assert.Equal(t, feed.count(), 2)
		assert.Equal(t, update(clients[0], "k", nil, 6).Version, int64(7))
		assert.Equal(t, told(t, clients[3]).Version, int64(7))
	})
}

// While one document is being changed by all who may wait for it, others are refused, and
// other documents are changed.
func TestWhoWaitsIsBounded(t *testing.T) {
	db := storetest.New(t)
	held := make(chan struct{})
	feed := &stuck{document.NewFeed(), held, make(chan struct{}, 1)}
	s := document.New(db, gateway.NewHub(), document.Options{Feed: feed})
	u, err := db.AddUser(t.Context(), store.User{Name: "Mina", Role: "user"}, "mina", "user")
	assert.NoError(t, err)
	user := account.User{ID: u.ID}
	always := func(document.Document) bool { return true }
	set := func(key document.Key) error {
		_, err := s.Set(t.Context(), user, key, json.RawMessage("1"), always)
		return err
	}
	results := make(chan error, 300)
	for range cap(results) {
		go func() { results <- set("hot") }()
	}
	assert.Receive(t, feed.reached, "the first is published")
	for range 300 - 257 { // one has the turn, 256 wait
		assert.Equal(t, gateway.CodeOf(assert.Receive(t, results)), gateway.CodeOverloaded)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	assert.NoError(t, set("cold"))
	_, err = s.Set(gone, user, "hot", json.RawMessage("1"), always)
	assert.True(t, err != nil)
	close(held)
	for range 257 {
		assert.NoError(t, assert.Receive(t, results))
	}
	d, err := s.Get(t.Context(), user, "hot")
	assert.NoError(t, err)
	assert.Equal(t, d.Version, int64(257))
}

// stuck holds up the changes of one key.
type stuck struct {
	document.Feed
	held    chan struct{}
	reached chan struct{}
}

func (s *stuck) Publish(ctx context.Context, d document.Document) error {
	if d.Key == "hot" {
		select {
		case s.reached <- struct{}{}:
		default:
		}
		<-s.held
	}
	return s.Feed.Publish(ctx, d)
}
