package client

import (
	"context"
	"slices"
	"sync"
)

// mailbox holds what waits for the handlers of one socket: events, and the turns of its
// life. Its goroutine exists only while something waits.
//
// Events are bounded: who brings one waits while there is no room (Socket.deliver). A
// handler that asks the server needs whoever reads the connection: while one does, four
// times as much is taken, and beyond that the question fails. Turns never wait: the loop
// that connects brings them, and the sockets of all namespaces need it.
type mailbox struct {
	crew     *crew
	messages int // bounds
	bytes    int

	mu      sync.Mutex
	tasks   []task
	events  int // among them
	size    int
	running bool
	// stint counts how often the events that waited were thrown away. Tasks of an earlier
	// one are refused.
	stint  int
	asking int           // handlers' questions that wait
	stuck  chan struct{} // closed when they would wait for nothing; nil while none waits
	room   chan struct{} // closed when there may be room; nil while nobody waits
}

// task is something to do on the mailbox's goroutine.
type task struct {
	run  func()
	kind taskKind
	size int // bytes of an event
}

type taskKind uint8

const (
	eventTask taskKind = iota
	connectTurn
	connectErrorTurn
	disconnectTurn
	comeBackTurn // a disconnectTurn behind which the socket joins again
)

const (
	whileAsking = 4  // times the bounds
	spare       = 16 // turns that may wait before some are left out
)

// put adds an event of a stint. It reports whether the event was taken: not when the stint
// has ended. Where there is no room it returns a channel, which is closed when there may be
// some.
func (m *mailbox) put(stint int, t task) (room <-chan struct{}, taken bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case stint != m.stint:
		return nil, false
	case m.hasRoom(t):
		m.add(t)
		return nil, true
	}
	if m.stuck != nil {
		close(m.stuck)
		m.stuck = nil
	}
	if m.room == nil {
		m.room = make(chan struct{})
	}
	return m.room, false
}

func (m *mailbox) hasRoom(t task) bool {
	if m.events == 0 {
		return true
	}
	messages, bytes := m.messages, m.bytes
	if m.asking > 0 {
		messages, bytes = messages*whileAsking, bytes*whileAsking
	}
	return m.events < messages && m.size+t.size <= bytes
}

// turn adds a turn of the socket's life, if its stint has not ended. While a handler does
// not return, a socket may come and go any number of times: from some number on, what would
// be old news by the time it is told is left out. Who was told of a connection is always
// told of its end.
func (m *mailbox) turn(stint int, t task) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if stint != m.stint {
		return
	}
	if last := len(m.tasks) - 1; len(m.tasks)-m.events >= spare {
		switch before := m.tasks[last].kind; {
		case t.kind == connectErrorTurn && before == connectErrorTurn:
			m.tasks[last] = t
			return
		case t.kind == disconnectTurn && before == connectTurn:
			m.tasks[last] = task{}
			m.tasks = m.tasks[:last]
			return
		}
	}
	m.add(t)
}

// add appends a task, with m.mu held.
func (m *mailbox) add(t task) {
	m.tasks = append(m.tasks, t)
	if t.kind == eventTask {
		m.events++
		m.size += t.size
	}
	if !m.running {
		m.running = true
		m.crew.start(m.work)
	}
}

// current returns the stint that tasks are put in with.
func (m *mailbox) current() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.stint
}

// clear throws away the events that wait, ends the stint, and adds last, whose run may be
// nil, to what remains to be done.
func (m *mailbox) clear(last task) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.stint++
	m.tasks = slices.DeleteFunc(m.tasks, func(t task) bool { return t.kind == eventTask })
	m.events, m.size = 0, 0
	if last.run != nil {
		m.add(last)
	}
	m.stir()
}

// stir has those who wait for room look again, with m.mu held.
func (m *mailbox) stir() {
	if m.room != nil {
		close(m.room)
		m.room = nil
	}
}

func (m *mailbox) work() {
	for {
		m.mu.Lock()
		if len(m.tasks) == 0 {
			m.running = false
			if cap(m.tasks) > 64 {
				m.tasks = nil // the room of its busiest moment
			}
			m.mu.Unlock()
			return
		}
		t := m.tasks[0]
		m.tasks[0] = task{}
		m.tasks = m.tasks[1:]
		if t.kind == eventTask {
			m.events--
			m.size -= t.size
		}
		m.stir()
		m.mu.Unlock()
		t.run()
	}
}

// mailboxKey is the key of the mailbox whose goroutine a context was given to.
type mailboxKey struct{}

// ask tells the mailbox, if ctx is a handler's, that the handler waits for an answer until
// done is called. stuck is closed when it would wait for nothing.
func ask(ctx context.Context) (stuck <-chan struct{}, done func()) {
	m, _ := ctx.Value(mailboxKey{}).(*mailbox)
	if m == nil {
		return nil, func() {}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.stuck == nil {
		m.stuck = make(chan struct{})
	}
	stuck = m.stuck
	m.asking++
	m.stir()
	return stuck, func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.asking--
		if m.asking == 0 {
			m.stuck = nil
		}
	}
}
