package adapter

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
)

// ParseMessage reads what [Message.Append] wrote. The attachments alias b.
func ParseMessage(b []byte) (*Message, error) {
	m := new(Message)
	if len(b) > 0 && b[0] == withAttachments {
		rest, err := m.takeAttachments(b[1:])
		if err != nil {
			return nil, err
		}
		b = rest
	}
	if err := m.UnmarshalJSON(b); err != nil {
		return nil, err
	}
	return m, nil
}

func (m *Message) takeAttachments(b []byte) (rest []byte, err error) {
	count, n := binary.Uvarint(b)
	if n <= 0 || count > uint64(len(b)) { // each takes at least the byte of its length
		return nil, errTruncated
	}
	b = b[n:]
	m.Attachments = make([][]byte, 0, count)
	for range count {
		size, n := binary.Uvarint(b)
		if n <= 0 || size > uint64(len(b)-n) {
			return nil, errTruncated
		}
		end := n + int(size)
		m.Attachments = append(m.Attachments, b[n:end:end])
		b = b[end:]
	}
	return b, nil
}

type messageJSON struct {
	Kind      Kind     `json:"type"`
	Node      string   `json:"uid"`
	Namespace string   `json:"nsp"`
	Data      dataJSON `json:"data"`
}

// dataJSON is the union of what the kinds carry under "data".
type dataJSON struct {
	Packet    json.RawMessage   `json:"packet"`
	Rest      []json.RawMessage `json:"rest"`
	RequestID string            `json:"requestId"`
	Options   struct {
		Rooms  RoomNames `json:"rooms"`
		Except RoomNames `json:"except"`
		Flags  Flags     `json:"flags"`
	} `json:"opts"`
	Rooms       RoomNames    `json:"rooms"`
	Close       bool         `json:"close"`
	Sockets     []SocketInfo `json:"sockets"`
	Want        string       `json:"want"`
	Count       int          `json:"count"`
	ClientCount int          `json:"clientCount"`
	Named       bool         `json:"named"`
	IDs         []string     `json:"ids"`
	ID          string       `json:"id"`
	Gone        bool         `json:"gone"`
}

// packetJSON is the "packet" of a broadcast. An emitter also sets "nsp" in it.
type packetJSON struct {
	Data json.RawMessage `json:"data"`
}

// MarshalJSON implements json.Marshaler by [Message.AppendJSON].
func (m *Message) MarshalJSON() ([]byte, error) { return m.AppendJSON(nil) }

// UnmarshalJSON implements json.Unmarshaler: what [Message.AppendJSON] wrote, or a Node
// server. Attachments are left as they are.
func (m *Message) UnmarshalJSON(b []byte) error {
	var w messageJSON
	if err := json.Unmarshal(b, &w); err != nil {
		return fmt.Errorf("adapter: not a message: %w", err)
	}
	d := &w.Data
	*m = Message{
		Kind: w.Kind, Node: w.Node, Namespace: w.Namespace, Attachments: m.Attachments,
		RequestID: d.RequestID, Rooms: d.Rooms, Close: d.Close, Sockets: d.Sockets,
		Named: d.Named, IDs: d.IDs, Socket: d.ID,
		Target: Target{Rooms: d.Options.Rooms, Except: d.Options.Except}, Flags: d.Options.Flags,
	}
	switch w.Kind {
	case KindInitialHeartbeat, KindHeartbeat, KindClose, KindJoin, KindLeave, KindDisconnect, KindFetch:
		m.Want = wantOf(d.Want)
	case KindBroadcast:
		var p packetJSON
		if err := json.Unmarshal(d.Packet, &p); err != nil {
			return fmt.Errorf("adapter: not a packet: %w", err)
		}
		m.Data = p.Data
		return m.checkEvent()
	case KindServerSideEmit:
		m.Data = d.Packet
		return m.checkEvent()
	case KindFetchResponse:
		m.Want = wantOf(d.Want)
		if m.Count = max(d.Count, 0); m.Want != WantCount {
			m.Count = len(d.Sockets)
		}
	case KindBroadcastCount:
		if m.Count = d.ClientCount; m.Count < 0 {
			return errors.New("adapter: a negative number of clients")
		}
	case KindServerSideResponse, KindBroadcastAck:
		if !d.Gone {
			m.Data = joinArguments(d.Packet, d.Rest)
		}
	default:
		return fmt.Errorf("adapter: no such kind of message: %d", w.Kind)
	}
	return nil
}

// checkEvent wants an array whose first element is the event's name (or number).
func (m *Message) checkEvent() error {
	b := bytes.TrimSpace(m.Data)
	if len(b) > 1 && b[0] == '[' {
		if first := bytes.TrimSpace(b[1:]); first[0] == '"' || first[0] >= '0' && first[0] <= '9' {
			return nil
		}
	}
	return errors.New("adapter: an event is not an array with a name")
}

func wantOf(s string) Want {
	switch s {
	case "count":
		return WantCount
	case "rooms":
		return WantRooms
	}
	return WantSockets
}

// joinArguments is the reverse of splitArguments. It is never nil, which would mean
// that a socket is gone.
func joinArguments(first json.RawMessage, rest []json.RawMessage) []byte {
	if first == nil && len(rest) > 0 {
		first = json.RawMessage("null")
	}
	b := make([]byte, 0, len(first)+2)
	b = append(b, '[')
	b = append(b, first...)
	for _, arg := range rest {
		b = append(append(b, ','), arg...)
	}
	return append(b, ']')
}
