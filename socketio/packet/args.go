package packet

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"

	"github.com/kachi-io/kachi/internal/jsontext"
)

// Args are the arguments of an event, its name not counted, or the values of an
// acknowledgement: raw JSON, decoded when the receiver's types are known. They alias the
// packet they were taken from, and may be read by several goroutines.
type Args struct {
	Raw         [][]byte // one JSON value each
	Attachments [][]byte // what placeholders in Raw stand for
}

// ArgumentError tells which argument could not be decoded, or encoded, and why.
type ArgumentError struct {
	Index int // from 0, the event's name not counted
	Err   error
}

func (e *ArgumentError) Error() string { return fmt.Sprintf("argument %d: %v", e.Index, e.Err) }
func (e *ArgumentError) Unwrap() error { return e.Err }

// ParseEvent splits an event's array into its name and its arguments. A numeric name is
// given as JavaScript prints the number; a packet without payload, which the protocol
// allows, has an empty name and no arguments.
//
// p is what a [Decoder] returned. For one made by hand errors are of type *[DecodeError];
// what is malformed inside an argument shows only when it is decoded.
func ParseEvent(p *Packet) (name string, args Args, err error) {
	var room [8][]byte
	elements, err := split(p.Data, room[:0])
	if err != nil {
		return "", Args{}, err
	}
	if elements == nil {
		return "", Args{Attachments: p.Attachments}, nil
	}
	if len(elements) == 0 {
		return "", Args{}, errPayload
	}
	if name, err = eventName(elements[0]); err != nil {
		return "", Args{}, err
	}
	return name, Args{Raw: keep(elements[1:]), Attachments: p.Attachments}, nil
}

// ParseAck splits an acknowledgement's array into its values; see [ParseEvent].
func ParseAck(p *Packet) (Args, error) {
	var room [8][]byte
	elements, err := split(p.Data, room[:0])
	if err != nil {
		return Args{}, err
	}
	return Args{Raw: keep(elements), Attachments: p.Attachments}, nil
}

// keep copies elements into a slice of their number: what split fills is on the stack.
func keep(elements [][]byte) [][]byte {
	if len(elements) == 0 {
		return nil
	}
	raw := make([][]byte, len(elements))
	copy(raw, elements)
	return raw
}

// split appends the elements of the array in data to dst; without data it returns nil.
func split(data []byte, dst [][]byte) ([][]byte, error) {
	if len(data) == 0 {
		return nil, nil
	}
	i := jsontext.SkipSpace(data, 0)
	if i >= len(data) || data[i] != '[' {
		return nil, errPayload
	}
	i = jsontext.SkipSpace(data, i+1)
	if i < len(data) && data[i] == ']' {
		return dst, nil
	}
	for i < len(data) {
		end := jsontext.SkipValue(data, i)
		if end == i {
			return nil, errPayload
		}
		dst = append(dst, data[i:end:end])
		if i = jsontext.SkipSpace(data, end); i >= len(data) {
			break
		}
		switch data[i] {
		case ',':
			i = jsontext.SkipSpace(data, i+1)
		case ']':
			return dst, nil
		default:
			return nil, errPayload
		}
	}
	return nil, errPayload
}

func eventName(raw []byte) (string, error) {
	if len(raw) >= 2 && raw[0] == '"' {
		if s, ok := jsontext.PlainString(raw); ok {
			return string(s), nil
		}
		var name string
		if json.Unmarshal(raw, &name) != nil {
			return "", errPayload
		}
		return name, nil
	}
	f, err := strconv.ParseFloat(string(raw), 64)
	if raw[0] != '-' && raw[0]-'0' > 9 || err != nil && !errors.Is(err, strconv.ErrRange) {
		return "", errPayload
	}
	return numericName(f), nil
}

// numericName prints f as JavaScript does when a number becomes a property's name.
func numericName(f float64) string {
	switch {
	case f == 0:
		return "0" // also for -0
	case math.IsInf(f, 1):
		return "Infinity"
	case math.IsInf(f, -1):
		return "-Infinity"
	}
	return string(jsontext.AppendFloat(nil, f))
}
