package gateway

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
)

// Normalized is an input that puts itself in order when it has been decoded, before
// anything is checked: it trims text, say, or has an address in lower case. It is asked of
// each argument; what lies inside is the argument's own business.
type Normalized interface {
	Normalize()
}

// Validated is an input that knows its own rules. Validate is called when it has been
// decoded and normalized, and after [Options].Validator; an error that is no [*Error] is
// told as "invalid".
type Validated interface {
	Validate(ctx context.Context) error
}

// Validator checks inputs by the rules that their types declare, in struct tags say.
// Package gateway/validate has one. It is safe for concurrent use.
//
// Each argument of an event is checked by itself. The paths of its [FieldError] list begin
// at the argument; where several are taken, the app puts the argument's number in front,
// "[1].name".
type Validator interface {
	// Validate checks an argument, to which it is given a pointer: it may fill in what the
	// client left out. What is wrong with it is an [*Error], best made by [Invalid].
	Validate(ctx context.Context, argument any) error
	// Check reports whether the rules of an argument's type make sense, when the app is
	// made.
	Check(t reflect.Type) error
}

// examiner returns what normalizes and validates a decoded In.
func examiner[In any]() func(c *Call, in *In) error {
	if _, several := any((*In)(nil)).(arguments); several {
		return func(c *Call, in *In) error {
			for i, argument := range any(in).(arguments).pointers() {
				if err := examine(c, pointed(argument)); err != nil {
					return within(fmt.Sprintf("[%d]", i), err)
				}
			}
			return validated(c, any(in))
		}
	}
	if reflect.TypeFor[In]().Kind() == reflect.Pointer {
		return func(c *Call, in *In) error { return examine(c, pointed(in)) }
	}
	return func(c *Call, in *In) error { return examine(c, in) }
}

// pointed returns what a pointer to a pointer leads to, as a pointer; nil where that is nil.
func pointed(p any) any {
	v := reflect.ValueOf(p)
	for v.Elem().Kind() == reflect.Pointer {
		if v = v.Elem(); v.IsNil() {
			return nil
		}
	}
	return v.Interface()
}

func examine(c *Call, argument any) error {
	if argument == nil {
		return nil
	}
	if n, ok := argument.(Normalized); ok {
		n.Normalize()
	}
	if v := c.app.opts.Validator; v != nil {
		if err := v.Validate(c, argument); err != nil {
			return err
		}
	}
	return validated(c, argument)
}

// validated asks an input that knows its own rules.
func validated(c *Call, input any) error {
	own, ok := input.(Validated)
	if !ok {
		return nil
	}
	err := own.Validate(c)
	var coded *Error
	if err != nil && !errors.As(err, &coded) {
		return Invalid(FieldError{Rule: "valid", Message: err.Error()})
	}
	return err
}

// within puts the argument's place in front of the paths of an error's fields.
func within(place string, err error) error {
	var coded *Error
	if !errors.As(err, &coded) {
		return err
	}
	fields, ok := coded.Details.([]FieldError)
	if !ok {
		return err
	}
	placed := *coded
	list := make([]FieldError, len(fields))
	for i, f := range fields {
		if f.Path == "" || strings.HasPrefix(f.Path, "[") {
			f.Path = place + f.Path
		} else {
			f.Path = place + "." + f.Path
		}
		list[i] = f
	}
	placed.Details = list
	return &placed
}

// checkRules reports what is wrong with the rules of a route's input.
func (s *space) checkRules(r *route) {
	for _, t := range typesOf(r.in) {
		if v := s.app.opts.Validator; v != nil {
			if err := v.Check(t); err != nil {
				s.wrong(r.source, "event %q: %v", r.event, err)
			}
			continue
		}
		for _, tag := range []string{"validate", "default"} {
			if field := taggedField(t, tag, nil); field != "" {
				s.wrong(r.source, "event %q: %s has a %s tag, and the app has no Validator: set Options.Validator, to validate.New(nil) of package gateway/validate say", r.event, field, tag)
			}
		}
	}
}
