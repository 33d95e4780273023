package api_test

import (
	"context"
	"encoding/json"
	"net/http"
	"testing"

	"github.com/kachi-io/kachi/app/api"
	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/internal/assert"
)

// OpenAPI knows no parameter that takes the rest of a path: it is one like others there.
func TestPathsInTheDocument(t *testing.T) {
	a := api.New(api.Options{Protect: func(api.Access, []gateway.Layer) func(http.Handler) http.Handler {
		return func(next http.Handler) http.Handler { return next }
	}})
	type in struct {
		Key string `path:"key"`
	}
	for _, method := range []string{"GET", "PUT"} {
		api.Handle(a, api.Route{Method: method, Path: "/api/things/{key...}", Access: api.Public}, func(context.Context, *in) (*struct{}, error) {
			return nil, nil
		})
	}
	text, err := a.Document()
	assert.NoError(t, err)
	var document struct {
		Paths map[string]map[string]struct {
			Parameters []struct{ Name, In string }
		}
	}
	assert.NoError(t, json.Unmarshal(text, &document))
	assert.Equal(t, len(document.Paths), 1)
	for _, method := range []string{"get", "put"} {
		parameters := document.Paths["/api/things/{key}"][method].Parameters
		assert.Equal(t, len(parameters), 1, method)
		assert.Equal(t, parameters[0].Name+" "+parameters[0].In, "key path")
	}
}
