package validate

import "reflect"

// maxNames bounds the paths of all that is looked at in one input, in bytes: 1 MiB of short
// values has 10 MB of them. The library writes down the path of each element, and keys of
// maps, which are the client's, are part of the paths of all that they hold: without a bound,
// a message of 1 MB has it write 100 GB.
const maxNames = 64 << 20

// hasMap reports whether a type leads to a map.
func hasMap(t reflect.Type) bool {
	is := func(t reflect.Type) bool {
		for {
			switch t.Kind() {
			case reflect.Map:
				return true
			case reflect.Pointer, reflect.Slice, reflect.Array:
				t = t.Elem()
			default:
				return false
			}
		}
	}
	return is(t) || reaches(t, func(f reflect.StructField) bool { return is(f.Type) })
}

// weigh takes the paths of all elements below a value from left, where above is the length
// of its own, and reports false when that does not suffice.
func weigh(v reflect.Value, above int, left *int) bool {
	switch v.Kind() {
	case reflect.Pointer:
		return v.IsNil() || weigh(v.Elem(), above, left)
	case reflect.Slice, reflect.Array:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return true // bytes: an attachment, or a hash
		}
		const index = 8
		n := v.Len()
		if *left -= n * (above + index); *left < 0 {
			return false
		}
		if scalar(v.Type().Elem()) {
			return true
		}
		for i := range n {
			if !weigh(v.Index(i), above+index, left) {
				return false
			}
		}
	case reflect.Map:
		leaf := scalar(v.Type().Elem())
		for all := v.MapRange(); all.Next(); {
			name := above + 8
			if k := all.Key(); k.Kind() == reflect.String {
				name += k.Len()
			}
			if *left -= name; *left < 0 || !leaf && !weigh(all.Value(), name, left) {
				return false
			}
		}
	case reflect.Struct:
		for i := range v.NumField() {
			f := v.Type().Field(i)
			if !visible(f) {
				continue
			}
			name := above + len(f.Name) + 1
			if *left -= name; *left < 0 || !weigh(v.Field(i), name, left) {
				return false
			}
		}
	}
	return true
}

// scalar reports whether there is nothing below values of a type.
func scalar(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map, reflect.Struct:
		return false
	}
	return true
}
