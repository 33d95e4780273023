package gateway

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/kachi-io/kachi/socketio/packet"
)

// None is the input of a handler that takes none, and the result of one that has none: the
// acknowledgement is then empty.
type None struct{}

// Args2 is the input of a handler whose clients send two arguments: emit("move", 1, 2).
// One argument that is an array of two is something else: [2]int.
type Args2[A, B any] struct {
	A A
	B B
}

// Args3 is the input of a handler whose clients send three arguments.
type Args3[A, B, C any] struct {
	A A
	B B
	C C
}

// Rest is the input of a handler whose clients send any number of arguments, all of one
// type.
type Rest[T any] []T

// Raw is the input of a handler that decodes by itself.
type Raw struct{ packet.Args }

// arguments is an input of more than one argument, or of another number.
type arguments interface {
	decodeArgs(a packet.Args) error
	// pointers returns one to each argument that has been decoded.
	pointers() []any
	// types returns the arguments' types; that of Rest stands for all.
	types() []reflect.Type
}

func (*None) pointers() []any          { return nil }
func (t *Args2[A, B]) pointers() []any { return []any{&t.A, &t.B} }

func (t *Args3[A, B, C]) pointers() []any { return []any{&t.A, &t.B, &t.C} }

func (t *Rest[T]) pointers() []any {
	all := make([]any, len(*t))
	for i := range *t {
		all[i] = &(*t)[i]
	}
	return all
}

func (*Raw) pointers() []any { return nil }

func (*None) types() []reflect.Type { return nil }

func (*Args2[A, B]) types() []reflect.Type {
	return []reflect.Type{reflect.TypeFor[A](), reflect.TypeFor[B]()}
}

func (*Args3[A, B, C]) types() []reflect.Type {
	return []reflect.Type{reflect.TypeFor[A](), reflect.TypeFor[B](), reflect.TypeFor[C]()}
}

func (*Rest[T]) types() []reflect.Type { return []reflect.Type{reflect.TypeFor[T]()} }
func (*Raw) types() []reflect.Type     { return nil }

// typesOf returns the types of an input's arguments.
func typesOf(in reflect.Type) []reflect.Type {
	if several, ok := reflect.New(in).Interface().(arguments); ok {
		return several.types()
	}
	return []reflect.Type{in}
}

func (*None) decodeArgs(a packet.Args) error {
	for i, raw := range a.Raw {
		if string(raw) != "null" { // undefined, as JavaScript sends it
			return Errorf(CodeBadRequest, "no argument is taken, and %d came", len(a.Raw)-i)
		}
	}
	return nil
}

func (t *Args2[A, B]) decodeArgs(a packet.Args) error { return decodeAll(a, &t.A, &t.B) }

func (t *Args3[A, B, C]) decodeArgs(a packet.Args) error { return decodeAll(a, &t.A, &t.B, &t.C) }

func (t *Rest[T]) decodeArgs(a packet.Args) error {
	*t = make(Rest[T], a.Len())
	for i := range *t {
		if err := decodeAt(a, i, &(*t)[i]); err != nil {
			return err
		}
	}
	return nil
}

func (t *Raw) decodeArgs(a packet.Args) error {
	t.Args = a
	return nil
}

// decoderOf returns what decodes arguments into an In: one argument, unless In is one of the
// types above.
func decoderOf[In any]() func(a packet.Args, in *In) error {
	if _, several := any((*In)(nil)).(arguments); several {
		return func(a packet.Args, in *In) error { return any(in).(arguments).decodeArgs(a) }
	}
	optional := reflect.TypeFor[In]().Kind() == reflect.Pointer
	return func(a packet.Args, in *In) error {
		switch n := a.Len(); {
		case n > 1:
			return Errorf(CodeBadRequest, "one argument is taken, and %d came", n)
		case n == 0 && optional:
			return nil
		case n == 0:
			return NewError(CodeBadRequest, "an argument is missing")
		}
		return decodeAt(a, 0, in)
	}
}

// nullable reports whether a type has a value for null.
func nullable(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Pointer, reflect.Interface, reflect.Map:
		return true
	case reflect.Slice:
		return t == reflect.TypeFor[json.RawMessage]()
	}
	return false
}

func decodeAll(a packet.Args, targets ...any) error {
	if a.Len() != len(targets) {
		return Errorf(CodeBadRequest, "%d arguments are taken, and %d came", len(targets), a.Len())
	}
	for i, target := range targets {
		if err := decodeAt(a, i, target); err != nil {
			return err
		}
	}
	return nil
}

// decodeAt decodes strictly: a member that the type does not have is an error, and so is null
// for a type that has no value for it.
func decodeAt(a packet.Args, i int, target any) error {
	path := func() string {
		if a.Len() > 1 {
			return fmt.Sprintf("[%d]", i)
		}
		return ""
	}
	if string(a.Raw[i]) == "null" && !nullable(reflect.TypeOf(target).Elem()) {
		return Errorf(CodeBadRequest, "%s is null", called(path()))
	}
	err := a.DecodeStrict(i, target)
	if err == nil {
		return nil
	}
	var argument *packet.ArgumentError
	if errors.As(err, &argument) {
		err = argument.Err
	}
	return misfit(path(), err)
}

// misfit is the error for what could not be decoded, in words that name nothing of Go.
func misfit(path string, err error) error {
	var coded *Error
	var wrong *json.UnmarshalTypeError
	switch {
	case errors.As(err, &coded): // by an unmarshaler of the application
		return coded
	case errors.As(err, &wrong):
		path = join(path, wrong.Field)
		f := FieldError{Path: path, Rule: "type", Param: jsonType(wrong.Type), Message: fmt.Sprintf("%s is to be %s, and is %s", called(path), jsonType(wrong.Type), wrong.Value)}
		return &Error{Code: CodeBadRequest, Message: f.Message, Details: []FieldError{f}}
	}
	if name, unknown := strings.CutPrefix(err.Error(), "json: unknown field "); unknown {
		name = strings.Trim(name, `"`)
		f := FieldError{Path: join(path, name), Rule: "unknown", Message: fmt.Sprintf("%s is not known", called(name))}
		return &Error{Code: CodeBadRequest, Message: f.Message, Details: []FieldError{f}}
	}
	return Errorf(CodeBadRequest, "%s: %v", called(path), err)
}

func join(path, field string) string {
	if path == "" || field == "" {
		return path + field
	}
	return path + "." + field
}

func called(path string) string {
	if path == "" {
		return "the argument"
	}
	return path
}

// jsonType names what JSON has for a type.
func jsonType(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Bool:
		return "a boolean"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return "an integer"
	case reflect.Float32, reflect.Float64:
		return "a number"
	case reflect.String:
		return "a string"
	case reflect.Slice, reflect.Array:
		if t.Elem().Kind() == reflect.Uint8 {
			return "binary"
		}
		return "an array"
	}
	return "an object"
}
