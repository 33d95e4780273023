package socketio_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kachi-io/kachi/engineio"
	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/wstest"
	"github.com/kachi-io/kachi/socketio"
	"github.com/kachi-io/kachi/socketio/adapter"
)

// Clients come, ask again at once, flood and vanish, while the server disconnects them
// and broadcasts: every socket that ran OnConnect runs OnDisconnecting and OnDisconnect
// once each, in this order, and no other runs either. On the wire nothing of a socket
// comes before its CONNECT or after its DISCONNECT, and neither comes twice.
func TestEveryLifeIsWhole(t *testing.T) {
	srv, url := start(t, &socketio.Options{MailboxMessages: 4})
	var mu sync.Mutex
	lives := map[string]string{}
	tell := func(what string) func(context.Context, *socketio.Socket) {
		return func(_ context.Context, s *socketio.Socket) {
			mu.Lock()
			lives[s.ID()] += what
			mu.Unlock()
		}
	}
	srv.Use(func(_ context.Context, s *socketio.Socket) error {
		s.Join("too-early")
		switch rand.IntN(8) {
		case 0:
			return errors.New("refused")
		case 1:
			s.Disconnect(false)
		case 2, 3:
			time.Sleep(time.Duration(rand.IntN(1000)) * time.Microsecond)
		}
		return nil
	})
	srv.OnConnect(func(ctx context.Context, s *socketio.Socket) error {
		tell("C")(ctx, s)
		s.Join("room", "own-"+s.ID())
		switch rand.IntN(8) {
		case 0:
			return errors.New("no seat")
		case 1:
			s.Disconnect(false)
		}
		return nil
	})
	srv.On("slow", func(context.Context, *socketio.Event) error { time.Sleep(50 * time.Microsecond); return nil })
	srv.OnDisconnecting(func(ctx context.Context, s *socketio.Socket, _ socketio.Reason) error {
		tell("d")(ctx, s)
		return nil
	})
	srv.OnDisconnect(func(ctx context.Context, s *socketio.Socket, _ socketio.Reason) error {
		tell("D")(ctx, s)
		return nil
	})

	stop := make(chan struct{})
	var disturbing, clients sync.WaitGroup
	disturbing.Go(func() {
		for n := 0; ; n++ {
			select {
			case <-stop:
				return
			case <-time.After(300 * time.Microsecond):
			}
			assert.NoError(t, srv.Emit("all"))
			assert.NoError(t, srv.To("room", "too-early").Emit("some"))
			if n%4 == 0 {
				assert.NoError(t, srv.DisconnectSockets(n%16 == 0))
			}
		}
	})
	for range 8 {
		clients.Go(func() {
			for range 12 {
				oneClient(t, url)
			}
		})
	}
	clients.Wait()
	close(stop)
	disturbing.Wait()
	assert.Eventually(t, func() bool { return srv.Connections() == 0 && srv.Count() == 0 })
	assert.NoError(t, srv.Shutdown(t.Context()))
	whole := 0
	for id, life := range lives {
		if assert.Equal(t, life, "CdD", "socket %s", id) {
			whole++
		}
	}
	assert.True(t, whole > 20, "only %d sockets lived", whole)
}

// oneClient joins again whenever it is put out, and checks what it is sent.
func oneClient(t *testing.T, url string) {
	c := dial(t, url)
	defer c.gone()
	_ = c.write(1, []byte("40"))
	joined := false
	for range 20 + rand.IntN(100) {
		_, text, err := c.next()
		if err != nil {
			return
		}
		again := false
		switch {
		case strings.HasPrefix(text, "40"):
			assert.True(t, !joined, "a second CONNECT")
			joined = true
			for range rand.IntN(20) {
				_ = c.write(1, []byte(`42["slow"]`))
			}
		case strings.HasPrefix(text, "44"):
			assert.True(t, !joined, "CONNECT_ERROR after CONNECT")
			again = true
		case text == "41":
			joined, again = false, true
		case strings.HasPrefix(text, `42["exception"`): // its reason may have been the end
		default:
			assert.True(t, joined, "%s while not joined", text)
		}
		if again {
			_ = c.write(1, []byte("40"))
			_ = c.write(1, []byte(`42["slow"]`))
		}
	}
}

// A socket is in the rooms that its middlewares had it join from its admission on: a
// refused one never is.
func TestRoomsJoinedInAMiddleware(t *testing.T) {
	srv, url := start(t, nil)
	refuse := true
	srv.Use(func(_ context.Context, s *socketio.Socket) error {
		s.Join("early", "left")
		s.Leave("left")
		assert.Equal(t, s.Rooms(), []string{"early"})
		assert.NoError(t, srv.To("early").Emit("too-early"))
		if refuse {
			return socketio.NewError("full", "no")
		}
		return nil
	})
	srv.OnConnect(func(_ context.Context, s *socketio.Socket) error {
		assert.Equal(t, s.Rooms(), []string{s.ID(), "early"})
		return srv.To("early", "left").Emit("in-time")
	})
	c := dial(t, url)
	c.send("40")
	assert.True(t, strings.HasPrefix(c.read(), "44"))
	rooms, err := srv.Rooms(t.Context())
	assert.NoError(t, err)
	assert.Equal(t, len(rooms), 0)
	refuse = false
	c.connect("/", "")
	c.expect(`42["in-time"]`)
	c.expectSilence()
}

// A client that joins and leaves in a loop does not start middlewares without end.
func TestJoiningAndLeavingInALoopIsBounded(t *testing.T) {
	told := newRecord()
	srv, url := start(t, &socketio.Options{Hooks: socketio.Hooks{
		ProtocolError: func(_ *engineio.Session, err error) { told.add("%v", err) },
		Disconnected:  func(*socketio.Socket, socketio.Reason, error) { told.add("left") },
	}})
	release := make(chan struct{})
	var mu sync.Mutex
	running := 0
	srv.Use(func(context.Context, *socketio.Socket) error {
		mu.Lock()
		running++
		mu.Unlock()
		<-release
		return nil
	})
	c := dial(t, url)
	for range 200 {
		if c.write(1, []byte("40")) != nil || c.write(1, []byte("41")) != nil {
			break
		}
	}
	assert.True(t, strings.Contains(assert.Receive(t, told), "faster than it is served"))
	c.expectClosed()
	mu.Lock()
	assert.True(t, running <= 16, "%d middlewares at once", running)
	mu.Unlock()
	close(release)

	c = dial(t, url)
	for range 200 { // at a pace that the server keeps, as often as it likes
		c.connect("/", "")
		c.send("41")
		told.expect(t, "left")
	}
}

// A client that sends too much before its admission hears nothing before it but acknowledgements.
func TestNoExceptionBeforeTheAdmission(t *testing.T) {
	dropped := newRecord()
	srv, url := start(t, &socketio.Options{MailboxMessages: 2, Hooks: socketio.Hooks{
		Overloaded: func(_ *socketio.Socket, event, _ string) { dropped.add("%s", event) },
	}})
	release, asked := make(chan struct{}), make(chan struct{})
	srv.Use(func(context.Context, *socketio.Socket) error { close(asked); <-release; return nil })
	c := dial(t, url)
	c.send("40")
	<-asked
	for range 3 { // one too many
		c.send(`42["x"]`)
	}
	c.send(`427["x"]`)
	dropped.expect(t, "x")
	assert.True(t, strings.HasPrefix(c.read(), "437["))
	close(release)
	assert.True(t, strings.HasPrefix(c.read(), "40"))
}

// While the adapter of a new namespace connects to its broker, clients of others are
// served.
func TestMakingANamespaceHoldsNobodyUp(t *testing.T) {
	starting, release := make(chan struct{}), make(chan struct{})
	srv, url := start(t, &socketio.Options{Adapter: func(n adapter.Node) (adapter.Adapter, error) {
		memory, err := adapter.NewMemory(n)
		if n.Namespace() == "/slow" {
			memory = &slowStart{memory, starting, release}
		}
		return memory, err
	}})
	made := make(chan *socketio.Namespace, 2)
	for range 2 {
		go func() { made <- srv.Of("/slow") }()
	}
	<-starting
	c, _ := join(t, url)
	c.send("40/slow,")
	c.expect(`44/slow,{"message":"Invalid namespace"}`)
	close(release)
	first, second := assert.Receive(t, made), assert.Receive(t, made)
	assert.True(t, first == second, "two namespaces of one name")
	c.connect("/slow", "")
}

type slowStart struct {
	adapter.Adapter
	starting, release chan struct{}
}

func (a *slowStart) Start(context.Context) error {
	close(a.starting)
	<-a.release
	return nil
}

func TestShutdownMayBeCalledTwiceAtOnce(t *testing.T) {
	srv, url := start(t, nil)
	release, running := make(chan struct{}), make(chan struct{})
	srv.On("busy", func(context.Context, *socketio.Event) error { close(running); <-release; return nil })
	c, _ := join(t, url)
	c.send(`42["busy"]`)
	<-running
	done := make(chan error, 3)
	for range cap(done) {
		go func() { done <- srv.Shutdown(context.Background()) }()
	}
	c.expectClosed()
	time.Sleep(short) // all wait now
	close(release)
	for range cap(done) {
		assert.NoError(t, assert.Receive(t, done))
	}
}

func TestAHandlersAskEndsWithErrClosed(t *testing.T) {
	for range 20 {
		failed := newRecord()
		srv, url := start(t, &socketio.Options{Hooks: socketio.Hooks{
			Failed:       func(_ *socketio.Socket, event string, err error) { failed.add("failed %s: %v", event, err) },
			Disconnected: func(*socketio.Socket, socketio.Reason, error) { failed.add("ended") },
		}})
		result := make(chan error, 1)
		srv.OnConnect(func(ctx context.Context, s *socketio.Socket) error {
			_, err := s.Ask(ctx, "who")
			result <- err
			return ctx.Err() // which says the same
		})
		c, _ := join(t, url)
		c.expect(`420["who"]`)
		c.gone()
		assert.ErrorIs(t, assert.Receive(t, result), socketio.ErrClosed)
		failed.expect(t, "ended") // leaving is no failure
	}
}

// Sockets answer, are silent, leave and are put out while they are asked: each question
// ends as soon as the last has answered or gone, and its accounts are right.
func TestAsksSettleWhateverSocketsDo(t *testing.T) {
	srv, url := start(t, nil)
	stop := make(chan struct{})
	var clients sync.WaitGroup
	for range 6 {
		clients.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					answering(t, url)
				}
			}
		})
	}
	var asking sync.WaitGroup
	for range 3 {
		asking.Go(func() {
			for n := range 60 {
				assert.Eventually(t, func() bool { return srv.Count() > 0 })
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
				answers, err := srv.Ask(ctx, "q", n)
				assert.NoError(t, err)
				assert.Equal(t, len(answers.Answers)+answers.MissingCount, answers.Expected)
				assert.Equal(t, len(answers.Missing), answers.MissingCount)
				for _, s := range srv.Sockets() {
					_, err := s.Ask(ctx, "one")
					assert.True(t, err == nil || errors.Is(err, socketio.ErrClosed), err)
					if rand.IntN(8) == 0 {
						s.Disconnect(false)
					}
				}
				cancel()
			}
		})
	}
	asking.Wait()
	close(stop)
	assert.NoError(t, srv.Shutdown(t.Context()))
	clients.Wait()
}

// answering answers everything for a while, and leaves when it is asked once more.
func answering(t *testing.T, url string) {
	conn, _, err := wstest.Try(url+"/socket.io/?EIO=4&transport=websocket", wstest.Handshake())
	if err != nil || conn == nil {
		return // the server shuts down
	}
	c := &client{t: t, conn: conn}
	defer c.gone()
	_ = c.write(wstest.Text, []byte("40"))
	for questions := rand.IntN(12); ; {
		_, text, err := c.next()
		if err != nil || text == "41" {
			return
		}
		if id, _, ok := strings.Cut(strings.TrimPrefix(text, "42"), "["); ok && strings.HasPrefix(text, "42") {
			if questions--; questions < 0 {
				return
			}
			_ = c.write(wstest.Text, []byte("43"+id+"[1]"))
		}
	}
}

// An emit that runs while somebody else disconnects the socket comes before the disconnect,
// or not at all.
func TestNothingFollowsTheDisconnect(t *testing.T) {
	srv, url := start(t, nil)
	c := dial(t, url)
	for range 300 {
		s, ok := srv.Socket(c.connect("/", ""))
		assert.True(t, ok)
		var emitting sync.WaitGroup
		begun := make(chan struct{}, 4)
		for range cap(begun) {
			emitting.Go(func() {
				for n := 0; n < 500 && s.Emit("e") == nil; n++ {
					if n == 2 {
						begun <- struct{}{}
					}
				}
			})
		}
		<-begun
		s.Disconnect(false)
		emitting.Wait()
		for {
			text := c.read()
			if text == "41" {
				break
			}
			assert.Equal(t, text, `42["e"]`)
		}
		c.expectSilence()
	}
}
