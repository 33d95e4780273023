package packet_test

import (
	"strings"
	"testing"

	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/socketio/packet"
)

func TestDecoderReadsPackets(t *testing.T) {
	const none = packet.NoID
	for text, want := range map[string]packet.Packet{
		`0`:                      {Type: packet.Connect, Namespace: "/", ID: none},
		`0{"token":"x"}`:         {Type: packet.Connect, Namespace: "/", ID: none, Data: []byte(`{"token":"x"}`)},
		`0/admin,`:               {Type: packet.Connect, Namespace: "/admin", ID: none},
		`0/admin`:                {Type: packet.Connect, Namespace: "/admin", ID: none},
		`0/admin,{}`:             {Type: packet.Connect, Namespace: "/admin", ID: none, Data: []byte(`{}`)},
		`0/a?b=c,{}`:             {Type: packet.Connect, Namespace: "/a?b=c", ID: none, Data: []byte(`{}`)},
		`0/한글,`:                  {Type: packet.Connect, Namespace: "/한글", ID: none},
		`0/,{}`:                  {Type: packet.Connect, Namespace: "/", ID: none, Data: []byte(`{}`)},
		`1`:                      {Type: packet.Disconnect, Namespace: "/", ID: none},
		`1/admin,`:               {Type: packet.Disconnect, Namespace: "/admin", ID: none},
		`2`:                      {Type: packet.Event, Namespace: "/", ID: none},
		`2["a"]`:                 {Type: packet.Event, Namespace: "/", ID: none, Data: []byte(`["a"]`)},
		`20["a"]`:                {Type: packet.Event, Namespace: "/", ID: 0, Data: []byte(`["a"]`)},
		`2/chat,12["a",{}]`:      {Type: packet.Event, Namespace: "/chat", ID: 12, Data: []byte(`["a",{}]`)},
		`29007199254740991["a"]`: {Type: packet.Event, Namespace: "/", ID: 1<<53 - 1, Data: []byte(`["a"]`)},
		`2007["a"]`:              {Type: packet.Event, Namespace: "/", ID: 7, Data: []byte(`["a"]`)},
		`2 [ "a" , 1 ] `:         {Type: packet.Event, Namespace: "/", ID: none, Data: []byte(` [ "a" , 1 ] `)},
		`2[7,"numeric name"]`:    {Type: packet.Event, Namespace: "/", ID: none, Data: []byte(`[7,"numeric name"]`)},
		`2[-1.5e3]`:              {Type: packet.Event, Namespace: "/", ID: none, Data: []byte(`[-1.5e3]`)},
		`2["connection"]`:        {Type: packet.Event, Namespace: "/", ID: none, Data: []byte(`["connection"]`)},
		`2["disconnect "]`:       {Type: packet.Event, Namespace: "/", ID: none, Data: []byte(`["disconnect "]`)},
		`2["removeListeners"]`:   {Type: packet.Event, Namespace: "/", ID: none, Data: []byte(`["removeListeners"]`)},
		`2["\ud800"]`:            {Type: packet.Event, Namespace: "/", ID: none, Data: []byte(`["\ud800"]`)},
		`2["\u0000"]`:            {Type: packet.Event, Namespace: "/", ID: none, Data: []byte(`["\u0000"]`)},
		`2["a",{"_placeholder":true,"num":4}]`: {
			Type: packet.Event, Namespace: "/", ID: none, Data: []byte(`["a",{"_placeholder":true,"num":4}]`)},
		`3`:                             {Type: packet.Ack, Namespace: "/", ID: none},
		`3/admin,5[]`:                   {Type: packet.Ack, Namespace: "/admin", ID: 5, Data: []byte(`[]`)},
		`35[null,"disconnect"]`:         {Type: packet.Ack, Namespace: "/", ID: 5, Data: []byte(`[null,"disconnect"]`)},
		`4"no"`:                         {Type: packet.ConnectError, Namespace: "/", ID: none, Data: []byte(`"no"`)},
		`4/x,{"message":"no"}`:          {Type: packet.ConnectError, Namespace: "/x", ID: none, Data: []byte(`{"message":"no"}`)},
		`50-["a"]`:                      {Type: packet.Event, Namespace: "/", ID: none, Data: []byte(`["a"]`)},
		`60-/x,3["a"]`:                  {Type: packet.Ack, Namespace: "/x", ID: 3, Data: []byte(`["a"]`)},
		`2["a","` + "\x7f\u2028" + `"]`: {Type: packet.Event, Namespace: "/", ID: none, Data: []byte(`["a","` + "\x7f\u2028" + `"]`)},
	} {
		var d packet.Decoder
		p, complete, err := d.Text([]byte(text))
		if !assert.True(t, err == nil && complete, "%s: complete %v, error %v", text, complete, err) {
			continue
		}
		assert.Equal(t, p, want, "%s", text)
		assert.True(t, !d.Waiting(), "%s: nothing is awaited", text)

		// Nothing is left armed: the next packet is read like the first.
		_, complete, err = d.Text([]byte(`2["next"]`))
		assert.True(t, err == nil && complete, "after %s: complete %v, error %v", text, complete, err)
	}
}

func TestDecoderRefuses(t *testing.T) {
	deep := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	for reason, texts := range map[string][]string{
		packet.ReasonUnknownType: {"", " ", "7", "9[]", "a", "-1", "/", "\x00", "\xff", "٣", `["a"]`},
		packet.ReasonCount: {
			"5", "5-", `5-["a"]`, "51", `51["a"]`, `5x-["a"]`, `5-1-["a"]`, `51.0-["a"]`, `51e0-["a"]`,
			`50x1-["a"]`, `5 1-["a"]`, `6-[]`, `5/x,1-["a"]`,
		},
		packet.ReasonTooMany:   {`511-["a"]`, `6999999999999999999999999-[]`, `518446744073709551617-["a"]`},
		packet.ReasonNamespace: {"0/\xff,", "0/\xed\xa0\x80,"},
		packet.ReasonID: {
			`29007199254740992["a"]`, `299999999999999999999999999["a"]`, `218446744073709551616["a"]`, `39007199254740992[]`,
		},
		packet.ReasonDepth: {
			`2["a",` + deep(128) + `]`, `0{"a":` + deep(128) + `}`, `2["a",` + strings.Repeat("[", 100_000),
			`2["a",` + strings.Repeat(`{"a":`, 1000),
		},
		packet.ReasonPayload: {
			// the wrong kind
			`0[]`, `0"x"`, `0null`, `0{} {}`, `0/a,[]`, `1{}`, `1[]`, `1 `, `1null`, `2{}`, `2"a"`, `2null`, `2[]`, `2[null]`,
			`2[true]`, `2[{}]`, `2[["a"]]`, `3{}`, `3"a"`, `35"a"`, `4[]`, `4null`, `4true`, `50-{}`, `60-{}`,
			`51-[{"_placeholder":true,"num":0}]`,
			// reserved names, in escapes too
			`2["connect"]`, `2["connect_error"]`, `2["disconnect"]`, `2["disconnecting"]`, `2["newListener"]`, `2["removeListener"]`,
			`2["disc\u006fnnect"]`, `2["\u0064\u0069\u0073\u0063\u006f\u006e\u006e\u0065\u0063\u0074"]`, `2 [ "connec\u0074" , 1 ]`,
			`51-["disconnect",{"_placeholder":true,"num":0}]`,
			// no JSON
			`2[`, `2["a"`, `2["a",]`, `2["a"]]`, `2["a"] x`, `2["a" "b"]`, `2["a",,1]`, `2[,"a"]`, `2["a"}`, `0{"a"]`, `0{"a"}`, `0{"a":}`,
			`0{"a":1,}`, `0{,}`, `0{a:1}`, `0{'a':1}`, `0{1:2}`, `0{"a" 1}`, `0{"a":1 "b":2}`, `0{`, `0{"`, `0{"a`, `0{"a"`, `0{"a":`,
			`2["a",01]`, `2["a",1.]`, `2["a",.5]`, `2["a",+1]`, `2["a",-]`, `2["a",1e]`, `2["a",1e+]`, `2["a",0x1]`, `2["a",NaN]`,
			`2["a",Infinity]`, `2["a",tru]`, `2["a",truex]`, `2["a",nul`, `2["a",undefined]`, `2["\x"]`, `2["\u12"]`, `2["\u12g4"]`,
			`2["\`, `2["a\`, `2["\u`, `2["a",1]` + "\x00", "2[\"a\x00\"]", "2[\"a\nb\"]", "2[\"a\tb\"]", "2\ufeff[\"a\"]", "2\u00a0[\"a\"]",
			"2[\"a\",/*c*/1]", "2abc", "2x[\"a\"]", "2,[\"a\"]", `2-1["a"]`, `21.5["a"]`, `2admin,["a"]`, `2/admin["a"],["a"]x`,
			// not UTF-8: alone, overlong, half a pair, beyond the last, cut short
			"2[\"\xff\"]", "2[\"\xc0\xaf\"]", "2[\"\xed\xa0\x80\"]", "2[\"\xf4\x90\x80\x80\"]", "2[\"\xe2\x82\"]", "2[\"aaaaaaaa\xe2\x82\"]",
			"2[\"a\"]\xff", "0{\"\xff\":1}",
		},
		packet.ReasonPlaceholder: {
			`51-["a",{"_placeholder":true,"num":1}]`, `51-["a",{"_placeholder":true,"num":-1}]`, `51-["a",{"_placeholder":true,"num":0.5}]`,
			`51-["a",{"_placeholder":true,"num":"0"}]`, `51-["a",{"_placeholder":true,"num":null}]`, `51-["a",{"_placeholder":true}]`,
			`51-["a",{"_placeholder":true,"num":1e99}]`, `51-["a",{"_placeholder":true,"num":1e999}]`,
			`51-["a",{"_placeholder":true,"num":99999999999999999999}]`, `51-["a",{"num":7,"x":[1],"_placeholder":true}]`,
			`51-["a",{"_pl\u0061ceholder":true,"num":9}]`, `51-["a",[[{"b":{"_placeholder":true,"num":9}}]]]`,
			`51-["a",{"_placeholder":true,"num":0,"num":[0]}]`, `61-[{"_placeholder":true,"num":2}]`,
			`52-["a",{"_placeholder":true,"num":0},{"_placeholder":true,"num":2}]`, `51- ["a",{"_placeholder":true,"num":2}]`,
		},
	} {
		for _, text := range texts {
			var d packet.Decoder
			p, complete, err := d.Text([]byte(text))
			if !assert.True(t, err != nil, "%.60q: want %q, got %+v", text, reason, p) {
				continue
			}
			assert.Equal(t, assert.ErrorAs[*packet.DecodeError](t, err).Reason, reason, "%.60q", text)
			assert.True(t, !complete && !d.Waiting(), "%.60q", text)
		}
	}
}

func TestDecoderPutsAttachmentsIn(t *testing.T) {
	var d packet.Decoder
	text := `52-/x,7["a",{"_placeholder":true,"num":1},{"b":{"num":0e0,"x":1,"_placeholder":true}},{"_placeholder":true,"num":1}]`
	for range 2 {
		_, complete, err := d.Text([]byte(text))
		assert.NoError(t, err)
		assert.True(t, !complete && d.Waiting())
		_, complete, err = d.Binary([]byte{1, 2})
		assert.NoError(t, err)
		assert.True(t, !complete && d.Waiting())
		p, complete, err := d.Binary(nil)
		assert.NoError(t, err)
		assert.True(t, complete && !d.Waiting())
		assert.Equal(t, p, packet.Packet{
			Type: packet.Event, Namespace: "/x", ID: 7, Data: []byte(text[7:]),
			Attachments: [][]byte{{1, 2}, {}},
		})
	}
}

func TestDecoderWantsAttachmentsWhenAndOnlyWhenAnnounced(t *testing.T) {
	var d packet.Decoder
	reason := func(err error) string { return assert.ErrorAs[*packet.DecodeError](t, err).Reason }

	_, _, err := d.Binary([]byte{1})
	assert.Equal(t, reason(err), packet.ReasonBinary)

	_, _, err = d.Text([]byte(`52-["a"]`))
	assert.NoError(t, err)
	_, _, err = d.Text([]byte(`2["b"]`))
	assert.Equal(t, reason(err), packet.ReasonPlaintext)
	assert.True(t, !d.Waiting(), "the packet is given up")
	_, _, err = d.Binary([]byte{1})
	assert.Equal(t, reason(err), packet.ReasonBinary)

	_, _, err = d.Text([]byte(`51-["a"]`))
	assert.NoError(t, err)
	_, complete, err := d.Binary([]byte{1})
	assert.True(t, complete && err == nil)
	_, _, err = d.Binary([]byte{1})
	assert.Equal(t, reason(err), packet.ReasonBinary)
}

func TestDecoderLimits(t *testing.T) {
	nested := func(n int) string { return `2["a",` + strings.Repeat("[", n-1) + strings.Repeat("]", n-1) + `]` }
	objects := func(n int) string {
		return `2["a",` + strings.Repeat(`{"a":`, n-1) + "0" + strings.Repeat("}", n-1) + `]`
	}
	for _, c := range []struct {
		limits packet.Limits
		text   string
		reason string
	}{
		{packet.Limits{}, `510-["a"]`, ""},
		{packet.Limits{}, `511-["a"]`, packet.ReasonTooMany},
		{packet.Limits{Attachments: 2}, `53-["a"]`, packet.ReasonTooMany},
		{packet.Limits{Attachments: 1000}, `51000-["a"]`, ""},
		{packet.Limits{Attachments: -1}, `51-["a"]`, packet.ReasonTooMany},
		{packet.Limits{Attachments: -1}, `50-["a"]`, ""},
		{packet.Limits{}, nested(128), ""},
		{packet.Limits{}, nested(129), packet.ReasonDepth},
		{packet.Limits{}, objects(128), ""},
		{packet.Limits{}, objects(129), packet.ReasonDepth},
		{packet.Limits{Depth: 1}, nested(1)[:5] + "]", ""},
		{packet.Limits{Depth: 1}, nested(2), packet.ReasonDepth},
		{packet.Limits{Depth: 1 << 40}, nested(1024), ""},
		{packet.Limits{Depth: 1 << 40}, nested(1025), packet.ReasonDepth},
		{packet.Limits{Depth: 1 << 40}, objects(1024), ""},
		{packet.Limits{Depth: -1}, nested(128), ""},
	} {
		d := packet.Decoder{Limits: c.limits}
		_, _, err := d.Text([]byte(c.text))
		if c.reason == "" {
			assert.NoError(t, err, "%+v %.20s", c.limits, c.text)
			continue
		}
		assert.Equal(t, assert.ErrorAs[*packet.DecodeError](t, err).Reason, c.reason, "%+v %.20s", c.limits, c.text)
	}

	d := packet.Decoder{Limits: packet.Limits{AttachmentBytes: 10}}
	_, _, err := d.Text([]byte(`52-["a"]`))
	assert.NoError(t, err)
	_, _, err = d.Binary(make([]byte, 6))
	assert.NoError(t, err)
	_, _, err = d.Binary(make([]byte, 5))
	assert.Equal(t, assert.ErrorAs[*packet.DecodeError](t, err).Reason, packet.ReasonAttachmentBytes)
	assert.True(t, !d.Waiting())
}

// Mixed and unbalanced nesting beyond one word of the scanner's memory.
func TestDecoderTellsObjectsFromArraysAtAnyDepth(t *testing.T) {
	var open, shut string
	for i := range 120 {
		if i%3 == 0 {
			open, shut = open+`{"k":`, "}"+shut
		} else {
			open, shut = open+"[", "]"+shut
		}
	}
	var d packet.Decoder
	_, _, err := d.Text([]byte(`2["a",` + open + "1" + shut + `]`))
	assert.NoError(t, err)
	for i := range len(shut) {
		wrong := []byte(shut)
		wrong[i] = wrong[i] ^ ('}' ^ ']')
		_, _, err := d.Text([]byte(`2["a",` + open + "1" + string(wrong) + `]`))
		assert.Equal(t, assert.ErrorAs[*packet.DecodeError](t, err).Reason, packet.ReasonPayload, "%d", i)
	}
}
