package validate_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/gateway/validate"
	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/wstest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type (
	base struct {
		ID int `json:"id" validate:"min=1"`
	}
	item struct {
		Name  string `json:"name" validate:"required,max=5"`
		Count int    `json:"count" default:"1" validate:"max=10"`
	}
	order struct {
		base
		Items   []item            `json:"items" validate:"min=1,dive"`
		More    []*item           `json:"more" validate:"dive"`
		Labels  map[string]string `json:"labels" validate:"max=2,dive,keys,max=3,endkeys,required"`
		Groups  map[string]item   `json:"groups" validate:"dive"`
		To      *item             `json:"to"`
		Mail    string            `json:"mail" validate:"omitempty,email"`
		Again   string            `json:"again" validate:"eqfield=Mail"`
		NoName  string            `validate:"max=3"`
		Nested  [][]item          `json:"nested" validate:"dive,dive"`
		Private int               `json:"-"`
	}
	node struct {
		Name string `json:"name" validate:"required"`
		Kids []node `json:"kids" validate:"dive"`
	}
)

// good is an order that keeps all rules.
func good() *order {
	return &order{base: base{ID: 1}, Items: []item{{Name: "a"}}}
}

func broken(path, rule, param, message string) gateway.FieldError {
	return gateway.FieldError{Path: path, Rule: rule, Param: param, Message: message}
}

func TestFieldsAreNamedByTheirPath(t *testing.T) {
	v := validate.New(nil)
	assert.NoError(t, v.Check(reflect.TypeFor[order]()))
	assert.NoError(t, v.Check(reflect.TypeFor[node]()))
	assert.NoError(t, v.Validate(context.Background(), good()))
	with := func(change func(*order)) *order { o := good(); change(o); return o }
	long := strings.Repeat("x", 300)
	for name, test := range map[string]struct {
		input any
		want  gateway.FieldError
	}{
		"embedded":          {with(func(o *order) { o.ID = 0 }), broken("id", "min", "1", "id must be 1 or greater")},
		"an empty slice":    {with(func(o *order) { o.Items = nil }), broken("items", "min", "1", "items must contain at least 1 item")},
		"an element":        {with(func(o *order) { o.Items = append(o.Items, item{Name: "b"}, item{}) }), broken("items[2].name", "required", "", "name is a required field")},
		"behind pointers":   {with(func(o *order) { o.More = []*item{nil, {Name: "toolong"}} }), broken("more[1].name", "max", "5", "name must be a maximum of 5 characters in length")},
		"a pointer":         {with(func(o *order) { o.To = &item{} }), broken("to.name", "required", "", "name is a required field")},
		"a map's key":       {with(func(o *order) { o.Labels = map[string]string{"long": "x"} }), broken("labels[long]", "max", "3", "labels[long] must be a maximum of 3 characters in length")},
		"a map's value":     {with(func(o *order) { o.Labels = map[string]string{"a": ""} }), broken("labels[a]", "required", "", "labels[a] is a required field")},
		"in a map":          {with(func(o *order) { o.Groups = map[string]item{"g": {}} }), broken("groups[g].name", "required", "", "name is a required field")},
		"a slice of slices": {with(func(o *order) { o.Nested = [][]item{{}, {{Name: "a"}, {}}} }), broken("nested[1][1].name", "required", "", "name is a required field")},
		"no name in JSON":   {with(func(o *order) { o.NoName = "long" }), broken("NoName", "max", "3", "NoName must be a maximum of 3 characters in length")},
		"another field":     {with(func(o *order) { o.Mail = "a@b.cd" }), broken("again", "eqfield", "Mail", "again must be equal to Mail")},
		"recursive":         {&node{Name: "a", Kids: []node{{Name: "b", Kids: []node{{}}}}}, broken("kids[0].kids[0].name", "required", "", "name is a required field")},
		"a slice itself":    {&[]item{{Name: "a"}, {}}, broken("[1].name", "required", "", "name is a required field")},
		"a map itself":      {&map[string]*item{"k": {}}, broken("[k].name", "required", "", "name is a required field")},
		"a generic type":    {&page[item]{}, broken("of.name", "required", "", "name is a required field")},
		"a type of no name": {&struct {
			A int `validate:"max=3"`
		}{4}, broken("A", "max", "3", "A must be 3 or less")},
		"a client's own key": {&map[string]*item{long: {}}, broken("["+long[:199]+"…", "required", "", "name is a required field")},
		"words of its own": {&struct {
			C string `json:"c" validate:"hexcolor|rgb"`
		}{"x"}, broken("c", "hexcolor|rgb", "", "c does not meet the rule hexcolor|rgb")},
	} {
		t.Run(name, func(t *testing.T) {
			err := v.Validate(context.Background(), test.input)
			wrong := assert.ErrorAs[*gateway.Error](t, err)
			assert.Equal(t, wrong.Code, gateway.CodeInvalid)
			assert.Equal(t, wrong.Message, test.want.Message)
			assert.Equal(t, wrong.Details, any([]gateway.FieldError{test.want}))
		})
	}
}

type page[T any] struct {
	Of T `json:"of"`
}

func TestWhatHasNoRules(t *testing.T) {
	v := validate.New(nil)
	var none *order
	text, when := "", time.Time{}
	for _, input := range []any{&text, &when, new(any), new([]string), none, &none, nil, &struct{ A int }{}} {
		assert.NoError(t, v.Validate(context.Background(), input), fmt.Sprintf("%T", input))
		if input != nil {
			assert.NoError(t, v.Check(reflect.TypeOf(input)), fmt.Sprintf("%T", input))
		}
	}
}

func TestErrorsAreFew(t *testing.T) {
	items := make([]item, 1000)
	for max, want := range map[int]int{0: 20, 3: 3} {
		err := validate.New(&validate.Options{MaxErrors: max}).Validate(context.Background(), &items)
		assert.Equal(t, len(assert.ErrorAs[*gateway.Error](t, err).Details.([]gateway.FieldError)), want)
	}
}

// A long key is part of the path of all that it holds.
func TestLongKeysOfManyValues(t *testing.T) {
	type input struct {
		Groups map[string][]item `json:"groups" validate:"dive,dive"`
		File   []byte            `json:"file"`
	}
	v := validate.New(nil)
	assert.NoError(t, v.Check(reflect.TypeFor[input]()))
	with := func(key, items int) error {
		return v.Validate(context.Background(), &input{map[string][]item{strings.Repeat("k", key): make([]item, items)}, make([]byte, 50<<20)})
	}
	refused := assert.ErrorAs[*gateway.Error](t, with(500_000, 100_000)) // in 800 KB of JSON: 100 GB of paths
	assert.Equal(t, refused.Code, gateway.CodeInvalid)
	assert.True(t, strings.Contains(refused.Message, "too long"), refused.Message)
	for _, fine := range [][2]int{{500_000, 1}, {5, 100_000}} {
		named := assert.ErrorAs[*gateway.Error](t, with(fine[0], fine[1]))
		assert.Equal(t, named.Details.([]gateway.FieldError)[0].Rule, "required")
	}
}

func TestKorean(t *testing.T) {
	v := validate.New(&validate.Options{Language: validate.Korean})
	err := v.Validate(context.Background(), &struct {
		Name  string `json:"name" validate:"required"`
		Color string `json:"color" validate:"hexcolor|rgb"`
	}{})
	assert.Equal(t, assert.ErrorAs[*gateway.Error](t, err).Details, any([]gateway.FieldError{
		{Path: "name", Rule: "required", Message: "name은(는) 필수 필드입니다."},
		{Path: "color", Rule: "hexcolor|rgb", Message: "color은(는) 규칙 hexcolor|rgb에 맞지 않습니다."},
	}))
}

func TestRulesOfTheApplication(t *testing.T) {
	v := validate.New(&validate.Options{Rules: map[string]validate.Rule{
		"even": {Holds: func(value any, _ string) bool { return value.(int)%2 == 0 }, Message: "{0} is odd"},
		"in":   {Holds: func(value any, param string) bool { return strings.Contains(param, value.(string)) }},
	}})
	type input struct {
		N int    `json:"n" validate:"even"`
		S string `json:"s" validate:"in=abc"`
	}
	assert.NoError(t, v.Check(reflect.TypeFor[input]()))
	assert.NoError(t, v.Validate(context.Background(), &input{2, "a"}))
	err := v.Validate(context.Background(), &input{3, "x"})
	assert.Equal(t, assert.ErrorAs[*gateway.Error](t, err).Details, any([]gateway.FieldError{
		{Path: "n", Rule: "even", Message: "n is odd"},
		{Path: "s", Rule: "in", Param: "abc", Message: "s does not meet the rule in"},
	}))
	err = v.Check(reflect.TypeFor[struct {
		S []string `validate:"dive,even"`
	}]())
	assert.True(t, err != nil && strings.Contains(err.Error(), `the rule "even"`), err)
	for name, rule := range map[string]validate.Rule{"dive": {Holds: func(any, string) bool { return true }}, "empty": {}} {
		func() {
			defer func() { assert.True(t, recover() != nil, name) }()
			validate.New(&validate.Options{Rules: map[string]validate.Rule{name: rule}})
		}()
	}
}

func TestMistakesAreFoundAtStart(t *testing.T) {
	v := validate.New(nil)
	for _, test := range []struct {
		input any
		want  string // "": none
	}{
		{struct {
			A string `validate:"required,nosuch=1"`
		}{}, `A: the rule "nosuch=1": Undefined validation function 'nosuch'`},
		{struct {
			A bool `validate:"required,max=3"`
		}{}, `A: the rule "max=3": Bad field type bool`},
		{struct {
			A *struct{} `validate:"omitempty,max=3"`
		}{}, `A: the rule "max=3": Bad field type`},
		{struct {
			A []bool `validate:"omitempty,dive,required,min=3"`
		}{}, `A: the rule "min=3": Bad field type bool`},
		{struct {
			A map[bool]int `validate:"dive,keys,max=3,endkeys,max=3"`
		}{}, `A: the rule "max=3": Bad field type bool`},
		{struct {
			A map[int]bool `validate:"dive,keys,max=3,endkeys,max=3"`
		}{}, `A: the rule "max=3": Bad field type bool`},
		{struct {
			A map[int]int `validate:"dive,keys,max=3,endkeys,max=3"`
		}{}, ``},
		{struct {
			A int `validate:"max=three"`
		}{}, `A: the rule "max=three"`},
		{struct {
			A int `validate:"dive"`
		}{}, `A: dive is for slices and maps`},
		{struct {
			A []int `validate:"keys,endkeys"`
		}{}, `A: keys stands behind dive`},
		{struct {
			A []int `validate:"dive,endkeys"`
		}{}, `A: endkeys stands behind keys`},
		{struct {
			A int `validate:"required,"`
		}{}, `A: a rule between the commas is missing`},
		{struct {
			A int `validate:"eqfield=B"`
		}{}, `A: the rule "eqfield=B":  has no field B`},
		{struct {
			A int `validate:"required_if=B"`
		}{}, `A: the rule "required_if=B": a value is missing`},
		{struct {
			A int `validate:"required_with="`
		}{}, `A: the rule "required_with=" names no field`},
		{struct {
			A, B int `validate:"required_if=B 1"`
		}{}, ``},
		{struct{ A []item }{}, `A: its elements have rules, and no dive leads to them`},
		{struct {
			A []item `validate:"-"`
		}{}, ``},
		{struct {
			A [][]item `validate:"dive"`
		}{}, `A: its elements have rules, and no dive leads to them`},
		{struct {
			A map[string][]*item `validate:"dive,min=1,dive"`
		}{}, ``},
		{struct {
			A struct {
				B []struct {
					C string `validate:"odd"`
				} `validate:"dive"`
			}
		}{}, `C: the rule "odd"`},
		{[]map[int]struct {
			A string `validate:"odd"`
		}{}, `A: the rule "odd"`},
		{struct {
			A int `default:"many"`
		}{}, `A: the default "many"`},
		{struct {
			A bool `default:"true"`
		}{}, `A: the default true, which no client could change`},
		{struct {
			A *bool `default:"true"`
		}{}, ``},
		{struct {
			A time.Duration `default:"5"`
		}{}, `A: the default "5"`},
		{struct {
			a int `default:"x" validate:"nosuch"`
		}{}, ``}, //nolint:unused // not looked at
	} {
		err := v.Check(reflect.TypeOf(test.input))
		if test.want == "" {
			assert.NoError(t, err, fmt.Sprintf("%T", test.input))
			continue
		}
		assert.True(t, err != nil && strings.Contains(err.Error(), test.want), fmt.Sprintf("%T", test.input), err)
	}
}

type settings struct {
	Name  string          `json:"name" default:"untitled" validate:"max=10"`
	Size  int             `json:"size" default:"20"`
	Loud  *bool           `json:"loud" default:"true"`
	Limit *int            `json:"limit" default:"7"`
	Wait  time.Duration   `json:"wait" default:"1m30s"`
	Since time.Time       `json:"since" default:"2026-01-02T03:04:05Z"`
	Tags  []string        `json:"tags" default:"[\"a\",\"b\"]"`
	Items []item          `json:"items" validate:"dive"`
	Map   map[string]item `json:"map" validate:"dive"`
	Deep  struct {
		Rate float64 `json:"rate" default:"0.5"`
	} `json:"deep"`
	To *item `json:"to"`
}

func TestDefaults(t *testing.T) {
	v := validate.New(nil)
	assert.NoError(t, v.Check(reflect.TypeFor[settings]()))
	var s settings
	s.Items = []item{{Name: "a"}, {Name: "b", Count: 3}}
	s.Map = map[string]item{"m": {Name: "m"}}
	s.To = &item{Name: "to"}
	assert.NoError(t, v.Validate(context.Background(), &s))
	yes, seven := true, 7
	want := settings{
		Name: "untitled", Size: 20, Loud: &yes, Limit: &seven, Wait: 90 * time.Second,
		Since: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Tags: []string{"a", "b"},
		Items: []item{{"a", 1}, {"b", 3}}, Map: map[string]item{"m": {"m", 1}}, To: &item{"to", 1},
	}
	want.Deep.Rate = 0.5
	assert.Equal(t, s, want)

	s.Tags[0] = "changed" // no two inputs share one
	no, zero := false, 0
	other := settings{Name: "x", Size: 1, Loud: &no, Limit: &zero}
	assert.NoError(t, v.Validate(context.Background(), &other))
	assert.Equal(t, []any{other.Name, other.Size, *other.Loud, *other.Limit, other.Tags}, []any{"x", 1, false, 0, []string{"a", "b"}})
	err := v.Validate(context.Background(), &settings{Name: "much too long"})
	assert.Equal(t, assert.ErrorAs[*gateway.Error](t, err).Code, "invalid")
}

type trimmed struct {
	Text string `json:"text" validate:"required"`
}

func (t *trimmed) Normalize() { t.Text = strings.TrimSpace(t.Text) }

// TestOverTheWire asks a gateway, with one argument, several, any number, and pointers.
func TestOverTheWire(t *testing.T) {
	app, err := gateway.NewApp(&gateway.Options{Validator: validate.New(nil)},
		gateway.New("/v", gateway.Anyone, func(g *gateway.Namespace[gateway.Nobody]) {
			gateway.On(g, "one", func(_ *gateway.Context[gateway.Nobody], in trimmed) (string, error) { return in.Text, nil })
			gateway.On(g, "pointer", func(_ *gateway.Context[gateway.Nobody], in *trimmed) (*trimmed, error) { return in, nil })
			gateway.On(g, "two", func(_ *gateway.Context[gateway.Nobody], in gateway.Args2[int, trimmed]) (string, error) {
				return in.B.Text, nil
			})
			gateway.On(g, "three", func(_ *gateway.Context[gateway.Nobody], in gateway.Args3[string, []item, *item]) (int, error) {
				return in.B[0].Count, nil
			})
			gateway.On(g, "rest", func(_ *gateway.Context[gateway.Nobody], in gateway.Rest[*trimmed]) (int, error) { return len(in), nil })
			gateway.On(g, "list", func(_ *gateway.Context[gateway.Nobody], in []trimmed) (int, error) { return len(in), nil })
		}))
	assert.NoError(t, err)
	host := httptest.NewServer(app)
	defer host.Close()
	defer func() { assert.NoError(t, app.Stop(context.Background())) }()
	c := wstest.Join(t, host.URL, "/v", "")
	missing := func(path, field, pattern string) string {
		message := field + " is a required field"
		return fmt.Sprintf(`[{"status":"error","code":"invalid","message":%q,"details":[{"path":%q,"rule":"required","message":%q}],"cause":{"pattern":%q}}]`, message, path, message, pattern)
	}
	for _, test := range []struct{ event, answer string }{
		{`["one",{"text":"  hi "}]`, `["hi"]`},
		{`["one",{"text":"   "}]`, missing("text", "text", "one")},
		{`["pointer",{"text":" x "}]`, `[{"text":"x"}]`},
		{`["pointer",null]`, `[null]`},
		{`["pointer",{}]`, missing("text", "text", "pointer")},
		{`["two",1,{"text":" b "}]`, `["b"]`},
		{`["two",1,{"text":" "}]`, missing("[1].text", "text", "two")},
		{`["three","",[{"name":"n"}],{"name":"n"}]`, `[1]`},
		{`["three","",[{"name":"n"},{}],null]`, missing("[1][1].name", "name", "three")},
		{`["three","",[{"name":"n"}],{}]`, missing("[2].name", "name", "three")},
		{`["rest",{"text":"a"},null,{"text":"b"}]`, `[3]`},
		{`["rest",{"text":"a"},{"text":"b"},{}]`, missing("[2].text", "text", "rest")},
		{`["list",[{"text":"a"},{"text":""}]]`, missing("[1].text", "text", "list")},
	} {
		assert.Equal(t, c.Ask("2/v,1"+test.event), "3/v,1"+test.answer)
	}
}

func TestMistakesStopTheApp(t *testing.T) {
	type wrong struct {
		A bool `validate:"required,max=3"`
	}
	_, err := gateway.NewApp(&gateway.Options{Validator: validate.New(nil)},
		gateway.New("/v", gateway.Anyone, func(g *gateway.Namespace[gateway.Nobody]) {
			gateway.Handle(g, "x", func(*gateway.Context[gateway.Nobody], gateway.Args2[int, []*wrong]) error { return nil })
		}))
	assert.True(t, err != nil && strings.Contains(err.Error(), "validate_test.go:") && strings.Contains(err.Error(), `event "x": wrong.A: the rule "max=3"`), err)
	_, err = gateway.NewApp(nil,
		gateway.New("/v", gateway.Anyone, func(g *gateway.Namespace[gateway.Nobody]) {
			gateway.Handle(g, "x", func(*gateway.Context[gateway.Nobody], gateway.Args2[int, []*settings]) error { return nil })
		}))
	assert.True(t, err != nil && strings.Contains(err.Error(), `has a validate tag`) && strings.Contains(err.Error(), `has a default tag`), err)
}

func BenchmarkValidate(b *testing.B) {
	v := validate.New(nil)
	ctx := context.Background()
	in := &struct {
		Room int    `json:"room" validate:"min=1"`
		Text string `json:"text" validate:"required,max=2000"`
	}{7, "hello"}
	b.ReportAllocs()
	for b.Loop() {
		if err := v.Validate(ctx, in); err != nil {
			b.Fatal(err)
		}
	}
}
