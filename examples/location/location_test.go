package main

import (
	"bytes"
	"errors"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/kachi-io/kachi/examples/exampletest"
	"github.com/kachi-io/kachi/examples/people"
	"github.com/kachi-io/kachi/internal/assert"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestLocation(t *testing.T) {
	known := people.New("Mina", "Jun", "Sora")
	store := NewStore(map[int]int{1: 1, 2: 3})
	store.AddWatcher(1, 2)
	app, handler, err := New(known, store, slog.New(slog.DiscardHandler))
	assert.NoError(t, err)
	exampletest.Play(t, "location.mjs", exampletest.Serve(t, app, handler), map[string]any{
		"mina": known.Token("Mina"), "jun": known.Token("Jun"), "sora": known.Token("Sora"),
	})
}

func TestUniformErrorBodyAndNoInternalsLoggedToClients(t *testing.T) {
	var log bytes.Buffer
	a := &API{log: slog.New(slog.NewTextHandler(&log, nil))}
	w := httptest.NewRecorder()
	a.refuse(w, errors.New("the password of the database is 1234"))
	assert.Equal(t, w.Code, 500)
	assert.Equal(t, w.Body.String(), `{"status":"error","code":"internal","message":"Internal error"}`+"\n")
	assert.True(t, strings.Contains(log.String(), "1234"))
}
