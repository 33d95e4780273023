package packet_test

import (
	"encoding/base64"
	"encoding/json"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/socketio/packet"
)

func parseEvent(t *testing.T, text string, attachments ...[]byte) (string, packet.Args) {
	t.Helper()
	var d packet.Decoder
	p, complete, err := d.Text([]byte(text))
	assert.NoError(t, err, "%s", text)
	for _, a := range attachments {
		p, complete, err = d.Binary(a)
		assert.NoError(t, err, "%s", text)
	}
	assert.True(t, complete, "%s: complete", text)
	name, args, err := packet.ParseEvent(&p)
	assert.NoError(t, err, "%s", text)
	return name, args
}

func TestParseEventSplits(t *testing.T) {
	for text, want := range map[string][]string{
		`2`:                                      {""},
		`2["a"]`:                                 {"a"},
		`2[""]`:                                  {""},
		` 2["a"]`[1:]:                            {"a"},
		`2["a",1,"b",null]`:                      {"a", "1", `"b"`, "null"},
		`2 [ "a" , [ 1 , 2 ] , { "x" : "]" } ] `: {"a", "[ 1 , 2 ]", `{ "x" : "]" }`},
		`2["a","\\",{"\"}":"["},[[]],{},[]]`:     {"a", `"\\"`, `{"\"}":"["}`, "[[]]", "{}", "[]"},
		`2["\u0061\n\ud83d\ude00한",true,false]`: {"a\n😀한", "true", "false"},
		`2["\ud800"]`:                   {"\ufffd"},
		`2["a",0,1,2,3,4,5,6,7,8,9,10]`: {"a", "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10"},
		// what JavaScript calls the property of that number
		`2[1]`: {"1"}, `2[-0]`: {"0"}, `2[1.50]`: {"1.5"}, `2[1e3]`: {"1000"}, `2[1e21]`: {"1e+21"}, `2[123e-20]`: {"1.23e-18"},
		`2[0.000001]`: {"0.000001"}, `2[1e-7]`: {"1e-7"}, `2[1e999]`: {"Infinity"}, `2[-1e999]`: {"-Infinity"}, `2[1e-999]`: {"0"},
		`2[9007199254740993]`: {"9007199254740992"}, `2[1e+09]`: {"1000000000"}, `2[-1e100]`: {"-1e+100"}, `2[1e10,2]`: {"10000000000", "2"},
	} {
		name, args := parseEvent(t, text)
		got := []string{name}
		for _, raw := range args.Raw {
			got = append(got, string(raw))
		}
		assert.Equal(t, got, want, "%s", text)
		assert.Equal(t, args.Len(), len(want)-1)
	}
}

func TestParseRefusesWhatNoDecoderReturned(t *testing.T) {
	for _, data := range []string{
		`x`, `{}`, `[`, `["a"`, `["a",`, `["a",]`, `["a" "b"]`, `["a"x]`, `[,]`, `[]`, `[null]`, `["a`, `["\`, `[{"a":`, `[tru]`, `[-]`, `[1x]`, ` `,
		`["\x"]`, `[}]`, `[:]`,
	} {
		_, _, err := packet.ParseEvent(&packet.Packet{Data: []byte(data)})
		if assert.True(t, err != nil, "%s", data) {
			assert.ErrorAs[*packet.DecodeError](t, err)
		}
	}
	for _, data := range []string{`x`, `{}`, `[`, `[1`, `[1,`, `[,]`, `[1 2]`} {
		_, err := packet.ParseAck(&packet.Packet{Data: []byte(data)})
		assert.True(t, err != nil, "%s", data)
	}
}

func TestArgsDecodePositionally(t *testing.T) {
	_, args := parseEvent(t, `2["a","text","\u00e9\n",7,{"id":1,"room":"r"},null]`)
	var (
		plain, escaped string
		n              int
		m              chatMessage
		none           = "kept"
		pointer        = &n
		missing        = "kept"
	)
	assert.NoError(t, args.Decode(&plain, &escaped, &n, &m, &none, &missing))
	assert.Equal(t, []any{plain, escaped, n, m, none, missing}, []any{"text", "é\n", 7, chatMessage{ID: 1, Room: "r"}, "kept", "kept"})
	assert.NoError(t, args.Decode(&plain)) // the others are not looked at
	assert.NoError(t, args.DecodeAt(4, &pointer))
	assert.True(t, pointer == nil, "null clears a pointer")
	assert.NoError(t, args.DecodeAt(100, &missing))

	var raw json.RawMessage
	assert.NoError(t, args.DecodeAt(3, &raw))
	assert.Equal(t, string(raw), `{"id":1,"room":"r"}`)
	assert.Equal(t, cap(raw), len(raw), "appending must not reach the next argument")

	for i, target := range []any{&n, &n, &plain, &plain, new(chan int), &m} {
		err := args.DecodeAt(i, target)
		if i == 4 || i == 5 { // null leaves anything as it is; there is no argument 5
			assert.NoError(t, err)
			continue
		}
		assert.Equal(t, assert.ErrorAs[*packet.ArgumentError](t, err).Index, i)
	}
	err := args.Decode(&plain, &n)
	assert.True(t, strings.HasPrefix(err.Error(), "argument 1: json: cannot unmarshal string"), "%v", err)
	assert.ErrorAs[*json.UnmarshalTypeError](t, err)
	for _, target := range []any{nil, "text", (*string)(nil), (*json.RawMessage)(nil), (*int)(nil)} {
		err := args.DecodeAt(0, target)
		assert.ErrorAs[*json.InvalidUnmarshalError](t, err, "%T", target)
		assert.ErrorAs[*packet.ArgumentError](t, err, "%T", target)
	}
}

type blob []byte

type embedded struct {
	Inner []byte `json:"inner"`
}

type deep struct {
	embedded
	*Pointed
	Name   string            `json:"name"`
	Body   []byte            `json:"body"`
	Blob   blob              `json:"blob"`
	Ptr    *[]byte           `json:"ptr"`
	List   [][]byte          `json:"list"`
	Pair   [2]*blob          `json:"pair"`
	Map    map[string][]byte `json:"map"`
	Number map[int]blob      `json:"number"`
	Any    any               `json:"any"`
	Custom shouted           `json:"custom"`
	Raw    json.RawMessage   `json:"raw"`
	At     time.Time         `json:"at"`
	Nested []*deep           `json:"nested"`
}

type Pointed struct {
	Far []byte
}

// shouted decodes itself, and is given base64.
type shouted struct{ text string }

func (s shouted) MarshalText() ([]byte, error) { return []byte(s.text), nil }

func (s *shouted) UnmarshalText(text []byte) error {
	s.text = strings.ToUpper(string(text))
	return nil
}

func placeholder(n string) string { return `{"_placeholder":true,"num":` + n + `}` }

func TestArgsDecodePutsAttachmentsWhereTheyBelong(t *testing.T) {
	one, two, three := []byte("one"), []byte("two"), []byte{}
	p0, p1, p2 := placeholder("0"), placeholder("1"), `{"num":2,"_placeholder":true}`
	_, args := parseEvent(t, `53-["a",`+p0+`,{
		"name":"x", "INNER":`+p0+`, "Far":`+p1+`, "body":`+p2+`, "blob":`+p1+`, "ptr":`+p0+`, "list":[`+p0+`,null,"dHdv",`+p1+`],
		"pair":[`+p0+`,`+p1+`,`+p2+`], "map":{"k\u0031":`+p0+`,"plain":"b25l"}, "number":{"-7":`+p1+`}, "any":{"x":[1,`+p0+`],"y":"z"},
		"custom":`+p1+`, "raw":[`+p0+`], "at":"2026-01-02T03:04:05Z", "unknown":[`+p0+`], "nested":[null,{"body":`+p1+`}]
	},`+p1+`]`, one, two, three)

	var direct []byte
	var d deep
	var named blob
	assert.NoError(t, args.Decode(&direct, &d, &named))

	assert.True(t, &direct[0] == &one[0] && &d.List[0][0] == &one[0], "no copies are made")
	assert.Equal(t, string(named), "two")
	assert.Equal(t, string(d.Inner)+string(d.Far)+string(d.Blob)+string(*d.Ptr), "onetwotwoone")
	assert.True(t, d.Body != nil && len(d.Body) == 0, "an empty attachment is not nil")
	assert.Equal(t, d.List, [][]byte{one, nil, two, two})
	assert.Equal(t, string(*d.Pair[0])+string(*d.Pair[1]), "onetwo")
	assert.Equal(t, d.Map, map[string][]byte{"k1": one, "plain": one})
	assert.Equal(t, d.Number, map[int]blob{-7: two})
	assert.Equal(t, d.Any, any(map[string]any{"x": []any{1.0, one}, "y": "z"}))
	assert.Equal(t, d.Custom.text, strings.ToUpper(base64.StdEncoding.EncodeToString(two)))
	assert.Equal(t, string(d.Raw), `["b25l"]`)
	assert.Equal(t, d.At, time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	assert.Equal(t, d.Nested[1].Body, two)
	assert.True(t, d.Nested[0] == nil)

	var a any
	var list []any
	var m map[string]any
	assert.NoError(t, args.DecodeAt(0, &a))
	assert.Equal(t, a, any(one))
	assert.NoError(t, args.DecodeAt(1, &m))
	assert.Equal(t, m["nested"], any([]any{nil, map[string]any{"body": two}}))
	assert.Equal(t, m["pair"], any([]any{one, two, three}))
	var raw json.RawMessage
	assert.NoError(t, args.DecodeAt(0, &raw))
	assert.Equal(t, string(raw), p0)

	_, args = parseEvent(t, `51-["a",[1,[`+p0+`]]]`, one)
	assert.NoError(t, args.DecodeAt(0, &list))
	assert.Equal(t, list, []any{1.0, []any{one}})
	var into any = &d // a pointer in an any is decoded into, as encoding/json does
	_, args = parseEvent(t, `51-["a",{"body":`+p0+`}]`, one)
	assert.NoError(t, args.DecodeAt(0, &into))
	assert.Equal(t, d.Body, one)
	assert.Equal(t, d.Name, "x")
}

func TestArgsDecodeRefusesAttachmentsElsewhere(t *testing.T) {
	_, args := parseEvent(t, `51-["a",`+placeholder("0")+`,[`+placeholder("0")+`],{"x":`+placeholder("0")+`}]`, []byte("one"))
	for _, c := range []struct {
		i      int
		target any
	}{
		{0, new(string)}, {0, new(int)}, {0, new([]int)}, {0, new([3]byte)}, {0, new(deep)}, {0, new(map[string]any)}, {0, new(error)},
		{1, new([]string)}, {1, new(deep)}, {1, new(map[string]any)}, {1, new([]byte)}, {1, new(error)},
		{2, new(struct{ X string })}, {2, new([]any)}, {2, new(map[string]int)}, {2, new(map[int][]byte)}, {2, new(map[chan int]any)},
		{0, nil}, {0, []byte{}}, {0, (*[]byte)(nil)},
	} {
		assert.Equal(t, assert.ErrorAs[*packet.ArgumentError](t, args.DecodeAt(c.i, c.target), "%T", c.target).Index, c.i)
	}
	// An embedded pointer to a struct that is not exported cannot be made by reflection.
	assert.ErrorAs[*packet.ArgumentError](t, args.DecodeAt(2, new(struct{ *hidden })))
}

func TestArgsDecodeIntoAPointerToItselfEnds(t *testing.T) {
	_, args := parseEvent(t, `51-["a",`+placeholder("0")+`]`, []byte("one"))
	var loop any
	loop = &loop
	assert.NoError(t, args.DecodeAt(0, loop))
	assert.Equal(t, loop, any([]byte("one")))
}

type hidden struct{ X []byte }

// A plain event may hold what looks like a placeholder. It must not reach a handler as
// data: sent on beside true attachments it would end the connections of its receivers.
func TestArgsDecodeRefusesPlaceholdersMadeByHand(t *testing.T) {
	for _, text := range []string{
		`2["a",` + placeholder("0") + `]`, `2["a",` + placeholder("-1") + `]`, `2["a",[{"x":` + placeholder("5") + `}]]`,
		`2["a",{"_placeholder":true}]`, `2["a",{"\u005fplaceholder":true,"num":0}]`, `50-["a",` + placeholder("0") + `]`,
	} {
		_, args := parseEvent(t, text)
		for _, target := range []any{new(any), new([]byte), new(deep), new(map[string]any), new([]any), new(string)} {
			err := args.DecodeAt(0, target)
			assert.ErrorAs[*packet.ArgumentError](t, err, "%s into %T", text, target)
		}
		var raw json.RawMessage
		assert.NoError(t, args.DecodeAt(0, &raw))
	}
	// Args made by hand are not to be trusted either.
	for _, raw := range []string{
		"", "{", `{"_placeholder`, `{"_placeholder":`, `{"_placeholder":true`, `{"_placeholder":true,"num"`, `{"_placeholder":true,"num":`,
		`{"_placeholder":true,"num":0`, `{"_placeholder":true,"num":0,`, `[{"_placeholder":true,"num":0}`, `{"_placeholder":true,"num":0}}`,
		`{"_placeholder":true:"num":0}`, `{"_placeholder" true}`, `{"_placeholder":}`, `{"\`, `{"\u`, `{"\u00`, `[["_placeholder"`,
		strings.Repeat(`{"_placeholder":`, 100_000), strings.Repeat("[", 100_000) + `"_placeholder"`, `{"x":tru,"y":` + placeholder("0") + `}`,
	} {
		args := packet.Args{Raw: [][]byte{[]byte(raw)}, Attachments: [][]byte{{1}}}
		for _, target := range []any{new(any), new([]byte), new(deep), new(map[string][]byte), new([]any)} {
			if assert.True(t, args.DecodeAt(0, target) != nil, "%.50s into %T", raw, target) {
				continue
			}
		}
	}
}

func TestArgsDecodeLeavesTextToTheType(t *testing.T) {
	_, args := parseEvent(t, `2["a","127.0.0.1","AQID"]`)
	var address netip.Addr
	var data []byte
	assert.NoError(t, args.Decode(&address, &data))
	assert.Equal(t, address.String(), "127.0.0.1")
	assert.Equal(t, data, []byte{1, 2, 3}) // base64, by the rules of encoding/json
}
