package dashboard

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/kachi-io/kachi/app/account"
	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/gateway/gatewaytest"
	"github.com/kachi-io/kachi/gateway/schedule"
	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/socketio"
	"github.com/kachi-io/kachi/socketio/adapter"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// named admits everybody by the name that they give; "Root" is an administrator.
var named = gateway.AuthenticatorFunc[account.User](func(_ context.Context, h *gateway.Handshake) (account.User, error) {
	var auth struct{ Name string }
	if err := h.DecodeAuth(&auth); err != nil || auth.Name == "" {
		return account.User{}, gateway.Unauthorized("who?")
	}
	role := account.RoleUser
	if auth.Name == "Root" {
		role = account.RoleAdmin
	}
	return account.User{ID: 1, Name: auth.Name, Role: role}, nil
})

var members = gateway.NewRooms("member")

// busy is a namespace with something to do.
func busy() gateway.Gateway {
	return gateway.New("/busy", gateway.Anyone, func(g *gateway.Namespace[gateway.Nobody]) {
		gateway.On(g, "echo", func(_ *gateway.Context[gateway.Nobody], in string) (string, error) { return in, nil })
		gateway.Handle(g, "join", func(ctx *gateway.Context[gateway.Nobody], in string) error {
			ctx.Join(members.Of(in))
			return nil
		})
		gateway.Handle(g, "sleep", func(_ *gateway.Context[gateway.Nobody], ms int) error {
			time.Sleep(time.Duration(ms) * time.Millisecond)
			return nil
		})
		gateway.Handle(g, "fail", func(_ *gateway.Context[gateway.Nobody], coded bool) error {
			if coded {
				return gateway.Forbidden("no")
			}
			return errors.New("a fault")
		})
	})
}

// node is a server with a dashboard. In a bubble.
func node(t *testing.T, o Options, socket socketio.Options) (*gatewaytest.App, *Dashboard) {
	t.Helper()
	hub := gateway.NewHub()
	d := New(hub, o)
	socket.PingInterval = time.Hour
	app := gatewaytest.New(t, &gatewaytest.Options{
		App:   gateway.Options{Hub: hub, Socket: socket, Handled: []func(*gateway.Call, time.Duration, error){d.Handled}},
		Setup: func(app *gateway.App) { assert.NoError(t, schedule.With(app, d.Jobs()...)) },
	}, d.Gateway(named), busy())
	return app, d
}

func viewer(t *testing.T, app *gatewaytest.App) *gatewaytest.Client {
	t.Helper()
	return app.Dial(t, "/dashboard", gatewaytest.Name("Mina"))
}

func TestAtOnceAndThenEveryFiveSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		app, d := node(t, Options{Node: "a", Version: "v1", Database: "SQLite"}, socketio.Options{})
		time.Sleep(62 * time.Second)
		began := time.Now()
		c := viewer(t, app)
		first := gatewaytest.Next(t, c, Updated)
		assert.True(t, time.Since(began) == 0, "at once")
		assert.Equal(t, first.Seconds, 0.0, "nobody watched before")
		assert.Equal(t, []string{first.Node, first.Version, first.Database}, []string{"a", "v1", "SQLite"})
		assert.Equal(t, first.Uptime, 62.0)
		assert.Equal(t, first.Connections, Connections{WebSocket: 1})

		var seconds []float64
		for range 3 {
			u := gatewaytest.Next(t, c, Updated)
			seconds = append(seconds, u.Seconds)
			assert.True(t, u.Goroutines > 0 && u.Heap > 0)
		}
		assert.Equal(t, seconds, []float64{3, 5, 5}, "ticks keep to their times")
		assert.Equal(t, time.Since(began), 13*time.Second)

		second := viewer(t, app)
		u := gatewaytest.Next(t, second, Updated)
		assert.Equal(t, u.At, began.Add(13*time.Second).UTC(), "the last one: nothing is measured anew")
		assert.Equal(t, d.job.Stats().Runs, int64(3))
	})
}

func TestNothingIsMeasuredWithoutViewers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		app, d := node(t, Options{}, socketio.Options{})
		app.Dial(t, "/busy") // is no viewer
		time.Sleep(time.Minute + time.Second)
		stats := d.job.Stats()
		assert.Equal(t, []int64{stats.Runs, stats.Unheard}, []int64{0, 12})
		assert.Equal(t, len(d.points), 0, "nothing was measured")

		c := viewer(t, app)
		gatewaytest.Next(t, c, Updated)
		gatewaytest.Next(t, c, Updated)
		c.Close()
		time.Sleep(time.Minute)
		assert.Equal(t, d.job.Stats().Runs, int64(1))
		assert.Equal(t, len(d.points), 2)
	})
}

func TestEachServerTellsItsOwnViewersAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus := adapter.NewBus(nil)
		here, at := node(t, Options{Node: "here"}, socketio.Options{Adapter: bus.Node().Adapter})
		there, away := node(t, Options{Node: "there"}, socketio.Options{Adapter: bus.Node().Adapter})
		c := viewer(t, here)
		for range 3 {
			assert.Equal(t, gatewaytest.Next(t, c, Updated).Node, "here")
		}
		assert.Equal(t, []int64{at.job.Stats().Runs, away.job.Stats().Runs}, []int64{2, 0}, "nobody watches the other")

		other := viewer(t, there)
		for range 3 {
			assert.Equal(t, gatewaytest.Next(t, other, Updated).Node, "there")
		}
		assert.Equal(t, gatewaytest.Next(t, c, Updated).Node, "here")
		assert.Equal(t, gatewaytest.Next(t, c, Updated).Node, "here")
		c.ExpectNone(t)
		other.ExpectNone(t)
	})
}

func TestFiguresAreWhatHappened(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		app, _ := node(t, Options{}, socketio.Options{})
		c := viewer(t, app)
		gatewaytest.Next(t, c, Updated)
		busy, polling := app.Dial(t, "/busy"), app.Dial(t, "/busy", gatewaytest.Polling())
		gatewaytest.Ask[any](t, busy, "join", "a")
		gatewaytest.Ask[any](t, busy, "join", "b")
		gatewaytest.Ask[any](t, polling, "join", "b")
		before := gatewaytest.Next(t, c, Updated)
		assert.Equal(t, before.Connections, Connections{WebSocket: 2, Polling: 1})
		assert.Equal(t, before.Sockets, 3)
		assert.Equal(t, before.Rooms, 2)
		assert.Equal(t, before.Namespaces[len(before.Namespaces)-1:], []NamespaceFigure{{"/dashboard", 1, 0}})
		assert.Equal(t, before.Calls, 3/5.0)

		for range 40 {
			gatewaytest.Ask[string](t, busy, "echo", "hello")
		}
		for range 8 {
			gatewaytest.Ask[any](t, busy, "sleep", 100)
		}
		gatewaytest.Ask[any](t, busy, "sleep", 400)
		busy.AskError(t, "forbidden", "fail", true)
		busy.AskError(t, "internal", "fail", false)
		busy.AskError(t, "not_found", "made up")
		busy.AskError(t, "not_found", "made up, too")

		u := gatewaytest.Next(t, c, Updated)
		assert.Equal(t, u.Totals.MessagesIn-before.Totals.MessagesIn, uint64(53))
		assert.Equal(t, u.Totals.MessagesOut-before.Totals.MessagesOut, uint64(53+1), "and the update")
		assert.Equal(t, u.MessagesIn, 53/5.0)
		assert.True(t, u.BytesIn > 53 && u.BytesOut > 53)
		assert.Equal(t, u.Totals.Calls-before.Totals.Calls, uint64(53))
		assert.Equal(t, u.Totals.Errors-before.Totals.Errors, uint64(4))
		assert.Equal(t, u.Totals.Faults-before.Totals.Faults, uint64(1))
		assert.Equal(t, []float64{u.Calls, u.Errors}, []float64{53 / 5.0, 4 / 5.0})
		within(t, u.Latency.P50, 0, 0.001)
		within(t, u.Latency.P95, 100, 7)
		within(t, u.Latency.Max, 400, 0)
		slowest := u.Slowest[0]
		assert.Equal(t, slowest.Namespace+" "+slowest.Event, "/busy sleep")
		assert.Equal(t, slowest.Calls, uint64(9))
		within(t, slowest.Latency.P50, 100, 7)
		within(t, slowest.Latency.P99, 400, 25)
		for _, e := range u.Slowest {
			if e.Event == "" {
				assert.Equal(t, []uint64{e.Calls, e.Errors}, []uint64{2, 2}, "what clients make up has no name")
			}
		}
		assert.Equal(t, len(u.Slowest), 4)

		quiet := gatewaytest.Next(t, c, Updated)
		assert.Equal(t, []float64{quiet.Calls, quiet.Errors, quiet.MessagesIn}, []float64{0, 0, 0})
		assert.Equal(t, quiet.Latency, Latency{})
		assert.Equal(t, len(quiet.Slowest), 0)
		assert.Equal(t, quiet.Totals.Calls, u.Totals.Calls)
	})
}

func within(t *testing.T, got, want, by float64) {
	t.Helper()
	assert.True(t, got >= want-by && got <= want+by, "%v is not %v by %v", got, want, by)
}

func TestHistory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		app, d := node(t, Options{Node: "a"}, socketio.Options{})
		c := viewer(t, app)
		assert.Equal(t, len(gatewaytest.Ask[History](t, c, "history").Points), 1)
		time.Sleep(20 * time.Minute)
		synctest.Wait() // the sample of this very moment is taken
		h := gatewaytest.Ask[History](t, c, "history")
		assert.Equal(t, h.Node, "a")
		assert.Equal(t, h.Interval, 5.0)
		assert.Equal(t, len(h.Points), 181)
		assert.Equal(t, h.Points[180].At.Sub(h.Points[0].At), 15*time.Minute)
		assert.True(t, cap(d.points) < 1000, "%d", cap(d.points))

		c.Close()
		time.Sleep(14 * time.Minute)
		c = viewer(t, app)
		h = gatewaytest.Ask[History](t, c, "history")
		assert.True(t, len(h.Points) < 15, "%d: nobody watched", len(h.Points))
		assert.Equal(t, h.Points[len(h.Points)-1].Seconds, 0.0, "the time without viewers is of no rate")
		time.Sleep(time.Hour)
		assert.True(t, len(gatewaytest.Ask[History](t, c, "history").Points) <= 181)
	})
}

func TestWhoMaySeeIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		app, _ := node(t, Options{Role: account.RoleAdmin}, socketio.Options{})
		app.ConnectError(t, gateway.CodeUnauthorized, "/dashboard")
		app.ConnectError(t, gateway.CodeForbidden, "/dashboard", gatewaytest.Name("Mina"))
		c := app.Dial(t, "/dashboard", gatewaytest.Name("Root"))
		gatewaytest.Next(t, c, Updated)
	})
}
