package chat_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/kachi-io/kachi/app/chat"
	"github.com/kachi-io/kachi/app/store"
	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/testclient"
)

// handleDisconnect looped over rooms that were empty already: nobody heard that somebody left.
func TestClosingATabEndsPresenceOnly(t *testing.T) {
	_, p := start(t)
	nest := open(t, p.mina, "nest", false)
	mina, jun := enter(t, p.mina, nest), enter(t, p.jun, nest)
	mina.Expect("userJoined")
	jun.Close() // without a goodbye
	assert.Equal(t, expect[move](t, mina, "userLeft"), move{nest, idOf(p.jun), "Jun"})
	mina.ExpectNothing()

	// Still a member, who may write before entering again.
	jun = dial(t, p.jun)
	post(t, jun, nest, "back soon", "")
	assert.Equal(t, expect[message](t, mina, "message").Message, "back soon")
	assert.Equal(t, expect[reading](t, jun, "activity"), reading{Room: nest, Seq: 1})
	assert.Equal(t, expect[reading](t, jun, "unread"), reading{nest, 0, 1, 1}, "it is his own")
	join(t, jun, nest)
	assert.Equal(t, expect[move](t, mina, "userJoined"), move{nest, idOf(p.jun), "Jun"})
}

func TestTwoTabsOfOnePerson(t *testing.T) {
	_, p := start(t)
	nest := open(t, p.mina, "nest", false)
	mina, one := enter(t, p.mina, nest), enter(t, p.jun, nest)
	mina.Expect("userJoined")
	two := dial(t, p.jun)
	answer := join(t, two, nest)
	assert.Equal(t, answer.Total, 2, "people, not tabs")
	join(t, two, nest) // again
	mina.ExpectNothing()
	one.ExpectNothing()

	// What one tab sends all have.
	sent := say(t, one, nest, "hello", "")
	assert.Equal(t, expect[message](t, two, "message").ID, sent.ID)
	assert.Equal(t, expect[message](t, mina, "message").ID, sent.ID)
	one.ExpectNothing()
	// They are not told that they are writing themselves.
	one.Emit("typing", map[string]any{"room": nest})
	mina.Expect("typing")
	two.ExpectNothing()

	one.Close()
	one = enter(t, p.jun, nest)
	mina.ExpectNothing()
	one.Close()
	two.Close()
	assert.Equal(t, expect[move](t, mina, "userLeft"), move{nest, idOf(p.jun), "Jun"})

	// To leave for good is for all of them.
	one, two = enter(t, p.jun, nest), dial(t, p.jun)
	join(t, two, nest)
	mina.Expect("userJoined")
	one.Ask(nil, "exit", nest)
	mina.Expect("userLeft")
	assert.Equal(t, expect[removal](t, two, "removed").Reason, "left")
	say(t, mina, nest, "who is still there?", "")
	one.ExpectNothing()
	two.ExpectNothing()
	refused(t, two, "forbidden", "typing", map[string]any{"room": nest})
	mina.ExpectNothing()
}

// The list of users showed socket ids, of which everything could be done.
func TestListOfUsersShowsNoSocketIDs(t *testing.T) {
	_, p := start(t)
	nest := open(t, p.mina, "nest", false)
	mina := enter(t, p.mina, nest)
	jun := dial(t, p.jun)
	jun.Emit("join", nest)
	list := jun.Expect("getUserList")
	assert.True(t, strings.Contains(string(list.Args[0]), "Mina"), string(list.Args[0]))
	for _, id := range []string{mina.ID, jun.ID} {
		assert.True(t, !strings.Contains(string(list.Args[0]), id), string(list.Args[0]))
	}
	// It goes to who enters, and to nobody else.
	mina.Expect("userJoined")
	mina.ExpectNothing()
}

// Whoever knew the id of a socket, or of a room, could read along.
func TestNobodyReadsAlongInARoomOfOthers(t *testing.T) {
	_, p := start(t)
	attic := open(t, p.mina, "attic", true)
	invite(t, p.mina, attic, p.jun)
	mina, jun := enter(t, p.mina, attic), enter(t, p.jun, attic)
	mina.Expect("userJoined")
	spy := dial(t, p.sora)
	for _, room := range []any{attic, json.Number(attic), map[string]any{"room": attic}} {
		refused(t, spy, "not_found", "join", room)
	}
	for _, room := range []any{mina.ID, "room:" + attic, "user:" + idOf(p.mina), "member:" + attic} {
		refused(t, spy, "bad_request", "join", room)
	}
	sent := say(t, mina, attic, "a secret", "")
	jun.Expect("message")
	refused(t, spy, "not_found", "message", map[string]any{"room": attic, "message": "boo"})
	refused(t, spy, "not_found", "edit", map[string]any{"id": sent.ID, "message": "boo"})
	refused(t, spy, "not_found", "delete", map[string]any{"id": sent.ID})
	refused(t, spy, "not_found", "seen", map[string]any{"room": attic, "id": sent.ID})
	refused(t, spy, "forbidden", "typing", map[string]any{"room": attic})
	refused(t, spy, "not_found", "exit", attic)
	open := open(t, p.sora, "a room of her own", false)
	p.sora.Refused(t, 404, "not_found", "GET", "/api/rooms/"+open+"/messages?before="+sent.ID, nil)
	refused(t, spy, "not_found", "seen", map[string]any{"room": open, "id": sent.ID})
	for _, path := range []string{"", "/messages", "/members"} {
		p.sora.Refused(t, 404, "not_found", "GET", "/api/rooms/"+attic+path, nil)
	}
	p.sora.Refused(t, 404, "not_found", "POST", "/api/rooms/"+attic+"/members", map[string]any{"userId": p.sora.ID})
	var list struct{ Rooms []room }
	p.sora.Call(t, 200, "GET", "/api/rooms", nil, &list)
	assert.Equal(t, len(list.Rooms), 1, "her own")
	spy.ExpectNothing()
	mina.ExpectNothing()
	jun.ExpectNothing()
}

// Who is put out of a room does not hear what is said in it from then on, on any device, also
// one that is just entering.
func TestPuttingOut(t *testing.T) {
	_, p := start(t)
	attic := open(t, p.mina, "attic", true)
	mina := enter(t, p.mina, attic)
	for round := range 10 {
		invite(t, p.mina, attic, p.jun)
		in, entering := enter(t, p.jun, attic), dial(t, p.jun)
		mina.Expect("userJoined")
		var wg sync.WaitGroup
		wg.Go(func() { entering.Ask(nil, "join", attic) })
		p.mina.Call(t, http.StatusNoContent, "DELETE", "/api/rooms/"+attic+"/members/"+idOf(p.jun), nil, nil)
		sent := post(t, mina, attic, fmt.Sprint("a secret ", round), "")
		wg.Wait()
		for _, c := range []*testclient.Client{in, entering} {
			for _, e := range c.Waiting() {
				assert.True(t, e.Name != "message", string(sent.ID), e.Name)
			}
			refused(t, c, "not_found", "join", attic)
			c.Close()
		}
		mina.Expect("userLeft") // once
		mina.Expect("message")
		mina.ExpectNothing()
	}
	p.jun.Refused(t, 404, "not_found", "GET", "/api/rooms/"+attic, nil)
}

func TestPresence(t *testing.T) {
	p := chat.NewPresence()
	mina, jun := chat.Participant{ID: 1, Name: "Mina"}, chat.Participant{ID: 2, Name: "Jun"}
	enter := func(who chat.Participant, socket string) string {
		t.Helper()
		p.Knock(7, who, socket)
		said := "refused"
		p.Enter(7, socket, 2, func(list []chat.Participant, total int, first bool) {
			said = fmt.Sprint(len(list), total, first)
		})
		return said
	}
	leave := func(socket string) (gone string) {
		p.Leave(7, socket, func(who chat.Participant) { gone = who.Name })
		return gone
	}
	assert.Equal(t, enter(mina, "a"), "1 1 true")
	assert.Equal(t, enter(mina, "b"), "1 1 false")
	assert.Equal(t, enter(jun, "c"), "2 2 true")
	assert.Equal(t, enter(chat.Participant{ID: 3, Name: "Sora"}, "d"), "2 3 true", "the list is bounded")
	assert.Equal(t, enter(jun, "c"), "2 3 false", "is there already")
	assert.Equal(t, leave("a"), "")
	assert.Equal(t, leave("a"), "", "has left already")
	assert.Equal(t, leave("b"), "Mina")
	assert.Equal(t, leave("c"), "Jun")

	// Who is put out between knocking and entering stays outside.
	p.Knock(7, jun, "c")
	p.Expel(7, jun.ID, func(chat.Participant) { t.Error("was not there") })
	assert.True(t, !p.Enter(7, "c", 2, nil))
	assert.Equal(t, enter(jun, "c"), "2 2 true")
	expelled := 0
	p.Expel(7, jun.ID, func(chat.Participant) { expelled++ })
	assert.Equal(t, expelled, 1)
	p.Knock(7, jun, "c")
	p.Close(7)
	assert.True(t, !p.Enter(7, "c", 2, nil))
	assert.Equal(t, enter(mina, "a"), "1 1 true", "nobody is left of before")
	var room store.ID = 8
	p.Leave(room, "a", func(chat.Participant) { t.Error("another room") })
}

// Each coming is told once, and followed by its going, however many come and go at once.
func TestManyComeAndGo(t *testing.T) {
	app, p := start(t)
	nest := open(t, p.mina, "nest", false)
	watcher := enter(t, p.mina, nest)
	const people, tabs, rounds = 4, 2, 5
	var wg sync.WaitGroup
	for i := range people {
		who := app.Register(t, fmt.Sprint("visitor ", i))
		for range tabs {
			c := who.Dial(t, "/chat")
			wg.Go(func() {
				for range rounds {
					c.Ask(nil, "join", nest)
				}
				c.Close()
			})
		}
	}
	wg.Wait()
	inside, gone := map[string]bool{}, 0
	for gone < people || len(inside) > 0 {
		e := watcher.Next()
		var m move
		e.Decode(t, &m)
		if e.Name == "userJoined" {
			assert.True(t, !inside[m.UserID], m.UserName)
			inside[m.UserID] = true
			continue
		}
		assert.True(t, e.Name == "userLeft" && inside[m.UserID], m.UserName)
		delete(inside, m.UserID)
		gone++
	}
	assert.Eventually(t, func() bool {
		var answer joined
		watcher.Ask(&answer, "join", nest)
		return answer.Total == 1
	})
}
