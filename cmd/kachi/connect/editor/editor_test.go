package editor

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/glass"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// keyboard hands the editor one key press after another, each when the one before has had
// its effect. Before each but the first it calls between, if it is not nil.
type keyboard struct {
	keys    []string
	between func()
	started bool
}

func (k *keyboard) Read(p []byte) (int, error) {
	if k.started && k.between != nil {
		k.between()
	}
	k.started = true
	if len(k.keys) == 0 {
		return 0, io.EOF
	}
	n := copy(p, k.keys[0])
	if k.keys[0] = k.keys[0][n:]; k.keys[0] == "" {
		k.keys = k.keys[1:]
	}
	return n, nil
}

const (
	up    = "\x1b[A"
	down  = "\x1b[B"
	right = "\x1b[C"
	left  = "\x1b[D"
)

func TestLines(t *testing.T) {
	history := func() *History { return &History{Max: 9, lines: []string{"first", "second"}} }
	for _, test := range []struct {
		name string
		keys []string
		want string
		err  error
	}{
		{name: "typed", keys: []string{"emit", " ", "a\r"}, want: "emit a"},
		{name: "line feed", keys: []string{"emit\n"}, want: "emit"},
		{name: "in the middle", keys: []string{"ac", left, "b\r"}, want: "abc"},
		{name: "backspace", keys: []string{"abx\x7f", "c\r"}, want: "abc"},
		{name: "backspace over Korean", keys: []string{"안녕", "\x7f", "\r"}, want: "안"},
		{name: "a character in two parts", keys: []string{"\xec\x95", "\x88\r"}, want: "안"},
		{name: "invalid bytes", keys: []string{"a\xffb\r"}, want: "a�b"},
		{name: "delete", keys: []string{"aXb", left, left, "\x1b[3~", "\r"}, want: "ab"},
		{name: "Ctrl-D within a line", keys: []string{"Xab\x01", "\x04", "\r"}, want: "ab"},
		{name: "home and end", keys: []string{"b", "\x1b[H", "a", "\x1b[F", "c\r"}, want: "abc"},
		{name: "home and end, other terminals", keys: []string{"b", "\x1bOH", "a", "\x1b[4~", "c\r"}, want: "abc"},
		{name: "Ctrl-A and Ctrl-E", keys: []string{"b\x01a\x05c\r"}, want: "abc"},
		{name: "Ctrl-B and Ctrl-F", keys: []string{"ac\x02b\x06d\r"}, want: "abcd"},
		{name: "Ctrl-K", keys: []string{"abc\x02\x02\x0b\r"}, want: "a"},
		{name: "Ctrl-U", keys: []string{"abc\x02\x15\r"}, want: "c"},
		{name: "Ctrl-W", keys: []string{"emit some thing  \x17\r"}, want: "emit some "},
		{name: "Alt-Backspace", keys: []string{"emit thing\x1b\x7f\r"}, want: "emit "},
		{name: "by words", keys: []string{"one two three", "\x1b[1;5D", "\x1bb", "X", "\x1b[1;5C", "\x1bf", "Y\r"}, want: "one Xtwo threeY"},
		{name: "a sequence in parts", keys: []string{"ac\x1b", "[", "D", "b\r"}, want: "abc"},
		{name: "unknown keys", keys: []string{"a\x1b[15~", "\x1b[<0;1;1M", "\x1bOP", "\x1bx", "\x00\x1c", "b\r"}, want: "ab"},
		{name: "ESC alone, then a key", keys: []string{"ab\x1b", left, "X\r"}, want: "aXb"},
		{name: "a broken sequence", keys: []string{"\x1b[한a\r"}, want: "한a"},
		{name: "a sequence without end", keys: []string{"\x1b[" + strings.Repeat("1;", 500), "a", "b\r"}, want: "ab"},
		{name: "up", keys: []string{up, "\r"}, want: "second"},
		{name: "up and up, and no further", keys: []string{up, up, up, "\r"}, want: "first"},
		{name: "down to what was typed", keys: []string{"new", up, up, down, down, down, "!\r"}, want: "new!"},
		{name: "Ctrl-P and Ctrl-N", keys: []string{"\x10\x10\x0e\r"}, want: "second"},
		{name: "pasted", keys: []string{"\x1b[200~a\tb\x01\x1b[Ac", "\x1b[20", "1~d\r"}, want: "a b  [Acd"},
		{name: "pasted lines", keys: []string{"\x1b[200~one\r\ntwo\x1b[201~"}, want: "one"},
		{name: "Ctrl-C", keys: []string{"half", "\x03"}, want: "half", err: ErrInterrupted},
		{name: "Ctrl-D", keys: []string{"a\x7f", "\x04"}, err: io.EOF},
		{name: "the end of the input", keys: []string{"half"}, err: io.EOF},
	} {
		t.Run(test.name, func(t *testing.T) {
			e := New(&keyboard{keys: test.keys}, io.Discard, func() int { return 20 })
			e.History = history()
			line, err := e.ReadLine()
			assert.Equal(t, line, test.want)
			if !errors.Is(err, test.err) || test.err == nil && err != nil {
				t.Errorf("want %v, got %v", test.err, err)
			}
		})
	}
}

func TestPastedLinesComeOneAfterTheOther(t *testing.T) {
	e := New(&keyboard{keys: []string{"\x1b[200~one\rtwo\n", "three\x1b[201~\r"}}, io.Discard, func() int { return 20 })
	for _, want := range []string{"one", "two", "three"} {
		line, err := e.ReadLine()
		assert.NoError(t, err)
		assert.Equal(t, line, want)
	}
}

// What is printed while somebody types stands above the line, and the line is as it was.
func TestPrintingWhileTyping(t *testing.T) {
	for _, test := range []struct {
		name    string
		columns int
		keys    []string
		want    string
	}{
		{name: "at the end", columns: 20, keys: []string{"hello"}, want: "← news\n> hello|"},
		{name: "in the middle", columns: 20, keys: []string{"hello", left, left}, want: "← news\n> hel|lo"},
		{name: "Korean", columns: 20, keys: []string{"안녕, 까치", left}, want: "← news\n> 안녕, 까|치"},
		{name: "over several rows", columns: 10, keys: []string{"0123456789abcdefghijk"}, want: "← news\n> 01234567\n89abcdefgh\nijk|"},
		{name: "in the middle of several rows", columns: 10, keys: []string{"0123456789abcdefghijk", "\x01", right}, want: "← news\n> 0|1234567\n89abcdefgh\nijk"},
		{name: "at the edge", columns: 10, keys: []string{"01234567"}, want: "← news\n> 01234567\n|"},
		{name: "wide characters at the edge", columns: 9, keys: []string{"가나다라", left}, want: "← news\n> 가나다\n|라"},
		{name: "a joined character", columns: 20, keys: []string{"e\u0301a"}, want: "← news\n> ea|"},
		{name: "an empty line", columns: 20, keys: []string{"a\x7f"}, want: "← news\n> |"},
		{name: "a cleared screen", columns: 20, keys: []string{"hello", "\x0c"}, want: "← news\n> hello|"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var g *glass.Screen
			var e *Editor
			printed := 0
			k := &keyboard{keys: test.keys}
			k.between = func() {
				if len(k.keys) == 0 && printed == 0 {
					printed++
					_, err := fmt.Fprint(e, "← news\n")
					assert.NoError(t, err)
					assert.Equal(t, g.String(), test.want)
				}
			}
			g = &glass.Screen{Columns: test.columns}
			e = New(k, g, func() int { return test.columns })
			e.SetPrompt("> ")
			_, err := e.ReadLine()
			assert.ErrorIs(t, err, io.EOF)
			assert.Equal(t, printed, 1)
			assert.Equal(t, g.String(), "← news\n|")
		})
	}
}

// Whatever is pressed in whatever order, the screen shows the line, and what was printed
// above it.
func TestTheScreenFollows(t *testing.T) {
	keys := []string{
		"a", "b", " ", "가", "나", "😀", "wide 가 line", "\x7f", "\x1b[3~", left, left, right, "\x01", "\x05", "\x17", "\x15", "\x0b",
		up, down, "\x1bb", "\x1bf", "\t", "\x1b[200~pasted 글\x1b[201~", "\x1b[5~",
	}
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, 0))
		columns := 4 + random.IntN(20)
		k := &keyboard{}
		for range 30 {
			k.keys = append(k.keys, keys[random.IntN(len(keys))])
		}
		pressed := slices.Clone(k.keys)
		g := &glass.Screen{Columns: columns}
		e := New(k, g, func() int { return columns })
		e.SetPrompt("\x1b[1m>\x1b[0m ")
		e.History = &History{Max: 9, lines: []string{"one", "두 번째 줄", strings.Repeat("long ", 12)}}
		e.Complete = func(before string) (string, []string) {
			if strings.HasSuffix(before, "a") {
				return "bc ", nil
			}
			return "", nil
		}
		printed := ""
		k.between = func() {
			if random.IntN(3) == 0 {
				printed += "news\n"
				_, _ = io.WriteString(e, "news\n")
			}
			// What a terminal shows that had the line typed into it by nobody else.
			want := &glass.Screen{Columns: columns}
			var s screen
			s.out, s.prompt = want, []rune("> ")
			_, _ = io.WriteString(want, strings.ReplaceAll(printed, "\n", "\r\n"))
			_, _ = io.WriteString(want, "> "+string(e.line[:e.pos]))
			row, col, full := want.Row, want.Column, want.Full
			if _, column := layout([]rune("> "+string(e.line[:e.pos])), columns); e.pos < len(e.line) && column+cells(e.line[e.pos]) > columns {
				row, col, full = row+1, 0, false
			}
			_, _ = io.WriteString(want, string(e.line[e.pos:]))
			want.Row, want.Column, want.Full = row, col, full
			if full { // a cursor there is shown on the next row
				want.Row, want.Column, want.Full = row+1, 0, false
			}
			if got := g.String(); got != want.String() {
				t.Errorf("seed %d, %d columns, of %q still %q:\n%s\nshould be\n%s", seed, columns, pressed, k.keys, got, want)
				k.keys = nil
			}
		}
		_, err := e.ReadLine()
		assert.ErrorIs(t, err, io.EOF)
	}
}

func TestPastedLinesThatGoOn(t *testing.T) {
	e := New(&keyboard{keys: []string{"\x1b[200~emit {\n1\r\n}\r", "two {\x1b[201~\r"}}, io.Discard, func() int { return 20 })
	e.Unfinished = func(line string) bool { return strings.Contains(line, "{") && !strings.Contains(line, "}") }
	for _, want := range []string{"emit { 1 }", "two {"} { // what is typed ends with Enter
		line, err := e.ReadLine()
		assert.NoError(t, err)
		assert.Equal(t, line, want)
	}
}

func TestChoices(t *testing.T) {
	g := &glass.Screen{Columns: 30}
	e := New(&keyboard{keys: []string{"em", "\t", "m", "\t", "x\r"}}, g, func() int { return 30 })
	e.SetPrompt("> ")
	e.Complete = func(before string) (string, []string) {
		if before == "em" {
			return "it ", nil
		}
		return "", []string{"message", "more"}
	}
	line, err := e.ReadLine()
	assert.NoError(t, err)
	assert.Equal(t, line, "emit mx")
	assert.Equal(t, g.String(), "message  more\n> emit mx\n|")
}

func TestANarrowerTerminal(t *testing.T) {
	columns := 20
	g := &glass.Screen{Columns: 20}
	k := &keyboard{keys: []string{"0123456789abcde"}}
	e := New(k, g, func() int { return columns })
	k.between = func() {
		// A terminal that has wrapped the line anew shows two rows of it now.
		columns = 10
		narrow := &glass.Screen{Columns: 10}
		_, _ = io.WriteString(narrow, "above\r\n0123456789abcde")
		*g = *narrow
		_, _ = io.WriteString(e, "news\n")
		assert.Equal(t, g.String(), "above\nnews\n0123456789\nabcde|")
	}
	_, err := e.ReadLine()
	assert.ErrorIs(t, err, io.EOF)
}

func TestAfterClose(t *testing.T) {
	g := &glass.Screen{Columns: 20}
	k := &keyboard{keys: []string{"half"}}
	e := New(k, g, func() int { return 20 })
	e.SetPrompt("> ")
	k.between = func() {
		assert.NoError(t, e.Close())
		e.SetPrompt("offline> ")
		_, _ = io.WriteString(e, "bye\n")
		assert.Equal(t, g.String(), "bye\n|")
	}
	_, err := e.ReadLine()
	assert.ErrorIs(t, err, io.EOF)
}

func TestHistory(t *testing.T) {
	h := &History{Max: 3}
	for _, line := range []string{"a", "", "a", "b", "a", "c"} {
		h.Add(line)
	}
	assert.Equal(t, h.Lines(), []string{"b", "a", "c"})
}

func TestALineIsBounded(t *testing.T) {
	e := New(&keyboard{keys: []string{strings.Repeat("a", maxLine+10), "\r"}}, io.Discard, func() int { return 80 })
	line, err := e.ReadLine()
	assert.NoError(t, err)
	assert.Equal(t, len(line), maxLine)
}

func FuzzKeys(f *testing.F) {
	f.Add([]byte("emit \x1b[D\x1b[200~x\x1b[201~\r"))
	f.Fuzz(func(t *testing.T, data []byte) {
		e := New(bytes.NewReader(data), &inspector{t: t}, func() int { return 7 })
		e.SetPrompt("> ")
		for {
			_, err := e.ReadLine()
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil && !errors.Is(err, ErrInterrupted) {
				t.Fatal(err)
			}
		}
	})
}

// inspector sees to it that nothing typed reaches the terminal as a control character.
type inspector struct{ t *testing.T }

func (i *inspector) Write(p []byte) (int, error) {
	rest := string(p)
	for _, own := range []string{"\r\n", "\r", "\x1b[H\x1b[2J", "\x1b[J"} {
		rest = strings.ReplaceAll(rest, own, "")
	}
	for at := strings.Index(rest, "\x1b["); at >= 0; at = strings.Index(rest, "\x1b[") {
		end := at + 2
		for end < len(rest) && rest[end] >= '0' && rest[end] <= '9' {
			end++
		}
		if end >= len(rest) || rest[end] != 'A' && rest[end] != 'C' {
			i.t.Fatalf("%q", p)
		}
		rest = rest[:at] + rest[end+1:]
	}
	for _, r := range rest {
		if r < ' ' || r == 0x7f {
			i.t.Fatalf("%q in %q", r, p)
		}
	}
	return len(p), nil
}
