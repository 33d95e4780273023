package packet

import (
	"encoding/json"
	"errors"
	"strconv"

	"github.com/kachi-io/kachi/internal/jsontext"
)

// Plain is the form of clients that have a WebSocket and no library: one JSON object for
// each packet.
//
//	{"event":"message","data":{"text":"hi"}}            an event with one argument
//	{"event":"message","data":{"text":"hi"},"id":1}     one that is to be acknowledged
//	{"id":1,"data":"stored"}                            the acknowledgement
//	{"event":"move","args":[1,2]}                       more arguments, or values, than one
//
// Both sides send all of them. Without an argument data is left out. Binary values are
// placeholders, {"_placeholder":true,"num":0}, as in [JSON]; "attachments" then says how
// many binary messages follow. Other keys are ignored. Namespaces do not exist: a packet
// that was read has "/".
//
// There are no packets for joining and leaving: [Encoding.Append] returns an error for
// them.
var Plain Encoding = plainEncoding{}

type plainEncoding struct{}

func (plainEncoding) Name() string { return "plain" }

var errNotPlain = errors.New("socket.io packet: plain connections know events and acknowledgements only")

func (plainEncoding) Append(dst []byte, p *Packet) (text []byte, binary [][]byte, err error) {
	var args Args
	dst = append(dst, '{')
	switch p.Type {
	case Event:
		var name string
		if name, args, err = ParseEvent(p); err != nil {
			return nil, nil, err
		}
		dst = jsontext.AppendString(append(dst, `"event":`...), name)
	case Ack:
		if args, err = ParseAck(p); err != nil {
			return nil, nil, err
		}
	default:
		return nil, nil, errNotPlain
	}
	field := func(name string) {
		if dst[len(dst)-1] != '{' {
			dst = append(dst, ',')
		}
		dst = append(append(append(dst, '"'), name...), `":`...)
	}
	if p.ID >= 0 {
		field("id")
		dst = strconv.AppendInt(dst, p.ID, 10)
	}
	switch n := len(args.Raw); {
	case n == 1:
		field("data")
		dst = append(dst, args.Raw[0]...)
	case n > 1:
		field("args")
		for i, raw := range args.Raw {
			dst = append(append(dst, "[,"[min(i, 1)]), raw...)
		}
		dst = append(dst, ']')
	}
	if n := len(p.Attachments); n > 0 {
		field("attachments")
		dst = strconv.AppendInt(dst, int64(n), 10)
	}
	return append(dst, '}'), p.Attachments, nil
}

func (plainEncoding) NewReader(l Limits) Reader { return &plainReader{Decoder{Limits: l}} }

// plainReader has a Decoder put packets and attachments together.
type plainReader struct{ decoder Decoder }

func (r *plainReader) Waiting() bool { return r.decoder.Waiting() }

func (r *plainReader) Binary(data []byte) (Packet, bool, error) { return r.decoder.Binary(data) }

// Text writes the object as the packet that it stands for.
func (r *plainReader) Text(data []byte) (p Packet, complete bool, err error) {
	var in struct {
		Event       json.RawMessage   `json:"event"`
		Data        json.RawMessage   `json:"data"`
		Args        []json.RawMessage `json:"args"`
		ID          *int64            `json:"id"`
		Attachments uint              `json:"attachments"`
	}
	if end := jsontext.ScanValue(data, jsontext.SkipSpace(data, 0), min(r.decoder.Limits.MaxDepth()+1, jsontext.MaxDepth)); end == jsontext.TooDeep {
		return Packet{}, false, errDepth
	}
	if json.Unmarshal(data, &in) != nil || in.Data != nil && in.Args != nil {
		return Packet{}, false, errPayload
	}
	if in.Data != nil {
		in.Args = []json.RawMessage{in.Data}
	}
	t, values := Event, in.Args
	switch {
	case in.Event != nil && in.Event[0] == '"':
		values = append([]json.RawMessage{in.Event}, in.Args...)
	case in.Event == nil && in.ID != nil:
		t = Ack
	default:
		return Packet{}, false, errPayload
	}
	if in.ID != nil && (*in.ID < 0 || *in.ID > MaxID) {
		return Packet{}, false, errID
	}
	text := make([]byte, 0, len(data)+8)
	if in.Attachments > 0 {
		text = append(text, '0'+byte(t+BinaryEvent-Event))
		text = append(strconv.AppendUint(text, uint64(in.Attachments), 10), '-')
	} else {
		text = append(text, '0'+byte(t))
	}
	if in.ID != nil {
		text = strconv.AppendInt(text, *in.ID, 10)
	}
	for i, v := range values {
		text = append(append(text, "[,"[min(i, 1)]), v...)
	}
	if len(values) == 0 { // an acknowledgement without a value
		text = append(text, '[')
	}
	text = append(text, ']')
	return r.decoder.Text(text)
}
