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

// ErrStopped: an app that has been stopped is to start.
var ErrStopped = errors.New("gateway: the app has been stopped")

// OnStart registers a part of the application: start runs, in the order of registration,
// before the app listens; stop, in reverse order, after the last client has gone. Either may
// be nil. Each is given [Options].StartTimeout or StopTimeout. It panics when the app has
// started, since neither would run.
func (a *App) OnStart(name string, start, stop func(context.Context) error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.begun || a.stopped {
		panic(fmt.Errorf("gateway: OnStart of %s: the app has started already", name))
	}
	a.hooks = append(a.hooks, hook{name, start, stop})
}

// Start runs the functions of OnStart. When one fails, those that had succeeded are stopped,
// and the app may be started again. While another call starts the app it waits for that,
// until ctx ends; of an app that has started it does nothing, and of one that has been
// stopped it returns [ErrStopped].
func (a *App) Start(ctx context.Context) error {
	a.mu.Lock()
	running, stopped := a.running, a.stopped
	a.mu.Unlock()
	switch {
	case stopped:
		return ErrStopped
	case running:
		return nil
	}
	if err := a.takeTurn(ctx); err != nil {
		return err
	}
	defer func() { <-a.starting }()
	a.mu.Lock()
	hooks, running := a.hooks, a.running
	a.begun = true
	a.mu.Unlock()
	if running {
		return nil
	}
	err := a.startHooks(ctx, hooks)
	a.mu.Lock()
	a.running, a.begun = err == nil, err == nil
	a.mu.Unlock()
	return err
}

// takeTurn waits for others who start or stop the app's parts. It does not ask ctx where there
// is nobody: that is for the parts to do.
func (a *App) takeTurn(ctx context.Context) error {
	select {
	case a.starting <- struct{}{}:
		return nil
	default:
	}
	select {
	case a.starting <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("gateway: the app is still starting, or stopping: %w", context.Cause(ctx))
	}
}

// startHooks starts one part after the other, and stops them again where one fails, or the
// app is stopped meanwhile.
func (a *App) startHooks(ctx context.Context, hooks []hook) (err error) {
	for i, h := range hooks {
		if h.start != nil {
			ctx, cancel := context.WithTimeout(ctx, a.opts.StartTimeout)
			err = protected(func() error { return h.start(ctx) })
			cancel()
		}
		if err != nil {
			err = fmt.Errorf("gateway: starting %s: %w", h.name, err)
			return errors.Join(err, a.stopHooks(context.WithoutCancel(ctx), hooks[:i]))
		}
		a.mu.Lock()
		stopped := a.stopped
		a.mu.Unlock()
		if stopped {
			return errors.Join(ErrStopped, a.stopHooks(context.WithoutCancel(ctx), hooks[:i+1]))
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.started = hooks
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
	stopped := a.stopped
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
	errs = append(errs, closing(ctx), a.stopStarted(ctx))
	return errors.Join(errs...)
}

// stopStarted stops what has started. An app that is still starting sees that it is stopped,
// and does that itself; it is waited for.
func (a *App) stopStarted(ctx context.Context) error {
	if err := a.takeTurn(ctx); err != nil {
		return err
	}
	defer func() { <-a.starting }()
	a.mu.Lock()
	hooks := a.started
	a.started = nil
	a.mu.Unlock()
	return a.stopHooks(context.WithoutCancel(ctx), hooks)
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
