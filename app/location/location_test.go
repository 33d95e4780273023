package location_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/kachi-io/kachi/app/apptest"
	"github.com/kachi-io/kachi/app/location"
	"github.com/kachi-io/kachi/app/server"
	"github.com/kachi-io/kachi/app/store"
	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/mysqlserver"
	"github.com/kachi-io/kachi/internal/testclient"
)

func TestMain(m *testing.M) {
	if instruction := os.Getenv(crashing); instruction != "" {
		moveAndDie(instruction)
	}
	goleak.VerifyTestMain(mysqlserver.Main{M: m})
}

type object = map[string]any

func point(lon, lat float64) object {
	return object{"type": "Point", "coordinates": []float64{lon, lat}}
}

// answer is what PUT answers.
type answer struct {
	Status int
	Data   struct{ UpdatedLocationResult location.Location }
}

// put changes a location, and expects a status.
func put(t testing.TB, p *apptest.Person, status int, body object) location.Location {
	t.Helper()
	var a answer
	p.Call(t, status, "PUT", "/api/location", body, &a)
	assert.Equal(t, a.Status, status)
	return a.Data.UpdatedLocationResult
}

func path(id store.ID, more ...any) string {
	return fmt.Sprint(append([]any{"/api/location/", id}, more...)...)
}

func share(t testing.TB, owner *apptest.Person, id store.ID, with *apptest.Person) {
	t.Helper()
	owner.Call(t, 204, "POST", path(id, "/watchers"), object{"userId": with.ID}, nil)
}

// watch joins a location's room, and returns where it was at that moment.
func watch(t testing.TB, c *testclient.Client, id store.ID) location.Move {
	t.Helper()
	var name string
	c.Ask(&name, "join_room", object{"locationId": id})
	assert.Equal(t, name, id.String())
	return told(t, c)
}

// told returns the next thing that a client is told, which is about a location.
func told(t testing.TB, c *testclient.Client) (m location.Move) {
	t.Helper()
	c.Expect("chat").Decode(t, &m)
	return m
}

// refused asks for something and expects an error.
func refused(t testing.TB, c *testclient.Client, code, event string, args ...any) {
	t.Helper()
	var e struct{ Status, Code string }
	c.Ask(&e, event, args...)
	assert.Equal(t, e.Code, code)
	assert.Equal(t, e.Status, "error")
}

func TestWatching(t *testing.T) {
	apptest.Each(t, nil, func(t *testing.T, app *apptest.App) {
		app.Register(t, "Root")
		mina, jun, sora, stranger := app.Register(t, "Mina"), app.Register(t, "Jun"), app.Register(t, "Sora"), app.Register(t, "Stranger")
		at := put(t, mina, 201, object{"name": " 집 ", "geometry": point(126.978, 37.5665)})
		assert.Equal(t, at.Name, "집")
		assert.Equal(t, at.OwnerID, mina.ID)
		assert.Equal(t, at.OwnerName, "Mina")
		assert.Equal(t, at.Version, int64(1))
		share(t, mina, at.ID, jun)
		share(t, mina, at.ID, sora)
		share(t, mina, at.ID, sora)

		clients := map[string]*testclient.Client{}
		for _, p := range []*apptest.Person{mina, jun, sora, stranger} {
			clients[p.Name] = p.Dial(t, location.Namespace)
		}
		for _, name := range []string{"Mina", "Jun", "Sora"} {
			assert.Equal(t, watch(t, clients[name], at.ID), location.Move{UserID: mina.ID, Message: at, RoomName: at.ID.String()})
		}
		refused(t, clients["Stranger"], "not_found", "join_room", object{"locationId": at.ID})

		moved := put(t, mina, 200, object{"id": at.ID, "geometry": point(-0.5, 51)})
		assert.Equal(t, moved.Version, int64(2))
		assert.Equal(t, moved.Name, "집", "what is not said stays")
		assert.True(t, !moved.Updated.Before(at.Updated))
		for _, name := range []string{"Mina", "Jun", "Sora"} {
			assert.Equal(t, told(t, clients[name]), location.Move{UserID: mina.ID, Message: moved, RoomName: at.ID.String()})
		}
		for _, c := range clients {
			c.ExpectNothing() // one copy, and none for others
		}

		// Who leaves the room is told nothing more.
		var name string
		clients["Sora"].Ask(&name, "leave_room", object{"locationId": at.ID})
		assert.Equal(t, name, at.ID.String())
		put(t, mina, 200, object{"id": at.ID, "geometry": point(1, 1)})
		assert.Equal(t, told(t, clients["Jun"]).Message.Version, int64(3))
		clients["Sora"].ExpectNothing()
	})
}

// A grant that is taken back ends the watching at once, on all devices.
func TestAGrantTakenBack(t *testing.T) {
	apptest.Each(t, nil, func(t *testing.T, app *apptest.App) {
		app.Register(t, "Root")
		mina, jun, sora := app.Register(t, "Mina"), app.Register(t, "Jun"), app.Register(t, "Sora")
		at, other := put(t, mina, 201, object{"geometry": point(1, 2)}), put(t, mina, 201, object{"geometry": point(3, 4)})
		for _, p := range []*apptest.Person{jun, sora} {
			share(t, mina, at.ID, p)
			share(t, mina, other.ID, p)
		}
		phone, desk, hers := jun.Dial(t, location.Namespace), jun.Dial(t, location.Namespace), sora.Dial(t, location.Namespace)
		for _, c := range []*testclient.Client{phone, desk, hers} {
			watch(t, c, at.ID)
			watch(t, c, other.ID)
		}
		mina.Call(t, 204, "DELETE", path(at.ID, "/watchers/", jun.ID), nil, nil)
		put(t, mina, 200, object{"id": at.ID, "geometry": point(5, 6)})
		put(t, mina, 200, object{"id": other.ID, "geometry": point(7, 8)})
		for _, c := range []*testclient.Client{phone, desk} {
			var left location.Leave
			c.Expect("left_room").Decode(t, &left)
			assert.Equal(t, left, location.Leave{RoomName: at.ID.String(), Reason: location.ReasonRevoked})
			assert.Equal(t, told(t, c).Message.ID, other.ID, "and nothing of the first")
			refused(t, c, "not_found", "join_room", object{"locationId": at.ID})
			c.ExpectNothing()
		}
		assert.Equal(t, told(t, hers).Message.ID, at.ID)
		assert.Equal(t, told(t, hers).Message.ID, other.ID)
		jun.Refused(t, 404, "not_found", "GET", path(at.ID), nil)
		mina.Call(t, 204, "DELETE", path(at.ID, "/watchers/", jun.ID), nil, nil) // again

		// Who got a grant may give it back. A location that is deleted is no longer watched.
		jun.Call(t, 204, "DELETE", path(other.ID, "/watchers/", jun.ID), nil, nil)
		phone.Expect("left_room")
		jun.Refused(t, 404, "not_found", "GET", path(other.ID), nil)
		mina.Call(t, 204, "DELETE", path(other.ID), nil, nil)
		var left location.Leave
		hers.Expect("left_room").Decode(t, &left)
		assert.Equal(t, left.Reason, location.ReasonDeleted)
		refused(t, hers, "not_found", "join_room", object{"locationId": other.ID})
		mina.Refused(t, 404, "not_found", "GET", path(other.ID), nil)
		mina.Refused(t, 404, "not_found", "DELETE", path(other.ID), nil)
	})
}

// What somebody may watch from now on, and what no longer, is told to all their devices at
// once, whatever those have joined; and to nobody else.
func TestEachDeviceIsToldWhatItsUserMayWatch(t *testing.T) {
	apptest.Each(t, nil, func(t *testing.T, app *apptest.App) {
		app.Register(t, "Root")
		mina, jun, stranger := app.Register(t, "Mina"), app.Register(t, "Jun"), app.Register(t, "Stranger")
		owner, spy := mina.Dial(t, location.Namespace), stranger.Dial(t, location.Namespace)
		phone, desk := jun.Dial(t, location.Namespace), jun.Dial(t, location.Namespace)
		granted := func(c *testclient.Client) (m location.Move) {
			t.Helper()
			c.Expect("granted").Decode(t, &m)
			return m
		}
		left := func(c *testclient.Client) (l location.Leave) {
			t.Helper()
			c.Expect("left_room").Decode(t, &l)
			return l
		}

		at := put(t, mina, 201, object{"name": "Nest", "geometry": point(1, 2)})
		news := location.Move{UserID: mina.ID, Message: at, RoomName: at.ID.String()}
		assert.Equal(t, granted(owner), news, "new, and hers")
		at = put(t, mina, 200, object{"id": at.ID, "geometry": point(3, 4)})
		share(t, mina, at.ID, jun)
		news.Message = at
		for _, c := range []*testclient.Client{phone, desk} {
			assert.Equal(t, granted(c), news, "as it is now")
		}
		assert.Equal(t, at.OwnerName, "Mina")

		// One of them joins; the other is told the end nevertheless, and each is told once.
		watch(t, phone, at.ID)
		mina.Call(t, 204, "DELETE", path(at.ID, "/watchers/", jun.ID), nil, nil)
		for _, c := range []*testclient.Client{phone, desk} {
			assert.Equal(t, left(c), location.Leave{RoomName: at.ID.String(), Reason: location.ReasonRevoked})
		}
		put(t, mina, 200, object{"id": at.ID, "geometry": point(5, 6)})
		share(t, mina, at.ID, jun)
		assert.Equal(t, granted(phone).Message.Version, at.Version+1, "and nothing of what was between")
		granted(desk)
		watch(t, phone, at.ID)
		mina.Call(t, 204, "DELETE", path(at.ID), nil, nil)
		for _, c := range []*testclient.Client{phone, desk, owner} {
			assert.Equal(t, left(c), location.Leave{RoomName: at.ID.String(), Reason: location.ReasonDeleted})
		}
		for _, c := range []*testclient.Client{phone, desk, owner, spy} {
			c.ExpectNothing()
		}
	})
}

// Whoever joins late gets the last position, also after the server has started anew; and a
// client that has joined before is not in the room without joining again.
func TestLateJoinAndRestart(t *testing.T) {
	apptest.Each(t, nil, func(t *testing.T, app *apptest.App) {
		app.Register(t, "Root")
		mina, jun := app.Register(t, "Mina"), app.Register(t, "Jun")
		at := put(t, mina, 201, object{"geometry": point(1, 2)})
		share(t, mina, at.ID, jun)
		for i := range 5 {
			at = put(t, mina, 200, object{"id": at.ID, "geometry": point(float64(i), 2)})
		}
		early := jun.Dial(t, location.Namespace)
		assert.Equal(t, watch(t, early, at.ID).Message, at)
		assert.Equal(t, watch(t, early, at.ID).Message, at, "who joins again is told again")

		app = app.Restart(t)
		mina, jun = mina.On(app), jun.On(app)
		late := jun.Dial(t, location.Namespace)
		assert.Equal(t, watch(t, late, at.ID).Message, at)
		moved := put(t, mina, 200, object{"id": at.ID, "geometry": point(9, 9)})
		assert.Equal(t, moved.Version, at.Version+1)
		assert.Equal(t, told(t, late).Message, moved)
	})
}

// Positions that are stored at once are versions of their own; each watcher gets each once,
// and knows the newest when all is done.
func TestOneCopyOfEachVersion(t *testing.T) {
	app := apptest.New(t, nil)
	mina := app.Register(t, "Mina")
	at := put(t, mina, 201, object{"geometry": point(0, 0)})
	watchers := []*testclient.Client{mina.Dial(t, location.Namespace), mina.Dial(t, location.Namespace)}
	for _, c := range watchers {
		watch(t, c, at.ID)
	}
	var wg sync.WaitGroup
	for i := range 30 {
		wg.Go(func() { put(t, mina, 200, object{"id": at.ID, "geometry": point(float64(i), 0)}) })
	}
	wg.Wait()
	var last location.Feature
	mina.Call(t, 200, "GET", path(at.ID), nil, &last)
	assert.Equal(t, last.Properties.Version, int64(31))
	for _, c := range watchers {
		seen, newest := map[int64]int{}, location.Location{}
		for range 30 {
			m := told(t, c).Message
			seen[m.Version]++
			if m.Version > newest.Version {
				newest = m
			}
		}
		c.ExpectNothing()
		assert.Equal(t, len(seen), 30)
		assert.Equal(t, newest.Geometry, last.Geometry)
	}
}

func TestOnlyTheOwnerMoves(t *testing.T) {
	apptest.Each(t, nil, func(t *testing.T, app *apptest.App) {
		root, mina, jun, stranger := app.Register(t, "Root"), app.Register(t, "Mina"), app.Register(t, "Jun"), app.Register(t, "Stranger")
		at := put(t, mina, 201, object{"geometry": point(1, 2)})
		share(t, mina, at.ID, jun)
		for _, test := range []struct {
			who    *apptest.Person
			status int
			code   string
			sees   int
		}{
			{app.Nobody(), 401, "unauthorized", 401},
			{app.Service(), 401, "unauthorized", 401},
			{stranger, 404, "not_found", 404},
			{jun, 403, "forbidden", 200},
			{root, 403, "forbidden", 200},
		} {
			assert.Equal(t, test.who.Do(t, "GET", path(at.ID), nil).StatusCode, test.sees)
			test.who.Refused(t, test.status, test.code, "PUT", "/api/location", object{"id": at.ID, "geometry": point(0, 0)})
			test.who.Refused(t, test.status, test.code, "GET", path(at.ID, "/watchers"), nil)
			test.who.Refused(t, test.status, test.code, "POST", path(at.ID, "/watchers"), object{"userId": stranger.ID})
			test.who.Refused(t, test.status, test.code, "DELETE", path(at.ID, "/watchers/", mina.ID), nil)
			if test.who != root {
				test.who.Refused(t, test.status, test.code, "DELETE", path(at.ID), nil)
			}
		}
		mina.Refused(t, 404, "not_found", "PUT", "/api/location", object{"id": "999", "geometry": point(0, 0)})
		mina.Refused(t, 404, "not_found", "POST", path(at.ID, "/watchers"), object{"userId": "999"})
		mina.Refused(t, 400, "invalid", "POST", path(at.ID, "/watchers"), object{"userId": mina.ID})
		mina.Refused(t, 400, "invalid", "PUT", "/api/location", object{"geometry": point(0, 0), "ownerId": "1"})
		mina.Refused(t, 400, "invalid", "PUT", "/api/location", object{"geometry": point(0, 0), "name": "a\nb"})
		mina.Refused(t, 400, "invalid", "PUT", "/api/location", object{"geometry": point(0, 0), "name": strings.Repeat("집", 101)})
		put(t, mina, 200, object{"id": at.ID, "geometry": point(0, 0), "name": strings.Repeat("집", 100)})

		var w struct{ Watchers []location.Watcher }
		mina.Call(t, 200, "GET", path(at.ID, "/watchers"), nil, &w)
		assert.Equal(t, len(w.Watchers), 1)
		assert.Equal(t, w.Watchers[0].UserID, jun.ID)
		assert.Equal(t, w.Watchers[0].Name, "Jun")
		root.Call(t, 204, "DELETE", path(at.ID), nil, nil)
	})
}

// If-Match has a change apply to the version that its author has seen.
func TestIfMatch(t *testing.T) {
	app := apptest.New(t, nil)
	mina := app.Register(t, "Mina")
	made := mina.Do(t, "PUT", "/api/location", object{"geometry": point(1, 2)})
	var answer struct {
		Data struct{ UpdatedLocationResult location.Location }
	}
	assert.NoError(t, json.NewDecoder(made.Body).Decode(&answer))
	at := answer.Data.UpdatedLocationResult
	assert.Equal(t, made.Header.Get("Location"), "/api/location/"+at.ID.String())
	ifMatch := func(version string, body object) (*http.Response, []byte) {
		t.Helper()
		text, err := json.Marshal(body)
		assert.NoError(t, err)
		r, err := http.NewRequestWithContext(t.Context(), "PUT", app.URL+"/api/location", bytes.NewReader(text))
		assert.NoError(t, err)
		r.Close = true
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Authorization", "Bearer "+mina.Token)
		r.Header.Set("If-Match", version)
		response, err := http.DefaultTransport.RoundTrip(r)
		assert.NoError(t, err)
		defer response.Body.Close()
		text, err = io.ReadAll(response.Body)
		assert.NoError(t, err)
		return response, text
	}
	body := object{"id": at.ID, "geometry": point(3, 4)}
	response, text := ifMatch(`"1"`, body)
	assert.Equal(t, response.StatusCode, 200, string(text))
	assert.Equal(t, []string{response.Header.Get("ETag"), response.Header.Get("Location")}, []string{`"2"`, ""})
	response, text = ifMatch(`1`, body)
	assert.Equal(t, response.StatusCode, 409, string(text))
	var e struct {
		Code    string
		Details location.Location
	}
	assert.NoError(t, json.Unmarshal(text, &e))
	assert.Equal(t, e.Code, "conflict")
	assert.Equal(t, e.Details.Version, int64(2))
	assert.Equal(t, e.Details.ID, at.ID)
	for _, version := range []string{`*`, `"2"`, `W/"2"`} {
		response, text = ifMatch(version, object{"id": at.ID, "geometry": point(3, 4)})
		if version == `*` {
			assert.Equal(t, response.StatusCode, 200, string(text))
		} else {
			assert.Equal(t, response.StatusCode, 409, string(text))
		}
	}
	response, text = ifMatch(`"x"`, body)
	assert.Equal(t, response.StatusCode, 400, string(text))
	response, text = ifMatch(`"1"`, object{"geometry": point(3, 4)})
	assert.Equal(t, response.StatusCode, 400, string(text))
}

func TestFloodsAreRefused(t *testing.T) {
	app := apptest.New(t, nil)
	mina := app.Register(t, "Mina")
	limited := func(do func() bool) {
		t.Helper()
		for range 5000 { // far more than burst, and nothing of it costs much
			if do() {
				return
			}
		}
		t.Error("no limit")
	}
	connections := &http.Transport{}
	defer connections.CloseIdleConnections()
	limited(func() bool {
		r, err := http.NewRequestWithContext(t.Context(), "PUT", app.URL+"/api/location", strings.NewReader("{}"))
		assert.NoError(t, err)
		r.Header.Set("Authorization", "Bearer "+mina.Token)
		r.Header.Set("Content-Type", "application/json")
		response, err := connections.RoundTrip(r)
		assert.NoError(t, err)
		_, err = io.Copy(io.Discard, response.Body)
		assert.NoError(t, err)
		assert.NoError(t, response.Body.Close())
		return response.StatusCode == 429
	})
	c := mina.Dial(t, location.Namespace)
	limited(func() bool {
		var answer json.RawMessage
		c.Ask(&answer, "leave_room", object{"locationId": 1})
		return strings.Contains(string(answer), "rate_limited")
	})
}

// The faults of the first implementation of this (a tutorial's): see also the checks that the
// real client makes.
func TestClientsCannotSpoof(t *testing.T) {
	app := apptest.New(t, nil)
	app.Register(t, "Root")
	mina, jun, stranger := app.Register(t, "Mina"), app.Register(t, "Jun"), app.Register(t, "Stranger")
	at := put(t, mina, 201, object{"geometry": point(1, 2)})
	share(t, mina, at.ID, jun)
	owner, watcher, spy := mina.Dial(t, location.Namespace), jun.Dial(t, location.Namespace), stranger.Dial(t, location.Namespace)
	watch(t, watcher, at.ID)

	forged := object{"userId": mina.ID, "message": object{"lat": 1}, "roomName": at.ID}
	for _, c := range []*testclient.Client{owner, watcher, spy} {
		refused(t, c, "not_found", "chat", forged) // positions come by HTTP alone
	}
	refused(t, spy, "forbidden", "join_room", object{"locationId": at.ID, "userId": mina.ID})
	refused(t, spy, "not_found", "join_room", object{"locationId": at.ID, "userId": stranger.ID})
	for _, id := range []any{watcher.ID, "location:" + at.ID.String(), "user:" + mina.ID.String(), "01", -1, 0, 1.5, object{}} {
		refused(t, spy, "bad_request", "join_room", object{"locationId": id})
	}
	refused(t, spy, "invalid", "join_room", object{"locationId": nil})
	refused(t, spy, "invalid", "join_room", object{})
	refused(t, spy, "bad_request", "join_room", at.ID)
	watcher.ExpectNothing()

	// HTTP tells those who have joined, and makes nobody join.
	put(t, mina, 200, object{"id": at.ID, "geometry": point(3, 4)})
	told(t, watcher)
	owner.ExpectNothing()
	spy.ExpectNothing()
	put(t, mina, 200, object{"id": at.ID, "geometry": point(5, 6)})
	told(t, watcher)
	owner.ExpectNothing()
	_, why := testclient.Try(t, app.URL, location.Namespace, nil)
	assert.True(t, strings.Contains(why, `"unauthorized"`), why)
}

// What turns round the text beside it changes what watchers read on their maps.
func TestNamesHideNothing(t *testing.T) {
	app := apptest.New(t, nil)
	mina := app.Register(t, "Mina")
	for _, name := range []string{"home\u202e", "ho\u200bme", "home\nhome"} {
		mina.Refused(t, 400, "invalid", "PUT", "/api/location", object{"name": name, "geometry": point(1, 2)})
	}
}

func TestNothingInternalIsLoggedOrTold(t *testing.T) {
	var log lines
	app := apptest.New(t, &server.Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	mina := app.Register(t, "Mina")
	at := put(t, mina, 201, object{"name": "secret place", "geometry": point(12.3456, 65.4321)})
	c := mina.Dial(t, location.Namespace)
	watch(t, c, at.ID)
	put(t, mina, 200, object{"id": at.ID, "geometry": point(12.3456, 65.4321)})
	told(t, c)
	for _, bad := range []any{nil, "text", object{}, object{"geometry": nil}, object{"geometry": "here"}, object{"id": "x", "geometry": point(1, 2)}, []int{1}} {
		mina.Call(t, 400, "PUT", "/api/location", bad, &struct{}{})
	}
	app.Stop()
	for _, word := range []string{"secret place", "12.3456", c.ID, mina.Token} {
		assert.True(t, !strings.Contains(log.String(), word), word)
	}
	assert.True(t, !strings.Contains(log.String(), "level=ERROR"), log.String())
}

// lines is a log that may be read while it is written.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
