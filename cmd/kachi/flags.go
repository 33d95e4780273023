package main

import (
	"fmt"
	"reflect"

	"github.com/alecthomas/kong"

	"github.com/kachi-io/kachi/app/config"
)

// newFlags makes a struct with a field for each setting, for kong to fill. Only the texts
// are kept: app/config reads them, so that it can name all that is wrong, in flags and
// elsewhere, at once. It reads the environment, too, hence env:"-".
func newFlags() any {
	var fields []reflect.StructField
	for i, s := range config.Settings() {
		kind := reflect.TypeFor[texts]()
		if s.Switch {
			kind = reflect.TypeFor[switches]()
		}
		fields = append(fields, reflect.StructField{
			Name: fmt.Sprintf("Flag%d", i), Type: kind,
			Tag: reflect.StructTag(fmt.Sprintf(`name:%q placeholder:%q group:%q env:"-" help:%q`,
				s.Name, s.Type, s.Group, s.Help+" ($"+s.Env+")")),
		})
	}
	return reflect.New(reflect.StructOf(fields)).Interface()
}

// given returns what has come into the struct of newFlags.
func given(flags any) map[string][]string {
	all := map[string][]string{}
	for i, s := range config.Settings() {
		switch v := reflect.ValueOf(flags).Elem().Field(i).Interface().(type) {
		case texts:
			all[s.Name] = v.all
		case switches:
			all[s.Name] = v.all
		}
	}
	return all
}

// texts are what was given for a flag, each time it was.
type texts struct{ all []string }

// Decode is called by kong.
func (t *texts) Decode(ctx *kong.DecodeContext) error {
	var text string
	if err := ctx.Scan.PopValueInto("value", &text); err != nil {
		return err
	}
	t.all = append(t.all, text)
	return nil
}

// switches need no value: --demo, --demo=false.
type switches struct{ texts }

// IsBool tells kong so.
func (*switches) IsBool() bool { return true }

// Decode is called by kong.
func (s *switches) Decode(ctx *kong.DecodeContext) error {
	if ctx.Scan.Peek().Type == kong.FlagValueToken {
		return s.texts.Decode(ctx)
	}
	s.all = append(s.all, "true")
	return nil
}
