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
	for name, options := range map[string]adapter.BusOptions{
		"plain":   {},
		"ordered": {Ordered: true},
		"counted": {Counted: true},
	} {
		t.Run(name, func(t *testing.T) {
			adaptertest.Run(t, adaptertest.Harness{
				Ordered: options.Ordered,
				Open:    func(*testing.T) adaptertest.Cluster { return busCluster(options) },
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
