package editor

import "slices"

// History holds the lines of before, a bounded number, the oldest first. It is not safe
// for concurrent use.
type History struct {
	Max   int // how many are kept
	lines []string
}

// Add appends a line, unless it is empty or the last one.
func (h *History) Add(line string) {
	if line == "" || len(h.lines) > 0 && h.lines[len(h.lines)-1] == line {
		return
	}
	h.lines = append(h.lines, line)
	if over := len(h.lines) - h.Max; over > 0 {
		h.lines = slices.Delete(h.lines, 0, over)
	}
}

// Lines returns what is kept.
func (h *History) Lines() []string { return slices.Clone(h.lines) }

// recall is the way through the history while a line is being typed.
type recall struct {
	back    int    // lines back from the line being typed
	pending string // what had been typed
}

// turn goes one line up or down. ok is false where there is none.
func (r *recall) turn(h *History, typed string, up bool) (line string, ok bool) {
	if h == nil || up && r.back >= len(h.lines) || !up && r.back == 0 {
		return "", false
	}
	if r.back == 0 {
		r.pending = typed
	}
	if up {
		r.back++
	} else {
		r.back--
	}
	if r.back == 0 {
		return r.pending, true
	}
	return h.lines[len(h.lines)-r.back], true
}
