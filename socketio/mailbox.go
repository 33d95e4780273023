package socketio

import (
	"slices"
	"sync"

	"github.com/kachi-io/kachi/engineio"
)

// mailbox holds what one socket has to do, in order: being admitted, its events, its
// end. A goroutine works it off and ends when it is empty, so that a socket at rest has
// none. The zero value is ready.
type mailbox struct {
	mu       sync.Mutex
	tasks    []task
	next     int // of tasks
	bytes    int // of the events that wait
	drops    int // events dropped since the mailbox was last half empty, and the client slow
	working  bool
	shut     bool // takes nothing any more
	flooding bool
}

// task is something that a socket's goroutine does.
type task interface{ run(s *Socket) }

// push adds a task that is not bounded: the first one. work is what the caller has to
// see to: the socket's goroutine is to run.
func (m *mailbox) push(s *Socket, t task) (work engineio.Work) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.shut {
		work = m.append(s, t, 0)
	}
	return work
}

// append adds a task. Where nobody works, the caller has to run what it returns. The
// caller holds m.mu.
func (m *mailbox) append(s *Socket, t task, size int) engineio.Work {
	m.tasks = append(m.tasks, t)
	m.bytes += size
	if m.working {
		return nil
	}
	m.working = true
	s.ns.srv.work.add()
	return (*worker)(s)
}

type verdict uint8

const (
	accepted verdict = iota
	refused          // the socket has ended
	overloaded
	flooding // overloaded, and too often
)

// pushEvent adds an event when the bounds allow it.
func (m *mailbox) pushEvent(s *Socket, e *Event) (verdict, engineio.Work) {
	o := &s.ns.srv.opts
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.shut {
		return refused, nil
	}
	waiting := len(m.tasks) - m.next
	if waiting > 0 && (waiting >= o.MailboxMessages || m.bytes+e.size > o.MailboxBytes) {
		return m.count(o), nil
	}
	if waiting < o.MailboxMessages/2 && s.pace.rested(o) {
		m.drops = 0
	}
	return accepted, m.append(s, e, e.size)
}

// drop counts an event that was dropped before it came here.
func (m *mailbox) drop(s *Socket) verdict {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.shut {
		return refused
	}
	return m.count(&s.ns.srv.opts)
}

// count counts a dropped event. The caller holds m.mu.
func (m *mailbox) count(o *Options) verdict {
	m.drops++
	if m.drops > o.MailboxMessages && !m.flooding {
		m.flooding = true
		return flooding
	}
	return overloaded
}

// seal adds the last task and takes nothing more. discard drops what waits, and has the
// socket's goroutine tell so. Sockets end once, so it is called once.
func (m *mailbox) seal(s *Socket, last task, discard bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if discard {
		events := discardTask(0)
		for _, t := range m.tasks[m.next:] {
			if _, ok := t.(*Event); ok {
				events++
			}
		}
		m.tasks, m.next, m.bytes = nil, 0, 0
		if events > 0 {
			m.tasks = append(m.tasks, events)
		}
	}
	if work := m.append(s, last, 0); work != nil {
		go work.Run()
	}
	m.shut = true
}

// refuse drops the events that wait, and takes no more. It returns how many there were.
func (m *mailbox) refuse() (dropped int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	waiting := len(m.tasks) - m.next
	m.tasks = slices.DeleteFunc(m.tasks[m.next:], func(t task) bool { _, is := t.(*Event); return is })
	m.next, m.bytes, m.shut = 0, 0, true
	return waiting - len(m.tasks)
}

// discardTask tells that so many events were dropped.
type discardTask int

func (n discardTask) run(s *Socket) { s.ns.srv.opts.Hooks.Discarded(s, int(n)) }

// pop returns the next task, or nil when there is none and the goroutine has to end.
func (m *mailbox) pop() task {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.next == len(m.tasks) {
		m.tasks, m.next, m.working = nil, 0, false
		return nil
	}
	t := m.tasks[m.next]
	m.tasks[m.next] = nil
	m.next++
	if m.next == len(m.tasks) {
		m.tasks, m.next = m.tasks[:0], 0
	} else if m.next > 64 && 2*m.next > len(m.tasks) { // keeps a steady stream from growing the list
		n := copy(m.tasks, m.tasks[m.next:])
		clear(m.tasks[n:])
		m.tasks, m.next = m.tasks[:n], 0
	}
	if e, ok := t.(*Event); ok {
		m.bytes -= e.size
	}
	return t
}

// worker is a socket whose mailbox is to be worked off.
type worker Socket

// Run is the socket's goroutine.
func (w *worker) Run() {
	s := (*Socket)(w)
	empty := false
	defer func() {
		if empty {
			s.ns.srv.work.done()
			return
		}
		go w.Run() // a handler ended the goroutine: runtime.Goexit, by a test's FailNow
	}()
	for {
		t := s.mailbox.pop()
		if t == nil {
			empty = true
			return
		}
		t.run(s)
	}
}
