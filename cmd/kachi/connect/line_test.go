package connect

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/socketio/packet"
)

// files are those that @path can name in these tests.
func files(path string) ([]byte, error) {
	switch path {
	case "egg.png", "my egg.png":
		return []byte{1, 2, 3}, nil
	}
	return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
}

func raw(s string) json.RawMessage { return json.RawMessage(s) }

func TestLines(t *testing.T) {
	for line, want := range map[string]step{
		`emit news`:                       {event: "news"},
		"  emit\tnews  \r":                {event: "news"},
		`emit news 5 -1.50 1e3 true null`: {event: "news", args: []any{raw("5"), raw("-1.50"), raw("1e3"), raw("true"), raw("null")}},
		`emit news nest 007 +5 NaN it's`:  {event: "news", args: []any{"nest", "007", "+5", "NaN", "it's"}},
		`emit news {"b": 1, "a": [1, 2]} [ ] "a \"b\" é"`: {event: "news",
			args: []any{raw(`{"b":1,"a":[1,2]}`), raw(`[]`), raw(`"a \"b\" é"`)}},
		`emit news 'in the "nest"' ''`:     {event: "news", args: []any{`in the "nest"`, ""}},
		`emit news @egg.png @"my egg.png"`: {event: "news", args: []any{[]byte{1, 2, 3}, []byte{1, 2, 3}}},
		`emit news "@egg.png" a@b.example`: {event: "news", args: []any{raw(`"@egg.png"`), "a@b.example"}},
		`emit "two words" x`:               {event: "two words", args: []any{"x"}},
		`emit 'two words' #x`:              {event: "two words", args: []any{"#x"}},
		`emit 까치 안녕`:                       {event: "까치", args: []any{"안녕"}},
		`emit 5 5`:                         {event: "5", args: []any{raw("5")}},
		`ask join {"room":"nest"}`:         {event: "join", args: []any{raw(`{"room":"nest"}`)}},
		`volatile typing`:                  {event: "typing"},
		`answer 3 true "x"`:                {number: 3, args: []any{raw("true"), raw(`"x"`)}},
		`answer 3`:                         {number: 3},
		`wait news`:                        {event: "news"},
		`wait "two words" 500ms`:           {event: "two words", duration: 500 * time.Millisecond},
		`sleep 2s`:                         {duration: 2 * time.Second},
		`join /admin`:                      {namespace: "/admin"},
		`join /admin {"token": "x"}`:       {namespace: "/admin", auth: raw(`{"token":"x"}`)},
		`leave /admin`:                     {namespace: "/admin"},
		`use /`:                            {namespace: "/"},
		`auth {"token":"x"}`:               {auth: raw(`{"token":"x"}`)},
		`auth null`:                        {auth: raw(`null`)},
		`connect`:                          {},
		`disconnect`:                       {},
		`status`:                           {},
		`help emit`:                        {topic: "emit"},
		`quit`:                             {},
	} {
		t.Run(line, func(t *testing.T) {
			got, err := parse(line, files)
			assert.NoError(t, err)
			assert.True(t, got.verb == verbOf(strings.Fields(line)[0]))
			got.verb = nil
			assert.Equal(t, describe(*got), describe(want))
		})
	}
	for alias, name := range aliases {
		got, err := parse(alias, files)
		assert.NoError(t, err)
		assert.Equal(t, got.verb.name, name)
	}
}

// described is a step that can be compared.
type described struct {
	Event, Namespace, Topic, Auth string
	Args                          []any
	Number                        int
	Duration                      time.Duration
}

func describe(s step) described {
	return described{s.event, s.namespace, s.topic, string(s.auth), s.args, s.number, s.duration}
}

func TestLinesWithoutACommand(t *testing.T) {
	for _, line := range []string{"", "  \t", "# emit news", "   #"} {
		got, err := parse(line, files)
		assert.NoError(t, err)
		assert.True(t, got == nil, line)
	}
}

func TestLinesThatBreakOff(t *testing.T) {
	for line, want := range map[string]bool{
		`emit news {`: true, `emit news {"a":`: true, `emit @none.png [1,`: true, `auth {"a":[`: true, `emit news "x`: true,
		`emit news {"a":1}`: false, `emit news {a`: false, `emit news 'x`: false, `emit`: false, ``: false, `{`: false,
	} {
		assert.Equal(t, unfinished(line), want, line)
	}
}

func TestMistakesInLines(t *testing.T) {
	for line, want := range map[string]struct {
		at      int
		message string
	}{
		`message hello`:              {0, "there is no command message. Did you mean: emit message …?"},
		`  emmit news`:               {2, "Did you mean: emit EVENT [ARG…]"},
		`EMIT news`:                  {0, "Did you mean: emit EVENT"},
		`conect`:                     {0, "Did you mean: connect"},
		"\x1b[2J":                    {0, `there is no command "\u001b[2J"`},
		`emit`:                       {4, "emit needs the name of an event"},
		`emit {"a":1}`:               {5, "the name of the event comes first"},
		`emit news {"a":1 "b":2}`:    {17, "argument 1 is not JSON: invalid character '\"' after object key:value pair"},
		`emit news x {a: 1}`:         {13, "argument 2 is not JSON: invalid character 'a' looking for beginning of object key string (names and strings inside it need double quotes)"},
		`emit news {"a": 'x'}`:       {16, "(strings inside it need double quotes)"},
		`emit news [1, 2,]`:          {16, "(no comma behind the last one)"},
		`emit news {"a":1`:           {16, "argument 1 is not JSON: it does not end"},
		`emit news "x`:               {12, "it does not end"},
		`emit news 'x`:               {10, "argument 1: the quote does not end"},
		`emit news {"a":1}x`:         {17, "argument 1 ends here: a space must follow"},
		`emit news 'a'b`:             {13, "argument 1 ends here: a space must follow"},
		`emit news "` + "\xff" + `"`: {10, "argument 1 is not UTF-8"},
		`emit news @none.png`:        {10, "open none.png: file does not exist (for a string that begins with @, write it in quotes)"},
		`emit news @"x`:              {13, "it does not end"},
		`emit "x`:                    {7, "the event's name is not JSON: it does not end"},
		`answer yes`:                 {7, "answer needs the number of the question"},
		`answer`:                     {6, "answer needs the number of the question"},
		`answer 0`:                   {7, "answer needs the number of the question"},
		`wait news soon`:             {10, "soon is no duration: write 500ms, 2s or 1m"},
		`wait news 5s now`:           {13, "wait takes no more: wait EVENT [TIME]"},
		`sleep`:                      {5, `"" is no duration`},
		`sleep -5s`:                  {6, "-5s is no duration"},
		`join admin`:                 {5, "join needs the name of a namespace, which begins with /"},
		`join /admin secret`:         {12, "auth is a JSON object"},
		`auth`:                       {4, "auth is missing"},
		`auth [1]`:                   {5, "auth is a JSON object"},
		`auth @egg.png`:              {5, "auth is a JSON object"},
		`quit now`:                   {5, "quit takes no more: quit"},
		`help emti`:                  {5, "Did you mean: emit"},
	} {
		t.Run(line, func(t *testing.T) {
			_, err := parse(line, files)
			fault := assert.ErrorAs[*lineError](t, err)
			assert.Equal(t, fault.at, want.at, fault.message)
			assert.True(t, strings.Contains(fault.message, want.message), fault.message)
			assert.Equal(t, fault.code, "syntax")
		})
	}
}

func FuzzLines(f *testing.F) {
	for _, line := range []string{
		`emit news {"a":[1,"é"]} 5 x`, `ask 'a b' @egg.png "x"`, `answer 1 {}`, `wait a 1s`, `join /x {"a":1}`, `emit "`, "emit \xff \x00", "\xc3",
	} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		st, err := parse(line, files)
		if err != nil {
			var fault *lineError
			if !errors.As(err, &fault) || fault.at < 0 || fault.at > len(line) || fault.message == "" {
				t.Fatalf("%#v", err)
			}
			shown := style{colour: true}.text(&record{kind: kindError, message: fault.message, line: fault})
			if !utf8.ValidString(shown) || !plain(strings.NewReplacer("\n", "", "\x1b[31m", "", "\x1b[0m", "").Replace(shown)) {
				t.Fatalf("%q", shown)
			}
			return
		}
		if st == nil || st.event == "" && len(st.args) == 0 {
			return
		}
		// What was understood can be sent, and says the same on the other side.
		data, attachments, err := packet.EncodeEvent(st.event, st.args)
		if err != nil {
			t.Fatal(err)
		}
		_, args, err := packet.ParseEvent(&packet.Packet{Data: data, Attachments: attachments})
		if err != nil || args.Len() != len(st.args) {
			t.Fatalf("%q: %v", data, err)
		}
		render(args, forPeople)
	})
}

func TestFiles(t *testing.T) {
	dir := t.TempDir()
	empty, large := filepath.Join(dir, "empty"), filepath.Join(dir, "large")
	assert.NoError(t, os.WriteFile(empty, nil, 0o600))
	assert.NoError(t, os.WriteFile(large, nil, 0o600))
	assert.NoError(t, os.Truncate(large, maxFile+1))
	data, err := readFile(empty)
	assert.NoError(t, err)
	assert.True(t, data != nil && len(data) == 0, "no bytes are not null")
	_, err = readFile(large)
	assert.True(t, err != nil && strings.Contains(err.Error(), "more than 64 MiB"), err)
	_, err = readFile(dir)
	assert.True(t, err != nil, "a directory")
}
