package msgpack_test

import (
	"encoding/base64"
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/nodetest"
	"github.com/kachi-io/kachi/socketio/packet"
)

// The tests in this file hold the package to socket.io-msgpack-parser itself.

// comparable is the packet that Node has printed, as meaning has it.
func comparable(t *testing.T, printed string) string {
	t.Helper()
	var p map[string]any
	assert.NoError(t, json.Unmarshal([]byte(printed), &p))
	delete(p, "options")
	return canonical(t, p)
}

func TestReadsWhatNodeWrites(t *testing.T) {
	var packets []struct{ Name, Encoder, Message, Sent, Decoded string }
	assert.NoError(t, json.Unmarshal(nodetest.Run(t, "msgpack.mjs"), &packets))
	assert.True(t, len(packets) > 60, "%d packets", len(packets))

	// What the other end reads is not what was sent, by its own encoders' doing.
	lossy := map[string]bool{
		"integers beyond 64 bits/parser": true, "integers beyond 64 bits/browser": true, "integers beyond 64 bits/notepack.io 3": true, // their lower bits
		"toJSON/notepack.io 3":       true, // an undefined one gives null
		"typed arrays/notepack.io 3": true, // only what the view shows
	}
	for _, sent := range packets {
		name := sent.Name + "/" + sent.Encoder
		message, err := base64.StdEncoding.DecodeString(sent.Message)
		assert.NoError(t, err)
		p, err := read(string(message), packet.Limits{Attachments: 20})
		if !assert.True(t, err == nil, "%s: %v", name, err) {
			continue
		}
		got, _ := meaning(t, &p)
		assert.True(t, got == comparable(t, sent.Decoded), "%s: got %.500s, Node has %.500s", name, got, sent.Decoded)
		assert.Equal(t, sent.Sent != sent.Decoded, lossy[name], "%s: sent %.500s, read %.500s", name, sent.Sent, sent.Decoded)
	}
}

type nodeAnswer struct{ Packet, Browser, Error string }

func askNode(t *testing.T, messages [][]byte) (answers []nodeAnswer) {
	t.Helper()
	in, err := json.Marshal(messages) // in base64
	assert.NoError(t, err)
	assert.NoError(t, json.Unmarshal(nodetest.RunInput(t, in, "msgpack.mjs"), &answers))
	assert.Equal(t, len(answers), len(messages))
	return answers
}

func TestNodeReadsWhatIsWritten(t *testing.T) {
	wide := strings.TrimSuffix(strings.Repeat(`[1,"x"],`, 70_000), ",")
	keys := strings.Builder{}
	for i := range 300 {
		if i > 0 {
			keys.WriteByte(',')
		}
		keys.WriteString(`"k` + string(rune('가'+i)) + `":` + strings.Repeat("[", i%9) + strings.Repeat("]", i%9) + strings.Repeat("1", max(0, 1-i%9)))
	}
	packets := []packet.Packet{
		{Type: packet.Connect, Namespace: "/", ID: packet.NoID, Data: []byte(`{"sid":"abc","pid":"def"}`)},
		{Type: packet.Disconnect, Namespace: "/chat", ID: packet.NoID},
		{Type: packet.ConnectError, Namespace: "/", ID: packet.NoID, Data: []byte(`{"message":"no","data":{"code":"x"}}`)},
		{Type: packet.ConnectError, Namespace: "/", ID: packet.NoID, Data: []byte(`"no"`)},
		{Type: packet.Event, Namespace: "/한", ID: packet.MaxID, Data: []byte(`["e",[` + wide + `],{` + keys.String() + `}]`)},
		{Type: packet.Ack, Namespace: "/", ID: 0, Data: []byte(`[]`)},
	}
	for _, n := range []int{0, 1, 2, 4, 8, 16, 255, 256, 65535, 65536} {
		packets = append(packets, packet.Packet{
			Type: packet.Event, Namespace: "/", ID: packet.NoID, Attachments: [][]byte{make([]byte, n)},
			Data: []byte(`["e",{"b":{"_placeholder":true,"num":0}},"` + strings.Repeat(`é\n`, n) + `"]`),
		})
	}
	s := &sample{Rand: rand.New(rand.NewPCG(1, 0))}
	for len(packets) < 500 {
		p := s.packet(t)
		// JavaScript prints -0 as 0, and counts keys that are digits first; both is no difference.
		if !strings.Contains(string(p.Data), "-0") {
			packets = append(packets, p)
		}
	}
	messages := make([][]byte, len(packets))
	for i := range packets {
		messages[i] = written(t, &packets[i])
	}
	for i, answer := range askNode(t, messages) {
		want, _ := meaning(t, &packets[i])
		if assert.Equal(t, answer.Error, "", "%.500s", packets[i].Data) {
			assert.True(t, comparable(t, answer.Packet) == want, "Node has %.500s, sent was %.500s", answer.Packet, want)
			assert.True(t, comparable(t, answer.Browser) == want, "a browser has %.500s, sent was %.500s", answer.Browser, want)
		}
	}
}

// What the parser refuses is refused here, and the other way round, but for what is listed.
func TestNodeAgreesOnMessages(t *testing.T) {
	root := func(pairs ...string) string { return packed(append(pairs, inRoot)...) }
	messages := []string{
		"", "\xc1", "\x81", packed(), root(), root(isEvent), root(pair("type", "\x05")), root(pair("type", "\xff")), root(pair("type", "\xa11")), root(pair("type", "\xc0")),
		root(pair("type", "\x00")), root(pair("type", "\x00"), pair("data", "\xd4\x00\x00")), root(pair("type", "\x00"), pair("data", "\xc0")), root(pair("type", "\x00"), pair("data", "\x90")),
		root(pair("type", "\x00"), pair("data", "\x80")), root(pair("type", "\x00"), pair("data", "\xc4\x01x")), root(pair("type", "\x00")) + "\x00",
		root(pair("type", "\x01")), root(pair("type", "\x01"), pair("data", "\x80")), root(pair("type", "\x01"), pair("data", "\xc0")),
		root(isEvent, pair("data", "\x91\xa1e")), root(isEvent, pair("data", "\x80")), root(isEvent, pair("data", "\xa1e")), root(isEvent, pair("data", "\xd4\x00\x00")),
		root(isEvent, pair("data", "\x91\xa1e"), pair("id", "\x00")), root(isEvent, pair("data", "\x91\xa1e"), pair("id", "\xc0")), root(isEvent, pair("data", "\x91\xa1e"), pair("id", "\xa11")),
		root(isEvent, pair("data", "\x91\xa1e"), pair("id", "\xca\x3f\x80\x00\x00")), root(isEvent, pair("data", "\x91\xa1e"), pair("id", "\xca\x3f\x00\x00\x00")),
		root(isAck), root(isAck, pair("data", "\x90")), root(isAck, pair("data", "\x80")), root(pair("type", "\x04")), root(pair("type", "\x04"), pair("data", "\xa0")),
		root(pair("type", "\x04"), pair("data", "\x80")), root(pair("type", "\x04"), pair("data", "\x90")), root(pair("type", "\x04"), pair("data", "\xc4\x01x")),
		packed(pair("type", "\x00"), pair("nsp", "\x01")), packed(pair("type", "\x00"), pair("nsp", "\xc0")), packed(pair("type", "\x00"), pair("nsp", "\xd4\x00\x00")),
		withValue("\x80"), withValue("\xcb\x80\x00\x00\x00\x00\x00\x00\x01"), withValue("\xca\x3d\xcc\xcc\xcd"), withValue("\xd0\x05"), withValue("\xdd\x00\x00\x00\x00"), withValue("\xdd\xff\xff\xff\xff"),
		withValue("\x81\x05\x01"), withValue("\x82\xa1a\x01\xa1a\x02"), withValue("\xd7\x00\x7f\xff\xff\xff\xff\xff\xff\xff"),
	}
	differ := map[string]string{
		root(pair("type", "\x00"), pair("type", "\x00")):                 packet.ReasonUnknownType, // there the last one counts
		packed(pair("type", "\x00"), pair("nsp", "\xa0")):                packet.ReasonNamespace,   // a namespace is any string there
		packed(pair("type", "\x00"), pair("nsp", "\xa2/\xff")):           packet.ReasonNamespace,   // what is no UTF-8 is replaced there
		root(isAck, pair("id", "\xff"), pair("data", "\x90")):            packet.ReasonID,          // an id is any integer there
		root(isEvent, pair("data", "\x91\xc0")):                          packet.ReasonPayload,     // names are looked at elsewhere
		root(isEvent, pair("data", "\x91\xaadisconnect")):                packet.ReasonPayload,
		root(pair("type", "\x00"), pair("data", "\x81\xa1k\xc4\x01x")):   packet.ReasonPayload, // no attachments there in the JSON form
		withValue("\x81\xc0\xc0"):                                        packet.ReasonPayload, // keys are made strings there
		withValue("\xd5\x00\x00\x00"):                                    packet.ReasonPayload, // an extension is its type and bytes there
		withValue("\xa1\xff"):                                            packet.ReasonPayload,
		withValue("\x92\xc4\x00\x82\xac_placeholder\xc3\xa3num\x00"):     packet.ReasonPlaceholder, // no placeholders there
		withValue(strings.Repeat("\x91", 500) + "\xc0"):                  packet.ReasonDepth,
		root(isAck, pair("data", "\x9b"+strings.Repeat("\xc4\x00", 11))): packet.ReasonTooMany,
	}
	var all [][]byte
	for _, m := range messages {
		all = append(all, []byte(m))
	}
	var different []string
	for m := range differ {
		different = append(different, m)
		all = append(all, []byte(m))
	}
	answers := askNode(t, all)
	for i, message := range messages {
		p, err := read(message, packet.Limits{})
		if answers[i].Packet == "" {
			assert.True(t, err != nil, "%.60q: Node says %q", message, answers[i].Error)
			continue
		}
		if assert.True(t, err == nil, "%.60q: Node accepts, error %v", message, err) {
			got, _ := meaning(t, &p)
			assert.Equal(t, got, comparable(t, answers[i].Packet), "%.60q", message)
		}
	}
	for i, message := range different {
		_, err := read(message, packet.Limits{})
		assert.Equal(t, assert.ErrorAs[*packet.DecodeError](t, err).Reason, differ[message], "%.60q", message)
		assert.True(t, answers[len(messages)+i].Packet != "", "%.60q: no difference any more", message)
	}
}
