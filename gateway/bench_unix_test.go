//go:build unix

package gateway_test

import (
	"bytes"
	"context"
	"encoding/json"
	"runtime"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/gateway/limit"
	"github.com/kachi-io/kachi/gateway/validate"
	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/socketio"
)

type small struct {
	Room int    `json:"room"`
	Text string `json:"text"`
}

func (s small) Validate(context.Context) error {
	if s.Text == "" {
		return gateway.Invalid(gateway.FieldError{Path: "text", Rule: "required"})
	}
	return nil
}

type tagged struct {
	Room int    `json:"room" validate:"min=1"`
	Text string `json:"text" validate:"required,max=2000"`
}

type stored struct {
	ID int `json:"id"`
}

// BenchmarkCall measures what a gateway costs over a bare handler that decodes as strictly into
// the same type, and acknowledges. Both are namespaces of one connection, and blocks of calls
// of one and of the other take turns, so that whatever else the machine does falls on both:
// the medians of their blocks differ by what the gateway costs (over-bare-ns/call). Time is
// the process's on processors, and allocations are counted. BenchmarkDispatch is the same
// without the network, which is louder than the difference.
func BenchmarkCall(b *testing.B) {
	eachGateway(b, func(b *testing.B, app *gateway.App, url string, bare socketio.Handler) {
		app.Server().Of("/plain").On("post", bare)
		c := join(b, url, "/gated", "")
		c.send("0/plain,")
		c.Next(b)
		ask := func(namespace string) func() {
			packet := "2" + namespace + `,1["post",{"room":7,"text":"hello"}]`
			const burst = 50
			left := 0
			return func() { // a burst is one wait for the network
				if left == 0 {
					for left = range burst {
						c.send(packet)
					}
					left = burst
				}
				if _, err := c.Read(); err != nil {
					b.Fatal(err)
				}
				left--
			}
		}
		compare(b, 500, ask("/plain"), ask("/gated"))
	})
}

// BenchmarkDispatch is BenchmarkCall from the mailbox on: one event is handled again and again.
// It has been acknowledged, so that all is done but the sending.
func BenchmarkDispatch(b *testing.B) {
	eachGateway(b, func(b *testing.B, app *gateway.App, url string, bare socketio.Handler) {
		events := make(chan *socketio.Event, 1)
		app.Server().Of("/gated").On("take", func(_ context.Context, e *socketio.Event) error {
			events <- e
			return e.Ack()
		})
		c := join(b, url, "/gated", "")
		c.send(`2/gated,1["take",{"room":7,"text":"hello"}]`)
		c.expect(`3/gated,1[]`)
		e := assert.Receive(b, events)
		ctx, gated := e.Socket().Context(), gateway.Serving(app, "/gated", "post")
		compare(b, 500,
			func() { _ = bare(ctx, e) }, // ErrAnswered
			func() { _ = gated(ctx, e) })
	})
}

// eachGateway benchmarks what gateways are likely to have around a small message.
func eachGateway(b *testing.B, benchmark func(b *testing.B, app *gateway.App, url string, bare socketio.Handler)) {
	guard := gateway.Guard(func(*gateway.Call) error { return nil })
	tags := &gateway.Options{Validator: validate.New(nil)}
	for _, g := range []struct {
		name     string
		options  *gateway.Options
		bare     socketio.Handler
		register func(*gateway.Namespace[gateway.Nobody])
	}{
		{"guard", nil, bare[plain], func(g *gateway.Namespace[gateway.Nobody]) {
			gateway.On(g, "post", func(_ *nobody, in plain) (stored, error) { return stored{in.Room}, nil }).Use(guard)
		}},
		{"guard and Validate", nil, bare[small], func(g *gateway.Namespace[gateway.Nobody]) {
			gateway.On(g, "post", func(_ *nobody, in small) (stored, error) { return stored{in.Room}, nil }).Use(guard)
		}},
		{"guard and tags", tags, bare[tagged], func(g *gateway.Namespace[gateway.Nobody]) {
			gateway.On(g, "post", func(_ *nobody, in tagged) (stored, error) { return stored{in.Room}, nil }).Use(guard)
		}},
		{"limit and tags", tags, bare[tagged], func(g *gateway.Namespace[gateway.Nobody]) {
			gateway.On(g, "post", func(_ *nobody, in tagged) (stored, error) { return stored{in.Room}, nil }).
				Use(limit.PerSocket(100_000_000, time.Second))
		}},
	} {
		b.Run(g.name, func(b *testing.B) {
			app, url := start(b, g.options, gateway.New("/gated", gateway.Anyone, g.register))
			benchmark(b, app, url, g.bare)
		})
	}
}

// plain is a message without rules.
type plain struct {
	Room int    `json:"room"`
	Text string `json:"text"`
}

// bare handles an event without a gateway.
func bare[In any](_ context.Context, e *socketio.Event) error {
	var in In
	d := json.NewDecoder(bytes.NewReader(e.Args().Raw[0]))
	d.DisallowUnknownFields()
	if err := d.Decode(&in); err != nil {
		return err
	}
	return e.Ack(stored{7})
}

// cpu is the process's time on processors so far: what others do on the machine is none of it.
func cpu(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// compare reports by how much the second is dearer than the first: the difference of the
// medians of their blocks, which take turns, in time on processors.
func compare(b *testing.B, block int, first, second func()) {
	b.Helper()
	var times [2][]float64
	var allocs [2]uint64
	both := []func(){first, second}
	run := func(f func()) (ns float64, n uint64) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		began := cpu(b)
		for range block {
			f()
		}
		took := cpu(b) - began
		runtime.ReadMemStats(&after)
		return float64(took) / float64(block), after.Mallocs - before.Mallocs
	}
	for _, f := range both { // what is made at first use
		run(f)
	}
	for b.Loop() {
		for i, f := range both {
			ns, n := run(f)
			times[i], allocs[i] = append(times[i], ns), allocs[i]+n
		}
	}
	for i := range times {
		slices.Sort(times[i])
	}
	middle := len(times[0]) / 2
	b.ReportMetric(times[0][middle], "bare-ns/call")
	b.ReportMetric(times[1][middle]-times[0][middle], "over-bare-ns/call")
	b.ReportMetric((float64(allocs[1])-float64(allocs[0]))/float64(block*len(times[0])), "over-bare-allocs/call")
	b.ReportMetric(0, "ns/op") // of two blocks: it says nothing
}
