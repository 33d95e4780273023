package client

import (
	"context"
	"slices"
	"sync"
)

// mailbox holds what waits for the handlers of one socket: events, and the turns of its
// life. Its goroutine exists only while something waits.
//
// Who puts something in waits while there is no room, and with it whoever reads the
// connection. A handler that asks the server needs that reader: while one does, four times
// as much is taken, and beyond that the question fails.
type mailbox struct {
	crew     *crew
	messages int // bounds
	bytes    int

	mu      sync.Mutex
	tasks   []task
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
	size int // bytes of an event; 0 for a turn of the socket's life
}

const (
	whileAsking = 4  // times the bounds
	spare       = 16 // tasks over the bound, for the turns of a socket's life
)

// put adds a task of a stint. It waits for room, and reports whether the task was taken:
// not when the stint has ended.
func (m *mailbox) put(stint int, t task) bool {
	for {
		m.mu.Lock()
		if stint != m.stint {
			m.mu.Unlock()
			return false
		}
		if m.hasRoom(t) {
			m.add(t)
			m.mu.Unlock()
			return true
		}
		if m.stuck != nil {
			close(m.stuck)
			m.stuck = nil
		}
		if m.room == nil {
			m.room = make(chan struct{})
		}
		room := m.room
		m.mu.Unlock()
		<-room
	}
}

func (m *mailbox) hasRoom(t task) bool {
	if len(m.tasks) == 0 {
		return true
	}
	messages, bytes := m.messages, m.bytes
	if m.asking > 0 {
		messages, bytes = messages*whileAsking, bytes*whileAsking
	}
	if t.size == 0 {
		return len(m.tasks) < messages+spare
	}
	return len(m.tasks) < messages && m.size+t.size <= bytes
}

// add appends a task, with m.mu held.
func (m *mailbox) add(t task) {
	m.tasks = append(m.tasks, t)
	m.size += t.size
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
	m.tasks = slices.DeleteFunc(m.tasks, func(t task) bool { return t.size > 0 })
	m.size = 0
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
		m.size -= t.size
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
