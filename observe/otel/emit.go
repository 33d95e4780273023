package otel

import (
	"context"
	"strings"
	"sync/atomic"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// maxEmits bounds the spans below that of a call: a stream may send many events, and all
// traces share one exporter's queue. It is what the SDK keeps of a span's own events.
const maxEmits = 128

// emitsKey is of the count of what a call has sent, in its context.
type emitsKey struct{}

// emitting makes the span of an event that is sent. Where nothing is sampled it looks into
// the context, and does nothing else.
func (t *Tracing) emitting(ctx context.Context, namespace, event string) func(error) {
	if !trace.SpanContextFromContext(ctx).IsSampled() {
		return nil
	}
	if emits, ok := ctx.Value(emitsKey{}).(*atomic.Int64); ok && emits.Add(1) > maxEmits {
		return nil
	}
	destination := "messaging.destination.name"
	if strings.Contains(namespace, "{") {
		destination = "messaging.destination.template"
	}
	_, span := t.tracer.Start(ctx, "emit "+namespace+" "+event, trace.WithSpanKind(trace.SpanKindProducer), trace.WithAttributes(
		attribute.String("messaging.system", "socketio"),
		attribute.String("messaging.operation.type", "send"),
		attribute.String("messaging.operation.name", "emit"),
		attribute.String(destination, namespace),
		attribute.String("kachi.event", event),
	))
	return func(err error) {
		if err != nil {
			span.RecordError(err)
			span.SetStatus(codes.Error, err.Error())
		}
		span.End()
	}
}
