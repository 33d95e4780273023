package fromnest

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"net/http"
	"testing"

	"go.uber.org/goleak"

	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/gateway/gatewaytest"
	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/socketio/adapter"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// admit admits everybody, as user 1.
var admit = gateway.AuthenticatorFunc[User](func(context.Context, *gateway.Handshake) (User, error) {
	return User{"1", "Mina"}, nil
})

func newStore() *Store { return &Store{cats: []Cat{{"Nabi"}, {"Tom"}}} }

// begin testing
func TestCats(t *testing.T) {
	app := gatewaytest.New(t, nil, NewCats(newStore(), admit))
	c := app.Dial(t, "/cats")
	assert.Equal(t, gatewaytest.Ask[Cat](t, c, "find", Find{"Nabi"}), Cat{"Nabi"})
	c.AskError(t, gateway.CodeNotFound, "find", Find{"Garfield"})
}

// end testing

// dial serves what one function registers, and connects a client.
func dial(t *testing.T, register func(*gateway.Namespace[User])) *gatewaytest.Client {
	t.Helper()
	return gatewaytest.New(t, nil, gateway.New("/", admit, register)).Dial(t, "/")
}

func TestEvents(t *testing.T) {
	cats := &Cats{newStore()}
	c := dial(t, func(g *gateway.Namespace[User]) {
		cats.registerSearch(g)
		cats.registerMove(g)
		cats.registerList(g)
		cats.registerSlow(g)
		gateway.On(g, "whoami", cats.whoami)
		gateway.Handle(g, "upload", cats.upload)
		gateway.On(g, "put", put)
		gateway.On(g, "hello", hello)
	})
	assert.Equal(t, gatewaytest.Ask[int](t, c, "move", 3, 4), 12)
	assert.True(t, gatewaytest.Ask[string](t, c, "whoami") != "")
	c.Emit(t, "search", Find{"Tom"})
	assert.Equal(t, gatewaytest.Next(t, c, Found), Cat{"Tom"})
	assert.Equal(t, gatewaytest.Ask[gateway.Streamed](t, c, "list").Count, 2)
	assert.Equal(t, gatewaytest.Next(t, c, Found), Cat{"Nabi"})
	assert.Equal(t, gatewaytest.Next(t, c, Found), Cat{"Tom"})
	assert.Equal(t, gatewaytest.Ask[Cat](t, c, "groom", Find{"Tom"}), Cat{"Tom"})
	assert.Equal(t, gatewaytest.Ask[string](t, c, "upload", Find{"Tom"}), "accepted")
	assert.Equal(t, gatewaytest.Ask[int](t, c, "put", "milk"), 1)
	assert.Equal(t, gatewaytest.Ask[int](t, c, "put", "fish"), 2)
	assert.Equal(t, gatewaytest.Ask[string](t, c, "hello"), "안녕")
}

func TestPatterns(t *testing.T) {
	c := gatewaytest.New(t, nil, NewRooms(admit)).Dial(t, "/room-7")
	assert.Equal(t, gatewaytest.Ask[string](t, c, "where"), "7")
}

func TestHooksAndServices(t *testing.T) {
	forgotten := make(chan User, 1)
	n := &Nest{slog.New(slog.DiscardHandler), func(_ context.Context, u User) error { forgotten <- u; return nil }}
	hub := gateway.NewHub()
	app, err := gateway.NewApp(&gateway.Options{Hub: hub}, gateway.New("/nest", admit, n.register))
	assert.NoError(t, err)
	db := &database{}
	start(app, db)
	t.Run("served", func(t *testing.T) {
		c := gatewaytest.Start(t, nil, app).Dial(t, "/nest")
		assert.Equal(t, db.told, []string{"open"})
		c.AskError(t, gateway.CodeNotFound, "nothing") // behind arrived, which joins the room
		assert.NoError(t, (&Moves{hub}).Tell(t.Context(), "1", "the next tree"))
		assert.Equal(t, gatewaytest.Next(t, c, Moved), "the next tree")
	})
	assert.Equal(t, assert.Receive(t, forgotten), User{"1", "Mina"})
	assert.Equal(t, db.told, []string{"open", "close"})
}

type database struct{ told []string }

func (d *database) Open(context.Context) error  { d.told = append(d.told, "open"); return nil }
func (d *database) Close(context.Context) error { d.told = append(d.told, "close"); return nil }

func TestLayers(t *testing.T) {
	register := func(g *gateway.Namespace[User]) {
		registerGuards(g)
		registerLimits(g)
		gateway.Handle(g, "adopt", func(*Context, NewCat) error { return nil })
		gateway.Handle(g, "row", func(*Context, gateway.None) error { return fmt.Errorf("cats: %w", sql.ErrNoRows) })
	}
	_, err := everywhere(gateway.New("/", admit, register))
	assert.True(t, err != nil, "the tags of NewCat need a validator")
	app, err := withValidator(gateway.New("/", admit, register))
	assert.NoError(t, err)
	c := gatewaytest.Start(t, nil, app).Dial(t, "/")
	gatewaytest.Ask[any](t, c, "adopt", NewCat{Name: "Nabi"})
	c.AskError(t, gateway.CodeInvalid, "adopt", NewCat{Age: 1})
	c.AskError(t, gateway.CodeInvalid, "adopt", NewCat{Name: "Tom", Age: 17})
	c.AskError(t, gateway.CodeForbidden, "rename", Rename{"2"})
	gatewaytest.Ask[any](t, c, "close", 1)
	gatewaytest.Ask[any](t, c, "shout", "!")
	c.AskError(t, gateway.CodeRateLimited, "shout", "!")
	c.AskError(t, gateway.CodeInternal, "row")

	app, err = everywhere(gateway.New("/", NewUsers(make([]byte, 32)), func(g *gateway.Namespace[User]) {
		gateway.Handle(g, "row", func(*Context, gateway.None) error { return fmt.Errorf("cats: %w", sql.ErrNoRows) })
	}))
	assert.NoError(t, err)
	gatewaytest.Start(t, nil, app).ConnectError(t, gateway.CodeUnauthorized, "/")
	assert.Equal(t, app.Routes()[0].Chain, []string{"interceptor fromnest.timed", "filter fromnest.missing"})
}

func TestServing(t *testing.T) {
	bus := adapter.NewBus(nil)
	app, err := node(bus, NewCats(newStore(), admit))
	assert.NoError(t, err)
	doc, err := document(app)
	assert.NoError(t, err)
	assert.True(t, doc != nil)
	live := gatewaytest.Start(t, &gatewaytest.Options{Path: "/live/", Handler: func(app *gateway.App) http.Handler {
		mux := http.NewServeMux()
		plain(mux, app)
		elsewhere(mux, app)
		return mux
	}}, app)
	assert.Equal(t, gatewaytest.Ask[Cat](t, live.Dial(t, "/cats"), "find", Find{"Tom"}), Cat{"Tom"})

	app, err = forNest(NewCats(newStore(), admit))
	assert.NoError(t, err)
	c := gatewaytest.Start(t, nil, app).Dial(t, "/cats")
	c.Emit(t, "find", Find{"Garfield"})
	c.ExpectError(t, gateway.CodeNotFound)

	ended, stop := context.WithCancel(context.Background())
	stop()
	t.Setenv("ADDR", "127.0.0.1:0")
	t.Setenv("ORIGIN", "https://example.com")
	assert.NoError(t, run(ended, NewCats(newStore(), admit)))
	app, err = node(bus, NewCats(newStore(), admit))
	assert.NoError(t, err)
	assert.NoError(t, hybrid(ended, app, http.NotFoundHandler()))
}
