package packet

import (
	"bytes"
	"cmp"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"sync"
	"unicode/utf8"
)

// EncodeEvent returns the JSON array of an event, and the attachments taken out of it.
//
// Arguments are encoded by the rules of encoding/json, without HTML escaping, and nil is
// null. A []byte that is not nil, or another slice of bytes without a marshaler, becomes
// an attachment wherever it stands: an argument, or in a map, slice, array, pointer,
// interface or struct field. A json.RawMessage stays JSON, and types that implement
// json.Marshaler or encoding.TextMarshaler are left to do so.
//
// Attachments alias the arguments' own bytes, which must not change until they are sent.
// Arguments are only read. Receivers accept ten attachments by default.
//
// Errors are of type *[ArgumentError]: what JSON cannot hold (NaN, channels, functions),
// cyclic values, malformed raw JSON, what a marshaler returned. Whether name may be
// emitted is not checked; see [IsReserved].
func EncodeEvent(name string, args []any) (data []byte, attachments [][]byte, err error) {
	return AppendEvent(nil, name, args)
}

// AppendEvent appends to dst what [EncodeEvent] returns. After an error nothing was
// appended.
func AppendEvent(dst []byte, name string, args []any) ([]byte, [][]byte, error) {
	return appendArray(dst, name, true, args)
}

// EncodeAck returns the JSON array of an acknowledgement, and the attachments taken out
// of it; see [EncodeEvent].
func EncodeAck(args []any) (data []byte, attachments [][]byte, err error) {
	return AppendAck(nil, args)
}

// AppendAck appends to dst what [EncodeAck] returns. After an error nothing was appended.
func AppendAck(dst []byte, args []any) ([]byte, [][]byte, error) {
	return appendArray(dst, "", false, args)
}

func appendArray(dst []byte, name string, named bool, args []any) ([]byte, [][]byte, error) {
	e := encoders.Get().(*encoder)
	e.out = append(dst, '[')
	if named {
		e.out = appendString(e.out, name)
	}
	for i, arg := range args {
		if named || i > 0 {
			e.out = append(e.out, ',')
		}
		e.depth = 0
		if err := e.value(arg); err != nil {
			e.release()
			return dst, nil, &ArgumentError{Index: i, Err: err}
		}
	}
	out, attachments := append(e.out, ']'), e.attachments
	e.release()
	return out, attachments, nil
}

// encoder writes JSON to out and gathers attachments.
type encoder struct {
	out         []byte
	attachments [][]byte
	depth       int
	std         *json.Encoder // writes to the encoder itself
}

var encoders = sync.Pool{New: func() any {
	e := new(encoder)
	e.std = json.NewEncoder(e)
	e.std.SetEscapeHTML(false)
	return e
}}

func (e *encoder) release() {
	e.out, e.attachments = nil, nil
	encoders.Put(e)
}

// Write takes what encoding/json has encoded, whole, with a line break at its end.
func (e *encoder) Write(p []byte) (int, error) {
	e.out = append(e.out, p[:len(p)-1]...)
	return len(p), nil
}

var (
	errTooDeepValue = errors.New("value is cyclic or nested deeper than 1000")
	errRaw          = errors.New("malformed raw JSON")
	errUTF8         = errors.New("a marshaler returned invalid UTF-8")
)

// descend counts the nesting. A cyclic value ends here.
func (e *encoder) descend() error {
	if e.depth++; e.depth > 1000 {
		return errTooDeepValue
	}
	return nil
}

// value encodes v. The types that events are mostly made of need no reflection.
func (e *encoder) value(v any) error {
	switch v := v.(type) {
	case nil:
		e.out = append(e.out, "null"...)
	case string:
		e.out = appendString(e.out, v)
	case bool:
		e.out = strconv.AppendBool(e.out, v)
	case int:
		e.out = strconv.AppendInt(e.out, int64(v), 10)
	case int64:
		e.out = strconv.AppendInt(e.out, v, 10)
	case float64:
		return e.float(v)
	case []byte:
		e.bytes(v)
	case json.RawMessage:
		return e.raw(v)
	case map[string]any:
		return e.object(v)
	case []any:
		return e.array(v)
	default:
		return e.reflected(reflect.ValueOf(v))
	}
	return nil
}

func (e *encoder) float(f float64) error {
	if f-f != 0 { // neither NaN nor infinite
		return &json.UnsupportedValueError{Value: reflect.ValueOf(f), Str: strconv.FormatFloat(f, 'g', -1, 64)}
	}
	e.out = appendFloat(e.out, f)
	return nil
}

// bytes writes a placeholder for b, an attachment from now on; null for nil.
func (e *encoder) bytes(b []byte) {
	if b == nil {
		e.out = append(e.out, "null"...)
		return
	}
	e.out = append(e.out, placeholderHead...)
	e.out = strconv.AppendInt(e.out, int64(len(e.attachments)), 10)
	e.out = append(e.out, '}')
	e.attachments = append(e.attachments, b)
}

func (e *encoder) raw(b json.RawMessage) error {
	if b == nil {
		e.out = append(e.out, "null"...)
		return nil
	}
	start := skipSpace(b, 0)
	end := scanValue(b, start, maxDepth)
	if end < 0 || skipSpace(b, end) != len(b) {
		return errRaw
	}
	e.out = append(e.out, b[start:end]...)
	return nil
}

func (e *encoder) object(m map[string]any) error {
	if m == nil {
		e.out = append(e.out, "null"...)
		return nil
	}
	if err := e.descend(); err != nil {
		return err
	}
	var room [16]string
	keys := room[:0]
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	e.out = append(e.out, '{')
	for i, key := range keys {
		if i > 0 {
			e.out = append(e.out, ',')
		}
		e.out = append(appendString(e.out, key), ':')
		if err := e.value(m[key]); err != nil {
			return err
		}
	}
	e.out = append(e.out, '}')
	e.depth--
	return nil
}

func (e *encoder) array(a []any) error {
	if a == nil {
		e.out = append(e.out, "null"...)
		return nil
	}
	if err := e.descend(); err != nil {
		return err
	}
	e.out = append(e.out, '[')
	for i, v := range a {
		if i > 0 {
			e.out = append(e.out, ',')
		}
		if err := e.value(v); err != nil {
			return err
		}
	}
	e.out = append(e.out, ']')
	e.depth--
	return nil
}

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
		e.out = appendString(e.out, v.String())
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
	e.out = appendString(e.out[:start], text)
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
		e.out = append(appendString(e.out, m.key), ':')
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

// appendString appends s as a JSON string. Bytes that are not UTF-8 become the
// replacement character, as in encoding/json.
func appendString(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b := []byte(s) // not copied: the compiler sees that it is only read
	dst = append(dst, '"')
	for i := 0; ; {
		end := skipPlain(b, i)
		dst = append(dst, b[i:end]...)
		if i = end; i >= len(b) {
			return append(dst, '"')
		}
		switch c := b[i]; {
		case c >= utf8.RuneSelf:
			r, size := utf8.DecodeRune(b[i:])
			dst = utf8.AppendRune(dst, r)
			i += size
			continue
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		default:
			if at := bytes.IndexByte([]byte("\b\f\n\r\t"), c); at >= 0 {
				dst = append(dst, '\\', "bfnrt"[at])
			} else {
				dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
			}
		}
		i++
	}
}

// appendFloat appends f, which is finite, as JavaScript prints it.
func appendFloat(dst []byte, f float64) []byte {
	if abs := max(f, -f); abs == 0 || abs >= 1e-6 && abs < 1e21 {
		return strconv.AppendFloat(dst, f, 'f', -1, 64)
	}
	dst = strconv.AppendFloat(dst, f, 'e', -1, 64)
	if n := len(dst); dst[n-2] == '0' && (dst[n-3] == '-' || dst[n-3] == '+') { // e-09 is e-9
		dst[n-2] = dst[n-1]
		dst = dst[:n-1]
	}
	return dst
}
