package gateway_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/kachi-io/kachi/gateway"
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
