package gateway

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"

	"github.com/kachi-io/kachi/engineio"
)

// hook is a part of the application that starts and stops with the app.
type hook struct {
	name  string
	start func(context.Context) error
	stop  func(context.Context) error
}

// OnStart registers a part of the application: start runs, in the order of registration,
// before the app listens; stop, in reverse order, after the last client has gone. Either may
// be nil. Each is given [Options].StartTimeout or StopTimeout.
func (a *App) OnStart(name string, start, stop func(context.Context) error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.hooks = append(a.hooks, hook{name, start, stop})
}

// Start runs the functions of OnStart. When one fails, those that had succeeded are stopped.
// Of an app that has started it does nothing.
func (a *App) Start(ctx context.Context) error {
	a.mu.Lock()
	hooks, running := a.hooks, a.running
	a.mu.Unlock()
	if running {
		return nil
	}
	for i, h := range hooks {
		if h.start == nil {
			continue
		}
		ctx, cancel := context.WithTimeout(ctx, a.opts.StartTimeout)
		err := protected(func() error { return h.start(ctx) })
		cancel()
		if err != nil {
			err = fmt.Errorf("gateway: starting %s: %w", h.name, err)
			return errors.Join(err, a.stopHooks(context.WithoutCancel(ctx), hooks[:i]))
		}
	}
	a.mu.Lock()
	a.started, a.running = len(hooks), true
	a.mu.Unlock()
	return nil
}

func (a *App) stopHooks(ctx context.Context, hooks []hook) error {
	var errs []error
	for i := len(hooks) - 1; i >= 0; i-- {
		if h := hooks[i]; h.stop != nil {
			ctx, cancel := context.WithTimeout(ctx, a.opts.StopTimeout)
			if err := protected(func() error { return h.stop(ctx) }); err != nil {
				errs = append(errs, fmt.Errorf("gateway: stopping %s: %w", h.name, err))
			}
			cancel()
		}
	}
	return errors.Join(errs...)
}

// Stop ends all clients' connections (they come back, to this server or another), waits for
// the handlers and the lifecycle functions, and then stops what OnStart registered, in
// reverse order. When ctx ends first, the error says what still runs. Only the first call
// does something.
func (a *App) Stop(ctx context.Context) error {
	return a.stop(ctx, func(context.Context) error { return nil })
}

// stop is Stop with something that is closed when all clients have gone, and before what
// OnStart registered is stopped.
func (a *App) stop(ctx context.Context, closing func(context.Context) error) error {
	a.mu.Lock()
	hooks, stopped := a.hooks[:a.started], a.stopped
	a.stopped = true
	a.mu.Unlock()
	if stopped {
		return closing(ctx)
	}
	errs := []error{a.server.Shutdown(ctx)}
	done := make(chan struct{})
	go func() {
		a.work.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-ctx.Done():
		errs = append(errs, fmt.Errorf("gateway: calls still run: %w", context.Cause(ctx)))
	}
	errs = append(errs, closing(ctx), a.stopHooks(context.WithoutCancel(ctx), hooks))
	return errors.Join(errs...)
}

// ListenAndServe starts the app, and only then listens on a TCP address, ":3000", and goes
// on like [App.Serve].
func (a *App) ListenAndServe(ctx context.Context, addr string, handler http.Handler) error {
	if err := a.Start(ctx); err != nil {
		return err
	}
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", addr)
	if err != nil {
		stop, cancel := a.stopping(ctx)
		defer cancel()
		return errors.Join(err, a.Stop(stop))
	}
	return a.serve(ctx, l, handler)
}

// Serve starts the app, and only then answers requests from the listener with handler (nil:
// the app alone), until ctx ends. Then it stops everything, within [Options].StopTimeout.
func (a *App) Serve(ctx context.Context, l net.Listener, handler http.Handler) error {
	if err := a.Start(ctx); err != nil {
		return errors.Join(err, l.Close())
	}
	return a.serve(ctx, l, handler)
}

func (a *App) serve(ctx context.Context, l net.Listener, handler http.Handler) error {
	if handler == nil {
		handler = a
	}
	host := &http.Server{Handler: handler, ReadHeaderTimeout: a.opts.StartTimeout}
	served := make(chan error, 1)
	go func() { served <- host.Serve(engineio.FairListener(l)) }()
	var broken error
	select {
	case broken = <-served:
	case <-ctx.Done():
	}
	stop, cancel := a.stopping(ctx)
	defer cancel()
	err := a.stop(stop, func(ctx context.Context) error { // sockets first: a waiting poll is a request that the host would wait for
		if err := host.Shutdown(ctx); err != nil {
			return errors.Join(err, host.Close())
		}
		return nil
	})
	if broken == nil {
		broken = <-served
	}
	if !errors.Is(broken, http.ErrServerClosed) {
		err = errors.Join(fmt.Errorf("gateway: %w", broken), err)
	}
	return err
}

// stopping is the context of stopping, which goes on when that of serving has ended.
func (a *App) stopping(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), a.opts.StopTimeout)
}
