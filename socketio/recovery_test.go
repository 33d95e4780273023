package socketio_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kachi-io/kachi/engineio"
	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/socketio"
	"github.com/kachi-io/kachi/socketio/adapter"
)

// returner is a client that comes back: what it keeps of its former self is what
// socket.io-client keeps.
type returner struct {
	t   testing.TB
	url string
	*client
	sid, pid, offset string
	recovered        bool
}

func (r *returner) come() {
	r.t.Helper()
	assert.NoError(r.t, r.tryToCome())
}

// tryToCome fails where the connection is lost before CONNECT is answered.
func (r *returner) tryToCome() error {
	r.t.Helper()
	r.client = dial(r.t, r.url)
	auth := map[string]string{}
	if r.pid != "" {
		auth["pid"] = r.pid
		if r.offset != "" {
			auth["offset"] = r.offset
		}
	}
	text, _ := json.Marshal(auth)
	r.send("40" + string(text))
	var answer struct{ SID, PID string }
	_, greeting, err := r.next()
	if err != nil {
		return err
	}
	assert.True(r.t, strings.HasPrefix(greeting, "40"), greeting)
	assert.NoError(r.t, json.Unmarshal([]byte(greeting[2:]), &answer))
	assert.True(r.t, answer.PID != "" && answer.SID != "")
	r.recovered = r.pid == answer.PID
	assert.Equal(r.t, r.recovered, r.sid == answer.SID)
	r.sid, r.pid = answer.SID, answer.PID
	return nil
}

// cut ends the connection without a word.
func (r *returner) cut() { _ = r.conn.Close() }

// event takes the next event, and returns it without its position: name and arguments.
func (r *returner) event() string {
	r.t.Helper()
	event, err := r.take()
	assert.NoError(r.t, err)
	return event
}

func (r *returner) take() (string, error) {
	_, text, err := r.next()
	if err != nil {
		return "", err
	}
	var args []any
	if !strings.HasPrefix(text, "42") || json.Unmarshal([]byte(text[2:]), &args) != nil {
		return "", fmt.Errorf("no event: %q", text)
	}
	if offset, ok := args[len(args)-1].(string); ok && len(args) > 1 {
		r.offset = offset
	}
	return fmt.Sprint(args[:len(args)-1]...), nil
}

// recovering serves a server with recovery, and returns one client of it. ended tells the
// ids of sockets that have ended.
func recovering(t *testing.T, o *socketio.Options) (srv *socketio.Server, r *returner, ended chan string) {
	t.Helper()
	if o.Recovery == nil {
		o.Recovery = &socketio.Recovery{}
	}
	ended = make(chan string, 10_000)
	o.Hooks.Disconnected = func(s *socketio.Socket, _ socketio.Reason, _ error) { ended <- s.ID() }
	srv, url := start(t, o)
	r = &returner{t: t, url: url}
	r.come()
	return srv, r, ended
}

func socketOf(t *testing.T, srv *socketio.Server, id string) *socketio.Socket {
	t.Helper()
	var s *socketio.Socket
	assert.Eventually(t, func() (ok bool) { s, ok = srv.Socket(id); return ok })
	return s
}

func TestRecovery(t *testing.T) {
	srv, r, ended := recovering(t, &socketio.Options{})
	s := socketOf(t, srv, r.sid)
	s.Join("den", "hall")
	s.SetData("kept")
	assert.True(t, !s.Recovered())
	assert.NoError(t, srv.To("den").Emit("e", 1))
	assert.Equal(t, r.event(), "e1")
	assert.NoError(t, s.Emit("e", 2)) // on its way when the connection breaks
	r.cut()
	assert.Equal(t, assert.Receive(t, ended), r.sid)
	for i, to := range []string{"den", "elsewhere", "hall", r.sid} {
		assert.NoError(t, srv.To(to).Emit("e", 3+i))
	}
	assert.NoError(t, srv.Emit("e", 7))
	assert.NoError(t, srv.Except("hall").Emit("e", 8))
	assert.ErrorIs(t, s.Emit("e", 9), socketio.ErrClosed)

	for range 3 { // as often as needed
		before := r.sid
		r.come()
		assert.True(t, r.recovered)
		assert.Equal(t, r.sid, before)
		for _, want := range []string{"e2", "e3", "e5", "e6", "e7"} {
			assert.Equal(t, r.event(), want)
		}
		s = socketOf(t, srv, r.sid)
		assert.True(t, s.Recovered())
		assert.Equal(t, s.Data(), any("kept"))
		assert.Equal(t, len(s.Rooms()), 3)
		assert.NoError(t, srv.To("den").To("hall").Emit("e", 10))
		assert.Equal(t, r.event(), "e10")
		r.cut()
		assert.Equal(t, assert.Receive(t, ended), r.sid)
		for _, n := range []int{2, 3, 5, 6, 7} {
			assert.NoError(t, srv.To(r.sid).Emit("e", n))
		}
	}
	assert.Eventually(t, func() bool { return srv.Stats().Recovered == 3 && srv.Stats().Replayed == 15 })
}

// Before its first event a client has no position to show.
func TestRecoveryWithoutAPosition(t *testing.T) {
	for _, required := range []bool{false, true} {
		srv, r, ended := recovering(t, &socketio.Options{Recovery: &socketio.Recovery{RequireOffset: required}})
		r.cut()
		assert.Receive(t, ended)
		assert.NoError(t, srv.To(r.sid).Emit("e", 1))
		r.come()
		assert.Equal(t, r.recovered, !required)
		if !required {
			assert.Equal(t, r.event(), "e1")
		}
	}
}

// A client that missed nothing comes back, however much was kept and let go since its last
// event.
func TestRecoveryOfTheIdle(t *testing.T) {
	srv, r, ended := recovering(t, &socketio.Options{Recovery: &socketio.Recovery{MaxEvents: 10}})
	assert.NoError(t, srv.To(r.sid).Emit("e", 1))
	assert.Equal(t, r.event(), "e1")
	for range 50 {
		assert.NoError(t, srv.To("others").Emit("x"))
	}
	r.cut()
	assert.Receive(t, ended)
	assert.NoError(t, srv.To(r.sid).Emit("e", 2))
	r.come()
	assert.True(t, r.recovered)
	assert.Equal(t, r.event(), "e2")

	// But not without what is gone.
	r.cut()
	assert.Receive(t, ended)
	for i := range 11 {
		assert.NoError(t, srv.To(r.sid).Emit("e", 3+i))
	}
	r.come()
	assert.True(t, !r.recovered)
	assert.Equal(t, srv.Stats().NotRecovered, uint64(1))
	assert.Eventually(t, func() bool { return srv.Stats().Expired == 1 })
}

// The connection is dead, and only the client knows.
func TestRecoveryFromAHalfDeadConnection(t *testing.T) {
	srv, r, ended := recovering(t, &socketio.Options{})
	assert.NoError(t, srv.Emit("e", 1))
	assert.Equal(t, r.event(), "e1")
	first := r.sid
	assert.NoError(t, srv.Emit("e", 2))
	dead := r.conn
	r.come() // on another connection
	assert.True(t, r.recovered)
	for err := error(nil); err == nil; { // it is closed: if it is not dead after all, the client must know
		_, err = dead.Read()
		assert.True(t, !errors.Is(err, os.ErrDeadlineExceeded))
	}
	assert.Equal(t, assert.Receive(t, ended), first)
	assert.Equal(t, r.event(), "e2")
	assert.NoError(t, srv.Emit("e", 3))
	assert.Equal(t, r.event(), "e3")
	assert.Equal(t, srv.Count(), 1)
}

func TestVolatileEventsBearThePosition(t *testing.T) {
	srv, r, ended := recovering(t, &socketio.Options{})
	s := socketOf(t, srv, r.sid)
	assert.NoError(t, s.Emit("e", 1))
	assert.Equal(t, r.event(), "e1")
	position := r.offset
	assert.NoError(t, s.Volatile().Emit("v", "a text"))
	assert.Equal(t, r.event(), "va text")
	assert.Equal(t, r.offset, position)
	assert.NoError(t, srv.Volatile().Emit("v", "another"))
	assert.Equal(t, r.event(), "vanother")
	assert.Equal(t, r.offset, position)
	r.cut()
	assert.Receive(t, ended)
	assert.NoError(t, srv.Volatile().Emit("v", "lost"))
	assert.NoError(t, srv.To(s.ID()).Emit("e", 2))
	r.come()
	assert.Equal(t, r.event(), "e2")
}

// What was missed need not fit into what may wait for a client.
func TestRecoveryOfMoreThanTheQueueHolds(t *testing.T) {
	srv, r, ended := recovering(t, &socketio.Options{MaxQueuedMessages: 16, MaxQueuedBytes: 10_000})
	r.cut()
	assert.Receive(t, ended)
	padding := strings.Repeat("x", 900)
	for i := range 1000 {
		pad := padding
		if i%100 == 7 {
			pad = strings.Repeat("x", 30_000) // more than may wait at all
		}
		assert.NoError(t, srv.To(r.sid).Emit("e", pad, i))
	}
	r.come()
	assert.True(t, r.recovered)
	for i := range 1000 {
		assert.True(t, strings.HasSuffix(r.event(), fmt.Sprintf("x%d", i)), i)
	}
	assert.NoError(t, srv.To(r.sid).Emit("live"))
	assert.Equal(t, r.event(), "live")
}

// Whoever joins or leaves gets what was sent while it was there: that got lost on the way.
func TestRecoveryKnowsWhoWasWhereWhen(t *testing.T) {
	srv, r, ended := recovering(t, &socketio.Options{})
	s := socketOf(t, srv, r.sid)
	emit := func(room string, n int) { assert.NoError(t, srv.To(room).Emit("e", n)) }
	emit("a", 1)
	s.Join("a")
	emit("a", 2)
	s.Leave("a")
	emit("a", 3)
	s.Join("b", "a")
	emit("a", 4)
	assert.NoError(t, srv.To("a").Except("b").Emit("e", 5))
	s.Leave("b")
	assert.NoError(t, srv.To("a").Except("b").Emit("e", 6))
	r.cut() // none of it was read
	assert.Receive(t, ended)
	r.come()
	for _, want := range []string{"e2", "e4", "e6"} {
		assert.Equal(t, r.event(), want)
	}
	assert.NoError(t, srv.To(r.sid).Emit("done"))
	assert.Equal(t, r.event(), "done")
}

func TestSessionsExpire(t *testing.T) {
	o := &socketio.Options{Recovery: &socketio.Recovery{Window: short}}
	srv, url := start(t, o)
	expired := make(chan *socketio.ExpiredSession, 1)
	srv.OnSessionExpired(func(_ context.Context, s *socketio.ExpiredSession) error { expired <- s; return nil })
	r := &returner{t: t, url: url}
	r.come()
	s := socketOf(t, srv, r.sid)
	s.Join("den")
	s.SetData(5)
	r.cut()
	e := assert.Receive(t, expired)
	assert.Equal(t, e.Socket, r.sid)
	assert.Equal(t, e.Rooms, []string{r.sid, "den"})
	assert.Equal(t, e.Data, any(5))
	assert.Equal(t, e.Reason, engineio.TransportClose)
	r.come()
	assert.True(t, !r.recovered)
}

func TestSessionsAreBounded(t *testing.T) {
	srv, r, ended := recovering(t, &socketio.Options{Recovery: &socketio.Recovery{MaxSessions: 2}})
	all := []*returner{r, {t: t, url: r.url}, {t: t, url: r.url}}
	for i, r := range all {
		if i > 0 {
			r.come()
		}
		r.cut()
		assert.Receive(t, ended)
	}
	assert.Eventually(t, func() bool { return srv.Stats().Expired == 1 })
	for i, r := range all {
		r.come()
		assert.Equal(t, r.recovered, i > 0)
	}
}

// Whom the server, or the client itself, disconnects does not come back.
func TestWhoIsDisconnectedIsNotRecovered(t *testing.T) {
	srv, r, ended := recovering(t, &socketio.Options{})
	for _, whole := range []bool{false, true} {
		socketOf(t, srv, r.sid).Disconnect(whole)
		assert.Receive(t, ended)
		assert.Equal(t, r.read(), "41")
		r.come()
		assert.True(t, !r.recovered, whole)
	}
	r.send("41")
	assert.Receive(t, ended)
	r.come()
	assert.True(t, !r.recovered)
}

func TestMiddlewaresAndRecovery(t *testing.T) {
	for _, run := range []bool{false, true} {
		var calls atomic.Int32
		var refuse atomic.Bool
		o := &socketio.Options{Recovery: &socketio.Recovery{RunMiddlewares: run}}
		srv, url := start(t, o)
		srv.Use(func(_ context.Context, s *socketio.Socket) error {
			calls.Add(1)
			s.Join("by middleware")
			if refuse.Load() {
				return &socketio.Error{Code: "expired", Message: "expired"}
			}
			return nil
		})
		r := &returner{t: t, url: url}
		r.come()
		s := socketOf(t, srv, r.sid)
		r.cut()
		assert.Eventually(t, func() bool { return !s.Connected() })
		if run {
			refuse.Store(true)
			c := dial(t, url)
			c.send(`40{"pid":"` + r.pid + `"}`)
			assert.True(t, strings.HasPrefix(c.read(), "44"), "refused")
			refuse.Store(false)
		}
		r.come()
		assert.True(t, r.recovered)
		assert.Equal(t, calls.Load() > 1, run)
		assert.Equal(t, socketOf(t, srv, r.sid).Rooms(), []string{r.sid, "by middleware"})
	}
}

type keeper struct{ name string }

func (k keeper) Keep() any { return k.name }

// Somebody else at the same client gets nothing of what was kept, and begins anew.
func TestSomebodyElseComesBack(t *testing.T) {
	type shown struct{ Name string }
	srv, url := start(t, &socketio.Options{Recovery: &socketio.Recovery{RunMiddlewares: true}})
	srv.Use(func(_ context.Context, s *socketio.Socket) error {
		var by shown
		_ = json.Unmarshal(s.Auth(), &by)
		if was, ok := s.Extension().(string); ok && was != by.Name {
			return errors.Join(socketio.ErrSomebodyElse, socketio.NewError("forbidden", "You are not "+was))
		}
		s.SetExtension(keeper{by.Name})
		return nil
	})
	expired := make(chan string, 1)
	srv.OnSessionExpired(func(_ context.Context, s *socketio.ExpiredSession) error { expired <- s.Socket; return nil })
	c := dial(t, url)
	c.send(`40{"name":"Mina"}`)
	var mina struct{ SID, PID string }
	assert.NoError(t, json.Unmarshal([]byte(c.read()[2:]), &mina))
	c.gone()
	assert.Eventually(t, func() bool { return srv.Count() == 0 })

	c = dial(t, url)
	c.send(`40{"name":"Mina","pid":"` + mina.PID + `"}`)
	c.expect(`40{"sid":"` + mina.SID + `","pid":"` + mina.PID + `"}`)
	assert.NoError(t, srv.To(mina.SID).Emit("secret"))
	c.gone()
	assert.Eventually(t, func() bool { return srv.Count() == 0 })

	c = dial(t, url)
	c.send(`40{"name":"Jun","pid":"` + mina.PID + `"}`)
	c.expect(`44{"message":"You are not Mina","data":{"status":"error","code":"forbidden","message":"You are not Mina"}}`)
	assert.Equal(t, assert.Receive(t, expired), mina.SID)
	c.send(`40{"name":"Jun","pid":"` + mina.PID + `"}`)
	answer := c.read()
	assert.True(t, strings.HasPrefix(answer, `40{"sid"`) && !strings.Contains(answer, mina.SID) && !strings.Contains(answer, mina.PID), answer)
}

func TestWhatIsShownIsNotBelieved(t *testing.T) {
	_, r, ended := recovering(t, &socketio.Options{})
	r.cut()
	assert.Receive(t, ended)
	for _, auth := range []string{
		`{"pid":"unknown"}`, `{"pid":5,"offset":"x"}`, `{"pid":["` + r.pid + `"]}`, `{"offset":"0"}`, `{"pid":null,"offset":null}`,
	} {
		c := dial(t, r.url)
		assert.True(t, c.connect("/", auth) != r.sid, auth)
	}
	for _, offset := range []string{"x", "0", "99999999.1", strings.Repeat("z", 10_000)} {
		r := &returner{t: t, url: r.url}
		r.come()
		sid := r.sid
		r.cut()
		assert.Receive(t, ended)
		r.offset = offset
		r.come()
		assert.True(t, !r.recovered && r.sid != sid, offset)
	}
}

func TestAdaptersThatCannotRecover(t *testing.T) {
	bus := adapter.NewBus(nil)
	defer func() {
		err, _ := recover().(error)
		assert.ErrorIs(t, err, socketio.ErrNoRecovery)
	}()
	socketio.NewServer(&socketio.Options{Recovery: &socketio.Recovery{}, Adapter: bus.Node().Adapter})
	t.Error("it started")
}

// Clients are cut at any moment, also while they are getting what they missed, and
// come back; each gets every event that was for it, in order, and none twice.
func TestRecoveryAgainAndAgain(t *testing.T) {
	const clients, events, senders = 8, 2000, 3
	srv, url := start(t, &socketio.Options{Recovery: &socketio.Recovery{}, MaxQueuedMessages: 64})
	srv.OnConnect(func(_ context.Context, s *socketio.Socket) error {
		if !s.Recovered() {
			s.Join("all")
		}
		return nil
	})
	var all sync.WaitGroup
	var ready sync.WaitGroup
	ids := make([]string, clients)
	ready.Add(clients)
	begin := make(chan struct{})
	for i := range clients {
		all.Go(func() {
			r := &returner{t: t, url: url}
			r.come()
			assert.Eventually(t, func() bool { s, ok := srv.Socket(r.sid); return ok && len(s.Rooms()) == 2 })
			ids[i] = r.sid
			ready.Done()
			<-begin
			dice := rand.New(rand.NewPCG(uint64(i), 9))
			var seen [senders + 1]int // by sender
			left := senders*events + events
			for left > 0 {
				if dice.IntN(150) == 0 {
					r.cut()
					r.come()
					if !r.recovered {
						t.Errorf("client %d is not recovered", i)
						return
					}
				}
				event, err := r.take()
				if err != nil { // a slow consumer
					r.come()
					if !r.recovered {
						t.Errorf("client %d is not recovered", i)
						return
					}
					continue
				}
				var sender, n int
				if _, err := fmt.Sscanf(event, "e%d %d", &sender, &n); err != nil || n != seen[sender]+1 {
					t.Errorf("client %d: %q after %d", i, event, seen[sender])
					return
				}
				seen[sender] = n
				left--
			}
		})
	}
	ready.Wait()
	close(begin)
	for sender := range senders {
		all.Go(func() {
			for n := 1; n <= events; n++ {
				assert.NoError(t, srv.To("all").Emit("e", sender, n))
				if n%10 == 0 {
					time.Sleep(time.Millisecond)
				}
			}
		})
	}
	all.Go(func() {
		for n := 1; n <= events; n++ {
			for _, id := range ids {
				if err := srv.To(id).Emit("e", senders, n); err != nil && !errors.Is(err, socketio.ErrClosed) {
					t.Error(err)
				}
			}
		}
	})
	all.Wait()
	settled(t, srv)
}

// The connection breaks once more while its client is asking to come back. The server may
// read what was asked on a lost connection after what was asked on the next: then the next
// is closed, too, and the client comes once more.
func TestRecoveryCutWhileComing(t *testing.T) {
	srv, r, _ := recovering(t, &socketio.Options{})
	for n := range 100 {
		assert.NoError(t, srv.To(r.sid).Emit("e", n))
		for {
			event, err := r.take()
			if err == nil {
				assert.Equal(t, event, fmt.Sprint("e", n))
				break
			}
			assert.True(t, !errors.Is(err, os.ErrDeadlineExceeded))
			r.comeBack()
		}
		r.cut()
		for range n % 4 {
			c := dial(t, r.url)
			c.send(`40{"pid":"` + r.pid + `","offset":"` + r.offset + `"}`)
			c.gone()
		}
		r.comeBack()
	}
	settled(t, srv)
}

// comeBack comes until it is let in, and expects to be recovered.
func (r *returner) comeBack() {
	r.t.Helper()
	for err := r.tryToCome(); err != nil; err = r.tryToCome() {
		assert.True(r.t, !errors.Is(err, os.ErrDeadlineExceeded))
	}
	assert.True(r.t, r.recovered)
}

// settled checks, once all have come to rest, that whoever was admitted is there or has ended.
func settled(t *testing.T, srv *socketio.Server) {
	t.Helper()
	assert.Eventually(t, func() bool {
		s := srv.Stats()
		ended := uint64(0)
		for _, n := range s.Ended {
			ended += n
		}
		return s.Admitted == uint64(s.Sockets)+ended && s.Recovered <= s.Admitted
	}, "sockets are told of twice or not at all: ", srv.Stats())
}
