package connect

import (
	"io"
	"sync"
	"time"
)

// printer writes records, whole ones, from any goroutine. Its zero value prints nothing.
type printer struct {
	json   bool
	colour bool
	out    io.Writer  // what the server sends
	err    io.Writer  // everything else; with json it is not used
	width  func() int // of the terminal that out is; nil where it is none
	now    func() time.Time

	mu      sync.Mutex
	several bool
	closed  bool
}

// print writes a record.
func (p *printer) print(r record) {
	r.time = p.now()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return
	}
	if p.json {
		_, _ = p.out.Write(r.jsonLine())
		return
	}
	s := style{colour: p.colour, several: p.several}
	if p.width != nil {
		s.columns = p.width()
	}
	w := p.err
	switch r.kind {
	case kindEvent, kindAnswer, kindStatus, kindNote:
		w = p.out
	}
	_, _ = io.WriteString(w, s.text(&r)+"\n")
}

// name has lines name their namespaces from now on.
func (p *printer) name(several bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.several = several
}

// close has nothing printed any more.
func (p *printer) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
}
