package conformance_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/nodetest"
	"github.com/kachi-io/kachi/internal/wstest"
	"github.com/kachi-io/kachi/socketio"
)

type nobody = gateway.Context[gateway.Nobody]

var answered = gateway.NewEvent[string]("answered")

// failing is a gateway that fails in each way that there is.
func failing(g *gateway.Namespace[gateway.Nobody]) {
	g.Emits(answered)
	gateway.Handle(g, "coded", func(*nobody, any) error { return gateway.NewError("teapot", "short and stout") })
	gateway.Handle(g, "unexpected", func(*nobody, any) error { return errors.New("the password is 1234") })
	gateway.Handle(g, "panic", func(*nobody, any) error { panic("on purpose") })
	gateway.Handle(g, "guarded", func(*nobody, any) error { return nil }).
		Use(gateway.Guard(func(*gateway.Call) error { return gateway.Forbidden("Forbidden resource") }))
	gateway.Handle(g, "typed", func(*nobody, int) error { return nil })
	gateway.On(g, "slow", func(c *nobody, _ any) (string, error) {
		<-c.Done()
		return "", c.Err()
	}).Patience(time.Millisecond).Parallel(1)
	gateway.On(g, "fine", func(_ *nobody, in any) (any, error) { return in, nil })
	gateway.On(g, "event", func(_ *nobody, in string) (gateway.Reply[string], error) {
		return gateway.Reply[string]{Event: answered, Data: in}, nil
	})
}

// nest starts a server whose errors are those of NestJS.
func nest(t *testing.T, echo bool) string {
	t.Helper()
	app, err := gateway.NewApp(&gateway.Options{Errors: gateway.ErrorsAsEvent, EchoInput: echo}, gateway.New("/c", gateway.Anyone, failing))
	assert.NoError(t, err)
	mux := http.NewServeMux()
	mux.Handle("/socket.io/", app)
	mux.Handle("/ws", app.Server().PlainHandler(socketio.PlainMount{Namespace: "/c"}))
	host := httptest.NewServer(mux)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		assert.NoError(t, app.Stop(ctx))
		host.Close()
	})
	return host.URL
}

func TestErrorsAsNestJSSendsThem(t *testing.T) {
	for name, echo := range map[string]bool{"silent": false, "echoing": true} {
		t.Run(name, func(t *testing.T) {
			given, err := json.Marshal(map[string]any{"url": nest(t, echo), "echo": echo})
			assert.NoError(t, err)
			nodetest.Checks(t, "client/nest.mjs", nil, "KACHI_GIVEN="+string(given))
		})
	}
}

// Clients without a library get the same, in the form of their messages.
func TestErrorsAsNestJSSendsThemToPlainClients(t *testing.T) {
	c := wstest.Dial(t, nest(t, true)+"/ws")
	for _, test := range []struct{ message, answer string }{
		{`{"event":"coded","data":{"a":1}}`, `{"event":"exception","data":{"status":"error","code":"teapot","message":"short and stout","cause":{"pattern":"coded","data":{"a":1}}}}`},
		{`{"event":"coded","data":{"a":1},"id":7}`, `{"event":"exception","data":{"status":"error","code":"teapot","message":"short and stout","cause":{"pattern":"coded","data":{"a":1}}}}`},
		{`{"event":"unexpected","data":2}`, `{"event":"exception","data":{"status":"error","code":"internal","message":"Internal error","cause":{"pattern":"unexpected","data":2}}}`},
		{`{"event":"nothing","data":3}`, `{"event":"exception","data":{"status":"error","code":"not_found","message":"There is no such event","cause":{"pattern":"nothing","data":3}}}`},
		{`{"event":"event","data":"x"}`, `{"event":"answered","data":"x"}`},
	} {
		assert.NoError(t, c.SendText(test.message))
		c.Expect(t, test.answer)
	}
}
