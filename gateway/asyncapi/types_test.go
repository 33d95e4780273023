package asyncapi_test

import (
	"encoding/json"
	"net/netip"
	"testing"
	"time"

	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/gateway/asyncapi"
	"github.com/kachi-io/kachi/internal/assert"
)

// payloadOf is the payload of an event with data of type T, and what it refers to.
func payloadOf[T any](t *testing.T, o asyncapi.Info) (payload string, components map[string]string) {
	t.Helper()
	e := gateway.NewEvent[T]("e")
	doc, err := asyncapi.Document(newApp(t, gateway.New("/", gateway.Anyone, func(g *gateway.Namespace[gateway.Nobody]) { g.Emits(e) })), o)
	assert.NoError(t, err)
	text, err := json.Marshal(doc.Channels["root"].Messages["send.e"].Payload)
	assert.NoError(t, err)
	components = map[string]string{}
	for name, s := range doc.Components.Schemas {
		if name == "ErrorAnswer" {
			continue
		}
		c, err := json.Marshal(s)
		assert.NoError(t, err)
		components[name] = string(c)
	}
	return string(text), components
}

func expectPayload[T any](t *testing.T, want string) {
	t.Helper()
	got, _ := payloadOf[T](t, asyncapi.Info{})
	assert.Equal(t, got, want)
}

// field is the schema of the only field of an anonymous struct.
func expectField[T any](t *testing.T, want string) {
	t.Helper()
	got, _ := payloadOf[T](t, asyncapi.Info{})
	assert.Equal(t, got, `{"type":"object","properties":`+want)
}

type (
	Tree     []Tree
	Nested   map[string]Nested
	Level    int
	Node     struct{ Next *Node }
	Embedded struct {
		A int `json:"a"`
		B int `json:"b"`
	}
	Outer struct {
		Embedded
		*Optional
		B    string `json:"b"`
		Skip int    `json:"-"`
	}
	Optional struct {
		C int `json:"c"`
	}
	Pair[A, B any] struct {
		First  A
		Second B
	}
	color [3]uint8
)

func (color) MarshalText() ([]byte, error) { return []byte("#fff"), nil }

type custom struct{}

func (custom) MarshalJSON() ([]byte, error) { return []byte("1"), nil }

type Money struct{}

func (Money) MarshalJSON() ([]byte, error) { return []byte(`"1.00"`), nil }
func (Money) JSONSchema() json.RawMessage {
	return json.RawMessage(`{"type":"string","pattern":"^[0-9]+\\.[0-9]{2}$"}`)
}

type UUID [16]byte

func (UUID) MarshalText() ([]byte, error) { return nil, nil }

func TestTypes(t *testing.T) {
	expectPayload[bool](t, `{"type":"boolean"}`)
	expectPayload[Level](t, `{"type":"integer"}`)
	expectPayload[uint8](t, `{"type":"integer","minimum":0}`)
	expectPayload[float32](t, `{"type":"number"}`)
	expectPayload[*string](t, `{"type":["string","null"]}`)
	expectPayload[**string](t, `{"type":["string","null"]}`)
	expectPayload[any](t, `{}`)
	expectPayload[json.RawMessage](t, `{}`)
	expectPayload[json.Number](t, `{"type":"number"}`)
	expectPayload[time.Time](t, `{"type":"string","format":"date-time"}`)
	expectPayload[*time.Time](t, `{"type":["string","null"],"format":"date-time"}`)
	expectPayload[time.Duration](t, `{"type":"integer"}`)
	expectPayload[netip.Addr](t, `{"type":"string"}`)
	expectPayload[UUID](t, `{"type":"string","format":"uuid"}`)
	expectPayload[color](t, `{"type":"string"}`)
	expectPayload[custom](t, `{}`)
	expectPayload[Money](t, `{"type":"string","pattern":"^[0-9]+\\.[0-9]{2}$"}`)
	expectPayload[[]string](t, `{"type":"array","items":{"type":"string"}}`)
	expectPayload[[2]float64](t, `{"type":"array","items":{"type":"number"},"minItems":2,"maxItems":2}`)
	expectPayload[map[string]bool](t, `{"type":"object","additionalProperties":{"type":"boolean"}}`)
	expectPayload[map[int]any](t, `{"type":"object","additionalProperties":{},"propertyNames":{"pattern":"^-?[0-9]+$"}}`)
	expectPayload[struct{}](t, `{"type":"object"}`)
	const bytes = `"contentMediaType":"application/octet-stream","x-attachment":true}`
	expectPayload[[]byte](t, `{"description":"Bytes. They travel beside the JSON, as a binary attachment.",`+bytes)
	expectPayload[*[]byte](t, `{"description":"Bytes. They travel beside the JSON, as a binary attachment.","anyOf":[{`+bytes+`,{"type":"null"}]}`)
}

func TestFields(t *testing.T) {
	expectField[struct {
		A string `json:"a"`
		B string `json:"b,omitempty"`
		C string `json:"c,omitzero"`
		D int    `json:"d,string"`
		E *int   `json:"e"`
		F *int   `json:"f,omitempty"`
		G int    `doc:"how many"`
	}](t, `{"a":{"type":"string"},"b":{"type":"string"},"c":{"type":"string"},"d":{"type":"string"},"e":{"type":["integer","null"]},"f":{"type":"integer"},"G":{"description":"how many","type":"integer"}},"required":["G","a","d","e"]}`)
	_, components := payloadOf[Outer](t, asyncapi.Info{})
	assert.Equal(t, components, map[string]string{
		"Outer": `{"type":"object","properties":{"a":{"type":"integer"},"c":{"type":"integer"},"b":{"type":"string"}},"required":["a","b"]}`,
	})
}

func TestNames(t *testing.T) {
	type Message struct{ Other int } // beside the Message of this package
	payload, components := payloadOf[Pair[[]Message, Pair[map[string]Optional, *Embedded]]](t, asyncapi.Info{})
	assert.Equal(t, payload, `{"$ref":"#/components/schemas/PairListMessagePairMapStringOptionalEmbedded"}`)
	assert.Equal(t, len(components), 5)

	both, components := payloadOf[gateway.Args2[Message, postedMessage]](t, asyncapi.Info{})
	assert.Equal(t, both, `{"type":"array","prefixItems":[{"$ref":"#/components/schemas/AsyncapiTestMessage"},{"$ref":"#/components/schemas/AsyncapiTestMessage2"}],"minItems":2,"maxItems":2}`)
	assert.Equal(t, components["AsyncapiTestMessage"], `{"type":"object","properties":{"Other":{"type":"integer"}},"required":["Other"]}`)

	type ErrorAnswer struct{ Mine bool }
	payload, _ = payloadOf[ErrorAnswer](t, asyncapi.Info{})
	assert.Equal(t, payload, `{"$ref":"#/components/schemas/AsyncapiTestErrorAnswer"}`)
}

type postedMessage = Message

func TestRecursion(t *testing.T) {
	payload, components := payloadOf[Tree](t, asyncapi.Info{})
	assert.Equal(t, payload, `{"$ref":"#/components/schemas/Tree"}`)
	assert.Equal(t, components["Tree"], `{"type":"array","items":{"$ref":"#/components/schemas/Tree"}}`)
	_, components = payloadOf[Nested](t, asyncapi.Info{})
	assert.Equal(t, components["Nested"], `{"type":"object","additionalProperties":{"$ref":"#/components/schemas/Nested"}}`)
	_, components = payloadOf[*Node](t, asyncapi.Info{})
	assert.Equal(t, components["Node"], `{"type":"object","properties":{"Next":{"anyOf":[{"$ref":"#/components/schemas/Node"},{"type":"null"}]}},"required":["Next"]}`)
}

func TestNullSlices(t *testing.T) {
	payload, _ := payloadOf[struct {
		A []int          `json:"a"`
		B []int          `json:"b" validate:"required"`
		C map[string]int `json:"c,omitempty"`
		D [1]int         `json:"d"`
	}](t, asyncapi.Info{NullSlices: true})
	const list = `"items":{"type":"integer"}`
	assert.Equal(t, payload, `{"type":"object","properties":{"a":{"type":["array","null"],`+list+`},"b":{"type":"array",`+list+
		`},"c":{"type":"object","additionalProperties":{"type":"integer"}},"d":{"type":"array",`+list+`,"minItems":1,"maxItems":1}},"required":["a","b","d"]}`)
}

func TestRules(t *testing.T) {
	expectField[struct {
		A string `validate:"required,min=2,max=5"`
		B string `validate:"len=3"`
		C string `validate:"gt=1,lt=9"`
		D string `validate:"omitempty,oneof=a 'b c'"`
		E string `validate:"email,max=100"`
		F string `validate:"eq=x"`
	}](t, `{"A":{"type":"string","minLength":2,"maxLength":5},"B":{"type":"string","minLength":3,"maxLength":3},"C":{"type":"string","minLength":2,"maxLength":8},`+
		`"D":{"type":"string","enum":["a","b c",""]},"E":{"type":"string","format":"email","maxLength":100},"F":{"type":"string","const":"x"}},"required":["A","B","C","E","F"]}`)
	expectField[struct {
		A int           `validate:"required,min=1,max=5"`
		B float64       `validate:"gt=0,lt=1.5"`
		C int           `validate:"oneof=1 2"`
		D bool          `validate:"required"`
		E float64       `validate:"latitude"`
		F time.Duration `validate:"max=1s"`
		G int           `validate:"ne=7"`
		H uint          `validate:"eq=7"`
	}](t, `{"A":{"type":"integer","not":{"const":0},"minimum":1,"maximum":5},"B":{"type":"number","exclusiveMinimum":0,"exclusiveMaximum":1.5},"C":{"type":"integer","enum":[1,2]},`+
		`"D":{"type":"boolean","const":true},"E":{"type":"number","minimum":-90,"maximum":90},"F":{"type":"integer","maximum":1000000000},`+
		`"G":{"type":"integer","not":{"const":7}},"H":{"type":"integer","const":7,"minimum":0}},"required":["A","B","C","D","E","F","G","H"]}`)
	expectField[struct {
		A []string       `validate:"required,min=1,max=3,unique,dive,required,max=5"`
		B map[string]int `validate:"max=9,dive,keys,alpha,endkeys,min=1"`
		C [][]string     `validate:"dive,max=2,dive,uuid4"`
		D []*string      `validate:"dive,required"`
	}](t, `{"A":{"type":"array","items":{"type":"string","minLength":1,"maxLength":5},"minItems":1,"maxItems":3,"uniqueItems":true},`+
		`"B":{"type":"object","additionalProperties":{"type":"integer","minimum":1},"propertyNames":{"pattern":"^[a-zA-Z]+$"},"maxProperties":9},`+
		`"C":{"type":"array","items":{"type":"array","items":{"type":"string","format":"uuid"},"maxItems":2}},`+
		`"D":{"type":"array","items":{"type":"string"}}},"required":["A","B","C","D"]}`)
	expectField[struct {
		A *string   `json:",omitempty" validate:"required,url"`
		B *int      `validate:"omitempty,min=1"`
		C string    `validate:"required_if=A x,max=0x2C"`
		D string    `validate:"startswith=a.b,endswith=c"`
		E string    `validate:"datetime=2006-01-02"`
		F string    `validate:"email|uuid"`
		G *Optional `validate:"required"`
		H string    `validate:"-"`
	}](t, `{"A":{"type":"string","format":"uri"},"B":{"type":["integer","null"],"minimum":1},"C":{"type":"string","x-validate":"required_if=A x,max=0x2C"},`+
		`"D":{"type":"string","allOf":[{"pattern":"c$"}],"pattern":"^a\\.b"},"E":{"type":"string","format":"date"},"F":{"type":"string","x-validate":"email|uuid"},`+
		`"G":{"$ref":"#/components/schemas/Optional"},"H":{"type":"string"}},"required":["A","C","D","E","F","G","H"]}`)
}
