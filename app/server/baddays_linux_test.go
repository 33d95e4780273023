package server_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"

	"github.com/kachi-io/kachi/app/apptest"
	"github.com/kachi-io/kachi/app/server"
	"github.com/kachi-io/kachi/app/store/storetest"
	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/mysqlserver"
	"github.com/kachi-io/kachi/internal/testclient"
)

// diary is somebody who writes down by socket and by HTTP, and knows what was acknowledged.
type diary struct {
	t      *testing.T
	who    *apptest.Person
	socket *testclient.Client
	stored map[string]int64 // versions by key
}

func newDiary(t *testing.T, app *apptest.App) *diary {
	mina := app.Register(t, "Mina")
	return &diary{t, mina, mina.Dial(t, "/sync"), map[string]int64{}}
}

type entry struct {
	Status, Code string
	Version      int64
	Details      any
}

var page = strings.Repeat("x", 20_000)

// bySocket and byHTTP write, and return the code of the error.
func (d *diary) bySocket() string {
	d.t.Helper()
	var answer entry
	d.socket.Ask(&answer, "updateData", map[string]any{"key": "socket", "value": page, "version": d.stored["socket"]})
	if answer.Code == "" {
		d.stored["socket"] = answer.Version
	}
	return answer.Code
}

func (d *diary) byHTTP() (status int, why string) {
	d.t.Helper()
	answer := d.who.Do(d.t, "PUT", "/api/sync/http", page)
	text, err := io.ReadAll(answer.Body)
	assert.NoError(d.t, err)
	if answer.StatusCode == http.StatusOK {
		d.stored["http"]++
		return 200, ""
	}
	return answer.StatusCode, code(d.t, "PUT", text)
}

func (d *diary) works() {
	d.t.Helper()
	// An answer that was lost leaves a writer behind: it asks again what is there.
	assert.Eventually(d.t, func() bool { status, _ := d.byHTTP(); return status == 200 }, "HTTP")
	assert.Eventually(d.t, func() bool {
		switch d.bySocket() {
		case "":
			return true
		case "conflict":
			d.stored["socket"]++
		}
		return false
	}, "socket")
}

// kept looks for everything that was acknowledged.
func (d *diary) kept(app *apptest.App) {
	d.t.Helper()
	for key, version := range d.stored {
		var now entry
		d.who.On(app).Call(d.t, 200, "GET", "/api/sync/"+key, nil, &now)
		assert.True(d.t, now.Version >= version, key, now.Version, version)
	}
}

func ready(t *testing.T, app *apptest.App, want int) {
	t.Helper()
	assert.Eventually(t, func() bool {
		status, body := get(t, app.URL+"/readyz")
		assert.True(t, status == 200 || status == 503 && strings.Contains(body, `"unavailable"`), status, body)
		return status == want
	}, "readyz", want)
}

// Nothing can be written to any file: what a full disk is, and a broken one.
func TestADiskThatIsFull(t *testing.T) {
	app := apptest.New(t, nil)
	d := newDiary(t, app)
	ready(t, app, 200)
	for range 5 {
		d.works()
	}
	var before syscall.Rlimit
	assert.NoError(t, syscall.Getrlimit(syscall.RLIMIT_FSIZE, &before))
	room := func(yes bool) {
		now := before
		if !yes {
			now.Cur = 0
		}
		assert.NoError(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &now))
	}
	defer room(true)
	room(false)
	for range 3 {
		status, code := d.byHTTP()
		assert.Equal(t, fmt.Sprint(status, " ", code), "503 unavailable")
		assert.Equal(t, d.bySocket(), "unavailable")
	}
	ready(t, app, 503)
	status, _ := get(t, app.URL+"/healthz")
	assert.Equal(t, status, 200, "a restart would not help")
	d.who.Call(t, 200, "GET", "/api/me", nil, nil)
	d.kept(app) // reads go on
	var snapshot entry
	d.socket.Ask(&snapshot, "subscribe", map[string]string{"key": "http"})
	assert.Equal(t, snapshot.Version, d.stored["http"])

	room(true)
	ready(t, app, 200)
	d.works()
	d.kept(app.Restart(t))
}

// The database's server is killed, and hangs, and comes back: whoever asks is told with a
// code, sockets stay, and what was acknowledged is there.
func TestADatabaseThatGoesAway(t *testing.T) {
	storetest.EachServer(t, func(t *testing.T, database *mysqlserver.Server) {
		app := apptest.New(t, &server.Options{Database: storetest.URL(t, database.Database(t))})
		d := newDiary(t, app)
		ready(t, app, 200)
		d.works()
		for _, event := range []struct{ end, now func(testing.TB) }{
			{database.Kill, database.Start},
			{database.Pause, database.Resume},
		} {
			event.end(t)
			status, code := d.byHTTP()
			assert.Equal(t, fmt.Sprint(status, " ", code), "503 unavailable")
			assert.Equal(t, d.bySocket(), "unavailable")
			d.who.Refused(t, 503, "unavailable", "GET", "/api/sync/http", nil)
			ready(t, app, 503)
			event.now(t)
			ready(t, app, 200)
			d.works()
			d.kept(app)
		}
		d.kept(app.Restart(t))
	})
}
