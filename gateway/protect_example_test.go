package gateway_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"

	"github.com/kachi-io/kachi/gateway"
)

// The authenticator and the guards of a gateway stand before a handler of net/http.
func ExampleProtect() {
	type user struct{ Name string }
	auth := gateway.AuthenticatorFunc[user](func(_ context.Context, h *gateway.Handshake) (user, error) {
		if h.Header().Get("Authorization") != "Bearer mina's" {
			return user{}, gateway.Unauthorized("Sign in")
		}
		return user{"Mina"}, nil
	})
	notYet := gateway.Guard(func(c *gateway.Call) error {
		if c.Param("id") == "9" {
			return gateway.Forbidden("Not yet")
		}
		return nil
	})
	app, err := gateway.NewApp(nil, gateway.New("/chat", auth, func(*gateway.Namespace[user]) {}))
	if err != nil {
		panic(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/socket.io/", app)
	mux.Handle("GET /reports/{id}", gateway.Protect(app, auth, notYet)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		u, _ := gateway.PrincipalFrom[user](r.Context())
		_, _ = io.WriteString(w, u.Name+"'s report")
	})))

	for _, path := range []string{"/reports/7", "/reports/9"} {
		r := httptest.NewRequest(http.MethodGet, path, nil)
		r.Header.Set("Authorization", "Bearer mina's")
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		fmt.Println(w.Code, w.Body)
	}
	// Output:
	// 200 Mina's report
	// 403 {"status":"error","code":"forbidden","message":"Not yet","cause":{"pattern":"GET /reports/{id}"}}
}

// Somebody changes a password: all that was signed in by the old one is out, on all nodes.
func ExampleApp_Revoke() {
	app, err := gateway.NewApp(nil, gateway.New("/chat", gateway.Anyone, func(*gateway.Namespace[gateway.Nobody]) {}))
	if err != nil {
		panic(err)
	}
	fmt.Println(app.Revoke(context.Background(), "user-7"))
	// Output: <nil>
}
