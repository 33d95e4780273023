package main

import (
	"bytes"
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

func TestErrorsHaveOneShapeAndTellNothingInternal(t *testing.T) {
	var log bytes.Buffer
	known := people.New("Mina")
	app, handler, err := New(known, NewStore(map[int]int{1: 1}), slog.New(slog.NewTextHandler(&log, nil)))
	assert.NoError(t, err)
	assert.NoError(t, app.Stop(t.Context())) // so that nothing can be sent any more
	put := func(body string) *httptest.ResponseRecorder {
		r := httptest.NewRequest("PUT", "/location", strings.NewReader(body))
		r.Header.Set("Authorization", "Bearer "+known.Token("Mina"))
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		return w
	}
	w := put(`{"id":1,"geometry":{"type":"Point","coordinates":[1,2]}} {}`)
	assert.Equal(t, w.Code, 400)
	assert.Equal(t, w.Body.String(), `{"status":"error","code":"bad_request","message":"The body has more than one value","cause":{"pattern":"PUT /location"}}`)
	// What has been stored is answered, whoever could not be told.
	w = put(`{"id":1,"geometry":{"type":"Point","coordinates":[1,2]}}`)
	assert.Equal(t, w.Code, 200)
	assert.True(t, strings.Contains(log.String(), "telling of a location"), log.String())
	assert.True(t, !strings.Contains(w.Body.String(), "closed"), w.Body.String())
}
