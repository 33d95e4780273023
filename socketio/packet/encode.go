package packet

import (
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strconv"
	"sync"

	"github.com/kachi-io/kachi/internal/jsontext"
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
		e.out = jsontext.AppendString(e.out, name)
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
		e.out = jsontext.AppendString(e.out, v)
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
	e.out = jsontext.AppendFloat(e.out, f)
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
	start := jsontext.SkipSpace(b, 0)
	end := jsontext.ScanValue(b, start, jsontext.MaxDepth)
	if end < 0 || jsontext.SkipSpace(b, end) != len(b) {
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
		e.out = append(jsontext.AppendString(e.out, key), ':')
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
