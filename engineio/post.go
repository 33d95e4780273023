package engineio

import (
	"bytes"
	"errors"
	"io"
	"iter"
	"net/http"
	"strings"
	"time"

	"github.com/kachi-io/kachi/engineio/packet"
)

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
	var cause string
	switch {
	case p.post != nil:
		broken, cause = ErrOverlap, CauseOverlap
	case s.protocol != 3 && isBinary(r):
		broken, cause = ErrInvalidContent, CauseContentType
	}
	if broken != nil {
		s.endLocked(TransportError, broken, true)
		s.mu.Unlock()
		s.refused(r, http.StatusBadRequest, cause, broken)
		_ = x.answer(http.StatusBadRequest, nil, s.server.opts.WriteTimeout)
		return
	}
	p.post = x
	s.mu.Unlock()

	status, cause, err := s.readPost(p, x)

	s.mu.Lock()
	p.post = nil // before the answer: the client may be quick with the next one
	s.mu.Unlock()
	h, body := w.Header(), okBody
	if status == http.StatusOK {
		h.Set("Content-Type", "text/html")
		s.setHeaders(h, r, false)
	} else {
		s.refused(r, status, cause, err)
		h.Set("Connection", "close") // whatever is left of the body
		body = nil
		if status == http.StatusRequestEntityTooLarge {
			h.Set("Content-Type", "application/json")
			body = tooLargeBody
		}
	}
	_ = x.answer(status, body, s.server.opts.WriteTimeout)
}

// readPost reads a body and handles its packets. cause and err tell of a status that is
// not 200.
func (s *Session) readPost(p *polling, x *exchange) (status int, cause string, err error) {
	limit := s.server.opts.MaxPayload
	body, err := s.readBody(x, limit)
	var over *http.MaxBytesError
	switch {
	case err == errTooLarge, errors.As(err, &over):
		// The session goes on: the client hears what was wrong, and need not start over.
		s.oversized(max(x.r.ContentLength, 0), int64(limit))
		return http.StatusRequestEntityTooLarge, CausePayloadTooLarge, err
	case err != nil:
		s.mu.Lock()
		if s.polling == p { // once upgraded the session does not depend on it
			s.endLocked(TransportError, errors.Join(ErrPostDropped, err), true)
		}
		s.mu.Unlock()
		return http.StatusBadRequest, CauseIncompleteBody, err
	}
	messages := 0
	defer func() { s.server.counts.traffic.Received.Add(0, messages, len(body)) }()
	s.receive.Lock()
	defer s.receive.Unlock()
	for pk, err := range s.packets(x.r, body) {
		if err == nil && pk.Type == packet.Close {
			s.awaitPoll(p)
		}
		if len(body) > sharedMax && (!pk.Binary || s.protocol == 3) && len(pk.Data) < len(body)/2 {
			pk.Data = bytes.Clone(pk.Data)
		}
		if err == nil && pk.Type == packet.Message {
			messages++
		}
		work, ok := s.take(pk, err)
		if work != nil {
			go work.Run()
		}
		if !ok {
			if err == nil {
				err = ErrHeartbeatDirection // the one whole packet that breaks a rule
			}
			return http.StatusBadRequest, CauseBadPacket, err
		}
		if s.state.Load() == stateClosed {
			break
		}
	}
	return http.StatusOK, "", nil
}

// packets takes a body apart.
func (s *Session) packets(r *http.Request, body []byte) iter.Seq2[packet.Packet, error] {
	switch {
	case s.protocol == 4:
		return packet.ParsePayload(body, 0)
	case isBinary(r):
		return packet.ParseBinaryPayloadV3(body, 0)
	}
	return packet.ParsePayloadV3(body, 0)
}

func isBinary(r *http.Request) bool {
	return strings.HasPrefix(r.Header.Get("Content-Type"), "application/octet-stream")
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
	tooLargeBody = []byte(`{"code":3,"message":"` + tooLarge + `"}`)
)

const tooLarge = "Payload too large"

// refused reports a request of the session that is answered by its status alone, or nearly.
func (s *Session) refused(r *http.Request, status int, cause string, err error) {
	f := Refusal{Request: r, Session: s, Status: status, Code: CodeBadRequest, Cause: cause, Err: err}
	if cause == CausePayloadTooLarge {
		f.Message = tooLarge
	}
	s.server.refused(f)
}

// oversized reports a message or a body that is too large.
func (s *Session) oversized(size, limit int64) {
	s.guard(func() { s.server.opts.Hooks.Oversized(s, size, limit) })
}

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
