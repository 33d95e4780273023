package fxgateway_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/fx"
	"go.uber.org/fx/fxtest"
	"go.uber.org/goleak"

	"github.com/kachi-io/kachi/client"
	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/gateway/fxgateway"
	"github.com/kachi-io/kachi/internal/assert"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type nobody = *gateway.Context[gateway.Nobody]

var posted = gateway.NewEvent[string]("posted")

// messages is a service that sends, and that a gateway and a controller use.
type messages struct{ emitter gateway.Emitter }

func newMessages(e gateway.Emitter) *messages { return &messages{e} }

func (m *messages) post(ctx context.Context, text string) error {
	return posted.Emit(ctx, m.emitter.Namespace("/chat"), text)
}

func newChat(m *messages) gateway.Gateway {
	return gateway.New("/chat", gateway.Anyone, func(g *gateway.Namespace[gateway.Nobody]) {
		g.Emits(posted)
		gateway.Handle(g, "post", func(c nobody, text string) error { return m.post(c, text) })
	})
}

// status is a gateway that can be injected.
type status struct {
	gateway.Gateway
	text string
}

func newStatus() (*status, error) {
	s := &status{text: "fine"}
	s.Gateway = gateway.New("/status", gateway.Anyone, func(g *gateway.Namespace[gateway.Nobody]) {
		gateway.On(g, "get", func(nobody, gateway.None) (string, error) { return s.text, nil })
	})
	return s, nil
}

// controller is an API beside the gateways.
func controller(app *gateway.App, m *messages, s *status, hub *gateway.Hub) fxgateway.Config {
	mux := http.NewServeMux()
	mux.Handle("/socket.io/", app)
	mux.HandleFunc("POST /messages", func(w http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		if err := m.post(r.Context(), string(text)); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	})
	mux.HandleFunc("GET /status", func(w http.ResponseWriter, r *http.Request) {
		n, _ := hub.Namespace("/chat").Count(r.Context())
		fmt.Fprintf(w, "%s, %d", s.text, n)
	})
	return fxgateway.Config{Addr: "127.0.0.1:0", Handler: mux}
}

func application(more ...fx.Option) fx.Option {
	return fx.Options(
		fxgateway.Module(),
		fx.Module("messages", fx.Provide(newMessages), fxgateway.AsGateway(newChat)),
		fxgateway.AsGateway(newStatus),
		fx.Provide(controller),
		fx.Options(more...),
	)
}

func TestAnApplication(t *testing.T) {
	var server *fxgateway.Server
	app := fxtest.New(t, application(fx.Populate(&server)), fxgateway.Listen())
	app.RequireStart()
	assert.True(t, listens(server))
	url := "http://" + server.Addr().String()

	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	browser := &http.Client{Transport: transport}
	c, err := client.New(url, &client.Options{HTTPClient: browser})
	assert.NoError(t, err)
	came := make(chan string, 2)
	chat := c.Of("/chat", nil)
	client.On(chat, "posted", func(_ context.Context, text string) { came <- text })
	assert.NoError(t, chat.Connect(t.Context()))
	_, err = client.Ask[any](t.Context(), chat, "post", "by the gateway")
	assert.NoError(t, err)
	assert.Equal(t, assert.Receive(t, came), "by the gateway")
	r, err := browser.Post(url+"/messages", "text/plain", strings.NewReader("over HTTP"))
	assert.NoError(t, err)
	assert.NoError(t, r.Body.Close())
	assert.Equal(t, r.StatusCode, http.StatusOK)
	assert.Equal(t, assert.Receive(t, came), "over HTTP")

	other := c.Of("/status", nil)
	assert.NoError(t, other.Connect(t.Context()))
	answer, err := client.Ask[string](t.Context(), other, "get")
	assert.NoError(t, err)
	assert.Equal(t, answer, "fine")
	r, err = browser.Get(url + "/status")
	assert.NoError(t, err)
	body, err := io.ReadAll(r.Body)
	assert.NoError(t, err)
	assert.NoError(t, r.Body.Close())
	assert.Equal(t, string(body), "fine, 1")

	assert.NoError(t, c.Close())
	app.RequireStop()
	assert.True(t, !listens(server), "it still listens")
}

// told is what happens, in order, and whether somebody listens then.
type told struct {
	server *fxgateway.Server
	list   []string
}

func (o *told) hook(name string) fx.Hook {
	tell := func(what string) func(context.Context) error {
		return func(context.Context) error {
			if listens(o.server) {
				what += ", listening"
			}
			o.list = append(o.list, what)
			return nil
		}
	}
	return fx.Hook{OnStart: tell(name + " starts"), OnStop: tell(name + " stops")}
}

// listens reports whether the application answers. Its port may be another test's by now.
func listens(server *fxgateway.Server) bool {
	if server.Addr() == nil {
		return false
	}
	browser := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 5 * time.Second}
	r, err := browser.Get("http://" + server.Addr().String() + "/status")
	if err != nil {
		return false
	}
	defer r.Body.Close()
	body, _ := io.ReadAll(r.Body)
	return strings.HasPrefix(string(body), "fine")
}

func TestListensLastAndStopsListeningFirst(t *testing.T) {
	var o told
	app := fxtest.New(t,
		application(
			fx.Populate(&o.server),
			fx.Invoke(func(lc fx.Lifecycle, app *gateway.App) {
				lc.Append(o.hook("hook"))
				h := o.hook("part of the app")
				app.OnStart("part", h.OnStart, h.OnStop)
			}),
			fx.Module("late", fx.Invoke(func(lc fx.Lifecycle) { lc.Append(o.hook("module")) })),
		),
		fx.Invoke(func(lc fx.Lifecycle) { lc.Append(o.hook("last hook")) }),
		fxgateway.Listen(),
	)
	app.RequireStart()
	app.RequireStop()
	slices.Sort(o.list[:4]) // what starts
	slices.Sort(o.list[4:])
	assert.Equal(t, o.list, []string{
		"hook starts", "last hook starts", "module starts", "part of the app starts",
		"hook stops", "last hook stops", "module stops", "part of the app stops",
	})
}

func TestABrokenStartListensToNobody(t *testing.T) {
	var o told
	app := fx.New(application(fx.Populate(&o.server), fx.NopLogger,
		fx.Invoke(func(app *gateway.App) {
			app.OnStart("database", func(context.Context) error { return errors.New("on fire") }, nil)
		})), fxgateway.Listen())
	assert.NoError(t, app.Err())
	err := app.Start(t.Context())
	assert.True(t, err != nil && strings.Contains(err.Error(), "starting database: on fire"), err)
	assert.True(t, o.server.Addr() == nil)

	taken, err := net.Listen("tcp", "127.0.0.1:0")
	assert.NoError(t, err)
	defer taken.Close()
	app = fx.New(fxgateway.Module(), fx.NopLogger, fx.Supply(fxgateway.Config{Addr: taken.Addr().String()}), fxgateway.Listen())
	err = app.Start(t.Context())
	assert.True(t, err != nil && strings.Contains(err.Error(), "address already in use"), err)
}

func TestWhatIsWrongIsSaidBeforeAnythingStarts(t *testing.T) {
	for name, test := range map[string]struct {
		o    fx.Option
		says string
	}{
		"something is missing": {fxgateway.AsGateway(newChat), "missing type: *fxgateway_test.messages"},
		"two of one namespace": {fx.Options(fxgateway.AsGateway(newStatus), fxgateway.AsGateway(func() gateway.Gateway {
			return gateway.New("/status", gateway.Anyone, func(*gateway.Namespace[gateway.Nobody]) {})
		})), `namespace "/status" has a gateway already`},
		"a constructor fails":  {fxgateway.AsGateway(func() (gateway.Gateway, error) { return nil, errors.New("on fire") }), "on fire"},
		"no constructor":       {fxgateway.AsGateway(7), "int is no constructor of a gateway.Gateway"},
		"of something else":    {fxgateway.AsGateway(newMessages), "is no constructor of a gateway.Gateway"},
		"another hub":          {fx.Supply(gateway.Options{Hub: gateway.NewHub()}), "another Hub"},
		"nothing, constructed": {fxgateway.AsGateway(nil), "is no constructor of a gateway.Gateway"},
	} {
		t.Run(name, func(t *testing.T) {
			err := fx.New(fxgateway.Module(), test.o, fx.NopLogger).Err()
			assert.True(t, err != nil && strings.Contains(err.Error(), test.says), err)
		})
	}
}
