package editor

import (
	"io"
	"strconv"
	"unicode"

	"golang.org/x/text/width"
)

// screen is the part of the terminal that the prompt and the line stand on. What is drawn
// is gathered in buf and written at once.
type screen struct {
	out    io.Writer
	buf    []byte
	prompt []rune

	shown bool
	stale bool   // what is shown is not what the line is any more
	drawn []rune // prompt and line, as far as the cursor
	next  rune   // behind the cursor; 0 for nothing
}

func (s *screen) flush() error {
	if len(s.buf) == 0 {
		return nil
	}
	_, err := s.out.Write(s.buf)
	s.buf = s.buf[:0]
	return err
}

// hide clears everything from the beginning of the prompt. Rows are counted anew, so that
// it fits a terminal that has got another width meanwhile and has wrapped the line anew.
func (s *screen) hide(columns int) {
	if !s.shown {
		return
	}
	row, _ := s.cursor(columns)
	s.up(row)
	s.buf = append(s.buf, "\r\x1b[J"...)
	s.shown = false
}

// draw shows prompt and line, with the cursor at pos.
func (s *screen) draw(line []rune, pos, columns int) {
	all := make([]rune, 0, len(s.prompt)+len(line))
	all = append(append(all, s.prompt...), line...)
	s.buf = append(s.buf, string(all)...)
	endRow, endColumn := layout(all, columns)
	if endColumn == 0 && endRow > 0 {
		// A terminal stays on the row that it has just filled.
		s.buf = append(s.buf, "\r\n"...)
	}
	s.drawn, s.next = all[:len(s.prompt)+pos], 0
	if pos < len(line) {
		s.next = line[pos]
		row, column := s.cursor(columns)
		s.up(endRow - row)
		s.buf = append(s.buf, '\r')
		if column > 0 {
			s.buf = append(strconv.AppendInt(append(s.buf, "\x1b["...), int64(column), 10), 'C')
		}
	}
	s.shown, s.stale = true, false
}

// cursor returns where the cursor is, counted from the beginning of the prompt.
func (s *screen) cursor(columns int) (row, column int) {
	row, column = layout(s.drawn, columns)
	if s.next != 0 && column+cells(s.next) > columns { // a wide one that has gone to the next row
		return row + 1, 0
	}
	return row, column
}

// leave lets what is shown stand and goes on below it.
func (s *screen) leave(end string) {
	s.buf = append(s.buf, end...)
	s.shown = false
}

func (s *screen) up(rows int) {
	if rows > 0 {
		s.buf = append(strconv.AppendInt(append(s.buf, "\x1b["...), int64(rows), 10), 'A')
	}
}

// layout returns where the cursor is behind text that began in the first column. Escape
// sequences take no room.
func layout(text []rune, columns int) (row, column int) {
	escape := false
	for _, r := range text {
		if escape {
			escape = r == '[' || r < '@' || r > '~'
			continue
		}
		if r == 0x1b {
			escape = true
			continue
		}
		n := cells(r)
		if column+n > columns {
			row, column = row+1, 0
		}
		column += n
	}
	if column >= columns {
		row, column = row+1, 0
	}
	return row, column
}

// cells is how many columns a character takes.
func cells(r rune) int {
	switch {
	case r < 0x300:
		return 1
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf), r >= 0x1160 && r <= 0x11ff: // jamo that join the one before
		return 0
	}
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	}
	return 1
}

// Cells is how many columns text takes, without control characters and escape sequences.
func Cells(text string) (n int) {
	for _, r := range text {
		n += cells(r)
	}
	return n
}
