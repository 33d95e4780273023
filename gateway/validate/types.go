package validate

import (
	"reflect"
	"slices"
)

const (
	ruleTag    = "validate"
	defaultTag = "default"
)

func hasRule(f reflect.StructField) bool {
	tag := f.Tag.Get(ruleTag)
	return tag != "" && tag != "-"
}

func hasDefault(f reflect.StructField) bool {
	_, ok := f.Tag.Lookup(defaultTag)
	return ok
}

func deref(t reflect.Type) reflect.Type {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t
}

// below returns the struct that a type leads to, through pointers, slices and maps. A type
// that holds itself, map[string]tree, leads to none.
func below(t reflect.Type) (reflect.Type, bool) {
	var passed []reflect.Type
	for {
		switch t.Kind() {
		case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
			if slices.Contains(passed, t) {
				return t, false
			}
			passed, t = append(passed, t), t.Elem()
		case reflect.Struct:
			return t, true
		default:
			return t, false
		}
	}
}

// visible reports whether the field can be looked into: JSON decodes nothing into others.
func visible(f reflect.StructField) bool { return f.IsExported() || f.Anonymous }

// walk calls f for each struct type that a type leads to, once.
func walk(t reflect.Type, f func(reflect.Type)) {
	var met []reflect.Type
	var visit func(reflect.Type)
	visit = func(t reflect.Type) {
		t, ok := below(t)
		if !ok || slices.Contains(met, t) {
			return
		}
		met = append(met, t)
		f(t)
		for i := range t.NumField() {
			if field := t.Field(i); visible(field) {
				visit(field.Type)
			}
		}
	}
	visit(t)
}

// reaches reports whether a type leads to a field of a kind.
func reaches(t reflect.Type, is func(reflect.StructField) bool) (found bool) {
	walk(t, func(s reflect.Type) {
		for i := range s.NumField() {
			if f := s.Field(i); visible(f) && is(f) {
				found = true
			}
		}
	})
	return found
}
