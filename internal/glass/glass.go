// Package glass is a terminal in memory, for tests: it shows what a person would see.
package glass

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/width"
)

// Screen is a terminal without an end at the bottom, as far as a line editor needs one. It
// is not safe for concurrent use.
type Screen struct {
	Columns int
	// Row and Column are where the cursor is. Full tells that the last column has just
	// been written: the next character goes to the next row.
	Row, Column int
	Full        bool

	rows    [][]string // cells; "" is the second half of a wide character
	pending []byte
}

// Write takes what a program writes to its terminal.
func (s *Screen) Write(p []byte) (int, error) {
	n := len(p)
	p = append(s.pending, p...)
	s.pending = nil
	for len(p) > 0 {
		switch {
		case p[0] == '\r':
			s.Column, s.Full = 0, false
			p = p[1:]
		case p[0] == '\n':
			s.Row, s.Full = s.Row+1, false
			p = p[1:]
		case p[0] == 0x1b:
			used := s.sequence(p)
			if used == 0 {
				s.pending = p
				return n, nil
			}
			p = p[used:]
		default:
			if !utf8.FullRune(p) {
				s.pending = p
				return n, nil
			}
			r, size := utf8.DecodeRune(p)
			s.put(r)
			p = p[size:]
		}
	}
	return n, nil
}

func (s *Screen) sequence(p []byte) int {
	end := 2
	for end < len(p) && (p[end] < '@' || p[end] > '~') {
		end++
	}
	if end >= len(p) {
		return 0
	}
	count := 1
	_, _ = fmt.Sscanf(string(p[2:end]), "%d", &count)
	s.Full = s.Full && p[end] == 'm'
	switch p[end] {
	case 'A':
		s.Row = max(s.Row-count, 0)
	case 'C':
		s.Column = min(s.Column+count, s.Columns-1)
	case 'J':
		if string(p[2:end]) == "2" {
			s.rows = nil
			break
		}
		for r := s.Row; r < len(s.rows); r++ {
			from := 0
			if r == s.Row {
				from = s.Column
			}
			for c := from; c < s.Columns; c++ {
				s.rows[r][c] = " "
			}
		}
	case 'H':
		s.Row, s.Column = 0, 0
	case 'm', 'h', 'l': // colours and modes
	default:
		panic(fmt.Sprintf("a sequence that is not expected: %q", p[:end+1]))
	}
	return end + 1
}

func (s *Screen) put(r rune) {
	n := cells(r)
	if n == 0 { // it joins the one before: a cell holds one character
		return
	}
	if s.Full || s.Column+n > s.Columns {
		s.Row, s.Column, s.Full = s.Row+1, 0, false
	}
	for len(s.rows) <= s.Row {
		s.rows = append(s.rows, strings.Split(strings.Repeat(" ", s.Columns), ""))
	}
	s.rows[s.Row][s.Column] = string(r)
	if n == 2 {
		s.rows[s.Row][s.Column+1] = ""
	}
	if s.Column += n; s.Column >= s.Columns {
		s.Column, s.Full = s.Columns-1, true
	}
}

// String returns what is seen, the cursor as a bar.
func (s *Screen) String() string {
	var lines []string
	for i := range max(len(s.rows), s.Row+1) {
		row := strings.Split(strings.Repeat(" ", s.Columns), "")
		if i < len(s.rows) {
			row = append([]string(nil), s.rows[i]...)
		}
		if i == s.Row {
			col := s.Column
			if s.Full {
				row[col] += "|"
			} else {
				row[col] = "|" + row[col]
			}
		}
		lines = append(lines, strings.TrimRight(strings.Join(row, ""), " "))
	}
	return strings.TrimRight(strings.Join(lines, "\n"), "\n")
}

// cells is how many columns a character takes.
func cells(r rune) int {
	if unicode.In(r, unicode.Mn, unicode.Me) {
		return 0
	}
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	}
	return 1
}
