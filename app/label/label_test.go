package label_test

import (
	"strings"
	"testing"

	"github.com/kachi-io/kachi/app/label"
	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/internal/assert"
)

func TestOf(t *testing.T) {
	for text, want := range map[string]string{
		" 둥지 · The nest\u3000": "둥지 · The nest",
		"👩\u200d🔧 work":        "👩\u200d🔧 work",
		"می\u200cخواهم":        "می\u200cخواهم",
		"❤️":                   "❤️",
		"<b>":                  "<b>",
		"12345678901234567890": "12345678901234567890",
	} {
		got, err := label.Of("name", text, 1, 20)
		assert.NoError(t, err, "%q", text)
		assert.Equal(t, got, want)
	}
	for what, text := range map[string]string{
		"nothing": "", "spaces": " \t ", "too long": strings.Repeat("가", 21), "two lines": "a\nb", "escape": "\x1b[31m", "no text": "\xff",
		"turned round": "a\u202eb", "isolated": "a\u2066b", "zero width": "a\u200bb", "a filler": "\u3164", "blank braille": "a\u2800", "a line's end": "a\u2028b",
	} {
		_, err := label.Of("name", text, 1, 20)
		assert.Equal(t, gateway.CodeOf(err), gateway.CodeInvalid, what)
	}
	got, err := label.Of("name", " ", 0, 20)
	assert.NoError(t, err)
	assert.Equal(t, got, "")
}
