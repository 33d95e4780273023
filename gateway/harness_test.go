package gateway_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/wstest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type user struct{ Name string }

// byName admits who gives a name as auth.
var byName = gateway.AuthenticatorFunc[user](func(_ context.Context, h *gateway.Handshake) (user, error) {
	var auth struct{ Name string }
	if err := h.DecodeAuth(&auth); err != nil {
		return user{}, err
	}
	switch auth.Name {
	case "":
		return user{}, gateway.Unauthorized("Say your name")
	case "broken":
		return user{}, errors.New("the database is on fire")
	case "panic":
		panic("on purpose")
	}
	return user{auth.Name}, nil
})

func start(t testing.TB, o *gateway.Options, gateways ...gateway.Gateway) (*gateway.App, string) {
	t.Helper()
	app, err := gateway.NewApp(o, gateways...)
	assert.NoError(t, err)
	host := httptest.NewServer(app)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		assert.NoError(t, app.Stop(ctx))
		host.Close()
	})
	return app, host.URL
}

// wire is a client whose packets the test writes itself.
type wire struct {
	*wstest.Conn
	t testing.TB
}

func dial(t testing.TB, url string) wire {
	t.Helper()
	c := wire{wstest.Dial(t, url+"/socket.io/?EIO=4&transport=websocket"), t}
	assert.True(t, strings.HasPrefix(c.Next(t), "0{"))
	return c
}

func join(t testing.TB, url, namespace, auth string) wire {
	t.Helper()
	c := dial(t, url)
	c.send("0" + namespace + "," + auth)
	answer := c.Next(t)
	assert.True(t, strings.HasPrefix(answer, "40"+namespace+`,{"sid"`), answer)
	return c
}

func (c wire) send(text string) {
	c.t.Helper()
	assert.NoError(c.t, c.SendText("4"+text))
}

func (c wire) expect(text string) { c.t.Helper(); c.Expect(c.t, "4"+text) }

type post struct {
	Room int    `json:"room"`
	Text string `json:"text"`
}

func (p post) Validate(context.Context) error {
	if p.Text == "" {
		return gateway.Invalid(gateway.FieldError{Path: "text", Rule: "required", Message: "text is missing"})
	}
	if len(p.Text) > 10 {
		return errors.New("text is too long")
	}
	return nil
}

type receipt struct {
	ID int `json:"id"`
}

var (
	chats  = gateway.NewRooms("chat")
	posted = gateway.NewEvent[post]("posted").Describe("somebody wrote something")
	joined = gateway.NewEvent[string]("joined")
	moved  = gateway.NewEvent[gateway.Args2[int, int]]("moved")
	empty  = gateway.NewEvent[gateway.None]("empty")
	item   = gateway.NewEvent[int]("item")
)
