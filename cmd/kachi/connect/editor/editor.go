package editor

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"sync"
	"unicode"
)

// ErrInterrupted is returned by [Editor.ReadLine] after Ctrl-C.
var ErrInterrupted = errors.New("editor: interrupted")

const (
	maxLine = 64 << 10 // characters; what is typed beyond is ignored
	maxKey  = 64       // bytes of a key; longer ones are no keys
)

// Editor edits lines on a terminal in raw mode. One goroutine reads lines; any may write.
type Editor struct {
	in    io.Reader
	width func() int

	// Complete is called for TAB with what stands before the cursor. It returns what to
	// insert there, or, where there are several ways to go on, what to show. May be nil.
	Complete func(before string) (insert string, choices []string)
	// Unfinished tells whether a pasted line goes on behind a line break, which becomes a
	// space then. May be nil.
	Unfinished func(line string) bool
	// History is gone through with the arrow keys. ReadLine adds nothing to it. May be nil.
	History *History

	mu     sync.Mutex
	screen screen
	line   []rune
	pos    int // of the cursor in line
	recall recall
	input  []byte // read and not yet taken
	paste  bool
	closed bool
}

// New returns an editor that reads keys from in and draws on out. The caller has put the
// terminal into raw mode, and width tells its columns.
func New(in io.Reader, out io.Writer, width func() int) *Editor {
	return &Editor{in: in, width: width, screen: screen{out: out}}
}

// SetPrompt changes what stands in front of the line.
func (e *Editor) SetPrompt(prompt string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if prompt == string(e.screen.prompt) {
		return
	}
	shown := e.screen.shown
	e.hide()
	e.screen.prompt = []rune(prompt)
	if shown {
		e.draw()
	}
	e.screen.flush()
}

// Write prints p above the line being typed. What it prints should end with a line break.
func (e *Editor) Write(p []byte) (int, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	shown := e.screen.shown
	e.hide()
	e.screen.buf = append(e.screen.buf, bytes.ReplaceAll(p, []byte("\n"), []byte("\r\n"))...)
	if shown {
		e.draw()
	}
	return len(p), e.screen.flush()
}

// Close takes the line being typed from the screen, for good. It does not end ReadLine,
// which waits for its input.
func (e *Editor) Close() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.hide()
	e.closed = true
	return e.screen.flush()
}

// ReadLine returns the next line. After Ctrl-C it returns what had been typed and
// [ErrInterrupted]; after Ctrl-D on an empty line, and when the input has ended, [io.EOF].
func (e *Editor) ReadLine() (string, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.line, e.pos, e.recall = e.line[:0], 0, recall{}
	e.draw()
	for {
		for {
			k, n := decode(e.input, e.paste)
			if n == 0 {
				break
			}
			e.input = e.input[n:]
			if line, done, err := e.press(k); done {
				return line, errors.Join(err, e.screen.flush())
			}
		}
		if e.screen.stale {
			e.hide()
			e.draw()
		}
		if err := e.screen.flush(); err != nil {
			return "", err
		}
		if err := e.read(); err != nil {
			e.hide()
			_ = e.screen.flush()
			return "", err
		}
	}
}

// read takes in more keys, with e.mu held, but not while it waits.
func (e *Editor) read() error {
	if len(e.input) > maxKey {
		e.input = nil
	}
	chunk := make([]byte, 4096)
	e.mu.Unlock()
	n, err := e.in.Read(chunk)
	e.mu.Lock()
	if n > 0 {
		e.input = append(slices.Clone(e.input), chunk[:n]...)
		return nil
	}
	return err
}

// press takes one key. done tells that the line is complete.
func (e *Editor) press(k key) (line string, done bool, err error) {
	switch k.name {
	case keyRune:
		e.insert(k.r)
	case keyTab:
		e.complete()
	case keyEnter:
		if e.paste && e.unfinished() {
			e.insert(' ')
			break
		}
		return e.finish("\r\n", nil)
	case keyInterrupt:
		return e.finish("^C\r\n", ErrInterrupted)
	case keyEOF:
		if len(e.line) == 0 {
			return e.finish("\r\n", io.EOF)
		}
		e.cut(e.pos, e.pos+1)
	case keyPasteBegin, keyPasteEnd:
		e.paste = k.name == keyPasteBegin
	case keyClear:
		e.screen.buf = append(e.screen.buf, "\x1b[H\x1b[2J"...)
		e.screen.shown = false
		e.screen.stale = true
	case keyUp, keyDown:
		e.turn(k.name == keyUp)
	default:
		e.edit(k.name)
	}
	return "", false, nil
}

// edit does what changes the line or moves the cursor.
func (e *Editor) edit(name keyName) {
	switch name {
	case keyLeft:
		e.move(e.pos - 1)
	case keyRight:
		e.move(e.pos + 1)
	case keyHome:
		e.move(0)
	case keyEnd:
		e.move(len(e.line))
	case keyWordLeft:
		e.move(e.wordLeft())
	case keyWordRight:
		e.move(e.wordRight())
	case keyBackspace:
		e.cut(e.pos-1, e.pos)
	case keyDelete:
		e.cut(e.pos, e.pos+1)
	case keyCutWord:
		e.cut(e.wordLeft(), e.pos)
	case keyCutHead:
		e.cut(0, e.pos)
	case keyCutTail:
		e.cut(e.pos, len(e.line))
	}
}

func (e *Editor) finish(end string, err error) (string, bool, error) {
	e.hide() // also what a quick typist has not been shown yet
	e.pos = len(e.line)
	e.draw()
	e.screen.leave(end)
	return string(e.line), true, err
}

func (e *Editor) insert(r rune) {
	if unicode.IsControl(r) {
		r = ' '
	}
	if len(e.line) >= maxLine {
		return
	}
	e.line = slices.Insert(e.line, e.pos, r)
	e.pos++
	e.screen.stale = true
}

func (e *Editor) move(pos int) {
	e.pos = min(max(pos, 0), len(e.line))
	e.screen.stale = true
}

func (e *Editor) cut(from, to int) {
	from, to = max(from, 0), min(to, len(e.line))
	if from >= to {
		return
	}
	e.line = slices.Delete(e.line, from, to)
	e.pos = from
	e.screen.stale = true
}

func (e *Editor) wordLeft() int {
	pos := e.pos
	for pos > 0 && e.line[pos-1] == ' ' {
		pos--
	}
	for pos > 0 && e.line[pos-1] != ' ' {
		pos--
	}
	return pos
}

func (e *Editor) wordRight() int {
	pos := e.pos
	for pos < len(e.line) && e.line[pos] == ' ' {
		pos++
	}
	for pos < len(e.line) && e.line[pos] != ' ' {
		pos++
	}
	return pos
}

// unfinished asks whether the line goes on, without the lock.
func (e *Editor) unfinished() bool {
	if e.Unfinished == nil {
		return false
	}
	line := string(e.line)
	e.mu.Unlock()
	defer e.mu.Lock()
	return e.Unfinished(line)
}

// complete asks what may follow, without the lock.
func (e *Editor) complete() {
	if e.Complete == nil {
		return
	}
	before := string(e.line[:e.pos])
	e.mu.Unlock()
	insert, choices := e.Complete(before)
	e.mu.Lock()
	for _, r := range insert {
		e.insert(r)
	}
	if insert == "" && len(choices) > 0 {
		e.hide()
		for _, c := range choices {
			e.screen.buf = append(append(e.screen.buf, c...), "  "...)
		}
		e.screen.buf = append(e.screen.buf, "\r\n"...)
		e.screen.stale = true
	}
}

// turn goes up or down in the history.
func (e *Editor) turn(up bool) {
	if line, ok := e.recall.turn(e.History, string(e.line), up); ok {
		e.line = []rune(line)
		e.pos = len(e.line)
		e.screen.stale = true
	}
}

func (e *Editor) hide() { e.screen.hide(e.width()) }

func (e *Editor) draw() {
	if !e.closed {
		e.screen.draw(e.line, e.pos, e.width())
	}
}
