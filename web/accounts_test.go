package web_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/kachi-io/kachi/app/pages"
	"github.com/kachi-io/kachi/clientfiles"
	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/gateway/auth"
	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/web"
)

// user is somebody with an account.
type user struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// accounts is a server with the part of the contract that the pages' shell needs: accounts,
// lists, and namespaces that ask for a token.
type accounts struct {
	url    string
	app    *gateway.App
	secret []byte

	mu        sync.Mutex
	lifetime  time.Duration     // of access tokens
	passwords map[string]string // by name
	sessions  map[string]user   // by the refresh cookie's value, which is good once
	replaced  int               // tokens that sockets were shown in the place of an older one
	reused    int               // refresh cookies that came a second time
	spent     []string
	tooOften  bool
	broken    bool
	rooms     []map[string]any
	notes     []map[string]any
}

// startAccounts starts a server with one account: Mina, "the nest is high".
func startAccounts(t *testing.T) *accounts {
	t.Helper()
	if _, err := fs.Stat(web.Pages(), "index.html"); err != nil || clientfiles.Version() == "" {
		t.Fatal("the pages are not built: run make web, or the tests with -short")
	}
	a := &accounts{
		secret:    []byte(rand.Text() + rand.Text()),
		lifetime:  time.Hour,
		passwords: map[string]string{"Mina": "the nest is high"},
		sessions:  map[string]user{},
		rooms:     []map[string]any{},
		notes:     []map[string]any{},
	}
	users := auth.JWT(auth.Options{Keys: auth.Fixed(auth.HS256(a.secret))}, func(_ context.Context, c *auth.Claims) (user, error) {
		return user{c.Subject, c.Subject}, nil
	})
	var gateways []gateway.Gateway
	for _, namespace := range []string{"/chat", "/location", "/notifications", "/dashboard"} {
		gateways = append(gateways, gateway.New(namespace, users, func(*gateway.Namespace[user]) {}))
	}
	o := &gateway.Options{Handled: []func(*gateway.Call, time.Duration, error){func(c *gateway.Call, _ time.Duration, err error) {
		a.mu.Lock()
		defer a.mu.Unlock()
		if _, event := c.Registered(); event == "refreshToken" && err == nil {
			a.replaced++
		}
	}}}
	o.Socket.ClientFiles = clientfiles.FS()
	app, err := gateway.NewApp(o, gateways...)
	assert.NoError(t, err)
	assert.NoError(t, app.Start(t.Context()))
	a.app = app

	site, err := pages.New(web.Pages(), nil)
	assert.NoError(t, err)
	mux := http.NewServeMux()
	mux.Handle("/socket.io/", app)
	mux.HandleFunc("POST /api/auth/register", a.register)
	mux.HandleFunc("POST /api/auth/login", a.login)
	mux.HandleFunc("POST /api/auth/refresh", a.refresh)
	mux.HandleFunc("POST /api/auth/logout", a.logout)
	mux.HandleFunc("GET /api/rooms", a.private(func() any { return map[string]any{"rooms": a.rooms, "next": nil} }))
	mux.HandleFunc("GET /api/notifications", a.private(func() any {
		return map[string]any{"notifications": a.notes, "unread": len(a.notes), "version": len(a.notes), "next": nil}
	}))
	mux.Handle("/", site)
	server := httptest.NewServer(mux)
	a.url = server.URL
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		assert.NoError(t, app.Stop(ctx))
		server.Close()
	})
	return a
}

func (a *accounts) register(w http.ResponseWriter, r *http.Request) {
	var in struct{ Name, Password string }
	a.mu.Lock()
	defer a.mu.Unlock()
	switch err := json.NewDecoder(r.Body).Decode(&in); {
	case err != nil:
		refuse(w, http.StatusBadRequest, gateway.NewError(gateway.CodeBadRequest, "That is no JSON"))
	case a.passwords[in.Name] != "":
		refuse(w, http.StatusConflict, gateway.NewError(gateway.CodeConflict, "That name is taken"))
	case in.Password == "password":
		refuse(w, http.StatusUnprocessableEntity, gateway.Invalid(gateway.FieldError{
			Path: "password", Rule: "min", Param: "12", Message: "too short",
		}))
	default:
		a.passwords[in.Name] = in.Password
		a.admit(w, http.StatusCreated, in.Name)
	}
}

func (a *accounts) login(w http.ResponseWriter, r *http.Request) {
	var in struct{ Name, Password string }
	a.mu.Lock()
	defer a.mu.Unlock()
	switch err := json.NewDecoder(r.Body).Decode(&in); {
	case a.tooOften:
		e := gateway.NewError(gateway.CodeRateLimited, "Too often")
		e.Details = map[string]any{"retryAfter": 75_000}
		refuse(w, http.StatusTooManyRequests, e)
	case err != nil || in.Password == "" || a.passwords[in.Name] != in.Password:
		refuse(w, http.StatusUnauthorized, gateway.Unauthorized("Wrong name or password"))
	default:
		a.admit(w, http.StatusOK, in.Name)
	}
}

func (a *accounts) refresh(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.broken {
		refuse(w, http.StatusServiceUnavailable, gateway.NewError(gateway.CodeUnavailable, "Not now"))
		return
	}
	u, found := a.take(r)
	if !found {
		refuse(w, http.StatusUnauthorized, gateway.Unauthorized("Nobody is signed in"))
		return
	}
	a.admit(w, http.StatusOK, u.Name)
}

func (a *accounts) logout(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.take(r)
	http.SetCookie(w, &http.Cookie{Name: "refresh", Path: "/api/auth", MaxAge: -1})
	w.WriteHeader(http.StatusNoContent)
}

// take uses up the refresh cookie. a.mu is held.
func (a *accounts) take(r *http.Request) (user, bool) {
	cookie, err := r.Cookie("refresh")
	if err != nil {
		return user{}, false
	}
	if slices.Contains(a.spent, cookie.Value) {
		a.reused++
	}
	u, found := a.sessions[cookie.Value]
	delete(a.sessions, cookie.Value)
	a.spent = append(a.spent, cookie.Value)
	return u, found
}

// admit answers with a token and a new refresh cookie. a.mu is held.
func (a *accounts) admit(w http.ResponseWriter, status int, name string) {
	u, expires, cookie := user{name, name}, time.Now().Add(a.lifetime), rand.Text()
	a.sessions[cookie] = u
	http.SetCookie(w, &http.Cookie{Name: "refresh", Value: cookie, Path: "/api/auth", HttpOnly: true, SameSite: http.SameSiteStrictMode})
	token, _ := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{
		"sub": name, "exp": float64(expires.UnixMilli()) / 1000, "iat": float64(time.Now().UnixMilli()) / 1000, "jti": rand.Text(),
	}).SignedString(a.secret)
	answer(w, status, map[string]any{"user": u, "accessToken": token, "expiresAt": expires})
}

// private answers those who show a token.
func (a *accounts) private(list func() any) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		_, err := jwt.Parse(token, func(*jwt.Token) (any, error) { return a.secret, nil }, jwt.WithValidMethods([]string{"HS256"}))
		if err != nil {
			refuse(w, http.StatusUnauthorized, gateway.Unauthorized("A token is needed"))
			return
		}
		a.mu.Lock()
		defer a.mu.Unlock()
		answer(w, http.StatusOK, list())
	}
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

func refuse(w http.ResponseWriter, status int, e *gateway.Error) {
	answer(w, status, map[string]any{"status": "error", "code": e.Code, "message": e.Message, "details": e.Details})
}

// with changes or reads what the server holds.
func (a *accounts) with(f func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	f()
}
