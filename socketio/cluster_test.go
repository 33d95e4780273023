package socketio_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/wstest"
	"github.com/kachi-io/kachi/socketio"
	"github.com/kachi-io/kachi/socketio/adapter"
	"github.com/kachi-io/kachi/socketio/adapter/adaptertest"
	"github.com/kachi-io/kachi/socketio/packet"
)

// The suite that adapters must pass, with servers and clients as users have them: what a
// namespace does for its adapter is held to the contract, too.
func TestAdaptersOverRealServers(t *testing.T) {
	t.Run("memory", func(t *testing.T) {
		adaptertest.Run(t, adaptertest.Harness{
			Nodes: 1, Ordered: true, Serve: serveNode, ForeignGoroutines: true,
			Open: func(*testing.T) adaptertest.Cluster {
				return adaptertest.Cluster{Join: func() adaptertest.Link {
					return adaptertest.Link{Factory: adapter.NewMemory}
				}}
			},
		})
	})
	t.Run("bus", func(t *testing.T) {
		adaptertest.Run(t, adaptertest.Harness{
			Serve: serveNode, ForeignGoroutines: true,
			Open: func(*testing.T) adaptertest.Cluster {
				options := adapter.BusOptions{}
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
			},
		})
	})
}

// realNode is a socketio server as the suite sees a node.
type realNode struct {
	t       *testing.T
	srv     *socketio.Server
	ns      *socketio.Namespace
	host    *httptest.Server
	adapter adapter.Adapter
	closing chan struct{}
	close   sync.Once

	mu         sync.Mutex
	serverSide func(adaptertest.Event) ([]byte, [][]byte)
}

func serveNode(t *testing.T, namespace string, f adapter.Factory) adaptertest.Server {
	n := &realNode{t: t, closing: make(chan struct{})}
	n.srv = socketio.NewServer(&socketio.Options{Adapter: func(node adapter.Node) (adapter.Adapter, error) {
		if node.Namespace() != namespace {
			return adapter.NewMemory(node)
		}
		a, err := f(node)
		n.adapter = a
		return a, err
	}})
	n.ns = n.srv.Of(namespace)
	for _, event := range []string{"event", "e", "x", "q", "question", "ask", "asked"} {
		n.ns.OnServerSide(event, func(_ context.Context, args packet.Args) (any, error) {
			n.mu.Lock()
			answer := n.serverSide
			n.mu.Unlock()
			var data []byte
			var attachments [][]byte
			if answer != nil {
				data, attachments = answer(adaptertest.Event{Data: eventData(event, args.Raw), Attachments: args.Attachments})
			}
			if data == nil { // a handler that never answers
				if answer != nil && event != "event" && event != "e" {
					<-n.closing
				}
				return nil, nil
			}
			values, err := packet.ParseAck(&packet.Packet{Type: packet.Ack, Data: data, Attachments: attachments})
			if err != nil || values.Len() == 0 {
				return nil, err
			}
			var value any
			err = values.DecodeAt(0, &value)
			return value, err
		})
	}
	n.host = httptest.NewServer(n.srv)
	return n
}

func eventData(name string, args [][]byte) string {
	quoted, _ := json.Marshal(name)
	return "[" + string(bytes.Join(append([][]byte{quoted}, args...), []byte(","))) + "]"
}

func (n *realNode) Adapter() adapter.Adapter { return n.adapter }

func (n *realNode) ServerSide(f func(adaptertest.Event) ([]byte, [][]byte)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.serverSide = f
}

func (n *realNode) Close() { n.close.Do(n.shutdown) }

func (n *realNode) shutdown() {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	assert.NoError(n.t, n.adapter.Close(ctx)) // first, so that what waits is ended by it
	close(n.closing)
	assert.NoError(n.t, n.srv.Shutdown(ctx))
	n.host.Close()
}

func (n *realNode) Connect(rooms ...string) adaptertest.Socket {
	s := &realSocket{node: n, client: dial(n.t, n.host.URL)}
	s.id = s.client.connect(n.ns.Name(), "")
	s.socket, _ = n.ns.Socket(s.id)
	assert.Eventually(n.t, s.socket.Connected)
	s.socket.Join(rooms...)
	go s.read()
	return s
}

// realSocket is a client over a real WebSocket.
type realSocket struct {
	node   *realNode
	client *client
	id     string
	socket *socketio.Socket

	mu       sync.Mutex
	received []adaptertest.Event
	answer   func(adaptertest.Event) ([]byte, [][]byte)
}

func (s *realSocket) read() {
	var decoder packet.Decoder
	for {
		op, text, err := s.client.next()
		if err != nil {
			return
		}
		decode := decoder.Text
		if op == wstest.Binary {
			decode = decoder.Binary
		} else {
			text = text[1:]
		}
		p, complete, err := decode([]byte(text))
		if err != nil {
			s.node.t.Errorf("the server sent %q: %v", text, err)
			return
		}
		if complete && p.Type == packet.Event {
			s.take(&p)
		}
	}
}

func (s *realSocket) take(p *packet.Packet) {
	e := adaptertest.Event{Data: string(p.Data), Attachments: p.Attachments}
	s.mu.Lock()
	s.received = append(s.received, e)
	answer := s.answer
	s.mu.Unlock()
	if p.ID == packet.NoID || answer == nil {
		return
	}
	go func() {
		data, attachments := answer(e)
		if data == nil {
			return
		}
		ack := packet.Append([]byte("4"), &packet.Packet{
			Type: packet.Ack, Namespace: s.node.ns.Name(), ID: p.ID, Data: data, Attachments: attachments,
		})
		s.mu.Lock() // an answer's parts stay together
		defer s.mu.Unlock()
		_ = s.client.write(wstest.Text, ack)
		for _, a := range attachments {
			_ = s.client.write(wstest.Binary, a)
		}
	}()
}

func (s *realSocket) ID() string { return s.id }

func (s *realSocket) Received() []adaptertest.Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.received)
}

func (s *realSocket) Answer(f func(adaptertest.Event) ([]byte, [][]byte)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer = f
}

func (s *realSocket) Rooms() []string {
	if !s.socket.Connected() {
		return nil
	}
	return s.socket.Rooms()
}

func (s *realSocket) Disconnect() { s.client.gone() }
