package conformance_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/history"
	"github.com/kachi-io/kachi/socketio"
)

var losses = flag.Int("losses", 20, "how often each client of TestRecoveryIsJudged loses its connection")

// The real client's histories hold to docs/guarantees.md as those of the schedules in
// socketio do: clients that poll, that upgrade and on WebSocket lose their connections at
// any stage, by a cut, by the server's closing it, by the end of their process, known to
// the server or not; they leave and are put out; and the judge looks at what they got.
func TestRecoveryIsJudged(t *testing.T) {
	t.Parallel()
	w := newCourt(t)
	ways := [][]string{{"polling"}, {"websocket"}, {"polling", "websocket"}}
	for i := range 2 * len(ways) {
		w.witnesses = append(w.witnesses, newWitness(t, w.log, i+1, w.host.Listener.Addr().String(), ways[i%3], "/", "/other"))
	}
	for _, c := range w.witnesses {
		c.start()
	}
	assert.Eventually(t, w.allHere)
	done := make(chan struct{})
	var sending, losing sync.WaitGroup
	for seed := range uint64(2) {
		sending.Go(func() { w.stream(rand.New(rand.NewPCG(seed, 0)), done) })
	}
	for i, c := range w.witnesses {
		losing.Go(func() { w.lose(c, rand.New(rand.NewPCG(uint64(i), 1))) })
	}
	losing.Wait()
	close(done)
	sending.Wait()
	assert.Eventually(t, w.allHere)
	var last []int // who has them has all that came before
	for _, ns := range w.spaces {
		last = append(last, w.send(ns.All(), history.Entry{Namespace: ns.Name()}))
	}
	assert.Eventually(t, func() bool {
		for _, c := range w.witnesses {
			for _, id := range last {
				if !c.has(id) {
					return false
				}
			}
		}
		return true
	})
	w.log.Add(history.Entry{Kind: history.Settled})
	for _, ns := range w.spaces {
		for _, s := range ns.Sockets() {
			w.note(s, history.Entry{Kind: history.Alive, Rooms: s.Rooms()})
		}
	}
	stats := w.srv.Stats()
	w.end()
	recovery := &history.Recovery{Window: w.window, Keep: w.window + heartbeat.PingInterval + heartbeat.PingTimeout}
	terms := history.Terms{Hasty: true, Slack: 5 * time.Second, Recovery: recovery}
	found := history.Judge(w.log.Entries(), terms)
	for _, v := range found[:min(len(found), 5)] {
		t.Error(v)
	}
	if len(found) > 0 {
		for _, e := range history.Excerpt(w.log.Entries(), found[0]) {
			t.Log(e)
		}
	}
	t.Logf("%d recovered, %d not, %d events replayed of %d", stats.Recovered, stats.NotRecovered, stats.Replayed, w.ids.Load())
	assert.True(t, stats.Recovered > uint64(len(w.witnesses)**losses/2) && stats.Replayed > 0, "hardly anybody came back")
	for rule, spoilt := range map[string][]history.Entry{
		"Loss":       without(w.log.Entries(), last),
		"Duplicates": doubled(w.log.Entries()),
	} {
		found := slices.ContainsFunc(history.Judge(spoilt, terms), func(v history.Violation) bool { return v.Rule == rule })
		assert.True(t, found, "a planted fault is not found: ", rule)
	}
}

// without is the history of a client that did not get one of the last messages.
func without(entries []history.Entry, last []int) []history.Entry {
	return slices.Delete(entries, place(entries, last[0]), place(entries, last[0])+1)
}

// doubled is one in which a client that came back got a message once more.
func doubled(entries []history.Entry) []history.Entry {
	first := map[string]history.Entry{} // of each socket, what it got first
	for i, e := range entries {
		if e.Kind != history.Got {
			continue
		}
		if before, ok := first[e.Socket]; !ok {
			first[e.Socket] = e
		} else if before.Conn != e.Conn {
			entries[i].ID = before.ID
			break
		}
	}
	return entries
}

// place is that of a message's first arrival.
func place(entries []history.Entry, id int) int {
	return slices.IndexFunc(entries, func(e history.Entry) bool { return e.Kind == history.Got && e.ID == id })
}

// court is a server that notes what it does, and its clients.
type court struct {
	t         *testing.T
	log       *history.Log
	srv       *socketio.Server
	host      *httptest.Server
	spaces    []*socketio.Namespace
	witnesses []*witness
	window    time.Duration
	ids       atomic.Int64
}

func newCourt(t *testing.T) *court {
	w := &court{t: t, log: history.NewLog(), window: 2 * time.Minute}
	o := heartbeat
	o.Recovery = &socketio.Recovery{Window: w.window}
	o.Hooks.Connected = func(s *socketio.Socket) { w.note(s, history.Entry{Kind: history.Connected}) }
	o.Hooks.Disconnected = func(s *socketio.Socket, r socketio.Reason, _ error) {
		w.note(s, history.Entry{Kind: history.Closed, Reason: string(r)})
	}
	o.Hooks.NotRecovered = func(s *socketio.Socket) { w.note(s, history.Entry{Kind: history.NotRecovered}) }
	w.srv = socketio.NewServer(&o)
	w.spaces = []*socketio.Namespace{w.srv.Namespace, w.srv.Of("/other")}
	for _, ns := range w.spaces {
		ns.OnConnect(func(_ context.Context, s *socketio.Socket) error {
			data, _ := s.Data().(string)
			w.note(s, history.Entry{Kind: history.Greeting, Recovered: s.Recovered(), Rooms: s.Rooms(), Text: data})
			if !s.Recovered() {
				id := w.next()
				w.note(s, history.Entry{Kind: history.Setting, ID: id, Text: fmt.Sprint("data ", id)})
				s.SetData(fmt.Sprint("data ", id))
				w.log.Add(history.Entry{Kind: history.SetDone, ID: id})
				w.change(s, history.Joining, "den")
			}
			w.note(s, history.Entry{Kind: history.Greeted})
			return nil
		})
		ns.OnDisconnecting(func(_ context.Context, s *socketio.Socket, r socketio.Reason) error {
			w.note(s, history.Entry{Kind: history.Disconnecting, Reason: string(r), Rooms: s.Rooms()})
			return nil
		})
		ns.OnDisconnect(func(_ context.Context, s *socketio.Socket, r socketio.Reason) error {
			w.note(s, history.Entry{Kind: history.Disconnected, Reason: string(r), Rooms: s.Rooms()})
			return nil
		})
		ns.OnSessionExpired(func(_ context.Context, s *socketio.ExpiredSession) error {
			data, _ := s.Data.(string)
			w.log.Add(history.Entry{Kind: history.Expired, Namespace: ns.Name(), Socket: s.Socket, Reason: string(s.Reason), Rooms: s.Rooms, Text: data})
			return nil
		})
	}
	w.host = httptest.NewServer(http.Handler(w.srv))
	return w
}

func (w *court) next() int { return int(w.ids.Add(1)) }

// note notes what concerns a socket.
func (w *court) note(s *socketio.Socket, e history.Entry) {
	var auth struct{ C int }
	_ = json.Unmarshal(s.Auth(), &auth)
	e.Socket, e.Namespace, e.Conn = s.ID(), s.Namespace().Name(), auth.C
	w.log.Add(e)
}

// change has a socket enter a room, or leave it.
func (w *court) change(s *socketio.Socket, kind history.Kind, room string) {
	id := w.next()
	w.note(s, history.Entry{Kind: kind, ID: id, Rooms: []string{room}})
	if kind == history.Joining {
		s.Join(room)
	} else {
		s.Leave(room)
	}
	w.log.Add(history.Entry{Kind: kind + 1, ID: id})
}

// send sends a number, sometimes with bytes.
func (w *court) send(b socketio.Broadcast, e history.Entry) int {
	e.Kind, e.ID = history.Sending, w.next()
	args := []any{e.ID}
	if e.ID%7 == 3 {
		args = append(args, []byte{1, 2, 3})
	}
	w.log.Add(e)
	w.sent(e.ID, b.Emit("m", args...))
	return e.ID
}

func (w *court) sent(id int, err error) {
	done := history.Entry{Kind: history.SendDone, ID: id}
	switch {
	case errors.Is(err, socketio.ErrSlowConsumer):
		done.Err = history.ErrSlow
	case errors.Is(err, socketio.ErrClosed):
		done.Err = history.ErrClosed
	case err != nil:
		done.Err = history.ErrOther
	}
	w.log.Add(done)
}

// stream sends to clients, rooms and all, and moves sockets about, until done is closed.
func (w *court) stream(dice *rand.Rand, done <-chan struct{}) {
	for {
		select {
		case <-done:
			return
		case <-time.After(time.Duration(dice.IntN(20)) * time.Millisecond):
		}
		ns := w.spaces[dice.IntN(len(w.spaces))]
		e := history.Entry{Namespace: ns.Name()}
		id := w.witnesses[dice.IntN(len(w.witnesses))].socket(ns.Name())
		s, there := ns.Socket(id)
		switch dice.IntN(8) {
		case 0, 1: // its client may be away
			e.Rooms = []string{id}
			w.send(ns.To(id), e)
		case 2, 3:
			e.Rooms = []string{"den"}
			w.send(ns.To("den"), e)
		case 4:
			w.send(ns.All(), e)
		case 5:
			e.Volatile = true
			w.send(ns.All().Volatile(), e)
		case 6:
			if there {
				e.Kind, e.ID = history.Sending, w.next()
				w.note(s, e)
				w.sent(e.ID, s.Emit("m", e.ID))
			}
		default:
			if there {
				w.change(s, []history.Kind{history.Joining, history.Leaving}[dice.IntN(2)], "den")
			}
		}
	}
}

// lose has a client lose its connection again and again.
func (w *court) lose(c *witness, dice *rand.Rand) {
	for n := range *losses {
		if n%3 > 0 { // or while it is coming
			assert.Eventually(w.t, c.here)
		}
		time.Sleep(time.Duration(dice.IntN(60)) * time.Millisecond) // any stage
		ns := w.spaces[dice.IntN(len(w.spaces))]
		s, there := ns.Socket(c.socket(ns.Name()))
		switch kind := dice.IntN(12); {
		case kind == 0:
			c.kill()
			c.start()
		case kind == 1: // and the server does not know
			c.net.freeze()
			c.kill()
			c.start()
		case kind < 4 && there:
			w.ending(s, true, func() { s.Conn().Close() })
		case kind == 4 && there:
			w.ending(s, false, func() { s.Disconnect(false) })
		case kind == 5:
			c.command("leave " + ns.Name())
			time.Sleep(time.Duration(dice.IntN(20)) * time.Millisecond) // at any stage of that
			c.net.cut()
		default:
			c.net.cut()
		}
	}
}

func (w *court) ending(s *socketio.Socket, whole bool, f func()) {
	id := w.next()
	w.note(s, history.Entry{Kind: history.Ending, ID: id, Whole: whole})
	f()
	w.log.Add(history.Entry{Kind: history.EndDone, ID: id})
}

func (w *court) allHere() bool {
	for _, c := range w.witnesses {
		if !c.here() {
			return false
		}
	}
	return true
}

// end stops all, and waits for it.
func (w *court) end() {
	w.log.Add(history.Entry{Kind: history.ShuttingDown})
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	err := w.srv.Shutdown(ctx)
	assert.NoError(w.t, err)
	w.log.Add(history.Entry{Kind: history.ShutDown})
	for _, c := range w.witnesses {
		c.kill()
		c.net.close()
	}
	w.host.Close()
}
