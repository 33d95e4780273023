package gateway

import (
	"context"
	"fmt"
	"reflect"

	"github.com/kachi-io/kachi/socketio"
	"github.com/kachi-io/kachi/socketio/packet"
)

// OutEvent is an event that the server sends, with its type. It is a value, made once
// ([NewEvent]), and safe for concurrent use.
type OutEvent[T any] struct{ *outgoing }

// Outgoing is an [OutEvent] of any type.
type Outgoing interface{ event() *outgoing }

// outgoing is what the registry knows of an event.
type outgoing struct {
	name        string
	description string
	data        reflect.Type
	source      string
	since       int // version of the application's protocol
}

func (o *outgoing) event() *outgoing { return o }

// NewEvent makes an event that the server sends. Namespaces that send it declare it
// ([Namespace.Emits]). T is the type of its one argument; [None] sends none, [Args2] and
// the like several. It panics when the name is reserved.
func NewEvent[T any](name string) OutEvent[T] {
	if packet.IsReserved(name) || name == "" {
		panic(fmt.Errorf("gateway: %q cannot be the name of an event", name))
	}
	return OutEvent[T]{&outgoing{name: name, data: reflect.TypeFor[T](), source: caller(1)}}
}

// Describe says what the event is for, in the documentation. It returns the event.
func (e OutEvent[T]) Describe(text string) OutEvent[T] {
	e.description = text
	return e
}

// Name returns the event's name.
func (e OutEvent[T]) Name() string { return e.name }

// Emit sends the event. ctx gives its values (a trace, say); its end does not keep
// anything from being sent: what has happened is told. Errors: [ErrUndeclared], those of
// encoding, and of the cluster, whose sockets on this node have got the event nevertheless.
func (e OutEvent[T]) Emit(ctx context.Context, to Target, data T) error {
	if to.space == nil {
		return fmt.Errorf("gateway: event %q: %w", e.name, to.missing())
	}
	if e.since > 0 {
		to = to.Except(to.space.app.opts.Versions.olderThan(e.since)...)
	}
	return to.space.emitting(ctx, e.outgoing, func() error { return to.emit(ctx, e.name, spread(data)) })
}

// Ask sends the event to one socket of a gateway and waits for its acknowledgement, until
// ctx ends or, where it has no deadline, for [socketio.Options].AckTimeout. Errors:
// [ErrUndeclared], those of [socketio.Ask].
func Ask[Answer, T any](ctx context.Context, s *socketio.Socket, e OutEvent[T], data T) (answer Answer, err error) {
	if s == nil || connectionOf(s) == nil {
		return answer, fmt.Errorf("gateway: event %q: there is no socket of a gateway to ask", e.name)
	}
	err = connectionOf(s).space.emitting(ctx, e.outgoing, func() error {
		answer, err = socketio.Ask[Answer](ctx, s, e.name, spread(data)...)
		return err
	})
	return answer, err
}

// sent is a value of several arguments, or none.
type sent interface{ args() []any }

func (None) args() []any             { return nil }
func (t Args2[A, B]) args() []any    { return []any{t.A, t.B} }
func (t Args3[A, B, C]) args() []any { return []any{t.A, t.B, t.C} }

func (t Rest[T]) args() []any {
	all := make([]any, len(t))
	for i, v := range t {
		all[i] = v
	}
	return all
}

// spread returns the arguments of an event.
func spread(data any) []any {
	if several, ok := data.(sent); ok {
		return several.args()
	}
	return []any{data}
}

// Decode is what a client in Go that has this package decodes the event's arguments with.
func (e OutEvent[T]) Decode(args packet.Args) (data T, err error) {
	if several, ok := any(&data).(arguments); ok {
		err = several.decodeArgs(args)
	} else if n := args.Len(); n != 1 {
		err = fmt.Errorf("gateway: event %q has one argument, and %d came", e.name, n)
	} else {
		err = args.DecodeAt(0, &data)
	}
	return data, err
}
