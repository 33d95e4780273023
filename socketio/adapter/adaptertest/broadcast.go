package adaptertest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/socketio/adapter"
	"github.com/kachi-io/kachi/socketio/packet"
)

var broadcastTests = map[string]func(*testing.T, *suite){
	"Broadcast/targets":           broadcastTargets,
	"Broadcast/flags":             broadcastFlags,
	"Broadcast/payloads":          broadcastPayloads,
	"Broadcast/names":             broadcastNames,
	"Broadcast/order per sender":  broadcastOrder,
	"Broadcast/one order for all": broadcastOneOrder,
	"Broadcast/namespaces apart":  broadcastNamespaces,
	"Broadcast/a shared packet":   broadcastShared,
}

// broadcastTargets sends to all kinds of targets from each node, and expects each socket
// that is selected to be reached exactly once, and no other.
func broadcastTargets(t *testing.T, s *suite) {
	var sockets []Socket
	rooms := make(map[Socket][]string)
	for _, in := range [][]string{nil, {"a"}, {"b"}, {"a", "b"}, {"a", "b", "c"}} {
		for _, socket := range s.everywhere(in...) {
			sockets = append(sockets, socket)
			rooms[socket] = append(slices.Clone(in), socket.ID())
		}
	}
	one, other := sockets[0].ID(), sockets[len(sockets)-1].ID()
	targets := []adapter.Target{
		{},
		{Rooms: []string{"a"}},
		{Rooms: []string{"a", "b"}},
		{Rooms: []string{"a", "b", "a", one}},
		{Rooms: []string{"nobody is here"}},
		{Rooms: []string{one}},
		{Rooms: []string{one, other}},
		{Except: []string{"a"}},
		{Except: []string{one, other}},
		{Rooms: []string{"a"}, Except: []string{"b"}},
		{Rooms: []string{"a", "b"}, Except: []string{"c", other}},
		{Rooms: []string{"a"}, Except: []string{"a"}},
	}
	want := make(map[Socket][]string)
	for i, target := range targets {
		for from, server := range s.servers {
			e := event("to", i, from)
			assert.NoError(t, server.Adapter().Broadcast(e, target, adapter.Flags{}))
			for _, socket := range sockets {
				if selects(target, rooms[socket]) {
					want[socket] = append(want[socket], string(e.Data))
				}
			}
		}
	}
	for _, server := range s.servers {
		s.fence(t, server, sockets...)
	}
	for _, socket := range sockets { // the senders' turns may be shuffled
		assert.Equal(t, sorted(received(socket)), sorted(want[socket]), "socket in %v", rooms[socket])
	}
}

func selects(t adapter.Target, rooms []string) bool {
	in := func(list []string) bool {
		return slices.ContainsFunc(list, func(r string) bool { return slices.Contains(rooms, r) })
	}
	return (len(t.Rooms) == 0 || in(t.Rooms)) && !in(t.Except)
}

func broadcastFlags(t *testing.T, s *suite) {
	sockets := s.everywhere()
	flags := []adapter.Flags{{}, {Volatile: true}, {NoCompress: true}, {Volatile: true, NoCompress: true}}
	for i, f := range flags {
		assert.NoError(t, s.servers[0].Adapter().Broadcast(event("flagged", i), everybody, f))
	}
	for _, socket := range sockets {
		// An idle client has room for volatile events.
		gets(t, socket, `["flagged",0]`, `["flagged",1]`, `["flagged",2]`, `["flagged",3]`)
		for i, e := range socket.Received() {
			if e.Flags != nil {
				assert.Equal(t, *e.Flags, flags[i])
			}
		}
	}
}

const placeholder = `{"_placeholder":true,"num":%d}`

// withAttachments makes an event with attachments as its arguments.
func withAttachments(name string, attachments ...[]byte) *packet.Packet {
	p := event(name)
	args := []string{fmt.Sprintf("%q", name)}
	for i := range attachments {
		args = append(args, fmt.Sprintf(placeholder, i))
	}
	p.Data = []byte("[" + strings.Join(args, ",") + "]")
	p.Attachments = attachments
	return p
}

func broadcastPayloads(t *testing.T, s *suite) {
	allBytes := make([]byte, 256)
	for i := range allBytes {
		allBytes[i] = byte(i)
	}
	packets := []*packet.Packet{
		event("nothing"),
		event("text", "plain", "조용한 까치 \U0001F426 <&>\u2028", "quote \" \\ \x00\x1f\x7f", ""),
		event("values", nil, true, -1.5, 1e21, json.Number("9007199254740993"), []any{}, map[string]any{"": map[string]any{"deep": []int{1}}}),
		event("big", strings.Repeat("0123456789abcdef", 1<<12)),
		withAttachments("binary", allBytes),
		withAttachments("two", []byte("first"), []byte{}, []byte("third")),
		withAttachments("big binary", bytes.Repeat(allBytes, 1<<10)),
	}
	sockets := s.everywhere("r")
	for _, p := range packets {
		assert.NoError(t, s.servers[len(s.servers)-1].Adapter().Broadcast(p, room("r"), adapter.Flags{}))
	}
	for _, socket := range sockets {
		assert.Eventually(t, func() bool { return len(socket.Received()) >= len(packets) })
		for i, e := range socket.Received() {
			assert.Equal(t, normal(e.Data), normal(string(packets[i].Data)))
			assert.Equal(t, len(e.Attachments), len(packets[i].Attachments))
			for j, a := range e.Attachments {
				assert.True(t, bytes.Equal(a, packets[i].Attachments[j]), "attachment %d of %d", j, i)
			}
		}
	}
}

// broadcastNames uses rooms whose names mean something somewhere.
func broadcastNames(t *testing.T, s *suite) {
	names := []string{
		"42", "room#1", "a*b?c[d]", "sp ace", "방", `quo"te\`, "new\nline", "/", "socket.io#/#",
		"20-characters-long--", strings.Repeat("long", 200), "a.b.>", "$x", "%s{}",
	}
	for i, name := range names {
		sockets := s.everywhere(name)
		from := s.servers[i%len(s.servers)]
		e := event("named", i)
		assert.NoError(t, from.Adapter().Broadcast(e, room(name), adapter.Flags{}))
		for _, socket := range sockets {
			gets(t, socket, string(e.Data))
		}
	}
}

// broadcastOrder lets every node send a lot at once, and expects each sender's events
// at each socket in the order sent, none lost and none twice.
func broadcastOrder(t *testing.T, s *suite) {
	const each = 300
	sockets := s.everywhere("r")
	var senders sync.WaitGroup
	for from, server := range s.servers {
		senders.Go(func() {
			for i := range each {
				target := room("r")
				if i%3 == 0 {
					target = everybody // another channel on some brokers
				}
				if err := server.Adapter().Broadcast(event("n", from, i), target, adapter.Flags{}); err != nil {
					t.Errorf("broadcast: %v", err)
				}
			}
		})
	}
	senders.Wait()
	for _, socket := range sockets {
		assert.Eventually(t, func() bool { return len(socket.Received()) >= each*len(s.servers) })
		next := make([]int, len(s.servers))
		for _, e := range received(socket) {
			var from, i int
			_, err := fmt.Sscanf(e, `["n",%d,%d]`, &from, &i)
			assert.NoError(t, err, e)
			if i != next[from] {
				t.Fatalf("sender %d: got %d, want %d", from, i, next[from])
			}
			next[from]++
		}
		for from, n := range next {
			assert.Equal(t, n, each, "sender %d", from)
		}
	}
}

// broadcastOneOrder: where the adapter promises it, all sockets see the same order.
func broadcastOneOrder(t *testing.T, s *suite) {
	if !s.Ordered {
		t.Skip("the adapter does not promise one order among senders")
	}
	const each = 100
	sockets := append(s.everywhere("r"), s.everywhere("r")...)
	var senders sync.WaitGroup
	for from, server := range s.servers {
		senders.Go(func() {
			for i := range each {
				if err := server.Adapter().Broadcast(event("n", from, i), room("r"), adapter.Flags{}); err != nil {
					t.Errorf("broadcast: %v", err)
				}
			}
		})
	}
	senders.Wait()
	for _, socket := range sockets {
		assert.Eventually(t, func() bool { return len(socket.Received()) >= each*len(s.servers) })
		assert.Equal(t, received(socket), received(sockets[0]))
	}
}

func broadcastNamespaces(t *testing.T, s *suite) {
	here := s.everywhere("r")
	var there []Socket
	for i, name := range []string{"/", namespace + "/sub", namespace + "2"} {
		// A name that continues another must not be taken for it.
		server := s.Serve(t, name, s.links[i%len(s.links)].Factory)
		defer server.Close()
		there = append(there, server.Connect("r"))
	}
	for _, server := range s.servers {
		assert.NoError(t, server.Adapter().Broadcast(event("here"), room("r"), adapter.Flags{}))
		s.fence(t, server, here...)
	}
	for _, socket := range there {
		assert.Equal(t, received(socket), []string{})
	}
}

// broadcastShared broadcasts one packet twice and at once: an adapter that changes what
// it is given is caught by the race detector, or by the second receiver.
func broadcastShared(t *testing.T, s *suite) {
	p := withAttachments("shared", []byte("one"), []byte("two"))
	data := string(p.Data)
	sockets := s.everywhere()
	var senders sync.WaitGroup
	for _, server := range s.servers {
		senders.Go(func() {
			if err := server.Adapter().Broadcast(p, everybody, adapter.Flags{}); err != nil {
				t.Errorf("broadcast: %v", err)
			}
		})
	}
	senders.Wait()
	for _, socket := range sockets {
		assert.Eventually(t, func() bool { return len(socket.Received()) == len(s.servers) })
		for _, e := range socket.Received() {
			assert.Equal(t, normal(e.Data), normal(data))
			assert.Equal(t, e.Attachments, [][]byte{[]byte("one"), []byte("two")})
		}
	}
	assert.Equal(t, string(p.Data), data)
}
