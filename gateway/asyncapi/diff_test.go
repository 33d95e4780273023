package asyncapi_test

import (
	"iter"
	"strings"
	"testing"

	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/gateway/asyncapi"
	"github.com/kachi-io/kachi/internal/assert"
)

type nobody = *gateway.Context[gateway.Nobody]

// takes is a document with one event that clients send.
func takes[In any](t *testing.T) *asyncapi.Doc { return shows[In, gateway.None](t) }

// answers is a document with one event and its result.
func answers[Out any](t *testing.T) *asyncapi.Doc { return shows[gateway.None, Out](t) }

func shows[In, Out any](t *testing.T) *asyncapi.Doc {
	return registers(t, func(g *gateway.Namespace[gateway.Nobody]) {
		gateway.On(g, "e", func(nobody, In) (out Out, _ error) { return out, nil })
	})
}

// sends is a document with one event that the server sends.
func sends[T any](t *testing.T) *asyncapi.Doc {
	e := gateway.NewEvent[T]("e")
	return registers(t, func(g *gateway.Namespace[gateway.Nobody]) { g.Emits(e) })
}

func registers(t *testing.T, register func(*gateway.Namespace[gateway.Nobody])) *asyncapi.Doc {
	return document(t, gateway.New("/n", gateway.Anyone, register))
}

func TestDiff(t *testing.T) {
	type (
		a  struct{ A string }
		b  struct{ A string }
		ab struct {
			A string
			B int `json:",omitempty"`
		}
		abRequired struct {
			A string
			B int `validate:"required"`
		}
		maybe struct{ A *string }
		opt   struct {
			A *string `json:",omitempty"`
		}
		number struct{ A int }
		some   struct {
			A string `validate:"oneof=x y"`
		}
		fewer struct {
			A string `validate:"oneof=x"`
		}
		long struct {
			A string `validate:"max=9"`
		}
		short struct {
			A string `validate:"max=5"`
		}
		mail struct {
			A string `validate:"email"`
		}
		odd struct {
			A string `validate:"mine"`
		}
		list   struct{ A []a }
		lists  struct{ A []number }
		binary struct{ A []byte }
		text   struct{ A string }
		whole  struct{ A map[string]int }
		part   struct{ A map[string]float64 }
		unique struct {
			A []a `validate:"unique"`
		}
	)
	one, other := gateway.NewEvent[string]("one"), gateway.NewEvent[string]("other")
	stream := func(item gateway.OutEvent[string]) *asyncapi.Doc {
		return registers(t, func(g *gateway.Namespace[gateway.Nobody]) { gateway.Stream(g, "e", item, words); g.Emits(one, other) })
	}
	deprecated := registers(t, func(g *gateway.Namespace[gateway.Nobody]) {
		gateway.On(g, "e", func(nobody, gateway.None) (gateway.None, error) { return gateway.None{}, nil }).Deprecated("nothing").Describe("does")
	})
	for _, test := range []struct {
		name     string
		old, now *asyncapi.Doc
		want     []string
	}{
		{"nothing", document(t), document(t), nil},
		{"another name of the type", takes[a](t), takes[b](t), nil},
		{"namespaces", document(t, gateways()[0]), document(t, gateways()[1]), []string{"breaking /chat: the namespace is gone", "compatible /private: the namespace is new"}},
		{"event gone", takes[a](t), registers(t, nothing), []string{"breaking /n: the namespace is gone"}},
		{"sent instead", takes[a](t), sends[a](t), []string{"breaking /n e: the event is not taken any more", "compatible /n e: the event is sent now"}},
		{"taken instead", sends[a](t), takes[a](t), []string{"breaking /n e: the event is not sent any more", "compatible /n e: the event is taken now"}},
		{"deprecated", answers[gateway.None](t), deprecated, []string{"compatible /n e: it is deprecated now: nothing", "compatible /n e: the description changed"}},
		{"not deprecated", deprecated, answers[gateway.None](t), []string{"compatible /n e: it is not deprecated any more", "compatible /n e: the description changed"}},

		{"in: optional field", takes[a](t), takes[ab](t), []string{"compatible /n e: B: the field is new"}},
		{"in: required field", takes[a](t), takes[abRequired](t), []string{"breaking /n e: B: the field is new, and required"}},
		{"in: field gone", takes[ab](t), takes[a](t), []string{"breaking /n e: B: the field is gone"}},
		{"in: field required", takes[ab](t), takes[abRequired](t), []string{"breaking /n e: B: it is required now", "breaking /n e: B: what it must not be changed"}},
		{"in: null", takes[a](t), takes[maybe](t), []string{"compatible /n e: A: it can be null now"}},
		{"in: no null", takes[maybe](t), takes[a](t), []string{"breaking /n e: A: it cannot be null any more"}},
		{"in: type", takes[a](t), takes[number](t), []string{"breaking /n e: A: it was string and is integer now"}},
		{"in: wider number", takes[whole](t), takes[part](t), []string{"compatible /n e: A.*: it was integer and can be number now"}},
		{"in: narrower number", takes[part](t), takes[whole](t), []string{"breaking /n e: A.*: it was number and has to be integer now"}},
		{"in: enum", takes[a](t), takes[some](t), []string{`breaking /n e: A: it has to be one of "x", "y" now`}},
		{"in: smaller enum", takes[some](t), takes[fewer](t), []string{`breaking /n e: A: it cannot be "y" any more`}},
		{"in: larger enum", takes[fewer](t), takes[some](t), []string{`compatible /n e: A: it can be "y" now`}},
		{"in: limit", takes[a](t), takes[long](t), []string{"breaking /n e: A: the longest length is 9 now"}},
		{"in: lower limit", takes[long](t), takes[short](t), []string{"breaking /n e: A: the longest length was 9 and is 5 now"}},
		{"in: higher limit", takes[short](t), takes[long](t), []string{"compatible /n e: A: the longest length was 5 and is 9 now"}},
		{"in: no limit", takes[short](t), takes[a](t), []string{"compatible /n e: A: the longest length of 5 is gone"}},
		{"in: format", takes[a](t), takes[mail](t), []string{"breaking /n e: A: the format is email now"}},
		{"in: rule", takes[a](t), takes[odd](t), []string{"breaking /n e: A: the rule is mine now"}},
		{"in: unique", takes[list](t), takes[unique](t), []string{"breaking /n e: A: the items have to be different now"}},
		{"in: not unique", takes[unique](t), takes[list](t), []string{"compatible /n e: A: the items may be equal now"}},
		{"in: items", takes[list](t), takes[lists](t), []string{"breaking /n e: A[].A: it was string and is integer now"}},
		{"in: binary", takes[text](t), takes[binary](t), []string{"breaking /n e: A: it was string and is binary now"}},
		{"in: anything", takes[string](t), takes[any](t), []string{"compatible /n e: it can be anything now, not only string"}},
		{"in: no more anything", takes[any](t), takes[string](t), []string{"breaking /n e: it was anything, and has to be string now"}},
		{"in: an argument", takes[gateway.None](t), takes[string](t), []string{"breaking /n e: there is an argument now"}},
		{"in: an optional argument", takes[gateway.None](t), takes[*string](t), []string{"compatible /n e: there is an argument now"}},
		{"in: no argument", takes[string](t), takes[gateway.None](t), []string{"breaking /n e: there is no argument any more"}},
		{"in: two arguments", takes[string](t), takes[gateway.Args2[string, int]](t), []string{"breaking /n e: the number of arguments changed"}},
		{"in: three arguments", takes[gateway.Args2[int, int]](t), takes[gateway.Args3[int, int, int]](t), []string{
			"breaking /n e: there were 2 arguments, and there are 3 now"}},
		{"in: another argument", takes[gateway.Args2[int, int]](t), takes[gateway.Args2[int, bool]](t), []string{"breaking /n e: [1]: it was integer and is boolean now"}},
		{"in: above zero", takes[struct{ A float64 }](t), takes[struct {
			A float64 `validate:"gt=0"`
		}](t), []string{"breaking /n e: A: the exclusive minimum is 0 now"}},
		{"in: length of nothing", takes[a](t), takes[struct {
			A string `validate:"min=0"`
		}](t), []string{"compatible /n e: A: the shortest length is 0 now"}},
		{"in: default", takes[struct {
			A int `default:"1"`
		}](t), takes[struct {
			A int `default:"2"`
		}](t), []string{"compatible /n e: A: the default was 1 and is 2 now"}},
		{"in: patterns", takes[struct {
			A string `validate:"startswith=a,endswith=b,contains=c"`
		}](t), takes[struct {
			A string `validate:"startswith=a,endswith=b"`
		}](t), []string{"compatible /n e: A: the pattern c is gone"}},
		{"in: more patterns", takes[struct {
			A string `validate:"startswith=a,endswith=b"`
		}](t), takes[struct {
			A string `validate:"startswith=a,contains=c,endswith=b"`
		}](t), []string{"breaking /n e: A: the pattern is c now"}},
		{"in: recursion", takes[Tree](t), takes[Tree](t), nil},

		{"out: field", sends[a](t), sends[abRequired](t), []string{"compatible /n e (sent): B: the field is new"}},
		{"out: field gone", sends[ab](t), sends[a](t), []string{"breaking /n e (sent): B: the field is gone"}},
		{"out: optional", sends[abRequired](t), sends[ab](t), []string{"breaking /n e (sent): B: it may be missing now", "compatible /n e (sent): B: what it must not be changed"}},
		{"out: null", sends[a](t), sends[maybe](t), []string{"breaking /n e (sent): A: it can be null now"}},
		{"out: no null", sends[maybe](t), sends[a](t), []string{"compatible /n e (sent): A: it cannot be null any more"}},
		{"out: missing", sends[maybe](t), sends[opt](t), []string{"breaking /n e (sent): A: it may be missing now", "compatible /n e (sent): A: it cannot be null any more"}},
		{"out: enum", sends[some](t), sends[fewer](t), []string{`compatible /n e (sent): A: it cannot be "y" any more`}},
		{"out: larger enum", sends[fewer](t), sends[some](t), []string{`breaking /n e (sent): A: it can be "y" now`}},
		{"out: no enum", sends[some](t), sends[a](t), []string{`breaking /n e (sent): A: it can be more than "x", "y" now`}},
		{"out: wider number", sends[whole](t), sends[part](t), []string{"breaking /n e (sent): A.*: it was integer and can be number now"}},
		{"out: limits", sends[short](t), sends[long](t), []string{"compatible /n e (sent): A: the longest length was 5 and is 9 now"}},
		{"out: anything", sends[string](t), sends[any](t), []string{"breaking /n e (sent): it can be anything now, not only string"}},
		{"out: map", sends[whole](t), sends[struct{ A a }](t), []string{"breaking /n e (sent): A: members of any name: that changed", "compatible /n e (sent): A.A: the field is new"}},
		{"out: patterns", sends[struct {
			A string `validate:"startswith=a,endswith=b"`
		}](t), sends[struct {
			A string `validate:"startswith=a,endswith=c"`
		}](t), []string{"compatible /n e (sent): A: the pattern b$ is gone", "compatible /n e (sent): A: the pattern is c$ now"}},
		{"out: no argument", sends[string](t), sends[gateway.None](t), []string{"breaking /n e (sent): there is no argument any more"}},
		{"out: an argument", sends[gateway.None](t), sends[string](t), []string{"compatible /n e (sent): there is an argument now"}},

		{"ack: type", answers[string](t), answers[int](t), []string{"breaking /n e (ack): it was string and is integer now"}},
		{"ack: field", answers[a](t), answers[ab](t), []string{"compatible /n e (ack): B: the field is new"}},
		{"ack: empty", answers[a](t), answers[gateway.None](t), []string{"breaking /n e (ack): there is no argument any more"}},
		{"ack: not empty", answers[gateway.None](t), answers[a](t), []string{"compatible /n e (ack): there is an argument now"}},
		{"items", stream(one), stream(other), []string{`breaking /n e: the items are sent as "other" and not as "one"`}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var got []string
			for _, c := range asyncapi.Diff(test.old, test.now) {
				got = append(got, strings.Join(strings.Fields(c.String()), " "))
			}
			assert.Equal(t, got, test.want)
			breaking := len(test.want) > 0 && strings.HasPrefix(test.want[0], "breaking")
			assert.Equal(t, asyncapi.Breaking(asyncapi.Diff(test.old, test.now)), breaking)
			// The same for documents that were read.
			old, err := asyncapi.Parse(test.old.JSON())
			assert.NoError(t, err)
			now, err := asyncapi.Parse(test.now.JSON())
			assert.NoError(t, err)
			assert.Equal(t, asyncapi.Diff(old, now), asyncapi.Diff(test.old, test.now))
		})
	}
}

func nothing(*gateway.Namespace[gateway.Nobody]) {}

func words(nobody, gateway.None) iter.Seq2[string, error] { return nil }
