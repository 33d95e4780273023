package gatewaytest

import (
	"context"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kachi-io/kachi/client"
	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/internal/memnet"
	"github.com/kachi-io/kachi/socketio"
)

// Options configures an [App]. The zero value is the default of every field; nil is the
// zero value.
type Options struct {
	// App configures the app. Without a Logger of its own, what the app logs from Warn on is
	// in the test's output: why a handler's answer is "internal", say.
	App gateway.Options
	// Setup is called before the app starts: for what is registered with
	// [gateway.App.OnStart], schedules say.
	Setup func(*gateway.App)
	// Handler returns what answers requests, for an app that is mounted beside an API.
	// Default the app alone.
	Handler func(*gateway.App) http.Handler
	// Path is where the handler has the app. Default "/socket.io/".
	Path string
	// Patience is how long clients wait for what is expected before the test fails. It
	// bounds tests that fail, and is no claim about speed. Default 10 s.
	Patience time.Duration
	// AllowGoroutines lets the test pass when goroutines are left that the app has started:
	// for code that cannot stop its own.
	AllowGoroutines bool
}

// App is a running app in memory. Its methods are safe for concurrent use, but those that
// are given a test fail it, and so belong to the test's goroutine.
type App struct {
	*gateway.App
	o        Options
	listener *memnet.Listener
	http     *http.Client
	label    string
	stop     func(testing.TB)

	mu      sync.Mutex
	clients []*Client
}

// URL is where clients find apps of this package, by [App.HTTP].
const URL = "http://app.test"

// New makes an app of gateways and starts it. It is stopped at the end of the test, which
// fails when that fails, or when a goroutine is left that the app has started. In a bubble
// of testing/synctest t is the bubble's own. o may be nil.
func New(t testing.TB, o *Options, gateways ...gateway.Gateway) *App {
	t.Helper()
	if o == nil {
		o = &Options{}
	}
	opts := o.App
	if opts.Logger == nil && opts.Socket.Logger == nil {
		opts.Logger = logger(t)
	}
	label := newLabel()
	var a *gateway.App
	var err error
	labelled(label, func() { a, err = gateway.NewApp(&opts, gateways...) })
	if err != nil {
		t.Fatalf("gatewaytest: the app cannot be made:\n%v", err)
	}
	return start(t, o, a, label)
}

// Start is [New] with an app that was made by other means, and is not started yet.
// Options.App is left alone.
func Start(t testing.TB, o *Options, app *gateway.App) *App {
	t.Helper()
	return start(t, o, app, newLabel())
}

func start(t testing.TB, o *Options, app *gateway.App, label string) *App {
	t.Helper()
	a := &App{App: app, listener: memnet.Listen(nil), label: label}
	if o != nil {
		a.o = *o
	}
	if a.o.Patience <= 0 {
		a.o.Patience = 10 * time.Second
	}
	a.http = &http.Client{Transport: &http.Transport{
		DialContext: func(context.Context, string, string) (net.Conn, error) { return a.listener.Dial() },
	}}
	if a.o.Setup != nil {
		a.o.Setup(app)
	}
	var handler http.Handler
	if a.o.Handler != nil {
		handler = a.o.Handler(app)
	}
	handler = a.withPlain(handler)

	started, served := make(chan struct{}), make(chan error, 1)
	app.OnStart("gatewaytest", func(context.Context) error { close(started); return nil }, nil)
	ctx, cancel := context.WithCancel(context.Background())
	a.labelled(func() {
		go func() { served <- app.Serve(ctx, a.listener, handler) }()
	})
	var once sync.Once
	a.stop = func(t testing.TB) {
		t.Helper()
		once.Do(func() {
			a.mu.Lock()
			clients := a.clients
			a.mu.Unlock()
			for _, c := range clients {
				c.Close()
			}
			cancel()
			if err := <-served; err != nil {
				t.Errorf("gatewaytest: stopping the app: %v", err)
			}
			a.http.CloseIdleConnections()
		})
	}
	select {
	case <-started:
	case err := <-served:
		cancel()
		t.Fatalf("gatewaytest: the app does not start: %v", err)
	}
	t.Cleanup(func() {
		a.stop(t)
		if !a.o.AllowGoroutines {
			a.expectNoGoroutines(t)
		}
	})
	return a
}

// Stop disconnects all clients and stops the app, for tests of stopping. At the end of a
// test it is done anyway.
func (a *App) Stop(t testing.TB) {
	t.Helper()
	a.stop(t)
}

// HTTP returns a client of the app's handler, at [URL].
func (a *App) HTTP() *http.Client { return a.http }

// ClientOptions returns options for package client, with which its clients reach the app at
// [URL]: for tests of reconnection, recovery, other encodings. Such clients are closed by
// the test.
func (a *App) ClientOptions() *client.Options {
	return &client.Options{HTTPClient: a.http, Path: a.o.Path}
}

// plainPath is where plain clients find their namespace, below.
const plainPath = "/gatewaytest/plain"

// withPlain puts mounts for plain clients beside the handler.
func (a *App) withPlain(next http.Handler) http.Handler {
	if next == nil {
		next = a.App
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if namespace, plain := strings.CutPrefix(r.URL.Path, plainPath); plain {
			a.Server().PlainHandler(socketio.PlainMount{Namespace: namespace}).ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}
