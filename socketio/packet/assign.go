package packet

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"reflect"

	"github.com/kachi-io/kachi/internal/jsontext"
)

// Decode decodes the arguments into targets, one by one; see [Args.DecodeAt]. Arguments
// beyond the targets are not looked at, targets beyond the arguments stay as they are,
// and after an error so do those that follow. Errors are of type *[ArgumentError].
func (a Args) Decode(targets ...any) error {
	for i, target := range targets {
		if err := a.DecodeAt(i, target); err != nil {
			return err
		}
	}
	return nil
}

// Len returns the number of arguments.
func (a Args) Len() int { return len(a.Raw) }

// DecodeAt decodes argument i, counted from 0, into target, a non-nil pointer, by the
// rules of encoding/json. When there is no such argument the target stays as it is.
// Errors are of type *[ArgumentError].
//
// An attachment, at any depth, goes where its placeholder stands:
//   - into a []byte, or another slice of bytes without an unmarshaler: the attachment
//     itself, not a copy;
//   - into an any, or anywhere below it: as a []byte;
//   - into a type with an unmarshaler of its own, or a [json.RawMessage] within another
//     value: as a string in base64.
//
// Any other type there is an error, and so is a placeholder without its attachment.
//
// A target of type *json.RawMessage is given the argument's raw text, placeholders as
// they came; it aliases the packet.
func (a Args) DecodeAt(i int, target any) error {
	if i >= len(a.Raw) {
		return nil
	}
	if err := a.decode(a.Raw[i], target, json.Unmarshal); err != nil {
		return &ArgumentError{Index: i, Err: err}
	}
	return nil
}

// DecodeStrict is [Args.DecodeAt] that refuses, besides, a member of an object for which a
// struct has no field.
func (a Args) DecodeStrict(i int, target any) error {
	if i >= len(a.Raw) {
		return nil
	}
	if err := a.decode(a.Raw[i], target, strictly); err != nil {
		return &ArgumentError{Index: i, Err: err}
	}
	return nil
}

// strictly is json.Unmarshal that knows all members. raw is one well-formed value.
func strictly(raw []byte, target any) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	return d.Decode(target)
}

func (a Args) decode(raw []byte, target any, unmarshal func([]byte, any) error) error {
	switch t := target.(type) {
	case *json.RawMessage:
		if t != nil {
			*t = raw
			return nil
		}
	case *string:
		// A room, a name, a token: the most frequent argument, in 117 ns instead of 391.
		if text, ok := jsontext.PlainString(raw); ok && t != nil {
			*t = string(text)
			return nil
		}
	}
	spans, err := Placeholders(raw, len(a.Attachments))
	if err != nil {
		return err
	}
	v := reflect.ValueOf(target)
	if len(spans) == 0 || v.Kind() != reflect.Pointer || v.IsNil() {
		return unmarshal(raw, target)
	}
	s := assigner{raw: raw, attachments: a.Attachments, spans: spans, unmarshal: unmarshal}
	start := jsontext.SkipSpace(raw, 0)
	return s.assign(v.Elem(), start, jsontext.SkipValue(raw, start))
}

// assigner decodes one argument that holds placeholders. What holds none goes to
// encoding/json in pieces as large as possible.
type assigner struct {
	raw         []byte
	attachments [][]byte
	spans       []Placeholder
	unmarshal   func([]byte, any) error // json.Unmarshal, or strictly
}

var (
	unmarshalerType     = reflect.TypeFor[json.Unmarshaler]()
	textUnmarshalerType = reflect.TypeFor[interface{ UnmarshalText([]byte) error }]()
)

// assign decodes the value between start and end into v, which can be set.
func (s *assigner) assign(v reflect.Value, start, end int) error {
	within := inside(s.spans, start, end)
	if len(within) == 0 {
		return s.unmarshal(s.raw[start:end], v.Addr().Interface())
	}
	// Bounded, for a pointer may lead to itself.
	for hops := 0; hops < 100 && leads(v); hops++ {
		if v.Kind() == reflect.Pointer && v.IsNil() {
			v.Set(reflect.New(v.Type().Elem()))
		}
		v = v.Elem()
	}
	t := v.Type()
	if v.Kind() == reflect.Interface && t.NumMethod() == 0 {
		value, err := s.generic(start, end)
		if err == nil {
			v.Set(reflect.ValueOf(value))
		}
		return err
	}
	if pointer := reflect.PointerTo(t); pointer.Implements(unmarshalerType) || pointer.Implements(textUnmarshalerType) {
		return s.unmarshal(s.inBase64(start, end, within), v.Addr().Interface())
	}
	if within[0].Start == start && within[0].End == end {
		if !isBytes(t) {
			return &json.UnmarshalTypeError{Value: "binary", Type: t}
		}
		v.SetBytes(s.attachments[within[0].Num])
		return nil
	}
	switch object := s.raw[start] == '{'; {
	case object && v.Kind() == reflect.Struct:
		return s.members(v, start, s.structMember(v))
	case object && v.Kind() == reflect.Map:
		return s.members(v, start, s.mapMember(v))
	case !object && v.Kind() == reflect.Slice:
		return s.slice(v, start)
	case !object && v.Kind() == reflect.Array:
		return s.array(v, start)
	case object:
		return &json.UnmarshalTypeError{Value: "object", Type: t}
	default:
		return &json.UnmarshalTypeError{Value: "array", Type: t}
	}
}

// leads tells whether v is a pointer, or an interface that holds one to decode into.
func leads(v reflect.Value) bool {
	return v.Kind() == reflect.Pointer ||
		v.Kind() == reflect.Interface && v.Elem().Kind() == reflect.Pointer && !v.Elem().IsNil()
}

// members decodes an object into a struct or a map: first, in one piece, the members
// without placeholders, then the others through member.
func (s *assigner) members(v reflect.Value, start int, member func(key []byte, at, end int) error) error {
	type part struct {
		key     []byte
		at, end int
	}
	var with []part
	without := []byte{'{'}
	_, err := eachMember(s.raw, start, func(key []byte, at int) (int, error) {
		end := jsontext.SkipValue(s.raw, at)
		if len(inside(s.spans, at, end)) > 0 {
			with = append(with, part{key, at, end})
			return end, nil
		}
		if len(without) > 1 {
			without = append(without, ',')
		}
		without = append(without, key...)
		without = append(without, ':')
		without = append(without, s.raw[at:end]...)
		return end, nil
	})
	if err != nil {
		return err
	}
	if err := s.unmarshal(append(without, '}'), v.Addr().Interface()); err != nil {
		return err
	}
	for _, p := range with {
		if err := member(p.key, p.at, p.end); err != nil {
			return err
		}
	}
	return nil
}

func (s *assigner) structMember(v reflect.Value) func(key []byte, at, end int) error {
	known := fieldsOf(v.Type())
	return func(key []byte, at, end int) error {
		f := known.named(keyText(key))
		if f == nil { // what says whether that is an error
			return s.unmarshal(append(append([]byte{'{'}, key...), ":null}"...), v.Addr().Interface())
		}
		target, err := f.settable(v)
		if err != nil {
			return err
		}
		return s.assign(target, at, end)
	}
}

func (s *assigner) mapMember(v reflect.Value) func(key []byte, at, end int) error {
	t := v.Type()
	return func(key []byte, at, end int) error {
		// encoding/json knows how a key becomes a value of the key's type.
		keys := reflect.New(reflect.MapOf(t.Key(), reflect.TypeFor[struct{}]()))
		if err := json.Unmarshal(append(append([]byte{'{'}, key...), ":{}}"...), keys.Interface()); err != nil {
			return err
		}
		element := reflect.New(t.Elem()).Elem()
		if err := s.assign(element, at, end); err != nil {
			return err
		}
		for _, k := range keys.Elem().MapKeys() {
			v.SetMapIndex(k, element)
		}
		return nil
	}
}

func (s *assigner) slice(v reflect.Value, start int) error {
	elements := reflect.MakeSlice(v.Type(), 0, 4)
	_, err := eachElement(s.raw, start, func(at int) (int, error) {
		end := jsontext.SkipValue(s.raw, at)
		element := reflect.New(v.Type().Elem()).Elem()
		if err := s.assign(element, at, end); err != nil {
			return 0, err
		}
		elements = reflect.Append(elements, element)
		return end, nil
	})
	if err == nil {
		v.Set(elements)
	}
	return err
}

func (s *assigner) array(v reflect.Value, start int) error {
	v.SetZero()
	n := 0
	_, err := eachElement(s.raw, start, func(at int) (int, error) {
		end := jsontext.SkipValue(s.raw, at)
		if n++; n > v.Len() {
			return end, nil
		}
		return end, s.assign(v.Index(n-1), at, end)
	})
	return err
}

// generic decodes the value between start and end as encoding/json does into an any.
func (s *assigner) generic(start, end int) (value any, err error) {
	within := inside(s.spans, start, end)
	switch {
	case len(within) == 0:
		err = json.Unmarshal(s.raw[start:end], &value)
		return value, err
	case within[0].Start == start && within[0].End == end:
		return s.attachments[within[0].Num], nil
	case s.raw[start] == '{':
		object := make(map[string]any)
		_, err = eachMember(s.raw, start, func(key []byte, at int) (int, error) {
			end := jsontext.SkipValue(s.raw, at)
			object[keyText(key)], err = s.generic(at, end)
			return end, err
		})
		return object, err
	default:
		var array []any
		_, err = eachElement(s.raw, start, func(at int) (int, error) {
			end := jsontext.SkipValue(s.raw, at)
			element, err := s.generic(at, end)
			array = append(array, element)
			return end, err
		})
		return array, err
	}
}

// inBase64 returns the value between start and end with each placeholder replaced by a
// string that holds its attachment in base64.
func (s *assigner) inBase64(start, end int, within []Placeholder) []byte {
	var out []byte
	for _, p := range within {
		out = append(out, s.raw[start:p.Start]...)
		out = append(out, '"')
		out = base64.StdEncoding.AppendEncode(out, s.attachments[p.Num])
		out = append(out, '"')
		start = p.End
	}
	return append(out, s.raw[start:end]...)
}

// keyText returns the text of a quoted key. A malformed one gives a malformed text.
func keyText(key []byte) string {
	if text, ok := jsontext.PlainString(key); ok {
		return string(text)
	}
	var text string
	_ = json.Unmarshal(key, &text)
	return text
}
