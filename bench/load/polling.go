//go:build linux

package main

import (
	"bytes"
	"strconv"
)

// poller carries packets over HTTP long-polling, on two connections kept alive: one for
// the waiting GET, one for POSTs, as browsers do. At most one POST is under way; packets
// that come meanwhile go into the next.
type poller struct {
	c         *client
	get, post *sock
	path      string // with the session's id, when it is known
	getHead   []byte
	postHead  []byte
	waiting   []byte // packets for the next POST
	request   []byte
	posting   bool
	body      []byte // of a chunked answer
}

func newPoller(c *client) (*poller, error) {
	w := &poller{c: c, path: "/socket.io/?EIO=4&transport=polling"}
	w.heads()
	var err error
	w.get, err = c.l.dial(w, &c.at.address, c.at.source(c.index), 0)
	return w, err
}

func (w *poller) heads() {
	host := " HTTP/1.1\r\nHost: " + w.c.at.host + "\r\n"
	w.getHead = []byte("GET " + w.path + host + "\r\n")
	w.postHead = []byte("POST " + w.path + host + "Content-Type: text/plain;charset=UTF-8\r\nContent-Length: ")
}

func (w *poller) connected(s *sock) {
	if s == w.get {
		s.write(w.getHead)
	}
}

func (w *poller) read(s *sock, p []byte) (used int) {
	a, state := parseAnswer(p, w.body)
	switch state {
	case partial:
		return 0
	case broken:
		w.c.fail("an HTTP answer that cannot be read")
		return 0
	}
	if a.status != 200 {
		w.c.fail("HTTP " + strconv.Itoa(a.status))
		return 0
	}
	if a.chunked {
		w.body = a.body
	}
	if s == w.post {
		w.posting = false
		w.c.flush()
		return a.size
	}
	for body := a.body; len(body) > 0; {
		packet := body
		if i := bytes.IndexByte(body, 0x1e); i >= 0 {
			packet, body = body[:i], body[i+1:]
		} else {
			body = nil
		}
		if packet[0] == '0' && !w.opened(packet) {
			return a.size
		}
		w.c.packet(packet, len(packet))
		if s.ended {
			return a.size
		}
	}
	s.write(w.getHead)
	return a.size
}

var sidKey = []byte(`"sid":"`)

// opened takes the session's id from OPEN and opens the connection for POSTs.
func (w *poller) opened(packet []byte) bool {
	_, after, found := bytes.Cut(packet, sidKey)
	sid, _, closed := bytes.Cut(after, []byte{'"'})
	if !found || !closed {
		w.c.fail("OPEN without a session's id")
		return false
	}
	w.path += "&sid=" + string(sid)
	w.heads()
	var err error
	if w.post, err = w.c.l.dial(w, &w.c.at.address, w.c.at.source(w.c.index), 0); err != nil {
		w.c.fail("connect: " + err.Error())
		return false
	}
	return true
}

func (w *poller) send(packet []byte) {
	if len(w.waiting) > 0 {
		w.waiting = append(w.waiting, 0x1e)
	}
	w.waiting = append(w.waiting, packet...)
}

func (w *poller) flush() {
	if w.post == nil || w.posting || len(w.waiting) == 0 {
		return
	}
	w.posting = true
	w.request = append(w.request[:0], w.postHead...)
	w.request = strconv.AppendInt(w.request, int64(len(w.waiting)), 10)
	w.request = append(w.request, headEnd...)
	w.request = append(w.request, w.waiting...)
	w.waiting = w.waiting[:0]
	w.post.write(w.request)
}

// leave sends Engine.IO's close; the waiting GET is then answered.
func (w *poller) leave() {
	w.send([]byte("1"))
	w.flush()
}

func (w *poller) deafen() { w.get.deaf = true; w.get.watch() }
func (w *poller) listen() { w.get.deaf = false; w.get.watch() }

func (w *poller) abort() {
	for _, s := range w.socks() {
		s.abort()
	}
}

func (w *poller) socks() []*sock {
	if w.post == nil {
		return []*sock{w.get}
	}
	return []*sock{w.get, w.post}
}

func (w *poller) writable(*sock)            {}
func (w *poller) ended(_ *sock, why string) { w.c.fail(why) }

// answer is one HTTP response.
type answer struct {
	status  int
	body    []byte
	chunked bool // body is a copy
	size    int  // of the whole answer, as it came
}

var (
	contentLength = []byte("content-length:")
	chunkedCoding = []byte("transfer-encoding: chunked")
	lineEnd       = []byte("\r\n")
)

// parseAnswer reads the first answer of p. A chunked body is put together in spare.
func parseAnswer(p, spare []byte) (a answer, state frameState) {
	end := bytes.Index(p, headEnd)
	if end < 0 {
		return a, partial
	}
	head := p[:end]
	if len(head) < 12 || !bytes.HasPrefix(head, []byte("HTTP/1.")) {
		return a, broken
	}
	a.status, _ = strconv.Atoi(string(head[9:12]))
	body := p[end+len(headEnd):]
	length := 0
	for lines := head; len(lines) > 0; {
		line, rest, _ := bytes.Cut(lines, lineEnd)
		lines = rest
		switch {
		case foldPrefix(line, contentLength):
			n, err := strconv.Atoi(string(bytes.TrimSpace(line[len(contentLength):])))
			if err != nil || n < 0 {
				return a, broken
			}
			length = n
		case foldPrefix(line, chunkedCoding):
			a.chunked = true
		}
	}
	if a.chunked {
		return unchunk(a, body, end+len(headEnd), spare[:0])
	}
	if len(body) < length {
		return a, partial
	}
	a.body, a.size = body[:length], end+len(headEnd)+length
	return a, whole
}

func unchunk(a answer, p []byte, size int, spare []byte) (answer, frameState) {
	for {
		i := bytes.Index(p, lineEnd)
		if i < 0 {
			return a, partial
		}
		n, err := strconv.ParseUint(string(p[:i]), 16, 31)
		if err != nil {
			return a, broken
		}
		step := i + 2 + int(n) + 2
		if len(p) < step {
			return a, partial
		}
		spare = append(spare, p[i+2:i+2+int(n)]...)
		p, size = p[step:], size+step
		if n == 0 {
			a.body, a.size = spare, size
			return a, whole
		}
	}
}

// foldPrefix compares without regard to case; prefix is in lower case.
func foldPrefix(line, prefix []byte) bool {
	if len(line) < len(prefix) {
		return false
	}
	for i, want := range prefix {
		c := line[i]
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != want {
			return false
		}
	}
	return true
}
