package store_test

import (
	"encoding/json"
	"testing"

	"github.com/kachi-io/kachi/app/store"
	"github.com/kachi-io/kachi/internal/assert"
)

// What names a thing looks one way, wherever it is read: who compares ids as texts, in a room's
// name say, has the same.
func TestAnIDHasOneForm(t *testing.T) {
	for text, want := range map[string]store.ID{
		"7": 7, "70": 70, "9223372036854775807": 9223372036854775807,
		"": 0, "0": 0, "007": 0, "07": 0, "+7": 0, "-7": 0, " 7": 0, "7 ": 0, "\t7": 0, "7\n": 0, "7.0": 0, "7e0": 0, "0x7": 0, "1_0": 0,
		"٧": 0, "７": 0, "7\x00": 0, "x": 0, "9223372036854775808": 0, "99999999999999999999": 0,
	} {
		id, err := store.ParseID(text)
		assert.Equal(t, id, want, text)
		assert.Equal(t, err == nil, want != 0, text)

		quoted, err := json.Marshal(text)
		assert.NoError(t, err)
		var decoded store.ID
		assert.Equal(t, json.Unmarshal(quoted, &decoded) == nil, want != 0, "in JSON: ", text)
		assert.Equal(t, decoded, want, "in JSON: ", text)
	}
	for text, want := range map[string]store.ID{"7": 7, "9223372036854775807": 9223372036854775807, "7.0": 0, "7e0": 0, "0": 0, "-7": 0, "true": 0, "[7]": 0, `"\u0037"`: 0} {
		var decoded store.ID
		assert.Equal(t, json.Unmarshal([]byte(text), &decoded) == nil, want != 0, text)
		assert.Equal(t, decoded, want, text)
	}
}
