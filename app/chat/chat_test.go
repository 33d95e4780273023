package chat_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/kachi-io/kachi/app/apptest"
	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/testclient"
)

// What clients see, as it is on the wire: not the types of the package, so that a field that
// changes its name is noticed.
type (
	user struct{ UserID, UserName string }

	room struct {
		ID, Name, OwnerID string
		Private, Member   bool
		Members           int
		Seq, Seen, Unread int64
		LastMessage       *message
	}

	message struct {
		ID, Room, Message, SentAt, EditedAt, DeletedAt, ClientID string
		Sender                                                   user
		Seq, Version                                             int64
	}

	receipt struct {
		ID, SentAt string
		Seq        int64
	}

	joined struct {
		Room      string
		Members   []user
		Total     int
		Seq, Seen int64
	}

	move struct{ Room, UserID, UserName string }

	removal struct{ Room, Name, Reason string }

	reading struct {
		Room              string
		Unread, Seen, Seq int64
	}

	refusal struct{ Status, Code, Message string }
)

func open(t testing.TB, by *apptest.Person, name string, private bool) string {
	t.Helper()
	var r room
	by.Call(t, 201, "POST", "/api/rooms", map[string]any{"name": name, "private": private}, &r)
	return r.ID
}

func invite(t testing.TB, by *apptest.Person, room string, who *apptest.Person) {
	t.Helper()
	by.Call(t, 204, "POST", "/api/rooms/"+room+"/members", map[string]any{"userId": who.ID}, nil)
}

// dial connects somebody who hears of what concerns them from then on: what is done for a new
// socket is done when its first event is answered.
func dial(t testing.TB, who *apptest.Person) *testclient.Client {
	t.Helper()
	c := who.Dial(t, "/chat")
	c.Ask(nil, "typing", map[string]any{"room": 1})
	return c
}

// enter connects somebody who is in the room afterwards.
func enter(t testing.TB, who *apptest.Person, room string) *testclient.Client {
	t.Helper()
	c := dial(t, who)
	join(t, c, room)
	return c
}

// join also takes what a socket hears of its own coming, which is told before the answer.
func join(t testing.TB, c *testclient.Client, room string) (answer joined) {
	t.Helper()
	c.Ask(&answer, "join", room)
	assert.Equal(t, answer.Room, room)
	c.Expect("getUserList")
	for _, e := range c.Waiting() { // where it is the first of its person's
		var m move
		e.Decode(t, &m)
		assert.Equal(t, []string{e.Name, m.Room}, []string{"userJoined", room})
	}
	return answer
}

// say is post for who is in the room, and hears it with all who are, before the answer.
func say(t testing.TB, c *testclient.Client, room, text, clientID string) receipt {
	t.Helper()
	r := post(t, c, room, text, clientID)
	assert.Equal(t, expect[message](t, c, "message").ID, r.ID)
	return r
}

func post(t testing.TB, c *testclient.Client, room, text, clientID string) (r receipt) {
	t.Helper()
	in := map[string]any{"room": room, "message": text}
	if clientID != "" {
		in["clientId"] = clientID
	}
	c.Ask(&r, "message", in)
	assert.True(t, r.ID != "", "it was refused")
	return r
}

func expect[T any](t testing.TB, c *testclient.Client, event string) (v T) {
	t.Helper()
	c.Expect(event).Decode(t, &v)
	return v
}

func refused(t testing.TB, c *testclient.Client, code, event string, arg any) {
	t.Helper()
	var r refusal
	c.Ask(&r, event, arg)
	assert.Equal(t, r.Status, "error", event)
	assert.Equal(t, r.Code, code, r.Message)
}

func idOf(p *apptest.Person) string { return p.ID.String() }

func history(t testing.TB, p *apptest.Person, room, query string) (page []message, next string) {
	t.Helper()
	var answer struct {
		Messages []message
		Next     *string
	}
	p.Call(t, 200, "GET", "/api/rooms/"+room+"/messages"+query, nil, &answer)
	if answer.Next != nil {
		next = *answer.Next
	}
	return answer.Messages, next
}

func texts(page []message) (list []string) {
	for _, m := range page {
		list = append(list, m.Message)
	}
	return list
}

type people struct{ root, mina, jun, sora *apptest.Person }

// start starts a server with an administrator and three others.
func start(t testing.TB) (*apptest.App, people) {
	t.Helper()
	app := apptest.New(t, nil)
	return app, populate(t, app)
}

func populate(t testing.TB, app *apptest.App) people {
	t.Helper()
	return people{app.Register(t, "Root"), app.Register(t, "Mina"), app.Register(t, "Jun"), app.Register(t, "Sora")}
}

// each is start for each kind of database: for what the database has its part in.
func each(t *testing.T, test func(*testing.T, *apptest.App, people)) {
	t.Helper()
	apptest.Each(t, nil, func(t *testing.T, app *apptest.App) { test(t, app, populate(t, app)) })
}

func TestConversation(t *testing.T) { each(t, testConversation) }

func testConversation(t *testing.T, _ *apptest.App, p people) {
	nest := open(t, p.mina, "  둥지 ", false)
	mina := dial(t, p.mina)
	var answer joined
	mina.Ask(&answer, "join", json.Number(nest)) // a number
	assert.Equal(t, answer, joined{Room: nest, Members: []user{{idOf(p.mina), "Mina"}}, Total: 1})
	mina.Expect("getUserList")
	assert.Equal(t, expect[move](t, mina, "userJoined"), move{nest, idOf(p.mina), "Mina"})

	jun := dial(t, p.jun)
	jun.Ask(&answer, "join", map[string]any{"room": nest})
	assert.Equal(t, answer.Members, []user{{idOf(p.jun), "Jun"}, {idOf(p.mina), "Mina"}})
	list := expect[struct {
		UserList []user
		Room     string
		Total    int
	}](t, jun, "getUserList")
	assert.Equal(t, list.UserList, answer.Members)
	for _, c := range []*testclient.Client{mina, jun} {
		assert.Equal(t, expect[move](t, c, "userJoined"), move{nest, idOf(p.jun), "Jun"})
	}

	sent := post(t, mina, nest, "hello", "c1")
	assert.Equal(t, sent.Seq, int64(1))
	_, err := time.Parse(time.RFC3339, sent.SentAt)
	assert.NoError(t, err)
	want := message{ID: sent.ID, Room: nest, Message: "hello", SentAt: sent.SentAt, ClientID: "c1", Sender: user{idOf(p.mina), "Mina"}, Seq: 1, Version: 1}
	for _, c := range []*testclient.Client{mina, jun} {
		assert.Equal(t, expect[message](t, c, "message"), want)
		c.ExpectNothing()
	}

	var edited message
	mina.Ask(&edited, "edit", map[string]any{"id": sent.ID, "message": "hello!"})
	assert.Equal(t, edited, expect[message](t, jun, "messageEdited"))
	assert.Equal(t, mina.Expect("messageEdited").Name, "messageEdited")
	assert.True(t, edited.EditedAt != "" && edited.Version == 2 && edited.Message == "hello!", edited)

	jun.Emit("typing", map[string]any{"room": nest})
	assert.Equal(t, expect[move](t, mina, "typing"), move{nest, idOf(p.jun), "Jun"})

	var deleted message
	mina.Ask(&deleted, "delete", map[string]any{"id": sent.ID})
	assert.Equal(t, deleted, expect[message](t, jun, "messageDeleted"))
	assert.Equal(t, []any{deleted.Message, deleted.Seq, deleted.Version}, []any{"", int64(1), int64(3)})
	mina.Expect("messageDeleted")
	mina.Ask(&deleted, "delete", map[string]any{"id": sent.ID})
	jun.ExpectNothing() // once
	refused(t, mina, "not_found", "edit", map[string]any{"id": sent.ID, "message": "risen"})
	page, _ := history(t, p.jun, nest, "")
	assert.Equal(t, page, []message{deleted})

	var left struct{ Room string }
	jun.Ask(&left, "exit", nest)
	assert.Equal(t, left.Room, nest)
	assert.Equal(t, expect[move](t, mina, "userLeft"), move{nest, idOf(p.jun), "Jun"})
	refused(t, jun, "forbidden", "message", map[string]any{"room": nest, "message": "am I there?"})
	refused(t, jun, "not_found", "exit", nest)
	mina.ExpectNothing()
}

// What people write is text, and nobody changes it.
func TestTextIsKeptAsItIs(t *testing.T) { each(t, testTextIsKeptAsItIs) }

func testTextIsKeptAsItIs(t *testing.T, _ *apptest.App, p people) {
	nest := open(t, p.mina, "<i>nest</i>", false)
	mina, jun := enter(t, p.mina, nest), enter(t, p.jun, nest)
	mina.Expect("userJoined")
	for i, text := range []string{
		`<script>alert(1)</script>`, `<img src=x onerror="alert(1)">`, `'; DROP TABLE messages; --`, "  spaces\n\nand lines  ",
		"\u202eright to left", "👩\u200d👩\u200d👧 가", `{"__proto__":1}`, "\x00",
	} {
		sent := say(t, mina, nest, text, fmt.Sprint(i))
		got := expect[message](t, jun, "message")
		assert.Equal(t, got.Message, text)
		assert.Equal(t, got.ID, sent.ID)
		page, _ := history(t, p.jun, nest, "?limit=1")
		assert.Equal(t, page[0].Message, text)
	}
}

func TestRefusals(t *testing.T) {
	_, p := start(t)
	nest := open(t, p.mina, "nest", false)
	mina := enter(t, p.mina, nest)
	long := make([]rune, 2001)
	for i := range long {
		long[i] = '가'
	}
	assert.True(t, say(t, mina, nest, string(long[:2000]), "").ID != "", "2,000 code points")
	for _, test := range []struct {
		name, code, event string
		arg               any
	}{
		{"long", "invalid", "message", map[string]any{"room": nest, "message": string(long)}},
		{"empty", "invalid", "message", map[string]any{"room": nest, "message": ""}},
		{"blank", "invalid", "message", map[string]any{"room": nest, "message": " \n "}},
		{"no room", "invalid", "message", map[string]any{"message": "x"}},
		{"room 0", "bad_request", "message", map[string]any{"room": 0, "message": "x"}},
		{"another's word", "bad_request", "message", map[string]any{"room": nest, "message": "x", "sender": 7}},
		{"client id too long", "invalid", "message", map[string]any{"room": nest, "message": "x", "clientId": string(long[:65])}},
		{"a room that is not there", "not_found", "message", map[string]any{"room": 999, "message": "x"}},
		{"not an object", "bad_request", "message", "x"},
		{"joining a word", "bad_request", "join", "nest"},
		{"joining nothing", "invalid", "join", map[string]any{}},
		{"joining null", "bad_request", "join", nil},
		{"joining a list", "bad_request", "join", []string{nest}},
		{"joining what is not there", "not_found", "join", 999},
		{"typing elsewhere", "forbidden", "typing", map[string]any{"room": 999}},
		{"editing nothing", "not_found", "edit", map[string]any{"id": 999, "message": "x"}},
		{"deleting nothing", "not_found", "delete", map[string]any{"id": 999}},
		{"seeing nothing", "not_found", "seen", map[string]any{"room": nest, "id": 999}},
	} {
		t.Run(test.name, func(t *testing.T) { refused(t, mina, test.code, test.event, test.arg) })
	}
	mina.ExpectNothing()
	for name, body := range map[string]map[string]any{
		"nothing": {}, "empty": {"name": ""}, "blank": {"name": "  "}, "long": {"name": string(long[:65])}, "invisible": {"name": "a\u202eb"},
		"unknown": {"name": "x", "owner": 1},
	} {
		t.Run(name, func(t *testing.T) { p.mina.Refused(t, 400, "invalid", "POST", "/api/rooms", body) })
	}
	p.mina.Refused(t, 400, "invalid", "GET", "/api/rooms/"+nest+"/messages?limit=1000", nil)
	p.mina.Refused(t, 400, "invalid", "GET", "/api/rooms/x/messages", nil)
	p.mina.Refused(t, 404, "not_found", "GET", "/api/rooms/"+nest+"/messages?before=999", nil)
	p.mina.Refused(t, 404, "not_found", "GET", "/api/rooms/999", nil)
}
