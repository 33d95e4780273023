package gateway_test

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/socketio"
)

func TestErrorModes(t *testing.T) {
	register := func(g *gateway.Namespace[gateway.Nobody]) {
		gateway.Handle(g, "fail", func(*gateway.Context[gateway.Nobody], gateway.Raw) error { return gateway.NewError("teapot", "short") })
		gateway.Handle(g, "sync", func(*gateway.Context[gateway.Nobody], gateway.None) error { return nil })
		gateway.Handle(g, "odd", func(*gateway.Context[gateway.Nobody], gateway.None) error {
			return &gateway.Error{Code: "odd", Message: "odd", Details: func() {}}
		})
	}
	const body = `{"status":"error","code":"teapot","message":"short","cause":{"pattern":"fail"}}`
	const echoed = `{"status":"error","code":"teapot","message":"short","cause":{"pattern":"fail","data":{"a":1}}}`
	for name, test := range map[string]struct {
		options gateway.Options
		asked   []string // for an acknowledgement
		untold  []string
	}{
		"ack":   {gateway.Options{}, []string{`3/c,1[` + body + `]`}, []string{`2/c,["exception",` + body + `]`}},
		"event": {gateway.Options{Errors: gateway.ErrorsAsEvent, EchoInput: true}, []string{`2/c,["exception",` + echoed + `]`}, []string{`2/c,["exception",` + echoed + `]`}},
		"both":  {gateway.Options{Errors: gateway.ErrorsInBoth}, []string{`3/c,1[` + body + `]`, `2/c,["exception",` + body + `]`}, []string{`2/c,["exception",` + body + `]`}},
	} {
		t.Run(name, func(t *testing.T) {
			_, url := start(t, &test.options, gateway.New("/c", gateway.Anyone, register))
			c := join(t, url, "/c", "")
			c.send(`2/c,1["fail",{"a":1}]`)
			for _, want := range test.asked {
				c.expect(want)
			}
			c.send(`2/c,["fail",{"a":1}]`)
			for _, want := range test.untold {
				c.expect(want)
			}
			c.send(`2/c,5["sync"]`)
			c.expect(`3/c,5[]`)
		})
	}
	_, url := start(t, nil, gateway.New("/c", gateway.Anyone, register))
	c := join(t, url, "/c", "")
	c.send(`2/c,1["odd"]`)
	c.expect(`3/c,1[{"status":"error","code":"odd","message":"odd","cause":{"pattern":"odd"}}]`)
}

func TestEveryAckIsAnswered(t *testing.T) {
	release := make(chan struct{})
	_, url := start(t, &gateway.Options{ReplyTimeout: 20 * time.Millisecond}, gateway.New("/c", gateway.Anyone, func(g *gateway.Namespace[gateway.Nobody]) {
		gateway.On(g, "slow", func(*gateway.Context[gateway.Nobody], gateway.None) (string, error) {
			<-release
			return "late", nil
		})
		gateway.On(g, "patient", func(*gateway.Context[gateway.Nobody], gateway.None) (string, error) {
			time.Sleep(150 * time.Millisecond) // longer than the time-out and a tick of the clock
			return "done", nil
		}).Patience(-1)
	}))
	c := join(t, url, "/c", "")
	c.send(`2/c,1["slow"]`)
	c.expect(`3/c,1[{"status":"error","code":"timeout","message":"There was no answer in time","cause":{"pattern":"slow"}}]`)
	close(release)
	c.send(`2/c,2["patient"]`)
	c.expect(`3/c,2["done"]`)
}

func TestTimeOutsAreErrorsLikeOthers(t *testing.T) {
	const body = `{"status":"error","code":"timeout","message":"There was no answer in time","cause":{"pattern":"slow"}}`
	for mode, want := range map[gateway.ErrorMode][]string{
		gateway.ErrorsInAck:   {`3/c,1[` + body + `]`},
		gateway.ErrorsAsEvent: {`2/c,["exception",` + body + `]`},
		gateway.ErrorsInBoth:  {`3/c,1[` + body + `]`, `2/c,["exception",` + body + `]`},
	} {
		t.Run(fmt.Sprint(mode), func(t *testing.T) {
			release := make(chan struct{})
			_, url := start(t, &gateway.Options{Errors: mode, ReplyTimeout: 20 * time.Millisecond}, gateway.New("/c", gateway.Anyone, func(g *gateway.Namespace[gateway.Nobody]) {
				gateway.On(g, "slow", func(_ *gateway.Context[gateway.Nobody], fail bool) (string, error) {
					<-release
					if fail {
						return "", gateway.Forbidden("late")
					}
					return "late", nil
				})
				gateway.On(g, "sync", func(*gateway.Context[gateway.Nobody], gateway.None) (string, error) { return "sync", nil }).Patience(-1)
			}))
			c := join(t, url, "/c", "")
			for _, fail := range []string{"false", "true"} {
				c.send(`2/c,1["slow",` + fail + `]`)
				for _, text := range want {
					c.expect(text)
				}
				release <- struct{}{}
				c.send(`2/c,2["sync"]`) // nothing came of what was late
				c.expect(`3/c,2["sync"]`)
			}
		})
	}
}

// thorny panics when it is sent.
type thorny struct{}

func (thorny) MarshalJSON() ([]byte, error) { panic("thorny") }

// What cannot be sent, whatever the reason, is answered nevertheless.
func TestWhatCannotBeSentIsAnswered(t *testing.T) {
	thorn := gateway.NewEvent[thorny]("thorn")
	fail := func(*nobody, gateway.None) (string, error) {
		return "", &gateway.Error{Code: "odd", Message: "odd", Details: thorny{}}
	}
	_, url := start(t, nil, gateway.New("/c", gateway.Anyone, func(g *gateway.Namespace[gateway.Nobody]) {
		g.Emits(thorn)
		result := func(*nobody, gateway.None) (thorny, error) { return thorny{}, nil }
		gateway.On(g, "result", result)
		gateway.On(g, "result beside", result).Parallel(1)
		gateway.On(g, "details", fail)
		gateway.On(g, "details beside", fail).Parallel(1)
		gateway.On(g, "details as event", fail).Errors(gateway.ErrorsAsEvent)
		gateway.On(g, "reply", func(*nobody, gateway.None) (gateway.Reply[thorny], error) {
			return gateway.Reply[thorny]{Event: thorn}, nil
		}).Parallel(1)
		gateway.Handle(g, "no reply", func(*nobody, gateway.None) error { return nil })
		gateway.On(g, "not a number", func(*nobody, gateway.None) (float64, error) { return math.NaN(), nil })
		gateway.On(g, "by hand", func(c *nobody, _ gateway.None) (string, error) { return "", c.Ack(thorny{}) })
		gateway.On(g, "by hand, not a number", func(c *nobody, _ gateway.None) (string, error) { return "", c.Ack(math.Inf(1)) })
		gateway.On(g, "by hand, a second time", func(c *nobody, _ gateway.None) (string, error) {
			if c.Ack(math.NaN()) == nil {
				t.Error("acknowledged")
			}
			return "", c.Ack("done")
		})
	}))
	c := join(t, url, "/c", "")
	internal := func(event string) string {
		return `3/c,1[{"status":"error","code":"internal","message":"Internal error","cause":{"pattern":"` + event + `"}}]`
	}
	odd := func(event string) string {
		return `{"status":"error","code":"odd","message":"odd","cause":{"pattern":"` + event + `"}}]`
	}
	for event, want := range map[string]string{
		"result":                 internal("result"),
		"result beside":          internal("result beside"),
		"details":                `3/c,1[` + odd("details"),
		"details beside":         `3/c,1[` + odd("details beside"),
		"details as event":       `2/c,["exception",` + odd("details as event"),
		"reply":                  internal("reply"),
		"not a number":           internal("not a number"),
		"by hand":                internal("by hand"),
		"by hand, not a number":  internal("by hand, not a number"),
		"by hand, a second time": `3/c,1["done"]`,
	} {
		c.send(`2/c,1["` + event + `"]`)
		c.expect(want)
	}
}

// Who was told of the time-out is not acknowledged by hand, too.
func TestByHandAfterTheTimeOut(t *testing.T) {
	for _, mode := range []gateway.ErrorMode{gateway.ErrorsInAck, gateway.ErrorsAsEvent} {
		release, told := make(chan struct{}), make(chan error, 1)
		_, url := start(t, &gateway.Options{Errors: mode, ReplyTimeout: 20 * time.Millisecond}, gateway.New("/c", gateway.Anyone, func(g *gateway.Namespace[gateway.Nobody]) {
			gateway.Handle(g, "slow", func(c *nobody, _ gateway.None) error {
				<-release
				told <- c.Ack("late")
				return nil
			})
			gateway.On(g, "sync", func(*nobody, gateway.None) (string, error) { return "sync", nil }).Patience(-1)
		}))
		c := join(t, url, "/c", "")
		c.send(`2/c,1["slow"]`)
		answer := c.Next(t)
		assert.True(t, strings.Contains(answer, `"timeout"`), answer)
		close(release)
		assert.ErrorIs(t, assert.Receive(t, told), socketio.ErrAnswered)
		c.send(`2/c,2["sync"]`)
		c.expect(`3/c,2["sync"]`)
	}
}

// What the client sent is repeated as it was sent, whichever error it is that answers, and
// whatever the handler has done with it meanwhile.
func TestEveryErrorEchoes(t *testing.T) {
	release := make(chan struct{})
	o := &gateway.Options{EchoInput: true, ReplyTimeout: 20 * time.Millisecond}
	_, url := start(t, o, gateway.New("/c", gateway.Anyone, func(g *gateway.Namespace[gateway.Nobody]) {
		gateway.Handle(g, "slow", func(_ *nobody, in json.RawMessage) error {
			for i := range in {
				in[i] = '!'
			}
			<-release
			return nil
		})
		gateway.Handle(g, "fail", func(_ *nobody, in json.RawMessage) error {
			for i := range in {
				in[i] = '!'
			}
			return gateway.Forbidden("no")
		}).Patience(-1)
		gateway.Handle(g, "refused", func(*nobody, gateway.Raw) error { return nil })
		g.OnAny(func(c *nobody) error {
			if c.Pattern() == "refused" {
				return gateway.Forbidden("no")
			}
			return nil
		})
	}))
	c := join(t, url, "/c", "")
	c.send(`2/c,1["slow",{"big":12345678901234567890}]`)
	c.expect(`3/c,1[{"status":"error","code":"timeout","message":"There was no answer in time","cause":{"pattern":"slow","data":{"big":12345678901234567890}}}]`)
	close(release)
	for event, cause := range map[string]string{
		`["fail",{"a":1.50}]`:      `{"pattern":"fail","data":{"a":1.50}}`,
		`["fail",1,"two"]`:         `{"pattern":"fail","data":[1,"two"]}`,
		`["fail"]`:                 `{"pattern":"fail"}`,
		`["refused",{"a":1},null]`: `{"pattern":"refused","data":[{"a":1},null]}`,
		`["unknown","x"]`:          `{"pattern":"unknown","data":"x"}`,
	} {
		c.send(`2/c,1` + event)
		answer := c.Next(t)
		assert.True(t, strings.HasSuffix(answer, `"cause":`+cause+`}]`), answer)
	}
	c.send(`51-/c,1["fail",{"file":{"_placeholder":true,"num":0}}]`)
	assert.NoError(t, c.SendBinary([]byte("ab")))
	answer := c.Next(t)
	assert.True(t, strings.HasPrefix(answer, `461-/c,1[`) && strings.Contains(answer, `"data":{"file":{"_placeholder":true,"num":0}}`), answer)
}
