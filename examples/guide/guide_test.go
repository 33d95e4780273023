package main

import (
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"go.uber.org/goleak"

	"github.com/kachi-io/kachi/examples/exampletest"
	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/gateway/auth"
	"github.com/kachi-io/kachi/gateway/gatewaytest"
	"github.com/kachi-io/kachi/gateway/validate"
	"github.com/kachi-io/kachi/internal/assert"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// begin test
func TestNotes(t *testing.T) {
	app := gatewaytest.New(t, &gatewaytest.Options{
		App: gateway.Options{Validator: validate.New(nil)},
	}, NewBoard(&Store{}))
	mina, jun := app.Dial(t, "/notes"), app.Dial(t, "/notes")
	gatewaytest.Ask[any](t, jun, "watch", "kitchen")

	note := Note{Board: "kitchen", Text: "We are out of eggs"}
	if r := gatewaytest.Ask[Receipt](t, mina, "note", note); r.Number != 1 {
		t.Error("the first note has number", r.Number)
	}
	if told := gatewaytest.Next(t, jun, Noted); told != note {
		t.Error("Jun was told", told)
	}
	mina.ExpectNone(t) // who does not watch is told nothing
	mina.AskError(t, gateway.CodeInvalid, "note", Note{Board: "kitchen"})
	mina.AskError(t, gateway.CodeBadRequest, "note", "no note")
}

// end test

// begin desktest
var secret = []byte("thirty-two bytes, of a test alone")

// token is what whoever signs people in would give out.
func token(t *testing.T, name string, editor bool) gatewaytest.DialOption {
	text, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{
		"sub": name, "editor": editor, "exp": time.Now().Add(time.Hour).Unix(),
	}).SignedString(secret)
	if err != nil {
		t.Fatal(err)
	}
	return gatewaytest.Token(text)
}

func TestDesk(t *testing.T) {
	app := gatewaytest.New(t, nil, NewDesk(&Store{}, NewUsers(secret)))
	mina, jun := app.Dial(t, "/desk", token(t, "Mina", true)), app.Dial(t, "/desk", token(t, "Jun", false))
	gatewaytest.Ask[any](t, mina, "clear", "kitchen")
	if told := gatewaytest.Next(t, jun, Cleared); told.By != "Mina" {
		t.Error("Jun was told", told)
	}
	jun.AskError(t, gateway.CodeForbidden, "clear", "kitchen")

	refused := app.ConnectError(t, gateway.CodeUnauthorized, "/desk") // without a token
	if why := gatewaytest.Details[gateway.Denial](t, refused); why.Reason != auth.DeniedMissing {
		t.Error("refused for", why.Reason)
	}
}

// end desktest

func TestDocumentShowsThis(t *testing.T) { exampletest.Document(t, "../../docs/gateways.md") }

func TestBounds(t *testing.T) {
	s := &Store{}
	for range 100 {
		_, err := s.Add(t.Context(), Note{Board: "a"})
		assert.NoError(t, err)
	}
	_, err := s.Add(t.Context(), Note{Board: "a"})
	assert.True(t, err != nil, "full")
	s.Clear("a")
	_, err = s.Add(t.Context(), Note{Board: "a"})
	assert.NoError(t, err)
}
