package websocket_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/kachi-io/kachi/engineio/websocket"
	"github.com/kachi-io/kachi/internal/assert"
)

// step is something that a client sends or expects.
type step func(p *peer)

func sends(first byte, payload string) step { return func(p *peer) { p.write(frame(first, payload)) } }
func gets(first byte, payload string) step  { return func(p *peer) { p.expect(first, payload) } }
func closed(code uint16) step               { return func(p *peer) { p.expectClose(code) } }
func raw(b ...byte) step                    { return func(p *peer) { p.write(b) } }

// sendsAll sends the frames of several steps in one write.
func sendsAll(frames ...[]byte) step {
	return func(p *peer) {
		var all []byte
		for _, f := range frames {
			all = append(all, f...)
		}
		p.write(all)
	}
}

// octets sends a frame byte by byte.
func octets(first byte, payload string) step {
	return func(p *peer) {
		for _, b := range frame(first, payload) {
			p.write([]byte{b})
		}
	}
}

var goodbye = []step{sends(end|closes, closing(1000, "")), closed(1000)}

type protocolCase struct {
	name  string
	steps []step
}

func fine(name string, steps ...step) protocolCase {
	return protocolCase{name, append(steps, goodbye...)}
}

func fault(name string, code uint16, steps ...step) protocolCase {
	return protocolCase{name, append(steps, closed(code))}
}

func runProtocol(t *testing.T, h *host, cases []protocolCase, headers ...string) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			p := h.dial(t, headers...)
			for _, s := range c.steps {
				s(p)
			}
			_ = p.Close()
			err := assert.Receive(t, h.ended)
			var closed *websocket.CloseError
			var protocol *websocket.ProtocolError
			if !errors.As(err, &closed) && !errors.As(err, &protocol) && !errors.Is(err, websocket.ErrMessageTooBig) {
				t.Errorf("reader ended with %v", err)
			}
		})
	}
}

func TestFraming(t *testing.T) {
	var cases []protocolCase
	for _, n := range []int{0, 1, 125, 126, 127, 128, 65535, 65536, 65537} {
		payload := strings.Repeat("*", n)
		blobs := strings.Repeat("\xfe", n)
		cases = append(cases,
			fine(fmt.Sprint("text ", n), sends(end|text, payload), gets(end|text, payload)),
			fine(fmt.Sprint("binary ", n), sends(end|blob, blobs), gets(end|blob, blobs)),
		)
		if n < 1000 {
			cases = append(cases,
				fine(fmt.Sprint("text in octets ", n), octets(end|text, payload), gets(end|text, payload)))
		}
	}
	cases = append(cases,
		fine("several in one write",
			sendsAll(frame(end|text, "one"), frame(end|blob, "two"), frame(end|ping, "?"), frame(end|text, "three")),
			func(p *peer) { // the pong may overtake
				want := map[string]bool{"one": true, "two": true, "?": true, "three": true}
				for range 4 {
					_, payload, err := p.read()
					assert.NoError(t, err)
					delete(want, payload)
				}
				assert.Equal(t, len(want), 0)
			}),
		fine("longer length form than needed", raw(end|text, 0x80|126, 0, 2, 0, 0, 0, 0, 'h', 'i'), gets(end|text, "hi")),
		fault("no mask", 1002, raw(end|text, 2, 'h', 'i')),
		fault("no mask on a control frame", 1002, raw(end|ping, 0)),
		fault("highest bit of the length", 1002, raw(end|blob, 0x80|127, 0x80, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0)),
		fault("length of an exabyte", 1009, raw(end|blob, 0x80|127, 0x10, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0)),
	)
	runProtocol(t, listen(t, nil, echo), cases)
}

func TestPingsAndPongs(t *testing.T) {
	long := strings.Repeat("\xfe", 125)
	ten := func(p *peer) {
		var all []byte
		for i := range 10 {
			all = append(all, frame(end|ping, fmt.Sprint("ping ", i))...)
		}
		p.write(all)
		for i := range 10 {
			p.expect(end|pong, fmt.Sprint("ping ", i))
		}
	}
	tenOctets := func(p *peer) {
		for i := range 10 {
			octets(end|ping, fmt.Sprint("ping ", i))(p)
		}
		for i := range 10 {
			p.expect(end|pong, fmt.Sprint("ping ", i))
		}
	}
	runProtocol(t, listen(t, nil, echo), []protocolCase{
		fine("empty", sends(end|ping, ""), gets(end|pong, "")),
		fine("text", sends(end|ping, "hello"), gets(end|pong, "hello")),
		fine("binary", sends(end|ping, "\x00\xff\xfe"), gets(end|pong, "\x00\xff\xfe")),
		fine("125 bytes", sends(end|ping, long), gets(end|pong, long)),
		fine("125 bytes in octets", octets(end|ping, long), gets(end|pong, long)),
		fault("126 bytes", 1002, sends(end|ping, long+"*")),
		fault("126 bytes of pong", 1002, sends(end|pong, long+"*")),
		fine("pong unasked", sends(end|pong, "")),
		fine("pong unasked with payload", sends(end|pong, "unasked")),
		fine("pong unasked, then ping", sends(end|pong, "unasked"), sends(end|ping, "asked"), gets(end|pong, "asked")),
		fine("ten pings", ten),
		fine("ten pings in octets", tenOctets),
	})
}

func TestReservedBits(t *testing.T) {
	var cases []protocolCase
	for bits := byte(rsv3); bits <= rsv1|rsv2|rsv3; bits += rsv3 {
		for _, op := range []byte{text, blob, ping, pong, closes} {
			cases = append(cases,
				fault(fmt.Sprintf("bits %02x opcode %x", bits, op), 1002, sends(end|bits|op, "")),
				fault(fmt.Sprintf("bits %02x opcode %x after a message", bits, op), 1002,
					sends(end|text, "before"), gets(end|text, "before"), octets(end|bits|op, "with payload")))
		}
		cases = append(cases, fault(fmt.Sprintf("bits %02x in a continuation", bits), 1002,
			sends(text, "begin"), sends(end|bits, "end")))
	}
	runProtocol(t, listen(t, nil, echo), cases)
}

func TestReservedOpcodes(t *testing.T) {
	var cases []protocolCase
	for _, op := range []byte{3, 4, 5, 6, 7, 11, 12, 13, 14, 15} {
		cases = append(cases,
			fault(fmt.Sprintf("opcode %x", op), 1002, sends(end|op, "")),
			fault(fmt.Sprintf("opcode %x with payload", op), 1002, sends(end|op, "payload")),
			fault(fmt.Sprintf("opcode %x after a message", op), 1002,
				sends(end|text, "before"), gets(end|text, "before"), sends(end|op, "payload")),
			fault(fmt.Sprintf("opcode %x not final", op), 1002, sends(op, "payload")),
			fault(fmt.Sprintf("opcode %x inside a message", op), 1002, sends(text, "begin"), sends(end|op, "")))
	}
	runProtocol(t, listen(t, nil, echo), cases)
}

func TestFragmentation(t *testing.T) {
	many := func(p *peer) {
		var all []byte
		for i := range 300 {
			all = append(all, frame(first(i == 0, text), strings.Repeat("x", i))...)
		}
		p.write(append(all, frame(end, "")...))
		p.expect(end|text, strings.Repeat("x", 300*299/2))
	}
	runProtocol(t, listen(t, nil, echo), []protocolCase{
		fault("ping in two", 1002, sends(ping, "frag"), sends(end, "ment")),
		fault("pong in two", 1002, sends(pong, "frag"), sends(end, "ment")),
		fault("close in two", 1002, sends(closes, "\x03\xe8"), sends(end, "ment")),
		fine("text in two", sends(text, "frag"), sends(end, "ment"), gets(end|text, "fragment")),
		fine("binary in two", sends(blob, "frag"), sends(end, "ment"), gets(end|blob, "fragment")),
		fine("text in two, one write", sendsAll(frame(text, "frag"), frame(end, "ment")), gets(end|text, "fragment")),
		fine("text in octets", octets(text, "frag"), octets(end, "ment"), gets(end|text, "fragment")),
		fine("empty fragments", sends(text, ""), sends(more, ""), sends(end, ""), gets(end|text, "")),
		fine("empty at both ends", sends(text, ""), sends(more, "middle"), sends(end, ""), gets(end|text, "middle")),
		fine("ping inside", sends(text, "frag"), sends(end|ping, "?"), gets(end|pong, "?"), sends(end, "ment"), gets(end|text, "fragment")),
		fine("pong inside", sends(text, "frag"), sends(end|pong, "!"), sends(end, "ment"), gets(end|text, "fragment")),
		fine("pings inside five fragments",
			sends(text, "1"), sends(more, "2"), sends(end|ping, "a"), gets(end|pong, "a"), sends(more, "3"), sends(more, "4"),
			sends(end|ping, "b"), gets(end|pong, "b"), sends(end, "5"), gets(end|text, "12345")),
		fine("300 fragments", many),
		fault("continuation of nothing", 1002, sends(end, "x")),
		fault("continuation of nothing, not final", 1002, sends(more, "x"), sends(end|text, "y")),
		fault("continuation after a whole message", 1002, sends(end|text, "whole"), gets(end|text, "whole"), sends(end, "x")),
		fault("text inside text", 1002, sends(text, "one"), sends(end|text, "two")),
		fault("binary inside text", 1002, sends(text, "one"), sends(end|blob, "two")),
		fault("text begun inside text", 1002, sends(text, "one"), sends(text, "two")),
		protocolCase{"close inside a message", append([]step{sends(text, "one")}, goodbye...)},
	})
}

func first(yes bool, op byte) byte {
	if yes {
		return op
	}
	return more
}

func TestUTF8(t *testing.T) {
	valid := []string{
		"Hello-µ@ßöäüàá-UTF-8!!", "κόσμε", "\x00", "\x7f", "\u0080", "\u07ff", "\u0800", "\uffff", "\U00010000", "\U0010ffff",
		"\ud7ff", "\ue000", "\ufffd", "\ufffe", "\U0001fffe", "\U0010fffe", "까치가 온다", "𝄞𝄞𝄞", "\ufeffbom",
		strings.Repeat("까치", 5000),
	}
	invalid := map[string]string{
		"surrogate":                 "κόσμε\xed\xa0\x80edited",
		"last surrogate":            "\xed\xbf\xbf",
		"surrogate pair":            "\xed\xa0\x80\xed\xb0\x80",
		"above the last":            "κόσμε\xf4\x90\x80\x80edited",
		"five bytes":                "\xf8\x88\x80\x80\x80",
		"six bytes":                 "\xfc\x84\x80\x80\x80\x80",
		"byte fe":                   "\xfe",
		"byte ff":                   "\xff",
		"continuation":              "\x80",
		"continuation in the text":  "abc\xbfdef",
		"cut short":                 "abc\xce",
		"cut short, three of four":  "abc\xf0\x9d\x84",
		"cut by ascii":              "abc\xe2\x82def",
		"overlong ascii":            "\xc0\xaf",
		"overlong three":            "\xe0\x80\xaf",
		"overlong four":             "\xf0\x80\x80\xaf",
		"overlong c1":               "\xc1\xbf",
		"a bad byte far behind":     strings.Repeat("까치", 5000) + "\xff" + strings.Repeat("까치", 5000),
		"not where a word boundary": "1234567\xe2\x82",
	}
	var cases []protocolCase
	for i, s := range valid {
		split := func(size int) step {
			return func(p *peer) {
				var all []byte
				for at := 0; at < len(s); at += size {
					all = append(all, frame(first(at == 0, text), s[at:min(at+size, len(s))])...)
				}
				p.write(append(all, frame(end, "")...))
			}
		}
		cases = append(cases,
			fine(fmt.Sprint("valid ", i), sends(end|text, s), gets(end|text, s)),
			fine(fmt.Sprint("valid in fragments of one ", i), split(1), gets(end|text, s)),
			fine(fmt.Sprint("valid in fragments of two ", i), split(2), gets(end|text, s)),
			fine(fmt.Sprint("valid in fragments of five ", i), split(5), gets(end|text, s)))
		if len(s) < 1000 {
			cases = append(cases, fine(fmt.Sprint("valid in octets ", i), octets(end|text, s), gets(end|text, s)))
		}
	}
	for name, s := range invalid {
		cases = append(cases,
			fault("invalid: "+name, 1007, sends(end|text, s)),
			fault("invalid in fragments: "+name, 1007, func(p *peer) {
				var all []byte
				for i := range len(s) {
					all = append(all, frame(first(i == 0, text), s[i:i+1])...)
				}
				_, _ = p.Write(append(all, frame(end, "")...)) // may fail: the server hangs up in the middle
			}))
	}
	cases = append(cases, fine("binary need not be UTF-8", sends(end|blob, "\xff\xfe\xed\xa0\x80"), gets(end|blob, "\xff\xfe\xed\xa0\x80")))
	runProtocol(t, listen(t, nil, echo), cases)
}

// The connection ends at the byte that cannot become UTF-8 any more, whether or not
// the frame or the message is complete.
func TestUTF8FailsFast(t *testing.T) {
	part := func(total int, sent string) step {
		return func(p *peer) {
			b := header(end|text, total)
			key := b[len(b)-4:]
			for i := range len(sent) {
				b = append(b, sent[i]^key[i&3])
			}
			p.write(b)
		}
	}
	runProtocol(t, listen(t, nil, echo), []protocolCase{
		fault("in the first of two fragments", 1007, sends(text, "κόσμε\xf4\x90")),
		fault("at the end of a fragment", 1007, sends(text, "κόσμε\xf4"), sends(more, "\x90")),
		fault("in the middle of a frame", 1007, part(1000, "κόσμε\xf4\x90")),
		fault("surrogate at its second byte", 1007, part(1000, "abc\xed\xa0")),
		fault("overlong at its first byte", 1007, part(1000, "abc\xc0")),
		fault("overlong at its second byte", 1007, part(1000, "abc\xe0\x9f")),
		fault("in the middle of a large frame", 1007, part(500_000, strings.Repeat("a", 100_000)+"\xff")),
	})
}

func TestClosing(t *testing.T) {
	cases := []protocolCase{
		{"empty", []step{sends(end|closes, ""), closed(0)}},
		{"with reason", []step{sends(end|closes, closing(1000, "good bye")), closed(1000)}},
		{"with the longest reason", []step{sends(end|closes, closing(1000, strings.Repeat("*", 123))), closed(1000)}},
		{"in octets", []step{octets(end|closes, closing(1000, "bye")), closed(1000)}},
		{"twice", []step{sendsAll(frame(end|closes, closing(1000, "")), frame(end|closes, closing(1000, ""))), closed(1000)}},
		{"then ping", []step{sendsAll(frame(end|closes, closing(1000, "")), frame(end|ping, "?")), closed(1000)}},
		{"then text", []step{sendsAll(frame(end|closes, closing(1000, "")), frame(end|text, "late")), closed(1000)}},
		{"then nonsense", []step{sendsAll(frame(end|closes, closing(1000, "")), []byte(strings.Repeat("\xff", 100_000))), closed(1000)}},
		{"with half a code", []step{sends(end|closes, "\x03"), closed(1002)}},
		{"with 126 bytes", []step{sends(end|closes, closing(1000, strings.Repeat("*", 124))), closed(1002)}},
		{"with a reason that is not UTF-8", []step{sends(end|closes, closing(1000, "\xce\xba\xed\xa0\x80")), closed(1007)}},
		{"large message, close, ping", []step{
			sends(end|text, strings.Repeat("BAsd7&jh23", 25_000)),
			gets(end|text, strings.Repeat("BAsd7&jh23", 25_000)),
			sendsAll(frame(end|closes, closing(1000, "")), frame(end|ping, "?")), closed(1000),
		}},
	}
	for _, code := range []uint16{1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999} {
		cases = append(cases, protocolCase{fmt.Sprint("code ", code), []step{sends(end|closes, closing(code, "")), closed(code)}})
	}
	for _, code := range []uint16{0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535} {
		cases = append(cases,
			protocolCase{fmt.Sprint("bad code ", code), []step{sends(end|closes, closing(code, "")), closed(1002)}},
			protocolCase{fmt.Sprint("bad code with reason ", code), []step{sends(end|closes, closing(code, "reason")), closed(1002)}})
	}
	runProtocol(t, listen(t, nil, echo), cases)
}

func TestSizes(t *testing.T) {
	h := listen(t, &websocket.Options{MaxMessage: 16 << 20}, echo)
	for _, n := range []int{64 << 10, 1 << 20, 16 << 20} {
		payload := strings.Repeat("0123456789abcde\n", n/16)
		for _, fragment := range []int{0, 64, 256, 1 << 10, 4 << 10, 64 << 10, 1 << 20, 4 << 20} {
			// The race detector makes 16 MiB take seconds.
			if fragment >= n || fragment > 0 && n/fragment > 4096 || raceEnabled && n > 1<<20 && fragment > 0 {
				continue
			}
			t.Run(fmt.Sprintf("%d in fragments of %d", n, fragment), func(t *testing.T) {
				p := h.dial(t)
				go p.sendMessage(text, payload, fragment, 0)
				p.expect(end|text, payload)
			})
		}
		for _, chop := range []int{64, 128, 256, 512, 1024, 2048, 4096} {
			if n/chop > 8192 || raceEnabled && n > 1<<20 {
				continue
			}
			t.Run(fmt.Sprintf("%d in writes of %d", n, chop), func(t *testing.T) {
				p := h.dial(t)
				go p.sendMessage(blob, payload, 0, chop)
				p.expect(end|blob, payload)
			})
		}
	}
}

// sendMessage sends a message in fragments and writes of the given sizes.
func (p *peer) sendMessage(op byte, payload string, fragment, chop int) {
	var all []byte
	if fragment == 0 {
		all = frame(end|op, payload)
	} else {
		for at := 0; at < len(payload); at += fragment {
			till := min(at+fragment, len(payload))
			b := first(at == 0, op)
			if till == len(payload) {
				b |= end
			}
			all = append(all, frame(b, payload[at:till])...)
		}
	}
	if chop == 0 {
		chop = len(all)
	}
	for at := 0; at < len(all); at += chop {
		if _, err := p.Write(all[at:min(at+chop, len(all))]); err != nil {
			p.t.Errorf("write: %v", err)
			return
		}
	}
}

func TestMessageTooBig(t *testing.T) {
	h := listen(t, &websocket.Options{MaxMessage: 1000}, echo)
	tests := map[string]struct {
		steps []step
		size  int64
	}{
		"in one frame":        {[]step{sends(end|text, strings.Repeat("x", 1001))}, 1001},
		"announced only":      {[]step{func(p *peer) { p.write(header(end|blob, 5_000_000)) }}, 5_000_000},
		"in fragments":        {[]step{sends(text, strings.Repeat("x", 600)), sends(end, strings.Repeat("x", 401))}, 1001},
		"much more than that": {[]step{func(p *peer) { go p.sendMessage(text, strings.Repeat("x", 2<<20), 0, 0) }}, 2 << 20},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			p := h.dial(t)
			for _, s := range test.steps {
				s(p)
			}
			p.expectClose(1009)
			_ = p.Close()
			err := assert.Receive(t, h.ended)
			assert.ErrorIs(t, err, websocket.ErrMessageTooBig)
			e := assert.ErrorAs[*websocket.TooBigError](t, err)
			assert.Equal(t, *e, websocket.TooBigError{Size: test.size, Limit: 1000})
		})
	}
	t.Run("the largest", func(t *testing.T) {
		p := h.dial(t)
		p.write(frame(text, strings.Repeat("x", 600)))
		p.write(frame(end, strings.Repeat("x", 400)))
		p.expect(end|text, strings.Repeat("x", 1000))
	})
}
