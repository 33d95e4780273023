package socketio_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/socketio"
	"github.com/kachi-io/kachi/socketio/adapter"
	"github.com/kachi-io/kachi/socketio/packet"
)

// nodes are servers with the same dynamic namespaces, each with clients.
type nodes struct {
	t       *testing.T
	servers []*socketio.Server
	rooms   []*socketio.Dynamic
	clients []*client
	names   []string // of the clients' namespaces
	ids     []string
}

func startNodes(t *testing.T, n int, ordered bool) *nodes {
	options := adapter.BusOptions{Ordered: ordered}
	options.Cluster.Discovery = time.Millisecond
	bus := adapter.NewBus(&options)
	c := &nodes{t: t}
	for range n {
		o := &socketio.Options{}
		if n > 1 {
			o.Adapter = bus.Node().Adapter
		}
		srv, url := start(t, o)
		d := srv.Dynamic("/room-{id}", nil)
		c.servers, c.rooms = append(c.servers, srv), append(c.rooms, d)
		d.OnConnect(func(_ context.Context, s *socketio.Socket) error {
			s.Join("in-" + s.Namespace().Param("id"))
			if len(s.Auth()) > 2 {
				s.Join("vip")
			}
			return nil
		})
		// Everywhere /room-common, on each node one of its own.
		for _, name := range []string{"/room-common", fmt.Sprintf("/room-%d", len(c.servers))} {
			for _, auth := range []string{"", `{"vip":true}`} {
				last := "in-" + name[len("/room-"):] // of the rooms that it joins
				if auth != "" {
					last = "vip"
				}
				k := dial(t, url)
				c.ids = append(c.ids, k.connect(name, auth))
				c.clients, c.names = append(c.clients, k), append(c.names, name)
				assert.Eventually(t, func() bool {
					s, ok := d.Socket(c.ids[len(c.ids)-1])
					return ok && slices.Contains(s.Rooms(), last)
				})
			}
		}
	}
	for _, d := range c.rooms {
		assert.Eventually(t, func() bool { k, err := d.Nodes(t.Context()); return err == nil && k == n })
		for _, child := range d.Children() {
			assert.Eventually(t, func() bool {
				k, err := child.Nodes(t.Context())
				return err == nil && (k == n || child.Name() != "/room-common")
			})
		}
	}
	return c
}

// expect reads an event at the clients that a function chooses, by their number.
func (c *nodes) expect(event string, who func(i int) bool) {
	c.t.Helper()
	for i, k := range c.clients {
		if who(i) {
			k.expect("42" + c.names[i] + "," + event)
		}
	}
}

func everyone(int) bool { return true }
func vips(i int) bool   { return i%2 == 1 }

func TestWhatADynamicSendsReachesAllChildrenOfAllNodes(t *testing.T) {
	for n := 1; n <= 3; n++ {
		for _, ordered := range []bool{false, true} {
			t.Run(fmt.Sprintf("%d nodes, ordered %v", n, ordered), func(t *testing.T) {
				c := startNodes(t, n, ordered)
				d := c.rooms[0]
				assert.NoError(t, d.Emit("all", 1))
				assert.NoError(t, d.To("vip").Emit("vips", []byte{1, 2}))
				assert.NoError(t, d.Except("vip").Volatile().Emit("others"))
				assert.NoError(t, d.To("in-common").Except("vip").Compress(false).Emit("common"))
				assert.NoError(t, d.To(c.ids[len(c.ids)-1]).Emit("one"))
				assert.NoError(t, d.To().Emit("nobody"))
				for i := range 50 {
					assert.NoError(t, d.Emit("n", i))
				}
				c.expect(`["all",1]`, everyone)
				for i, k := range c.clients {
					if vips(i) {
						k.expect("451-" + c.names[i] + `,["vips",{"_placeholder":true,"num":0}]`)
						assert.Equal(t, k.readBinary(), []byte{1, 2})
					}
				}
				c.expect(`["others"]`, func(i int) bool { return !vips(i) })
				c.expect(`["common"]`, func(i int) bool { return !vips(i) && c.names[i] == "/room-common" })
				c.expect(`["one"]`, func(i int) bool { return i == len(c.ids)-1 })
				for i := range 50 {
					c.expect(fmt.Sprintf(`["n",%d]`, i), everyone)
				}
				assert.NoError(t, d.Local().Emit("local"))
				c.expect(`["local"]`, func(i int) bool { return i < 4 })
				for _, k := range c.clients {
					k.expectSilence()
				}
			})
		}
	}
}

// A child's own events stay its own, on all nodes.
func TestWhatAChildSendsStaysThere(t *testing.T) {
	c := startNodes(t, 2, false)
	child, _ := c.rooms[0].Child("/room-common")
	assert.NoError(t, child.Emit("e"))
	c.expect(`["e"]`, func(i int) bool { return c.names[i] == "/room-common" })
	// Also from a node that has it only for that.
	assert.NoError(t, c.rooms[0].Visit(t.Context(), "/room-2", func(_ context.Context, ns *socketio.Namespace) error {
		return ns.Emit("visit")
	}))
	c.expect(`["visit"]`, func(i int) bool { return c.names[i] == "/room-2" })
	for _, k := range c.clients {
		k.expectSilence()
	}
}

func TestWhatADynamicKnowsOfAllNodes(t *testing.T) {
	for n := 1; n <= 3; n++ {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			c := startNodes(t, n, false)
			d := c.rooms[0]
			ctx := t.Context()
			assert.Equal(t, d.Count(), 4)
			assert.Equal(t, len(d.Sockets()), 4)
			count, err := d.All().Count(ctx)
			assert.NoError(t, err)
			assert.Equal(t, count, 4*n)
			count, err = d.To("vip").Count(ctx)
			assert.NoError(t, err)
			assert.Equal(t, count, 2*n)
			rooms, err := d.Rooms(ctx)
			assert.NoError(t, err)
			slices.Sort(rooms)
			want := []string{"in-common", "vip"}
			for i := range n {
				want = append(want, fmt.Sprintf("in-%d", i+1))
			}
			slices.Sort(want)
			assert.Equal(t, rooms, want)
		})
	}
}

func TestQuestionsAndChangesOfADynamic(t *testing.T) {
	for n := 1; n <= 3; n++ {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			c := startNodes(t, n, false)
			d := c.rooms[0]
			asked := make(chan *socketio.Answers, 1)
			go func() {
				answers, err := d.Ask(t.Context(), "q")
				assert.NoError(t, err)
				asked <- answers
			}()
			for i, k := range c.clients {
				_, text, err := k.next()
				assert.NoError(t, err)
				var id int
				_, err = fmt.Sscanf(text, "42"+c.names[i]+`,%d["q"]`, &id)
				assert.NoError(t, err)
				k.send(fmt.Sprintf(`43%s,%d[%d]`, c.names[i], id, i))
			}
			answers := assert.Receive(t, asked)
			assert.Equal(t, []int{answers.Expected, len(answers.Answers), answers.MissingCount}, []int{4 * n, 4 * n, 0})
			heard := map[string]int{}
			for _, a := range answers.Answers {
				var i int
				assert.NoError(t, a.Decode(&i))
				heard[a.Socket] = i
			}
			for i, id := range c.ids {
				assert.Equal(t, heard[id], i)
			}

			assert.NoError(t, d.To("vip").Join("new"))
			assert.NoError(t, d.To("in-common").Leave("new"))
			assert.NoError(t, d.To("new").Emit("news"))
			c.expect(`["news"]`, func(i int) bool { return vips(i) && c.names[i] != "/room-common" })
			last := len(c.ids) - 1
			remotes, err := d.To(c.ids[last]).Fetch(t.Context())
			assert.NoError(t, err)
			assert.Equal(t, len(remotes), 1)
			assert.Equal(t, remotes[0].Rooms[0], c.ids[last])
			assert.NoError(t, remotes[0].Emit("direct"))
			c.expect(`["direct"]`, func(i int) bool { return i == last })
			assert.NoError(t, d.Except("in-common").Disconnect(false))
			for i, k := range c.clients {
				if c.names[i] != "/room-common" {
					k.expect("41" + c.names[i] + ",")
				}
			}
			for _, d := range c.rooms { // which has ended all but one
				assert.Eventually(t, func() bool { return len(d.Children()) == 1 })
			}
			for _, k := range c.clients {
				k.expectSilence()
			}
		})
	}
}

func TestEventsBetweenTheNodesOfADynamic(t *testing.T) {
	c := startNodes(t, 3, false)
	heard := newRecord()
	for i, d := range c.rooms {
		d.OnServerSide("e", func(ctx context.Context, _ packet.Args) (any, error) {
			ns := socketio.ServerSideNamespace(ctx)
			heard.add("%d %s %s", i, ns.Name(), ns.Param("id"))
			return i, nil
		})
	}
	assert.NoError(t, c.rooms[0].ServerSideEmit("e"))
	got := []string{assert.Receive(t, heard), assert.Receive(t, heard)}
	slices.Sort(got)
	assert.Equal(t, got, []string{"1 /room-{id} ", "2 /room-{id} "})
	child, _ := c.rooms[0].Child("/room-common")
	answers, err := child.ServerSideAsk(t.Context(), "e")
	assert.NoError(t, err)
	assert.Equal(t, len(answers), 2)
	got = []string{assert.Receive(t, heard), assert.Receive(t, heard)}
	slices.Sort(got)
	assert.Equal(t, got, []string{"1 /room-common common", "2 /room-common common"})
	child, _ = c.rooms[0].Child("/room-1") // nobody else has it
	answers, err = child.ServerSideAsk(t.Context(), "e")
	assert.NoError(t, err)
	assert.Equal(t, len(answers), 0)
	assert.Equal(t, len(heard), 0)
	assert.True(t, socketio.ServerSideNamespace(t.Context()) == nil)
}

// An adapter that subscribes to single rooms hears of those of all children, for the
// Dynamic's own part in the cluster as well.
func TestTheRoomsOfChildrenAreTheDynamicsToo(t *testing.T) {
	changed := make(chan string, 1000)
	srv, url := start(t, &socketio.Options{Adapter: func(n adapter.Node) (adapter.Adapter, error) {
		m, err := adapter.NewMemory(n)
		return &observing{m, n, changed}, err
	}})
	d := srv.Dynamic("/room-{id}", nil)
	d.OnConnect(func(_ context.Context, s *socketio.Socket) error { s.Join("r"); return nil })
	c := dial(t, url)
	id := c.connect("/room-1", "")
	for _, want := range []string{
		"/room-1 " + id + " true", "/room-{id} " + id + " true", "/room-1 r true", "/room-{id} r true",
	} {
		assert.Equal(t, assert.Receive(t, changed), want)
	}
	c.send("41/room-1,")
	got := []string{assert.Receive(t, changed), assert.Receive(t, changed), assert.Receive(t, changed), assert.Receive(t, changed)}
	assert.Equal(t, got[1], "/room-{id} r false")
	assert.Equal(t, got[3], "/room-{id} "+id+" false")
}

type observing struct {
	adapter.Adapter
	node    adapter.Node
	changed chan string
}

func (o *observing) RoomChanged(room string) {
	o.changed <- fmt.Sprintf("%s %s %t", o.node.Namespace(), room, o.node.HasRoom(room))
}
