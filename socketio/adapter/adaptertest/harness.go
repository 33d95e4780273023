// Package adaptertest is the suite that every adapter must pass.
//
//	func TestAdapter(t *testing.T) {
//		adaptertest.Run(t, adaptertest.Harness{
//			Open: func(t *testing.T) adaptertest.Cluster { … },
//		})
//	}
//
// It drives adapters through their contract and looks at what sockets receive. The
// sockets are those of a small node of its own, or of whatever server Harness.Serve
// makes. The package that runs it should have goleak in its TestMain.
package adaptertest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/socketio/adapter"
)

// Harness is an adapter under test.
type Harness struct {
	// Nodes is the largest cluster, 1 to 3. Default 3.
	Nodes int
	// Ordered: all nodes see all broadcasts in one order.
	Ordered bool
	// Open makes an empty cluster that shares nothing with others, and cleans up with
	// t.Cleanup.
	Open func(t *testing.T) Cluster
	// Serve makes and starts a server whose one namespace uses the factory, and does
	// not close it. nil: a node of this package without a network, sockets or clients.
	Serve func(t *testing.T, namespace string, f adapter.Factory) Server
	// ForeignGoroutines: goroutines that are not the adapter's come and go meanwhile, so
	// that the suite cannot say which are left over.
	ForeignGoroutines bool
}

// Cluster is a broker with no nodes yet.
type Cluster struct {
	// Join connects one more process. Its Factory serves any namespace.
	Join func() Link
	// Stop and Resume take the broker away and bring it back; Stop returns when all
	// nodes may have noticed or soon will. nil: not tested.
	Stop, Resume func()
}

// Link is one process' connection to a cluster.
type Link struct {
	Factory adapter.Factory
	// Kill cuts the process off without a farewell, for good. nil: not tested.
	Kill func()
}

// Server is a node with sockets. Its methods are safe for concurrent use.
type Server interface {
	Adapter() adapter.Adapter
	// Connect makes a socket that is in the rooms given, once it returns.
	Connect(rooms ...string) Socket
	// ServerSide sets what the application does with events of other nodes: it returns
	// the raw JSON array of its answer, or nil not to answer.
	ServerSide(func(e Event) (answer []byte, attachments [][]byte))
	// Close closes the adapter and all sockets.
	Close()
}

// Socket is a connected client as the suite sees it. Its methods are safe for
// concurrent use.
type Socket interface {
	ID() string
	// Received lists the events that have arrived, in order.
	Received() []Event
	// Answer sets how the client acknowledges: it returns the raw JSON array of its
	// answer, or nil not to answer. Without it, it never does.
	Answer(func(e Event) (answer []byte, attachments [][]byte))
	// Rooms it is in, its own id among them, in any order; nil once it is disconnected.
	Rooms() []string
	// Disconnect ends it from its own side.
	Disconnect()
}

// Event is what a socket or an application received: the raw JSON array of its name and
// arguments.
type Event struct {
	Data        string
	Attachments [][]byte
	// Flags it came with; nil where the server cannot tell.
	Flags *adapter.Flags
}

// Run runs the suite.
func Run(t *testing.T, h Harness) {
	if h.Nodes == 0 {
		h.Nodes = 3
	}
	if h.Serve == nil {
		h.Serve = serveFake
	}
	for nodes := 1; nodes <= h.Nodes; nodes++ {
		t.Run(fmt.Sprintf("nodes=%d", nodes), func(t *testing.T) {
			for _, part := range []map[string]func(*testing.T, *suite){
				broadcastTests, roomTests, ackTests, queryTests, serverSideTests, lifeTests,
			} {
				runAll(t, part, h, nodes)
			}
			if nodes > 1 {
				runAll(t, clusterTests, h, nodes)
			}
		})
	}
}

func runAll(t *testing.T, tests map[string]func(*testing.T, *suite), h Harness, nodes int) {
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := &suite{Harness: h, cluster: h.Open(t)}
			t.Cleanup(s.close)
			for range nodes {
				s.grow(t)
			}
			s.settle(t, nodes)
			test(t, s)
		})
	}
}

const namespace = "/adaptertest"

// patience bounds what a healthy adapter does at once; a test that waits for it to pass
// uses impatience, which is a bound on the test's length and not a claim.
const (
	patience   = 10 * time.Second
	impatience = 60 * time.Millisecond
)

// suite is one test's cluster.
type suite struct {
	Harness
	cluster Cluster
	links   []Link
	servers []Server
	fences  int
}

// grow adds a node.
func (s *suite) grow(t *testing.T) Server {
	t.Helper()
	link := s.cluster.Join()
	server := s.Serve(t, namespace, link.Factory)
	s.links = append(s.links, link)
	s.servers = append(s.servers, server)
	return server
}

// settle waits until all nodes know of each other.
func (s *suite) settle(t *testing.T, nodes int) {
	t.Helper()
	for i, server := range s.servers {
		assert.Eventually(t, func() bool {
			n, err := server.Adapter().Nodes(soon(t))
			return err == nil && n == nodes
		}, "node %d sees %d nodes", i, nodes)
	}
}

func (s *suite) close() {
	for _, server := range s.servers {
		server.Close()
	}
	s.servers = nil
}

// soon is a context for what must not take long.
func soon(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

// briefly is a context for what is expected not to be complete when it ends.
func briefly(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), impatience)
	t.Cleanup(cancel)
	return ctx
}
