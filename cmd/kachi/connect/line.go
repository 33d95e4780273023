package connect

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// step is a line that has been understood.
type step struct {
	verb      *verb
	event     string
	args      []any
	number    int
	namespace string
	auth      json.RawMessage
	duration  time.Duration // 0: none given
	topic     string
}

// parse reads a line. It returns nil for one without a command: empty, or a comment.
func parse(line string, open func(path string) ([]byte, error)) (*step, error) {
	w := &words{line: line, open: open}
	if !w.skip() || line[w.at] == '#' {
		return nil, nil
	}
	begin := w.at
	name := w.word()
	v := verbOf(name)
	if v == nil {
		return nil, w.fault(begin, "there is no command %s. %s", eventName(name), suggestion(name))
	}
	s := &step{verb: v}
	if err := v.parse(w, s); err != nil {
		return nil, err
	}
	if w.skip() {
		return nil, w.fault(w.at, "%s takes no more: %s", v.name, strings.TrimSpace(v.name+" "+v.usage))
	}
	return s, nil
}

// unfinished tells whether a line breaks off within a JSON value.
func unfinished(line string) bool {
	_, err := parse(line, func(string) ([]byte, error) { return nil, nil })
	var fault *lineError
	return errors.As(err, &fault) && fault.unfinished
}

func parseNothing(*words, *step) error { return nil }

func parseEvent(w *words, s *step) (err error) {
	if s.event, err = w.name(s.verb.name); err != nil {
		return err
	}
	s.args, err = w.values()
	return err
}

func parseAnswer(w *words, s *step) (err error) {
	w.skip()
	begin := w.at
	word := w.word()
	if s.number, err = strconv.Atoi(word); err != nil || s.number < 1 {
		return w.fault(begin, "answer needs the number of the question, then the values of the answer: answer 1 …")
	}
	s.args, err = w.values()
	return err
}

func parseWait(w *words, s *step) (err error) {
	if s.event, err = w.name(s.verb.name); err != nil || !w.skip() {
		return err
	}
	s.duration, err = parseDuration(w)
	return err
}

func parseSleep(w *words, s *step) (err error) {
	w.skip()
	s.duration, err = parseDuration(w)
	return err
}

func parseDuration(w *words) (time.Duration, error) {
	begin := w.at
	word := w.word()
	d, err := time.ParseDuration(word)
	if err != nil || d < 0 {
		return 0, w.fault(begin, "%s is no duration: write 500ms, 2s or 1m", eventName(word))
	}
	return d, nil
}

func parseNamespace(w *words, s *step) error {
	w.skip()
	begin := w.at
	s.namespace = w.word()
	if !strings.HasPrefix(s.namespace, "/") {
		return w.fault(begin, "%s needs the name of a namespace, which begins with /", s.verb.name)
	}
	return nil
}

func parseJoin(w *words, s *step) error {
	if err := parseNamespace(w, s); err != nil || !w.skip() {
		return err
	}
	return parseAuth(w, s)
}

func parseAuth(w *words, s *step) error {
	w.skip()
	begin := w.at
	v, err := w.value("auth")
	if err != nil {
		return err
	}
	raw, ok := v.(json.RawMessage)
	if !ok || raw[0] != '{' && string(raw) != "null" {
		return w.fault(begin, `auth is a JSON object, {"token":"…"} for example, or null`)
	}
	s.auth = raw
	return nil
}

func parseHelp(w *words, s *step) error {
	w.skip()
	begin := w.at
	if s.topic = w.word(); s.topic != "" && verbOf(s.topic) == nil {
		return w.fault(begin, "there is no command %s. %s", eventName(s.topic), suggestion(s.topic))
	}
	return nil
}

// suggestion says what somebody may have meant who wrote name where a command belongs.
func suggestion(name string) string {
	for _, v := range verbs {
		if distance(strings.ToLower(name), v.name) <= 1+len(v.name)/5 {
			return fmt.Sprintf("Did you mean: %s", strings.TrimSpace(v.name+" "+v.usage))
		}
	}
	return fmt.Sprintf("Did you mean: emit %s …? (help lists the commands)", eventName(name))
}

// distance is the number of letters to add, take away, change, or swap with their
// neighbour to make b of a.
func distance(a, b string) int {
	if len(a) > 32 {
		return len(a)
	}
	before, row := []int(nil), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		next := make([]int, len(b)+1)
		next[0] = i + 1
		for j := range len(b) {
			change := 1
			if a[i] == b[j] {
				change = 0
			}
			next[j+1] = min(row[j+1]+1, next[j]+1, row[j]+change)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				next[j+1] = min(next[j+1], before[j-1]+1)
			}
		}
		before, row = row, next
	}
	return row[len(b)]
}
