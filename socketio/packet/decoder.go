package packet

import "unicode/utf8"

// Limits bound what a [Decoder] accepts. The zero value of each field is its default.
type Limits struct {
	// Attachments is the most that one packet may announce. Default 10, as in the
	// reference implementation; negative: none are accepted.
	Attachments int
	// AttachmentBytes bounds the attachments of one packet together. Default 0: no other
	// bound than the transport's, which holds for each attachment.
	AttachmentBytes int
	// Depth is how deep arrays and objects may nest, the array of an event counted.
	// Default 128, at most 1024.
	Depth int
}

const (
	defaultAttachments = 10
	defaultDepth       = 128
)

func (l *Limits) attachments() int {
	if l.Attachments == 0 {
		return defaultAttachments
	}
	return max(l.Attachments, 0)
}

func (l *Limits) depth() int {
	if l.Depth <= 0 {
		return defaultDepth
	}
	return min(l.Depth, maxDepth)
}

// Decoder turns the messages of one connection into packets. Its zero value is ready. It
// is not safe for concurrent use: the goroutine that reads the connection owns it.
//
// After an error the connection is to be closed; the decoder has then forgotten the
// packet it was putting together.
type Decoder struct {
	Limits Limits

	waiting   *partial // the packet whose attachments are awaited
	namespace string   // the last one seen: most connections use one, and it is then made once
}

// partial is a packet whose attachments have not all come.
type partial struct {
	packet  Packet
	missing int
	bytes   int
}

// Waiting tells whether a packet waits for attachments.
func (d *Decoder) Waiting() bool { return d.waiting != nil }

// Text takes a text message. complete tells whether p is a packet; if not, and err is
// nil, its attachments must follow through [Decoder.Binary].
//
// The packet's Data aliases data, which must not be changed afterwards. Errors are of
// type *[DecodeError].
func (d *Decoder) Text(data []byte) (p Packet, complete bool, err error) {
	if d.waiting != nil {
		d.waiting = nil
		return Packet{}, false, errPlaintext
	}
	p, attachments, err := d.parse(data)
	if err != nil {
		return Packet{}, false, err
	}
	if attachments == 0 {
		return p, true, nil
	}
	p.Attachments = make([][]byte, 0, min(attachments, defaultAttachments))
	d.waiting = &partial{packet: p, missing: attachments}
	return Packet{}, false, nil
}

// Binary takes a binary message, the next attachment of the packet that waits. complete
// tells whether it was the last one, and p is then the packet. The packet keeps data.
// Errors are of type *[DecodeError].
func (d *Decoder) Binary(data []byte) (p Packet, complete bool, err error) {
	w := d.waiting
	if w == nil {
		return Packet{}, false, errBinary
	}
	w.bytes += len(data)
	if d.Limits.AttachmentBytes > 0 && w.bytes > d.Limits.AttachmentBytes {
		d.waiting = nil
		return Packet{}, false, errAttachmentBytes
	}
	if data == nil {
		data = []byte{}
	}
	w.packet.Attachments = append(w.packet.Attachments, data)
	if w.missing--; w.missing > 0 {
		return Packet{}, false, nil
	}
	d.waiting = nil
	return w.packet, true, nil
}

// parse reads a packet's text. It returns how many attachments are to follow.
func (d *Decoder) parse(data []byte) (p Packet, attachments int, err error) {
	if len(data) == 0 || data[0] < '0' || data[0] > '0'+byte(BinaryAck) {
		return p, 0, errType
	}
	p = Packet{Type: Type(data[0] - '0'), Namespace: "/", ID: NoID}
	rest := data[1:]

	if p.Type == BinaryEvent || p.Type == BinaryAck {
		p.Type -= BinaryEvent - Event
		var digits int
		var n int64
		if n, digits = number(rest); digits == 0 || digits == len(rest) || rest[digits] != '-' {
			return p, 0, errCount
		}
		if n > int64(d.Limits.attachments()) {
			return p, 0, errTooMany
		}
		attachments, rest = int(n), rest[digits+1:]
	}

	if len(rest) > 0 && rest[0] == '/' {
		end := 1
		for end < len(rest) && rest[end] != ',' {
			end++
		}
		if p.Namespace, err = d.intern(rest[:end]); err != nil {
			return p, 0, err
		}
		rest = rest[min(end+1, len(rest)):]
	}

	if id, digits := number(rest); digits > 0 {
		if id > maxID {
			return p, 0, errID
		}
		p.ID, rest = id, rest[digits:]
	}

	if len(rest) > 0 {
		p.Data = rest[:len(rest):len(rest)]
		if err = checkPayload(p.Type, p.Data, d.Limits.depth()); err != nil {
			return p, 0, err
		}
		if attachments > 0 {
			if _, err := placeholders(p.Data, attachments); err != nil {
				return p, 0, errPlaceholder
			}
		}
	}
	return p, attachments, nil
}

// intern returns name as a string, the one made before if it is the same.
func (d *Decoder) intern(name []byte) (string, error) {
	const kept = 64 // longer ones are not kept, or any client could pin a large string
	switch {
	case len(name) == 1:
		return "/", nil
	case string(name) == d.namespace:
		return d.namespace, nil
	case !utf8.Valid(name):
		return "", errNamespace
	}
	s := string(name)
	if len(s) <= kept {
		d.namespace = s
	}
	return s, nil
}

// number reads the decimal digits that b starts with. What exceeds maxID is returned as
// maxID+1.
func number(b []byte) (n int64, digits int) {
	for digits < len(b) && b[digits]-'0' <= 9 {
		n = min(n*10+int64(b[digits]-'0'), maxID+1)
		digits++
	}
	return n, digits
}

// checkPayload checks that data is one well-formed JSON value of the kind that a packet
// of type t carries.
func checkPayload(t Type, data []byte, depth int) error {
	start := skipSpace(data, 0)
	end := scanValue(data, start, depth)
	if end == tooDeep {
		return errDepth
	}
	if end < 0 || skipSpace(data, end) != len(data) {
		return errPayload
	}
	var ok bool
	switch first := data[start]; t {
	case Connect:
		ok = first == '{'
	case ConnectError:
		ok = first == '{' || first == '"'
	case Event:
		ok = first == '[' && nameAllowed(data[skipSpace(data, start+1):])
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
	name := b[1 : skipString(b, 0)-1]
	var short [longestReserved + utf8.UTFMax]byte // a reserved name may come in escapes
	n := unescapePrefix(short[:], name)
	return n > longestReserved || !IsReserved(string(short[:n]))
}

// DecodeError says why a message was refused. The connection that sent it is to be
// closed: what follows cannot be told apart from what was lost.
type DecodeError struct {
	Reason string // one of the Reason constants
}

// The reasons of a [DecodeError]. Where the reference implementation refuses the same
// thing, the words are its own, to be found in the same logs.
const (
	ReasonUnknownType     = "unknown packet type"
	ReasonCount           = "Illegal attachments" // how many there are cannot be read
	ReasonTooMany         = "too many attachments"
	ReasonAttachmentBytes = "attachments too large"
	ReasonPlaceholder     = "illegal attachments" // a placeholder stands for none of them
	ReasonNamespace       = "illegal namespace"
	ReasonID              = "illegal acknowledgement id"
	ReasonPayload         = "invalid payload"
	ReasonDepth           = "payload nested too deeply"
	ReasonPlaintext       = "got plaintext data when reconstructing a packet"
	ReasonBinary          = "got binary data when not reconstructing a packet"
)

func (e *DecodeError) Error() string { return "socket.io packet: " + e.Reason }

// Made once: refusing what a hostile client sends allocates nothing.
var (
	errType            = &DecodeError{ReasonUnknownType}
	errCount           = &DecodeError{ReasonCount}
	errTooMany         = &DecodeError{ReasonTooMany}
	errAttachmentBytes = &DecodeError{ReasonAttachmentBytes}
	errPlaceholder     = &DecodeError{ReasonPlaceholder}
	errNamespace       = &DecodeError{ReasonNamespace}
	errID              = &DecodeError{ReasonID}
	errPayload         = &DecodeError{ReasonPayload}
	errDepth           = &DecodeError{ReasonDepth}
	errPlaintext       = &DecodeError{ReasonPlaintext}
	errBinary          = &DecodeError{ReasonBinary}
)
