package connect

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"
)

// maxFile bounds the file of an argument, in bytes.
const maxFile = 64 << 20

// lineError is a mistake in a line, and where it is.
type lineError struct {
	line    string
	at      int    // in bytes; -1: nowhere in particular
	code    string // for programs
	message string

	unfinished bool // it could go on where it ends
}

func (e *lineError) Error() string { return e.message }

// words takes a line apart. Its arguments are JSON values with space between them; what is
// no JSON is a string as it stands.
type words struct {
	line string
	at   int
	open func(path string) ([]byte, error) // for @path
}

func (w *words) fault(at int, format string, args ...any) *lineError {
	return &lineError{line: w.line, at: at, code: "syntax", message: fmt.Sprintf(format, args...)}
}

// skip goes to the next word. It reports false at the end of the line.
func (w *words) skip() bool {
	w.at += len(w.line[w.at:]) - len(strings.TrimLeft(w.line[w.at:], " \t\r\n"))
	return w.at < len(w.line)
}

// word takes what goes on to the next space; empty at the end of the line.
func (w *words) word() string {
	if !w.skip() {
		return ""
	}
	begin := w.at
	if n := strings.IndexAny(w.line[begin:], " \t\r\n"); n >= 0 {
		w.at = begin + n
	} else {
		w.at = len(w.line)
	}
	return w.line[begin:w.at]
}

// name takes an event's name: a word, or a string in quotes.
func (w *words) name(verb string) (string, error) {
	if !w.skip() {
		return "", w.fault(w.at, "%s needs the name of an event", verb)
	}
	begin := w.at
	switch c := w.line[begin]; c {
	case '"', '\'':
		v, err := w.value("the event's name")
		if err != nil {
			return "", err
		}
		return text(v), nil
	case '{', '[':
		return "", w.fault(begin, "the name of the event comes first, then its arguments")
	}
	return w.word(), nil
}

// text is a value that is known to be a string.
func text(v any) string {
	if raw, ok := v.(json.RawMessage); ok {
		var s string
		_ = json.Unmarshal(raw, &s)
		return s
	}
	s, _ := v.(string)
	return s
}

// values takes all arguments that are left.
func (w *words) values() (values []any, err error) {
	for w.skip() {
		v, err := w.value(fmt.Sprintf("argument %d", len(values)+1))
		if err != nil {
			return nil, err
		}
		values = append(values, v)
	}
	return values, nil
}

// value takes one argument: a json.RawMessage, a string, or the bytes of a file.
func (w *words) value(what string) (any, error) {
	if !w.skip() {
		return nil, w.fault(w.at, "%s is missing", what)
	}
	begin := w.at
	switch w.line[begin] {
	case '{', '[', '"':
		return w.json(what)
	case '\'':
		return w.quoted(what)
	case '@':
		if len(w.line) > begin+1 && w.line[begin+1] == '"' {
			w.at++
			path, err := w.json(what)
			if err != nil {
				return nil, err
			}
			return w.file(begin, text(path))
		}
		return w.file(begin, w.word()[1:])
	}
	word := w.word()
	if json.Valid([]byte(word)) {
		return json.RawMessage(word), nil
	}
	return word, nil
}

// json takes a value that says by its first character that it is JSON.
func (w *words) json(what string) (any, error) {
	begin := w.at
	d := json.NewDecoder(strings.NewReader(w.line[begin:]))
	var raw json.RawMessage
	if err := d.Decode(&raw); err != nil {
		at, message := jsonFault(err, len(w.line)-begin)
		fault := w.fault(begin+at, "%s is not JSON: %s%s", what, message, relaxed(w.line[begin:], at))
		fault.unfinished = errors.Is(err, io.ErrUnexpectedEOF)
		return nil, fault
	}
	w.at = begin + int(d.InputOffset())
	if w.at < len(w.line) && !strings.ContainsRune(" \t\r\n", rune(w.line[w.at])) {
		return nil, w.fault(w.at, "%s ends here: a space must follow", what)
	}
	if !utf8.Valid(raw) {
		return nil, w.fault(begin, "%s is not UTF-8", what)
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, raw); err != nil {
		return nil, w.fault(begin, "%s is not JSON: %v", what, err)
	}
	return json.RawMessage(compact.Bytes()), nil
}

// jsonFault says where and what a mistake is.
func jsonFault(err error, size int) (at int, message string) {
	var syntax *json.SyntaxError
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return size, "it does not end"
	case errors.As(err, &syntax):
		return max(int(syntax.Offset)-1, 0), syntax.Error()
	}
	return 0, err.Error()
}

// relaxed is what to tell those who write JSON as JavaScript allows it.
func relaxed(value string, at int) string {
	if at >= len(value) {
		return ""
	}
	switch c := value[at]; {
	case c == '\'':
		return " (strings inside it need double quotes)"
	case c == '_' || c == '$' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z':
		return " (names and strings inside it need double quotes)"
	case c == '}' || c == ']':
		if strings.HasSuffix(strings.TrimRight(value[:at], " \t"), ",") {
			return " (no comma behind the last one)"
		}
	}
	return ""
}

// quoted takes a string in single quotes, as it stands between them.
func (w *words) quoted(what string) (any, error) {
	begin := w.at
	n := strings.IndexByte(w.line[begin+1:], '\'')
	if n < 0 {
		return nil, w.fault(begin, "%s: the quote does not end", what)
	}
	w.at = begin + n + 2
	if w.at < len(w.line) && !strings.ContainsRune(" \t\r\n", rune(w.line[w.at])) {
		return nil, w.fault(w.at, "%s ends here: a space must follow", what)
	}
	return w.line[begin+1 : w.at-1], nil
}

func (w *words) file(begin int, path string) (any, error) {
	data, err := w.open(path)
	if err != nil {
		return nil, w.fault(begin, `%v (for a string that begins with @, write it in quotes)`, err)
	}
	return data, nil
}

// readFile returns a file's bytes.
func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	tooLarge := fmt.Errorf("%s has more than %d MiB", path, maxFile>>20)
	if info, err := f.Stat(); err == nil && info.Size() > maxFile {
		return nil, tooLarge
	}
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxFile {
		return nil, tooLarge
	}
	if data == nil {
		data = []byte{}
	}
	return data, nil
}
