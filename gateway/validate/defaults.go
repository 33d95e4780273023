package validate

import (
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"time"
)

// filling is what is to be filled in in the structs of one type.
type filling struct {
	index int
	text  string // of the default
	given bool   // there is a default
	inner bool   // the field leads to others with defaults
}

var fillings sync.Map // reflect.Type → []filling

func fillingsOf(t reflect.Type) []filling {
	if known, ok := fillings.Load(t); ok {
		return known.([]filling)
	}
	var all []filling
	for i := range t.NumField() {
		f := t.Field(i)
		if !visible(f) {
			continue
		}
		text, given := f.Tag.Lookup(defaultTag)
		if inner := reaches(f.Type, hasDefault); given || inner {
			all = append(all, filling{i, text, given, inner})
		}
	}
	fillings.Store(t, all)
	return all
}

// fill gives the fields below a value their defaults. The value can be set.
func fill(v reflect.Value) error {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			return fill(v.Elem())
		}
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			if err := fill(v.Index(i)); err != nil {
				return err
			}
		}
	case reflect.Map:
		for _, key := range v.MapKeys() {
			value := reflect.New(v.Type().Elem()).Elem()
			value.Set(v.MapIndex(key))
			if err := fill(value); err != nil {
				return err
			}
			v.SetMapIndex(key, value)
		}
	case reflect.Struct:
		for _, f := range fillingsOf(v.Type()) {
			field := v.Field(f.index)
			if f.given && field.IsZero() {
				if err := parse(f.text, field); err != nil {
					return fmt.Errorf("validate: the default of %s.%s: %w", v.Type(), v.Type().Field(f.index).Name, err)
				}
			} else if f.inner {
				if err := fill(field); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// parse sets a value to what a tag says. It is done each time, so that no two inputs share
// a slice.
func parse(text string, to reflect.Value) error {
	if !to.CanSet() {
		return errors.New("the field cannot be set")
	}
	if to.Kind() == reflect.Pointer {
		value := reflect.New(to.Type().Elem())
		if err := parse(text, value.Elem()); err != nil {
			return err
		}
		to.Set(value)
		return nil
	}
	if u, ok := to.Addr().Interface().(encoding.TextUnmarshaler); ok {
		return u.UnmarshalText([]byte(text))
	}
	if to.Type() == reflect.TypeFor[time.Duration]() {
		d, err := time.ParseDuration(text)
		to.SetInt(int64(d))
		return err
	}
	if to.Kind() == reflect.String {
		to.SetString(text)
		return nil
	}
	return json.Unmarshal([]byte(text), to.Addr().Interface())
}
