package packet_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/socketio/packet"
)

type named struct{ A, B string }

func (n named) MarshalText() ([]byte, error) { return []byte(n.A + "-" + n.B), nil }

type byPointer struct{ Secret []byte }

func (*byPointer) MarshalJSON() ([]byte, error) { return []byte(`"by pointer"`), nil }

type notBytes []octet

type octet byte

func (octet) MarshalJSON() ([]byte, error) { return []byte(`"o"`), nil }

type failing struct{}

func (failing) MarshalJSON() ([]byte, error) { return nil, errors.New("no such luck") }

type foul struct{}

func (foul) MarshalJSON() ([]byte, error) { return []byte("\"\xff\""), nil }

type zeroer struct{ B []byte }

func (z zeroer) IsZero() bool { return string(z.B) == "zero" }

type base struct {
	ID     int    `json:"id"`
	Hidden string `json:"-"`
	Both   string
	Body   []byte `json:"body,omitempty"`
}

type Left struct{ Both, Same string }
type Right struct{ Same string }

// everything has a field for each rule of encoding/json, with bytes all around.
type everything struct {
	base
	*Left
	Right
	Both    int
	private []byte
	Omit    map[string]any `json:",omitempty"`
	Zero    time.Time      `json:"zero,omitzero"`
	Own     zeroer         `json:"own,omitzero"`
	OwnPtr  *zeroer        `json:"ownPtr,omitzero"`
	Dash    string         `json:"-,"`    //lint:ignore SA5008 a field that is named "-"
	Bad     string         `json:"ba\"d"` //lint:ignore SA5008 a name that encoding/json does not take
	Quoted  int64          `json:"quoted,string"`
	QuotedS string         `json:",string"`
	QuotedP *int           `json:"quotedP,string"`
	Number  json.Number
	Float   float32
	Text    named
	Keys    map[named]any
	Ints    map[int8]any
	Uints   map[uint]any
	Ptr     *everything `json:"ptr"`
	Iface   fmt.Stringer
	IP      net.IP
	Array   [3]byte
	Arrays  [2]any
	Nil     []byte
	Slice   []base
	Raw     json.RawMessage
	ByPtr   byPointer
	NoBytes notBytes
	Deep    ***int
	Odd     struct{} `json:"odd"`
	Unicode any      `json:"한글"`
	Tagged  embedded `json:"tagged"`
}

func some() *everything {
	seven := 7
	p := &seven
	pp := &p
	return &everything{
		base: base{ID: 3, Hidden: "h", Both: "base"}, Left: &Left{"left", "same"}, Right: Right{"same"}, Both: 1, private: []byte("p"),
		Own: zeroer{[]byte("zero")}, OwnPtr: &zeroer{}, Dash: "d", Bad: "b", Quoted: 5, QuotedS: "q\"", QuotedP: p, Number: "12.50", Float: 1.1,
		Text: named{"a", "b"}, Keys: map[named]any{{"z", "1"}: 1, {"a", "2"}: nil}, Ints: map[int8]any{-2: 1, 10: "x"}, Uints: map[uint]any{3: 4.5},
		Ptr: &everything{Iface: time.Second}, Iface: net.IPv4(1, 2, 3, 4), IP: net.IPv4(127, 0, 0, 1), Array: [3]byte{1, 2, 3},
		Arrays: [2]any{[]any{}, map[string]any{}}, Slice: []base{{ID: 1}, {Both: "x"}}, Raw: json.RawMessage(`{"a":[1,2]}`),
		NoBytes: notBytes{1, 2}, Deep: &pp, Unicode: "</script>\u2028",
	}
}

// Without bytes in them, values must come out as encoding/json writes them.
func TestEncodeAgreesWithTheStandardLibrary(t *testing.T) {
	for _, v := range []any{
		nil, true, false, 0, -1, int8(-8), int16(16), int32(-32), int64(1) << 62, uint(1), uint8(255), uint64(math.MaxUint64), uintptr(9),
		0.0, math.Copysign(0, -1), 1.5, 1e20, 1e21, -1e21, 1e-6, 1e-7, -1.5e-10, 1e100, 5e-324, math.MaxFloat64, float32(0.1), float32(1e21), math.Pi,
		"", "plain", "quote\" back\\slash /", "\b\f\n\r\t\x00\x1f\x7f", "한글 😀 é", "<script>&", "bad \xff utf8 \xe2\x82",
		strings.Repeat("long text with a \" at the end", 20) + "\"",
		[]any(nil), []any{}, []any{1, "a", nil, []any{true}}, map[string]any(nil), map[string]any{}, map[string]any{"b": 1, "a": []any{nil}, "\"": "\n"},
		[]string{"a"}, []int{1, 2}, map[string]string{"x": "y"}, map[int]bool{2: true, 1: false}, [2]string{"a", "b"}, struct{}{}, &struct{ A any }{},
		json.RawMessage(`{"a":1}`), json.RawMessage(nil), json.Number("1e5"), json.Number(""), time.Unix(0, 0).UTC(), named{"x", "y"}, &named{"x", "y"},
		chatMessage{ID: 1, Text: "<b>"}, &chatMessage{}, (*chatMessage)(nil), (*everything)(nil), []*upload{nil}, upload{Name: "no body"},
		some(), *some(), []any{some()}, map[string]everything{"x": *some()}, byPointer{}, &byPointer{}, []byPointer{{}}, &[]byPointer{{}},
		map[string]byPointer{"a": {}}, notBytes{1}, [3]byte{1, 2, 3}, [2]any{1}, net.IPv4(1, 1, 1, 1), octet(3), errors.New("an error's fields are private"),
		[]error{nil}, map[named]any{{"k", "v"}: 1}, map[string]*any{"a": nil},
	} {
		var want bytes.Buffer
		std := json.NewEncoder(&want)
		std.SetEscapeHTML(false)
		if err := std.Encode([]any{"ev", v}); err != nil {
			t.Fatal(err)
		}
		got, attachments, err := packet.EncodeEvent("ev", []any{v})
		assert.NoError(t, err, "%T", v)
		// These two are written as they are here; either form is the same JSON.
		text := strings.NewReplacer("\u2028", `\u2028`, "\ufffd", `\ufffd`).Replace(string(got))
		assert.Equal(t, text, strings.TrimSuffix(want.String(), "\n"), "%T", v)
		assert.Equal(t, len(attachments), 0, "%T", v)
	}
}

func TestEncodeTakesBytesOutAnywhere(t *testing.T) {
	a, b := []byte("aaa"), blob("bb")
	cyclicButEnding := &deep{Body: a}
	for _, c := range []struct {
		args        []any
		want        string
		attachments []string
	}{
		{nil, `["ev"]`, nil},
		{[]any{a}, `["ev",0]`, []string{"aaa"}},
		{[]any{a, "x", b, a}, `["ev",0,"x",1,2]`, []string{"aaa", "bb", "aaa"}},
		{[]any{[]byte{}, []byte(nil), blob(nil)}, `["ev",0,null,null]`, []string{""}},
		{[]any{&a, &b, any(&a)}, `["ev",0,1,2]`, []string{"aaa", "bb", "aaa"}},
		{[]any{[]any{1, []any{a}}, map[string]any{"z": a, "b": b}}, `["ev",[1,[0]],{"b":1,"z":2}]`, []string{"aaa", "bb", "aaa"}},
		{[]any{[][]byte{a, nil}, map[string]blob{"y": b, "x": nil}, [2][]byte{a}, map[int]any{3: a}},
			`["ev",[0,null],{"x":null,"y":1},[2,null],{"3":3}]`, []string{"aaa", "bb", "aaa", "aaa"}},
		{[]any{struct {
			embedded
			*Pointed
			O []byte `json:"o,omitempty"`
			E []byte `json:",omitempty"`
			Z any    `json:"z,omitempty"`
			I any
		}{embedded{a}, &Pointed{b}, nil, []byte{}, nil, b}}, `["ev",{"inner":0,"Far":1,"I":2}]`, []string{"aaa", "bb", "bb"}},
		{[]any{upload{"f", 3, a}, []upload{{}, {Body: b}}}, `["ev",{"name":"f","size":3,"body":0},[{"name":"","size":0,"body":null},{"name":"","size":0,"body":1}]]`, []string{"aaa", "bb"}},
		{[]any{cyclicButEnding.Nested, []*[]byte{&a, nil}}, `["ev",null,[0,null]]`, []string{"aaa"}},
		// what encodes itself keeps its own form, and so does what is no slice of bytes
		{[]any{net.IPv4(1, 2, 3, 4), json.RawMessage(` [ 1 ] `), &byPointer{a}, [2]byte{1, 2}, notBytes{1}},
			`["ev","1.2.3.4",[ 1 ],"by pointer",[1,2],["o"]]`, nil},
		{[]any{byPointer{a}}, `["ev",{"Secret":0}]`, []string{"aaa"}}, // no address, no method: as encoding/json
	} {
		data, attachments, err := packet.EncodeEvent("ev", c.args)
		assert.NoError(t, err)
		text := string(data)
		for i := range c.attachments {
			text = strings.Replace(text, placeholder(fmt.Sprint(i)), fmt.Sprint(i), 1)
		}
		assert.Equal(t, text, c.want)
		var got []string
		for _, attachment := range attachments {
			got = append(got, string(attachment))
		}
		assert.Equal(t, got, c.attachments, "%s", c.want)
	}
	_, attachments, err := packet.EncodeAck([]any{a})
	assert.NoError(t, err)
	assert.True(t, &attachments[0][0] == &a[0], "attachments are not copied")
}

func TestEncodeNamesTheArgumentItCannotEncode(t *testing.T) {
	cyclicMap := map[string]any{}
	cyclicMap["self"] = []any{cyclicMap}
	cyclicSlice := []any{nil}
	cyclicSlice[0] = cyclicSlice
	cyclicStruct := &deep{}
	cyclicStruct.Nested = []*deep{cyclicStruct, cyclicStruct}
	type list struct{ Next *list } // without bytes: encoding/json's to find
	cyclicList := &list{}
	cyclicList.Next = cyclicList
	var cyclicAny any
	cyclicAny = &cyclicAny
	for about, v := range map[string]any{
		"NaN":          math.NaN(),
		"+Inf":         math.Inf(1),
		"-Inf":         []any{math.Inf(-1)},
		"NaN ":         map[string]any{"a": math.NaN(), "b": []byte{1}},
		"chan":         make(chan int),
		"func":         func() {},
		"func()":       struct{ F func() }{},
		"chan ":        struct{ C, D any }{C: make(chan int)},
		"complex":      []any{complex(1, 1)},
		"no such luck": []any{failing{}},
		"UTF-8":        foul{},
		"raw JSON":     json.RawMessage(`{"a":`),
		"raw JSON ":    json.RawMessage("\"\xff\""),
		"raw JSON  ":   json.RawMessage(``),
		"raw JSON   ":  []any{json.RawMessage(`1 2`)},
		"map":          map[chan int]any{make(chan int): 1},
		"map[bool]":    map[bool][]byte{true: nil},
		"cycl":         cyclicMap,
		"cycli":        cyclicSlice,
		"cyclic":       cyclicStruct,
		"cycle":        cyclicList,
		"cyclic ":      cyclicAny,
		"number":       json.Number("1x"),
	} {
		dst := []byte("kept")
		out, attachments, err := packet.AppendEvent(dst, "ev", []any{1, []byte("x"), v, "after"})
		if !assert.True(t, err != nil, "%s: got %s", about, out) {
			continue
		}
		assert.Equal(t, assert.ErrorAs[*packet.ArgumentError](t, err).Index, 2, about)
		assert.True(t, strings.Contains(err.Error(), "argument 2: "), "%s: %v", about, err)
		if about = strings.TrimSpace(about); !strings.HasPrefix(about, "func") && about != "chan" {
			assert.True(t, strings.Contains(err.Error(), strings.TrimSuffix(about, "[bool]")), "%s: %v", about, err)
		}
		assert.Equal(t, string(out), "kept", about)
		assert.True(t, attachments == nil, about)

		// Nothing of the failure is left for the next call.
		data, attachments, err := packet.EncodeAck([]any{"x"})
		assert.NoError(t, err)
		assert.Equal(t, string(data), `["x"]`)
		assert.Equal(t, len(attachments), 0)
	}
}

// Under -race: values are only read, also while others read them.
func TestEncodeReadsOnly(t *testing.T) {
	shared := []any{some(), &deep{Body: []byte("b"), Any: map[string]any{"x": []any{[]byte("y")}}}, map[string][]byte{"k": []byte("v")}}
	want, attached, err := packet.EncodeEvent("ev", shared)
	assert.NoError(t, err)
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for range 20 {
				got, attachments, err := packet.EncodeEvent("ev", shared)
				if err != nil || !bytes.Equal(got, want) || len(attachments) != len(attached) {
					t.Errorf("got %s, %v", got, err)
					return
				}
			}
		})
	}
	for range 20 {
		_ = fmt.Sprintf("%+v", shared)
	}
	readers.Wait()
}

func TestEncodedComesBack(t *testing.T) {
	in := deep{
		embedded: embedded{[]byte("in")}, Pointed: &Pointed{[]byte("far")}, Name: "n", Body: []byte{}, Blob: blob("b"), List: [][]byte{{1}, nil},
		Map: map[string][]byte{"k": {2}}, Number: map[int]blob{-1: {3}}, Any: map[string]any{"x": []any{[]byte{4}, "y"}},
		Nested: []*deep{{Body: []byte("nested"), Raw: json.RawMessage("null")}}, At: time.Unix(5, 0).UTC(), Raw: json.RawMessage(`[1]`),
	}
	data, attachments, err := packet.EncodeEvent("ev", []any{in})
	assert.NoError(t, err)
	d := packet.Decoder{Limits: packet.Limits{Attachments: 20}}
	_, _, err = d.Text(packet.Append(nil, &packet.Packet{Type: packet.Event, Namespace: "/x", ID: packet.NoID, Data: data, Attachments: attachments}))
	assert.NoError(t, err)
	var p packet.Packet
	for _, a := range attachments {
		p, _, err = d.Binary(a)
		assert.NoError(t, err)
	}
	_, args, err := packet.ParseEvent(&p)
	assert.NoError(t, err)
	out := deep{}
	assert.NoError(t, args.DecodeAt(0, &out))
	again, attachedAgain, err := packet.EncodeEvent("ev", []any{out})
	assert.NoError(t, err)
	assert.Equal(t, string(again), string(data))
	assert.Equal(t, attachedAgain, attachments)
}

func TestAppend(t *testing.T) {
	for want, p := range map[string]packet.Packet{
		`x0{"sid":"1"}`:                        {ID: packet.NoID, Data: []byte(`{"sid":"1"}`)},
		`x0/a,`:                                {ID: packet.NoID, Namespace: "/a"},
		`x1`:                                   {Type: packet.Disconnect, ID: packet.NoID, Namespace: "/"},
		`x20["a"]`:                             {Type: packet.Event, Data: []byte(`["a"]`)},
		`x52-/a,7["a"]`:                        {Type: packet.Event, Namespace: "/a", ID: 7, Data: []byte(`["a"]`), Attachments: [][]byte{nil, nil}},
		`x61-7[]`:                              {Type: packet.Ack, ID: 7, Data: []byte(`[]`), Attachments: [][]byte{nil}},
		`x50-["a"]`:                            {Type: packet.BinaryEvent, ID: packet.NoID, Data: []byte(`["a"]`)},
		`x4/b,{"message":"Invalid namespace"}`: {Type: packet.ConnectError, Namespace: "/b", ID: packet.NoID, Data: []byte(`{"message":"Invalid namespace"}`)},
	} {
		assert.Equal(t, string(packet.Append([]byte("x"), &p)), want)
	}
}

func TestTypeString(t *testing.T) {
	assert.Equal(t, packet.ConnectError.String()+" "+packet.BinaryAck.String()+" "+packet.Type(7).String(), "connect_error binary_ack unknown")
}
