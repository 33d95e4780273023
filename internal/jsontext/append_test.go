package jsontext_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/jsontext"
)

// Checking, skipping and unescaping are tested through socketio/packet, which they were
// made for.

func TestStringsAreThoseOfEncodingJSON(t *testing.T) {
	for _, text := range []string{
		"", "a", `"`, `\`, "\x00\x1f\x7f", "\b\f\n\r\t", "한글", "a한\"글\\😀z", "0123456789\u2028", strings.Repeat("가나다\n", 50),
		"\xff", "a\xffb", "\xed\xa0\x80", "한\xe2\x82", "\xe2\x82글", "\xf0\x9f\x98", "\xff\xff\xff\"",
	} {
		var decoded string
		appended := jsontext.AppendString([]byte("x"), text)
		assert.NoError(t, json.Unmarshal(appended[1:], &decoded), "%q gave %q", text, appended)
		valid := strings.ToValidUTF8(text, "") == text
		assert.Equal(t, decoded, string([]rune(text)), "%q", text)
		assert.Equal(t, jsontext.ScanString(appended, 1), len(appended), "%q", text)

		strict, ok := jsontext.AppendText([]byte("x"), []byte(text))
		assert.Equal(t, ok, valid, "%q", text)
		if ok {
			assert.Equal(t, string(strict), string(appended))
		}
	}
}
