package engineio

import (
	"bytes"
	"net/http"
	"strings"
	"sync"

	"github.com/kachi-io/kachi/engineio/packet"
)

// answer writes the payload in b.
func (s *Session) answer(x *exchange, b *buffer, compressible, first bool) error {
	h, o := x.w.Header(), s.server.opts
	h.Set("Content-Type", "text/plain; charset=UTF-8")
	if b.binary {
		h.Set("Content-Type", "application/octet-stream")
	}
	s.setHeaders(h, x.r, first)
	body := b.payload
	if compressible && o.CompressionThreshold >= 0 && len(body) >= o.CompressionThreshold && !encodedByHost(h) {
		if encoding := acceptedEncoding(x.r.Header["Accept-Encoding"]); encoding != "" {
			if err := compress(&b.compressed, encoding, body); err != nil {
				return err // cannot happen: it writes to memory
			}
			h.Set("Content-Encoding", encoding)
			body = b.compressed.Bytes()
		}
	}
	err := x.answer(http.StatusOK, body, o.WriteTimeout)
	if err == nil {
		messages := 0
		for _, m := range b.messages {
			messages += m.messages()
		}
		s.server.counts.traffic.Sent.Add(0, messages, len(body))
	}
	return err
}

// encodedByHost reports whether middleware compresses the answer. Some says so from the
// beginning, some only announces that it may, and compresses what is compressed already
// (echo's Gzip).
func encodedByHost(h http.Header) bool {
	return h.Get("Content-Encoding") != "" || headerHasToken(h["Vary"], "Accept-Encoding")
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
	binary     bool // the payload is; protocol 3
	closing    bool // the close packet comes last
}

var buffers = sync.Pool{New: func() any { return new(buffer) }}

// add appends a packet to the payload, in the form that the session's client reads.
func (b *buffer) add(s *Session, p packet.Packet) {
	switch {
	case s.protocol == 4:
		b.payload = packet.AppendPayload(b.payload, p)
	case b.binary:
		b.payload = packet.AppendBinaryPayloadV3(b.payload, p)
	default:
		b.payload = packet.AppendPayloadV3(b.payload, p)
	}
}

// encode appends the messages to the payload, and reports whether one of them may be
// compressed.
func (b *buffer) encode(s *Session) (compressible bool) {
	for _, m := range b.messages {
		if s.protocol == 4 {
			b.payload = m.appendPayload(b.payload)
		} else {
			for p := range m.packets {
				b.add(s, p)
			}
		}
		compressible = compressible || !m.NoCompress
	}
	if b.closing {
		b.add(s, packet.Packet{Type: packet.Close})
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
	b.messages, b.payload, b.binary, b.closing = b.messages[:0], b.payload[:0], false, false
	b.compressed.Reset()
	buffers.Put(b)
}
