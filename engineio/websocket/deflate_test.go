package websocket_test

import (
	"bytes"
	"compress/flate"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/kachi-io/kachi/engineio/websocket"
	"github.com/kachi-io/kachi/internal/assert"
)

const offer = "Sec-WebSocket-Extensions: permessage-deflate"

// deflated compresses by the standard library, as a client does it.
func deflated(s string) string {
	var b bytes.Buffer
	w, _ := flate.NewWriter(&b, 6)
	_, _ = w.Write([]byte(s))
	_ = w.Flush()
	return strings.TrimSuffix(b.String(), "\x00\x00\xff\xff")
}

func inflated(t *testing.T, s string) string {
	t.Helper()
	b, err := io.ReadAll(flate.NewReader(strings.NewReader(s + "\x00\x00\xff\xff\x01\x00\x00\xff\xff")))
	assert.NoError(t, err)
	return string(b)
}

// finalBlock compresses into a stream with an end of its own (RFC 7692 7.2.3.4).
func finalBlock(s string) string {
	var b bytes.Buffer
	w, _ := flate.NewWriter(&b, 6)
	_, _ = w.Write([]byte(s))
	_ = w.Close()
	return b.String()
}

func noise(n int) string {
	r := rand.New(rand.NewPCG(1, 2))
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return string(b)
}

func TestDeflateNegotiation(t *testing.T) {
	const agreed = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
	tests := []struct {
		offer, answer string
	}{
		{"permessage-deflate", agreed},
		{"permessage-deflate; client_max_window_bits", agreed},
		{"permessage-deflate; client_max_window_bits=10", agreed},
		{`permessage-deflate; client_max_window_bits="15"`, agreed},
		{"permessage-deflate; server_no_context_takeover; client_no_context_takeover", agreed},
		{"permessage-deflate ; server_max_window_bits = 15", agreed + "; server_max_window_bits=15"},
		{"permessage-deflate; server_max_window_bits=10", ""},
		{"permessage-deflate; server_max_window_bits=10, permessage-deflate", agreed},
		{"permessage-deflate; server_max_window_bits", ""},
		{"permessage-deflate; client_max_window_bits=7", ""},
		{"permessage-deflate; client_max_window_bits=16", ""},
		{"permessage-deflate; client_max_window_bits=010", ""},
		{"permessage-deflate; server_no_context_takeover=1", ""},
		{"permessage-deflate; server_no_context_takeover; server_no_context_takeover", ""},
		{"permessage-deflate; unknown", ""},
		{"permessage-deflate;", ""},
		{"x-webkit-deflate-frame, permessage-deflate", agreed},
		{"permessage-bzip2", ""},
		{"", ""},
	}
	h := listen(t, &websocket.Options{Deflate: &websocket.Deflate{}}, echo)
	for _, test := range tests {
		t.Run(test.offer, func(t *testing.T) {
			p := h.dial(t, "Sec-WebSocket-Extensions: "+test.offer)
			assert.Equal(t, p.Answer.Header.Get("Sec-Websocket-Extensions"), test.answer)
			c := assert.Receive(t, h.conns)
			assert.Equal(t, c.Deflates(), test.answer != "")
		})
	}
	t.Run("in two header lines", func(t *testing.T) {
		p := h.dial(t, "Sec-WebSocket-Extensions: foo", offer)
		assert.Equal(t, p.Answer.Header.Get("Sec-Websocket-Extensions"), agreed)
	})
	t.Run("declined by default", func(t *testing.T) {
		p := listen(t, nil, echo).dial(t, offer)
		assert.Equal(t, p.Answer.Header.Get("Sec-Websocket-Extensions"), "")
		p.write(frame(end|rsv1|text, deflated("hello")))
		p.expectClose(1002)
	})
}

func TestInflating(t *testing.T) {
	h := listen(t, &websocket.Options{MaxMessage: 1 << 20, Deflate: &websocket.Deflate{Threshold: 1 << 30}}, echo)
	hello := deflated("hello hello hello")
	var cases []protocolCase
	for _, n := range []int{0, 1, 10, 1000, 16 << 10, 16<<10 + 1, 100_000, 1 << 20} {
		s := strings.Repeat("까치 kachi ", n/13+1)[:n]
		if n > 10 {
			s = s[:n-n%13]
		} else {
			s = strings.Repeat("k", n)
		}
		random := noise(n)
		cases = append(cases,
			fine(fmt.Sprint("text ", n), sends(end|rsv1|text, deflated(s)), gets(end|text, s)),
			fine(fmt.Sprint("noise ", n), sends(end|rsv1|blob, deflated(random)), gets(end|blob, random)),
			fine(fmt.Sprint("noise in fragments ", n), func(p *peer) { p.sendMessage(rsv1|blob, deflated(random), n/7+1, 0) }, gets(end|blob, random)),
		)
	}
	cases = append(cases,
		fine("not deflated", sends(end|text, "plain"), gets(end|text, "plain")),
		fine("in octets", octets(end|rsv1|text, hello), gets(end|text, "hello hello hello")),
		fine("in fragments", sends(rsv1|text, hello[:3]), sends(more, hello[3:5]), sends(end|ping, "?"), gets(end|pong, "?"), sends(end, hello[5:]), gets(end|text, "hello hello hello")),
		fine("in fragments with empty ones", sends(rsv1|text, ""), sends(more, hello), sends(end, ""), gets(end|text, "hello hello hello")),
		fine("empty, as one empty block", sends(end|rsv1|text, "\x00"), gets(end|text, "")),
		fine("empty, as nothing", sends(end|rsv1|text, ""), gets(end|text, "")),
		fine("with its tail", sends(end|rsv1|text, hello+"\x00\x00\xff\xff\x00"), gets(end|text, "hello hello hello")),
		fine("with a final block", sends(end|rsv1|text, finalBlock("final")), gets(end|text, "final")),
		fine("with a final block and a byte", sends(end|rsv1|text, finalBlock("final")+"\x00"), gets(end|text, "final")),
		fine("two messages without a common window", sends(end|rsv1|text, hello), gets(end|text, "hello hello hello"), sends(end|rsv1|text, hello), gets(end|text, "hello hello hello")),
		fault("with more after a final block", 1007, sends(end|rsv1|text, finalBlock("final")+hello)),
		fault("with a window of the message before", 1007, sends(end|rsv1|text, "\xcaH\xcd\xc9\xc9\xd7Q(\xcf/\xcaI\x01\x00"), gets(end|text, "hello, world"), sends(end|rsv1|text, "\x02\x13\x00\x00\x00")),
		fault("compression bit in a continuation", 1002, sends(rsv1|text, hello[:3]), sends(end|rsv1, hello[3:])),
		fault("compression bit on a ping", 1002, sends(end|rsv1|ping, "")),
		fault("second reserved bit", 1002, sends(end|rsv1|rsv2|text, hello)),
		fault("noise", 1007, sends(end|rsv1|blob, "\xff\xff\xff\xff\xff\xff")),
		fault("cut short", 1007, sends(end|rsv1|blob, deflated(noise(1000))[:500])),
		fault("text that is not UTF-8", 1007, sends(end|rsv1|text, deflated("abc\xff"))),
		fault("text cut in a character", 1007, sends(end|rsv1|text, deflated("abc\xe2\x82"))),
		fault("one byte too many", 1009, sends(end|rsv1|text, deflated(strings.Repeat("x", 1<<20+1)))),
		fault("bomb", 1009, sends(end|rsv1|text, deflated(strings.Repeat("x", 8<<20)))),
		fault("bomb in fragments", 1009, func(p *peer) { p.sendMessage(rsv1|text, deflated(strings.Repeat("x", 4<<20)), 200, 0) }),
		fault("compressed data over the limit", 1009, func(p *peer) {
			go func() { _, _ = p.Write(frame(end|rsv1|blob, deflated(noise(2<<20)))) }()
		}),
		fault("empty blocks over the limit", 1009, func(p *peer) {
			go func() { _, _ = p.Write(frame(end|rsv1|blob, strings.Repeat("\x00\x00\x00\xff\xff", 300_000))) }()
		}),
	)
	runProtocol(t, h, cases, offer)
}

func TestDeflating(t *testing.T) {
	h := listen(t, &websocket.Options{Deflate: &websocket.Deflate{Threshold: 100}}, func(c *websocket.Conn) error {
		_, _, err := c.Read()
		return err
	})
	deflates, plain := h.dial(t, offer), h.dial(t)
	a, b := assert.Receive(t, h.conns), assert.Receive(t, h.conns)
	if !a.Deflates() {
		a, b = b, a
	}
	long, short, random := strings.Repeat("까치 ", 100), strings.Repeat("x", 97), noise(500)
	volatile := websocket.NewFrame(websocket.Text, []byte(long))
	volatile.Plain = true
	frames := []*websocket.Frame{
		websocket.NewFrame(websocket.Text, []byte(long)),
		websocket.NewFrame(websocket.Text, []byte(short)),
		websocket.NewFrame(websocket.Binary, []byte(random)),
		volatile,
		websocket.Join(
			websocket.NewFrame(websocket.Text, []byte("head"+short)),
			websocket.NewFrame(websocket.Binary, []byte(random)),
			websocket.NewFrame(websocket.Binary, []byte(long)),
			websocket.NewFrame(websocket.Binary, []byte(strings.Repeat(long, 1000))),
		),
		websocket.NewFrame(websocket.Text, []byte(strings.Repeat(long, 2000))),
	}
	for _, f := range frames {
		assert.NoError(t, a.Queue(f))
		assert.NoError(t, b.Send(f))
	}
	expect := func(first byte, payload string) {
		t.Helper()
		plain.expect(first&^rsv1, payload)
		got, bytes, err := deflates.read()
		assert.NoError(t, err)
		assert.Equal(t, got, first)
		if got&rsv1 != 0 {
			assert.True(t, len(bytes) < len(payload), "deflating gains something")
			bytes = inflated(t, bytes)
		}
		assert.True(t, bytes == payload, "payload comes back")
	}
	expect(end|rsv1|text, long)
	expect(end|text, short)  // below the threshold
	expect(end|blob, random) // gains nothing
	expect(end|text, long)   // plain
	expect(end|rsv1|text, "head"+short)
	expect(end|blob, random)
	expect(end|rsv1|blob, long)
	expect(end|rsv1|blob, strings.Repeat(long, 1000))
	expect(end|rsv1|text, strings.Repeat(long, 2000))
}

func BenchmarkDeflate(b *testing.B) {
	var s strings.Builder
	for i := range 40 {
		fmt.Fprintf(&s, `{"id":%d,"room":"general","user":"user-%d","text":"the magpie brings news %d"},`, i, i*7919%1000, i*i)
	}
	payload := []byte(s.String())
	for level := 1; level <= 9; level += 2 {
		b.Run(fmt.Sprint("level ", level), func(b *testing.B) {
			b.SetBytes(int64(len(payload)))
			b.ReportAllocs()
			d := &websocket.Deflate{Level: level}
			for b.Loop() {
				f := websocket.NewFrame(websocket.Text, payload)
				b.ReportMetric(float64(websocket.WireBytes(f, d))/float64(len(payload)), "ratio")
			}
		})
	}
}

func BenchmarkInflate(b *testing.B) {
	payload := deflated(strings.Repeat(`{"id":1,"room":"general","text":"the magpie brings news"},`, 40))
	b.SetBytes(int64(len(payload)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := websocket.Inflate([]byte(payload), 1<<20); err != nil {
			b.Fatal(err)
		}
	}
}
