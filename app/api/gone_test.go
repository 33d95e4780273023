package api_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/kachi-io/kachi/app/api"
	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/internal/assert"
)

// A page that signs out and is closed had its request ended between the two things that a
// sign-out stores.
func TestWhatHasBegunIsBroughtToItsEnd(t *testing.T) {
	a := api.New(api.Options{Protect: func(api.Access, []gateway.Layer) func(http.Handler) http.Handler {
		return func(next http.Handler) http.Handler { return next }
	}})
	type caller struct{}
	ended := map[string]bool{}
	for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE"} {
		api.Handle(a, api.Route{Method: method, Path: "/api/thing", Access: api.Public}, func(ctx context.Context, _ *struct{}) (*struct{}, error) {
			ctx.Value(caller{}).(context.CancelFunc)()
			ended[method] = ctx.Err() != nil
			_, bounded := ctx.Deadline()
			assert.Equal(t, bounded, method != "GET", method)
			return nil, nil
		})
		ctx, gone := context.WithCancel(t.Context())
		ctx = context.WithValue(ctx, caller{}, gone)
		a.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(ctx, method, "/api/thing", nil))
	}
	assert.Equal(t, ended, map[string]bool{"GET": true, "POST": false, "PUT": false, "PATCH": false, "DELETE": false})
}
