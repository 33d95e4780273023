package packet

// Encoding is a form in which packets travel: [JSON], or one of another package. Whatever
// the form, a [Packet] holds raw JSON and attachments: handlers do not know how it came,
// and what is broadcast reaches clients of every form.
//
// An Encoding is stateless and safe for concurrent use.
type Encoding interface {
	// Name names the form in logs and errors, "json" say.
	Name() string
	// Append encodes p, whose Data and Attachments must agree. The text message, if the
	// form begins with one, is appended to dst; binary are the messages that follow it.
	// text is nil where the packet is binary messages alone, and dst has not been touched.
	//
	// An error means that the form cannot hold the packet. Errors are the sender's to see.
	Append(dst []byte, p *Packet) (text []byte, binary [][]byte, err error)
	// NewReader returns the reader of one connection.
	NewReader(l Limits) Reader
}

// Reader turns the messages of one connection into packets. The goroutine that reads the
// connection owns it.
//
// complete tells whether p is a packet; if not, and err is nil, more messages must follow.
// Whatever the form, a packet has been checked as a [Decoder] does. Errors are of type
// *[DecodeError]; after one the connection is to be closed.
type Reader interface {
	// Text takes a text message. The packet may alias data.
	Text(data []byte) (p Packet, complete bool, err error)
	// Binary takes a binary message. The packet may alias data.
	Binary(data []byte) (p Packet, complete bool, err error)
	// Waiting tells whether a packet waits for more messages.
	Waiting() bool
}

// JSON is the protocol's default form: text with JSON, and one binary message for each
// attachment. See [Append] and [Decoder].
var JSON Encoding = jsonEncoding{}

type jsonEncoding struct{}

func (jsonEncoding) Name() string { return "json" }

func (jsonEncoding) Append(dst []byte, p *Packet) (text []byte, binary [][]byte, err error) {
	return Append(dst, p), p.Attachments, nil
}

func (jsonEncoding) NewReader(l Limits) Reader { return &Decoder{Limits: l} }
