package asyncapi_test

import (
	"encoding/json"
	"math"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/gateway/asyncapi"
	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/socketio/packet"
)

type (
	// grade is a number whose text is a word.
	grade int
	octet uint8
	spot  struct{ X, Y int }
	mail  string

	Base struct {
		Common string `json:"common"`
	}
	deeper struct {
		*Base
		Inner int `json:"inner"`
	}
	Named        interface{ Name() string }
	namely       string
	Größe        struct{ A int }
	크기           struct{ B int }
	Tree2[T any] struct {
		Value T          `json:"value"`
		Kids  []Tree2[T] `json:"kids,omitempty"`
	}
	secretive struct{ _ int }
	upper     struct{ text string }
)

func (g grade) MarshalText() ([]byte, error) { return []byte(strings.Repeat("*", int(g))), nil }
func (g *grade) UnmarshalText(text []byte) error {
	*g = grade(len(text))
	return nil
}
func (s spot) MarshalText() ([]byte, error) {
	return []byte(strconv.Itoa(s.X) + "," + strconv.Itoa(s.Y)), nil
}
func (m mail) MarshalText() ([]byte, error) { return []byte(strings.ToLower(string(m))), nil }
func (n namely) Name() string               { return string(n) }
func (u *upper) UnmarshalJSON(b []byte) error {
	u.text = string(b)
	return nil
}
func (u upper) MarshalJSON() ([]byte, error) { return json.Marshal(strings.ToUpper(u.text)) }

// Everything is what Go's values look like in JSON, where that is not as plain as it seems.
type Everything struct {
	deeper
	Quoted    int                            `json:"quoted,string" default:"5"`
	QuotedBit bool                           `json:"quotedBit,string"`
	QuotedPtr *float64                       `json:"quotedPtr,string"`
	QuotedStr string                         `json:"quotedStr,string"`
	Zero      time.Time                      `json:"zero,omitzero"`
	When      time.Time                      `json:"when"`
	Raw       json.RawMessage                `json:"raw"`
	Number    json.Number                    `json:"number" validate:"omitempty,oneof=1 2"`
	Grade     grade                          `json:"grade" validate:"required,oneof=1 2 3,min=1"`
	Mail      mail                           `json:"mail" validate:"omitempty,oneof=A@B C@D,max=9"`
	Spots     map[spot]int                   `json:"spots"`
	Grades    map[grade]bool                 `json:"grades"`
	Ints      map[int8]string                `json:"ints"`
	Uints     map[uint]string                `json:"uints"`
	Level     int                            `json:"level" validate:"omitempty,oneof=3 4"`
	Bytes     [3]byte                        `json:"bytes"`
	Octets    []octet                        `json:"octets"`
	Addr      netip.Addr                     `json:"addr"`
	Any       any                            `json:"any"`
	Named     Named                          `json:"named"`
	Pointers  map[string]**int               `json:"pointers"`
	Maps      []map[string][]*Base           `json:"maps"`
	Tree      Tree2[Tree2[string]]           `json:"tree"`
	Upper     upper                          `json:"upper"`
	Upper2    *upper                         `json:"upper2"`
	Nothing   secretive                      `json:"nothing"`
	Empty     struct{}                       `json:"empty"`
	Func      func()                         `json:"-"`
	Dash      int                            `json:"-,"` //lint:ignore SA5008 a field that is named "-"
	Float     float64                        `json:"float"`
	Größe     Größe                          `json:"größe"`
	Other     크기                             `json:"크기"`
	Deep      struct{ A struct{ B []bool } } `json:"deep"`
	Omitted   *Base                          `json:"omitted,omitempty"`
	Duration  time.Duration                  `json:"duration" default:"1s"`
}

// TestValuesFitTheirSchemas encodes values as they are sent, and asks a validator of JSON
// Schema whether their schemas take them.
func TestValuesFitTheirSchemas(t *testing.T) {
	seven := 7
	to, half := &seven, 0.5
	full := Everything{
		deeper: deeper{&Base{"c"}, 1}, QuotedPtr: &half, QuotedStr: `"x"`, When: time.Unix(1, 0), Zero: time.Unix(2, 0),
		Raw: json.RawMessage(`[1]`), Number: "1", Grade: 2, Mail: "A@B", Spots: map[spot]int{{1, 2}: 3}, Grades: map[grade]bool{3: true},
		Ints: map[int8]string{-1: "a"}, Uints: map[uint]string{1: "a"}, Level: 4, Octets: []octet{1, 2}, Addr: netip.MustParseAddr("::1"),
		Any: map[string]int{}, Named: namely("n"), Pointers: map[string]**int{"a": &to, "b": nil}, Maps: []map[string][]*Base{{"x": {nil, {"y"}}}},
		Tree: Tree2[Tree2[string]]{Value: Tree2[string]{Value: "x"}, Kids: []Tree2[Tree2[string]]{{}}}, Float: math.MaxFloat64,
		Upper2: &upper{"x"}, Omitted: &Base{},
	}
	full.Deep.A.B = []bool{}
	var zero Everything
	zero.Number, zero.Raw, zero.Grade = "0", json.RawMessage("null"), 1
	zero.Level = 0 // which omitempty allows

	e := gateway.NewEvent[Everything]("e")
	doc := document(t, gateway.New("/n", gateway.Anyone, func(g *gateway.Namespace[gateway.Nobody]) { g.Emits(e) }))
	nulls, err := asyncapi.Document(newApp(t, gateway.New("/n", gateway.Anyone, func(g *gateway.Namespace[gateway.Nobody]) { g.Emits(e) })), asyncapi.Info{NullSlices: true})
	assert.NoError(t, err)
	compile(t, doc, []byte("export {};"))
	spoil := func(change func(map[string]any)) any {
		var all map[string]any
		assert.NoError(t, json.Unmarshal(wire(t, full), &all))
		change(all)
		return all
	}
	type one struct {
		value any
		taken bool
	}
	check := func(doc *asyncapi.Doc, all ...one) {
		t.Helper()
		var values []sample
		var want []bool
		for _, o := range all {
			values, want = append(values, sample{"Everything", o.value}), append(want, o.taken)
		}
		got := judge(t, doc.JSON(), values...)
		assert.Equal(t, got.Problems, []string{})
		assert.Equal(t, got.Taken, want)
	}
	check(nulls, one{wire(t, full), true}, one{wire(t, zero), true})
	check(doc, one{wire(t, full), true},
		one{spoil(func(v map[string]any) { v["quoted"] = 5 }), false},
		one{spoil(func(v map[string]any) { v["grade"] = 2 }), false},
		one{spoil(func(v map[string]any) { v["ints"] = map[string]any{"x": "a"} }), false},
		one{spoil(func(v map[string]any) { v["uints"] = map[string]any{"-1": "a"} }), false},
		one{spoil(func(v map[string]any) { v["bytes"] = []int{1, 2} }), false},
		one{spoil(func(v map[string]any) { v["level"] = 5 }), false},
		one{spoil(func(v map[string]any) { delete(v, "inner") }), false},
		one{spoil(func(v map[string]any) { delete(v, "common") }), true}, // behind a pointer
		one{spoil(func(v map[string]any) { v["tree"] = map[string]any{"value": "x"} }), false},
	)
	everything := doc.Components.Schemas["Everything"].Properties
	assert.Equal(t, everything.Named("quoted").Default, any("5"))
	assert.Equal(t, everything.Named("grade").Rules, "oneof=1 2 3,min=1")
	assert.True(t, everything.Named("spots").PropertyNames == nil)
	assert.Equal(t, doc.Components.Schemas["GrE"].Title, "Größe")
	assert.Equal(t, doc.Components.Schemas["Type"].Title, "크기")
}

// wire is a value as it is sent.
func wire(t *testing.T, v any) json.RawMessage {
	t.Helper()
	text, _, err := packet.EncodeAck([]any{v})
	assert.NoError(t, err)
	return text[1 : len(text)-1]
}

// The specification has letters, digits, ".", "-" and "_" in the names of components and of
// all that a channel holds.
func TestKeysOfTheDocument(t *testing.T) {
	e := gateway.NewEvent[gateway.Args3[Größe, 크기, Tree2[크기]]]("인사 ü/~#%")
	doc := document(t, gateway.New("/방-ä", gateway.Anyone, func(g *gateway.Namespace[gateway.Nobody]) { g.Emits(e) }))
	fine := regexp.MustCompile(`^[A-Za-z0-9._-]+$`)
	for name := range doc.Components.Schemas {
		assert.True(t, fine.MatchString(name), name)
	}
	for name, c := range doc.Channels {
		assert.True(t, fine.MatchString(name), name)
		for message := range c.Messages {
			assert.True(t, fine.MatchString(message), message)
		}
	}
	for name := range doc.Operations {
		assert.True(t, fine.MatchString(name), name)
	}
	assert.Equal(t, judge(t, doc.JSON()).Problems, []string{})
}

func TestKeysOfMapsThatCannotBeSent(t *testing.T) {
	for _, register := range []func(*gateway.Namespace[gateway.Nobody]){
		func(g *gateway.Namespace[gateway.Nobody]) { g.Emits(gateway.NewEvent[map[float64]int]("e")) },
		func(g *gateway.Namespace[gateway.Nobody]) { g.Emits(gateway.NewEvent[map[bool]int]("e")) },
		func(g *gateway.Namespace[gateway.Nobody]) { g.Emits(gateway.NewEvent[map[Base]int]("e")) },
	} {
		_, err := asyncapi.Document(newApp(t, gateway.New("/n", gateway.Anyone, register)), asyncapi.Info{})
		assert.True(t, err != nil && strings.Contains(err.Error(), "no key of a map that can be sent"), err)
	}
}

// What a type says of itself is not made narrower.
func TestDescribedInputsStayAsTheyAre(t *testing.T) {
	doc := takes[Shape](t)
	text, err := json.Marshal(doc.Channels["n"].Messages["receive.e"].Payload)
	assert.NoError(t, err)
	assert.Equal(t, string(text), `{"type":"object","properties":{"kind":{"type":"string"}},"required":["kind"]}`)
}

// Shape takes any member beside its kind.
type Shape struct{}

func (*Shape) UnmarshalJSON([]byte) error { return nil }
func (Shape) JSONSchema() json.RawMessage {
	return json.RawMessage(`{"type":"object","properties":{"kind":{"type":"string"}},"required":["kind"]}`)
}
