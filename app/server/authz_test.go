package server_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/kachi-io/kachi/app/apptest"
	"github.com/kachi-io/kachi/app/server"
	"github.com/kachi-io/kachi/app/store"
	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/testclient"
)

// everybody is who tries: the columns of the table.
var everybody = []string{"nobody", "stranger", "member", "owner", "admin", "service", "expired", "revoked"}

// trial makes what is tried, anew for each who tries it: nobody finds what the one before
// has left.
type trial func(t *testing.T, w *world, who *apptest.Person) attempt

// attempt is one event or request.
type attempt struct {
	path   string                                   // of a request; that of the route where it is ""
	input  any                                      // the body, or the event's data; nil: none
	before func(t *testing.T, c *testclient.Client) // what the socket does first
	after  func(t *testing.T, w *world, as string)  // what has to be put right for the next
}

// world is a server and the people of the table.
type world struct {
	*apptest.App
	people map[string]*apptest.Person
	calls  int
}

const authzSecret = "the secret of the test of who may do what"

func newWorld(t *testing.T) *world {
	t.Helper()
	app := apptest.New(t, &server.Options{Secret: authzSecret, TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	w := &world{App: app, people: map[string]*apptest.Person{"nobody": app.Nobody(), "service": app.Service()}}
	for _, name := range []string{"admin", "stranger", "member", "owner"} { // the first is an administrator
		w.people[name] = w.sign(t, 201, "register", name)
	}
	owner := w.people["owner"]

	now := time.Now()
	expired, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{"sub": owner.ID.String(), "name": "owner", "role": "user", "sid": "x",
		"iss": "kachi", "iat": now.Add(-time.Hour).Unix(), "exp": now.Add(-time.Minute).Unix()}).SignedString([]byte(authzSecret))
	assert.NoError(t, err)
	w.people["expired"] = w.with(owner, expired)

	revoked := w.sign(t, 200, "login", "owner")
	w.call(t, revoked, 204, "POST", "/api/auth/logout", nil, nil)
	w.people["revoked"] = revoked
	return w
}

// with is the same person with another token.
func (w *world) with(p *apptest.Person, token string) *apptest.Person {
	other := *p
	other.Token = token
	return &other
}

// sign signs somebody in, or up.
func (w *world) sign(t *testing.T, status int, how, name string) *apptest.Person {
	t.Helper()
	var in struct {
		User        struct{ ID store.ID }
		AccessToken string
	}
	w.call(t, w.Nobody(), status, "POST", "/api/auth/"+how, map[string]any{"name": name, "password": apptest.Password, "cookies": false}, &in)
	p := w.with(w.Nobody(), in.AccessToken)
	p.ID, p.Name = in.User.ID, name
	return p
}

// again signs somebody in again whose token is no good any more.
func again(t *testing.T, w *world, as string) {
	t.Helper()
	switch as {
	case "stranger", "member", "owner", "admin":
		w.people[as] = w.sign(t, 200, "login", as)
	}
}

// call calls as somebody, from an address of its own: what is limited by address is none of
// this test's business.
func (w *world) call(t *testing.T, p *apptest.Person, status int, method, path string, body, into any) {
	t.Helper()
	w.elsewhere(p).Call(t, status, method, path, body, into)
}

func (w *world) elsewhere(p *apptest.Person) *apptest.Person {
	w.calls++
	other := *p
	other.Header = http.Header{"X-Forwarded-For": {fmt.Sprintf("10.0.%d.%d", w.calls/250, w.calls%250+1)}}
	return &other
}

// TestWhoMayDoWhat tries every event and every route as everybody.
func TestWhoMayDoWhat(t *testing.T) {
	w := newWorld(t)
	expected, rows := readTable(t)
	there, done := map[string]bool{}, 0
	var order []string
	for _, r := range w.Server.Routes() {
		order = append(order, r.Method+" "+r.Path)
	}
	for _, r := range w.Server.Gateways().Routes() {
		order = append(order, r.Namespace+" "+r.Event)
	}
	for _, name := range order {
		var tried bool
		for _, row := range rows {
			if row != name && !strings.HasPrefix(row, name+" (") {
				continue
			}
			// A server for some rows: how much one person may do in a minute is not what is tried.
			if done++; done%12 == 0 {
				w.Stop()
				w = newWorld(t)
			}
			tried, there[row] = true, true
			w.tryAll(t, name, row, expected[row])
		}
		if !tried {
			t.Errorf("%s: nothing says who may do that: testdata/authz.txt needs a row", name)
		}
	}
	for _, name := range rows {
		if !there[name] {
			t.Errorf("%s: testdata/authz.txt has a row for what is not there", name)
		}
	}
	for name := range trials {
		if !there[name] {
			t.Errorf("%s: authz_trials_test.go has an entry for what is not there", name)
		}
	}
}

// tryAll tries one row as everybody.
func (w *world) tryAll(t *testing.T, name, row string, expected []string) {
	t.Helper()
	try := trials[row]
	if strings.HasSuffix(row, " refreshToken") {
		try = ownToken
	}
	if try == nil {
		t.Errorf("%s: nothing says how to try that: authz_trials_test.go needs an entry", row)
		return
	}
	var a attempt
	for i, as := range everybody {
		who := w.people[as]
		if i == 0 || expected[i] != "unauthorized" { // who does not get in finds what was made for the one before
			a = try(t, w, who)
		}
		var got string
		if strings.HasPrefix(name, "/") {
			got = w.emit(t, who, name, a)
		} else {
			got = w.request(t, who, name, a)
		}
		if got != expected[i] {
			t.Errorf("%s as %s: want %s, got %s", row, as, expected[i], got)
		}
		if a.after != nil {
			a.after(t, w, as)
		}
	}
}

// request tries a route.
func (w *world) request(t *testing.T, who *apptest.Person, name string, a attempt) string {
	t.Helper()
	method, path, _ := strings.Cut(name, " ")
	if a.path != "" {
		path = a.path
	}
	answer := w.elsewhere(who).Do(t, method, path, a.input)
	text, err := io.ReadAll(answer.Body)
	assert.NoError(t, err)
	if answer.StatusCode < 300 {
		return "ok"
	}
	return code(t, name, text)
}

// emit tries an event, with a new connection.
func (w *world) emit(t *testing.T, who *apptest.Person, name string, a attempt) string {
	t.Helper()
	namespace, event, _ := strings.Cut(name, " ")
	var auth any
	if who.Token != "" {
		auth = map[string]string{"token": who.Token}
	}
	c, refusal := testclient.Try(t, w.URL, namespace, auth)
	if c == nil {
		var e struct{ Data json.RawMessage }
		assert.NoError(t, json.Unmarshal([]byte(strings.TrimPrefix(refusal, ",")), &e), refusal)
		return code(t, name, e.Data)
	}
	defer c.Close()
	if a.before != nil {
		a.before(t, c)
	}
	var args []any
	if a.input != nil {
		args = []any{a.input}
	}
	values := c.Answer(event, args...)
	if len(values) == 0 {
		return "ok"
	}
	return code(t, name, values[0])
}

// code is an error's, or "ok" for what is none.
func code(t *testing.T, name string, text []byte) string {
	t.Helper()
	var e struct{ Status, Code string }
	if json.Unmarshal(text, &e) != nil || e.Status != "error" {
		return "ok"
	}
	if e.Code == "" || e.Code == "internal" || e.Code == "invalid" || e.Code == "bad_request" {
		t.Errorf("%s: the trial is not good: %s", name, text)
	}
	return e.Code
}

// readTable reads the expectations: a name of two words, and a cell for everybody.
func readTable(t *testing.T) (table map[string][]string, rows []string) {
	t.Helper()
	text, err := os.ReadFile("testdata/authz.txt")
	assert.NoError(t, err)
	table = map[string][]string{}
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		switch {
		case len(fields) == 0 || strings.HasPrefix(line, "#"):
			continue
		case slices.Equal(fields, everybody):
			continue
		}
		words := len(fields) - len(everybody) // a name, and in brackets which kind of thing it is about
		if words != 2 && (words != 3 || fields[2][0] != '(') {
			t.Fatalf("a row needs a name of two words, and %d cells: %s", len(everybody), line)
		}
		name := strings.Join(fields[:words], " ")
		if table[name] != nil {
			t.Fatalf("%s has two rows", name)
		}
		table[name] = fields[words:]
		rows = append(rows, name)
	}
	return table, rows
}
