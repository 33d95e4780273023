package socketio_test

import (
	"context"
	"sync/atomic"
	"testing"

	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/socketio"
	"github.com/kachi-io/kachi/socketio/adapter"
)

// counting counts the adapters that run.
type counting struct {
	adapter.Adapter
	running *atomic.Int32
	start   func()
}

func (a *counting) Start(ctx context.Context) error {
	a.running.Add(1)
	a.start()
	return a.Adapter.Start(ctx)
}

func (a *counting) Close(ctx context.Context) error {
	a.running.Add(-1)
	return a.Adapter.Close(ctx)
}

func TestNamespacesMadeAfterShutdownAreHarmless(t *testing.T) {
	var running atomic.Int32
	start := func() {}
	srv := socketio.NewServer(&socketio.Options{Adapter: func(n adapter.Node) (adapter.Adapter, error) {
		a, err := adapter.NewMemory(n)
		return &counting{a, &running, start}, err
	}})
	srv.Of("/before")
	assert.Equal(t, running.Load(), int32(2))

	starting, release, made := make(chan struct{}), make(chan struct{}), make(chan *socketio.Namespace)
	start = func() { close(starting); <-release }
	go func() { made <- srv.Of("/meanwhile") }()
	<-starting
	assert.NoError(t, srv.Shutdown(t.Context()))
	close(release)
	meanwhile := assert.Receive(t, made)
	assert.Equal(t, running.Load(), int32(0), "adapters are left")

	start = func() { t.Error("an adapter is started") }
	after := srv.Of("/after")
	assert.True(t, srv.Of("/after") == after)
	for _, ns := range []*socketio.Namespace{meanwhile, after} {
		ns.On("e", func(context.Context, *socketio.Event) error { return nil })
		assert.ErrorIs(t, ns.Emit("e"), adapter.ErrClosed)
		assert.ErrorIs(t, ns.To("room").Emit("e"), adapter.ErrClosed)
		assert.Equal(t, ns.Count(), 0)
	}
	assert.Equal(t, running.Load(), int32(0))
}
