package gateway_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"

	"github.com/kachi-io/kachi/client"
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

// A service, called over HTTP or from anywhere, tells the sockets: it was given the hub before
// there was an app.
func ExampleHub() {
	moved := gateway.NewEvent[string]("moved")
	cars := gateway.NewRooms("car")
	hub := gateway.NewHub()
	drive := func(ctx context.Context, car, to string) error {
		return moved.Emit(ctx, hub.Namespace("/cars").To(cars.Of(car)), to)
	}
	fmt.Println(drive(context.Background(), "7", "Busan"))

	c, stop := serve("/cars", &gateway.Options{Hub: hub}, gateway.New("/cars", gateway.Anyone, func(g *gateway.Namespace[gateway.Nobody]) {
		g.Emits(moved)
		gateway.Handle(g, "watch", func(c *gateway.Context[gateway.Nobody], car string) error {
			c.Join(cars.Of(car))
			return nil
		})
	}))
	defer stop()
	told := make(chan string, 1)
	c.On("moved", func(_ context.Context, e *client.Event) {
		var place string
		_ = e.Decode(&place)
		told <- place
	})
	ask(c, "watch", "7")
	fmt.Println(drive(context.Background(), "7", "Busan"))
	fmt.Println(<-told)
	// Output:
	// gateway: event "moved": gateway: the hub belongs to no app yet: make the app first
	// <nil>
	// <nil>
	// Busan
}

// Errors of handlers of net/http look like those of gateways.
func ExampleWriteError() {
	w := httptest.NewRecorder()
	gateway.WriteError(w, httptest.NewRequest(http.MethodGet, "/reports/7", nil), gateway.NotFound("There is no such report"))
	fmt.Println(w.Code, w.Body)
	// Output: 404 {"status":"error","code":"not_found","message":"There is no such report","cause":{"pattern":"GET /reports/7"}}
}

// A service asks who calls by the context, whether that is of a gateway or of a request.
func ExamplePrincipalFrom() {
	greet := func(ctx context.Context) string {
		u, ok := gateway.PrincipalFrom[user](ctx)
		if !ok {
			return "Who is it?"
		}
		return "Hello, " + u.Name
	}
	fmt.Println(greet(context.Background()))
	c, stop := serve("/", nil, gateway.New("/", byName, func(g *gateway.Namespace[user]) {
		gateway.On(g, "greet", func(c *gateway.Context[user], _ gateway.None) (string, error) { return greet(c), nil })
	}))
	defer stop()
	ask(c, "greet")
	// Output:
	// Who is it?
	// Hello, Mina
}
