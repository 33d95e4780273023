package otel

import (
	"context"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// Trace says in which trace a message was made. Socket.IO's events have no headers, so it is
// a part of their data, for types that embed it:
//
//	type Message struct {
//		otel.Trace
//		Text string `json:"text"`
//	}
//
// The span of a call whose input has one is linked to it. (A link and not a parent: the
// client's first request has said what that is, and messages come later, or again.) What is
// sent says it by [TraceOf], and a client in Go links its own span to [Trace.SpanContext].
// On the wire it is two members, in the form of W3C Trace Context.
type Trace struct {
	Traceparent string `json:"traceparent,omitempty"`
	Tracestate  string `json:"tracestate,omitempty"`
}

// TraceOf is the trace of a context, of a call say; the zero value where it has none.
func TraceOf(ctx context.Context) (t Trace) {
	carrier := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, carrier)
	return Trace{carrier["traceparent"], carrier["tracestate"]}
}

// SpanContext returns what the trace says, an invalid one where that is nothing that can be
// understood.
func (t *Trace) SpanContext() trace.SpanContext {
	if t == nil || t.Traceparent == "" {
		return trace.SpanContext{}
	}
	carrier := propagation.MapCarrier{"traceparent": t.Traceparent, "tracestate": t.Tracestate}
	return trace.SpanContextFromContext(propagation.TraceContext{}.Extract(context.Background(), carrier))
}

// link links a call's span to what its input says of its own.
func link(span trace.Span, input any) {
	in, ok := input.(interface{ SpanContext() trace.SpanContext })
	if !ok {
		return
	}
	if from := in.SpanContext(); from.IsValid() {
		span.AddLink(trace.Link{SpanContext: from})
	}
}
