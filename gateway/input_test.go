package gateway_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/internal/assert"
)

func TestResultsAndInputs(t *testing.T) {
	_, url := start(t, nil, gateway.New("/chat", byName, func(g *gateway.Namespace[user]) {
		g.Emits(posted, joined, moved, empty)
		gateway.On(g, "post", func(c *gateway.Context[user], in post) (receipt, error) {
			return receipt{in.Room}, posted.Emit(c, c.Others(), in)
		})
		gateway.On(g, "whoami", func(c *gateway.Context[user], _ gateway.None) (string, error) { return c.Principal.Name, nil })
		gateway.Handle(g, "nothing", func(*gateway.Context[user], gateway.None) error { return nil })
		gateway.On(g, "add", func(_ *gateway.Context[user], in gateway.Args2[int, int]) (int, error) { return in.A + in.B, nil })
		gateway.On(g, "pair", func(_ *gateway.Context[user], in [2]int) (int, error) { return in[0] * in[1], nil })
		gateway.On(g, "sum", func(_ *gateway.Context[user], in gateway.Rest[int]) (sum int, _ error) {
			for _, n := range in {
				sum += n
			}
			return sum, nil
		})
		gateway.On(g, "swap", func(_ *gateway.Context[user], in gateway.Args2[int, string]) (gateway.Args2[string, int], error) {
			return gateway.Args2[string, int]{A: in.B, B: in.A}, nil
		})
		gateway.On(g, "raw", func(_ *gateway.Context[user], in gateway.Raw) (int, error) { return in.Len(), nil })
		gateway.On(g, "maybe", func(_ *gateway.Context[user], in *int) (bool, error) { return in != nil, nil })
		gateway.On(g, "any", func(_ *gateway.Context[user], in any) (any, error) { return in, nil })
		gateway.On(g, "reply", func(c *gateway.Context[user], in string) (gateway.Reply[string], error) {
			return gateway.Reply[string]{Event: joined, Data: in}, nil
		})
		gateway.On(g, "byHand", func(c *gateway.Context[user], _ gateway.None) (string, error) {
			return "too late", c.Ack("by hand")
		})
		gateway.Handle(g, "events", func(c *gateway.Context[user], _ gateway.None) error {
			return errors.Join(moved.Emit(c, c.Client(), gateway.Args2[int, int]{A: 1, B: 2}), empty.Emit(c, c.Client(), gateway.None{}))
		})
	}))
	c := join(t, url, "/chat", `{"name":"Mina"}`)
	for _, test := range []struct{ event, answer string }{
		{`["whoami"]`, `["Mina"]`},
		{`["whoami",null]`, `["Mina"]`},
		{`["nothing"]`, `[]`},
		{`["add",1,2]`, `[3]`},
		{`["pair",[3,4]]`, `[12]`},
		{`["sum"]`, `[0]`},
		{`["sum",1,2,3]`, `[6]`},
		{`["swap",1,"x"]`, `["x",1]`},
		{`["raw",1,[2],null]`, `[3]`},
		{`["maybe"]`, `[false]`},
		{`["maybe",null]`, `[false]`},
		{`["maybe",1]`, `[true]`},
		{`["any",{"a":[1]}]`, `[{"a":[1]}]`},
		{`["any",null]`, `[null]`},
		{`["byHand"]`, `["by hand"]`},
		{`["post",{"room":7,"text":"hi"}]`, `[{"id":7}]`},
		{`["whoami",1]`, `[{"status":"error","code":"bad_request","message":"no argument is taken, and 1 came","cause":{"pattern":"whoami"}}]`},
		{`["add",1]`, `[{"status":"error","code":"bad_request","message":"2 arguments are taken, and 1 came","cause":{"pattern":"add"}}]`},
		{`["add",[1,2]]`, `[{"status":"error","code":"bad_request","message":"2 arguments are taken, and 1 came","cause":{"pattern":"add"}}]`},
		{`["pair",3,4]`, `[{"status":"error","code":"bad_request","message":"one argument is taken, and 2 came","cause":{"pattern":"pair"}}]`},
		{`["add",1,"x"]`, `[{"status":"error","code":"bad_request","message":"[1] is to be an integer, and is string","details":[{"path":"[1]","rule":"type","param":"an integer","message":"[1] is to be an integer, and is string"}],"cause":{"pattern":"add"}}]`},
		{`["post"]`, `[{"status":"error","code":"bad_request","message":"an argument is missing","cause":{"pattern":"post"}}]`},
		{`["post",null]`, `[{"status":"error","code":"bad_request","message":"the argument is null","cause":{"pattern":"post"}}]`},
		{`["post",{"room":"7","text":"hi"}]`, `[{"status":"error","code":"bad_request","message":"room is to be an integer, and is string","details":[{"path":"room","rule":"type","param":"an integer","message":"room is to be an integer, and is string"}],"cause":{"pattern":"post"}}]`},
		{`["post",{"rom":7}]`, `[{"status":"error","code":"bad_request","message":"rom is not known","details":[{"path":"rom","rule":"unknown","message":"rom is not known"}],"cause":{"pattern":"post"}}]`},
		{`["post",{"room":7}]`, `[{"status":"error","code":"invalid","message":"text is missing","details":[{"path":"text","rule":"required","message":"text is missing"}],"cause":{"pattern":"post"}}]`},
		{`["post",{"text":"much too long"}]`, `[{"status":"error","code":"invalid","message":"text is too long","details":[{"path":"","rule":"valid","message":"text is too long"}],"cause":{"pattern":"post"}}]`},
		{`["unknown"]`, `[{"status":"error","code":"not_found","message":"There is no such event","cause":{"pattern":"unknown"}}]`},
	} {
		c.send("2/chat,1" + test.event)
		c.expect("3/chat,1" + test.answer)
	}
	c.send(`2/chat,1["reply","x"]`)
	c.expect(`2/chat,["joined","x"]`)
	c.expect(`3/chat,1[]`)
	c.send(`2/chat,["events"]`)
	c.expect(`2/chat,["moved",1,2]`)
	c.expect(`2/chat,["empty"]`)
	c.send(`2/chat,["unknown"]`)
	c.expect(`2/chat,["exception",{"status":"error","code":"not_found","message":"There is no such event","cause":{"pattern":"unknown"}}]`)
}

// What a handler takes is there, unless its type has a value for what is not.
func TestMissingAndNull(t *testing.T) {
	_, url := start(t, nil, gateway.New("/c", gateway.Anyone, func(g *gateway.Namespace[gateway.Nobody]) {
		gateway.On(g, "raw", func(_ *nobody, in json.RawMessage) (json.RawMessage, error) { return in, nil })
		gateway.On(g, "raw maybe", func(_ *nobody, in *json.RawMessage) (bool, error) { return in != nil, nil })
		gateway.On(g, "any", func(_ *nobody, in any) (any, error) { return in, nil })
		gateway.On(g, "map", func(_ *nobody, in map[string]int) (bool, error) { return in == nil, nil })
		gateway.On(g, "list", func(_ *nobody, in []int) (int, error) { return len(in), nil })
		gateway.On(g, "maybe", func(_ *nobody, in *int) (bool, error) { return in != nil, nil })
		gateway.On(g, "two", func(_ *nobody, in gateway.Args2[int, *int]) (bool, error) { return in.B != nil, nil })
		gateway.On(g, "sum", func(_ *nobody, in gateway.Rest[int]) (int, error) { return len(in), nil })
		gateway.On(g, "all", func(_ *nobody, in gateway.Rest[any]) (int, error) { return len(in), nil })
	}))
	c := join(t, url, "/c", "")
	bad := func(message string) string {
		return `{"status":"error","code":"bad_request","message":"` + message + `"`
	}
	const missing, null = "an argument is missing", "the argument is null"
	for event, want := range map[string]string{
		`["raw"]`:            bad(missing),
		`["raw",null]`:       `null`,
		`["raw",{"a": 1}]`:   `{"a": 1}`,
		`["raw maybe"]`:      `false`,
		`["raw maybe",null]`: `false`,
		`["raw maybe",1]`:    `true`,
		`["any"]`:            bad(missing),
		`["any",null]`:       `null`,
		`["map"]`:            bad(missing),
		`["map",null]`:       `true`,
		`["list"]`:           bad(missing),
		`["list",null]`:      bad(null),
		`["maybe"]`:          `false`,
		`["maybe",null]`:     `false`,
		`["two",1,null]`:     `false`,
		`["two",1,2]`:        `true`,
		`["two",1]`:          bad("2 arguments are taken, and 1 came"),
		`["two",null,2]`:     bad("[0] is null"),
		`["sum",1,null]`:     bad("[1] is null"),
		`["sum",null]`:       bad("the argument is null"),
		`["all",1,null]`:     `2`,
	} {
		c.send("2/c,1" + event)
		answer := c.Next(t)
		assert.True(t, strings.HasPrefix(answer, "43/c,1["+want), event, answer)
	}
}
