package adapter

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"
)

// AppendJSON appends the message as the JSON that Node's cluster adapters exchange:
// {"type","data","uid","nsp"}. What Node does not have (names of sockets, further
// arguments, counts and rooms) goes into additional fields, which it passes over.
//
// Attachments are not part of it: a wire that shares a broker with Node servers puts
// them into the place of their placeholders in whatever form these servers use. For a
// broker without Node servers there is [Message.Append].
func (m *Message) AppendJSON(dst []byte) ([]byte, error) {
	dst = append(dst, `{"type":`...)
	dst = append(dst, m.Kind.digits()...)
	switch m.Kind {
	case KindInitialHeartbeat, KindHeartbeat, KindClose:
	default:
		var err error
		dst = append(dst, `,"data":{`...)
		if dst, err = m.appendData(dst); err != nil {
			return nil, err
		}
		dst = append(dst, '}')
	}
	dst = append(dst, `,"uid":`...)
	dst = appendString(dst, m.Node)
	dst = append(dst, `,"nsp":`...)
	dst = appendString(dst, m.Namespace)
	return append(dst, '}'), nil
}

func (k Kind) digits() string {
	if k < 10 {
		return string('0' + rune(k))
	}
	return string([]byte{'0' + byte(k/10), '0' + byte(k%10)})
}

func (m *Message) appendData(dst []byte) ([]byte, error) {
	switch m.Kind {
	case KindBroadcast:
		dst = append(dst, `"packet":{"type":2,"data":`...)
		dst = append(dst, m.Data...)
		dst = append(dst, '}')
		if m.RequestID != "" {
			dst = m.appendRequestID(append(dst, ','))
			if m.Named {
				dst = append(dst, `,"named":true`...)
			}
		}
		dst = m.appendOptions(append(dst, ','))
	case KindJoin, KindLeave:
		dst = m.appendOptions(dst)
		dst = appendStrings(append(dst, `,"rooms":`...), m.Rooms)
	case KindDisconnect:
		dst = m.appendOptions(dst)
		if m.Close {
			dst = append(dst, `,"close":true`...)
		} else {
			dst = append(dst, `,"close":false`...)
		}
	case KindFetch:
		dst = m.appendOptions(dst)
		dst = m.appendRequestID(append(dst, ','))
		dst = m.appendWant(dst)
	case KindFetchResponse:
		dst = m.appendRequestID(dst)
		dst = append(dst, `,"sockets":`...)
		if len(m.Sockets) == 0 {
			dst = append(dst, "[]"...)
		} else {
			b, err := json.Marshal(m.Sockets)
			if err != nil {
				return nil, fmt.Errorf("adapter: describing sockets: %w", err)
			}
			dst = append(dst, b...)
		}
		dst = m.appendWant(dst)
		switch m.Want {
		case WantCount:
			dst = appendInt(append(dst, `,"count":`...), m.Count)
		case WantRooms:
			dst = appendStrings(append(dst, `,"rooms":`...), m.Rooms)
		}
	case KindServerSideEmit:
		if m.RequestID != "" {
			dst = append(m.appendRequestID(dst), ',')
		}
		dst = append(dst, `"packet":`...)
		dst = append(dst, m.Data...)
	case KindBroadcastCount:
		dst = m.appendRequestID(dst)
		dst = appendInt(append(dst, `,"clientCount":`...), m.Count)
		if m.IDs != nil {
			dst = appendStrings(append(dst, `,"ids":`...), m.IDs)
		}
	case KindServerSideResponse, KindBroadcastAck:
		dst = m.appendRequestID(dst)
		if m.Data == nil && m.Kind == KindBroadcastAck {
			dst = append(dst, `,"gone":true`...)
		} else {
			first, rest, err := splitArguments(m.Data)
			if err != nil {
				return nil, err
			}
			if first != nil {
				dst = append(append(dst, `,"packet":`...), first...)
			}
			if rest != nil {
				dst = append(append(dst, `,"rest":`...), rest...)
			}
		}
		if m.Socket != "" {
			dst = appendString(append(dst, `,"id":`...), m.Socket)
		}
	default:
		return nil, fmt.Errorf("adapter: no such kind of message: %d", m.Kind)
	}
	return dst, nil
}

func (m *Message) appendRequestID(dst []byte) []byte {
	return appendString(append(dst, `"requestId":`...), m.RequestID)
}

func (m *Message) appendWant(dst []byte) []byte {
	switch m.Want {
	case WantCount:
		return append(dst, `,"want":"count"`...)
	case WantRooms:
		return append(dst, `,"want":"rooms"`...)
	}
	return dst
}

func (m *Message) appendOptions(dst []byte) []byte {
	dst = appendStrings(append(dst, `"opts":{"rooms":`...), m.Target.Rooms)
	dst = appendStrings(append(dst, `,"except":`...), m.Target.Except)
	dst = append(dst, `,"flags":`...)
	if m.Flags == (Flags{Offset: m.Flags.Offset}) {
		dst = append(dst, "{}"...)
	} else {
		b, _ := m.Flags.MarshalJSON() // booleans and a number: cannot fail
		dst = append(dst, b...)
	}
	return append(dst, '}')
}

func appendStrings(dst []byte, list []string) []byte {
	dst = append(dst, '[')
	for i, s := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendString(dst, s)
	}
	return append(dst, ']')
}

// appendString writes plain ASCII itself and leaves the rest to encoding/json.
func appendString(dst []byte, s string) []byte {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < 0x20 || c >= utf8.RuneSelf || c == '"' || c == '\\' {
			b, _ := json.Marshal(s) // a string cannot fail
			return append(dst, b...)
		}
	}
	dst = append(dst, '"')
	dst = append(dst, s...)
	return append(dst, '"')
}

func appendInt(dst []byte, n int) []byte { return fmt.Appendf(dst, "%d", n) }

// splitArguments gives the first argument of an answer, which is all that Node servers
// hand on, and the array of the others; nil where there are none.
func splitArguments(data []byte) (first, rest json.RawMessage, err error) {
	if len(data) == 0 {
		return nil, nil, nil
	}
	var args []json.RawMessage
	if err := json.Unmarshal(data, &args); err != nil {
		return nil, nil, fmt.Errorf("adapter: an answer is not a JSON array: %w", err)
	}
	if len(args) == 0 {
		return nil, nil, nil
	}
	if len(args) > 1 {
		if rest, err = json.Marshal(args[1:]); err != nil {
			return nil, nil, err
		}
	}
	return args[0], rest, nil
}

// withAttachments is the first byte of an encoding that has attachments. It is neither
// the first of a JSON object nor of a MessagePack map, by which Node's adapters tell
// theirs apart.
const withAttachments = 0x01

// errTruncated: an encoding ends in the middle.
var errTruncated = errors.New("adapter: truncated message")

// Append appends an encoding that is complete in itself: the JSON of
// [Message.AppendJSON] where there are no attachments, so that a person can read it, and
// otherwise the byte 0x01, the number of attachments, each one's length (unsigned
// varints) followed by its bytes, and then the JSON.
func (m *Message) Append(dst []byte) ([]byte, error) {
	if len(m.Attachments) > 0 {
		dst = append(dst, withAttachments)
		dst = binary.AppendUvarint(dst, uint64(len(m.Attachments)))
		for _, a := range m.Attachments {
			dst = binary.AppendUvarint(dst, uint64(len(a)))
			dst = append(dst, a...)
		}
	}
	return m.AppendJSON(dst)
}
