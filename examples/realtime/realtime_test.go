package main

import (
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/kachi-io/kachi/examples/exampletest"
	"github.com/kachi-io/kachi/examples/people"
	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/gateway/gatewaytest"
	"github.com/kachi-io/kachi/gateway/schedule"
	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/testclient"
	"github.com/kachi-io/kachi/socketio"
	"github.com/kachi-io/kachi/socketio/adapter"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var silent = slog.New(slog.DiscardHandler)

func serve(t *testing.T, o Options) string {
	t.Helper()
	o.Logger = silent
	app, handler, err := New(o)
	assert.NoError(t, err)
	return exampletest.Serve(t, app, handler)
}

func TestRealtime(t *testing.T) {
	known := people.New("Mina", "Jun")
	bus := adapter.NewBus(nil)
	node := func() string {
		return serve(t, Options{People: known, ServiceToken: "of the service", Interval: 20 * time.Millisecond,
			Socket: socketio.Options{Adapter: bus.Node().Adapter}})
	}
	exampletest.Play(t, "realtime.mjs", node(), map[string]any{
		"other": node(),
		"mina":  known.Token("Mina"), "jun": known.Token("Jun"), "service": "of the service",
	})
}

func token(known *people.People, name string) map[string]string {
	return map[string]string{"token": known.Token(name)}
}

func TestEachClientIsToldOnceHoweverManyServersThereAre(t *testing.T) {
	known := people.New("Mina")
	bus := adapter.NewBus(nil)
	options := func() Options {
		return Options{People: known, Interval: time.Hour, Socket: socketio.Options{Adapter: bus.Node().Adapter}}
	}
	here, there := serve(t, options()), serve(t, options())
	editor := testclient.Connect(t, here, "/secure", token(known, "Mina"))
	readers := []*testclient.Client{testclient.Connect(t, here, "/", nil), testclient.Connect(t, there, "/", nil)}
	for n := range 2 {
		editor.Emit("updateData", n)
	}
	for _, reader := range readers {
		for n := range 2 {
			var data int
			reader.Expect("dataUpdated").Decode(t, &data)
			assert.Equal(t, data, n)
		}
		reader.ExpectNothing()
	}
}

func TestEmittingBeforeTheServerExistsIsAnError(t *testing.T) {
	notifications := &Notifications{gateway.NewHub()}
	assert.ErrorIs(t, notifications.Send(context.Background(), "1", "too early"), gateway.ErrNotStarted)
}

func TestEachServerMeasuresForItsOwnViewersAlone(t *testing.T) {
	bus := adapter.NewBus(nil)
	var jobs [2]*schedule.Job
	var urls [2]string
	for i := range jobs {
		hub := gateway.NewHub()
		d := NewDashboard(hub)
		d.figures = func(_ context.Context, clients int) (Figures, error) {
			return Figures{Clients: clients, Goroutines: i}, nil
		}
		app, err := gateway.NewApp(&gateway.Options{Hub: hub, Socket: socketio.Options{Adapter: bus.Node().Adapter}},
			NewPublic(Visitors{people.New()}, &Notifications{hub}))
		assert.NoError(t, err)
		jobs[i] = d.Every(time.Millisecond)
		assert.NoError(t, schedule.With(app, jobs[i]))
		urls[i] = exampletest.Serve(t, app, nil)
	}
	viewer := testclient.Connect(t, urls[0], "/", nil)
	for range 10 {
		var figures Figures
		viewer.Expect("dashboardUpdate").Decode(t, &figures)
		assert.Equal(t, figures, Figures{Clients: 1, Goroutines: 0}) // and none of the other node's
	}
	assert.Eventually(t, func() bool { return jobs[1].Stats().Unheard > 0 }, "ticks with nobody there")
	assert.Equal(t, jobs[1].Stats().Runs, int64(0))
}

func TestDashboardTicksNeverOverlap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hub := gateway.NewHub()
		d := NewDashboard(hub)
		var running, most, rounds atomic.Int32
		d.figures = func(context.Context, int) (Figures, error) {
			most.Store(max(most.Load(), running.Add(1)))
			defer running.Add(-1)
			time.Sleep(12 * time.Second) // of the test's own time: more than two ticks
			rounds.Add(1)
			return Figures{}, nil
		}
		job := d.Every(5 * time.Second)
		app := gatewaytest.New(t, &gatewaytest.Options{
			App:   gateway.Options{Hub: hub, Socket: socketio.Options{PingInterval: time.Hour}},
			Setup: func(app *gateway.App) { assert.NoError(t, schedule.With(app, job)) },
		}, NewPublic(Visitors{people.New()}, &Notifications{hub}))
		app.Dial(t, "/")
		time.Sleep(79 * time.Second)
		assert.Equal(t, []int32{most.Load(), rounds.Load()}, []int32{1, 5})
		assert.Equal(t, job.Stats().Overlapped, int64(10))
	})
}

// What a subscriber cannot decode does not exist here: data that are no JSON are refused
// where they come in.
func TestDataThatAreNoneAreRefused(t *testing.T) {
	known := people.New("Mina")
	url := serve(t, Options{People: known, Interval: time.Hour})
	editor, reader := testclient.Connect(t, url, "/secure", token(known, "Mina")), testclient.Connect(t, url, "/", nil)
	var answer struct{ Code string }
	editor.Ask(&answer, "updateData")
	assert.Equal(t, answer.Code, gateway.CodeBadRequest)
	editor.Emit("updateData", json.RawMessage(`{"deep":[[[{}]]]}`))
	var data json.RawMessage
	reader.Expect("dataUpdated").Decode(t, &data)
	assert.Equal(t, string(data), `{"deep":[[[{}]]]}`)
}

// A field that was forgotten is undefined in a class with decorators, and found when somebody
// sends something.
func TestAGatewayThatSendsByWhatItDoesNotHaveDoesNotCompile(t *testing.T) {
	build := func(name string) string {
		t.Helper()
		_, err := os.Stat("testdata/" + name + "/chat.go") // whose change is one of this test, which go caches
		assert.NoError(t, err)
		out, err := exec.CommandContext(t.Context(), "go", "build", "./testdata/"+name).CombinedOutput()
		assert.Equal(t, err == nil, name == "declared", string(out))
		return string(out)
	}
	build("declared")
	out := build("undeclared")
	assert.True(t, strings.Contains(out, "c.server undefined (type *Chat has no field or method server)"), out)
}
