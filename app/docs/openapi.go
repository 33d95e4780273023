package docs

import (
	"encoding/json"
	"fmt"
	"html/template"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// document is an OpenAPI document, as far as the page shows it.
type document struct {
	Info struct {
		Title       string `json:"title"`
		Version     string `json:"version"`
		Description string `json:"description"`
	} `json:"info"`
	Paths      map[string]map[string]*operation `json:"paths"`
	Components struct {
		Schemas map[string]*schema `json:"schemas"`
	} `json:"components"`
}

type operation struct {
	ID          string              `json:"operationId"`
	Tags        []string            `json:"tags"`
	Summary     string              `json:"summary"`
	Description string              `json:"description"`
	Deprecated  bool                `json:"deprecated"`
	Parameters  []parameter         `json:"parameters"`
	Body        *content            `json:"requestBody"`
	Responses   map[string]*content `json:"responses"`
}

type parameter struct {
	Name        string  `json:"name"`
	In          string  `json:"in"`
	Required    bool    `json:"required"`
	Description string  `json:"description"`
	Schema      *schema `json:"schema"`
}

type content struct {
	Description string `json:"description"`
	Required    bool   `json:"required"`
	Content     map[string]struct {
		Schema *schema `json:"schema"`
	} `json:"content"`
	Headers map[string]parameter `json:"headers"`
}

// schema returns the one of the first kind of content that there is.
func (c *content) schema() *schema {
	if c != nil {
		for _, kind := range slices.Sorted(maps.Keys(c.Content)) {
			return c.Content[kind].Schema
		}
	}
	return nil
}

// schema is a JSON Schema.
type schema struct {
	Ref         string             `json:"$ref"`
	Type        types              `json:"type"`
	Format      string             `json:"format"`
	Description string             `json:"description"`
	Enum        []any              `json:"enum"`
	Properties  map[string]*schema `json:"properties"`
	Required    []string           `json:"required"`
	Items       *schema            `json:"items"`
	Others      json.RawMessage    `json:"additionalProperties"` // a schema, or a bool
	OneOf       []*schema          `json:"oneOf"`
	AnyOf       []*schema          `json:"anyOf"`
	MinLength   *int               `json:"minLength"`
	MaxLength   *int               `json:"maxLength"`
	MinItems    *int               `json:"minItems"`
	MaxItems    *int               `json:"maxItems"`
	Minimum     *float64           `json:"minimum"`
	Maximum     *float64           `json:"maximum"`
	Pattern     string             `json:"pattern"`
	Default     any                `json:"default"`
}

// types are one type, or several.
type types []string

// UnmarshalJSON implements [json.Unmarshaler].
func (t *types) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*t = types{one}
		return nil
	}
	return json.Unmarshal(b, (*[]string)(t))
}

const schemas = "#/components/schemas/"

// Marks around what becomes a link when the rest has been escaped.
const linkBegin, linkEnd = "\x02", "\x03"

// text writes a type as TypeScript does; depth bounds what is written out in place.
func (s *schema) text(depth int) string {
	switch {
	case s == nil:
		return "any"
	case s.Ref != "":
		return linkBegin + strings.TrimPrefix(s.Ref, schemas) + linkEnd
	case len(s.Enum) > 0:
		return join(s.Enum, literal)
	case len(s.OneOf) > 0:
		return join(s.OneOf, func(o *schema) string { return o.text(depth) })
	case len(s.AnyOf) > 0:
		return join(s.AnyOf, func(o *schema) string { return o.text(depth) })
	case len(s.Type) == 0:
		return "any"
	}
	return join(s.Type, func(name string) string {
		switch name {
		case "integer":
			return "number"
		case "array":
			item := s.Items.text(depth)
			if strings.Contains(item, " ") {
				item = "(" + item + ")"
			}
			return item + "[]"
		case "object":
			return s.object(depth)
		}
		return name
	})
}

func (s *schema) object(depth int) string {
	if len(s.Properties) == 0 {
		var others schema
		if json.Unmarshal(s.Others, &others) == nil && len(s.Others) > 0 && s.Others[0] == '{' {
			return "Record<string, " + others.text(depth) + ">"
		}
		return "object"
	}
	if depth == 0 {
		return "object"
	}
	var fields []string
	for _, name := range s.names() {
		optional := ""
		if !slices.Contains(s.Required, name) {
			optional = "?"
		}
		fields = append(fields, name+optional+": "+s.Properties[name].text(depth-1))
	}
	return "{ " + strings.Join(fields, "; ") + " }"
}

// names are the properties, those that are needed first. $schema is huma's own.
func (s *schema) names() []string {
	names := slices.DeleteFunc(slices.Sorted(maps.Keys(s.Properties)), func(n string) bool { return n == "$schema" })
	slices.SortStableFunc(names, func(a, b string) int {
		rank := func(n string) int { return slices.Index([]bool{true, false}, slices.Contains(s.Required, n)) }
		return rank(a) - rank(b)
	})
	return names
}

func join[T any](all []T, text func(T) string) string {
	parts := make([]string, len(all))
	for i, one := range all {
		parts[i] = text(one)
	}
	return strings.Join(parts, " | ")
}

func literal(v any) string {
	b, _ := json.Marshal(v) // came from JSON
	return string(b)
}

// rules are a schema's bounds in words.
func (s *schema) rules() (all []string) {
	if s == nil {
		return nil
	}
	if slices.Contains(s.Type, "integer") {
		all = append(all, "integer")
	}
	if s.Format != "" && s.Format != "int64" && s.Format != "int32" && s.Format != "double" {
		all = append(all, s.Format)
	}
	between := func(least, most *int, unit string) {
		switch {
		case least != nil && most != nil:
			all = append(all, fmt.Sprintf("%d to %d %s", *least, *most, unit))
		case least != nil && *least == 1:
			all = append(all, "not empty")
		case least != nil:
			all = append(all, fmt.Sprintf("at least %d %s", *least, unit))
		case most != nil:
			all = append(all, fmt.Sprintf("at most %d %s", *most, unit))
		}
	}
	between(s.MinLength, s.MaxLength, "characters")
	between(s.MinItems, s.MaxItems, "items")
	if s.Minimum != nil {
		all = append(all, fmt.Sprintf("≥ %v", *s.Minimum))
	}
	if s.Maximum != nil {
		all = append(all, fmt.Sprintf("≤ %v", *s.Maximum))
	}
	if s.Pattern != "" {
		all = append(all, "like "+s.Pattern)
	}
	if s.Default != nil {
		all = append(all, "default "+literal(s.Default))
	}
	return all
}

var link = regexp.MustCompile(linkBegin + "([^" + linkEnd + "]*)" + linkEnd)

// linked makes links of the names in a type.
func linked(text string) template.HTML {
	return template.HTML(link.ReplaceAllString(template.HTMLEscapeString(text), `<a href="#type-$1">$1</a>`))
}
