package gateway_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/internal/assert"
)

func TestListensOnlyWhenEverythingHasStarted(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	assert.NoError(t, err)
	addr := taken.Addr().String()
	var told []string
	serve := func(ctx context.Context, start func() error) error {
		app, err := gateway.NewApp(nil, gateway.New("/", gateway.Anyone, func(*gateway.Namespace[gateway.Nobody]) {}))
		assert.NoError(t, err)
		app.OnStart("database", func(context.Context) error {
			told = append(told, "started")
			return start()
		}, func(context.Context) error { told = append(told, "stopped"); return nil })
		return app.ListenAndServe(ctx, addr, nil)
	}

	err = serve(context.Background(), func() error { return nil })
	assert.True(t, err != nil, "the address is taken")
	assert.Equal(t, told, []string{"started", "stopped"})
	assert.NoError(t, taken.Close())

	told = nil
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() {
		served <- serve(ctx, func() error { // nobody listens yet, so somebody else can
			l, err := net.Listen("tcp", addr)
			if err != nil {
				return err
			}
			return l.Close()
		})
	}()
	assert.Eventually(t, func() bool {
		r, err := http.Get("http://" + addr + "/socket.io/?EIO=4&transport=polling")
		if err != nil {
			return false
		}
		_ = r.Body.Close()
		return r.StatusCode == http.StatusOK
	})
	stop()
	assert.NoError(t, assert.Receive(t, served))
	assert.Equal(t, told, []string{"started", "stopped"})
	http.DefaultClient.CloseIdleConnections()
}

func TestStartsOnce(t *testing.T) {
	app, err := gateway.NewApp(nil)
	assert.NoError(t, err)
	n := 0
	fail := errors.New("not yet")
	app.OnStart("part", func(context.Context) error { n++; return fail }, nil)
	assert.ErrorIs(t, app.Start(context.Background()), fail)
	fail = nil
	assert.NoError(t, app.Start(context.Background()))
	assert.NoError(t, app.Start(context.Background()))
	assert.Equal(t, n, 2)
	assert.NoError(t, app.Stop(context.Background()))
}

func TestLifecycle(t *testing.T) {
	var told []string
	app, err := gateway.NewApp(nil)
	assert.NoError(t, err)
	part := func(name string, fails bool) {
		app.OnStart(name, func(context.Context) error {
			told = append(told, "start "+name)
			if fails {
				return errors.New("no")
			}
			return nil
		}, func(context.Context) error { told = append(told, "stop "+name); return nil })
	}
	part("a", false)
	part("b", false)
	assert.NoError(t, app.Start(context.Background()))
	assert.NoError(t, app.Stop(context.Background()))
	assert.NoError(t, app.Stop(context.Background()))
	assert.Equal(t, told, []string{"start a", "start b", "stop b", "stop a"})

	app, err = gateway.NewApp(nil)
	assert.NoError(t, err)
	told = nil
	part("a", false)
	part("b", true)
	part("c", false)
	err = app.Start(context.Background())
	assert.True(t, err != nil && strings.Contains(err.Error(), "starting b: no"), err)
	assert.Equal(t, told, []string{"start a", "start b", "stop a"})
	assert.NoError(t, app.Stop(context.Background()))
}

// However often an app is started, and at once, its parts start once, and stop.
func TestPartsStartOnce(t *testing.T) {
	app, err := gateway.NewApp(nil)
	assert.NoError(t, err)
	var started, stopped atomic.Int32
	entered, hold := make(chan struct{}, 10), make(chan struct{})
	app.OnStart("part", func(context.Context) error {
		started.Add(1)
		entered <- struct{}{}
		<-hold
		return nil
	}, func(context.Context) error { stopped.Add(1); return nil })
	done := make(chan error, 10)
	for range 4 {
		go func() { done <- app.Start(context.Background()) }()
	}
	assert.Receive(t, entered)
	impatient, cancel := context.WithCancel(context.Background())
	cancel()
	assert.ErrorIs(t, app.Start(impatient), context.Canceled)
	close(hold)
	for range 4 {
		assert.NoError(t, assert.Receive(t, done))
	}
	assert.Equal(t, started.Load(), int32(1))

	func() {
		defer func() { assert.True(t, recover() != nil, "what comes too late would never run") }()
		app.OnStart("late", nil, nil)
	}()
	assert.NoError(t, app.Stop(context.Background()))
	assert.Equal(t, stopped.Load(), int32(1))
	assert.ErrorIs(t, app.Start(context.Background()), gateway.ErrStopped)
}

// An app that is stopped while it starts stops what has started.
func TestStopWhileStarting(t *testing.T) {
	app, err := gateway.NewApp(nil)
	assert.NoError(t, err)
	var told []string
	entered, hold := make(chan struct{}), make(chan struct{})
	part := func(name string, start func()) {
		app.OnStart(name, func(context.Context) error { start(); told = append(told, "start "+name); return nil },
			func(context.Context) error { told = append(told, "stop "+name); return nil })
	}
	part("a", func() { close(entered); <-hold })
	part("b", func() {})
	started, stopped := make(chan error, 1), make(chan error, 1)
	go func() { started <- app.Start(context.Background()) }()
	assert.Receive(t, closed(entered))
	go func() { stopped <- app.Stop(context.Background()) }()
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	assert.Eventually(t, func() bool { return errors.Is(app.Start(ended), gateway.ErrStopped) })
	close(hold)
	assert.ErrorIs(t, assert.Receive(t, started), gateway.ErrStopped)
	assert.NoError(t, assert.Receive(t, stopped))
	assert.Equal(t, told, []string{"start a", "stop a"})
}
