package socketio_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/socketio"
)

func TestBroadcastsReachWhomTheySelectAndOnce(t *testing.T) {
	srv, url := start(t, nil)
	clients, sockets := make([]*client, 4), make([]*socketio.Socket, 4)
	for i := range clients {
		var id string
		clients[i], id = join(t, url)
		sockets[i], _ = srv.Socket(id)
	}
	sockets[0].Join("a", "b")
	sockets[1].Join("a")
	sockets[2].Join("b", "c")
	sockets[2].Join("c")
	id := func(i int) string { return sockets[i].ID() }

	for _, row := range []struct {
		name string
		from socketio.Broadcast
		want []int
	}{
		{"everyone", srv.All(), []int{0, 1, 2, 3}},
		{"a room", srv.To("a"), []int{0, 1}},
		{"two rooms, once each", srv.To("a", "b"), []int{0, 1, 2}},
		{"two rooms in two calls", srv.To("a").In("b"), []int{0, 1, 2}},
		{"the same room twice", srv.To("a", "a"), []int{0, 1}},
		{"a room and a member's id", srv.To("a", id(0)), []int{0, 1}},
		{"an id", srv.To(id(3)), []int{3}},
		{"a room nobody is in", srv.To("nobody"), nil},
		{"no room", srv.To(), nil},
		{"an empty list and a room", srv.To([]string{}...).To("c"), []int{2}},
		{"no room of a socket", sockets[0].To(), nil},
		{"all but a room", srv.Except("a"), []int{2, 3}},
		{"all but an id", srv.Except(id(0)), []int{1, 2, 3}},
		{"a room but an id", srv.To("a").Except(id(0)), []int{1}},
		{"a room but a room", srv.To("a").Except("b"), []int{1}},
		{"rooms but rooms", srv.To("a", "b", "c").Except("c", id(1)), []int{0}},
		{"rooms named again and again", srv.To("a", "b", "a", "b").Except("c", "c", "nobody", "nobody"), []int{0, 1}},
		{"a room but itself", srv.To("a").Except("a"), nil},
		{"an id but itself", srv.To(id(0)).Except(id(0)), nil},
		{"a socket's broadcast", sockets[0].Broadcast(), []int{1, 2, 3}},
		{"a socket to its room", sockets[0].To("a"), []int{1}},
		{"a socket to rooms", sockets[0].To("a", "b"), []int{1, 2}},
		{"a socket to all but", sockets[0].Except("b"), []int{1, 3}},
		{"local", srv.Local().To("c"), []int{2}},
		{"volatile, uncompressed", srv.Volatile().Compress(false).To("c"), []int{2}},
	} {
		t.Run(row.name, func(t *testing.T) {
			assert.NoError(t, row.from.Emit("e", row.name))
			assert.NoError(t, srv.Emit("end"))
			for i, c := range clients {
				c.t = t
				if slices.Contains(row.want, i) {
					c.expect(fmt.Sprintf(`42["e",%q]`, row.name))
				}
				c.expect(`42["end"]`)
			}
			n, err := row.from.Count(t.Context())
			assert.NoError(t, err)
			assert.Equal(t, n, len(row.want))
			remotes, err := row.from.Fetch(t.Context())
			assert.NoError(t, err)
			var got []int
			for _, r := range remotes {
				got = append(got, slices.IndexFunc(sockets, func(s *socketio.Socket) bool { return s.ID() == r.ID }))
			}
			slices.Sort(got)
			assert.Equal(t, got, row.want)
		})
	}
}

func TestRoomsOfASocket(t *testing.T) {
	srv, url := start(t, nil)
	_, id := join(t, url)
	s, _ := srv.Socket(id)
	assert.Equal(t, s.Rooms(), []string{id})
	var many []string
	for i := range 40 {
		many = append(many, fmt.Sprint("room-", i))
	}
	s.Join(many...)
	s.Join(many...)
	assert.Equal(t, len(s.Rooms()), 41)
	for i, room := range many {
		s.Leave(room, room, "never-joined", id)
		assert.Equal(t, len(s.Rooms()), 40-i)
	}
	assert.Equal(t, s.Rooms(), []string{id})
	rooms, err := srv.Rooms(t.Context())
	assert.NoError(t, err)
	assert.Equal(t, len(rooms), 0, "empty rooms are gone")
}

func TestRemoteSockets(t *testing.T) {
	srv, url := start(t, nil)
	c, id := join(t, url)
	s, _ := srv.Socket(id)
	s.SetData(map[string]string{"name": "kim"})
	s.Join("r")
	remotes, err := srv.FetchSockets(t.Context())
	assert.NoError(t, err)
	assert.Equal(t, len(remotes), 1)
	r := remotes[0]
	assert.Equal(t, string(r.Data), `{"name":"kim"}`)
	assert.Equal(t, []string(r.Rooms), []string{id, "r"})
	assert.Equal(t, r.Handshake.Address, "127.0.0.1")
	assert.NoError(t, r.Emit("direct", 1))
	c.expect(`42["direct",1]`)
	answered := make(chan error, 1)
	go func() {
		answer, err := socketio.Ask[int](t.Context(), r, "q")
		if err == nil && answer != 7 {
			err = fmt.Errorf("answer %d", answer)
		}
		answered <- err
	}()
	c.expect(`420["q"]`)
	c.send(`430[7]`)
	assert.NoError(t, assert.Receive(t, answered))
	assert.NoError(t, r.Join("x"))
	assert.NoError(t, r.Leave("r"))
	assert.Equal(t, s.Rooms(), []string{id, "x"})
	assert.NoError(t, srv.SocketsJoin("y"))
	assert.NoError(t, srv.To("y").Leave("x"))
	assert.Equal(t, s.Rooms(), []string{id, "y"})
	assert.NoError(t, r.Disconnect(false))
	c.expect("41")
	assert.True(t, !s.Connected())
}

func TestBroadcastAsksAndTellsWhoAnswered(t *testing.T) {
	srv, url := start(t, nil)
	clients, ids := make([]*client, 4), make([]string, 4)
	for i := range clients {
		clients[i], ids[i] = join(t, url)
	}
	type result struct {
		answers *socketio.Answers
		err     error
	}
	ask := func(b socketio.Broadcast) <-chan result {
		done := make(chan result, 1)
		go func() {
			answers, err := b.Ask(context.Background(), "q", []byte{9})
			done <- result{answers, err}
		}()
		return done
	}

	done := ask(srv.All())
	for i, c := range clients {
		c.expect(`451-0["q",{"_placeholder":true,"num":0}]`)
		assert.Equal(t, c.readBinary(), []byte{9})
		c.send(fmt.Sprintf(`430["from %d"]`, i))
	}
	r := assert.Receive(t, done)
	assert.NoError(t, r.err)
	assert.Equal(t, r.answers.Expected, 4)
	assert.Equal(t, len(r.answers.Missing), 0)
	for _, a := range r.answers.Answers {
		var text string
		assert.NoError(t, a.Decode(&text))
		assert.Equal(t, text, fmt.Sprintf("from %d", slices.Index(ids, a.Socket)))
	}

	done = ask(srv.Timeout(4 * short)) // one answers, one leaves, two are silent
	for _, c := range clients {
		c.expect(`451-1["q",{"_placeholder":true,"num":0}]`)
		c.readBinary()
	}
	clients[0].send(`431[]`)
	clients[1].gone()
	r = assert.Receive(t, done)
	assert.ErrorIs(t, r.err, socketio.ErrAckTimeout)
	assert.Equal(t, r.answers.Expected, 4)
	assert.Equal(t, len(r.answers.Answers), 1)
	assert.Equal(t, r.answers.Answers[0].Socket, ids[0])
	missing := slices.Sorted(slices.Values(r.answers.Missing))
	assert.Equal(t, missing, slices.Sorted(slices.Values(ids[1:])))

	for _, none := range []socketio.Broadcast{srv.To("nobody"), srv.To()} {
		r = assert.Receive(t, ask(none))
		assert.NoError(t, r.err)
		assert.Equal(t, r.answers.Expected, 0)
		assert.NoError(t, none.Join("x"))
		assert.NoError(t, none.Leave("x"))
		assert.NoError(t, none.Disconnect(true))
	}
}

// Many goroutines broadcast to overlapping rooms while sockets join, leave, come and go:
// all members see what is sent to a room in one order, and what one goroutine sent, in
// its order, once.
func TestAllMembersSeeOneOrder(t *testing.T) {
	srv, url := start(t, nil)
	const members, senders, each = 6, 4, 150
	clients := make([]*client, members)
	for i := range clients {
		var id string
		clients[i], id = join(t, url)
		s, _ := srv.Socket(id)
		s.Join("a", "b")
	}
	stop := make(chan struct{})
	var churn, sending sync.WaitGroup
	churn.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				c, id := join(t, url)
				if s, ok := srv.Socket(id); ok {
					s.Join("a", "b", fmt.Sprint("own-", rand.IntN(3)))
					s.Leave("a")
				}
				c.gone()
			}
		}
	})
	for sender := range senders {
		sending.Go(func() {
			for n := range each {
				to, rooms := srv.To("a"), "a"
				switch rand.IntN(4) {
				case 0:
					to, rooms = srv.All(), "ab"
				case 1:
					to, rooms = srv.To("a", "b").Except("own-1"), "ab"
				case 2:
					to, rooms = srv.To("b").Except("somebody"), "b"
				}
				assert.NoError(t, to.Emit("n", sender, n, rooms))
			}
		})
	}
	orders := make([][]string, members)
	var reading sync.WaitGroup
	for i, c := range clients {
		reading.Go(func() {
			for range senders * each {
				orders[i] = append(orders[i], c.read())
			}
		})
	}
	sending.Wait()
	reading.Wait()
	close(stop)
	churn.Wait()
	last := map[int]int{}
	for _, text := range orders[0] {
		var sender, n int
		_, err := fmt.Sscanf(text, `42["n",%d,%d,`, &sender, &n)
		assert.NoError(t, err)
		assert.Equal(t, n, last[sender], "sender %d", sender)
		last[sender]++
	}
	for _, room := range []string{"a", "b"} {
		sentTo := func(order []string) (sent []string) {
			for _, text := range order {
				if strings.Contains(text[strings.LastIndexByte(text, ','):], room) {
					sent = append(sent, text)
				}
			}
			return sent
		}
		for i := range orders {
			assert.True(t, slices.Equal(sentTo(orders[i]), sentTo(orders[0])), "member %d saw another order of %s", i, room)
		}
	}
}

func TestJoinAfterTheEndHasNoEffect(t *testing.T) {
	srv, url := start(t, nil)
	var wg sync.WaitGroup
	for range 50 {
		c, id := join(t, url)
		s, _ := srv.Socket(id)
		wg.Go(func() {
			for range 20 {
				s.Join("r1", "r2")
				s.Leave("r1")
			}
		})
		wg.Go(func() { s.Disconnect(true) })
		wg.Go(c.gone)
	}
	wg.Wait()
	assert.Eventually(t, func() bool { return srv.Count() == 0 && srv.Connections() == 0 })
	rooms, err := srv.Rooms(t.Context())
	assert.NoError(t, err)
	assert.Equal(t, len(rooms), 0)
}
