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
// A span is an error where the client is not told what went wrong, and with a panic; not
// where the client has gone, and the call was given up for it.
//
// Each event that is sent in a trace that is sampled ([gateway.OutEvent.Emit] with the
// context of a call, or of a request that otelhttp has traced, say) is a span of the kind
// producer below the one at hand, "emit /chat message", as the conventions for messaging
// have it. It ends when the event has been handed to the clients' queues and the cluster,
// and is an error where that failed. Attributes:
//
//	messaging.system            "socketio"
//	messaging.operation.type    "send"
//	messaging.operation.name    "emit"
//	messaging.destination.name  the namespace; of a pattern messaging.destination.template
//	kachi.event
//
// A call has 128 of them at most; how many more there would have been is its attribute
// kachi.emits.omitted. What is sent outside of traces begins none.
//
// Messages that say which trace they come from have a [Trace] in their types.
package otel

import (
	"context"
	"encoding/json"
	"errors"
	"sync/atomic"

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
	// PublicEndpoint has calls begin traces of their own, with a link to the client's in the
	// place of a parent: for clients that are not trusted, who could otherwise have all
	// that they do sampled, and choose the traces in which it is found.
	PublicEndpoint bool
}

// Tracing makes spans. Its methods are safe for concurrent use.
type Tracing struct {
	tracer     trace.Tracer
	propagator propagation.TextMapPropagator
	principal  bool
	public     bool
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
	t := &Tracing{tracer: provider.Tracer("github.com/kachi-io/kachi/observe/otel"), propagator: o.Propagator, principal: o.Principal, public: o.PublicEndpoint}
	if t.propagator == nil {
		t.propagator = propagation.TraceContext{}
	}
	t.parents = gateway.NewState(func(c *gateway.Call) (parent, error) { return t.read(c.Handshake()), nil }, nil)
	return t
}

// Watch adds what has to be told to the options of an app that is to be made.
func (t *Tracing) Watch(o *gateway.Options) {
	o.Use = append(o.Use, t.Layer())
	o.Emitting = append(o.Emitting, t.emitting)
}

// Layer makes the spans. [Tracing.Watch] puts it around an app.
func (t *Tracing) Layer() gateway.Layer {
	return gateway.Named("otel", gateway.Interceptor(func(next gateway.Handler) gateway.Handler {
		return func(c *gateway.Call) (any, error) {
			ctx, span := t.start(c)
			c.SetContext(ctx) // for good: filters, logs and a Reply come behind the span, and belong to its trace
			if !span.IsRecording() {
				return next(c)
			}
			emits := new(atomic.Int64)
			c.SetContext(context.WithValue(ctx, emitsKey{}, emits))
			returned := false
			defer func() {
				if !returned {
					span.SetStatus(codes.Error, "panic")
				}
				if n := emits.Load() - maxEmits; n > 0 {
					span.SetAttributes(attribute.Int64("kachi.emits.omitted", n))
				}
				link(span, c.Input())
				span.End()
			}()
			out, err := next(c)
			returned = true
			if err != nil {
				failed(span, c, err)
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
	attributes = append(attributes, attribute.String("kachi.socket", c.Socket().ID()))
	if t.principal && c.Key() != "" {
		attributes = append(attributes, attribute.String("kachi.principal", c.Key()))
	}
	options := make([]trace.SpanStartOption, 0, 3)
	options = append(options, trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(attributes...))
	ctx := c.Context
	from, err := t.parents.Of(c)
	switch {
	case err != nil || !from.IsValid() || trace.SpanContextFromContext(ctx).IsValid():
	case t.public:
		options = append(options, trace.WithLinks(trace.Link{SpanContext: from.SpanContext}))
	default:
		ctx = trace.ContextWithRemoteSpanContext(ctx, from.SpanContext)
	}
	return t.tracer.Start(ctx, namespace+" "+event, options...)
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

func failed(span trace.Span, c *gateway.Call, err error) {
	code := gateway.CodeOf(err)
	span.SetAttributes(attribute.String("kachi.code", code))
	if code != gateway.CodeInternal {
		return
	}
	span.RecordError(err)
	if !c.Gone() || !errors.Is(err, context.Canceled) {
		span.SetStatus(codes.Error, err.Error())
	}
}
