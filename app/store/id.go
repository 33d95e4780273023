package store

import (
	"encoding/json"
	"errors"
	"strconv"
)

// ID names a stored thing: a user, a room, a message. It is greater than 0; the zero value
// names nothing.
//
// In JSON it is a string, since a number above 2^53 does not survive JavaScript; a number is
// read as well.
type ID int64

var errID = errors.New("an id is a whole number above 0, as a string or a number")

// ParseID reads an id.
func ParseID(text string) (ID, error) {
	// A string of digits has one form, so that ids can be compared as strings.
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n <= 0 || strconv.FormatInt(n, 10) != text {
		return 0, errID
	}
	return ID(n), nil
}

func (id ID) String() string { return strconv.FormatInt(int64(id), 10) }

// MarshalText implements [encoding.TextMarshaler].
func (id ID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText implements [encoding.TextUnmarshaler].
func (id *ID) UnmarshalText(text []byte) (err error) {
	*id, err = ParseID(string(text))
	return err
}

// UnmarshalJSON implements [json.Unmarshaler]: a string or a number. null changes nothing.
func (id *ID) UnmarshalJSON(text []byte) error {
	if string(text) == "null" {
		return nil
	}
	if n := len(text); n >= 2 && text[0] == '"' && text[n-1] == '"' {
		text = text[1 : n-1]
	}
	return id.UnmarshalText(text)
}

// JSONSchema says for documents of gateways what clients get, and should give.
func (ID) JSONSchema() json.RawMessage {
	return json.RawMessage(`{"type":"string","pattern":"^[1-9][0-9]*$"}`)
}
