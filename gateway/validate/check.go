package validate

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// Check implements [gateway.Validator]: it reports unknown rules, rules that cannot be
// applied to the type of their field, rules that name a field which is not there, elements
// whose rules nothing leads to, and defaults that cannot be.
func (r *rules) Check(t reflect.Type) error {
	var errs []error
	walk(t, func(s reflect.Type) {
		for i := range s.NumField() {
			f := s.Field(i)
			if !visible(f) {
				continue
			}
			for _, err := range []error{r.checkRules(s, i), checkDefault(f)} {
				if err != nil {
					errs = append(errs, fmt.Errorf("%s.%s: %w", s.Name(), f.Name, err))
				}
			}
		}
	})
	return errors.Join(errs...)
}

// others are the rules whose parameter names fields of the same struct: how many words of
// it there are to each name.
var others = map[string]int{
	"eqfield": 1, "nefield": 1, "gtfield": 1, "gtefield": 1, "ltfield": 1, "ltefield": 1,
	"fieldcontains": 1, "fieldexcludes": 1,
	"required_with": 1, "required_with_all": 1, "required_without": 1, "required_without_all": 1,
	"excluded_with": 1, "excluded_with_all": 1, "excluded_without": 1, "excluded_without_all": 1,
	"required_if": 2, "required_unless": 2, "excluded_if": 2, "excluded_unless": 2, "skip_unless": 2,
}

// checkRules tries each rule of a field alone, on a struct that has the same fields.
func (r *rules) checkRules(s reflect.Type, index int) error {
	f := s.Field(index)
	if !hasRule(f) {
		return unled(f, f.Tag.Get(ruleTag))
	}
	var errs []error
	at := f.Type // what the rule at hand is for
	var before []string
	var keyOf reflect.Type // between keys and endkeys: the map
	for _, rule := range strings.Split(f.Tag.Get(ruleTag), ",") {
		t := deref(at)
		switch rule {
		case "":
			errs = append(errs, errors.New("a rule between the commas is missing"))
			continue
		case "dive":
			if k := t.Kind(); k != reflect.Slice && k != reflect.Array && k != reflect.Map {
				if k != reflect.Interface {
					errs = append(errs, fmt.Errorf("dive is for slices and maps, and this is a %v", t))
				}
				return errors.Join(errs...)
			}
			keyOf, at = t, t.Elem()
			before = append(before, rule)
			continue
		case "keys":
			if len(before) == 0 || before[len(before)-1] != "dive" || keyOf.Kind() != reflect.Map {
				return errors.Join(append(errs, errors.New("keys stands behind dive, in a map"))...)
			}
			at = keyOf.Key()
			before = append(before, rule)
			continue
		case "endkeys":
			if !slices.Contains(before, "keys") {
				return errors.Join(append(errs, errors.New("endkeys stands behind keys"))...)
			}
			at = keyOf.Elem()
			before = before[:len(before)-1] // keys: what follows is for the values
			continue
		}
		if err := named(s, rule); err != nil {
			errs = append(errs, err)
			continue
		}
		tag := strings.Join(append(slices.Clone(before), rule), ",")
		if slices.Contains(before, "keys") {
			tag += ",endkeys"
		}
		if err := r.try(s, index, tag); err != nil {
			errs = append(errs, fmt.Errorf("the rule %q: %w", rule, err))
		}
	}
	errs = append(errs, unled(f, f.Tag.Get(ruleTag)))
	return errors.Join(errs...)
}

// named reports a rule whose parameter names a field that the struct does not have.
func named(s reflect.Type, rule string) error {
	name, param, _ := strings.Cut(rule, "=")
	step, ok := others[name]
	if !ok {
		return nil
	}
	words := strings.Fields(param)
	if len(words) == 0 {
		return fmt.Errorf("the rule %q names no field", rule)
	}
	if strings.Contains(param, "'") { // values with spaces: only the first name stands for sure
		words = words[:1]
	} else if len(words)%step != 0 {
		return fmt.Errorf("the rule %q: a value is missing", rule)
	}
	for i := 0; i < len(words); i += step {
		first, _, _ := strings.Cut(words[i], ".")
		first, _, _ = strings.Cut(first, "[")
		if _, ok := s.FieldByName(first); !ok {
			return fmt.Errorf("the rule %q: %s has no field %s", rule, s.Name(), first)
		}
	}
	return nil
}

// try applies one rule to a field that holds something: the library panics where it cannot.
func (r *rules) try(s reflect.Type, index int, tag string) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("%v", v)
		}
	}()
	var fields []reflect.StructField
	for i := range s.NumField() {
		f := s.Field(i)
		if !f.IsExported() {
			continue
		}
		f.Tag, f.Anonymous = `validate:"-"`, false
		if i == index {
			f.Tag = reflect.StructTag(fmt.Sprintf("validate:%q", tag))
		}
		fields = append(fields, f)
	}
	probe := reflect.New(reflect.StructOf(fields)).Elem()
	if !s.Field(index).IsExported() {
		return nil // embedded: it has no value of its own to be checked
	}
	sample(probe.FieldByName(s.Field(index).Name))
	_ = r.v.Struct(probe.Interface()) // what it says of the value is of no interest
	return nil
}

// sample gives a value that holds one of everything, however deep.
func sample(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		sample(v.Elem())
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		sample(v.Index(0))
	case reflect.Array:
		if v.Len() > 0 {
			sample(v.Index(0))
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		sample(key)
		sample(value)
		v.SetMapIndex(key, value)
	}
}

// unled reports a slice or map whose elements have rules that are never looked at, because
// nothing says dive.
func unled(f reflect.StructField, tag string) error {
	depth, t := 0, f.Type
	if _, ok := below(t); !ok {
		return nil
	}
	for t.Kind() != reflect.Struct {
		switch t.Kind() {
		case reflect.Slice, reflect.Array, reflect.Map:
			depth++
		case reflect.Pointer:
		default:
			return nil
		}
		t = t.Elem()
	}
	if tag == "-" || !reaches(t, hasRule) {
		return nil
	}
	dives := 0
	for _, rule := range strings.Split(tag, ",") {
		if rule == "dive" {
			dives++
		}
	}
	if dives < depth {
		return fmt.Errorf("its elements have rules, and no dive leads to them (validate:\"-\" where that is meant)")
	}
	return nil
}

// checkDefault reports a default that cannot be, or could never be left.
func checkDefault(f reflect.StructField) error {
	text, ok := f.Tag.Lookup(defaultTag)
	if !ok {
		return nil
	}
	if !f.IsExported() {
		return errors.New("the default of a field that cannot be set")
	}
	v := reflect.New(f.Type).Elem()
	if err := parse(text, v); err != nil {
		return fmt.Errorf("the default %q: %w", text, err)
	}
	if v.Kind() == reflect.Bool && v.Bool() {
		return errors.New("the default true, which no client could change: false is the zero value. Make it a pointer")
	}
	return nil
}
