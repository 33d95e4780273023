package packet

import "github.com/kachi-io/kachi/internal/jsontext"

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

// MaxAttachments returns how many attachments a packet may have: Attachments, with its
// default filled in.
func (l *Limits) MaxAttachments() int {
	if l.Attachments == 0 {
		return defaultAttachments
	}
	return max(l.Attachments, 0)
}

// MaxDepth returns how deep a payload may nest: Depth, with its default filled in.
func (l *Limits) MaxDepth() int {
	if l.Depth <= 0 {
		return defaultDepth
	}
	return min(l.Depth, jsontext.MaxDepth)
}

// Decoder turns the messages of one connection into packets. Its zero value is ready. It
// is not safe for concurrent use: the goroutine that reads the connection owns it.
//
// After an error the connection is to be closed; the decoder has then forgotten the
// packet it was putting together.
type Decoder struct {
	Limits Limits

	waiting    *partial // the packet whose attachments are awaited
	namespaces Namespaces
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
		if n > int64(d.Limits.MaxAttachments()) {
			return p, 0, errTooMany
		}
		attachments, rest = int(n), rest[digits+1:]
	}

	if len(rest) > 0 && rest[0] == '/' {
		end := 1
		for end < len(rest) && rest[end] != ',' {
			end++
		}
		if p.Namespace, err = d.namespaces.Check(rest[:end]); err != nil {
			return p, 0, err
		}
		rest = rest[min(end+1, len(rest)):]
	}

	if id, digits := number(rest); digits > 0 {
		if id > MaxID {
			return p, 0, errID
		}
		p.ID, rest = id, rest[digits:]
	}

	if len(rest) > 0 {
		p.Data = rest[:len(rest):len(rest)]
		if err = checkPayload(p.Type, p.Data, d.Limits.MaxDepth()); err != nil {
			return p, 0, err
		}
		if attachments > 0 {
			if _, err := Placeholders(p.Data, attachments); err != nil {
				return p, 0, errPlaceholder
			}
		}
	}
	return p, attachments, nil
}

// number reads the decimal digits that b starts with. What exceeds MaxID is returned as
// MaxID+1.
func number(b []byte) (n int64, digits int) {
	for digits < len(b) && b[digits]-'0' <= 9 {
		n = min(n*10+int64(b[digits]-'0'), MaxID+1)
		digits++
	}
	return n, digits
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
	ReasonText            = "got plaintext data where packets are binary" // in another form than JSON
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
