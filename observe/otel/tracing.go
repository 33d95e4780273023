// Package otel traces what gateways do, by go.opentelemetry.io/otel:
//
//	tracing := otel.New(nil)
//	options := &gateway.Options{…}
//	tracing.Watch(options)
//
// Each event that guards have let pass is a span, "/chat message", of the kind server. Its
// parent is what the client says of its own trace: a member traceparent (and tracestate) of
// auth, or the headers of that name of its first request. Attributes:
//
//	rpc.system        "socketio"
//	kachi.namespace   or its pattern
//	kachi.event
//	kachi.socket      the socket's id
//	kachi.principal   its key, where Options.Principal says so
//	kachi.code        of an error that the client is told of
//
// A span is an error where the client is not told what went wrong, and with a panic. What
// is sent by [gateway.OutEvent.Emit] while a span is open is an event of it, "emit", with
// the namespace and the name of what was sent.
package otel

import (
	"context"
	"encoding/json"

	global "go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/kachi-io/kachi/gateway"
)

// Options configures tracing. The zero value is the default of every field; nil is the zero
// value.
type Options struct {
	// Provider makes the tracer. Default: the global one.
	Provider trace.TracerProvider
	// Propagator reads the client's trace. Default: that of W3C Trace Context.
	Propagator propagation.TextMapPropagator
	// Principal adds the principal's key, which may be personal, to spans.
	Principal bool
}

// Tracing makes spans. Its methods are safe for concurrent use.
type Tracing struct {
	tracer     trace.Tracer
	propagator propagation.TextMapPropagator
	principal  bool
	parents    *gateway.State[parent]
}

// parent is the client's own span, as a socket's handshake has it.
type parent struct{ trace.SpanContext }

// New makes tracing.
func New(o *Options) *Tracing {
	if o == nil {
		o = &Options{}
	}
	provider := o.Provider
	if provider == nil {
		provider = global.GetTracerProvider()
	}
	t := &Tracing{tracer: provider.Tracer("github.com/kachi-io/kachi/observe/otel"), propagator: o.Propagator, principal: o.Principal}
	if t.propagator == nil {
		t.propagator = propagation.TraceContext{}
	}
	t.parents = gateway.NewState(func(c *gateway.Call) (parent, error) { return t.read(c.Handshake()), nil }, nil)
	return t
}

// Watch adds what has to be told to the options of an app that is to be made.
func (t *Tracing) Watch(o *gateway.Options) {
	o.Use = append(o.Use, t.Layer())
	o.Emitting = append(o.Emitting, emitting)
}

// Layer makes the spans. [Tracing.Watch] puts it around an app.
func (t *Tracing) Layer() gateway.Layer {
	return gateway.Named("otel", gateway.Interceptor(func(next gateway.Handler) gateway.Handler {
		return func(c *gateway.Call) (any, error) {
			outer := c.Context
			ctx, span := t.start(c)
			c.SetContext(ctx)
			defer c.SetContext(outer)
			returned := false
			defer func() {
				if !returned {
					span.SetStatus(codes.Error, "panic")
				}
				span.End()
			}()
			out, err := next(c)
			returned = true
			if err != nil {
				failed(span, err)
			}
			return out, err
		}
	}))
}

func (t *Tracing) start(c *gateway.Call) (context.Context, trace.Span) {
	namespace, event := c.Registered()
	attributes := make([]attribute.KeyValue, 0, 5)
	attributes = append(attributes,
		attribute.String("rpc.system", "socketio"),
		attribute.String("kachi.namespace", namespace),
		attribute.String("kachi.event", event),
	)
	var from trace.SpanContext
	if s := c.Socket(); s != nil {
		attributes = append(attributes, attribute.String("kachi.socket", s.ID()))
		if p, err := t.parents.Of(c); err == nil {
			from = p.SpanContext
		}
	} else {
		from = t.read(c.Handshake()).SpanContext
	}
	if t.principal && c.Key() != "" {
		attributes = append(attributes, attribute.String("kachi.principal", c.Key()))
	}
	ctx := c.Context
	if from.IsValid() && !trace.SpanContextFromContext(ctx).IsValid() {
		ctx = trace.ContextWithRemoteSpanContext(ctx, from)
	}
	return t.tracer.Start(ctx, namespace+" "+event, trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(attributes...))
}

// read finds the client's trace: in auth first, which a page can set, then in the headers.
func (t *Tracing) read(h *gateway.Handshake) parent {
	auth := propagation.MapCarrier{}
	var members map[string]any
	if json.Unmarshal(h.Auth(), &members) == nil {
		for _, field := range t.propagator.Fields() {
			if text, ok := members[field].(string); ok {
				auth[field] = text
			}
		}
	}
	for _, carrier := range []propagation.TextMapCarrier{auth, propagation.HeaderCarrier(h.Header())} {
		if span := trace.SpanContextFromContext(t.propagator.Extract(context.Background(), carrier)); span.IsValid() {
			return parent{span}
		}
	}
	return parent{}
}

func failed(span trace.Span, err error) {
	code := gateway.CodeOf(err)
	span.SetAttributes(attribute.String("kachi.code", code))
	if code == gateway.CodeInternal {
		span.RecordError(err)
		span.SetStatus(codes.Error, err.Error())
	}
}

// emitting notes in the span at hand what is sent.
func emitting(ctx context.Context, namespace, event string) {
	if span := trace.SpanFromContext(ctx); span.IsRecording() {
		span.AddEvent("emit", trace.WithAttributes(
			attribute.String("kachi.namespace", namespace),
			attribute.String("kachi.event", event),
		))
	}
}
