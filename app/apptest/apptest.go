// Package apptest starts the whole server for tests, and has people who use it.
package apptest

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kachi-io/kachi/app/server"
	"github.com/kachi-io/kachi/app/store"
	"github.com/kachi-io/kachi/app/store/storetest"
	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/testclient"
)

// ServiceToken is one that the server lets services in with.
const ServiceToken = "a service's token"

// Password is everybody's.
const Password = "correct horse battery"

// App is a server that listens on the loopback interface.
type App struct {
	URL     string
	Server  *server.Server
	Options server.Options // to start another with its data, once it has stopped
	Data    string         // its folder
	stop    func()
}

// Each runs a test of the whole server on a new database of each kind: SQLite, MariaDB,
// and MySQL where there is one. What a test is to say of all kinds is written once:
//
//	func TestRooms(t *testing.T) {
//		apptest.Each(t, nil, func(t *testing.T, app *apptest.App) {
//			mina := app.Register(t, "Mina")
//			…
//			app = app.Restart(t)
//		})
//	}
//
// The package's tests share a server of each kind, which its TestMain ends:
//
//	func TestMain(m *testing.M) { goleak.VerifyTestMain(mysqlserver.Main{M: m}) }
func Each(t *testing.T, o *server.Options, test func(t *testing.T, app *App)) {
	t.Helper()
	storetest.EachSource(t, func(t *testing.T, source string) {
		var opts server.Options
		if o != nil {
			opts = *o
		}
		opts.Data = t.TempDir()
		if strings.HasPrefix(source, "mysql:") {
			opts.Database = source
		}
		test(t, New(t, &opts))
	})
}

// New starts a server that stops with the test, with a new SQLite database where the
// options name none. It leaves the options as they are.
func New(t testing.TB, o *server.Options) *App {
	t.Helper()
	var opts server.Options
	if o != nil {
		opts = *o
	}
	if opts.Data == "" {
		opts.Data = t.TempDir()
	}
	if !slices.Contains(opts.ServiceTokens, ServiceToken) {
		opts.ServiceTokens = append(slices.Clone(opts.ServiceTokens), ServiceToken)
	}
	s, err := server.New(t.Context(), &opts)
	assert.NoError(t, err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	assert.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx, l) }()
	a := &App{URL: "http://" + l.Addr().String(), Server: s, Options: opts, Data: opts.Data}
	stopped := false
	a.stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		assert.NoError(t, assert.Receive(t, served, "the end of the server"))
	}
	t.Cleanup(a.stop)
	return a
}

// Stop stops the server before the test's end; another may then have its data.
func (a *App) Stop() { a.stop() }

// Restart stops the server and starts another with its data and options, at an address of
// its own.
func (a *App) Restart(t testing.TB) *App {
	t.Helper()
	a.Stop()
	return New(t, &a.Options)
}

// On is the same person at another server of the same data.
func (p *Person) On(a *App) *Person {
	there := *p
	there.app = a
	return &there
}

// Person is somebody with an account, or nobody.
type Person struct {
	ID    store.ID
	Name  string
	Token string // access token; "" for nobody
	// Header is added to those of calls.
	Header http.Header
	app    *App
}

// Nobody is who has not signed in.
func (a *App) Nobody() *Person { return &Person{app: a} }

// Service is another service, with its token.
func (a *App) Service() *Person { return &Person{Token: ServiceToken, app: a} }

// Register makes an account. The first one is an administrator's.
func (a *App) Register(t testing.TB, name string) *Person {
	t.Helper()
	return a.signIn(t, 201, "/api/auth/register", name)
}

// LogIn signs somebody in who has an account.
func (a *App) LogIn(t testing.TB, name string) *Person {
	t.Helper()
	return a.signIn(t, 200, "/api/auth/login", name)
}

func (a *App) signIn(t testing.TB, status int, path, name string) *Person {
	t.Helper()
	p := &Person{Name: name, app: a}
	var answer struct {
		User        struct{ ID store.ID }
		AccessToken string
	}
	a.Nobody().Call(t, status, "POST", path, map[string]string{"name": name, "password": Password}, &answer)
	p.ID, p.Token = answer.User.ID, answer.AccessToken
	return p
}

// Do calls the API, with a body that is encoded as JSON unless it is nil, and headers besides:
// "Name: value".
func (p *Person) Do(t testing.TB, method, path string, body any, headers ...string) *http.Response {
	t.Helper()
	var in io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		assert.NoError(t, err)
		in = bytes.NewReader(text)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	t.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, method, p.app.URL+path, in)
	assert.NoError(t, err)
	maps.Copy(r.Header, p.Header)
	r.Close = true // no idle connection is left behind
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if p.Token != "" {
		r.Header.Set("Authorization", "Bearer "+p.Token)
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	answer, err := http.DefaultTransport.RoundTrip(r)
	assert.NoError(t, err)
	t.Cleanup(func() { _ = answer.Body.Close() })
	return answer
}

// Call calls the API, expects a status, and decodes the answer into a value unless that is
// nil.
func (p *Person) Call(t testing.TB, status int, method, path string, body, into any, headers ...string) {
	t.Helper()
	answer := p.Do(t, method, path, body, headers...)
	text, err := io.ReadAll(answer.Body)
	assert.NoError(t, err)
	assert.Equal(t, answer.StatusCode, status, string(text))
	if into != nil {
		assert.NoError(t, json.Unmarshal(text, into), string(text))
	}
}

// Refused calls the API and expects an error with a code, and its status.
func (p *Person) Refused(t testing.TB, status int, code, method, path string, body any, headers ...string) {
	t.Helper()
	var e struct{ Status, Code, Message string }
	p.Call(t, status, method, path, body, &e, headers...)
	assert.Equal(t, e.Code, code, e.Message)
	assert.Equal(t, e.Status, "error")
}

// Dial connects to a namespace.
func (p *Person) Dial(t testing.TB, namespace string) *testclient.Client {
	t.Helper()
	return testclient.Connect(t, p.app.URL, namespace, map[string]string{"token": p.Token})
}
