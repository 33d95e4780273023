package prometheus

import (
	"context"
	"errors"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/goleak"

	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/gateway/gatewaytest"
	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/wstest"
	"github.com/kachi-io/kachi/socketio"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var told = gateway.NewEvent[string]("told")

func TestCallsAndTheirCodes(t *testing.T) {
	m := New(&Options{Labels: map[string]string{"node": "a"}})
	var o gateway.Options
	m.Watch(&o)
	running := func(c *gateway.Call) float64 {
		namespace, event := labels(c)
		return testutil.ToFloat64(m.running.WithLabelValues(namespace, event))
	}
	app, err := gateway.NewApp(&o, gateway.Pattern("/c-{id}", gateway.Anyone, func(g *gateway.Namespace[gateway.Nobody]) {
		g.Emits(told)
		gateway.Handle(g, "do", func(c *gateway.Context[gateway.Nobody], in string) error {
			assert.Equal(t, running(c.Call), 1.0)
			switch in {
			case "coded":
				return gateway.NewError("teapot", "short")
			case "plain":
				return errors.New("plain")
			case "panic":
				panic("on purpose")
			}
			return told.Emit(c, c.Others(), in)
		}).Use(gateway.Guard(func(c *gateway.Call) error {
			assert.Equal(t, running(c), 0.0)
			if c.Args().Len() == 0 {
				return gateway.Unauthorized("empty")
			}
			return nil
		}))
	}, nil))
	assert.NoError(t, err)
	host := httptest.NewServer(app)
	defer host.Close()
	defer func() { assert.NoError(t, app.Stop(context.Background())) }()
	registry := prometheus.NewPedanticRegistry()
	assert.NoError(t, registry.Register(m))
	m.Server(app.Server())
	c, d := wstest.Join(t, host.URL, "/c-1", ""), wstest.Join(t, host.URL, "/c-2", "")
	for _, event := range []string{`["do","x"]`, `["do","coded"]`, `["do","plain"]`, `["do","panic"]`, `["do",1]`, `["do"]`, `["made up"]`, `["made up too"]`} {
		c.Ask("2/c-1,1" + event)
	}
	d.Ask(`2/c-2,1["do","y"]`)
	assert.NoError(t, testutil.GatherAndCompare(registry, strings.NewReader(`
# HELP kachi_calls_total Events of clients that were handled or refused.
# TYPE kachi_calls_total counter
kachi_calls_total{code="bad_request",event="do",namespace="/c-{id}",node="a"} 1
kachi_calls_total{code="internal",event="do",namespace="/c-{id}",node="a"} 2
kachi_calls_total{code="not_found",event="unknown",namespace="/c-{id}",node="a"} 2
kachi_calls_total{code="ok",event="do",namespace="/c-{id}",node="a"} 2
kachi_calls_total{code="teapot",event="do",namespace="/c-{id}",node="a"} 1
kachi_calls_total{code="unauthorized",event="do",namespace="/c-{id}",node="a"} 1
# HELP kachi_calls_running Calls that are being handled.
# TYPE kachi_calls_running gauge
kachi_calls_running{event="do",namespace="/c-{id}",node="a"} 0
# HELP kachi_emitted_total Events that gateways sent, once for each broadcast.
# TYPE kachi_emitted_total counter
kachi_emitted_total{event="told",namespace="/c-{id}",node="a"} 2
# HELP kachi_sockets Sockets that are connected.
# TYPE kachi_sockets gauge
kachi_sockets{node="a"} 2
# HELP kachi_connections Connections at the moment.
# TYPE kachi_connections gauge
kachi_connections{node="a",transport="polling"} 0
kachi_connections{node="a",transport="websocket"} 2
# HELP kachi_sockets_admitted_total Sockets that were admitted to a namespace.
# TYPE kachi_sockets_admitted_total counter
kachi_sockets_admitted_total{node="a"} 2
`), "kachi_calls_total", "kachi_calls_running", "kachi_emitted_total", "kachi_sockets", "kachi_connections", "kachi_sockets_admitted_total"))
	assert.Equal(t, testutil.CollectAndCount(m.duration), 2)
	problems, err := testutil.GatherAndLint(registry)
	assert.NoError(t, err)
	assert.Equal(t, len(problems), 0, problems)
}

// TestEveryFigureOfAServerIsTold sets one field after the other, and looks whether it shows.
func TestEveryFigureOfAServerIsTold(t *testing.T) {
	m := newServerMetrics("x", nil)
	shows := func(s *socketio.Stats) (n int) {
		for _, f := range m.figures {
			if f.one != nil && f.one(s) == 7 {
				n++
			}
			if f.labels != nil {
				for _, v := range f.labels(s) {
					if v == 7 {
						n++
					}
				}
			}
		}
		return n
	}
	var fields func(top *socketio.Stats, v reflect.Value, name string)
	fields = func(top *socketio.Stats, v reflect.Value, name string) {
		for i := range v.NumField() {
			f, name := v.Field(i), name+v.Type().Field(i).Name
			if f.Kind() == reflect.Struct {
				fields(top, f, name+".")
				continue
			}
			seven := reflect.ValueOf(7)
			if f.Kind() == reflect.Map {
				f.Set(reflect.MakeMap(f.Type()))
				f.SetMapIndex(reflect.ValueOf("x").Convert(f.Type().Key()), seven.Convert(f.Type().Elem()))
			} else {
				f.Set(seven.Convert(f.Type()))
			}
			assert.Equal(t, shows(top), 1, name)
			f.SetZero()
		}
	}
	var stats socketio.Stats
	fields(&stats, reflect.ValueOf(&stats).Elem(), "")
}

func TestReasonsThatAreNoText(t *testing.T) {
	app := gatewaytest.New(t, nil, gateway.New("/c", gateway.Anyone, func(g *gateway.Namespace[gateway.Nobody]) {
		gateway.Handle(g, "end", func(c *gateway.Context[gateway.Nobody], why []byte) error {
			c.Socket().DisconnectFor(gateway.Reason(why))
			return nil
		})
	}))
	for _, why := range []string{"\xff", "\xfe", "bad \xff"} {
		c := app.Dial(t, "/c")
		c.Emit(t, "end", []byte(why))
		c.ExpectDisconnect(t)
	}
	assert.Eventually(t, func() bool { return app.Server().Stats().Sockets == 0 })
	m := New(nil)
	m.Server(app.Server())
	registry := prometheus.NewPedanticRegistry()
	assert.NoError(t, registry.Register(m))
	assert.Eventually(t, func() bool {
		return testutil.GatherAndCompare(registry, strings.NewReader(`
# HELP kachi_sockets_ended_total Sockets that had been admitted and ended.
# TYPE kachi_sockets_ended_total counter
kachi_sockets_ended_total{reason="�"} 2
kachi_sockets_ended_total{reason="bad �"} 1
`), "kachi_sockets_ended_total") == nil
	})
}

func TestWhoHasGoneIsNotInternal(t *testing.T) {
	m := New(nil)
	var o gateway.Options
	m.Watch(&o)
	begun := make(chan bool, 1)
	app := gatewaytest.New(t, &gatewaytest.Options{App: o}, gateway.New("/c", gateway.Anyone, func(g *gateway.Namespace[gateway.Nobody]) {
		gateway.Handle(g, "wait", func(c *gateway.Context[gateway.Nobody], _ gateway.None) error {
			begun <- true
			<-c.Done()
			return c.Err()
		})
		gateway.Handle(g, "cancelled", func(*gateway.Context[gateway.Nobody], gateway.None) error { return context.Canceled })
	}))
	c := app.Dial(t, "/c")
	c.AskError(t, "internal", "cancelled")
	c.Emit(t, "wait")
	assert.Receive(t, begun)
	c.Close()
	assert.Eventually(t, func() bool { return testutil.ToFloat64(m.calls.WithLabelValues("/c", "wait", "gone")) == 1 })
	assert.Equal(t, testutil.ToFloat64(m.calls.WithLabelValues("/c", "cancelled", "internal")), 1.0)
}

func TestWithoutAServer(t *testing.T) {
	registry := prometheus.NewPedanticRegistry()
	assert.NoError(t, registry.Register(New(nil)))
	families, err := registry.Gather()
	assert.NoError(t, err)
	assert.Equal(t, len(families), 0)
}
