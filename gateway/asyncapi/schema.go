package asyncapi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Schema is a JSON Schema. Its zero value takes anything.
type Schema struct {
	Ref         string `json:"$ref,omitempty"`
	Title       string `json:"title,omitempty"`
	Description string `json:"description,omitempty"`
	Deprecated  bool   `json:"deprecated,omitempty"`
	Default     any    `json:"default,omitempty"`
	Examples    []any  `json:"examples,omitempty"`

	Type  Types     `json:"type,omitempty"`
	Const any       `json:"const,omitempty"`
	Enum  []any     `json:"enum,omitempty"`
	Not   *Schema   `json:"not,omitempty"`
	AnyOf []*Schema `json:"anyOf,omitempty"`
	OneOf []*Schema `json:"oneOf,omitempty"`
	AllOf []*Schema `json:"allOf,omitempty"`

	Format           string `json:"format,omitempty"`
	Pattern          string `json:"pattern,omitempty"`
	ContentEncoding  string `json:"contentEncoding,omitempty"`
	ContentMediaType string `json:"contentMediaType,omitempty"`
	MinLength        *int   `json:"minLength,omitempty"` // in characters
	MaxLength        *int   `json:"maxLength,omitempty"`

	Minimum          *float64 `json:"minimum,omitempty"`
	ExclusiveMinimum *float64 `json:"exclusiveMinimum,omitempty"`
	Maximum          *float64 `json:"maximum,omitempty"`
	ExclusiveMaximum *float64 `json:"exclusiveMaximum,omitempty"`
	MultipleOf       *float64 `json:"multipleOf,omitempty"`

	PrefixItems []*Schema `json:"prefixItems,omitempty"`
	Items       *Schema   `json:"items,omitempty"`
	MinItems    *int      `json:"minItems,omitempty"`
	MaxItems    *int      `json:"maxItems,omitempty"`
	UniqueItems bool      `json:"uniqueItems,omitempty"`

	Properties           Properties `json:"properties,omitempty"`
	Required             []string   `json:"required,omitempty"`
	AdditionalProperties *Schema    `json:"additionalProperties,omitempty"`
	PropertyNames        *Schema    `json:"propertyNames,omitempty"`
	MinProperties        *int       `json:"minProperties,omitempty"`
	MaxProperties        *int       `json:"maxProperties,omitempty"`

	Attachment bool   `json:"x-attachment,omitempty"`
	Rules      string `json:"x-validate,omitempty"`

	never bool // false: nothing is taken
	given bool // by a [Described]
}

// Types are the JSON types that a schema takes; none: all.
type Types []string

// MarshalJSON writes one type as a string.
func (t Types) MarshalJSON() ([]byte, error) {
	if len(t) == 1 {
		return json.Marshal(t[0])
	}
	return json.Marshal([]string(t))
}

// UnmarshalJSON reads a string or a list.
func (t *Types) UnmarshalJSON(text []byte) error {
	if len(text) > 0 && text[0] == '"' {
		*t = make(Types, 1)
		return json.Unmarshal(text, &(*t)[0])
	}
	return json.Unmarshal(text, (*[]string)(t))
}

// Properties are the members of an object, in the order of their declaration.
type Properties []Property

// Property is a member of an object.
type Property struct {
	Name   string
	Schema *Schema
}

// Named returns the schema of a member, nil where there is none.
func (p Properties) Named(name string) *Schema {
	for _, one := range p {
		if one.Name == name {
			return one.Schema
		}
	}
	return nil
}

// MarshalJSON keeps the order.
func (p Properties) MarshalJSON() ([]byte, error) {
	out := []byte{'{'}
	for i, one := range p {
		if i > 0 {
			out = append(out, ',')
		}
		name, err := plainJSON(one.Name)
		if err != nil {
			return nil, err
		}
		value, err := plainJSON(one.Schema)
		if err != nil {
			return nil, err
		}
		out = append(append(append(out, name...), ':'), value...)
	}
	return append(out, '}'), nil
}

// UnmarshalJSON keeps the order.
func (p *Properties) UnmarshalJSON(text []byte) error {
	d := json.NewDecoder(bytes.NewReader(text))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return fmt.Errorf("properties are no object")
	}
	*p = Properties{}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return err
		}
		one := Property{Name: name.(string), Schema: &Schema{}}
		if err := d.Decode(one.Schema); err != nil {
			return err
		}
		*p = append(*p, one)
	}
	return nil
}

type plainSchema Schema

// MarshalJSON implements [json.Marshaler].
func (s *Schema) MarshalJSON() ([]byte, error) {
	if s.never {
		return []byte("false"), nil
	}
	return plainJSON((*plainSchema)(s))
}

// UnmarshalJSON takes true and false, too.
func (s *Schema) UnmarshalJSON(text []byte) error {
	switch string(text) {
	case "true":
		*s = Schema{}
		return nil
	case "false":
		*s = Schema{never: true}
		return nil
	}
	return json.Unmarshal(text, (*plainSchema)(s))
}

// plainJSON leaves <, > and & as they are.
func plainJSON(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

const schemaRef = "#/components/schemas/"

// takesNull reports whether null is among what a schema takes by its own type or as an
// alternative.
func (s *Schema) takesNull() bool {
	if slices.Contains(s.Type, "null") {
		return true
	}
	return slices.ContainsFunc(s.AnyOf, (*Schema).takesNull)
}

// anything reports whether a schema says nothing about values.
func (s *Schema) anything() bool {
	return s.Ref == "" && len(s.Type) == 0 && s.Const == nil && s.Enum == nil && s.Not == nil && s.AnyOf == nil &&
		s.OneOf == nil && s.AllOf == nil && s.Properties == nil && !s.Attachment && !s.never
}

// nullable has a schema take null as well.
func nullable(s *Schema) *Schema {
	switch {
	case s.anything() || s.takesNull():
		return s
	case s.Ref == "" && !s.Attachment && len(s.Type) > 0 && s.Const == nil && s.Enum == nil && s.Not == nil:
		c := *s
		c.Type = append(slices.Clone(s.Type), "null")
		return &c
	}
	described := &Schema{Description: s.Description, AnyOf: []*Schema{s, {Type: Types{"null"}}}}
	if s.Ref == "" {
		c := *s
		c.Description = ""
		described.AnyOf[0] = &c
	}
	return described
}

// withoutNull takes back what nullable did.
func (s *Schema) withoutNull() *Schema {
	if len(s.AnyOf) == 2 && slices.Equal(s.AnyOf[1].Type, Types{"null"}) {
		return s.AnyOf[0]
	}
	if len(s.Type) > 1 {
		c := *s
		c.Type = slices.DeleteFunc(slices.Clone(s.Type), func(t string) bool { return t == "null" })
		return &c
	}
	return s
}

// refName returns the name of the component that a schema refers to, "" for others.
func (s *Schema) refName() string {
	name, ok := strings.CutPrefix(s.Ref, schemaRef)
	if !ok {
		return ""
	}
	return name
}

// parts calls f for each schema directly within a schema.
func (s *Schema) parts(f func(*Schema)) {
	for _, one := range []*Schema{s.Not, s.Items, s.AdditionalProperties, s.PropertyNames} {
		if one != nil {
			f(one)
		}
	}
	for _, several := range [][]*Schema{s.AnyOf, s.OneOf, s.AllOf, s.PrefixItems} {
		for _, one := range several {
			f(one)
		}
	}
	for _, p := range s.Properties {
		f(p.Schema)
	}
}
