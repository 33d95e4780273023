// Package intercept has interceptors that many services want: [Logging], [Timeout] and
// [Cache].
//
//	app, err := gateway.NewApp(&gateway.Options{Use: []gateway.Layer{intercept.Logging(log)}}, …)
//
//	gateway.On(g, "search", c.search).Use(intercept.Timeout(2*time.Second), intercept.Cache(time.Minute, intercept.Shared))
//
// An interceptor sees what guards have let pass. What was refused as well is told to
// [gateway.Options].Handled.
package intercept

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/kachi-io/kachi/gateway"
)

// Logging notes each call: at Info what went well, and what was given up for a client that
// has gone; at Warn what the client is told of by a code; at Error what it is not told of, a
// panic too. The attributes are namespace, event, socket, principal (its key), duration, and
// for errors code and error; never what the client sent, or was answered. Logging panics
// where log is nil.
func Logging(log *slog.Logger) gateway.Interceptor {
	if log == nil {
		panic(errors.New("intercept.Logging: there is no log"))
	}
	return func(next gateway.Handler) gateway.Handler {
		return func(c *gateway.Call) (out any, err error) {
			began, returned := time.Now(), false
			defer func() {
				level := levelOf(c, err)
				if !returned {
					level, err = slog.LevelError, errPanic // it goes on, and the app reports it with its stack
				}
				if !log.Enabled(c, level) {
					return
				}
				attrs := make([]slog.Attr, 0, 7)
				attrs = append(attrs, slog.String("namespace", c.Namespace()), slog.String("event", c.Pattern()))
				if s := c.Socket(); s != nil {
					attrs = append(attrs, slog.String("socket", s.ID()))
				}
				if key := c.Key(); key != "" {
					attrs = append(attrs, slog.String("principal", key))
				}
				attrs = append(attrs, slog.Duration("duration", time.Since(began)))
				if err != nil {
					attrs = append(attrs, slog.String("code", gateway.CodeOf(err)), slog.Any("error", err))
				}
				log.LogAttrs(c, level, "call", attrs...)
			}()
			out, err = next(c)
			returned = true
			return out, err
		}
	}
}

var errPanic = errors.New("panic")

func levelOf(c *gateway.Call, err error) slog.Level {
	switch code := gateway.CodeOf(err); {
	case code == "", c.Gone() && errors.Is(err, context.Canceled):
		return slog.LevelInfo
	case code == gateway.CodeInternal:
		return slog.LevelError
	}
	return slog.LevelWarn
}

var errTimeout = gateway.NewError(gateway.CodeTimeout, "There was no answer in time")

// Timeout gives calls a context that ends after d. A handler that stops for it, by returning
// [context.DeadlineExceeded] or an error that wraps it, is answered with the code "timeout";
// one that does not heed its context goes on, and is answered with what it returns. (How
// long a client waits is another thing: [gateway.Route.Patience].) Timeout panics where d is
// not above zero.
func Timeout(d time.Duration) gateway.Interceptor {
	if d <= 0 {
		panic(fmt.Errorf("intercept.Timeout: %s is no time", d))
	}
	return func(next gateway.Handler) gateway.Handler {
		return func(c *gateway.Call) (any, error) {
			outer := c.Context
			ctx, cancel := context.WithTimeout(outer, d)
			defer cancel()
			c.SetContext(ctx)
			defer c.SetContext(outer)
			out, err := next(c)
			if errors.Is(err, context.DeadlineExceeded) && ctx.Err() != nil && outer.Err() == nil {
				return nil, errTimeout
			}
			return out, err
		}
	}
}
