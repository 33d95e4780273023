// Package validate checks the inputs of a gateway by rules in struct tags, those of
// github.com/go-playground/validator, and fills in what clients left out:
//
//	type PostMessage struct {
//		Room int      `json:"room" validate:"required"`
//		Text string   `json:"text" validate:"required,max=2000"`
//		Kind string   `json:"kind" validate:"oneof=text image" default:"text"`
//		Tags []string `json:"tags" validate:"max=8,dive,min=1,max=30"`
//	}
//
//	app, err := gateway.NewApp(&gateway.Options{Validator: validate.New(nil)}, …)
//
// What is wrong with an input is an error with the code "invalid", whose details name each
// field by its path in JSON, "items[2].name". Structs behind pointers and embedded ones are
// looked into; elements of slices and values of maps where a rule says "dive".
//
// # Defaults
//
// A field with the tag default is given that value, before the rules are looked at, where it
// is the zero value of its type; a pointer, where it is nil. So a client that sends 0, "" or
// false has left the field out as well: a field for which those mean something is a pointer,
// and a boolean whose default is true has to be one. The tag holds the text of a string, a
// [time.Duration] as it prints, the text of an [encoding.TextUnmarshaler], and JSON for all
// else. What a default holds is taken as it stands, and not filled in itself.
//
// # Large inputs
//
// A rule in front of dive is looked at first: "max=100,dive" does not look at the elements of
// more than a hundred. Without one, each that breaks a rule costs some 400 bytes for a moment,
// however few are told.
package validate

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"

	"github.com/go-playground/locales/en"
	"github.com/go-playground/locales/ko"
	ut "github.com/go-playground/universal-translator"
	"github.com/go-playground/validator/v10"
	english "github.com/go-playground/validator/v10/translations/en"
	korean "github.com/go-playground/validator/v10/translations/ko"

	"github.com/kachi-io/kachi/gateway"
)

// Language is the one that messages are in.
type Language uint8

// The languages.
const (
	English Language = iota // the default
	Korean
)

// Options configures a validator. The zero value is the default of every field; nil is the
// zero value.
type Options struct {
	// Language of the messages. The codes, paths, rules and parameters beside them are for
	// programs, and the same in all.
	Language Language
	// MaxErrors is how many fields an error names. Default 20.
	MaxErrors int
	// Rules are the application's own, by name.
	Rules map[string]Rule
}

// Rule is one of the application's own: `validate:"even"`, `validate:"multiple=3"`.
type Rule struct {
	// Holds reports whether a field's value keeps the rule; param is what stands behind
	// "=" in the tag. It is called for many inputs at once, never for a nil pointer, and
	// once with a zero value when the app is made.
	Holds func(value any, param string) bool
	// Message says what is wrong; {0} is the field, {1} the parameter. Default "{0} does
	// not meet the rule …".
	Message string
}

// errTooLarge is for inputs that nobody sends but to keep a server busy.
var errTooLarge = gateway.NewError(gateway.CodeInvalid, "The names in the input are too long for so many values")

// maxPath bounds the path of a field, which holds keys of the client's own maps.
const maxPath = 200

// rules is the gateway.Validator.
type rules struct {
	v         *validator.Validate
	translate ut.Translator
	unknown   string // the message for rules that have none
	max       int
	plans     sync.Map // reflect.Type → *plan
}

// New makes a validator. It panics when the name of a rule is part of the tags' syntax, or a
// rule has no function.
func New(o *Options) gateway.Validator {
	if o == nil {
		o = &Options{}
	}
	r := &rules{v: validator.New(validator.WithRequiredStructEnabled()), max: o.MaxErrors}
	if r.max <= 0 {
		r.max = 20
	}
	r.v.RegisterTagNameFunc(jsonName)
	var err error
	switch o.Language {
	case Korean:
		r.translate, _ = ut.New(ko.New()).GetTranslator("ko")
		r.unknown = "%s은(는) 규칙 %s에 맞지 않습니다."
		err = korean.RegisterDefaultTranslations(r.v, r.translate)
	default:
		r.translate, _ = ut.New(en.New()).GetTranslator("en")
		r.unknown = "%s does not meet the rule %s"
		err = english.RegisterDefaultTranslations(r.v, r.translate)
	}
	for name, rule := range o.Rules {
		err = errors.Join(err, r.register(name, rule))
	}
	if err != nil {
		panic(fmt.Errorf("validate: %w", err))
	}
	return r
}

func (r *rules) register(name string, rule Rule) error {
	if rule.Holds == nil {
		return fmt.Errorf("the rule %q has no function", name)
	}
	err := r.v.RegisterValidation(name, func(f validator.FieldLevel) bool {
		return rule.Holds(f.Field().Interface(), f.Param())
	})
	if err != nil || rule.Message == "" {
		return err
	}
	return r.v.RegisterTranslation(name, r.translate,
		func(t ut.Translator) error { return t.Add(name, rule.Message, true) },
		func(t ut.Translator, f validator.FieldError) string {
			text, err := t.T(name, f.Field(), f.Param())
			if err != nil {
				return rule.Message
			}
			return text
		})
}

// embedded is the name of a struct whose fields JSON has in the one around it. No field can
// have it.
const embedded = "\x00"

// jsonName is what a field is called in JSON.
func jsonName(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	switch {
	case name == "" && f.Anonymous && deref(f.Type).Kind() == reflect.Struct:
		return embedded
	case name == "" || name == "-":
		return f.Name
	}
	return name
}

// plan is how the inputs of a type are checked.
type plan struct {
	name     string // of the type: the library's paths begin with it
	dive     string // the tag that leads to the structs in a slice or map; "" for a struct
	rules    bool   // there are some
	defaults bool
	maps     bool // it leads to maps, whose keys are the client's
}

func (r *rules) planOf(t reflect.Type) *plan {
	if p, ok := r.plans.Load(t); ok {
		return p.(*plan)
	}
	p := &plan{name: t.Name(), defaults: reaches(t, hasDefault)}
	if reaches(t, hasRule) {
		leaf, dives := t, []string(nil)
		for leaf.Kind() != reflect.Struct {
			if leaf.Kind() != reflect.Pointer {
				dives = append(dives, "dive")
			}
			leaf = leaf.Elem()
		}
		p.rules, p.dive, p.maps = true, strings.Join(dives, ","), hasMap(t)
	}
	r.plans.Store(t, p)
	return p
}

// Validate implements [gateway.Validator].
func (r *rules) Validate(ctx context.Context, input any) error {
	v := reflect.ValueOf(input)
	for v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return nil
		}
		v = v.Elem()
	}
	if !v.IsValid() {
		return nil
	}
	p := r.planOf(v.Type())
	if p.defaults {
		if err := fill(v); err != nil {
			return err
		}
	}
	if !p.rules {
		return nil
	}
	if left := maxNames; p.maps && !weigh(v, 0, &left) {
		return errTooLarge
	}
	var err error
	if p.dive != "" {
		err = r.v.VarCtx(ctx, v.Interface(), p.dive)
	} else {
		err = r.v.StructCtx(ctx, input)
	}
	var broken validator.ValidationErrors
	if !errors.As(err, &broken) {
		return err
	}
	fields := make([]gateway.FieldError, 0, min(len(broken), r.max))
	for _, b := range broken[:cap(fields)] {
		fields = append(fields, gateway.FieldError{Path: path(b, p), Rule: b.Tag(), Param: b.Param(), Message: r.message(b)})
	}
	return gateway.Invalid(fields...)
}

// path is where a field stands in JSON.
func path(b validator.FieldError, p *plan) string {
	path := b.Namespace()
	if p.dive == "" {
		path = strings.TrimPrefix(path, p.name+".")
	}
	path = strings.ReplaceAll(path, embedded+".", "")
	path = strings.TrimSuffix(strings.TrimSuffix(path, embedded), ".")
	return brief(path)
}

func brief(s string) string {
	if len(s) > maxPath {
		return strings.ToValidUTF8(s[:maxPath], "") + "…"
	}
	return s
}

func (r *rules) message(b validator.FieldError) string {
	name := b.Field()
	if name == embedded {
		name = b.StructField()
	}
	text := b.Translate(r.translate)
	if strings.HasPrefix(text, "Key: '") { // the library's own words for what it has none for
		return fmt.Sprintf(r.unknown, brief(name), b.Tag())
	}
	if len(b.Field()) > maxPath {
		text = strings.ReplaceAll(text, b.Field(), brief(name))
	}
	return strings.ReplaceAll(text, embedded, name)
}
