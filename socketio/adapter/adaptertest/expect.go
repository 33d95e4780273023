package adaptertest

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/socketio/adapter"
	"github.com/kachi-io/kachi/socketio/packet"
)

// everybody selects every socket.
var everybody = adapter.Target{}

func room(names ...string) adapter.Target { return adapter.Target{Rooms: names} }

// event makes a packet of JSON values.
func event(name string, args ...any) *packet.Packet {
	return &packet.Packet{
		Type: packet.Event, Namespace: namespace, ID: packet.NoID,
		Data: array(append([]any{name}, args...)...),
	}
}

func array(values ...any) []byte {
	b, err := json.Marshal(values)
	if err != nil {
		panic(err)
	}
	return b
}

// normal is JSON written in the one way that can be compared: what travels may be
// written in another.
func normal(data string) string {
	var v any
	if err := json.Unmarshal([]byte(data), &v); err != nil {
		return "not JSON: " + data
	}
	b, _ := json.Marshal(v) // came from JSON
	return string(b)
}

// fenceName begins events that only mark that everything before them has arrived.
const fenceName = `["fence",`

// received lists what a socket has received, fences aside.
func received(s Socket) []string {
	list := []string{}
	for _, e := range s.Received() {
		if data := normal(e.Data); !strings.HasPrefix(data, fenceName) {
			list = append(list, data)
		}
	}
	return list
}

// fence waits until all that node from has broadcast, joined and so on has arrived at
// the sockets: the order that is promised makes its own broadcast the last.
func (s *suite) fence(t *testing.T, from Server, sockets ...Socket) {
	t.Helper()
	s.fences++
	e := event("fence", s.fences)
	assert.NoError(t, from.Adapter().Broadcast(e, everybody, adapter.Flags{}))
	for _, socket := range sockets {
		if socket.Rooms() == nil {
			continue
		}
		assert.Eventually(t, func() bool {
			return slices.ContainsFunc(socket.Received(), func(got Event) bool {
				return normal(got.Data) == normal(string(e.Data))
			})
		}, "fence %d at %s", s.fences, socket.ID())
	}
}

// gets waits until a socket has received as many events as are wanted, and compares.
func gets(t *testing.T, s Socket, want ...string) {
	t.Helper()
	assert.Eventually(t, func() bool { return len(received(s)) >= len(want) }, "events for %s", s.ID())
	assert.Equal(t, received(s), append([]string{}, want...))
}

// sorted is a sorted copy.
func sorted(list []string) []string {
	list = slices.Clone(list)
	slices.Sort(list)
	return list
}

func idsOf(sockets ...Socket) []string {
	var list []string
	for _, s := range sockets {
		list = append(list, s.ID())
	}
	return sorted(list)
}

// everywhere connects a socket to each node.
func (s *suite) everywhere(rooms ...string) []Socket {
	var list []Socket
	for _, server := range s.servers {
		list = append(list, server.Connect(rooms...))
	}
	return list
}
