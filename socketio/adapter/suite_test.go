package adapter_test

import (
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/kachi-io/kachi/socketio/adapter"
	"github.com/kachi-io/kachi/socketio/adapter/adaptertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestMemory(t *testing.T) {
	adaptertest.Run(t, adaptertest.Harness{
		Nodes:   1,
		Ordered: true,
		Open: func(*testing.T) adaptertest.Cluster {
			return adaptertest.Cluster{Join: func() adaptertest.Link {
				return adaptertest.Link{Factory: adapter.NewMemory}
			}}
		},
	})
}

func TestBus(t *testing.T) {
	for _, variant := range []struct {
		name    string
		options adapter.BusOptions
	}{
		{"plain", adapter.BusOptions{}},
		{"ordered", adapter.BusOptions{Ordered: true}},
		{"counted", adapter.BusOptions{Counted: true}},
	} {
		t.Run(variant.name, func(t *testing.T) {
			// The first alone, so that it can look for goroutines left over.
			together := variant.options != (adapter.BusOptions{})
			if together {
				t.Parallel()
			}
			adaptertest.Run(t, adaptertest.Harness{
				Ordered:           variant.options.Ordered,
				ForeignGoroutines: together,
				Open:              func(*testing.T) adaptertest.Cluster { return busCluster(variant.options) },
			})
		})
	}
}

func busCluster(options adapter.BusOptions) adaptertest.Cluster {
	options.Cluster.Discovery = time.Millisecond
	bus := adapter.NewBus(&options)
	return adaptertest.Cluster{
		Join: func() adaptertest.Link {
			node := bus.Node()
			return adaptertest.Link{Factory: node.Adapter, Kill: func() { bus.Split(node) }}
		},
		Stop:   bus.Stop,
		Resume: bus.Resume,
	}
}
