package packet

import (
	"cmp"
	"encoding"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/kachi-io/kachi/internal/jsontext"
)

// The part of the encoder for types that it does not know by name.

// standard leaves v to encoding/json. By its address where it has one, as there: methods
// of the pointer count.
func (e *encoder) standard(v reflect.Value) error {
	if v.CanAddr() && v.Kind() != reflect.Interface {
		v = v.Addr()
	}
	start := len(e.out)
	if err := e.std.Encode(v.Interface()); err != nil {
		return err
	}
	if !utf8.Valid(e.out[start:]) {
		return errUTF8 // a WebSocket client would close the connection over it
	}
	return nil
}

func (e *encoder) reflected(v reflect.Value) error {
	t := v.Type()
	s := shapeOf(t)
	if !s.holds || s.marshals || s.addrMarshals && v.CanAddr() {
		return e.scalar(v, s)
	}
	switch v.Kind() {
	case reflect.Interface, reflect.Pointer, reflect.Map, reflect.Slice:
		if v.IsNil() {
			e.out = append(e.out, "null"...)
			return nil
		}
	}
	if isBytes(t) {
		e.bytes(v.Bytes())
		return nil
	}
	if err := e.descend(); err != nil {
		return err
	}
	defer func() { e.depth-- }()
	switch v.Kind() {
	case reflect.Interface:
		return e.value(v.Interface())
	case reflect.Pointer:
		return e.reflected(v.Elem())
	case reflect.Map:
		return e.reflectedMap(v)
	case reflect.Struct:
		return e.reflectedStruct(v)
	default: // slices and arrays: nothing else holds
		e.out = append(e.out, '[')
		for i := range v.Len() {
			if i > 0 {
				e.out = append(e.out, ',')
			}
			if err := e.reflected(v.Index(i)); err != nil {
				return err
			}
		}
		e.out = append(e.out, ']')
		return nil
	}
}

// scalar encodes a value without attachments. The plain kinds are written here, for a
// struct with a []byte has them all around it.
func (e *encoder) scalar(v reflect.Value, s shape) error {
	if s.marshals || s.addrMarshals || v.Type() == numberType {
		return e.standard(v)
	}
	switch v.Kind() {
	case reflect.String:
		e.out = jsontext.AppendString(e.out, v.String())
	case reflect.Bool:
		e.out = strconv.AppendBool(e.out, v.Bool())
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		e.out = strconv.AppendInt(e.out, v.Int(), 10)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		e.out = strconv.AppendUint(e.out, v.Uint(), 10)
	case reflect.Float64:
		return e.float(v.Float())
	default:
		return e.standard(v)
	}
	return nil
}

func (e *encoder) reflectedStruct(v reflect.Value) error {
	known := fieldsOf(v.Type())
	separator := byte('{')
	for i := range known {
		f := &known[i]
		value, ok := f.value(v)
		if !ok || f.omitted(value) {
			continue
		}
		e.out = append(append(e.out, separator), f.head...)
		separator = ','
		start := len(e.out)
		if err := e.reflected(value); err != nil {
			return err
		}
		if f.quoted {
			e.quote(start)
		}
	}
	if separator == '{' {
		e.out = append(e.out, '{')
	}
	e.out = append(e.out, '}')
	return nil
}

// quote makes a JSON string of the scalar written since start (the ",string" option).
func (e *encoder) quote(start int) {
	text := string(e.out[start:])
	if text == "null" {
		return
	}
	e.out = jsontext.AppendString(e.out[:start], text)
}

func (e *encoder) reflectedMap(v reflect.Value) error {
	type member struct {
		key   string
		value reflect.Value
	}
	members := make([]member, 0, v.Len())
	for it := v.MapRange(); it.Next(); {
		key, err := mapKey(it.Key())
		if err != nil {
			return err
		}
		members = append(members, member{key, it.Value()})
	}
	slices.SortFunc(members, func(a, b member) int { return cmp.Compare(a.key, b.key) })
	e.out = append(e.out, '{')
	for i, m := range members {
		if i > 0 {
			e.out = append(e.out, ',')
		}
		e.out = append(jsontext.AppendString(e.out, m.key), ':')
		if err := e.reflected(m.value); err != nil {
			return err
		}
	}
	e.out = append(e.out, '}')
	return nil
}

func mapKey(k reflect.Value) (string, error) {
	if k.Kind() == reflect.String {
		return k.String(), nil
	}
	if m, ok := k.Interface().(encoding.TextMarshaler); ok {
		if k.Kind() == reflect.Pointer && k.IsNil() {
			return "", nil
		}
		text, err := m.MarshalText()
		return string(text), err
	}
	switch {
	case k.CanInt():
		return strconv.FormatInt(k.Int(), 10), nil
	case k.CanUint():
		return strconv.FormatUint(k.Uint(), 10), nil
	}
	return "", fmt.Errorf("unsupported type of map key: %v", k.Type())
}
