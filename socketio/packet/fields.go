package packet

import (
	"cmp"
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"unicode"

	"github.com/kachi-io/kachi/internal/jsontext"
)

// What encoding/json makes of a struct's fields, found out again because it does not
// tell: names and options from tags, embedded structs, which field hides which.

// structFields are the fields of one struct type that JSON shows, in order.
type structFields []field

type field struct {
	name      string
	head      string // the name as JSON, with its colon
	index     []int
	tagged    bool
	omitEmpty bool
	omitZero  bool
	quoted    bool // ,string
	isZero    func(reflect.Value) bool
}

var fieldCache sync.Map // reflect.Type → structFields

func fieldsOf(t reflect.Type) structFields {
	if known, ok := fieldCache.Load(t); ok {
		return known.(structFields)
	}
	known, _ := fieldCache.LoadOrStore(t, findFields(t))
	return known.(structFields)
}

// Field is a field of a struct as it is on the wire, and in package encoding/json.
type Field struct {
	Name                string // of the member
	Index               []int  // for [reflect.Type.FieldByIndex]
	OmitEmpty, OmitZero bool
	Quoted              bool // ,string: a scalar that is sent as a string
}

// Fields returns the fields of a struct type that the wire shows, in order: for those who
// describe it. Embedded structs are resolved as encoding/json does it.
func Fields(t reflect.Type) []Field {
	known := fieldsOf(t)
	all := make([]Field, len(known))
	for i, f := range known {
		all[i] = Field{f.name, slices.Clone(f.index), f.omitEmpty, f.omitZero, f.quoted}
	}
	return all
}

// IsAttachment reports whether values of a type are sent as attachments, beside the JSON.
func IsAttachment(t reflect.Type) bool {
	return isBytes(t) && !marshals(t) && !marshals(reflect.PointerTo(t))
}

// named finds the field for a member's name: the one of exactly that name, else the first
// that differs in case only.
func (s structFields) named(name string) *field {
	for i := range s {
		if s[i].name == name {
			return &s[i]
		}
	}
	for i := range s {
		if strings.EqualFold(s[i].name, name) {
			return &s[i]
		}
	}
	return nil
}

// value returns the field's value in v; ok is false behind a nil embedded pointer.
func (f *field) value(v reflect.Value) (_ reflect.Value, ok bool) {
	for _, i := range f.index {
		if v.Kind() == reflect.Pointer {
			if v.IsNil() {
				return v, false
			}
			v = v.Elem()
		}
		v = v.Field(i)
	}
	return v, true
}

// settable returns the field of v, with embedded structs on the way to it made.
func (f *field) settable(v reflect.Value) (reflect.Value, error) {
	for _, i := range f.index {
		if v.Kind() == reflect.Pointer {
			if v.IsNil() {
				if !v.CanSet() {
					return v, fmt.Errorf("cannot set embedded pointer to unexported struct: %v", v.Type().Elem())
				}
				v.Set(reflect.New(v.Type().Elem()))
			}
			v = v.Elem()
		}
		v = v.Field(i)
	}
	return v, nil
}

// omitted tells whether the options of the field leave out the value v.
func (f *field) omitted(v reflect.Value) bool {
	if f.omitEmpty {
		switch v.Kind() {
		case reflect.Array, reflect.Map, reflect.Slice, reflect.String:
			if v.Len() == 0 {
				return true
			}
		case reflect.Interface, reflect.Pointer:
			if v.IsNil() {
				return true
			}
		default:
			if v.Kind() >= reflect.Bool && v.Kind() <= reflect.Float64 && v.IsZero() {
				return true
			}
		}
	}
	return f.omitZero && f.isZero(v)
}

func findFields(t reflect.Type) structFields {
	type level struct {
		t     reflect.Type
		index []int
		twice bool // embedded more than once on this level: its fields hide each other
	}
	var found []field
	visited := map[reflect.Type]bool{}
	for current := []level{{t: t}}; len(current) > 0; {
		var next []level
		for _, l := range current {
			if visited[l.t] {
				continue
			}
			visited[l.t] = true
			for i := range l.t.NumField() {
				sf := l.t.Field(i)
				tag := sf.Tag.Get("json")
				if !visible(sf) || tag == "-" {
					continue
				}
				name, options, _ := strings.Cut(tag, ",")
				index := append(slices.Clone(l.index), i)
				ft := sf.Type
				if ft.Name() == "" && ft.Kind() == reflect.Pointer {
					ft = ft.Elem()
				}
				tagged := validName(name)
				if !tagged && sf.Anonymous && ft.Kind() == reflect.Struct {
					at := slices.IndexFunc(next, func(n level) bool { return n.t == ft })
					if at >= 0 {
						next[at].twice = true
					} else {
						next = append(next, level{t: ft, index: index})
					}
					continue
				}
				f := newField(sf, ft, options)
				if f.name, f.tagged, f.index = sf.Name, tagged, index; tagged {
					f.name = name
				}
				f.head = string(jsontext.AppendString(nil, f.name)) + ":"
				found = append(found, f)
				if l.twice {
					found = append(found, f)
				}
			}
		}
		current = next
	}
	return dominant(found)
}

// visible tells whether JSON looks at sf at all. The exported fields of an embedded
// struct count even when its type is not exported.
func visible(sf reflect.StructField) bool {
	if !sf.Anonymous || sf.IsExported() {
		return sf.IsExported()
	}
	t := sf.Type
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t.Kind() == reflect.Struct
}

func newField(sf reflect.StructField, ft reflect.Type, options string) (f field) {
	for option := range strings.SplitSeq(options, ",") {
		switch option {
		case "omitempty":
			f.omitEmpty = true
		case "omitzero":
			f.omitZero, f.isZero = true, zeroTest(sf.Type)
		case "string":
			scalar := ft.Kind() == reflect.String || ft.Kind() >= reflect.Bool && ft.Kind() <= reflect.Float64
			f.quoted = scalar && !marshals(reflect.PointerTo(ft))
		}
	}
	return f
}

// dominant leaves one field for each name: the least nested one, a tagged one among
// those, none when that does not decide.
func dominant(found []field) structFields {
	slices.SortStableFunc(found, func(a, b field) int {
		return cmp.Or(strings.Compare(a.name, b.name), cmp.Compare(len(a.index), len(b.index)), -compareBool(a.tagged, b.tagged))
	})
	var left structFields
	for i := 0; i < len(found); {
		end := i + 1
		for end < len(found) && found[end].name == found[i].name {
			end++
		}
		first := &found[i]
		if end == i+1 || len(first.index) != len(found[i+1].index) || first.tagged != found[i+1].tagged {
			left = append(left, *first)
		}
		i = end
	}
	slices.SortFunc(left, func(a, b field) int { return slices.Compare(a.index, b.index) })
	return left
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// validName tells whether encoding/json takes name from a tag.
func validName(name string) bool {
	for _, c := range name {
		if !strings.ContainsRune("!#$%&()*+-./:;<=>?@[]^_{|}~ ", c) && !unicode.IsLetter(c) && !unicode.IsDigit(c) {
			return false
		}
	}
	return name != ""
}

type isZeroer interface{ IsZero() bool }

var (
	isZeroerType      = reflect.TypeFor[isZeroer]()
	marshalerType     = reflect.TypeFor[json.Marshaler]()
	textMarshalerType = reflect.TypeFor[encoding.TextMarshaler]()
)

// zeroTest returns what omitzero asks of a value of type t: its IsZero method, if any.
func zeroTest(t reflect.Type) func(reflect.Value) bool {
	switch {
	case t.Implements(isZeroerType):
		return func(v reflect.Value) bool {
			if nilable := v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface; nilable && v.IsNil() {
				return true
			}
			if v.Kind() == reflect.Interface && v.Elem().Kind() == reflect.Pointer && v.Elem().IsNil() {
				return true
			}
			return v.Interface().(isZeroer).IsZero()
		}
	case reflect.PointerTo(t).Implements(isZeroerType):
		return func(v reflect.Value) bool {
			if !v.CanAddr() {
				boxed := reflect.New(t).Elem()
				boxed.Set(v)
				v = boxed
			}
			return v.Addr().Interface().(isZeroer).IsZero()
		}
	}
	return reflect.Value.IsZero
}
