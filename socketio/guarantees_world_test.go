package socketio_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kachi-io/kachi/internal/history"
	"github.com/kachi-io/kachi/internal/memnet"
	"github.com/kachi-io/kachi/socketio"
)

// world is a server and its clients, playing a plan.
type world struct {
	plan  *plan
	log   *history.Log
	srv   *socketio.Server
	dial  func() (net.Conn, error)
	stop  func()
	spoil *spoiler
	real  bool // time is

	options *socketio.Options

	ids  atomic.Int64
	runs *group // what senders and handlers leave behind

	mu      sync.Mutex
	agents  map[int]*agent // by client: the newest
	all     []*agent
	sockets map[string]*socketio.Socket // by client's connection and namespace: the newest
	syncs   map[int]chan struct{}
	odds    []string
}

const (
	pace     = 3 * time.Second // of heartbeats
	patience = 1500 * time.Millisecond
	slack    = 1200 * time.Millisecond
	envelope = 150 // bytes of an event beside its attachments, at most
)

func newWorld(p *plan, overTCP bool) *world {
	w := &world{
		plan: p, log: history.NewLog(), real: overTCP, runs: newGroup(),
		agents: map[int]*agent{}, sockets: map[string]*socketio.Socket{}, syncs: map[int]chan struct{}{},
	}
	o := &socketio.Options{
		PingInterval: pace, PingTimeout: pace, UpgradeTimeout: pace, ConnectTimeout: pace, WriteTimeout: pace,
		BatchDelay: w.scaled(p.batch),
	}
	if overTCP {
		o.PingInterval, o.PingTimeout = 10*time.Second, 10*time.Second
	}
	if p.scarce {
		o.MaxQueuedMessages, o.MaxQueuedBytes, o.MailboxMessages = 12, 6000, 8
	}
	o.Hooks.Connected = func(s *socketio.Socket) {
		w.server(s, history.Entry{Kind: history.Connected, Conn: number(s)})
	}
	o.Hooks.Disconnected = func(s *socketio.Socket, r socketio.Reason, _ error) {
		w.server(s, history.Entry{Kind: history.Closed, Reason: string(r)})
	}
	if r := p.recovery; r != nil {
		o.Recovery = new(*r)
		o.Recovery.Window = w.scaled(r.Window)
	}
	w.options = o
	o.Hooks.NotRecovered = func(s *socketio.Socket) { w.server(s, history.Entry{Kind: history.NotRecovered}) }
	o.Hooks.Overloaded = func(s *socketio.Socket, _, _ string) { w.server(s, history.Entry{Kind: history.Overloaded}) }
	w.srv = socketio.NewServer(o)
	for _, name := range []string{"/", "/a"} {
		w.register(w.srv.Of(name))
	}
	var l net.Listener
	if overTCP {
		tcp, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			panic(err)
		}
		l = tcp
		w.dial = func() (net.Conn, error) { return net.Dial("tcp", tcp.Addr().String()) }
	} else {
		mem := memnet.Listen(&memnet.Options{Buffer: p.buffer, Delay: func() time.Duration { return p.delay }})
		l = mem
		w.dial = func() (net.Conn, error) { return mem.Dial() }
	}
	host := &http.Server{Handler: w.srv, ErrorLog: log.New(io.Discard, "", 0)}
	served := make(chan struct{})
	go func() { defer close(served); _ = host.Serve(l) }()
	w.stop = func() {
		_ = host.Close()
		<-served
	}
	return w
}

func (w *world) next() int { return int(w.ids.Add(1)) }

func (w *world) odd(format string, args ...any) {
	w.mu.Lock()
	w.odds = append(w.odds, fmt.Sprintf(format, args...))
	w.mu.Unlock()
}

// server notes what concerns a socket.
func (w *world) server(s *socketio.Socket, e history.Entry) {
	e.Socket, e.Namespace, e.Conn = s.ID(), s.Namespace().Name(), number(s)
	w.log.Add(e)
}

// number is the client's connection that a socket belongs to.
func number(s *socketio.Socket) int {
	var auth struct{ C int }
	_ = json.Unmarshal(s.Auth(), &auth)
	return auth.C
}

func (w *world) register(ns *socketio.Namespace) {
	ns.Use(func(_ context.Context, s *socketio.Socket) error {
		var auth struct{ Refuse bool }
		if err := json.Unmarshal(s.Auth(), &auth); err != nil || auth.Refuse {
			return socketio.NewError("no", "no")
		}
		w.mu.Lock() // from here on it may be sent something, which fails until it is admitted
		w.sockets[fmt.Sprint(number(s), ns.Name())] = s
		w.mu.Unlock()
		if number(s)%2 == 0 {
			w.enter(s, "r1")
		}
		if number(s)%5 == 0 {
			w.exit(s, "r2")
		}
		return nil
	})
	ns.OnConnect(func(ctx context.Context, s *socketio.Socket) error {
		w.mu.Lock() // for who comes back no middleware runs
		w.sockets[fmt.Sprint(number(s), ns.Name())] = s
		w.mu.Unlock()
		data, _ := s.Data().(string)
		w.server(s, history.Entry{Kind: history.Greeting, Recovered: s.Recovered(), Rooms: s.Rooms(), Text: data})
		if !s.Recovered() {
			w.set(s)
		}
		w.emit(s, false, 0)
		if number(s)%3 == 0 {
			w.enter(s, "r2")
			w.ask(s, "at once")
		}
		w.server(s, history.Entry{Kind: history.Greeted})
		return nil
	})
	ns.OnDisconnecting(func(_ context.Context, s *socketio.Socket, r socketio.Reason) error {
		w.server(s, history.Entry{Kind: history.Disconnecting, Reason: string(r), Rooms: s.Rooms()})
		w.emit(s, false, 0) // is refused
		return nil
	})
	ns.OnDisconnect(func(_ context.Context, s *socketio.Socket, r socketio.Reason) error {
		w.server(s, history.Entry{Kind: history.Disconnected, Reason: string(r), Rooms: s.Rooms()})
		w.enter(s, "r3") // has no effect
		return nil
	})
	ns.OnSessionExpired(func(_ context.Context, s *socketio.ExpiredSession) error {
		data, _ := s.Data.(string)
		w.log.Add(history.Entry{Kind: history.Expired, Namespace: ns.Name(), Socket: s.Socket, Reason: string(s.Reason), Rooms: s.Rooms, Text: data})
		return nil
	})
	ns.On("e", w.handle)
}

// handle does what a client's event says.
func (w *world) handle(_ context.Context, e *socketio.Event) error {
	var id int
	var action, room, policy string
	if err := e.Decode(&id, &action, &room, &policy); err != nil {
		w.odd("an event cannot be decoded: %v", err)
		return err
	}
	s := e.Socket()
	w.server(s, history.Entry{Kind: history.Handling, ID: id, Text: action})
	defer w.server(s, history.Entry{Kind: history.Handled, ID: id})
	ack := func() {
		w.server(s, history.Entry{Kind: history.Acking, ID: id, Text: fmt.Sprint(id * 10)})
		w.server(s, history.Entry{Kind: history.AckDone, ID: id, Err: fault(e.Ack(id * 10))})
	}
	switch action {
	case "join":
		w.enter(s, room)
	case "leave":
		w.exit(s, room)
	case "echo":
		w.emit(s, false, 0)
	case "cast":
		w.broadcast(s.To(room), history.Entry{Namespace: s.Namespace().Name(), Rooms: []string{room}, Except: []string{s.ID()}})
	case "ask":
		w.ask(s, "at once")
	case "slow":
		time.Sleep(w.scaled(200 * time.Millisecond))
	case "bye":
		w.disconnect(s, false)
	}
	switch policy {
	case "once":
		ack()
	case "twice":
		ack()
		ack()
	case "later":
		w.runs.Go(func() { time.Sleep(w.scaled(300 * time.Millisecond)); ack() })
	case "error":
		w.server(s, history.Entry{Kind: history.Acking, ID: id, Text: "error"})
		return socketio.NewError("oops", "oops")
	}
	return nil
}

// scaled is a time of the plan on the clock that holds.
func (w *world) scaled(d time.Duration) time.Duration {
	if w.real {
		return d / 20
	}
	return d
}

func fault(err error) history.Fault {
	switch {
	case err == nil:
		return history.OK
	case errors.Is(err, socketio.ErrAckTimeout):
		return history.ErrTimeout
	case errors.Is(err, socketio.ErrSlowConsumer):
		return history.ErrSlow
	case errors.Is(err, socketio.ErrDropped):
		return history.ErrDropped
	case errors.Is(err, socketio.ErrAnswered):
		return history.ErrAnswered
	case errors.Is(err, socketio.ErrClosed):
		return history.ErrClosed
	}
	return history.ErrOther
}

func (w *world) emit(s *socketio.Socket, volatile bool, size int) {
	e := history.Entry{Kind: history.Sending, ID: w.next(), Volatile: volatile, Size: size + envelope}
	w.server(s, e)
	args := []any{e.ID}
	if size > 0 {
		args = append(args, make([]byte, size))
	}
	var err error
	if volatile {
		err = s.Volatile().Emit("m", args...)
	} else {
		err = s.Emit("m", args...)
	}
	w.log.Add(history.Entry{Kind: history.SendDone, ID: e.ID, Err: fault(err)})
}

// emitPatiently waits while the client is behind, for a while.
func (w *world) emitPatiently(s *socketio.Socket) {
	e := history.Entry{Kind: history.Sending, ID: w.next(), Size: envelope}
	w.server(s, e)
	ctx, cancel := context.WithTimeout(context.Background(), w.scaled(patience))
	defer cancel()
	err := s.EmitContext(ctx, "m", e.ID)
	w.log.Add(history.Entry{Kind: history.SendDone, ID: e.ID, Err: fault(err)})
}

func (w *world) broadcast(b socketio.Broadcast, e history.Entry) {
	e.Kind, e.ID, e.Size = history.Sending, w.next(), envelope
	if e.Volatile {
		b = b.Volatile()
	}
	w.log.Add(e)
	err := b.Emit("m", e.ID)
	w.log.Add(history.Entry{Kind: history.SendDone, ID: e.ID, Err: fault(err)})
}

func (w *world) enter(s *socketio.Socket, room string) {
	id := w.next()
	w.server(s, history.Entry{Kind: history.Joining, ID: id, Rooms: []string{room}})
	s.Join(room)
	w.log.Add(history.Entry{Kind: history.JoinDone, ID: id})
}

func (w *world) exit(s *socketio.Socket, room string) {
	id := w.next()
	w.server(s, history.Entry{Kind: history.Leaving, ID: id, Rooms: []string{room}})
	s.Leave(room)
	w.log.Add(history.Entry{Kind: history.LeaveDone, ID: id})
}

// set gives the socket other data.
func (w *world) set(s *socketio.Socket) {
	id := w.next()
	w.server(s, history.Entry{Kind: history.Setting, ID: id, Text: fmt.Sprint("data ", id)})
	s.SetData(fmt.Sprint("data ", id))
	w.log.Add(history.Entry{Kind: history.SetDone, ID: id})
}

// closeConnection ends the client's connection from this side, and not its session.
func (w *world) closeConnection(s *socketio.Socket) {
	id := w.next()
	w.server(s, history.Entry{Kind: history.Ending, ID: id, Whole: true})
	s.Conn().Close()
	w.log.Add(history.Entry{Kind: history.EndDone, ID: id})
}

func (w *world) disconnect(s *socketio.Socket, whole bool) {
	id := w.next()
	w.server(s, history.Entry{Kind: history.Ending, ID: id, Whole: whole, Conn: number(s)})
	s.Disconnect(whole)
	w.log.Add(history.Entry{Kind: history.EndDone, ID: id})
}

func (w *world) ask(s *socketio.Socket, policy string) {
	e := history.Entry{Kind: history.Sending, ID: w.next(), Question: true, Timeout: patience}
	w.server(s, e)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	answer, err := socketio.Ask[int](ctx, s, "q", e.ID, policy)
	done := history.Entry{Kind: history.SendDone, ID: e.ID, Err: fault(err)}
	if err == nil {
		done.Answers = []history.Answer{{Socket: s.ID(), Text: fmt.Sprint(answer)}}
	}
	w.log.Add(done)
}

func (w *world) askAll(b socketio.Broadcast, e history.Entry, policy string) {
	e.Kind, e.ID, e.Question, e.Timeout = history.Sending, w.next(), true, patience
	w.log.Add(e)
	answers, err := b.Timeout(patience).Ask(context.Background(), "q", e.ID, policy)
	done := history.Entry{Kind: history.SendDone, ID: e.ID, Err: fault(err), Missing: answers.MissingCount}
	for _, a := range answers.Answers {
		var text int
		if err := a.Decode(&text); err != nil {
			w.odd("answer: %v", err)
		}
		done.Answers = append(done.Answers, history.Answer{Socket: a.Socket, Text: fmt.Sprint(text)})
	}
	w.log.Add(done)
}
