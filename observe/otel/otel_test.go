package otel_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	api "go.opentelemetry.io/otel/trace"
	"go.uber.org/goleak"

	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/gateway/gatewaytest"
	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/observe/otel"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type call = *gateway.Context[string]

// note is a message that says which trace it comes from.
type note struct {
	otel.Trace
	Text string `json:"text"`
}

var (
	told   = gateway.NewEvent[string]("told")
	noted  = gateway.NewEvent[note]("noted")
	item   = gateway.NewEvent[int]("item")
	asking = gateway.NewEvent[string]("asking")
	broken = gateway.NewEvent[chan int]("broken") // cannot be encoded
)

const (
	traceID     = "4bf92f3577b34da6a3ce929d0e0e4736"
	spanID      = "00f067aa0ba902b7"
	traceparent = "00-" + traceID + "-" + spanID + "-01"
)

func register(g *gateway.Namespace[string]) {
	g.Emits(told, noted, broken, asking)
	gateway.On(g, "do", func(c call, in string) (string, error) {
		switch in {
		case "coded":
			return "", gateway.NewError("teapot", "short")
		case "plain":
			return "", errors.New("plain")
		case "panic":
			panic("on purpose")
		case "emit":
			return "", told.Emit(c, c.Client(), "x")
		case "break":
			_ = broken.Emit(c, c.Client(), nil)
		}
		return api.SpanContextFromContext(c).TraceID().String(), nil
	})
	gateway.Handle(g, "note", func(c call, in note) error {
		return noted.Emit(c, c.Client(), note{otel.TraceOf(c), in.Text})
	})
	gateway.On(g, "reply", func(call, gateway.None) (gateway.Reply[string], error) {
		return gateway.Reply[string]{Event: told, Data: "x"}, nil
	})
	gateway.On(g, "ask me", func(c call, _ gateway.None) (string, error) {
		return gateway.Ask[string](c, c.Socket(), asking, "why")
	})
	gateway.Stream(g, "count", item, func(_ call, to int) iter.Seq2[int, error] {
		return func(yield func(int, error) bool) {
			for i := range to {
				if !yield(i, nil) {
					return
				}
			}
		}
	})
	gateway.Handle(g, "wait", func(c call, _ gateway.None) error {
		<-c.Done()
		return c.Err()
	})
}

// traced starts an app whose spans are recorded.
func traced(t *testing.T, o otel.Options, more ...trace.TracerProviderOption) (*gatewaytest.App, *tracetest.SpanRecorder) {
	t.Helper()
	spans := tracetest.NewSpanRecorder()
	o.Provider = trace.NewTracerProvider(append(more, trace.WithSpanProcessor(spans))...)
	var options gateway.Options
	otel.New(&o).Watch(&options)
	return gatewaytest.New(t, &gatewaytest.Options{App: options}, gateway.Pattern("/c-{id}", gatewaytest.ByName, register, nil)), spans
}

// last returns the span that ended last. An answer comes when its span has ended.
func last(t *testing.T, spans *tracetest.SpanRecorder) trace.ReadOnlySpan {
	t.Helper()
	all := spans.Ended()
	assert.True(t, len(all) > 0, "a span")
	return all[len(all)-1]
}

// below returns the spans of what was sent, and that of the call that sent it.
func below(t *testing.T, spans *tracetest.SpanRecorder) (sent []trace.ReadOnlySpan, call trace.ReadOnlySpan) {
	t.Helper()
	for _, s := range spans.Ended() {
		if s.SpanKind() == api.SpanKindProducer {
			sent = append(sent, s)
		} else {
			assert.True(t, call == nil, "one call")
			call = s
		}
	}
	assert.True(t, call != nil, "a call")
	for _, s := range sent {
		assert.Equal(t, s.Parent().SpanID(), call.SpanContext().SpanID())
		assert.Equal(t, s.SpanContext().TraceID(), call.SpanContext().TraceID())
	}
	return sent, call
}

func attributes(s trace.ReadOnlySpan) string {
	var all []string
	for _, a := range s.Attributes() {
		if a.Key != "kachi.socket" {
			all = append(all, fmt.Sprintf("%s=%s", a.Key, a.Value.String()))
		} else if a.Value.AsString() == "" {
			all = append(all, "no socket")
		}
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}

func status(s trace.ReadOnlySpan) string {
	return strings.TrimSpace(s.Status().Code.String() + " " + s.Status().Description)
}

// do has a client say something, whatever comes of it.
func do(t *testing.T, c *gatewaytest.Client, in string) {
	t.Helper()
	switch in {
	case "coded":
		c.AskError(t, "teapot", "do", in)
	case "plain", "panic":
		c.AskError(t, "internal", "do", in)
	default:
		gatewaytest.Ask[string](t, c, "do", in)
	}
}

func TestSpans(t *testing.T) {
	for _, principal := range []bool{false, true} {
		app, spans := traced(t, otel.Options{Principal: principal})
		c := app.Dial(t, "/c-7", gatewaytest.Name("mina"))
		for _, step := range []struct{ in, attributes, status string }{
			{"x", "", "Unset"},
			{"coded", " kachi.code=teapot", "Unset"},
			{"plain", " kachi.code=internal", "Error plain"},
			{"panic", "", "Error panic"},
		} {
			do(t, c, step.in)
			s := last(t, spans)
			want := step.attributes + " kachi.event=do kachi.namespace=/c-{id}"
			if principal {
				want += " kachi.principal=mina"
			}
			assert.Equal(t, s.Name(), "/c-{id} do")
			assert.Equal(t, s.SpanKind(), api.SpanKindServer)
			assert.Equal(t, attributes(s), strings.TrimSpace(want+" rpc.system=socketio"))
			assert.Equal(t, status(s), step.status)
			assert.True(t, !s.Parent().IsValid())
		}
	}
}

func TestWhoHasGoneIsNoError(t *testing.T) {
	app, spans := traced(t, otel.Options{})
	c := app.Dial(t, "/c-1")
	c.Emit(t, "wait")
	assert.Eventually(t, func() bool { return len(spans.Started()) == 1 })
	c.Close()
	assert.Eventually(t, func() bool { return len(spans.Ended()) == 1 })
	assert.Equal(t, status(last(t, spans)), "Unset")
}

func TestTheClientsTrace(t *testing.T) {
	app, spans := traced(t, otel.Options{})
	byHeader := app.Dial(t, "/c-1", gatewaytest.Header("Traceparent", traceparent))
	byAuth := app.Dial(t, "/c-1", gatewaytest.Auth(map[string]string{"traceparent": traceparent, "tracestate": "a=b"}))
	for _, c := range []*gatewaytest.Client{byAuth, byHeader, byAuth} {
		assert.Equal(t, gatewaytest.Ask[string](t, c, "do", "x"), traceID)
		parent := last(t, spans).Parent()
		assert.Equal(t, parent.SpanID().String(), spanID)
		assert.True(t, parent.IsRemote())
	}
	assert.Equal(t, last(t, spans).Parent().TraceState().String(), "a=b")
	for _, odd := range []any{map[string]any{"traceparent": "00-nonsense"}, map[string]any{"traceparent": 7}, map[string]any{}} {
		do(t, app.Dial(t, "/c-1", gatewaytest.Auth(odd)), "x")
		assert.True(t, !last(t, spans).Parent().IsValid(), odd)
	}
}

func TestAPublicEndpoint(t *testing.T) {
	app, spans := traced(t, otel.Options{PublicEndpoint: true})
	c := app.Dial(t, "/c-1", gatewaytest.Header("Traceparent", traceparent))
	assert.True(t, gatewaytest.Ask[string](t, c, "do", "x") != traceID)
	s := last(t, spans)
	assert.True(t, !s.Parent().IsValid())
	assert.Equal(t, len(s.Links()), 1)
	assert.Equal(t, s.Links()[0].SpanContext.SpanID().String(), spanID)
}

func TestWhatIsSentHasSpans(t *testing.T) {
	const sent = "kachi.event=%s messaging.destination.template=/c-{id} messaging.operation.name=emit messaging.operation.type=send messaging.system=socketio"
	for _, test := range []struct {
		event, told, status string
		ask                 func(t *testing.T, c *gatewaytest.Client)
	}{
		{"do", "told", "Unset", func(t *testing.T, c *gatewaytest.Client) { do(t, c, "emit") }},
		{"do", "broken", "Error socketio: event \"broken\"", func(t *testing.T, c *gatewaytest.Client) { do(t, c, "break") }},
		{"reply", "told", "Unset", func(t *testing.T, c *gatewaytest.Client) { gatewaytest.Ask[any](t, c, "reply") }},
		{"count", "item", "Unset", func(t *testing.T, c *gatewaytest.Client) { gatewaytest.Ask[any](t, c, "count", 1) }},
		{"ask me", "asking", "Unset", func(t *testing.T, c *gatewaytest.Client) {
			c.Answer("asking", "because")
			gatewaytest.Ask[any](t, c, "ask me")
		}},
	} {
		t.Run(test.event+" "+test.told, func(t *testing.T) {
			app, spans := traced(t, otel.Options{})
			test.ask(t, app.Dial(t, "/c-1"))
			producers, call := below(t, spans)
			assert.Equal(t, call.Name(), "/c-{id} "+test.event)
			assert.Equal(t, len(producers), 1)
			assert.Equal(t, producers[0].Name(), "emit /c-{id} "+test.told)
			assert.Equal(t, attributes(producers[0]), fmt.Sprintf(sent, test.told))
			assert.True(t, strings.Contains(status(producers[0]), test.status), status(producers[0]))
		})
	}
}

func TestAStreamHasABoundedNumberOfSpans(t *testing.T) {
	app, spans := traced(t, otel.Options{})
	gatewaytest.Ask[any](t, app.Dial(t, "/c-1"), "count", 200)
	producers, call := below(t, spans)
	assert.Equal(t, len(producers), 128)
	assert.True(t, strings.Contains(attributes(call), "kachi.emits.omitted=72"), attributes(call))
}

func TestWhatIsSentOutsideOfTracesBeginsNone(t *testing.T) {
	app, spans := traced(t, otel.Options{})
	c := app.Dial(t, "/c-1")
	assert.NoError(t, told.Emit(context.Background(), app.Hub().Namespace("/c-1"), "x"))
	assert.Equal(t, gatewaytest.Next(t, c, told), "x")
	assert.Equal(t, len(spans.Started()), 0)

	app, spans = traced(t, otel.Options{}, trace.WithSampler(trace.NeverSample()))
	do(t, app.Dial(t, "/c-1"), "emit")
	assert.Equal(t, len(spans.Started()), 0)
}

func TestMessagesSayWhichTraceTheyComeFrom(t *testing.T) {
	app, spans := traced(t, otel.Options{})
	c := app.Dial(t, "/c-1")
	gatewaytest.Ask[any](t, c, "note", map[string]string{"text": "eggs", "traceparent": traceparent, "tracestate": "a=b"})
	n := gatewaytest.Next(t, c, noted)
	assert.Equal(t, n.Text, "eggs")
	call := last(t, spans)
	assert.Equal(t, n.SpanContext().SpanID(), call.SpanContext().SpanID())
	assert.True(t, !call.Parent().IsValid())
	assert.Equal(t, len(call.Links()), 1)
	assert.Equal(t, call.Links()[0].SpanContext.SpanID().String(), spanID)
	assert.Equal(t, call.Links()[0].SpanContext.TraceState().String(), "a=b")

	for _, odd := range []string{"", "00-nonsense"} {
		gatewaytest.Ask[any](t, c, "note", map[string]string{"text": "x", "traceparent": odd})
		assert.Equal(t, len(last(t, spans).Links()), 0)
	}
	assert.Equal(t, otel.TraceOf(context.Background()), otel.Trace{})
	assert.True(t, !(*otel.Trace)(nil).SpanContext().IsValid())
}
