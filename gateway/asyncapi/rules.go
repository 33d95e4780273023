package asyncapi

import (
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// rules are what a validate tag asks of a field, in the language of
// github.com/go-playground/validator.
type rules struct {
	required, optional bool
	own                []rule
	keys, each         *rules // of a map's keys; of all elements
}

type rule struct{ name, param, text string }

func parseRules(tag string) *rules {
	r := &rules{}
	if tag == "-" || tag == "" {
		return r
	}
	parts := strings.Split(tag, ",")
	for i := 0; i < len(parts); i++ {
		name, param, _ := strings.Cut(parts[i], "=")
		param = strings.NewReplacer("0x2C", ",", "0x7C", "|").Replace(param)
		switch name {
		case "":
		case "required":
			r.required = true
		case "omitempty", "omitnil", "omitzero":
			r.optional = true
		case "dive":
			rest := parts[i+1:]
			if len(rest) > 0 && rest[0] == "keys" {
				end := 1
				for end < len(rest) && rest[end] != "endkeys" {
					end++
				}
				r.keys = parseRules(strings.Join(rest[1:end], ","))
				rest = rest[min(end+1, len(rest)):]
			}
			r.each = parseRules(strings.Join(rest, ","))
			return r
		case "structonly", "nostructlevel":
		default:
			r.own = append(r.own, rule{name, param, parts[i]})
		}
	}
	return r
}

// apply adds the rules to the schema of a t. pointer says that the field is a pointer to
// one; zero, that it is sent even when it has its zero value.
func (r *rules) apply(s *Schema, t reflect.Type, pointer, zero bool) {
	if special(t) != nil && !s.Attachment {
		s.Rules = r.texts() // they are about the Go value, of which the wire has something else
		return
	}
	if r.required && !pointer && s.Ref == "" {
		switch {
		case t.Kind() == reflect.String:
			s.MinLength = ptr(1)
		case t.Kind() == reflect.Bool:
			s.Const = true
		case numeric(t):
			s.Not = &Schema{Const: 0}
		}
	}
	var rest []string
	for _, one := range r.own {
		if s.Ref != "" || strings.Contains(one.text, "|") || !one.apply(s, t) {
			rest = append(rest, one.text)
		}
	}
	switch {
	case s.Enum == nil || !r.optional || !zero:
	case t.Kind() == reflect.String:
		s.Enum = append(s.Enum, "")
	case numeric(t) && !slices.Contains(s.Enum, any(0.0)):
		s.Enum = append(s.Enum, 0.0)
	}
	s.Rules = strings.Join(rest, ",")
	if r.keys != nil && t.Kind() == reflect.Map {
		if s.PropertyNames == nil {
			s.PropertyNames = &Schema{}
		}
		r.keys.apply(s.PropertyNames, t.Key(), false, false)
	}
	if r.each == nil {
		return
	}
	within := &s.Items
	if t.Kind() == reflect.Map {
		within = &s.AdditionalProperties
	}
	if *within == nil || t.Kind() != reflect.Map && t.Kind() != reflect.Slice && t.Kind() != reflect.Array {
		return
	}
	elem, one := t.Elem(), *within
	pointer = elem.Kind() == reflect.Pointer
	if pointer {
		one = one.withoutNull()
	}
	for elem.Kind() == reflect.Pointer {
		elem = elem.Elem()
	}
	r.each.apply(one, elem, pointer, true)
	if pointer && !r.each.required {
		one = nullable(one)
	}
	*within = one
}

// texts are the rules as the tag has them.
func (r *rules) texts() string {
	var all []string
	for _, one := range r.own {
		all = append(all, one.text)
	}
	return strings.Join(all, ",")
}

func ptr[T any](v T) *T { return &v }

func numeric(t reflect.Type) bool {
	return t.Kind() >= reflect.Int && t.Kind() <= reflect.Uintptr || t.Kind() == reflect.Float32 || t.Kind() == reflect.Float64
}

// formats are rules that JSON Schema has a format for.
var formats = map[string]string{
	"email": "email", "url": "uri", "http_url": "uri", "https_url": "uri", "uri": "uri", "uuid": "uuid", "uuid3": "uuid",
	"uuid4": "uuid", "uuid5": "uuid", "uuid_rfc4122": "uuid", "uuid4_rfc4122": "uuid", "ipv4": "ipv4", "ip4_addr": "ipv4",
	"ipv6": "ipv6", "ip6_addr": "ipv6", "hostname": "hostname", "hostname_rfc1123": "hostname", "fqdn": "hostname",
}

// patterns are rules that are a regular expression.
var patterns = map[string]string{
	"alpha":       "^[a-zA-Z]+$",
	"alphanum":    "^[a-zA-Z0-9]+$",
	"numeric":     `^[-+]?[0-9]+(?:\.[0-9]+)?$`,
	"number":      "^[0-9]+$",
	"hexadecimal": "^(0[xX])?[0-9a-fA-F]+$",
	"hexcolor":    "^#(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{4}|[0-9a-fA-F]{6}|[0-9a-fA-F]{8})$",
	"lowercase":   "^[^A-Z]+$",
	"uppercase":   "^[^a-z]+$",
	"ascii":       `^[\x00-\x7F]*$`,
	"e164":        `^\+[1-9]?[0-9]{7,14}$`,
	"jwt":         `^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*$`,
	"ulid":        "^[A-HJKMNP-TV-Za-hjkmnp-tv-z0-9]{26}$",
}

// apply adds one rule, and reports whether there is a word for it.
func (r rule) apply(s *Schema, t reflect.Type) bool {
	switch kind := t.Kind(); {
	case r.name == "oneof" && (kind == reflect.String || numeric(t)):
		for _, value := range words(r.param) {
			if kind == reflect.String {
				s.Enum = append(s.Enum, value)
			} else if n, err := strconv.ParseFloat(value, 64); err == nil {
				s.Enum = append(s.Enum, n)
			}
		}
		return true
	case r.name == "eq" && kind == reflect.String:
		s.Const = r.param
		return true
	case r.name == "ne" && kind == reflect.String:
		s.Not = &Schema{Const: r.param}
		return true
	case kind == reflect.String && !slices.Contains(s.Type, "number"):
		return r.content(s) || r.bounds(&s.MinLength, &s.MaxLength)
	case kind == reflect.Slice || kind == reflect.Array:
		if r.name == "unique" && r.param == "" {
			s.UniqueItems = true
			return true
		}
		return r.bounds(&s.MinItems, &s.MaxItems)
	case kind == reflect.Map:
		return r.bounds(&s.MinProperties, &s.MaxProperties)
	case numeric(t) && len(s.Type) > 0:
		return r.limits(s, t)
	}
	return false
}

// content adds a rule about what a string holds.
func (r rule) content(s *Schema) bool {
	if format, ok := formats[r.name]; ok {
		if s.Format != "" && s.Format != format {
			return false
		}
		s.Format = format
		return true
	}
	quoted := regexp.QuoteMeta(r.param)
	switch pattern, ok := patterns[r.name]; {
	case ok:
		return s.match(pattern)
	case r.name == "startswith":
		return s.match("^" + quoted)
	case r.name == "endswith":
		return s.match(quoted + "$")
	case r.name == "contains":
		return s.match(quoted)
	case r.name == "base64":
		s.ContentEncoding = "base64"
		return true
	case r.name == "json":
		s.ContentMediaType = "application/json"
		return true
	case r.name == "datetime" && r.param == time.DateOnly:
		s.Format = "date"
		return true
	case r.name == "datetime" && (r.param == time.RFC3339 || r.param == time.RFC3339Nano):
		s.Format = "date-time"
		return true
	}
	return false
}

func (s *Schema) match(pattern string) bool {
	if s.Pattern == "" {
		s.Pattern = pattern
	} else {
		s.AllOf = append(s.AllOf, &Schema{Pattern: pattern})
	}
	return true
}

// bounds adds a rule about a length.
func (r rule) bounds(least, most **int) bool {
	n, err := strconv.Atoi(r.param)
	if err != nil || n < 0 {
		return false
	}
	switch r.name {
	case "min", "gte":
		*least = ptr(n)
	case "gt":
		*least = ptr(n + 1)
	case "max", "lte":
		*most = ptr(n)
	case "lt":
		*most = ptr(max(n-1, 0))
	case "len", "eq":
		*least, *most = ptr(n), ptr(n)
	default:
		return false
	}
	return true
}

// limits adds a rule about a number.
func (r rule) limits(s *Schema, t reflect.Type) bool {
	switch r.name {
	case "latitude":
		s.Minimum, s.Maximum = ptr(-90.0), ptr(90.0)
		return true
	case "longitude":
		s.Minimum, s.Maximum = ptr(-180.0), ptr(180.0)
		return true
	}
	n, err := strconv.ParseFloat(r.param, 64)
	if err != nil && t == reflect.TypeFor[time.Duration]() {
		var d time.Duration
		d, err = time.ParseDuration(r.param)
		n = float64(d)
	}
	if err != nil {
		return false
	}
	switch r.name {
	case "min", "gte":
		s.Minimum = &n
	case "gt":
		s.ExclusiveMinimum = &n
	case "max", "lte":
		s.Maximum = &n
	case "lt":
		s.ExclusiveMaximum = &n
	case "len", "eq":
		s.Const = n
	case "ne":
		s.Not = &Schema{Const: n}
	default:
		return false
	}
	return true
}

// words splits the values of oneof: at spaces, but for those within single quotes.
func words(text string) (all []string) {
	for text = strings.TrimSpace(text); text != ""; text = strings.TrimSpace(text) {
		if text[0] == '\'' {
			word, rest, _ := strings.Cut(text[1:], "'")
			all, text = append(all, word), rest
			continue
		}
		word, rest, _ := strings.Cut(text, " ")
		all, text = append(all, word), rest
	}
	return all
}
