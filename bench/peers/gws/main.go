// Command gws is what the protocol itself costs: a bare WebSocket server on
// github.com/lxzan/gws that speaks just enough of Socket.IO to fulfil the contract of
// bench/server. It parses no JSON, has no namespaces, no heartbeat and no long-polling,
// knows one room, and believes every client.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"runtime/debug"
	"sync"
	"syscall"

	"github.com/lxzan/gws"
)

const (
	open      = `0{"sid":"gws","upgrades":[],"pingInterval":3600000,"pingTimeout":20000,"maxPayload":1000000}`
	connected = `40{"sid":"gws"}`
)

var (
	connectPacket = []byte("40")
	chatPrefix    = []byte(`42["chat"`)
	joinEvent     = []byte(`["join"`)
	echoPrefix    = []byte(`["echo",`)
)

type handler struct {
	gws.BuiltinEventHandler

	mu      sync.RWMutex
	members map[*gws.Conn]struct{}
}

func (h *handler) OnOpen(c *gws.Conn) { _ = c.WriteString(open) }

func (h *handler) OnClose(c *gws.Conn, _ error) {
	h.mu.Lock()
	delete(h.members, c)
	h.mu.Unlock()
}

func (h *handler) OnMessage(c *gws.Conn, m *gws.Message) {
	defer func() { _ = m.Close() }()
	p := m.Bytes()
	switch {
	case bytes.Equal(p, connectPacket):
		_ = c.WriteString(connected)
	case bytes.HasPrefix(p, chatPrefix):
		h.broadcast(p)
	case bytes.HasPrefix(p, connectPacket[:1]) && len(p) > 2 && p[1] == '2':
		h.event(c, p[2:])
	}
}

// event is an event that asks for an acknowledgement: <id>["name",...]
func (h *handler) event(c *gws.Conn, p []byte) {
	i := bytes.IndexByte(p, '[')
	if i < 0 {
		return
	}
	id, event := p[:i], p[i:]
	answer := append(make([]byte, 0, len(p)+2), "43"...)
	answer = append(answer, id...)
	switch {
	case bytes.HasPrefix(event, joinEvent):
		h.mu.Lock()
		h.members[c] = struct{}{}
		h.mu.Unlock()
		answer = append(answer, "[]"...)
	case bytes.HasPrefix(event, echoPrefix) && len(id) > 0:
		answer = append(answer, '[')
		answer = append(answer, event[len(echoPrefix):]...)
	default:
		return
	}
	_ = c.WriteMessage(gws.OpcodeText, answer)
}

func (h *handler) broadcast(p []byte) {
	b := gws.NewBroadcaster(gws.OpcodeText, bytes.Clone(p))
	h.mu.RLock()
	for c := range h.members {
		_ = b.Broadcast(c)
	}
	h.mu.RUnlock()
	_ = b.Close()
}

func main() {
	addr := flag.String("addr", "127.0.0.1:3000", "address to listen on")
	flag.Parse()
	collect()
	upgrader := gws.NewUpgrader(&handler{members: map[*gws.Conn]struct{}{}}, &gws.ServerOption{
		ReadMaxPayloadSize: 1_000_000,
	})
	http.HandleFunc("/socket.io/", func(w http.ResponseWriter, r *http.Request) {
		if c, err := upgrader.Upgrade(w, r); err == nil {
			go c.ReadLoop() // on a goroutine of its own, so that the request can be freed
		}
	})
	listener, err := net.Listen("tcp", *addr)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println("listening on", listener.Addr())
	fmt.Fprintln(os.Stderr, http.Serve(listener, nil))
}

// collect gives memory back on SIGUSR2, for the measurement of connections at rest.
func collect() {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGUSR2)
	go func() {
		for range signals {
			debug.FreeOSMemory()
		}
	}()
}
