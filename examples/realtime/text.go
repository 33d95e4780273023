package main

import (
	"context"
	"unicode/utf8"

	"github.com/kachi-io/kachi/gateway"
)

// Text is what people write: something, and not too much.
type Text string

const maxText = 500 // characters

// Validate implements [gateway.Validated].
func (t Text) Validate(context.Context) error {
	switch n := utf8.RuneCountInString(string(t)); {
	case n == 0:
		return gateway.Invalid(gateway.FieldError{Rule: "required", Message: "There is no text"})
	case n > maxText:
		return gateway.Invalid(gateway.FieldError{Rule: "max", Param: "500", Message: "The text is too long"})
	}
	return nil
}
