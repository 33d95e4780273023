package msgpack_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/socketio/packet"
	"github.com/kachi-io/kachi/socketio/packet/msgpack"
)

// written is p as a message.
func written(t testing.TB, p *packet.Packet) []byte {
	t.Helper()
	text, binary, err := msgpack.Encoding.Append([]byte("untouched"), p)
	assert.NoError(t, err, "%.200s", p.Data)
	assert.True(t, text == nil && len(binary) == 1, "one binary message, no text")
	return binary[0]
}

func TestAppendsPackets(t *testing.T) {
	for want, p := range map[string]packet.Packet{
		packed(pair("type", "\x00"), inRoot):                                                            {Type: packet.Connect, ID: packet.NoID},
		packed(pair("type", "\x00"), pair("nsp", "\xa2/a"), pair("data", "\x81\xa1k\xa1v")):             {Type: packet.Connect, Namespace: "/a", ID: packet.NoID, Data: []byte(` {"k" : "v"} `)},
		packed(pair("type", "\x01"), inRoot):                                                            {Type: packet.Disconnect, Namespace: "/", ID: packet.NoID},
		packed(isEvent, inRoot, pair("id", "\x00"), pair("data", "\x91\xa1e")):                          {Type: packet.Event, Data: []byte(`["e"]`)},
		packed(isAck, inRoot, pair("id", "\xcf\x00\x1f\xff\xff\xff\xff\xff\xff"), pair("data", "\x90")): {Type: packet.BinaryAck, ID: packet.MaxID, Data: []byte(`[]`)},
		packed(pair("type", "\x04"), inRoot, pair("data", "\xa2no")):                                    {Type: packet.ConnectError, ID: packet.NoID, Data: []byte(`"no"`)},
		packed(isEvent, inRoot, pair("data", "\x94\xa1e\xc4\x01b\x81\xa1k\xc4\x01a\xc0")): {
			Type: packet.BinaryEvent, ID: packet.NoID, Attachments: [][]byte{[]byte("a"), []byte("b"), []byte("nowhere")},
			Data: []byte(`["e",{"num":1,"_placeholder":true},{"k":{"_pl\u0061ceholder":true,"num":0,"x":[]}},null]`),
		},
		packed(isEvent, inRoot, pair("data", "\x92\xa1e\x82\xac_placeholder\xc3\xa3num\x00")): {
			Type: packet.Event, ID: packet.NoID, Data: []byte(`["e",{"_placeholder":true,"num":0}]`),
		},
	} {
		assert.Equal(t, string(written(t, &p)), want, "%s", p.Data)
	}
	long := packet.Packet{Type: packet.Connect, ID: packet.NoID, Namespace: "/" + strings.Repeat("n", 300)}
	assert.Equal(t, string(written(t, &long)), packed(pair("type", "\x00"), pair("nsp", "\xda\x01\x2d"+long.Namespace)))
}

func TestAppendsValues(t *testing.T) {
	for value, want := range map[string]string{
		`null`: "\xc0", `true`: "\xc3", `false`: "\xc2",
		`0`: "\x00", `127`: "\x7f", `128`: "\xcc\x80", `256`: "\xcd\x01\x00", `65536`: "\xce\x00\x01\x00\x00", `4294967296`: "\xcf\x00\x00\x00\x01\x00\x00\x00\x00",
		`-1`: "\xff", `-32`: "\xe0", `-33`: "\xd0\xdf", `-129`: "\xd1\xff\x7f", `-32769`: "\xd2\xff\xff\x7f\xff", `-2147483649`: "\xd3\xff\xff\xff\xff\x7f\xff\xff\xff",
		`18446744073709551615`: "\xcf\xff\xff\xff\xff\xff\xff\xff\xff", `-9223372036854775808`: "\xd3\x80\x00\x00\x00\x00\x00\x00\x00",
		`9007199254740993`:     "\xcf\x00\x20\x00\x00\x00\x00\x00\x01",
		`18446744073709551616`: "\xcb\x43\xf0\x00\x00\x00\x00\x00\x00", `99999999999999999999`: "\xcb\x44\x15\xaf\x1d\x78\xb5\x8c\x40", `-9223372036854775809`: "\xcb\xc3\xe0\x00\x00\x00\x00\x00\x00",
		`1.0`: "\x01", `1e2`: "\x64", `-2.50e1`: "\xe7", `1.5`: "\xcb\x3f\xf8\x00\x00\x00\x00\x00\x00", `1e16`: "\xcb\x43\x41\xc3\x79\x37\xe0\x80\x00",
		`-0`: "\xcb\x80\x00\x00\x00\x00\x00\x00\x00", `-0.0`: "\xcb\x80\x00\x00\x00\x00\x00\x00\x00", `0.0`: "\x00", `0e9`: "\x00",
		`1e999`: "\xcb\x7f\xf0\x00\x00\x00\x00\x00\x00", `-1e999`: "\xcb\xff\xf0\x00\x00\x00\x00\x00\x00", `1e-999`: "\x00",
		`""`: "\xa0", `"a"`: "\xa1a", `"한"`: "\xa3한", `"\u00e9"`: "\xa2é", `"\ud83d\ude00"`: "\xa4😀", `"\"\\\/\b\f\n\r\t\u0000"`: "\xa9\"\\/\b\f\n\r\t\x00",
		// half a pair
		`"\ud800"`: "\xa3\ufffd", `"a\udc00b"`: "\xa5a\ufffdb", `"\ud83d\ud83d\ude00"`: "\xa7\ufffd😀",
		// a head that escapes make shorter
		`"` + strings.Repeat("x", 26) + `\u0041"`: "\xbb" + strings.Repeat("x", 26) + "A", `"` + strings.Repeat("x", 250) + `\n\n\n"`: "\xd9\xfd" + strings.Repeat("x", 250) + "\n\n\n",
		`"` + strings.Repeat("\\u0041", 50) + `"`: "\xd9\x32" + strings.Repeat("A", 50),
		`"` + strings.Repeat("y", 256) + `"`:      "\xda\x01\x00" + strings.Repeat("y", 256), `"` + strings.Repeat("y", 65536) + `"`: "\xdb\x00\x01\x00\x00" + strings.Repeat("y", 65536),
		`[ ]`: "\x90", `{ }`: "\x80", "[1\t,\n[\r]]": "\x92\x01\x90", `{"a":1,"a":2}`: "\x82\xa1a\x01\xa1a\x02", `{"\n":{}}`: "\x81\xa1\n\x80",
		`[1` + strings.Repeat(",1", 14) + `]`: "\x9f" + strings.Repeat("\x01", 15), `[1` + strings.Repeat(",1", 15) + `]`: "\xdc\x00\x10" + strings.Repeat("\x01", 16),
		`[1` + strings.Repeat(",1", 65535) + `]`: "\xdd\x00\x01\x00\x00" + strings.Repeat("\x01", 65536), `[1` + strings.Repeat(",1", 65534) + `]`: "\xdc\xff\xff" + strings.Repeat("\x01", 65535),
		`{"k":1` + strings.Repeat(`,"k":1`, 15) + `}`: "\xde\x00\x10" + strings.Repeat("\xa1k\x01", 16),
	} {
		p := packet.Packet{Type: packet.Event, ID: packet.NoID, Data: []byte(`["e",` + value + `]`)}
		assert.True(t, string(written(t, &p)) == withValue(want), "%.80s: %.200q", value, written(t, &p))
	}
}

// Heads that need more than one byte are made room for at the end: within each other,
// side by side, at the end and in front of small ones.
func TestWideHeads(t *testing.T) {
	ones := func(n int) (json, packed string) {
		return strings.Repeat("1,", n-1) + "1", strings.Repeat("\x01", n)
	}
	json, want := "[]", "\x90"
	for depth := range 300 {
		before, beforePacked := ones(8 + depth%9)
		after, afterPacked := ones(8)
		n := 8 + depth%9 + 1 + 8 + 1
		json = fmt.Sprintf("[%s,%s,%s,{}]", before, json, after)
		want = fmt.Sprintf("\xdc%c%c%s%s%s\x80", 0, n, beforePacked, want, afterPacked)
	}
	side, sidePacked := ones(70_000)
	json = fmt.Sprintf("[[%s],%s,{%s},[%[1]s]]", side, json, strings.TrimSuffix(strings.Repeat(`"k":[],`, 20), ","))
	sidePacked = "\xdd\x00\x01\x11\x70" + sidePacked
	want = "\x94" + sidePacked + want + "\xde\x00\x14" + strings.Repeat("\xa1k\x90", 20) + sidePacked

	p := packet.Packet{Type: packet.Event, ID: packet.NoID, Data: []byte(`["e",` + json + `]`)}
	got := written(t, &p)
	assert.True(t, string(got) == withValue(want), "%d bytes, want %d", len(got), len(withValue(want)))
	back, err := read(string(got), packet.Limits{Depth: 1024})
	assert.NoError(t, err)
	assert.True(t, bytes.Equal(back.Data, p.Data), "what was written is read")
}

func TestAppendRefuses(t *testing.T) {
	a := [][]byte{[]byte("a")}
	event := func(data string, attachments ...[]byte) packet.Packet {
		return packet.Packet{Type: packet.Event, ID: packet.NoID, Data: []byte(data), Attachments: attachments}
	}
	for want, packets := range map[string][]packet.Packet{
		"unknown packet type": {{Type: 7}, {Type: 255}},
		"no data":             {{Type: packet.Event}, {Type: packet.Ack, Data: []byte{}}, {Type: packet.BinaryAck, Attachments: a}, {Type: packet.ConnectError}},
		packet.ReasonPayload: {
			event(`{}`), event(`[]`), event(`[null]`), event(`["connect"]`), {Type: packet.Disconnect, Data: []byte(`{}`)}, {Type: packet.Connect, Data: []byte(`[]`)},
			{Type: packet.ConnectError, Data: []byte(`[]`)}, {Type: packet.Ack, Data: []byte(`"x"`)},
		},
		"malformed JSON": {
			event(` `), event(`[`), event(`["e"`), event(`["e",`), event(`["e",]`), event(`["e"]]`), event(`["e" "f"]`), event(`["e"}`), event(`{"a"]`), event(`{"a"`), event(`{"a":`),
			event(`{"a":1`), event(`{"a":1,`), event(`{"a":1,}`), event(`{1:1}`), event(`{"a" 1}`), event(`{`), event(`["e",tru]`), event(`["e",nul`), event(`["e",falsy]`), event(`["e",01]`),
			event(`["e",-]`), event(`["e",1.]`), event(`["e",1e]`), event(`["e",+1]`), event(`["\x"]`), event(`["e`), event(`["\`), event(`["\u12"]`), event("[\"\xff\"]"), event("[\"\\n\xff\"]"),
			event("[\"a\nb\"]"), event(`["e"] x`), event(`["e",{"_placeholder":true,"num":0}`), event(`x`),
		},
		"nested too deeply":              {event(strings.Repeat("[", 1025)), event(strings.Repeat(`{"a":`, 1025))},
		"two placeholders":               {event(`["e",{"_placeholder":true,"num":0},{"_placeholder":true,"num":0}]`, a...)},
		"placeholder without its attach": {event(`["e",{"_placeholder":true,"num":1}]`, a...), event(`["e",{"_placeholder":true}]`, a...)},
	} {
		for _, p := range packets {
			text, binary, err := msgpack.Encoding.Append(nil, &p)
			if assert.True(t, err != nil, "%.60s: want %q", p.Data, want) {
				assert.True(t, strings.Contains(err.Error(), want), "%.60s: %v, want %q", p.Data, err, want)
			}
			assert.True(t, text == nil && binary == nil)
		}
	}
}
