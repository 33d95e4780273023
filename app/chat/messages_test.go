package chat_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/kachi-io/kachi/app/apptest"
	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/testclient"
)

func TestHistory(t *testing.T) { each(t, testHistory) }

func testHistory(t *testing.T, _ *apptest.App, p people) {
	nest := open(t, p.mina, "nest", false)
	page, next := history(t, p.mina, nest, "")
	assert.Equal(t, texts(page), []string(nil))
	assert.Equal(t, next, "")
	mina := enter(t, p.mina, nest)
	var ids []string
	for i := range 7 {
		ids = append(ids, say(t, mina, nest, fmt.Sprint(i+1), "").ID)
	}
	page, next = history(t, p.jun, nest, "?limit=3") // a public room is read by whoever looks at it
	assert.Equal(t, texts(page), []string{"5", "6", "7"})
	assert.Equal(t, next, ids[4])
	page, next = history(t, p.mina, nest, "?limit=3&before="+next)
	assert.Equal(t, texts(page), []string{"2", "3", "4"})
	page, next = history(t, p.mina, nest, "?limit=3&before="+next)
	assert.Equal(t, texts(page), []string{"1"})
	assert.Equal(t, next, "")

	page, next = history(t, p.mina, nest, "?limit=2&after="+ids[3])
	assert.Equal(t, texts(page), []string{"5", "6"})
	page, next = history(t, p.mina, nest, "?limit=2&after="+next)
	assert.Equal(t, texts(page), []string{"7"})
	assert.Equal(t, next, "")
	p.mina.Refused(t, 400, "invalid", "GET", "/api/rooms/"+nest+"/messages?before="+ids[1]+"&after="+ids[0], nil)
}

func TestUnreadAndSeen(t *testing.T) { each(t, testUnreadAndSeen) }

func testUnreadAndSeen(t *testing.T, _ *apptest.App, p people) {
	nest := open(t, p.mina, "nest", false)
	mina := enter(t, p.mina, nest)
	say(t, mina, nest, "before he came", "")
	jun := enter(t, p.jun, nest)
	mina.Expect("userJoined")
	phone := dial(t, p.jun) // has not entered the room

	first, second := say(t, mina, nest, "one", ""), say(t, mina, nest, "two", "")
	jun.Expect("message")
	jun.Expect("message")
	assert.Equal(t, expect[reading](t, phone, "activity"), reading{Room: nest, Seq: 2})
	assert.Equal(t, expect[reading](t, phone, "activity"), reading{Room: nest, Seq: 3})
	look := func(who *apptest.Person) (r room) {
		t.Helper()
		who.Call(t, 200, "GET", "/api/rooms/"+nest, nil, &r)
		return r
	}
	r := look(p.jun)
	assert.Equal(t, []int64{r.Seq, r.Seen, r.Unread}, []int64{3, 1, 2})
	assert.Equal(t, r.LastMessage.Message, "two")
	assert.Equal(t, look(p.mina).Unread, int64(0), "her own")
	assert.Equal(t, look(p.sora).Unread, int64(0), "is no member")

	var answer reading
	jun.Ask(&answer, "seen", map[string]any{"room": nest, "id": first.ID})
	assert.Equal(t, answer, reading{nest, 1, 2, 3})
	assert.Equal(t, expect[reading](t, phone, "unread"), answer)
	type sight struct {
		Room, UserID, ID string
		Seq              int64
	}
	assert.Equal(t, expect[sight](t, mina, "seen"), sight{nest, idOf(p.jun), first.ID, 2})
	jun.Ask(&answer, "seen", map[string]any{"room": nest, "id": first.ID})
	jun.Ask(&answer, "seen", map[string]any{"room": nest, "id": second.ID})
	assert.Equal(t, answer.Unread, int64(0))
	assert.Equal(t, expect[sight](t, mina, "seen").Seq, int64(3), "and nothing of what was known")
	phone.Expect("unread")
	jun.Ask(&answer, "seen", map[string]any{"room": nest, "id": first.ID})
	assert.Equal(t, answer.Seen, int64(3), "never back")
	for _, c := range []*testclient.Client{mina, jun, phone} {
		c.ExpectNothing()
	}
	var list struct {
		Members []struct {
			UserID, UserName, JoinedAt string
			Seen                       int64
		}
		Next *string
	}
	p.mina.Call(t, 200, "GET", "/api/rooms/"+nest+"/members?limit=1", nil, &list)
	assert.Equal(t, list.Members[0].UserName, "Mina")
	p.mina.Call(t, 200, "GET", "/api/rooms/"+nest+"/members?after="+*list.Next, nil, &list)
	assert.Equal(t, list.Members[0].UserName, "Jun")
	assert.Equal(t, list.Members[0].Seen, int64(3))
	sora := dial(t, p.sora)
	refused(t, sora, "forbidden", "seen", map[string]any{"room": nest, "id": first.ID})
}

func TestInvitations(t *testing.T) { each(t, testInvitations) }

func testInvitations(t *testing.T, _ *apptest.App, p people) {
	attic := open(t, p.mina, "attic", true)
	jun := dial(t, p.jun)
	invite(t, p.mina, attic, p.jun)
	type invitation struct {
		Room, Name string
		Private    bool
		By         user
	}
	assert.Equal(t, expect[invitation](t, jun, "invited"), invitation{attic, "attic", true, user{idOf(p.mina), "Mina"}})
	invite(t, p.mina, attic, p.jun) // is in already
	jun.ExpectNothing()
	p.mina.Refused(t, 404, "not_found", "POST", "/api/rooms/"+attic+"/members", map[string]any{"userId": 999})
	p.mina.Refused(t, 400, "invalid", "POST", "/api/rooms/"+attic+"/members", map[string]any{})

	invite(t, p.jun, attic, p.sora) // a member brings others
	// Who is away finds it on return; each is told once.
	type notice struct {
		Title, Body string
		Data        struct {
			Kind, Room, Name string
			Private          bool
			By               user
		}
	}
	for who, by := range map[*apptest.Person]user{p.jun: {idOf(p.mina), "Mina"}, p.sora: {idOf(p.jun), "Jun"}} {
		var list struct{ Notifications []notice }
		who.Call(t, 200, "GET", "/api/notifications", nil, &list)
		want := notice{Title: "Invitation to attic", Body: by.UserName + " has invited you."}
		want.Data.Kind, want.Data.Room, want.Data.Name, want.Data.Private, want.Data.By = "invitation", attic, "attic", true, by
		assert.Equal(t, list.Notifications, []notice{want})
	}
	mina := enter(t, p.mina, attic)
	say(t, mina, attic, "welcome", "")
	assert.Equal(t, expect[reading](t, jun, "activity").Seq, int64(1), "who is invited hears of news")

	// Everybody may leave; to come back to a private room takes another invitation.
	jun.Ask(nil, "exit", attic)
	refused(t, jun, "not_found", "join", attic)
	var changed room
	p.mina.Call(t, 200, "PATCH", "/api/rooms/"+attic, map[string]any{"name": "hall", "private": false}, &changed)
	assert.Equal(t, []any{changed.Name, changed.Private, changed.Members}, []any{"hall", false, 2})
	assert.Equal(t, expect[invitation](t, mina, "roomChanged"), invitation{Room: attic, Name: "hall"})
	join(t, jun, attic)
	mina.Expect("userJoined")

	p.mina.Refused(t, 400, "invalid", "PATCH", "/api/rooms/"+attic, map[string]any{"name": " "})
	p.jun.Refused(t, 403, "forbidden", "PATCH", "/api/rooms/"+attic, map[string]any{"name": "mine"})
	p.jun.Refused(t, 403, "forbidden", "DELETE", "/api/rooms/"+attic, nil)
	p.jun.Refused(t, 403, "forbidden", "DELETE", "/api/rooms/"+attic+"/members/"+idOf(p.sora), nil)
	p.mina.Refused(t, 404, "not_found", "DELETE", "/api/rooms/"+attic+"/members/999", nil)
	p.mina.Call(t, 204, "DELETE", "/api/rooms/"+attic+"/members/"+idOf(p.jun), nil, nil)
	assert.Equal(t, expect[removal](t, jun, "removed"), removal{attic, "hall", "excluded"})
	mina.Expect("userLeft")

	// The owner may leave as well, and owns the room as before.
	mina.Ask(nil, "exit", attic)
	p.mina.Call(t, 200, "PATCH", "/api/rooms/"+attic, map[string]any{"private": true}, nil)
	join(t, mina, attic)
}

func TestRemovedRoom(t *testing.T) { each(t, testRemovedRoom) }

func testRemovedRoom(t *testing.T, _ *apptest.App, p people) {
	nest := open(t, p.mina, "nest", false)
	mina, jun := enter(t, p.mina, nest), enter(t, p.jun, nest)
	mina.Expect("userJoined")
	sent := say(t, mina, nest, "the last word", "")
	jun.Expect("message")
	p.mina.Call(t, 204, "DELETE", "/api/rooms/"+nest, nil, nil)
	for _, c := range []*testclient.Client{mina, jun} {
		assert.Equal(t, expect[removal](t, c, "removed"), removal{nest, "nest", "closed"})
	}
	for _, c := range []*testclient.Client{mina, jun} {
		refused(t, c, "not_found", "join", nest)
		refused(t, c, "not_found", "message", map[string]any{"room": nest, "message": "x"})
		refused(t, c, "forbidden", "typing", map[string]any{"room": nest})
	}
	refused(t, mina, "not_found", "edit", map[string]any{"id": sent.ID, "message": "x"})
	p.mina.Refused(t, 404, "not_found", "GET", "/api/rooms/"+nest+"/messages", nil)
	p.mina.Refused(t, 404, "not_found", "DELETE", "/api/rooms/"+nest, nil)

	// An administrator may remove what is not theirs.
	other := open(t, p.mina, "attic", true)
	p.root.Call(t, 204, "DELETE", "/api/rooms/"+other, nil, nil)
	var list struct{ Rooms []room }
	p.mina.Call(t, 200, "GET", "/api/rooms", nil, &list)
	assert.Equal(t, len(list.Rooms), 0)
}

func TestListOfRooms(t *testing.T) { each(t, testListOfRooms) }

func testListOfRooms(t *testing.T, _ *apptest.App, p people) {
	for i := range 5 {
		open(t, p.mina, fmt.Sprint("room ", i), i%2 == 1)
	}
	own := open(t, p.jun, "Jun's", true)
	list := func(who *apptest.Person, query string) (names []string, next string) {
		t.Helper()
		var answer struct {
			Rooms []room
			Next  *string
		}
		who.Call(t, 200, "GET", "/api/rooms"+query, nil, &answer)
		for _, r := range answer.Rooms {
			names = append(names, r.Name)
		}
		if answer.Next != nil {
			next = *answer.Next
		}
		return names, next
	}
	names, next := list(p.jun, "?limit=3")
	assert.Equal(t, names, []string{"Jun's", "room 4", "room 2"})
	names, next = list(p.jun, "?limit=3&before="+next)
	assert.Equal(t, names, []string{"room 0"})
	assert.Equal(t, next, "")
	names, _ = list(p.jun, "?mine=true")
	assert.Equal(t, names, []string{"Jun's"})
	names, _ = list(p.jun, "?before="+own)
	assert.Equal(t, len(names), 3)
}

func TestMayDelete(t *testing.T) {
	_, p := start(t)
	nest := open(t, p.mina, "nest", false)
	mina, jun, sora, root := enter(t, p.mina, nest), enter(t, p.jun, nest), enter(t, p.sora, nest), dial(t, p.root)
	one, two, three := post(t, jun, nest, "one", ""), post(t, jun, nest, "two", ""), post(t, jun, nest, "three", "")
	refused(t, sora, "forbidden", "delete", map[string]any{"id": one.ID})
	refused(t, sora, "forbidden", "edit", map[string]any{"id": one.ID, "message": "x"})
	refused(t, mina, "forbidden", "edit", map[string]any{"id": one.ID, "message": "x"})
	refused(t, root, "forbidden", "edit", map[string]any{"id": one.ID, "message": "x"})
	for _, by := range []struct {
		c  *testclient.Client
		id string
	}{{jun, one.ID}, {mina, two.ID}, {root, three.ID}} {
		var deleted message
		by.c.Ask(&deleted, "delete", map[string]any{"id": by.id})
		assert.True(t, deleted.DeletedAt != "" && deleted.Message == "", deleted)
	}
	page, _ := history(t, p.jun, nest, "")
	assert.Equal(t, texts(page), []string{"", "", ""}, "their places stay")
}

// What many write at once reaches everybody in the order of its numbers, and nothing is
// missing.
func TestOrder(t *testing.T) { each(t, testOrder) }

func testOrder(t *testing.T, app *apptest.App, p people) {
	nest := open(t, p.mina, "nest", false)
	reader, other := enter(t, p.mina, nest), enter(t, p.mina, nest)
	const writers, each = 8, 25
	var all []*testclient.Client
	for i := range writers {
		all = append(all, enter(t, app.Register(t, fmt.Sprint("writer ", i)), nest))
	}
	var wg sync.WaitGroup
	for i, c := range all {
		wg.Go(func() {
			for n := range each {
				var r receipt
				c.Ask(&r, "message", map[string]any{"room": nest, "message": fmt.Sprint(i, " ", n)})
			}
		})
	}
	wg.Wait()
	for _, c := range []*testclient.Client{reader, other} {
		next := int64(1)
		for next <= writers*each {
			if e := c.Next(); e.Name == "message" {
				var m message
				e.Decode(t, &m)
				if m.Seq != next {
					t.Fatalf("message %d comes where %d should", m.Seq, next)
				}
				next++
			}
		}
	}
	page, _ := history(t, p.mina, nest, "?limit=200")
	var senders []string
	for i, m := range page {
		assert.Equal(t, m.Seq, int64(i+1))
		senders = append(senders, m.Message)
	}
	slices.Sort(senders)
	assert.Equal(t, len(slices.Compact(senders)), writers*each)
}

// A client that has not seen the answer sends its message again, over another connection and
// to a server that was started anew: it is stored and told once.
func TestRetry(t *testing.T) {
	app := apptest.New(t, nil)
	root, jun := app.Register(t, "Root"), app.Register(t, "Jun")
	nest := open(t, root, "nest", false)
	reader, c := enter(t, root, nest), enter(t, jun, nest)
	reader.Expect("userJoined")
	first := post(t, c, nest, "hello", "a")
	assert.Equal(t, expect[message](t, reader, "message").ClientID, "a")
	assert.Equal(t, post(t, c, nest, "hello", "a"), first)
	c.Close()
	reader.Expect("userLeft")
	c = dial(t, jun)
	assert.Equal(t, post(t, c, nest, "hello", "a"), first)
	reader.ExpectNothing()

	app = app.Restart(t)
	c = dial(t, jun.On(app))
	assert.Equal(t, post(t, c, nest, "hello", "a"), first)
	assert.True(t, post(t, c, nest, "hello", "b").ID != first.ID)
	c = dial(t, root.On(app))
	assert.True(t, post(t, c, nest, "hello", "a").ID != first.ID, "ids are the sender's own")
}

// Two connections send one message at the same moment.
func TestRetryWhileTheFirstIsUnderWay(t *testing.T) { each(t, testRetryWhileTheFirstIsUnderWay) }

func testRetryWhileTheFirstIsUnderWay(t *testing.T, _ *apptest.App, p people) {
	nest := open(t, p.mina, "nest", false)
	reader := enter(t, p.mina, nest)
	one, two := enter(t, p.jun, nest), dial(t, p.jun)
	join(t, two, nest)
	reader.Expect("userJoined")
	for i := range 20 {
		receipts := make([]receipt, 2)
		var wg sync.WaitGroup
		for n, c := range []*testclient.Client{one, two} {
			wg.Go(func() {
				c.Ask(&receipts[n], "message", map[string]any{"room": nest, "message": "hello", "clientId": fmt.Sprint(i)})
			})
		}
		wg.Wait()
		assert.Equal(t, receipts[0], receipts[1])
		assert.Equal(t, expect[message](t, reader, "message").ID, receipts[0].ID)
	}
	reader.ExpectNothing()
}

// Raw strings without limit went to everybody.
func TestFloods(t *testing.T) {
	_, p := start(t)
	nest := open(t, p.mina, "nest", false)
	one, two := enter(t, p.mina, nest), enter(t, p.mina, nest)
	limited := 0
	for i := range 400 {
		c := []*testclient.Client{one, two}[i%2] // with all devices together
		var r refusal
		c.Ask(&r, "message", map[string]any{"room": nest, "message": "x"})
		if r.Code == "rate_limited" {
			limited++
		}
	}
	assert.True(t, limited > 0, "it went on and on")
	post(t, enter(t, p.jun, nest), nest, "others write", "")
}
