package msgpack

import (
	"bytes"
	"math"
	"strconv"
	"sync"

	"github.com/kachi-io/kachi/internal/jsontext"
	"github.com/kachi-io/kachi/socketio/packet"
)

// Made once: refusing what a hostile client sends allocates nothing.
var (
	errType            = &packet.DecodeError{Reason: packet.ReasonUnknownType}
	errNamespace       = &packet.DecodeError{Reason: packet.ReasonNamespace}
	errID              = &packet.DecodeError{Reason: packet.ReasonID}
	errPayload         = &packet.DecodeError{Reason: packet.ReasonPayload}
	errDepth           = &packet.DecodeError{Reason: packet.ReasonDepth}
	errTooMany         = &packet.DecodeError{Reason: packet.ReasonTooMany}
	errAttachmentBytes = &packet.DecodeError{Reason: packet.ReasonAttachmentBytes}
	errPlaceholder     = &packet.DecodeError{Reason: packet.ReasonPlaceholder}
	errText            = &packet.DecodeError{Reason: packet.ReasonText}
)

// reader reads the packets of one connection.
type reader struct {
	limits     packet.Limits
	namespaces packet.Namespaces
}

func (*reader) Waiting() bool { return false }

func (*reader) Text([]byte) (p packet.Packet, complete bool, err error) {
	return packet.Packet{}, false, errText
}

func (r *reader) Binary(data []byte) (p packet.Packet, complete bool, err error) {
	if p, err = r.read(data); err != nil {
		return packet.Packet{}, false, err
	}
	return p, true, nil
}

// The keys of a packet's map.
const (
	typeKey      = "type"
	namespaceKey = "nsp"
	dataKey      = "data"
	idKey        = "id"
)

func (r *reader) read(message []byte) (p packet.Packet, err error) {
	t := transcoders.Get().(*transcoder)
	defer t.release()
	t.b, t.limits = message, &r.limits
	form, pairs := t.next()
	if form != object {
		return p, errPayload
	}
	p.ID = packet.NoID
	typed, given, named := false, false, false // which keys were there
	for range pairs {
		k, n := t.next()
		switch k {
		case text:
		case unsigned, signed:
			if !t.skip() { // what is called by a number is nothing we know
				return p, errPayload
			}
			continue
		default:
			return p, errPayload
		}
		switch string(t.take(n)) {
		case typeKey:
			value, ok := t.integer()
			if typed || !ok || value < 0 || value > int64(packet.ConnectError) {
				return p, errType
			}
			typed, p.Type = true, packet.Type(value)
		case namespaceKey:
			k, n := t.next()
			if named || k != text {
				return p, errNamespace
			}
			if p.Namespace, err = r.namespaces.Check(t.take(n)); err != nil {
				return p, err
			}
			named = true
		case idKey:
			if t.undefined() {
				continue
			}
			value, ok := t.integer()
			if p.ID != packet.NoID || !ok || value < 0 || value > packet.MaxID {
				return p, errID
			}
			p.ID = value
		case dataKey:
			if t.undefined() {
				continue
			}
			if given {
				return p, errPayload
			}
			if err = t.value(0); err != nil {
				return p, err
			}
			given = true
		default:
			if !t.skip() {
				return p, errPayload
			}
		}
	}
	switch {
	case t.at != len(message):
		return p, errPayload
	case !typed:
		return p, errType
	case !named:
		return p, errNamespace
	}
	if given {
		p.Data = bytes.Clone(t.out)
	}
	p.Attachments = t.attachments
	return p, t.check(&p)
}

// integer reads a number that is an integer for JavaScript.
func (in *input) integer() (value int64, ok bool) {
	switch k, n := in.next(); k {
	case unsigned:
		return int64(n), n <= math.MaxInt64
	case signed:
		return int64(n), true
	case float:
		f := math.Float64frombits(n)
		return int64(f), f == math.Trunc(f) && math.Abs(f) <= packet.MaxID
	}
	return 0, false
}

// transcoder turns a value into JSON. It goes into arrays and maps by calling itself, as
// deep as the limit allows. The JSON is copied when its length is known, which a message's
// does not tell: most of that may be attachments.
type transcoder struct {
	input
	limits      *packet.Limits
	out         []byte
	attachments [][]byte
	bytes       int  // of attachments
	lookalike   bool // an object of the sender looks like a placeholder
}

// maxKept is how large a buffer is kept for the next message: one of the default size.
const maxKept = 1 << 20

var transcoders = sync.Pool{New: func() any { return new(transcoder) }}

func (t *transcoder) release() {
	out := t.out[:0]
	if cap(out) > maxKept {
		out = nil
	}
	*t = transcoder{out: out}
	transcoders.Put(t)
}

// check does what is left when the whole packet is known.
func (t *transcoder) check(p *packet.Packet) error {
	if p.Data == nil {
		if p.Type == packet.Connect || p.Type == packet.Disconnect {
			return nil
		}
		return errPayload
	}
	if len(p.Attachments) > 0 {
		if p.Type != packet.Event && p.Type != packet.Ack {
			return errPayload
		}
		if t.lookalike {
			return errPlaceholder
		}
	}
	return packet.CheckKind(p.Type, p.Data)
}

// value reads one value, of which level arrays and maps are open.
func (t *transcoder) value(level int) error {
	switch k, n := t.next(); k {
	case null:
		t.out = append(t.out, "null"...)
	case boolean:
		t.out = strconv.AppendBool(t.out, n == 1)
	case unsigned:
		t.out = strconv.AppendUint(t.out, n, 10)
	case signed:
		t.out = strconv.AppendInt(t.out, int64(n), 10)
	case float:
		t.float(math.Float64frombits(n))
	case text:
		var ok bool
		if t.out, ok = jsontext.AppendText(t.out, t.take(n)); !ok {
			return errPayload
		}
	case binaries:
		return t.attach(n, level)
	case array:
		return t.array(n, level)
	case object:
		return t.object(n, level)
	case fixed, extended:
		return t.extension(k, n, level)
	default:
		return errPayload
	}
	return nil
}

func (t *transcoder) float(f float64) {
	if f-f != 0 { // NaN or infinite
		t.out = append(t.out, "null"...)
		return
	}
	t.out = jsontext.AppendFloat(t.out, f)
}

func (t *transcoder) array(n uint64, level int) error {
	if level >= t.limits.MaxDepth() {
		return errDepth
	}
	t.out = append(t.out, '[')
	for i := range n {
		if i > 0 {
			t.out = append(t.out, ',')
		}
		if err := t.value(level + 1); err != nil {
			return err
		}
	}
	t.out = append(t.out, ']')
	return nil
}

func (t *transcoder) object(n uint64, level int) error {
	if level >= t.limits.MaxDepth() {
		return errDepth
	}
	t.out = append(t.out, '{')
	first, marked := len(t.out), false
	for range n {
		start := len(t.out)
		if start > first {
			t.out = append(t.out, ',')
		}
		marker, err := t.key()
		if err != nil {
			return err
		}
		if t.undefined() {
			t.out = t.out[:start]
			continue
		}
		if marker {
			marked = t.at < len(t.b) && t.b[t.at] == codeTrue
		}
		if err := t.value(level + 1); err != nil {
			return err
		}
	}
	t.out = append(t.out, '}')
	t.lookalike = t.lookalike || marked
	return nil
}

// key reads a key. marker tells whether it is the one that placeholders are known by.
func (t *transcoder) key() (marker bool, err error) {
	switch k, n := t.next(); k {
	case text:
		name, ok := t.take(n), false
		if t.out, ok = jsontext.AppendText(t.out, name); !ok {
			return false, errPayload
		}
		marker = string(name) == "_placeholder"
	case unsigned:
		t.out = append(strconv.AppendUint(append(t.out, '"'), n, 10), '"')
	case signed:
		t.out = append(strconv.AppendInt(append(t.out, '"'), int64(n), 10), '"')
	default:
		return false, errPayload
	}
	t.out = append(t.out, ':')
	return marker, nil
}

// attach takes the n bytes that follow as an attachment. Its placeholder is an object, and
// counts as one.
func (t *transcoder) attach(n uint64, level int) error {
	if level >= t.limits.MaxDepth() {
		return errDepth
	}
	if len(t.attachments) >= t.limits.MaxAttachments() {
		return errTooMany
	}
	t.bytes += int(n)
	if t.limits.AttachmentBytes > 0 && t.bytes > t.limits.AttachmentBytes {
		return errAttachmentBytes
	}
	t.out = append(t.out, `{"_placeholder":true,"num":`...)
	t.out = strconv.AppendInt(t.out, int64(len(t.attachments)), 10)
	t.out = append(t.out, '}')
	t.attachments = append(t.attachments, t.take(n))
	return nil
}

// extension reads an extension of n bytes. Those of type 0 are notepack.io's own: the way
// in which the length is stated tells which.
func (t *transcoder) extension(k kind, n uint64, level int) error {
	switch {
	case k == fixed && t.ext == 0 && n == 1: // undefined
		t.take(n)
		t.out = append(t.out, "null"...)
		return nil
	case k == extended && t.ext == 0: // an ArrayBuffer
		return t.attach(n, level)
	}
	ms, ok := milliseconds(t.ext, k, t.take(n))
	if !ok {
		return errPayload
	}
	t.out = appendDate(t.out, ms)
	return nil
}
