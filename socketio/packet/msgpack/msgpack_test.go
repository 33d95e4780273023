package msgpack_test

import (
	"strings"
	"testing"

	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/socketio/packet"
	"github.com/kachi-io/kachi/socketio/packet/msgpack"
)

// packed is a packet's map of the pairs.
func packed(pairs ...string) string {
	return string([]byte{0x80 | byte(len(pairs))}) + strings.Join(pairs, "")
}

func pair(key, value string) string { return string([]byte{0xa0 | byte(len(key))}) + key + value }

var (
	isEvent = pair("type", "\x02")
	isAck   = pair("type", "\x03")
	inRoot  = pair("nsp", "\xa1/")
)

// withValue is an event's message with the value as its only argument.
func withValue(value string) string { return packed(isEvent, inRoot, pair("data", "\x92\xa1e"+value)) }

func read(message string, l packet.Limits) (packet.Packet, error) {
	r := msgpack.Encoding.NewReader(l)
	p, complete, err := r.Binary([]byte(message))
	if complete != (err == nil) || r.Waiting() {
		panic("a packet is one message")
	}
	return p, err
}

func TestReadsPackets(t *testing.T) {
	const none = packet.NoID
	undefined := "\xd4\x00\x00"
	for name, test := range map[string]struct {
		message string
		want    packet.Packet
	}{
		"connect":             {packed(pair("type", "\x00"), inRoot), packet.Packet{Namespace: "/", ID: none}},
		"connect of a client": {packed(pair("type", "\x00"), pair("data", undefined), inRoot), packet.Packet{Namespace: "/", ID: none}},
		"connect with auth":   {packed(pair("type", "\x00"), pair("data", "\x81\xa1k\xa1v"), pair("nsp", "\xa2/a")), packet.Packet{Namespace: "/a", ID: none, Data: []byte(`{"k":"v"}`)}},
		"disconnect":          {packed(inRoot, pair("type", "\x01")), packet.Packet{Type: packet.Disconnect, Namespace: "/", ID: none}},
		"event":               {packed(isEvent, inRoot, pair("data", "\x91\xa1e")), packet.Packet{Type: packet.Event, Namespace: "/", ID: none, Data: []byte(`["e"]`)}},
		"any order":           {packed(pair("data", "\x91\xa1e"), pair("id", "\x05"), inRoot, isEvent), packet.Packet{Type: packet.Event, Namespace: "/", ID: 5, Data: []byte(`["e"]`)}},
		"numeric name":        {packed(isEvent, inRoot, pair("data", "\x91\x07")), packet.Packet{Type: packet.Event, Namespace: "/", ID: none, Data: []byte(`[7]`)}},
		"id undefined":        {packed(isAck, inRoot, pair("id", undefined), pair("data", "\x90")), packet.Packet{Type: packet.Ack, Namespace: "/", ID: none, Data: []byte(`[]`)}},
		"id and type floats":  {packed(pair("type", "\xca\x40\x40\x00\x00"), inRoot, pair("id", "\xcb\x40\x45\x00\x00\x00\x00\x00\x00"), pair("data", "\x90")), packet.Packet{Type: packet.Ack, Namespace: "/", ID: 42, Data: []byte(`[]`)}},
		"largest id":          {packed(isAck, inRoot, pair("id", "\xcf\x00\x1f\xff\xff\xff\xff\xff\xff"), pair("data", "\x90")), packet.Packet{Type: packet.Ack, Namespace: "/", ID: packet.MaxID, Data: []byte(`[]`)}},
		"refusal":             {packed(pair("type", "\x04"), inRoot, pair("data", "\xa2no")), packet.Packet{Type: packet.ConnectError, Namespace: "/", ID: none, Data: []byte(`"no"`)}},
		"other keys":          {packed(isEvent, pair("options", "\x81\xa1x\x92\xc4\x01\x00\xd5\x05\x00\x00"), "\x07\xc0", "\xff\x90", inRoot, pair("data", "\x91\xa1e")), packet.Packet{Type: packet.Event, Namespace: "/", ID: none, Data: []byte(`["e"]`)}},
		"wide heads":          {"\xdf\x00\x00\x00\x03\xd9\x04type\xcc\x02\xda\x00\x03nsp\xdb\x00\x00\x00\x01/\xa4data\xdd\x00\x00\x00\x01\xa1e", packet.Packet{Type: packet.Event, Namespace: "/", ID: none, Data: []byte(`["e"]`)}},
		"placeholder alone":   {withValue("\x82\xac_placeholder\xc3\xa3num\x00"), packet.Packet{Type: packet.Event, Namespace: "/", ID: none, Data: []byte(`["e",{"_placeholder":true,"num":0}]`)}},
		"not quite one":       {packed(isEvent, inRoot, pair("data", "\x93\xa1e\x82\xac_placeholder\xc3\xac_placeholder\xc2\xc4\x00")), packet.Packet{Type: packet.Event, Namespace: "/", ID: none, Data: []byte(`["e",{"_placeholder":true,"_placeholder":false},{"_placeholder":true,"num":0}]`), Attachments: [][]byte{{}}}},
		"attachments of an ack": {packed(isAck, inRoot, pair("data", "\x92\xc4\x02ab\x81\xa1k\xc7\x01\x00c")), packet.Packet{Type: packet.Ack, Namespace: "/", ID: none,
			Data: []byte(`[{"_placeholder":true,"num":0},{"k":{"_placeholder":true,"num":1}}]`), Attachments: [][]byte{[]byte("ab"), []byte("c")}}},
	} {
		p, err := read(test.message, packet.Limits{})
		if assert.True(t, err == nil, "%s: %v", name, err) {
			assert.Equal(t, p, test.want, "%s", name)
		}
	}
}

func TestReadsValues(t *testing.T) {
	for value, want := range map[string]string{
		"\xc0": `null`, "\xc2": `false`, "\xc3": `true`,
		"\x00": `0`, "\x7f": `127`, "\xe0": `-32`, "\xff": `-1`, "\xcc\xff": `255`, "\xcd\x01\x00": `256`, "\xce\x00\x00\x00\x01": `1`,
		"\xcf\xff\xff\xff\xff\xff\xff\xff\xff": `18446744073709551615`, "\xcf\x00\x20\x00\x00\x00\x00\x00\x01": `9007199254740993`,
		"\xd0\x80": `-128`, "\xd0\x05": `5`, "\xd1\x80\x00": `-32768`, "\xd2\x80\x00\x00\x00": `-2147483648`, "\xd2\x00\x00\x00\x02": `2`,
		"\xd3\x80\x00\x00\x00\x00\x00\x00\x00": `-9223372036854775808`,
		"\xca\x3f\x80\x00\x00":                 `1`, "\xca\x3d\xcc\xcc\xcd": `0.10000000149011612`, "\xca\x7f\xc0\x00\x00": `null`,
		"\xcb\x3f\xb9\x99\x99\x99\x99\x99\x9a": `0.1`, "\xcb\x80\x00\x00\x00\x00\x00\x00\x00": `-0`, "\xcb\x44\x4b\x1a\xe4\xd6\xe2\xef\x50": `1e+21`,
		"\xcb\x7f\xf0\x00\x00\x00\x00\x00\x00": `null`, "\xcb\xff\xf0\x00\x00\x00\x00\x00\x00": `null`, "\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00": `null`,
		"\xa0": `""`, "\xa4\"\\\n\x01": `"\"\\\n\u0001"`, "\xd9\x06한글": `"한글"`, "\xa4😀": `"😀"`,
		"\x90": `[]`, "\x93\x01\x90\xa1a": `[1,[],"a"]`, "\xdc\x00\x01\xc0": `[null]`,
		"\x80": `{}`, "\x82\xa1a\x01\xa1b\x80": `{"a":1,"b":{}}`, "\xde\x00\x01\xa0\xc0": `{"":null}`,
		// keys that are integers, equal keys
		"\x83\x05\x01\xff\x02\xcf\xff\xff\xff\xff\xff\xff\xff\xff\x03": `{"5":1,"-1":2,"18446744073709551615":3}`,
		"\x82\xa1a\x01\xa1a\x02": `{"a":1,"a":2}`,
		// undefined
		"\xd4\x00\x00": `null`, "\x92\xd4\x00\x07\x01": `[null,1]`, "\x83\xa1a\xd4\x00\x00\xa1b\x01\xa1c\xd4\x00\x00": `{"b":1}`, "\x81\xa1a\xd4\x00\x00": `{}`,
		"\x82\xa1a\x01\xa1a\xd4\x00\x00": `{"a":1}`,
		// dates: in milliseconds, and the three forms of a timestamp
		"\xd7\x00\x00\x00\x00\x00\x00\x00\x00\x00": `"1970-01-01T00:00:00.000Z"`, "\xd7\x00\xff\xff\xff\xff\xff\xff\xff\xff": `"1969-12-31T23:59:59.999Z"`,
		"\xd7\x00\x00\x1e\xb2\x08\xc2\xdc\x00\x00": `"+275760-09-13T00:00:00.000Z"`, "\xd7\x00\x00\x1e\xb2\x08\xc2\xdc\x00\x01": `null`,
		"\xd7\x00\xff\xe1\x4d\xf7\x3d\x24\x00\x00": `"-271821-04-20T00:00:00.000Z"`, "\xd7\x00\x80\x00\x00\x00\x00\x00\x00\x00": `null`,
		"\xd6\xff\x00\x00\x00\x01": `"1970-01-01T00:00:01.000Z"`, "\xd6\xff\xff\xff\xff\xff": `"2106-02-07T06:28:15.000Z"`,
		"\xd7\xff\x00\x3d\x09\x00\x00\x00\x00\x01":                     `"1970-01-01T00:00:01.001Z"`,
		"\xc7\x0c\xff\x00\x0f\x42\x40\xff\xff\xff\xff\xff\xff\xff\xff": `"1969-12-31T23:59:59.001Z"`,
		"\xc7\x0c\xff\x00\x00\x00\x00\x7f\xff\xff\xff\xff\xff\xff\xff": `null`,
		// bytes
		"\xc4\x01x": `{"_placeholder":true,"num":0}`, "\xc5\x00\x01x": `{"_placeholder":true,"num":0}`, "\xc6\x00\x00\x00\x01x": `{"_placeholder":true,"num":0}`,
		"\xc7\x01\x00x": `{"_placeholder":true,"num":0}`, "\xc8\x00\x01\x00x": `{"_placeholder":true,"num":0}`, "\xc9\x00\x00\x00\x01\x00x": `{"_placeholder":true,"num":0}`,
	} {
		p, err := read(withValue(value), packet.Limits{})
		if !assert.True(t, err == nil, "%q: %v", value, err) {
			continue
		}
		assert.Equal(t, string(p.Data), `["e",`+want+`]`, "%q", value)
		if strings.Contains(want, "_placeholder") {
			assert.Equal(t, p.Attachments, [][]byte{[]byte("x")}, "%q", value)
		}
	}
}

func TestRefuses(t *testing.T) {
	bins := func(n int) string {
		return packed(isAck, inRoot, pair("data", string([]byte{0xdc, 0, byte(n)})+strings.Repeat("\xc4\x00", n)))
	}
	for reason, messages := range map[string][]string{
		packet.ReasonUnknownType: {
			packed(), packed(inRoot), packed(pair("type", "\x05"), inRoot), packed(pair("type", "\xff"), inRoot), packed(pair("type", "\xc0"), inRoot),
			packed(pair("type", "\xa11"), inRoot), packed(pair("type", "\xd4\x00\x00"), inRoot), packed(pair("type", "\xca\x3f\x00\x00\x00"), inRoot),
			packed(pair("type", "\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00"), inRoot), packed(pair("type", "\x00"), pair("type", "\x00"), inRoot),
			packed(pair("type", "\xcf\xff\xff\xff\xff\xff\xff\xff\xff"), inRoot), packed(pair("type", "")),
		},
		packet.ReasonNamespace: {
			packed(pair("type", "\x00")), packed(pair("type", "\x00"), pair("nsp", "\xa0")), packed(pair("type", "\x00"), pair("nsp", "\xa1a")),
			packed(pair("type", "\x00"), pair("nsp", "\xa4/a,b")), packed(pair("type", "\x00"), pair("nsp", "\xa2/\xff")), packed(pair("type", "\x00"), pair("nsp", "\x01")),
			packed(pair("type", "\x00"), pair("nsp", "\xc4\x01/")), packed(pair("type", "\x00"), pair("nsp", "\xd4\x00\x00")), packed(pair("type", "\x00"), inRoot, inRoot),
		},
		packet.ReasonID: {
			packed(isAck, inRoot, pair("id", "\xff"), pair("data", "\x90")), packed(isAck, inRoot, pair("id", "\xc0"), pair("data", "\x90")),
			packed(isAck, inRoot, pair("id", "\xa11"), pair("data", "\x90")), packed(isAck, inRoot, pair("id", "\xcf\x00\x20\x00\x00\x00\x00\x00\x00"), pair("data", "\x90")),
			packed(isAck, inRoot, pair("id", "\xca\x3f\x00\x00\x00"), pair("data", "\x90")), packed(isAck, inRoot, pair("id", "\x01"), pair("id", "\x01"), pair("data", "\x90")),
		},
		packet.ReasonPayload: {
			"", "\x00", "\x90", "\xc0", "\xa1/", "\xc1", packed(pair("type", "\x00"), inRoot) + "\x00", "\x83" + pair("type", "\x00") + inRoot, "\x82" + pair("type", "\x00"),
			"\x81", "\x81\xc0\xc0", "\x81\x90\xc0", "\x81\xcb\x3f\xf0\x00\x00\x00\x00\x00\x00\xc0", "\x82\xa1x", "\x81\xa1x\xc1", "\x81\x01", "\x81\xa9",
			// the wrong kind
			packed(pair("type", "\x00"), inRoot, pair("data", "\xc0")), packed(pair("type", "\x00"), inRoot, pair("data", "\x90")), packed(pair("type", "\x00"), inRoot, pair("data", "\xa1x")),
			packed(pair("type", "\x00"), inRoot, pair("data", "\xc4\x01x")), packed(pair("type", "\x00"), inRoot, pair("data", "\x81\xa1k\xc4\x01x")),
			packed(pair("type", "\x01"), inRoot, pair("data", "\xc0")), packed(pair("type", "\x01"), inRoot, pair("data", "\x80")),
			packed(isEvent, inRoot), packed(isEvent, inRoot, pair("data", "\xd4\x00\x00")), packed(isEvent, inRoot, pair("data", "\x80")), packed(isEvent, inRoot, pair("data", "\x90")),
			packed(isEvent, inRoot, pair("data", "\x91\xc0")), packed(isEvent, inRoot, pair("data", "\x91\xd4\x00\x00")), packed(isEvent, inRoot, pair("data", "\x91\xc4\x01x")),
			packed(isEvent, inRoot, pair("data", "\x91\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00")), packed(isEvent, inRoot, pair("data", "\xc4\x01x")),
			packed(isAck, inRoot), packed(isAck, inRoot, pair("data", "\x80")), packed(pair("type", "\x04"), inRoot), packed(pair("type", "\x04"), inRoot, pair("data", "\x90")),
			packed(pair("type", "\x04"), inRoot, pair("data", "\xc4\x01x")), packed(pair("type", "\x04"), inRoot, pair("data", "\x81\xa1k\xc4\x01x")),
			packed(isEvent, inRoot, pair("data", "\x91\xa1e"), pair("data", "\x91\xa1e")),
			// reserved names
			packed(isEvent, inRoot, pair("data", "\x91\xa7connect")), packed(isEvent, inRoot, pair("data", "\x91\xaadisconnect")), packed(isEvent, inRoot, pair("data", "\x91\xabnewListener")),
			// lengths that lie
			withValue("\xdd\xff\xff\xff\xff"), withValue("\xdf\xff\xff\xff\xff"), withValue("\xdb\xff\xff\xff\xff"), withValue("\xc6\xff\xff\xff\xff"), withValue("\xc9\xff\xff\xff\xff\x00"),
			withValue("\xdf\x80\x00\x00\x01"), withValue("\x92\x01"), withValue("\x81\xa1a"), withValue("\xd7\x00\x00"), withValue("\xd8"), withValue("\xc7\x05"), withValue("\xcb\x00"), withValue(""),
			"\xdf\xff\xff\xff\xff" + isEvent,
			// text that is not UTF-8, keys that are no names, extensions of others
			withValue("\xa1\xff"), withValue("\xa3\xed\xa0\x80"), withValue("\x81\xa1\xff\xc0"), withValue("\x81\xc0\xc0"), withValue("\x81\xc4\x01a\xc0"), withValue("\x81\x90\xc0"),
			withValue("\x81\xca\x3f\x80\x00\x00\xc0"), withValue("\xc1"), withValue("\xd4\x01\x00"), withValue("\xd5\x00\x00\x00"), withValue("\xd6\x00\x00\x00\x00\x00"),
			withValue("\xd8\x00" + strings.Repeat("x", 16)), withValue("\xc7\x01\x01x"), withValue("\xc7\x03\xffxxx"), withValue("\xd6\x01\x00\x00\x00\x00"),
		},
		packet.ReasonDepth: {
			withValue(strings.Repeat("\x91", 128) + "\xc0"), withValue(strings.Repeat("\x81\xa1k", 128) + "\xc0"), withValue(strings.Repeat("\x91", 127) + "\xc4\x00"),
			withValue(strings.Repeat("\x91", 100_000)),
		},
		packet.ReasonTooMany: {bins(11), bins(200)},
		packet.ReasonPlaceholder: {
			packed(isEvent, inRoot, pair("data", "\x93\xa1e\x82\xac_placeholder\xc3\xa3num\x00\xc4\x00")),
			packed(isEvent, inRoot, pair("data", "\x93\xa1e\xc4\x00\x81\xac_placeholder\xc3")),
			packed(isEvent, inRoot, pair("data", "\x93\xa1e\xc4\x00\x91\x81\xa1k\x82\xac_placeholder\xc2\xac_placeholder\xc3")),
		},
	} {
		for _, message := range messages {
			p, err := read(message, packet.Limits{})
			if assert.True(t, err != nil, "%.80q: want %q, got %+v", message, reason, p) {
				assert.Equal(t, assert.ErrorAs[*packet.DecodeError](t, err).Reason, reason, "%.80q", message)
			}
		}
	}
	_, complete, err := msgpack.Encoding.NewReader(packet.Limits{}).Text([]byte(`2["a"]`))
	assert.Equal(t, assert.ErrorAs[*packet.DecodeError](t, err).Reason, packet.ReasonText)
	assert.True(t, !complete)
}

func TestLimits(t *testing.T) {
	two := packed(isAck, inRoot, pair("data", "\x92\xc4\x03abc\xc4\x02de"))
	for _, test := range []struct {
		message string
		limits  packet.Limits
		reason  string
	}{
		{two, packet.Limits{Attachments: 2, AttachmentBytes: 5, Depth: 2}, ""},
		{two, packet.Limits{Attachments: 1}, packet.ReasonTooMany},
		{two, packet.Limits{Attachments: -1}, packet.ReasonTooMany},
		{two, packet.Limits{AttachmentBytes: 4}, packet.ReasonAttachmentBytes},
		{two, packet.Limits{Depth: 1}, packet.ReasonDepth},
		{withValue("\x91\x90"), packet.Limits{Depth: 3}, ""},
		{withValue("\x91\x90"), packet.Limits{Depth: 2}, packet.ReasonDepth},
		{withValue(strings.Repeat("\x91", 1023) + "\xc0"), packet.Limits{Depth: 5000}, ""},
		{withValue(strings.Repeat("\x91", 1024) + "\xc0"), packet.Limits{Depth: 5000}, packet.ReasonDepth},
	} {
		_, err := read(test.message, test.limits)
		if test.reason == "" {
			assert.NoError(t, err)
			continue
		}
		if assert.True(t, err != nil, "%.60q with %+v", test.message, test.limits) {
			assert.Equal(t, assert.ErrorAs[*packet.DecodeError](t, err).Reason, test.reason, "%.60q with %+v", test.message, test.limits)
		}
	}
}

// Attachments are where the message has them, and cannot grow over what follows.
func TestAliases(t *testing.T) {
	message := []byte(packed(isAck, inRoot, pair("data", "\x91\xc4\x03abc")))
	p, _, err := msgpack.Encoding.NewReader(packet.Limits{}).Binary(message)
	assert.NoError(t, err)
	assert.Equal(t, cap(p.Attachments[0]), 3)
	message[len(message)-1] = 'x'
	assert.Equal(t, string(p.Attachments[0]), "abx")
}
