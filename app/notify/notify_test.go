package notify_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/kachi-io/kachi/app/apptest"
	"github.com/kachi-io/kachi/app/server"
	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/testclient"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type object = map[string]any

type state struct{ Unread, Version int }

// told is what a device is told.
type told struct {
	ID, Title, Body, CreatedAt string
	ReadAt                     *string
	Data                       any
	state
}

type page struct {
	Notifications []told
	Next          *string
	state
}

// subscribed is a device of a person, and what it was answered.
func subscribed(t *testing.T, p *apptest.Person, argument ...any) (*testclient.Client, state) {
	t.Helper()
	device := p.Dial(t, "/notifications")
	var now state
	device.Ask(&now, "subscribeToNotifications", argument...)
	return device, now
}

func send(t *testing.T, app *apptest.App, to *apptest.Person, title string) (id string) {
	t.Helper()
	var answer struct{ IDs []string }
	app.Service().Call(t, 202, "POST", "/api/notifications", object{"userId": to.ID, "title": title, "body": "of " + title}, &answer)
	assert.Equal(t, len(answer.IDs), 1)
	return answer.IDs[0]
}

func expect[T any](t *testing.T, device *testclient.Client, event string) (v T) {
	t.Helper()
	device.Expect(event).Decode(t, &v)
	return v
}

func list(t *testing.T, p *apptest.Person, query string) (v page) {
	t.Helper()
	p.Call(t, 200, "GET", "/api/notifications"+query, nil, &v)
	return v
}

func TestEveryDeviceIsTold(t *testing.T) {
	app := apptest.New(t, nil)
	mina, jun := app.Register(t, "Mina"), app.Register(t, "Jun")
	phone, now := subscribed(t, mina)
	assert.Equal(t, now, state{})
	laptop, _ := subscribed(t, mina, mina.ID)
	other, _ := subscribed(t, jun)
	idle := mina.Dial(t, "/notifications") // has not subscribed

	var answer struct{ IDs []string }
	app.Service().Call(t, 202, "POST", "/api/notifications",
		object{"userId": mina.ID, "title": " 까치 ", "body": "<b>eggs</b>", "data": object{"room": "7", "n": []int{1}}}, &answer)
	for _, device := range []*testclient.Client{phone, laptop} {
		n := expect[told](t, device, "notification")
		assert.Equal(t, []string{n.ID, n.Title, n.Body}, []string{answer.IDs[0], "까치", "<b>eggs</b>"})
		assert.Equal(t, n.Data, any(object{"room": "7", "n": []any{1.0}}))
		assert.Equal(t, n.state, state{1, 1})
		assert.True(t, n.CreatedAt != "" && n.ReadAt == nil)
	}
	other.ExpectNothing()
	idle.ExpectNothing()
}

func TestWhoWasAwayFindsThem(t *testing.T) {
	app := apptest.New(t, nil)
	mina := app.Register(t, "Mina")
	device, _ := subscribed(t, mina)
	first := send(t, app, mina, "first")
	device.Expect("notification")
	device.Close()
	second := send(t, app, mina, "second")

	back, now := subscribed(t, mina)
	assert.Equal(t, now, state{2, 2}, "one version was missed")
	p := list(t, mina, "")
	assert.Equal(t, []string{p.Notifications[0].ID, p.Notifications[1].ID}, []string{second, first})
	assert.Equal(t, p.state, now)
	assert.True(t, p.Next == nil)

	app.Stop()
	app = apptest.New(t, &server.Options{Data: app.Data})
	_, now = subscribed(t, app.LogIn(t, "Mina"))
	assert.Equal(t, now, state{2, 2}, "after a restart")
	back.Close()
}

func TestReadIsToldToTheOtherDevices(t *testing.T) {
	app := apptest.New(t, nil)
	mina := app.Register(t, "Mina")
	var ids []string
	for _, title := range []string{"one", "two", "three"} {
		ids = append(ids, send(t, app, mina, title))
	}
	phone, _ := subscribed(t, mina)
	laptop, _ := subscribed(t, mina)

	var now state
	phone.Ask(&now, "read", object{"id": ids[0]})
	assert.Equal(t, now, state{2, 4})
	type read struct {
		IDs          []string
		UpTo, ReadAt string
		state
	}
	r := expect[read](t, laptop, "read")
	assert.Equal(t, r.IDs, ids[:1])
	assert.Equal(t, r.state, now)
	assert.Equal(t, expect[state](t, laptop, "unread"), now)
	phone.Ask(&now, "read", object{"id": ids[0]})
	assert.Equal(t, now, state{2, 4}, "again: nothing has changed")
	laptop.ExpectNothing()
	phone.ExpectNothing()
	assert.Equal(t, *list(t, mina, "").Notifications[2].ReadAt, r.ReadAt)
	unread := list(t, mina, "?unread=true")
	assert.Equal(t, len(unread.Notifications), 2)

	phone.Ask(&now, "read", object{"ids": []string{ids[0], ids[1], "12345"}})
	assert.Equal(t, now, state{1, 5})
	assert.Equal(t, expect[read](t, laptop, "read").IDs, ids[1:2])
	laptop.Expect("unread")
	phone.Ask(&now, "read", object{"all": true, "upTo": ids[1]})
	assert.Equal(t, now, state{1, 5}, "what came later was not seen")
	phone.Ask(&now, "read", object{"all": true})
	assert.Equal(t, now, state{0, 6})
	assert.Equal(t, expect[read](t, laptop, "read").UpTo, ids[2])
	laptop.Expect("unread")

	// By the API all devices are told: it is not known which one has called.
	fourth := send(t, app, mina, "four")
	fifth := send(t, app, mina, "five")
	for _, d := range []*testclient.Client{phone, laptop} {
		d.Expect("notification")
		d.Expect("notification")
	}
	mina.Call(t, 200, "PUT", "/api/notifications/"+fourth+"/read", nil, &now)
	assert.Equal(t, now, state{1, 9})
	mina.Call(t, 200, "PUT", "/api/notifications/read", object{"upTo": fifth}, &now)
	assert.Equal(t, now, state{0, 10})
	mina.Call(t, 200, "PUT", "/api/notifications/read", nil, &now)
	assert.Equal(t, now, state{0, 10})
	for _, d := range []*testclient.Client{phone, laptop} {
		assert.Equal(t, expect[read](t, d, "read").IDs, []string{fourth})
		d.Expect("unread")
		assert.Equal(t, expect[read](t, d, "read").UpTo, fifth)
		d.Expect("unread")
		d.ExpectNothing()
	}
}

func TestReadingSaysWhatIsWrong(t *testing.T) {
	app := apptest.New(t, nil)
	mina, jun := app.Register(t, "Mina"), app.Register(t, "Jun")
	his := send(t, app, jun, "his")
	device, _ := subscribed(t, mina)
	for _, c := range []struct {
		in   any
		code string
	}{
		{object{"id": his}, "not_found"},
		{object{"id": "99"}, "not_found"},
		{object{"ids": []string{his}}, "not_found"},
		{object{}, "invalid"},
		{object{"ids": []string{}}, "invalid"},
		{object{"id": his, "all": true}, "invalid"},
		{object{"id": his, "upTo": his}, "invalid"},
		{object{"ids": slices.Repeat([]string{his}, 101)}, "invalid"},
		{object{"id": "x"}, "bad_request"},
		{"1", "bad_request"},
	} {
		var e struct{ Code string }
		device.Ask(&e, "read", c.in)
		assert.Equal(t, e.Code, c.code, fmt.Sprint(c.in))
	}
	mina.Refused(t, 404, "not_found", "PUT", "/api/notifications/"+his+"/read", nil)
	mina.Refused(t, 404, "not_found", "PUT", "/api/notifications/x/read", nil)
	assert.Equal(t, list(t, jun, "").Unread, 1)
}

func TestNobodySubscribesToAnothersNotifications(t *testing.T) {
	app := apptest.New(t, nil)
	mina, jun := app.Register(t, "Mina"), app.Register(t, "Jun")
	spy := jun.Dial(t, "/notifications")
	victim, _ := subscribed(t, mina, mina.ID.String())
	for _, who := range []any{mina.ID, int64(mina.ID), "notified:" + mina.ID.String(), "admin", victim.ID, "", true, object{"userId": mina.ID}} {
		var e struct{ Code string }
		spy.Ask(&e, "subscribeToNotifications", who)
		assert.Equal(t, e.Code, "forbidden", fmt.Sprint(who))
	}
	send(t, app, mina, "secret")
	victim.Expect("notification")
	spy.ExpectNothing()
	for _, own := range []any{int64(jun.ID), jun.ID.String(), nil} {
		var now struct {
			Code string
			state
		}
		spy.Ask(&now, "subscribeToNotifications", own)
		assert.Equal(t, now.Code, "")
	}
	_, refusal := testclient.Try(t, app.URL, "/notifications", nil)
	assert.True(t, strings.Contains(refusal, `"unauthorized"`), refusal)
	_, refusal = testclient.Try(t, app.URL, "/notifications", object{"token": apptest.ServiceToken})
	assert.True(t, strings.Contains(refusal, `"unauthorized"`), refusal)
}

func TestTokensOfServicesAndUsersAreNotTheSame(t *testing.T) {
	app := apptest.New(t, nil)
	admin := app.Register(t, "Root")
	m := object{"userId": admin.ID, "title": "t", "body": "b"}
	impostor := app.Service()
	impostor.Token += "x"
	for _, who := range []*apptest.Person{app.Nobody(), admin, impostor} {
		who.Refused(t, 401, "unauthorized", "POST", "/api/notifications", m)
	}
	id := send(t, app, admin, "one")
	for _, who := range []*apptest.Person{app.Nobody(), app.Service()} {
		who.Refused(t, 401, "unauthorized", "GET", "/api/notifications", nil)
		who.Refused(t, 401, "unauthorized", "PUT", "/api/notifications/read", nil)
		who.Refused(t, 401, "unauthorized", "PUT", "/api/notifications/"+id+"/read", nil)
	}
}

func TestPages(t *testing.T) {
	app := apptest.New(t, nil)
	mina, jun := app.Register(t, "Mina"), app.Register(t, "Jun")
	var bulk []object
	for i := range 250 {
		bulk = append(bulk, object{"userId": []*apptest.Person{mina, jun}[i%2].ID, "title": fmt.Sprint(i), "body": "b"})
	}
	device, _ := subscribed(t, mina)
	var answer struct{ IDs []string }
	app.Service().Call(t, 202, "POST", "/api/notifications", bulk, &answer)
	assert.Equal(t, len(answer.IDs), 250)
	for i := range 125 {
		n := expect[told](t, device, "notification")
		assert.Equal(t, n.Title, fmt.Sprint(2*i))
		assert.Equal(t, n.ID, answer.IDs[2*i])
		assert.Equal(t, n.state, state{i + 1, i + 1})
	}
	var all []string
	query := "?limit=50"
	for pages := 0; ; pages++ {
		p := list(t, mina, query)
		for _, n := range p.Notifications {
			all = append(all, n.Title)
		}
		if p.Next == nil {
			assert.Equal(t, pages, 2)
			break
		}
		query = "?limit=50&before=" + *p.Next
	}
	assert.Equal(t, len(all), 125)
	assert.Equal(t, all[124], "0")
	mina.Refused(t, 400, "invalid", "GET", "/api/notifications?limit=101", nil)
	mina.Refused(t, 400, "invalid", "GET", "/api/notifications?before=x", nil)
}

func TestWhatIsWrongIsNamedByItsPlace(t *testing.T) {
	app := apptest.New(t, nil)
	mina := app.Register(t, "Mina")
	good := object{"userId": mina.ID, "title": "t", "body": "b"}
	with := func(field string, value any) object {
		m := object{"userId": mina.ID, "title": "t", "body": "b"}
		m[field] = value
		return m
	}
	for _, c := range []struct {
		body         any
		status       int
		code, path   string
		wantsMessage string
	}{
		{with("userId", "77"), 404, "not_found", "userId", ""},
		{[]object{good, with("userId", "77")}, 404, "not_found", "[1].userId", "[1].userId"},
		{[]object{with("userId", 77)}, 404, "not_found", "[0].userId", ""},
		{with("userId", "mina"), 400, "invalid", "", ""},
		{with("title", ""), 400, "invalid", "title", ""},
		{with("title", 7), 400, "invalid", "title", ""},
		{with("title", strings.Repeat("가", 201)), 400, "invalid", "title", ""},
		{[]object{good, with("body", strings.Repeat("x", 2001))}, 400, "invalid", "[1].body", ""},
		{with("body", "  "), 400, "invalid", "body", ""},
		{with("data", strings.Repeat("x", 8<<10)), 400, "invalid", "data", ""},
		{with("extra", 1), 400, "invalid", "", ""},
		{[]object{}, 400, "invalid", "", ""},
		{slices.Repeat([]object{good}, 1001), 400, "invalid", "", ""},
		{"text", 400, "invalid", "", ""},
	} {
		var e struct {
			Code, Message string
			Details       []struct{ Path string }
		}
		app.Service().Call(t, c.status, "POST", "/api/notifications", c.body, &e)
		assert.Equal(t, e.Code, c.code, e.Message)
		assert.Equal(t, e.Details[0].Path, c.path, e.Message)
		assert.True(t, strings.Contains(e.Message, c.wantsMessage), e.Message)
	}
	assert.Equal(t, len(list(t, mina, "").Notifications), 0, "nothing was stored")
	app.Service().Call(t, 202, "POST", "/api/notifications", with("data", strings.Repeat("x", 8<<10-2)), nil)
	app.Service().Call(t, 202, "POST", "/api/notifications", with("data", nil), nil)
}

func TestARetryIsStoredAndToldOnce(t *testing.T) {
	app := apptest.New(t, nil)
	mina := app.Register(t, "Mina")
	device, _ := subscribed(t, mina)
	m := object{"userId": mina.ID, "title": "t", "body": "b", "data": object{"a": 1}}
	post := func(key string, body any) (status int, ids []string) {
		t.Helper()
		service := app.Service()
		service.Header = http.Header{"Idempotency-Key": {key}}
		answer := service.Do(t, "POST", "/api/notifications", body)
		var stored struct{ IDs []string }
		assert.NoError(t, json.NewDecoder(answer.Body).Decode(&stored))
		return answer.StatusCode, stored.IDs
	}
	status, first := post("try-1", []object{m, m})
	assert.Equal(t, status, 202)
	assert.True(t, first[0] != first[1], "two of the same in a list are two")
	status, again := post("try-1", []object{m, m})
	assert.Equal(t, status, 202)
	assert.Equal(t, again, first)
	status, other := post("try-2", []object{m, m})
	assert.Equal(t, status, 202)
	assert.True(t, other[0] != first[0])
	status, _ = post("try-1", []object{m, {"userId": mina.ID, "title": "else", "body": "b"}})
	assert.Equal(t, status, 409)
	status, _ = post(strings.Repeat("x", 201), m)
	assert.Equal(t, status, 400)

	for range 4 {
		device.Expect("notification")
	}
	device.ExpectNothing()

	app.Stop()
	app = apptest.New(t, &server.Options{Data: app.Data})
	_, again = post("try-1", []object{m, m})
	assert.Equal(t, again, first, "after a restart")
}

// A service was known by its place among the tokens: where the one before it was taken out, what
// it sent again was stored again.
func TestARetryAfterAnotherServicesTokenIsGone(t *testing.T) {
	app := apptest.New(t, &server.Options{ServiceTokens: []string{"another service's token"}})
	mina := app.Register(t, "Mina")
	message := object{"userId": mina.ID, "title": "Hello", "body": "Once"}
	var first, again struct{ IDs []string }
	app.Service().Call(t, 202, "POST", "/api/notifications", message, &first, "Idempotency-Key: k")
	app.Stop()
	app.Options.ServiceTokens = nil
	app = apptest.New(t, &app.Options)
	app.Service().Call(t, 202, "POST", "/api/notifications", message, &again, "Idempotency-Key: k")
	assert.Equal(t, again.IDs, first.IDs)
}
