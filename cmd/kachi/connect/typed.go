package connect

import (
	"context"
	"errors"
	"io"
	"os"
	"sync"

	"golang.org/x/term"

	"github.com/kachi-io/kachi/client"
	"github.com/kachi-io/kachi/cmd/kachi/connect/editor"
)

// Modes of the terminal: pasted text between marks, on and off.
const (
	pasteMarks   = "\x1b[?2004h"
	noPasteMarks = "\x1b[?2004l"
)

// rawMode puts the terminal into raw mode. restore undoes that, however often it is called.
func rawMode(in, out *os.File) (restore func(), err error) {
	state, err := term.MakeRaw(int(in.Fd()))
	if err != nil {
		return nil, err
	}
	_, _ = out.WriteString(pasteMarks)
	return sync.OnceFunc(func() {
		_, _ = out.WriteString(noPasteMarks)
		_ = term.Restore(int(in.Fd()), state)
	}), nil
}

// guardTerminal returns a function to be deferred: when there is a panic it puts the
// terminal right, so that its message can be read and the shell be used, and lets it go on.
func guardTerminal(restore func()) func() {
	return func() {
		if p := recover(); p != nil {
			restore()
			panic(p)
		}
	}
}

// edited works with lines that are edited on the terminal.
func (r *run) edited(ctx context.Context) error {
	restore, err := rawMode(r.terminal, r.screen)
	if err != nil {
		return r.plain(ctx)
	}
	defer restore()
	s := r.session
	s.guard = guardTerminal(restore)
	path := ""
	if r.keepHistory {
		path = historyPath()
	}
	h := loadHistory(path)
	e := editor.New(r.terminal, r.screen, func() int { return columns(r.screen) })
	e.History, e.Complete, e.Unfinished = &h.History, s.complete, unfinished
	s.out.out, s.out.err = e, e
	s.changed = func() { e.SetPrompt(s.prompt()) }
	e.SetPrompt(style{colour: s.out.colour}.paint(dim, "Connecting to "+escape(s.target.origin)+"…") + " ")

	ctx, cancel := context.WithCancel(ctx)
	t := &typist{session: s, editor: e, history: h, lines: make(chan string, typedAhead), end: cancel}
	var apart sync.WaitGroup
	defer func() {
		cancel()
		apart.Wait()
		_ = e.Close()
		s.stop()
	}()
	first, stop := context.WithCancel(ctx)
	t.begin(stop)
	go t.read() // ends with the terminal's input, or the process
	err = r.begin(first)
	t.done()
	if err != nil {
		return err
	}
	s.changed()
	for {
		select {
		case line, more := <-t.lines:
			if !more || t.do(ctx, &apart, line) {
				return nil
			}
		case <-ctx.Done():
			return nil
		}
	}
}

// typedAhead is how many lines may be typed while one is being worked at.
const typedAhead = 1000

// typist is who types.
type typist struct {
	session *session
	editor  *editor.Editor
	history *history
	lines   chan string
	end     context.CancelFunc

	mu      sync.Mutex
	waiting int                // lines that have been typed and not been worked at
	stop    context.CancelFunc // of the line that is being worked at; nil if none is
	stopped bool               // the next line is to end as soon as it begins
}

// read reads lines until the end of the input. What is typed faster than it can be worked
// at waits.
func (t *typist) read() {
	defer t.session.guard()
	defer t.end()
	for ended := false; ; {
		line, err := t.editor.ReadLine()
		switch {
		case err == nil && !ended:
			t.history.add(line)
			t.mu.Lock()
			t.waiting++
			t.mu.Unlock()
			t.lines <- line
		case err == nil:
		case errors.Is(err, editor.ErrInterrupted) && (line != "" || t.interrupt()):
		case errors.Is(err, io.EOF) && !ended: // the lines that are there are worked at first
			ended = true
			close(t.lines)
		default:
			return
		}
	}
}

func (t *typist) begin(stop context.CancelFunc) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.stop = stop
	if t.stopped {
		t.stopped = false
		stop()
	}
}

func (t *typist) done() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.stop != nil {
		t.stop()
		t.stop = nil
	}
}

// interrupt ends the line that is being worked at, or the next of those that wait. It
// reports false if there is none.
func (t *typist) interrupt() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.stop != nil:
		t.stop()
	case t.waiting > 0:
		t.stopped = true
	default:
		return false
	}
	return true
}

// taken takes note that a line has been worked at.
func (t *typist) taken() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.waiting--; t.waiting == 0 {
		t.stopped = false
	}
}

// do works at one line.
func (t *typist) do(ctx context.Context, apart *sync.WaitGroup, line string) (quit bool) {
	defer t.taken()
	st, err := parse(line, readFile)
	if err != nil || st == nil {
		t.session.report(err)
		return false
	}
	if st.verb.apart {
		apart.Go(func() {
			defer t.session.guard()
			if err := st.verb.run(ctx, t.session, st); ctx.Err() == nil {
				t.session.report(err)
			}
		})
		return false
	}
	ctx, stop := context.WithCancel(ctx)
	t.begin(stop)
	defer t.done()
	err = st.verb.run(ctx, t.session, st)
	t.session.report(err)
	return errors.Is(err, errQuit)
}

// prompt names the current namespace, and says when it is not connected.
func (s *session) prompt() string {
	m := s.member()
	if m == nil {
		return ""
	}
	style := style{colour: s.out.colour}
	if m.socket.State() == client.StateConnected {
		return style.paint(bold, escape(m.namespace())+">") + " "
	}
	return style.paint(dim, escape(m.namespace())+" (not connected)>") + " "
}
