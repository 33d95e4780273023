package gateway_test

import (
	"context"
	"iter"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/wstest"
	"github.com/kachi-io/kachi/socketio"
)

// byToken admits who shows a token, as clients of plain mounts do in a header, a
// subprotocol or a cookie.
var byToken = gateway.AuthenticatorFunc[user](func(_ context.Context, h *gateway.Handshake) (user, error) {
	var auth struct{ Token string }
	if err := h.DecodeAuth(&auth); err != nil {
		return user{}, err
	}
	if auth.Token == "" {
		return user{}, gateway.Unauthorized("Show a token")
	}
	return user{auth.Token}, nil
})

// Clients without a library are served by the same handlers.
func TestPlainWebSocket(t *testing.T) {
	app, err := gateway.NewApp(nil, gateway.New("/chat", byToken, func(g *gateway.Namespace[user]) {
		g.Emits(joined)
		gateway.On(g, "join", func(c *gateway.Context[user], id int) (string, error) {
			c.Join(chats.Of(id))
			return c.Param("client"), joined.Emit(c, c.To(chats.Of(id)), c.Principal.Name)
		})
		gateway.On(g, "add", func(_ *gateway.Context[user], in gateway.Args2[int, int]) (int, error) { return in.A + in.B, nil })
		gateway.On(g, "post", func(c *gateway.Context[user], in post) (receipt, error) { return receipt{in.Room}, nil })
		gateway.Stream(g, "count", item, func(_ *gateway.Context[user], to int) iter.Seq2[int, error] {
			return func(yield func(int, error) bool) {
				for n := range to {
					if !yield(n, nil) {
						return
					}
				}
			}
		})
	}))
	assert.NoError(t, err)
	mux := http.NewServeMux()
	mux.Handle("/socket.io/", app)
	mux.Handle("/ws/{client}", app.Server().PlainHandler(socketio.PlainMount{Namespace: "/chat"}))
	host := httptest.NewServer(mux)
	defer host.Close()
	defer func() { assert.NoError(t, app.Stop(t.Context())) }()

	c, response, err := wstest.Try(host.URL+"/ws/tv", nil)
	assert.NoError(t, err)
	assert.True(t, c == nil)
	assert.Equal(t, response.StatusCode, http.StatusUnauthorized)

	header := wstest.Handshake()
	header.Set("Authorization", "Bearer Mina")
	c, _, err = wstest.Try(host.URL+"/ws/tv", header)
	assert.NoError(t, err)
	defer func() { assert.NoError(t, c.Close()) }()
	other := join(t, host.URL, "/chat", `{"token":"Jun"}`)
	for _, step := range []struct {
		send string
		want []string
	}{
		{`{"event":"join","data":7,"id":1}`, []string{`{"event":"joined","data":"Mina"}`, `{"id":1,"data":"tv"}`}},
		{`{"event":"add","args":[1,2],"id":2}`, []string{`{"id":2,"data":3}`}},
		{`{"event":"post","data":{"room":7},"id":3}`, []string{`{"id":3,"data":{"status":"error","code":"invalid","message":"text is missing","details":[{"path":"text","rule":"required","message":"text is missing"}],"cause":{"pattern":"post"}}}`}},
		{`{"event":"post","data":{"room":7,"text":"hi"}}`, nil},
		{`{"event":"post"}`, []string{`{"event":"exception","data":{"status":"error","code":"bad_request","message":"an argument is missing","cause":{"pattern":"post"}}}`}},
		{`{"event":"count","data":2,"id":4}`, []string{`{"event":"item","data":0}`, `{"event":"item","data":1}`, `{"id":4,"data":{"count":2}}`}},
		{`{"event":"nothing","id":5}`, []string{`{"id":5,"data":{"status":"error","code":"not_found","message":"There is no such event","cause":{"pattern":"nothing"}}}`}},
	} {
		assert.NoError(t, c.SendText(step.send))
		for _, want := range step.want {
			c.Expect(t, want)
		}
	}
	other.send(`2/chat,1["join",7]`)
	other.expect(`2/chat,["joined","Jun"]`)
	other.expect(`3/chat,1[""]`)
	c.Expect(t, `{"event":"joined","data":"Jun"}`)
}
