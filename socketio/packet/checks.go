package packet

import (
	"bytes"
	"unicode/utf8"

	"github.com/kachi-io/kachi/internal/jsontext"
)

// The checks below are those of a [Decoder] that do not depend on the form in which a
// packet came. They are exported for the readers of other forms.

// MaxID is the largest [Packet.ID], the largest integer that JavaScript counts to exactly.
// A larger id would come back as another one.
const MaxID = 1<<53 - 1

// Namespaces checks the names of the namespaces that one connection speaks to. Its zero
// value is ready; the reader of the connection owns it.
type Namespaces struct {
	last string // most connections use one, and it is then made once
}

// Check returns name as a string if it can be that of a namespace: it begins with a slash,
// holds no comma and is UTF-8. The error is a *[DecodeError].
func (n *Namespaces) Check(name []byte) (string, error) {
	const kept = 64 // longer ones are not kept, or any client could pin a large string
	switch {
	case len(name) == 0 || name[0] != '/' || bytes.IndexByte(name, ',') >= 0:
		return "", errNamespace
	case len(name) == 1:
		return "/", nil
	case string(name) == n.last:
		return n.last, nil
	case !utf8.Valid(name):
		return "", errNamespace
	}
	s := string(name)
	if len(s) <= kept {
		n.last = s
	}
	return s, nil
}

// checkPayload checks that data is one well-formed JSON value of the kind that a packet
// of type t carries.
func checkPayload(t Type, data []byte, depth int) error {
	end := jsontext.ScanValue(data, jsontext.SkipSpace(data, 0), depth)
	if end == jsontext.TooDeep {
		return errDepth
	}
	if end < 0 || jsontext.SkipSpace(data, end) != len(data) {
		return errPayload
	}
	return CheckKind(t, data)
}

// CheckKind checks that data, one well-formed JSON value, is of the kind that a packet of
// type t carries, and that an event's name is one, and not reserved. The error is a
// *[DecodeError].
func CheckKind(t Type, data []byte) error {
	var ok bool
	start := jsontext.SkipSpace(data, 0)
	switch first := data[start]; t {
	case Connect:
		ok = first == '{'
	case ConnectError:
		ok = first == '{' || first == '"'
	case Event:
		ok = first == '[' && nameAllowed(data[jsontext.SkipSpace(data, start+1):])
	case Ack:
		ok = first == '['
	}
	if !ok {
		return errPayload
	}
	return nil
}

// nameAllowed tells whether the well-formed JSON that b starts with can be the name of an
// event: a number, or a string that is not reserved.
func nameAllowed(b []byte) bool {
	switch {
	case b[0] == '-' || b[0]-'0' <= 9:
		return true
	case b[0] != '"':
		return false
	}
	name := b[1 : jsontext.SkipString(b, 0)-1]
	var short [longestReserved + utf8.UTFMax]byte // a reserved name may come in escapes
	n := jsontext.UnescapePrefix(short[:], name)
	return n > longestReserved || !IsReserved(string(short[:n]))
}
