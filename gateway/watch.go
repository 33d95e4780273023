package gateway

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// watched returns when a call begins, if anybody wants to know how long it takes.
func (a *App) watched() (began time.Time) {
	if len(a.opts.Handled) > 0 {
		began = time.Now()
	}
	return began
}

// handled tells those who want to know what came of a call.
func (c *Call) handled(began time.Time, err error) {
	if len(c.app.opts.Handled) == 0 {
		return
	}
	took := time.Since(began)
	for _, told := range c.app.opts.Handled {
		if failed := protected(func() error { told(c, took, err); return nil }); failed != nil {
			c.report(failed)
		}
	}
}

// emitting tells those who want to know of an event that send sends, if the namespace has
// declared it.
func (s *space) emitting(ctx context.Context, o *outgoing, send func() error) (err error) {
	if !s.declares(o) {
		return fmt.Errorf("%w: %q by namespace %q: have its registration say Emits", ErrUndeclared, o.name, s.name)
	}
	var done []func(error)
	for _, told := range s.app.opts.Emitting {
		if d := told(ctx, s.name, o.name); d != nil {
			done = append(done, d)
		}
	}
	if done != nil {
		defer func() {
			for _, d := range slices.Backward(done) {
				d(err)
			}
		}()
	}
	return send()
}

// Registered returns the namespace, or its pattern, and the event, as gateways have them: for
// labels, of which there must not be as many as clients make up. The event is "" where
// nothing is registered for it, and both are for a request over HTTP.
func (c *Call) Registered() (namespace, event string) {
	if c.connection == nil {
		return "", ""
	}
	s := c.connection.space
	if _, known := s.events[c.pattern]; known && c.event != nil {
		event = c.pattern
	}
	return s.name, event
}

// CodeOf returns the code that clients are told of an error: "" for nil, "internal" for one
// that has none.
func CodeOf(err error) string {
	var coded *Error
	switch {
	case err == nil:
		return ""
	case errors.As(err, &coded):
		return coded.Code
	}
	return CodeInternal
}
