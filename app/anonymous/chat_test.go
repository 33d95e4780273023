package anonymous_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/kachi-io/kachi/app/anonymous"
	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/testclient"
	"github.com/kachi-io/kachi/socketio"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type user struct{ UserID, UserName string }

type joined struct {
	Room    string
	Members []user
	User    user
}

type refusal struct{ Status, Code, Message string }

type receipt struct{ ID, SentAt string }

type message struct {
	ID, Room, Message, SentAt string
	Sender                    user
}

func start(t *testing.T, o *anonymous.Options) string {
	t.Helper()
	srv := socketio.NewServer(nil)
	anonymous.Mount(srv.Of("/chat"), o)
	host := httptest.NewServer(srv)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		assert.NoError(t, srv.Shutdown(ctx))
		host.Close()
	})
	return host.URL
}

// key is an auth payload that stands for one user.
func key(name string) map[string]string {
	return map[string]string{"key": name + strings.Repeat("-", 16)}
}

func connect(t *testing.T, url string) *testclient.Client {
	t.Helper()
	return testclient.Connect(t, url, "/chat", nil)
}

// enter connects somebody who is in the room afterwards.
func enter(t *testing.T, url, name, room string) *testclient.Client {
	t.Helper()
	c := testclient.Connect(t, url, "/chat", key(name))
	join(t, c, name, room)
	return c
}

func join(t *testing.T, c *testclient.Client, name, room string) joined {
	t.Helper()
	var answer joined
	c.Ask(&answer, "join", map[string]string{"name": name, "room": room})
	assert.Equal(t, answer.Room, room)
	c.Expect("getUserList")
	return answer
}

func names(users []user) (names []string) {
	for _, u := range users {
		names = append(names, u.UserName)
	}
	return names
}

func expectPresence(t *testing.T, c *testclient.Client, event, name, room string) {
	t.Helper()
	var p struct{ Room, UserID, UserName string }
	c.Expect(event).Decode(t, &p)
	assert.Equal(t, p.UserName, name)
	assert.Equal(t, p.Room, room)
	assert.True(t, p.UserID != "", "a user id")
}

func post(c *testclient.Client, room, text, clientID string) (r receipt) {
	c.Ask(&r, "message", map[string]string{"room": room, "message": text, "clientId": clientID})
	return r
}

func expectMessage(t *testing.T, c *testclient.Client, text string) (m message) {
	t.Helper()
	c.Expect("message").Decode(t, &m)
	assert.Equal(t, m.Message, text)
	return m
}

func TestComingAndGoing(t *testing.T) {
	url := start(t, nil)
	mina := enter(t, url, "Mina", "nest")
	jun := testclient.Connect(t, url, "/chat", nil)
	answer := join(t, jun, "Jun", "nest")
	assert.Equal(t, names(answer.Members), []string{"Jun", "Mina"})
	assert.Equal(t, answer.User.UserName, "Jun")
	expectPresence(t, mina, "userJoined", "Jun", "nest")

	var left struct{ Room string }
	jun.Ask(&left, "exit", "nest")
	assert.Equal(t, left.Room, "nest")
	expectPresence(t, mina, "userLeft", "Jun", "nest")

	join(t, jun, "Jun again", "nest")
	expectPresence(t, mina, "userJoined", "Jun again", "nest")
	jun.Close()
	expectPresence(t, mina, "userLeft", "Jun again", "nest")
}

func TestListOfUsersShowsNoSocketIDs(t *testing.T) {
	url := start(t, nil)
	mina := enter(t, url, "Mina", "nest")
	jun := connect(t, url)
	jun.Emit("join", map[string]string{"name": "Jun", "room": "nest"})
	list := jun.Expect("getUserList")
	var body struct{ UserList []user }
	list.Decode(t, &body)
	assert.Equal(t, names(body.UserList), []string{"Jun", "Mina"})
	assert.True(t, !strings.Contains(string(list.Args[0]), mina.ID), string(list.Args[0]))
}

func TestMessageReachesTheOthersInTheRoom(t *testing.T) {
	url := start(t, nil)
	mina, jun, theo := enter(t, url, "Mina", "nest"), enter(t, url, "Jun", "nest"), enter(t, url, "Theo", "elsewhere")
	mina.Expect("userJoined")

	sent := post(mina, "nest", "<b>hello</b>", "")
	got := expectMessage(t, jun, "<b>hello</b>")
	assert.Equal(t, got.ID, sent.ID)
	assert.Equal(t, got.SentAt, sent.SentAt)
	assert.Equal(t, got.Room, "nest")
	assert.Equal(t, got.Sender.UserName, "Mina")
	_, err := time.Parse(time.RFC3339, got.SentAt)
	assert.NoError(t, err)

	post(jun, "nest", "hello yourself", "")
	expectMessage(t, mina, "hello yourself")
	post(theo, "elsewhere", "anybody?", "")
	for _, c := range []*testclient.Client{mina, jun, theo} {
		c.ExpectNothing()
	}
}

func TestMessageSentAgainIsDeliveredOnce(t *testing.T) {
	url := start(t, nil)
	jun := enter(t, url, "Jun", "nest")
	first := enter(t, url, "Mina", "nest")
	sent := post(first, "nest", "hello", "c1")
	first.Close()
	second := enter(t, url, "Mina", "nest") // the same user on a new connection
	assert.Equal(t, post(second, "nest", "hello", "c1"), sent)
	assert.True(t, post(second, "nest", "and more", "c2").ID != sent.ID)

	others := enter(t, url, "Theo", "nest")
	assert.True(t, post(others, "nest", "mine", "c1").ID != sent.ID, "ids are each user's own")

	var texts []string
	for len(texts) < 3 {
		if e := jun.Next(); e.Name == "message" {
			var m message
			e.Decode(t, &m)
			texts = append(texts, m.Message)
		}
	}
	assert.Equal(t, texts, []string{"hello", "and more", "mine"})
}

func TestForgottenMessageIsNewAgain(t *testing.T) {
	url := start(t, &anonymous.Options{Remembered: 2})
	mina := enter(t, url, "Mina", "nest")
	first := post(mina, "nest", "hello", "c1")
	post(mina, "nest", "hello", "c2")
	assert.Equal(t, post(mina, "nest", "hello", "c1"), first)
	post(mina, "nest", "hello", "c3")
	assert.True(t, post(mina, "nest", "hello", "c1") != first)
}

func TestUserWhoReturnsBeforeTheOldConnectionEnded(t *testing.T) {
	url := start(t, nil)
	jun := enter(t, url, "Jun", "nest")
	old := enter(t, url, "Mina", "nest")
	expectPresence(t, jun, "userJoined", "Mina", "nest")
	back := testclient.Connect(t, url, "/chat", key("Mina"))
	assert.Equal(t, names(join(t, back, "Mina", "nest").Members), []string{"Jun", "Mina"})
	old.Close()
	post(back, "nest", "still here", "")
	expectMessage(t, jun, "still here") // and nothing of a coming or going before it
	back.Close()
	expectPresence(t, jun, "userLeft", "Mina", "nest")
}

func TestAnotherName(t *testing.T) {
	url := start(t, nil)
	jun, mina := enter(t, url, "Jun", "nest"), enter(t, url, "Mina", "nest")
	jun.Expect("userJoined")
	join(t, mina, "Mina P.", "nest")
	expectPresence(t, jun, "userLeft", "Mina", "nest")
	expectPresence(t, jun, "userJoined", "Mina P.", "nest")
	post(mina, "nest", "hello", "")
	assert.Equal(t, expectMessage(t, jun, "hello").Sender.UserName, "Mina P.")

	join(t, mina, "Mina P.", "tree")
	var r refusal
	mina.Ask(&r, "join", map[string]string{"name": "Other", "room": "tree"})
	assert.Equal(t, r.Code, "invalid")
}

func TestRoomNamedByANumber(t *testing.T) {
	url := start(t, nil)
	c := connect(t, url)
	var answer joined
	c.Ask(&answer, "join", 7)
	assert.Equal(t, answer.Room, "7")
	assert.True(t, strings.HasPrefix(answer.User.UserName, "guest-"), answer.User.UserName)
	other := connect(t, url)
	other.Ask(&answer, "join", " 7 ")
	assert.Equal(t, len(answer.Members), 2)
	var left struct{ Room string }
	other.Ask(&left, "exit", map[string]any{"room": 7})
	assert.Equal(t, left.Room, "7")
}

func TestTyping(t *testing.T) {
	url := start(t, nil)
	mina, jun := enter(t, url, "Mina", "nest"), enter(t, url, "Jun", "nest")
	mina.Expect("userJoined")
	jun.Emit("typing", map[string]string{"room": "nest"})
	expectPresence(t, mina, "typing", "Jun", "nest")
}

func TestRoomsAreNotSockets(t *testing.T) {
	url := start(t, nil)
	mina := enter(t, url, "Mina", "nest")
	spy := connect(t, url)
	var answer joined
	spy.Ask(&answer, "join", mina.ID) // a room of that name, not Mina's own messages
	spy.Expect("getUserList")
	post(enter(t, url, "Jun", "nest"), "nest", "secret", "")
	mina.Expect("userJoined")
	expectMessage(t, mina, "secret")
	spy.ExpectNothing()
}

func TestRefusals(t *testing.T) {
	url := start(t, &anonymous.Options{MaxRoomsPerUser: 2, MaxRooms: 3, MaxMembers: 2})
	mina := enter(t, url, "Mina", "nest")
	c := connect(t, url)
	for _, test := range []struct {
		name  string
		event string
		arg   any
		code  string
	}{
		{"name taken", "join", map[string]any{"room": "nest", "name": "MINA"}, "name_taken"},
		{"no room", "join", map[string]any{"name": "Jun"}, "invalid"},
		{"blank room", "join", "  ", "invalid"},
		{"room too long", "join", strings.Repeat("r", 65), "invalid"},
		{"name too long", "join", map[string]any{"room": "x", "name": strings.Repeat("가", 33)}, "invalid"},
		{"invisible name", "join", map[string]any{"room": "x", "name": "a\u202eb"}, "invalid"},
		{"control character", "join", "a\nb", "invalid"},
		{"a room of another type", "join", []int{1}, "bad_request"},
		{"not a whole number", "join", 1.5, "bad_request"},
		{"null", "join", nil, "invalid"},
		{"message to a room one is not in", "message", map[string]any{"room": "nest", "message": "x"}, "not_found"},
		{"message that is no object", "message", "x", "bad_request"},
		{"leaving a room one is not in", "exit", "nest", "not_found"},
		{"typing in a room one is not in", "typing", map[string]any{"room": "nest"}, "not_found"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var r refusal
			c.Ask(&r, test.event, test.arg)
			assert.Equal(t, r.Status, "error")
			assert.Equal(t, r.Code, test.code, r.Message)
		})
	}

	for name, body := range map[string]map[string]any{
		"empty message":  {"room": "nest", "message": " \n"},
		"long message":   {"room": "nest", "message": strings.Repeat("가", 2001)},
		"long client id": {"room": "nest", "message": "x", "clientId": strings.Repeat("x", 65)},
	} {
		t.Run(name, func(t *testing.T) {
			var r refusal
			mina.Ask(&r, "message", body)
			assert.Equal(t, r.Code, "invalid", r.Message)
		})
	}
	mina.ExpectNothing()
}

func TestBounds(t *testing.T) {
	url := start(t, &anonymous.Options{MaxRoomsPerUser: 2, MaxRooms: 3, MaxMembers: 2})
	code := func(c *testclient.Client, room string) string {
		var r refusal
		c.Ask(&r, "join", room)
		return r.Code
	}
	a, b, c := connect(t, url), connect(t, url), connect(t, url)
	assert.Equal(t, []string{code(a, "1"), code(a, "2"), code(a, "3")}, []string{"", "", "too_many_rooms"})
	assert.Equal(t, []string{code(b, "1"), code(b, "3"), code(c, "1"), code(c, "4")}, []string{"", "", "room_full", "busy"})
	a.Close()
	b.Close()
	// What nobody is in any more makes room.
	assert.Eventually(t, func() bool { return code(c, "4") == "" })
}

func TestKeys(t *testing.T) {
	url := start(t, nil)
	for _, auth := range []any{map[string]string{"key": "short"}, map[string]string{"key": strings.Repeat("x", 129)}, map[string]int{"key": 1}} {
		c, refused := testclient.Try(t, url, "/chat", auth)
		assert.True(t, c == nil && strings.Contains(refused, `"code":"invalid"`), auth, refused)
	}
}

func TestManyComeAndGoAtOnce(t *testing.T) {
	url := start(t, nil)
	watcher := enter(t, url, "watcher", "nest")
	const visitors, rounds = 8, 10
	done := make(chan struct{})
	for i := range visitors {
		c := testclient.Connect(t, url, "/chat", nil)
		go func() {
			defer func() { done <- struct{}{} }()
			for range rounds {
				c.Ask(nil, "join", map[string]string{"name": fmt.Sprint("visitor ", i), "room": "nest"})
				c.Ask(nil, "exit", "nest")
			}
		}()
	}
	for range visitors {
		assert.Receive(t, done)
	}
	// Each coming is told once and followed by its going.
	inside := map[string]bool{}
	for range 2 * visitors * rounds {
		e := watcher.Next()
		var p struct{ UserID string }
		e.Decode(t, &p)
		assert.Equal(t, inside[p.UserID], e.Name == "userLeft", e.Name)
		inside[p.UserID] = e.Name == "userJoined"
	}
	watcher.ExpectNothing()
	again := connect(t, url)
	assert.Equal(t, names(join(t, again, "last", "nest").Members), []string{"last", "watcher"})
}
