package msgpack_test

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/socketio/packet"
	"github.com/kachi-io/kachi/socketio/packet/msgpack"
)

// FuzzRead feeds messages to a reader. What is accepted must be what the JSON form accepts
// as the same packet, take no more memory than its message warrants, and come back after
// encoding.
func FuzzRead(f *testing.F) {
	for _, message := range []string{
		packed(pair("type", "\x00"), inRoot, pair("data", "\xd4\x00\x00")), packed(pair("type", "\x01"), pair("nsp", "\xa5/chat")),
		packed(isAck, inRoot, pair("id", "\xcd\x01\x00"), pair("data", "\x93\xc4\x01x\xc7\x02\x00yz\xa0")), packed(pair("type", "\x04"), inRoot, pair("data", "\xa2no")),
		packed(isEvent, inRoot, pair("options", "\x81\xa1a\xc3"), pair("data", "\x92\xa1e\x82\xac_placeholder\xc3\xa3num\x00")),
		withValue("\xd7\x00\x00\x00\x01\x89\x4e\x1a\x2b\x3c"), withValue("\xd6\xff\x00\x00\x00\x01"), withValue("\xc7\x0c\xff" + strings.Repeat("\xff", 12)),
		withValue("\x83\x05\x01\xff\xd4\x00\x00\xa1k\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00"), withValue("\xdd\xff\xff\xff\xff"), withValue(strings.Repeat("\x91", 127) + "\xc4\x00"),
		withValue("\xdc\x00\x12" + strings.Repeat("\x81\xa1k\xca\x3d\xcc\xcc\xcd", 18)), withValue("\xd9\x0a한\"\\\n😀"), withValue("\xcf\xff\xff\xff\xff\xff\xff\xff\xff"),
	} {
		f.Add([]byte(message))
	}
	f.Fuzz(func(t *testing.T, message []byte) {
		r := msgpack.Encoding.NewReader(packet.Limits{})
		p, complete, err := r.Binary(message)
		assert.True(t, !r.Waiting() && complete == (err == nil))
		if err != nil {
			assert.ErrorAs[*packet.DecodeError](t, err)
			return
		}
		assert.True(t, p.Data == nil || json.Valid(p.Data) && utf8.Valid(p.Data), "%q", p.Data)
		// A control character takes six bytes in JSON, a placeholder thirty.
		assert.True(t, len(p.Data) <= 6*len(message)+32*len(p.Attachments), "%d bytes of %d", len(p.Data), len(message))

		again, _, err := r.Binary(written(t, &p))
		assert.NoError(t, err, "%q", p.Data)
		assert.True(t, reflect.DeepEqual(again, p), "%+v came back as %+v", p, again)

		text, binary, err := packet.JSON.Append(nil, &p)
		assert.NoError(t, err)
		var d packet.Decoder
		decoded, complete, err := d.Text(text)
		for _, b := range binary {
			assert.NoError(t, err)
			decoded, complete, err = d.Binary(b)
		}
		assert.True(t, complete && err == nil, "%s: %v", text, err)
		assert.True(t, reflect.DeepEqual(decoded, p), "as JSON, %+v came back as %+v", p, decoded)
	})
}

// FuzzAppend encodes what nobody has checked. What is written must be read as what it was,
// and what a Decoder has checked must be written, but for what only the JSON form holds.
func FuzzAppend(f *testing.F) {
	for _, data := range []string{
		``, `{"sid":"a"}`, `"no"`, `["e"]`, `[7,1.0,-0,1e999,18446744073709551615,-5,0.1]`, `["e",{"_placeholder":true,"num":0},{"num":1,"_pl\u0061ceholder":true}]`,
		`["e",{"_placeholder":true,"num":0,"_placeholder":false},[[[]]],{"":{"a":1,"a":2}}]`, `["e","\ud83d\ude00\ud800\u0000\"\\ 한"]`, "[ \"e\" ,\n{ \"a\" : [ ] } ] ",
		`["e",[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]]]`, `["e",{"_placeholder":true,"num":7}]`, `["disc\u006fnnect"]`, `["e"`, `["\`, "[\"\xff\"]",
		`["e",{"_placeholder":true,"num":0,"in":{"_placeholder":true,"num":1}}]`,
	} {
		for kind := range byte(5) {
			f.Add(kind, int64(kind)-1, []byte(data), []byte("bytes"))
		}
	}
	f.Fuzz(func(t *testing.T, kind byte, id int64, data, attachment []byte) {
		p := packet.Packet{Type: packet.Type(kind), Namespace: "/", ID: min(max(id, packet.NoID), packet.MaxID), Data: data}
		if len(data) == 0 {
			p.Data = nil
		}
		if p.Type == packet.Event || p.Type == packet.Ack {
			p.Attachments = [][]byte{attachment, {}}[:id&1+1]
			if id&2 != 0 {
				p.Attachments = nil
			}
		}
		before := bytes.Clone(data)
		_, binary, err := msgpack.Encoding.Append(nil, &p)
		assert.True(t, bytes.Equal(data, before), "data is only read")
		if err != nil {
			assert.True(t, !decodes(&p) || strings.Contains(err.Error(), "no data") || strings.Contains(err.Error(), "two placeholders"), "%s: %v", data, err)
			return
		}
		r := msgpack.Encoding.NewReader(packet.Limits{Depth: 1024})
		back, _, err := r.Binary(binary[0])
		assert.NoError(t, err, "%s gave %q", data, binary[0])
		if p.Type > packet.ConnectError {
			p.Type -= packet.BinaryEvent - packet.Event
		}
		if want, ok := meaning(t, &p); ok {
			got, _ := meaning(t, &back)
			assert.True(t, got == want, "%s came back as %s", data, back.Data)
		}
	})
}

// decodes tells whether a Decoder accepts p in the JSON form, where what is no payload may
// be taken for something else.
func decodes(p *packet.Packet) bool {
	text, binary, _ := packet.JSON.Append(nil, p)
	d := packet.Decoder{Limits: packet.Limits{Depth: 1024}}
	got, _, err := d.Text(text)
	for _, b := range binary {
		if err == nil {
			got, _, err = d.Binary(b)
		}
	}
	return err == nil && bytes.Equal(got.Data, p.Data)
}
