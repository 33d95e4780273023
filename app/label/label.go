// Package label checks what people call the things that others see: rooms, locations.
package label

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/kachi-io/kachi/gateway"
)

// Of returns a label without what surrounds it: one line of so many code points. Characters
// that cannot be seen, or turn round what stands beside them, are refused, but for those
// within words and emoji. The error has the code "invalid", and names the field.
func Of(field, text string, least, most int) (string, error) {
	refuse := func(rule, param, message string) (string, error) {
		return "", gateway.Invalid(gateway.FieldError{Path: field, Rule: rule, Param: param, Message: message})
	}
	text = strings.TrimSpace(text)
	switch n := utf8.RuneCountInString(text); {
	case n < least:
		return refuse("min", fmt.Sprint(least), "The "+field+" is missing")
	case n > most:
		return refuse("max", fmt.Sprint(most), fmt.Sprintf("The %s has more than %d characters", field, most))
	case !utf8.ValidString(text) || strings.ContainsFunc(text, hidden):
		return refuse("text", "", "The "+field+" has characters that cannot be seen")
	}
	return text, nil
}

// hidden reports whether a character is none that one sees. Fillers are letters that are blank.
func hidden(r rune) bool {
	const joiner, nonJoiner, blank = '\u200d', '\u200c', '\u2800' // the blank one is of braille
	if r == joiner || r == nonJoiner {
		return false
	}
	return r == blank || unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Other_Default_Ignorable_Code_Point)
}
