package asyncapi

import (
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/kachi-io/kachi/socketio/packet"
)

// Described is a type that knows its own schema, to be used in the place of what its Go
// type says. It is asked for the schema of a zero value. Keywords that [Schema] does not
// have are left out.
type Described interface {
	JSONSchema() json.RawMessage
}

// schemas makes the schemas of Go types. Structs with a name, and whatever refers to
// itself, become components.
type schemas struct {
	nullSlices bool
	names      map[reflect.Type]string
	components map[string]*Schema
	errs       []error
}

func newSchemas(nullSlices bool, roots []reflect.Type) *schemas {
	c := collector{seen: map[reflect.Type]bool{}}
	for _, t := range roots {
		c.collect(t, nil)
	}
	return &schemas{nullSlices: nullSlices, names: nameTypes(c.found), components: map[string]*Schema{}}
}

// collector finds the types that are to be components.
type collector struct {
	found []reflect.Type
	seen  map[reflect.Type]bool
}

// collect looks at a type that is reached by way of others.
func (c *collector) collect(t reflect.Type, way []reflect.Type) {
	if recursive := slices.Contains(way, t); recursive || c.seen[t] {
		if recursive && t.Name() != "" && !slices.Contains(c.found, t) {
			c.found = append(c.found, t)
		}
		return
	}
	if special(t) != nil {
		return
	}
	if t.Kind() == reflect.Struct && t.Name() != "" {
		c.found = append(c.found, t)
	}
	way = append(way, t)
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
		c.collect(t.Elem(), way)
	case reflect.Struct:
		for _, f := range packet.Fields(t) {
			c.collect(t.FieldByIndex(f.Index).Type, way)
		}
	}
	c.seen[t] = true
}

var (
	describedType       = reflect.TypeFor[Described]()
	marshalerType       = reflect.TypeFor[json.Marshaler]()
	unmarshalerType     = reflect.TypeFor[json.Unmarshaler]()
	textMarshalerType   = reflect.TypeFor[encoding.TextMarshaler]()
	textUnmarshalerType = reflect.TypeFor[encoding.TextUnmarshaler]()
)

// has reports whether a type, or a pointer to it, has the methods of an interface.
func has(t, methods reflect.Type) bool {
	return t.Implements(methods) || t.Kind() != reflect.Pointer && t.Kind() != reflect.Interface && reflect.PointerTo(t).Implements(methods)
}

// special returns the schema of a type whose Go type says nothing about its JSON, nil for
// all others.
func special(t reflect.Type) func() (*Schema, error) {
	simple := func(s Schema) func() (*Schema, error) { return func() (*Schema, error) { return &s, nil } }
	switch {
	case t.Kind() == reflect.Pointer || t.Kind() == reflect.Interface:
		return nil
	case has(t, describedType):
		return func() (*Schema, error) {
			text := reflect.New(t).Interface().(Described).JSONSchema()
			s := &Schema{}
			if err := json.Unmarshal(text, s); err != nil {
				return nil, fmt.Errorf("the schema of %v: %w", t, err)
			}
			s.given = true
			return s, nil
		}
	case t == reflect.TypeFor[time.Time]():
		return simple(Schema{Type: Types{"string"}, Format: "date-time"})
	case t == reflect.TypeFor[json.RawMessage]():
		return simple(Schema{})
	case t == reflect.TypeFor[json.Number]():
		return simple(Schema{Type: Types{"number"}})
	case packet.IsAttachment(t):
		return simple(Schema{
			Description:      "Bytes. They travel beside the JSON, as a binary attachment.",
			ContentMediaType: "application/octet-stream", Attachment: true,
		})
	case has(t, marshalerType) || has(t, unmarshalerType):
		return simple(Schema{})
	case has(t, textMarshalerType) || has(t, textUnmarshalerType):
		s := Schema{Type: Types{"string"}}
		if t.Name() == "UUID" {
			s.Format = "uuid"
		}
		return simple(s)
	}
	return nil
}

// of returns the schema of a type, or a reference to it.
func (b *schemas) of(t reflect.Type) *Schema {
	if s := special(t); s != nil {
		made, err := s()
		if err != nil {
			b.errs = append(b.errs, err)
			return &Schema{}
		}
		return made
	}
	name, named := b.names[t]
	if !named {
		return b.make(t)
	}
	if b.components[name] == nil {
		into := &Schema{}
		b.components[name] = into // found by those within
		*into = *b.make(t)
		if into.Title == "" && strange.MatchString(t.Name()) && !strings.Contains(t.Name(), "[") {
			into.Title = local.ReplaceAllString(t.Name(), "")
		}
	}
	return &Schema{Ref: schemaRef + name}
}

func (b *schemas) make(t reflect.Type) *Schema {
	switch t.Kind() {
	case reflect.Bool:
		return &Schema{Type: Types{"boolean"}}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return &Schema{Type: Types{"integer"}}
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return &Schema{Type: Types{"integer"}, Minimum: new(float64)}
	case reflect.Float32, reflect.Float64:
		return &Schema{Type: Types{"number"}}
	case reflect.String:
		return &Schema{Type: Types{"string"}}
	case reflect.Interface:
		return &Schema{}
	case reflect.Pointer:
		return nullable(b.of(t.Elem()))
	case reflect.Slice:
		return b.perhapsNil(&Schema{Type: Types{"array"}, Items: b.of(t.Elem())})
	case reflect.Array:
		n := t.Len()
		return &Schema{Type: Types{"array"}, Items: b.of(t.Elem()), MinItems: &n, MaxItems: &n}
	case reflect.Map:
		return b.perhapsNil(&Schema{Type: Types{"object"}, AdditionalProperties: b.of(t.Elem()), PropertyNames: b.keys(t.Key())})
	case reflect.Struct:
		return b.object(t)
	}
	b.errs = append(b.errs, fmt.Errorf("a %v is nothing that can be sent", t))
	return &Schema{}
}

// keys is the schema of a map's keys, which are texts on the wire; nil for any text.
func (b *schemas) keys(t reflect.Type) *Schema {
	switch kind := t.Kind(); {
	case kind == reflect.String || t.Implements(textMarshalerType):
		return nil
	case kind >= reflect.Int && kind <= reflect.Int64:
		return &Schema{Pattern: "^-?[0-9]+$"}
	case kind >= reflect.Uint && kind <= reflect.Uintptr:
		return &Schema{Pattern: "^[0-9]+$"}
	}
	if !reflect.PointerTo(t).Implements(textUnmarshalerType) {
		b.errs = append(b.errs, fmt.Errorf("a %v is no key of a map that can be sent", t))
	}
	return nil
}

func (b *schemas) perhapsNil(s *Schema) *Schema {
	if b.nullSlices {
		return nullable(s)
	}
	return s
}

// object is the schema of a struct.
func (b *schemas) object(t reflect.Type) *Schema {
	s := &Schema{Type: Types{"object"}, Properties: Properties{}}
	for _, f := range packet.Fields(t) {
		field := t.FieldByIndex(f.Index)
		property, required := b.property(field, f)
		if required && !behindPointer(t, f.Index) {
			s.Required = append(s.Required, f.Name)
		}
		s.Properties = append(s.Properties, Property{f.Name, property})
	}
	slices.Sort(s.Required)
	return s
}

// property is the schema of a field, and whether it is always there.
func (b *schemas) property(field reflect.StructField, f packet.Field) (s *Schema, required bool) {
	t, pointer := field.Type, false
	for t.Kind() == reflect.Pointer && special(t) == nil {
		t, pointer = t.Elem(), true
	}
	omitted := f.OmitEmpty || f.OmitZero
	s = b.of(t)
	if f.Quoted {
		s = &Schema{Type: Types{"string"}}
	}
	rules := parseRules(field.Tag.Get("validate"))
	if mustHold := rules.required || omitted; mustHold && !pointer && (t.Kind() == reflect.Slice || t.Kind() == reflect.Map) && s.Ref == "" {
		s = s.withoutNull()
	}
	if !f.Quoted {
		rules.apply(s, t, pointer, !pointer && !omitted)
	}
	if text := field.Tag.Get("doc"); text != "" {
		s.Description = text
	}
	if pointer && !rules.required && !omitted {
		s = nullable(s)
	}
	if text, given := field.Tag.Lookup("default"); given {
		if s.Default = defaultOf(text, t); f.Quoted && s.Default != nil {
			s.Default = literal(s.Default)
		}
		rules.required, rules.optional = false, true // it is there before the rules are looked at
	}
	return s, rules.required || !omitted && !rules.optional
}

// defaultOf is a default tag's value, as package gateway/validate reads it.
func defaultOf(text string, t reflect.Type) any {
	var v any
	switch {
	case t == reflect.TypeFor[time.Duration]():
		if d, err := time.ParseDuration(text); err == nil {
			return int64(d)
		}
	case t.Kind() == reflect.String || has(t, textUnmarshalerType):
		return text
	case json.Unmarshal([]byte(text), &v) == nil:
		return v
	}
	return nil
}

// behindPointer reports whether a field is in an embedded struct that may be missing.
func behindPointer(t reflect.Type, index []int) bool {
	for i := range len(index) - 1 {
		if t.FieldByIndex(index[:i+1]).Type.Kind() == reflect.Pointer {
			return true
		}
	}
	return false
}

// close has the objects that only clients send refuse what they do not name, as decoding
// does: those of the inputs that no output holds.
func (b *schemas) close(inputs, outputs []*Schema) {
	sent := map[*Schema]bool{}
	for _, s := range outputs {
		b.reach(s, sent)
	}
	taken := map[*Schema]bool{}
	for _, s := range inputs {
		b.reach(s, taken)
	}
	for s := range taken {
		if !sent[s] && !s.given && s.Properties != nil && s.AdditionalProperties == nil {
			s.AdditionalProperties = &Schema{never: true}
		}
	}
}

func (b *schemas) reach(s *Schema, seen map[*Schema]bool) {
	if seen[s] {
		return
	}
	seen[s] = true
	if c := b.components[s.refName()]; c != nil {
		b.reach(c, seen)
	}
	s.parts(func(part *Schema) { b.reach(part, seen) })
}

func (b *schemas) err() error { return errors.Join(b.errs...) }
