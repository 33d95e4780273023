package connect

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"time"

	"github.com/kachi-io/kachi/client"
)

// Bounds of what a session remembers.
const (
	maxQuestions  = 100 // of the server, unanswered
	maxNamespaces = 100
	maxSeen       = 1000 // names of events
)

var (
	// errQuit: the user wants to end.
	errQuit = errors.New("quit")
	// errShown: what went wrong has been printed.
	errShown = errors.New("shown")
)

// session is one run of the command: a client, its sockets, and what was said.
type session struct {
	out        *printer
	client     *client.Client
	target     *target
	timeout    time.Duration // of connecting
	ackTimeout time.Duration
	guard      func() // deferred wherever the client calls: puts the terminal right before a panic ends the process
	seen       arrivals
	changed    func()        // the prompt is no longer right; called without locks
	idle       chan struct{} // takes one: no namespace is connected or will be by itself

	mu        sync.Mutex
	auth      json.RawMessage
	members   []*member
	current   *member
	questions []question
	asked     int           // questions so far
	begun     bool          // there has been a connection
	failures  int           // told of since the last connection
	trouble   string        // the one told of last; "" after a connection
	up        int           // sockets that have told of being connected, and not of the end
	told      chan struct{} // closed, and replaced, when a socket has told of a turn
}

// question is an event of the server that waits for an answer.
type question struct {
	number int
	event  *client.Event
}

// start makes the client.
func (s *session) start(rawURL string, o client.Options) (err error) {
	s.idle = make(chan struct{}, 1)
	s.told = make(chan struct{})
	s.seen.changed = make(chan struct{})
	o.Hooks = client.Hooks{
		Upgraded: func(client.Connection) {
			defer s.guard()
			s.upgraded(record{kind: kindUpgrade, transport: string(client.WebSocket)})
		},
		UpgradeFailed: func(err error) {
			defer s.guard()
			s.upgraded(record{kind: kindUpgradeError, message: s.target.explain(err).message})
		},
		Reconnecting: s.reconnecting,
		Undelivered: func(_ *client.Socket, event string, err error) {
			defer s.guard()
			s.report(s.sending(&step{event: event}, err))
		},
	}
	s.client, err = client.New(rawURL, &o)
	return err
}

// upgraded tells how an upgrade went, behind the socket that it went for, unless nobody
// needs the connection any more.
func (s *session) upgraded(r record) {
	s.await(func() bool { return s.up > 0 || s.resting() })
	if !s.rests() {
		s.out.print(r)
	}
}

func (s *session) reconnecting(attempt int, pause time.Duration) {
	defer s.guard()
	s.mu.Lock()
	begun := s.begun
	s.mu.Unlock()
	if !begun { // the first attempt failed, and is the last
		return
	}
	s.await(func() bool { return s.up == 0 && s.failures >= attempt-1 })
	if attempt <= 3 || attempt%10 == 0 || s.out.json {
		s.out.print(record{kind: kindReconnecting, attempt: attempt, lasted: pause})
	}
}

// await waits until what done looks at, with s.mu held, has been told of, so that things
// are printed in their order. A socket that is slow at telling is not waited for for long.
func (s *session) await(done func() bool) {
	patience := time.NewTimer(time.Second)
	defer patience.Stop()
	for {
		s.mu.Lock()
		is, told := done(), s.told
		s.mu.Unlock()
		if is {
			return
		}
		select {
		case <-told:
		case <-patience.C:
			return
		}
	}
}

// tell has those who await something look again.
func (s *session) tell() {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.told)
	s.told = make(chan struct{})
}

// news takes note of a failure to connect, and tells whether it is another one than before:
// people need not read the same with every attempt. An empty one begins anew.
func (s *session) news(trouble string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if trouble != "" {
		s.failures++
	}
	is := trouble != s.trouble
	s.trouble = trouble
	return is
}

// join returns the member of a namespace, which is made when it is asked for the first
// time.
func (s *session) join(namespace string) (*member, error) {
	if m := s.joined(namespace); m != nil {
		return m, nil
	}
	s.mu.Lock()
	n := len(s.members)
	s.mu.Unlock()
	if n >= maxNamespaces {
		return nil, failed("too_many_namespaces", "there are %d namespaces already", n)
	}
	m := &member{session: s, outcome: make(chan error, 1), gone: make(chan struct{}, 1)}
	m.auth.Store(&s.auth)
	m.socket = s.client.Of(namespace, &client.SocketOptions{
		AckTimeout: s.ackTimeout,
		AuthFunc: func(context.Context) (any, error) {
			if auth := *m.auth.Load(); auth != nil {
				return auth, nil
			}
			return nil, nil
		},
	})
	m.socket.OnConnect(m.connected)
	m.socket.OnConnectError(m.notConnected)
	m.socket.OnDisconnect(m.disconnected)
	m.socket.OnAny(m.event)
	s.mu.Lock()
	s.members = append(s.members, m)
	if s.current == nil {
		s.current = m
	}
	s.mu.Unlock()
	return m, nil
}

// joined returns the member of a namespace, nil if there is none.
func (s *session) joined(namespace string) *member {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range s.members {
		if m.namespace() == namespace {
			return m
		}
	}
	return nil
}

// member returns the one that lines are about.
func (s *session) member() *member {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.current
}

func (s *session) use(namespace string) {
	m := s.joined(namespace)
	s.mu.Lock()
	s.current = m
	s.mu.Unlock()
	s.changed()
}

// count has lines name their namespaces when several are in use.
func (s *session) count() {
	s.mu.Lock()
	n := 0
	for _, m := range s.members {
		if m.socket.State() != client.StateIdle {
			n++
		}
	}
	s.mu.Unlock()
	s.out.name(n > 1)
}

// turned is called whenever a socket's state has changed.
func (s *session) turned() {
	s.count()
	s.changed()
	if !s.rests() {
		return
	}
	signal(s.idle)
}

// rests tells whether no namespace is connected, or will be by itself.
func (s *session) rests() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.resting()
}

// resting is rests with s.mu held.
func (s *session) resting() bool {
	for _, m := range s.members {
		if m.socket.State() != client.StateIdle {
			return false
		}
	}
	return true
}

// signal puts something into a channel that takes one, unless it is full.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

func (m *member) event(_ context.Context, e *client.Event) {
	defer m.session.guard()
	s := m.session
	r := record{kind: kindEvent, namespace: m.namespace(), event: e.Name(), args: e.Args()}
	if e.WantsAck() {
		r.id = s.keep(e)
	}
	s.out.print(r)
	s.saw(m.namespace(), e.Name())
	s.seen.came(m.namespace(), e.Name())
}

// keep numbers a question of the server. Of those that are never answered the oldest go.
func (s *session) keep(e *client.Event) (number int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.questions) >= maxQuestions {
		s.questions = s.questions[1:]
	}
	s.asked++
	s.questions = append(s.questions, question{s.asked, e})
	return s.asked
}

// question takes a question of the server; nil if there is none with that number.
func (s *session) question(number int) *client.Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, q := range s.questions {
		if q.number == number {
			s.questions = append(s.questions[:i:i], s.questions[i+1:]...)
			return q.event
		}
	}
	return nil
}

// drop takes note that a socket is no longer connected: its questions are forgotten.
func (s *session) drop(m *member) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.up--
	kept := s.questions[:0:0]
	for _, q := range s.questions {
		if q.event.Socket() != m.socket {
			kept = append(kept, q)
		}
	}
	s.questions = kept
}

func (s *session) saw(namespace, event string) { s.seen.saw(namespace, event) }

func (s *session) note(message string) { s.out.print(record{kind: kindNote, message: message}) }

// report prints why a line failed, unless that has been done.
func (s *session) report(err error) {
	var fault *lineError
	switch {
	case err == nil, errors.Is(err, errShown), errors.Is(err, errQuit):
		return
	case errors.Is(err, context.Canceled):
		s.out.print(record{kind: kindError, code: "interrupted", message: "Interrupted."})
	case errors.As(err, &fault):
		s.out.print(record{kind: kindError, code: fault.code, message: fault.message, line: fault})
	default:
		s.out.print(record{kind: kindError, code: "failed", message: err.Error()})
	}
}

func (s *session) status() record {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := record{kind: kindStatus, url: s.target.origin, sockets: []socketStatus{}}
	if c, ok := s.client.Connection(); ok {
		r.transport, r.sid = string(c.Transport), c.ID
	}
	for _, m := range s.members {
		r.sockets = append(r.sockets, socketStatus{
			Namespace: m.namespace(), State: m.socket.State().String(), SID: m.socket.ID(), Current: m == s.current,
		})
	}
	return r
}

// stop sends what waits, for a bounded time, and ends the client.
func (s *session) stop() {
	s.out.close()
	_ = s.client.Close()
}
