package packet

import (
	"encoding/json"
	"reflect"
	"sync"
)

// shape is what the encoder needs to know of a type, found out once.
type shape struct {
	// holds: a value may hold a []byte that becomes an attachment. If not, the value is
	// encoding/json's alone.
	holds bool
	// marshals: the type encodes itself; addrMarshals: a pointer to it does.
	marshals, addrMarshals bool
}

var shapes sync.Map // reflect.Type → shape

func shapeOf(t reflect.Type) shape {
	if known, ok := shapes.Load(t); ok {
		return known.(shape)
	}
	s := shape{
		holds:        mayHold(t, map[reflect.Type]bool{}),
		marshals:     marshals(t),
		addrMarshals: t.Kind() != reflect.Pointer && marshals(reflect.PointerTo(t)),
	}
	shapes.Store(t, s)
	return s
}

func marshals(t reflect.Type) bool {
	return t.Implements(marshalerType) || t.Implements(textMarshalerType)
}

// mayHold looks for byte slices in t. Types seen on the way to t hold only what the rest
// of the search finds.
func mayHold(t reflect.Type, seen map[reflect.Type]bool) bool {
	if seen[t] || marshals(t) {
		return false
	}
	seen[t] = true
	switch t.Kind() {
	case reflect.Interface:
		return true
	case reflect.Pointer, reflect.Map, reflect.Array:
		return mayHold(t.Elem(), seen)
	case reflect.Slice:
		return isBytes(t) || mayHold(t.Elem(), seen)
	case reflect.Struct:
		for _, f := range fieldsOf(t) {
			if mayHold(t.FieldByIndex(f.index).Type, seen) {
				return true
			}
		}
	}
	return false
}

// isBytes tells whether encoding/json would write t, a type without a marshaler of its
// own, as base64: that is what becomes an attachment.
func isBytes(t reflect.Type) bool {
	return t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Uint8 && !marshals(reflect.PointerTo(t.Elem()))
}

var numberType = reflect.TypeFor[json.Number]()
