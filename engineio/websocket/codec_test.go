package websocket_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/kachi-io/kachi/engineio/websocket"
	"github.com/kachi-io/kachi/internal/assert"
)

func TestUnmask(t *testing.T) {
	const guard = 0xA5
	key := [4]byte{0x12, 0x34, 0x56, 0x78}
	for n := range 600 {
		for _, align := range []int{0, 1, 7} {
			src := []byte(noise(n))
			want := make([]byte, n)
			for i := range src {
				want[i] = src[i] ^ key[i&3]
			}
			for _, inPlace := range []bool{false, true} {
				memory := bytes.Repeat([]byte{guard}, align+n+8)
				dst := memory[align:]
				from := src
				if inPlace {
					from = dst[:n]
					copy(from, src)
				}
				next := websocket.Unmask(dst, from, 0x78563412)
				if !bytes.Equal(dst[:n], want) {
					t.Fatalf("%d bytes at %d, in place %v: %x, want %x", n, align, inPlace, dst[:n], want)
				}
				if bytes.Count(dst[n:], []byte{guard}) != 8 || bytes.Count(memory[:align], []byte{guard}) != align {
					t.Fatalf("%d bytes at %d: wrote outside", n, align)
				}
				if byte(next) != key[n&3] || byte(next>>8) != key[(n+1)&3] {
					t.Fatalf("%d bytes: next key %08x", n, next)
				}
			}
		}
	}
}

// At every cut of every string, valid or not, validPrefix says what a reader that
// sees the whole would say.
func TestValidPrefix(t *testing.T) {
	var all []string
	for _, head := range []string{"", "a", "é", "까", "𝄞"} {
		for b := range 256 {
			all = append(all, head+string([]byte{byte(b)}))
			for _, c := range []byte{0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xff} {
				all = append(all, head+string([]byte{byte(b), c}), head+string([]byte{byte(b), c, 0x80}), head+string([]byte{byte(b), c, 0x80, 0x80}))
			}
		}
	}
	tails := []string{"", "\x80", "\x8f", "\x90", "\xbf", "\x80\x80", "\x90\x80", "\xbf\xbf", "\x80\x80\x80", "\x90\x80\x80", "\xa0\x80\x80", "\xbf\x80\x80"}
	for _, s := range all {
		checked, ok := websocket.ValidPrefix([]byte(s))
		possible := false
		for _, tail := range tails {
			possible = possible || utf8.ValidString(s+tail)
		}
		if ok != possible {
			t.Fatalf("%q: %v, want %v", s, ok, possible)
		}
		if ok && (!utf8.ValidString(s[:checked]) || len(s)-checked > 3) {
			t.Fatalf("%q: %d bytes checked", s, checked)
		}
	}
}

func TestFrames(t *testing.T) {
	for _, n := range []int{0, 1, 125, 126, 65535, 65536} {
		payload := strings.Repeat("f", n)
		a := websocket.NewFrame(websocket.Text, []byte(payload))
		b := websocket.BuildFrame(websocket.Text, []byte(strings.Repeat("#", websocket.HeaderRoom)+payload))
		assert.Equal(t, a.Len(), b.Len())
		h := listen(t, nil, nil)
		p := h.dial(t)
		c := assert.Receive(t, h.conns)
		assert.NoError(t, c.Send(a))
		assert.NoError(t, c.Send(b))
		assert.NoError(t, c.Send(websocket.Join(a, websocket.NewFrame(websocket.Binary, []byte("x")), b)))
		p.expect(end|text, payload)
		p.expect(end|text, payload)
		p.expect(end|text, payload)
		p.expect(end|blob, "x")
		p.expect(end|text, payload)
	}
}

func TestNewFrameCopies(t *testing.T) {
	payload := []byte("mine")
	f := websocket.NewFrame(websocket.Text, payload)
	copy(payload, "....")
	h := listen(t, nil, nil)
	p := h.dial(t)
	assert.NoError(t, assert.Receive(t, h.conns).Send(f))
	p.expect(end|text, "mine")
}

func TestJoinKeepsMarks(t *testing.T) {
	mark := func(volatile, plain bool) *websocket.Frame {
		f := websocket.NewFrame(websocket.Text, nil)
		f.Volatile, f.Plain = volatile, plain
		return f
	}
	assert.Equal(t, websocket.Join(mark(true, false), mark(true, true)).Volatile, true)
	assert.Equal(t, websocket.Join(mark(true, false), mark(true, true)).Plain, true)
	assert.Equal(t, websocket.Join(mark(true, false), mark(false, false)).Volatile, false)
	assert.Equal(t, websocket.Join(mark(true, false), mark(false, false)).Plain, false)
	assert.Equal(t, websocket.Join().Len(), 0)
}

func BenchmarkUnmask(b *testing.B) {
	for _, n := range []int{8, 40, 130, 1024, 1 << 20} {
		src, dst := []byte(noise(n)), make([]byte, n)
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.SetBytes(int64(n))
			for b.Loop() {
				websocket.Unmask(dst, src, 0x04030201)
			}
		})
	}
}
