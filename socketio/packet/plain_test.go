package packet

import (
	"strings"
	"testing"

	"github.com/kachi-io/kachi/internal/assert"
)

func TestPlain(t *testing.T) {
	for _, test := range []struct {
		name string
		text string
		want Packet
	}{
		{"one argument", `{"event":"message","data":{"text":"hi"}}`, Packet{Type: Event, ID: NoID, Data: []byte(`["message",{"text":"hi"}]`)}},
		{"none", `{"event":"message"}`, Packet{Type: Event, ID: NoID, Data: []byte(`["message"]`)}},
		{"null", `{"event":"message","data":null}`, Packet{Type: Event, ID: NoID, Data: []byte(`["message",null]`)}},
		{"an array", `{"event":"message","data":[1,2]}`, Packet{Type: Event, ID: NoID, Data: []byte(`["message",[1,2]]`)}},
		{"several", `{"event":"message","args":[1,[2]]}`, Packet{Type: Event, ID: NoID, Data: []byte(`["message",1,[2]]`)}},
		{"to be acknowledged", `{"event":"message","id":0,"data":1}`, Packet{Type: Event, ID: 0, Data: []byte(`["message",1]`)}},
		{"acknowledgement", `{"id":7,"data":"stored"}`, Packet{Type: Ack, ID: 7, Data: []byte(`["stored"]`)}},
		{"empty acknowledgement", `{"id":7}`, Packet{Type: Ack, ID: 7, Data: []byte(`[]`)}},
		{"acknowledgement with several values", `{"id":7,"args":[null,"x"]}`, Packet{Type: Ack, ID: 7, Data: []byte(`[null,"x"]`)}},
		{"escapes", `{"event":"a\"b\u00e9","data":"\ud83d\ude00"}`, Packet{Type: Event, ID: NoID, Data: []byte(`["a\"b\u00e9","\ud83d\ude00"]`)}},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.want.Namespace = "/"
			p, complete, err := Plain.NewReader(Limits{}).Text([]byte(test.text))
			assert.NoError(t, err)
			assert.True(t, complete)
			assert.Equal(t, p, test.want)

			text, binary, err := Plain.Append(nil, &p)
			assert.NoError(t, err)
			assert.Equal(t, len(binary), 0)
			again, complete, err := Plain.NewReader(Limits{}).Text(text)
			assert.NoError(t, err)
			assert.True(t, complete)
			name, args, _ := ParseEvent(&p)
			name2, args2, _ := ParseEvent(&again)
			if p.Type == Event {
				assert.Equal(t, name2, name)
				assert.Equal(t, args2, args)
			} else {
				assert.Equal(t, again, p)
			}
		})
	}
}

func TestPlainForm(t *testing.T) {
	text, _, err := Plain.Append([]byte("#"), &Packet{Type: Event, ID: 3, Data: []byte(`["move",1,2]`)})
	assert.NoError(t, err)
	assert.Equal(t, string(text), `#{"event":"move","id":3,"args":[1,2]}`)
	text, _, err = Plain.Append(nil, &Packet{Type: Ack, ID: 3, Data: []byte(`[{"ok":true}]`)})
	assert.NoError(t, err)
	assert.Equal(t, string(text), `{"id":3,"data":{"ok":true}}`)
	for _, kind := range []Type{Connect, Disconnect, ConnectError} {
		_, _, err = Plain.Append(nil, &Packet{Type: kind, ID: NoID})
		assert.True(t, err == errNotPlain)
	}
}

func TestPlainAttachments(t *testing.T) {
	p := Packet{Type: Event, Namespace: "/", ID: NoID, Data: []byte(`["f",{"_placeholder":true,"num":0}]`), Attachments: [][]byte{{1, 2}}}
	text, binary, err := Plain.Append(nil, &p)
	assert.NoError(t, err)
	assert.Equal(t, string(text), `{"event":"f","data":{"_placeholder":true,"num":0},"attachments":1}`)
	assert.Equal(t, binary, p.Attachments)

	r := Plain.NewReader(Limits{})
	_, complete, err := r.Text(text)
	assert.NoError(t, err)
	assert.True(t, !complete)
	assert.True(t, r.Waiting())
	got, complete, err := r.Binary([]byte{1, 2})
	assert.NoError(t, err)
	assert.True(t, complete)
	assert.Equal(t, got, p)
}

func TestPlainRefuses(t *testing.T) {
	for _, test := range []struct {
		name, text string
		want       *DecodeError
	}{
		{"no object", `["message",1]`, errPayload},
		{"no JSON", `{"event":`, errPayload},
		{"nothing", ``, errPayload},
		{"no event", `{"data":1}`, errPayload},
		{"event is no string", `{"event":1}`, errPayload},
		{"event is null", `{"event":null,"id":1}`, errPayload},
		{"reserved", `{"event":"disconnect"}`, errPayload},
		{"reserved, in escapes", `{"event":"disconnec\u0074"}`, errPayload},
		{"data and args", `{"event":"e","data":1,"args":[1]}`, errPayload},
		{"args is no array", `{"event":"e","args":{}}`, errPayload},
		{"negative id", `{"event":"e","id":-1}`, errID},
		{"large id", `{"event":"e","id":9007199254740992}`, errID},
		{"broken id", `{"event":"e","id":1.5}`, errPayload},
		{"negative attachments", `{"event":"e","attachments":-1}`, errPayload},
		{"too many attachments", `{"event":"e","attachments":11}`, errTooMany},
		{"placeholder for nothing", `{"event":"e","data":{"_placeholder":true,"num":1},"attachments":1}`, errPlaceholder},
		{"deep", `{"event":"e","data":` + strings.Repeat("[", 200) + strings.Repeat("]", 200) + `}`, errDepth},
		{"one too deep", `{"event":"e","data":` + strings.Repeat("[", 128) + strings.Repeat("]", 128) + `}`, errDepth},
		{"two objects", `{"event":"e"}{"event":"e"}`, errPayload},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, _, err := Plain.NewReader(Limits{}).Text([]byte(test.text))
			assert.Equal(t, err, error(test.want))
		})
	}
	_, _, err := Plain.NewReader(Limits{}).Binary([]byte{1})
	assert.Equal(t, err, error(errBinary))
	_, complete, err := Plain.NewReader(Limits{}).Text([]byte(`{"event":"e","data":` + strings.Repeat("[", 127) + strings.Repeat("]", 127) + `}`))
	assert.NoError(t, err)
	assert.True(t, complete)
}

// Whatever is read can be written, and is then read as the same.
func FuzzPlain(f *testing.F) {
	for _, text := range []string{
		`{"event":"message","data":{"text":"hi"}}`, `{"event":"e","args":[1,2],"id":3}`, `{"id":1,"data":null}`,
		`{"event":"f","data":{"_placeholder":true,"num":0},"attachments":1}`, `{"event":"\u00e9"}`, `{}`, `{"event":"e","data":1,"data":2}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		r := Plain.NewReader(Limits{})
		p, complete, err := r.Text(text)
		for range 20 {
			if err == nil && !complete {
				p, complete, err = r.Binary([]byte("x"))
			}
		}
		if err != nil {
			return
		}
		assert.True(t, complete)
		wire, binary, err := Plain.Append(nil, &p)
		assert.NoError(t, err, string(p.Data))
		r = Plain.NewReader(Limits{})
		again, complete, err := r.Text(wire)
		for _, b := range binary {
			assert.NoError(t, err)
			again, complete, err = r.Binary(b)
		}
		assert.NoError(t, err)
		assert.True(t, complete)
		second, _, err := Plain.Append(nil, &again)
		assert.NoError(t, err)
		assert.Equal(t, string(second), string(wire))
	})
}
