package engineio

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/kachi-io/kachi/engineio/packet"
	"github.com/kachi-io/kachi/internal/outbox"
)

// polling is what a session has besides while HTTP long-polling carries it: one GET at a
// time that waits for something to send, and one POST at a time that brings something.
// All of it is under the session's mu.
//
// A GET is free for its successor from the moment its answer is being written, since the
// client may be faster with the next one than the handler with its return. The successor
// waits until the answer is out.
type polling struct {
	outbox  outbox.Queue[*Message]
	bell    chan struct{} // rings for the GET that waits; made by the first
	waiting *exchange     // that GET
	writing *exchange     // the GET whose answer is being written
	post    *exchange
	arrival chan struct{} // closed by the next GET, where somebody wants to know

	ping, noop bool // packets to send
	shut       bool // a close packet is to be sent, after everything else
	late       bool // no GET waited when the server closed
	last       byte // packet for the GET that waits when the session is closed
}

// closeGrace is how long a client's close packet waits for a poll to answer. A client
// sends both at once on two connections, and nothing says which is read first.
const closeGrace = 50 * time.Millisecond

// sharedMax is the size in bytes of a body whose packets share its memory: a receiver
// that keeps one of many small messages should not keep a megabyte with it.
const sharedMax = 4096

var (
	errReadBody = errors.New("engineio: body incomplete")
	okBody      = []byte("ok")
)

// sendable reports whether a GET has something to take.
func (p *polling) sendable() bool {
	return p.writing == nil && (p.outbox.Len() > 0 || p.ping || p.noop || p.shut)
}

// wake rings where there is a GET and something for it.
func (p *polling) wake() {
	if p.waiting != nil && p.sendable() {
		p.ring()
	}
}

func (p *polling) ring() {
	select {
	case p.bell <- struct{}{}:
	default: // rung already, or nobody there
	}
}

// openPolling answers a handshake over polling.
func (s *Session) openPolling(w http.ResponseWriter, r *http.Request) {
	s.open(nil)
	b := buffers.Get().(*buffer)
	defer b.release()
	b.payload = packet.AppendPayload(b.payload, packet.Packet{Type: packet.Open, Data: s.server.openPacket(s.id, Polling)})
	if initial := s.server.opts.InitialPacket; len(initial) > 0 {
		b.payload = packet.AppendPayload(b.payload, packet.Packet{Type: packet.Message, Data: initial})
	}
	if s.server.opts.Cookie != nil {
		w.Header().Add("Set-Cookie", s.server.cookie(s.id))
	}
	x := newExchange(w, r)
	if err := s.answer(x, b, true, true); err != nil {
		s.end(TransportError, err, true)
	}
}

// handlePoll serves a GET: it waits until there is something to send.
func (s *Session) handlePoll(w http.ResponseWriter, r *http.Request, q request) {
	x := newExchange(w, r)
	s.mu.Lock()
	p := s.polling
	if p == nil || s.state.Load() == stateClosed {
		s.mu.Unlock()
		s.refuseLate(w, r, q)
		return
	}
	if p.waiting != nil {
		s.endLocked(TransportError, ErrOverlap, true)
		s.mu.Unlock()
		_ = x.answer(http.StatusBadRequest, nil, s.server.opts.WriteTimeout)
		return
	}
	if p.bell == nil {
		p.bell = make(chan struct{}, 1)
	}
	p.waiting = x
	if p.arrival != nil {
		close(p.arrival)
		p.arrival = nil
	}
	held := !p.sendable()
	p.wake()
	s.mu.Unlock()
	if held {
		x.hold()
	}
	for {
		select {
		case <-p.bell:
			if s.answerPoll(p, x, q) {
				return
			}
		case <-r.Context().Done():
			s.mu.Lock()
			// An upgrade or a close that came first have had their effect.
			if s.polling == p && p.waiting == x {
				p.waiting = nil
				s.endLocked(TransportError, ErrPollDropped, true)
			}
			s.mu.Unlock()
			x.leave()
			return
		}
	}
}

// answerPoll answers a GET, if there is something to say.
func (s *Session) answerPoll(p *polling, x *exchange, q request) (done bool) {
	b := buffers.Get().(*buffer)
	defer b.release()
	s.mu.Lock()
	if s.polling != p { // the transport has changed
		s.mu.Unlock()
		s.refuseLate(x.w, x.r, q)
		return true
	}
	if s.state.Load() == stateClosed {
		b.payload = append(b.payload, p.last)
		s.mu.Unlock()
		_ = s.answer(x, b, false, false)
		return true
	}
	if !p.sendable() {
		s.mu.Unlock()
		return false
	}
	final := p.take(b, s.server.opts.MaxPayload)
	p.waiting, p.writing = nil, x
	s.mu.Unlock()

	compressible := b.encode()
	err := s.answer(x, b, compressible, false)

	s.mu.Lock()
	p.writing = nil
	p.wake()
	switch {
	case err != nil:
		s.endLocked(TransportError, err, true)
	case final:
		s.endLocked(ForcedClose, nil, true)
	}
	s.mu.Unlock()
	return true
}

// take moves what is to be sent into b: the heartbeat first, then messages of about max
// bytes, and a close packet when nothing is left. Under mu.
func (p *polling) take(b *buffer, max int) (final bool) {
	b.messages = p.outbox.Pop(b.messages, p.outbox.Len(), max)
	if p.ping {
		b.payload = packet.AppendPayload(b.payload, packet.Packet{Type: packet.Ping})
	}
	idle := len(b.messages) == 0 && !p.ping
	final = p.shut && p.outbox.Len() == 0
	if idle && (p.noop || final && p.late) {
		b.payload = packet.AppendPayload(b.payload, packet.Packet{Type: packet.Noop})
	}
	b.closing = final
	p.ping, p.noop = false, false
	return final
}

// handlePost serves a POST: packets from the client.
func (s *Session) handlePost(w http.ResponseWriter, r *http.Request, q request) {
	x := newExchange(w, r)
	defer x.leave()
	s.mu.Lock()
	p := s.polling
	if p == nil || s.state.Load() == stateClosed {
		s.mu.Unlock()
		s.refuseLate(w, r, q)
		return
	}
	var broken error
	switch {
	case p.post != nil:
		broken = ErrOverlap
	case strings.HasPrefix(r.Header.Get("Content-Type"), "application/octet-stream"):
		broken = ErrInvalidContent
	}
	if broken != nil {
		s.endLocked(TransportError, broken, true)
		s.mu.Unlock()
		_ = x.answer(http.StatusBadRequest, nil, s.server.opts.WriteTimeout)
		return
	}
	p.post = x
	s.mu.Unlock()

	status, body := s.readPost(p, x)

	s.mu.Lock()
	p.post = nil // before the answer: the client may be quick with the next one
	s.mu.Unlock()
	h := w.Header()
	switch {
	case status == http.StatusOK:
		h.Set("Content-Type", "text/html")
		s.setHeaders(h, r, false)
	case len(body) > 0:
		h.Set("Content-Type", "application/json")
	}
	if status != http.StatusOK {
		h.Set("Connection", "close") // whatever is left of the body
	}
	_ = x.answer(status, body, s.server.opts.WriteTimeout)
}

// readPost reads a body and handles its packets.
func (s *Session) readPost(p *polling, x *exchange) (status int, answer []byte) {
	limit := s.server.opts.MaxPayload
	body, err := s.readBody(x, limit)
	var over *http.MaxBytesError
	switch {
	case err == errTooLarge, errors.As(err, &over):
		// The session goes on: the client hears what was wrong, and need not start over.
		if hook := s.server.opts.Hooks.Oversized; hook != nil {
			hook(s, max(x.r.ContentLength, 0), int64(limit))
		}
		return http.StatusRequestEntityTooLarge, tooLargeBody
	case err != nil:
		s.mu.Lock()
		if s.polling == p { // once upgraded the session does not depend on it
			s.endLocked(TransportError, errors.Join(ErrPostDropped, err), true)
		}
		s.mu.Unlock()
		return http.StatusBadRequest, nil
	}
	s.receive.Lock()
	defer s.receive.Unlock()
	for pk, err := range packet.ParsePayload(body, 0) {
		if err == nil && pk.Type == packet.Close {
			s.awaitPoll(p)
		}
		if len(body) > sharedMax && !pk.Binary && len(pk.Data) < len(body)/2 {
			pk.Data = bytes.Clone(pk.Data)
		}
		if !s.take(pk, err) {
			return http.StatusBadRequest, nil
		}
		if s.state.Load() != stateOpen {
			break
		}
	}
	return http.StatusOK, okBody
}

// awaitPoll gives a poll that the client sent before its close packet the time to arrive.
func (s *Session) awaitPoll(p *polling) {
	s.mu.Lock()
	if p.waiting != nil || p.writing != nil || s.polling != p || s.state.Load() != stateOpen {
		s.mu.Unlock()
		return
	}
	arrival := make(chan struct{})
	p.arrival = arrival
	s.mu.Unlock()
	grace := time.NewTimer(closeGrace)
	defer grace.Stop()
	select {
	case <-arrival:
	case <-grace.C:
	}
}

var (
	errTooLarge  = errors.New("engineio: body too large")
	tooLargeBody = []byte(`{"code":3,"message":"Payload too large"}`)
)

// readBody reads at most limit bytes. The buffer grows with what has come, not with what
// was announced: a client that dribbles costs what it has sent.
func (s *Session) readBody(x *exchange, limit int) ([]byte, error) {
	if x.r.ContentLength > int64(limit) {
		return nil, errTooLarge
	}
	if !x.read() {
		return nil, errReadBody
	}
	defer x.processed()
	announced := int(x.r.ContentLength) // -1: chunked
	size := 512
	if announced >= 0 {
		size = min(announced+1, 4096) // one more, to see the end without growing
	}
	body := make([]byte, 0, size)
	for {
		n, err := x.r.Body.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		if len(body) > limit {
			return nil, errTooLarge
		}
		if err == io.EOF {
			x.body = bodyRead
			return body, nil
		}
		if err != nil {
			x.body = bodyBroken
			return nil, err
		}
		if len(body) == cap(body) {
			grown := 2 * cap(body)
			if announced >= 0 {
				grown = min(grown, announced+1)
			}
			grown = min(max(grown, len(body)+512), limit+1)
			body = append(make([]byte, 0, grown), body...)
		}
	}
}

// refuseLate refuses a request whose session has ended, or changed its transport, since
// the server looked.
func (s *Session) refuseLate(w http.ResponseWriter, r *http.Request, q request) {
	f := Refusal{Request: r, Code: CodeUnknownSession}
	if s.state.Load() != stateClosed {
		f = Refusal{Request: r, Session: s, Code: CodeBadRequest, Cause: CauseTransportMismatch}
	}
	s.server.refuse(w, q, f)
}

// answer writes the payload in b.
func (s *Session) answer(x *exchange, b *buffer, compressible, first bool) error {
	h, o := x.w.Header(), s.server.opts
	h.Set("Content-Type", "text/plain; charset=UTF-8")
	s.setHeaders(h, x.r, first)
	body := b.payload
	if compressible && o.CompressionThreshold >= 0 && len(body) >= o.CompressionThreshold && h.Get("Content-Encoding") == "" {
		if encoding := acceptedEncoding(x.r.Header["Accept-Encoding"]); encoding != "" {
			if err := compress(&b.compressed, encoding, body); err != nil {
				return err // cannot happen: it writes to memory
			}
			h.Set("Content-Encoding", encoding)
			body = b.compressed.Bytes()
		}
	}
	return x.answer(http.StatusOK, body, o.WriteTimeout)
}

// setHeaders sets the headers that every answer to a request of a session has.
func (s *Session) setHeaders(h http.Header, r *http.Request, first bool) {
	h.Set("Cache-Control", "no-store")
	if ua := r.UserAgent(); strings.Contains(ua, ";MSIE") || strings.Contains(ua, "Trident/") {
		h.Set("X-XSS-Protection", "0") // keeps old browsers from warning of what they take for an attack
	}
	s.runHeadersHook(h, r, first)
}

func (s *Session) runHeadersHook(h http.Header, r *http.Request, first bool) {
	if s.server.opts.Hooks.Headers != nil {
		s.server.opts.Hooks.Headers(h, r, first)
	}
}

// buffer is the working memory of one answer.
type buffer struct {
	messages   []*Message
	payload    []byte
	compressed bytes.Buffer
	closing    bool // the close packet comes last
}

var buffers = sync.Pool{New: func() any { return new(buffer) }}

// encode appends the messages to the payload, and reports whether one of them may be
// compressed.
func (b *buffer) encode() (compressible bool) {
	for _, m := range b.messages {
		b.payload = m.appendPayload(b.payload)
		compressible = compressible || !m.NoCompress
	}
	if b.closing {
		b.payload = packet.AppendPayload(b.payload, packet.Packet{Type: packet.Close})
	}
	return compressible
}

// pooledMax keeps a rare large answer from staying in the pool.
const pooledMax = 64 << 10

func (b *buffer) release() {
	if cap(b.payload) > pooledMax || b.compressed.Cap() > pooledMax {
		return
	}
	clear(b.messages)
	b.messages, b.payload, b.closing = b.messages[:0], b.payload[:0], false
	b.compressed.Reset()
	buffers.Put(b)
}
