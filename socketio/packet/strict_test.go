package packet_test

import (
	"strings"
	"testing"

	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/socketio/packet"
)

func TestDecodeStrict(t *testing.T) {
	type inner struct {
		File []byte
	}
	type form struct {
		Name string `json:"name"`
		In   inner  `json:"in"`
	}
	for _, test := range []struct {
		name, raw string
		unknown   string // member
	}{
		{"all known", `{"name":"x","in":{"file":null}}`, ""},
		{"one unknown", `{"name":"x","other":1}`, "other"},
		{"unknown below", `{"in":{"size":1}}`, "size"},
		{"with an attachment", `{"name":"x","in":{"file":{"_placeholder":true,"num":0}}}`, ""},
		{"unknown beside an attachment", `{"other":1,"in":{"file":{"_placeholder":true,"num":0}}}`, "other"},
		{"unknown beside an attachment, below", `{"in":{"size":1,"file":{"_placeholder":true,"num":0}}}`, "size"},
		{"an unknown attachment", `{"in":{"data":{"_placeholder":true,"num":0}}}`, "data"},
	} {
		t.Run(test.name, func(t *testing.T) {
			args := packet.Args{Raw: [][]byte{[]byte(test.raw)}}
			if strings.Contains(test.raw, "_placeholder") {
				args.Attachments = [][]byte{{1, 2}}
			}
			var f form
			assert.NoError(t, args.DecodeAt(0, &f))
			f = form{}
			err := args.DecodeStrict(0, &f)
			if test.unknown == "" {
				assert.NoError(t, err)
				assert.Equal(t, f.In.File, append([]byte(nil), bytesOf(args)...))
				return
			}
			argument := assert.ErrorAs[*packet.ArgumentError](t, err)
			assert.True(t, strings.Contains(argument.Error(), `unknown field "`+test.unknown+`"`), err)
		})
	}
}

func bytesOf(args packet.Args) []byte {
	if len(args.Attachments) == 0 {
		return nil
	}
	return args.Attachments[0]
}
