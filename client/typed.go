package client

import (
	"context"
)

// On registers a handler that gets the event's first argument decoded, T's zero value when
// there is none. An argument that does not fit is told to [Hooks.DecodeFailed], and the
// handler does not run. off removes it.
func On[T any](s *Socket, event string, f func(ctx context.Context, in T)) (off func()) {
	return s.On(event, func(ctx context.Context, e *Event) {
		var in T
		if err := e.args.DecodeAt(0, &in); err != nil {
			s.decodeFailed(event, err)
			return
		}
		f(ctx, in)
	})
}

func (s *Socket) decodeFailed(event string, err error) {
	s.client.opts.Logger.Warn("event does not fit its handler", "namespace", s.namespace, "event", event, "error", err)
	if f := s.client.opts.Hooks.DecodeFailed; f != nil {
		f(s, event, err)
	}
}

// Ask emits an event and decodes the first value of the acknowledgement; without one it
// returns Out's zero value. An error in the form of this project's servers is returned as
// an [*Error]. See [Asker] for how long it waits.
func Ask[Out any](ctx context.Context, to Asker, event string, args ...any) (out Out, err error) {
	values, err := to.Ask(ctx, event, args...)
	if err != nil {
		return out, err
	}
	if err := AckError(values); err != nil {
		return out, err
	}
	if values.Len() > 0 {
		err = values.DecodeAt(0, &out)
	}
	return out, err
}
