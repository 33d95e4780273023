package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/validation"
)

// maxDepth bounds the nesting of JSON, as that of events is ([socketio.Options].MaxDepth).
const maxDepth = 128

// strictJSON reads what means the same to everybody: what encoding/json would forgive, a
// proxy or a log may read in another way.
var strictJSON = huma.Format{Marshal: huma.DefaultJSONFormat.Marshal, Unmarshal: unmarshal}

// By default huma takes "NAME" for "name" where a rule is checked, and encoding/json takes
// both: of {"role":"user","ROLE":"x"} one would be checked and the other used.
//
// Nothing but ids has several forms (idSchema).
func init() {
	huma.ValidateStrictCasing = true
	validation.MsgExpectedMatchExactlyOneSchema = "an id is a whole number above 0, as a string or a number"
}

var (
	errUTF8      = errors.New("the text is not UTF-8")
	errDepth     = errors.New("the JSON is nested too deep")
	errDuplicate = errors.New("an object has a member twice")
)

// unmarshal is asked twice for a body: as any, for the rules, and then as its type.
func unmarshal(data []byte, into any) error {
	if _, first := into.(*any); first {
		if err := check(data); err != nil {
			return err
		}
	}
	err := json.Unmarshal(data, into)
	var kind *json.UnmarshalTypeError
	if errors.As(err, &kind) { // whose text has names of Go types
		return errors.New("a value is of the wrong type, or out of range")
	}
	return err
}

// check looks for what encoding/json lets pass. What is no JSON at all it leaves to that.
func check(data []byte) error {
	if !utf8.Valid(data) {
		return errUTF8
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	type object struct {
		members map[string]bool // nil for a list
		key     bool            // a member's name comes next
	}
	var open []object
	for {
		token, err := d.Token()
		if err != nil {
			return nil //nolint:nilerr // the end, or no JSON
		}
		delim, _ := token.(json.Delim)
		if delim == '}' || delim == ']' {
			open = open[:len(open)-1]
			continue
		}
		if n := len(open) - 1; n >= 0 && open[n].members != nil {
			in := &open[n]
			if in.key {
				name, _ := token.(string)
				if in.members[name] {
					return errDuplicate
				}
				in.members[name], in.key = true, false
				continue
			}
			in.key = true
		}
		switch delim {
		case '{':
			open = append(open, object{map[string]bool{}, true})
		case '[':
			open = append(open, object{})
		}
		if len(open) > maxDepth {
			return errDepth
		}
	}
}

// idSchema is how ids stand in the document and are checked.
type idSchema struct{}

// Schema implements [huma.SchemaProvider].
func (idSchema) Schema(huma.Registry) *huma.Schema {
	least := 1.0
	s := &huma.Schema{
		Description: "An id: a string in answers; a number is taken, too.",
		OneOf: []*huma.Schema{
			{Type: huma.TypeString, Pattern: "^[1-9][0-9]{0,18}$", PatternDescription: "an id"},
			{Type: huma.TypeInteger, Minimum: &least},
		},
		Examples: []any{"17"},
	}
	for _, one := range s.OneOf {
		one.PrecomputeMessages()
	}
	s.PrecomputeMessages()
	return s
}
