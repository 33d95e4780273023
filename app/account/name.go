package account

import (
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/secure/precis"

	"github.com/kachi-io/kachi/gateway"
)

// Bounds of names and passwords, in code points and bytes.
const (
	MaxName     = 64
	MinPassword = 8
	MaxPassword = 256
)

// nameOf returns a name as it is shown and as names are compared: spaces and forms that look
// the same are one, and so are capitals (RFC 8266). Letters of different scripts that look
// alike are not the same, and do not stand in one word.
func nameOf(name string) (shown, key string, err error) {
	shown, err = precis.Nickname.String(name)
	if err == nil {
		key, err = precis.Nickname.CompareKey(shown)
	}
	if err != nil || !visible(shown) || mixed(shown) {
		return "", "", gateway.Invalid(gateway.FieldError{Path: "name", Rule: "name", Message: "That cannot be a name"})
	}
	if utf8.RuneCountInString(shown) > MaxName || utf8.RuneCountInString(key) > 190 {
		return "", "", gateway.Invalid(gateway.FieldError{Path: "name", Rule: "max", Param: "64", Message: "The name is too long"})
	}
	return shown, key, nil
}

// visible reports whether a name can be seen and told from others: RFC 8266 leaves it to us
// that some signs are blank, that marks without end cover the lines around them, and that
// what was no UTF-8 has come as U+FFFD.
func visible(name string) bool {
	const mostMarks = 4 // upon one letter; no language needs as many
	seen, marks := false, 0
	for _, r := range name {
		switch {
		case r == utf8.RuneError:
			return false
		case unicode.Is(unicode.M, r):
			if marks++; marks > mostMarks || !seen {
				return false
			}
			continue
		case r == '\u2800': // BRAILLE PATTERN BLANK
		case unicode.IsLetter(r), unicode.IsNumber(r), unicode.IsSymbol(r):
			seen = true
		}
		marks = 0
	}
	return seen
}

// alike are the scripts whose letters are taken for each other's. Others, Hangul and Han say,
// have none that are, and stand beside them.
var alike = []*unicode.RangeTable{unicode.Latin, unicode.Cyrillic, unicode.Greek, unicode.Armenian, unicode.Cherokee}

// mixed reports whether a word has letters of several scripts that look alike: in "Mina" the
// "a" may be Cyrillic, and it somebody else. A name that is Cyrillic altogether is a name.
func mixed(name string) bool {
	var script *unicode.RangeTable
	for _, r := range name {
		if r == ' ' {
			script = nil
			continue
		}
		for _, s := range alike {
			if !unicode.Is(s, r) {
				continue
			}
			if script != nil && script != s {
				return true
			}
			script = s
		}
	}
	return false
}

// passwordOf returns a password in the form in which it is hashed: the same keys on another
// keyboard give the same (RFC 8265).
func passwordOf(password string) (string, error) {
	if len(password) > MaxPassword {
		return "", gateway.Invalid(gateway.FieldError{Path: "password", Rule: "max", Param: "256", Message: "The password is too long"})
	}
	if password == "" {
		return "", errShort
	}
	form, err := precis.OpaqueString.String(password)
	if err != nil {
		return "", gateway.Invalid(gateway.FieldError{Path: "password", Rule: "text", Message: "The password has characters that cannot be typed"})
	}
	if utf8.RuneCountInString(form) < MinPassword {
		return "", errShort
	}
	return form, nil
}

var errShort = gateway.Invalid(gateway.FieldError{Path: "password", Rule: "min", Param: "8", Message: "The password needs at least 8 characters"})
