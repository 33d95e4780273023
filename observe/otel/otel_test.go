package otel_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	api "go.opentelemetry.io/otel/trace"
	"go.uber.org/goleak"

	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/wstest"
	"github.com/kachi-io/kachi/observe/otel"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type named struct{}

func (named) Authenticate(_ context.Context, h *gateway.Handshake) (gateway.Identity[string], error) {
	var auth struct{ Name string }
	err := h.DecodeAuth(&auth)
	return gateway.Identity[string]{Principal: auth.Name, Key: auth.Name}, err
}

var told = gateway.NewEvent[string]("told")

const (
	traceID     = "4bf92f3577b34da6a3ce929d0e0e4736"
	spanID      = "00f067aa0ba902b7"
	traceparent = "00-" + traceID + "-" + spanID + "-01"
)

// traced starts an app whose handler looks at its span.
func traced(t *testing.T, principal bool) (*httptest.Server, *tracetest.SpanRecorder) {
	t.Helper()
	spans := tracetest.NewSpanRecorder()
	tracing := otel.New(&otel.Options{Provider: trace.NewTracerProvider(trace.WithSpanProcessor(spans)), Principal: principal})
	var o gateway.Options
	tracing.Watch(&o)
	app, err := gateway.NewApp(&o, gateway.Pattern("/c-{id}", named{}, func(g *gateway.Namespace[string]) {
		g.Emits(told)
		gateway.On(g, "do", func(c *gateway.Context[string], in string) (string, error) {
			switch in {
			case "coded":
				return "", gateway.NewError("teapot", "short")
			case "plain":
				return "", errors.New("plain")
			case "panic":
				panic("on purpose")
			case "emit":
				return "", told.Emit(c, c.Client(), "x")
			}
			return api.SpanContextFromContext(c).TraceID().String(), nil
		})
	}, nil))
	assert.NoError(t, err)
	host := httptest.NewServer(app)
	t.Cleanup(func() {
		assert.NoError(t, app.Stop(context.Background()))
		host.Close()
	})
	return host, spans
}

// last returns the span that ended last. An answer comes when its span has ended.
func last(t *testing.T, spans *tracetest.SpanRecorder) trace.ReadOnlySpan {
	t.Helper()
	all := spans.Ended()
	assert.True(t, len(all) > 0, "a span")
	return all[len(all)-1]
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

func TestSpans(t *testing.T) {
	for _, principal := range []bool{false, true} {
		host, spans := traced(t, principal)
		c := wstest.Join(t, host.URL, "/c-7", `{"name":"mina"}`)
		for _, step := range []struct{ in, attributes, status string }{
			{"x", "", "Unset"},
			{"coded", " kachi.code=teapot", "Unset"},
			{"plain", " kachi.code=internal", "Error plain"},
			{"panic", "", "Error panic"},
		} {
			c.Ask(`2/c-7,1["do","` + step.in + `"]`)
			s := last(t, spans)
			want := step.attributes + " kachi.event=do kachi.namespace=/c-{id}"
			if principal {
				want += " kachi.principal=mina"
			}
			assert.Equal(t, s.Name(), "/c-{id} do")
			assert.Equal(t, s.SpanKind(), api.SpanKindServer)
			assert.Equal(t, attributes(s), strings.TrimSpace(want+" rpc.system=socketio"))
			assert.Equal(t, strings.TrimSpace(s.Status().Code.String()+" "+s.Status().Description), step.status)
			assert.True(t, !s.Parent().IsValid())
		}
	}
}

func TestTheClientsTrace(t *testing.T) {
	host, spans := traced(t, false)
	header := wstest.Handshake()
	header.Set("Traceparent", traceparent)
	nc, err := net.Dial("tcp", host.Listener.Addr().String())
	assert.NoError(t, err)
	byHeader := wstest.OpenOn(t, nc, header).Join("/c-1", "")
	byAuth := wstest.Join(t, host.URL, "/c-1", `{"name":"mina","traceparent":"`+traceparent+`","tracestate":"a=b"}`)
	for _, c := range []wstest.Client{byAuth, byHeader, byAuth} {
		assert.Equal(t, c.Ask(`2/c-1,1["do","x"]`), `3/c-1,1["`+traceID+`"]`)
		parent := last(t, spans).Parent()
		assert.Equal(t, parent.SpanID().String(), spanID)
		assert.True(t, parent.IsRemote())
	}
	assert.Equal(t, last(t, spans).Parent().TraceState().String(), "a=b")
	for _, odd := range []string{`{"traceparent":"00-nonsense"}`, `{"traceparent":7}`, `{}`} {
		c := wstest.Join(t, host.URL, "/c-1", odd)
		c.Ask(`2/c-1,1["do","x"]`)
		assert.True(t, !last(t, spans).Parent().IsValid(), odd)
	}
}

func TestWhatIsSentIsNoted(t *testing.T) {
	host, spans := traced(t, false)
	c := wstest.Join(t, host.URL, "/c-1", "")
	assert.Equal(t, c.Ask(`2/c-1,1["do","emit"]`), `2/c-1,["told","x"]`)
	c.Expect(`3/c-1,1[""]`)
	events := last(t, spans).Events()
	assert.Equal(t, len(events), 1)
	assert.Equal(t, events[0].Name, "emit")
	assert.Equal(t, fmt.Sprint(events[0].Attributes[0].Value.String(), " ", events[0].Attributes[1].Value.String()), "/c-{id} told")
}
