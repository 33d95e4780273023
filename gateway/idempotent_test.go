package gateway_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/wstest"
)

// keyed admits who gives a name, and goes by it.
type keyed struct{}

func (keyed) Authenticate(_ context.Context, h *gateway.Handshake) (gateway.Identity[user], error) {
	var auth user
	err := h.DecodeAuth(&auth)
	return gateway.Identity[user]{Principal: auth, Key: auth.Name}, err
}

type order struct {
	ID   string `json:"id"`
	What string `json:"what"`
}

func TestIdempotent(t *testing.T) {
	var runs atomic.Int64
	idOf := func(in order) string { return in.ID }
	app, url := start(t, nil, gateway.New("/c", keyed{}, func(g *gateway.Namespace[user]) {
		place := func(c *gateway.Context[user], in order) (string, error) {
			n := runs.Add(1)
			switch in.What {
			case "fault":
				return "", gateway.Errorf(gateway.CodeConflict, "conflict %d", n)
			case "broken":
				return "", errors.New("broken")
			case "busy":
				return "", gateway.Errorf(gateway.CodeOverloaded, "busy %d", n)
			case "panic":
				panic("on purpose")
			}
			return fmt.Sprint(in.What, n), nil
		}
		gateway.On(g, "place", place).Idempotent(time.Minute, idOf)
		gateway.On(g, "other", place).Idempotent(time.Minute, idOf)
		gateway.Handle(g, "tell", func(c *gateway.Context[user], in order) error { _, err := place(c, in); return err }).Idempotent(time.Minute, idOf)
	}), gateway.New("/d", keyed{}, func(g *gateway.Namespace[user]) {
		gateway.On(g, "place", func(*gateway.Context[user], order) (int64, error) { return runs.Add(1), nil }).Idempotent(time.Minute, idOf)
	}))
	assert.Equal(t, app.Routes()[0].Idempotent, time.Minute)
	mina, again, jun, anybody := wstest.Join(t, url, "/c", `{"name":"mina"}`), wstest.Join(t, url, "/c", `{"name":"mina"}`),
		wstest.Join(t, url, "/c", `{"name":"jun"}`), wstest.Join(t, url, "/c", "")
	nobody := wstest.Join(t, url, "/c", "")
	elsewhere := wstest.Join(t, url, "/d", `{"name":"mina"}`)
	failed := func(code, message, pattern string) string {
		return fmt.Sprintf(`{"status":"error","code":%q,"message":%q,"cause":{"pattern":%q}}`, code, message, pattern)
	}
	long := strings.Repeat("x", 129)
	for i, step := range []struct {
		who           wstest.Client
		event, answer string
	}{
		{mina, `["place",{"id":"1","what":"tea"}]`, `"tea1"`},
		{mina, `["place",{"id":"1","what":"tea"}]`, `"tea1"`},
		{again, `["place",{"id":"1","what":"tea"}]`, `"tea1"`},
		{mina, `["place",{"id":"2","what":"tea"}]`, `"tea2"`},
		{jun, `["place",{"id":"1","what":"tea"}]`, `"tea3"`},
		{mina, `["other",{"id":"1","what":"tea"}]`, `"tea4"`},
		{mina, `["place",{"id":"","what":"tea"}]`, `"tea5"`},
		{mina, `["place",{"id":"","what":"tea"}]`, `"tea6"`},
		{anybody, `["place",{"id":"1","what":"tea"}]`, `"tea7"`},
		{anybody, `["place",{"id":"1","what":"tea"}]`, `"tea7"`},
		{nobody, `["place",{"id":"1","what":"tea"}]`, `"tea8"`},
		{mina, `["place",{"id":"f","what":"fault"}]`, failed("conflict", "conflict 9", "place")},
		{mina, `["place",{"id":"f","what":"fault"}]`, failed("conflict", "conflict 9", "place")},
		{mina, `["place",{"id":"b","what":"busy"}]`, failed("overloaded", "busy 10", "place")},
		{mina, `["place",{"id":"b","what":"busy"}]`, failed("overloaded", "busy 11", "place")},
		{mina, `["place",{"id":"x","what":"broken"}]`, failed("internal", "Internal error", "place")},
		{mina, `["place",{"id":"x","what":"panic"}]`, failed("internal", "Internal error", "place")},
		{mina, `["place",{"id":"x","what":"tea"}]`, `"tea14"`},
		{mina, `["place",{"id":"` + long + `","what":"tea"}]`, failed("bad_request", "the id is of 129 bytes, and at most 128 are taken", "place")},
		{mina, `["tell",{"id":"1","what":"tea"}]`, ``},
		{mina, `["tell",{"id":"1","what":"tea"}]`, ``},
		{mina, `["place",{"id":"last","what":"tea"}]`, `"tea16"`},
	} {
		assert.Equal(t, step.who.Ask("2/c,1"+step.event), "3/c,1["+step.answer+"]", i, step.event)
	}
	assert.Equal(t, elsewhere.Ask(`2/d,1["place",{"id":"1","what":"tea"}]`), "3/d,1[17]")
}

func TestTheSecondWaitsForTheFirst(t *testing.T) {
	begun, release := make(chan struct{}, 2), make(chan string)
	_, url := start(t, nil, gateway.New("/c", keyed{}, func(g *gateway.Namespace[user]) {
		gateway.On(g, "slow", func(_ *gateway.Context[user], in order) (string, error) {
			begun <- struct{}{}
			if answer := <-release; answer != "" {
				return answer, nil
			}
			return "", errors.New("broken")
		}).Idempotent(time.Minute, func(in order) string { return in.ID })
	}))
	a, b := wstest.Join(t, url, "/c", `{"name":"mina"}`), wstest.Join(t, url, "/c", `{"name":"mina"}`)
	const call = `2/c,1["slow",{"id":"1","what":""}]`
	a.Send(call)
	assert.Receive(t, begun)
	b.Send(call)
	release <- "" // the first one breaks: the second is a first
	assert.True(t, strings.Contains(a.Next(), `"internal"`))
	assert.Receive(t, begun)
	a.Send(call)
	release <- "done"
	b.Expect(`3/c,1["done"]`)
	a.Expect(`3/c,1["done"]`)
}

func TestAnswersAreKeptForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := gateway.NewAnswers(0)
		ctx := t.Context()
		none := func() func(gateway.Answer, time.Duration) {
			t.Helper()
			_, settle, err := a.Claim(ctx, "k")
			assert.NoError(t, err)
			assert.True(t, settle != nil)
			return settle
		}
		settle := none()
		settle(gateway.Answer{Result: 1}, time.Minute)
		settle(gateway.Answer{Result: 2}, time.Hour) // no effect
		time.Sleep(time.Minute - 1)
		answer, settle, err := a.Claim(ctx, "k")
		assert.NoError(t, err)
		assert.True(t, settle == nil)
		assert.Equal(t, answer.Result, any(1))
		time.Sleep(time.Nanosecond)
		settle = none()

		short, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		_, _, err = a.Claim(short, "k")
		assert.ErrorIs(t, err, context.DeadlineExceeded)

		var waiting sync.WaitGroup
		var found atomic.Int64
		for range 10 {
			waiting.Go(func() {
				if answer, settle, err := a.Claim(ctx, "k"); err == nil && settle == nil && answer.Result == 3 {
					found.Add(1)
				}
			})
		}
		synctest.Wait()
		settle(gateway.Answer{Result: 3}, time.Minute)
		waiting.Wait()
		assert.Equal(t, found.Load(), int64(10))
	})
}

func TestAnswersAreBounded(t *testing.T) {
	a := gateway.NewAnswers(2)
	ctx := context.Background()
	var settled []func(gateway.Answer, time.Duration)
	for i := range 10 { // all being found out at once
		_, settle, err := a.Claim(ctx, fmt.Sprint(i))
		assert.NoError(t, err)
		assert.True(t, settle != nil)
		settled = append(settled, settle)
	}
	for _, settle := range settled {
		settle(gateway.Answer{Result: "x"}, time.Hour)
	}
	kept := 0
	for i := range 10 {
		if _, settle, err := a.Claim(ctx, fmt.Sprint(i)); err == nil && settle == nil {
			kept++
		} else {
			settle(gateway.Answer{}, 0)
		}
	}
	assert.True(t, kept <= 2, kept)
}

func TestMistakesWithIdempotency(t *testing.T) {
	_, err := gateway.NewApp(nil, gateway.New("/c", gateway.Anyone, func(g *gateway.Namespace[gateway.Nobody]) {
		nothing := func(*gateway.Context[gateway.Nobody], string) error { return nil }
		same := func(in string) string { return in }
		gateway.Handle(g, "no time", nothing).Idempotent(0, same)
		gateway.Handle(g, "no key", nothing).Idempotent(time.Minute, nil)
		gateway.Stream(g, "stream", item, func(*gateway.Context[gateway.Nobody], string) iter.Seq2[int, error] { return nil }).Idempotent(time.Minute, same)
	}))
	assert.Equal(t, strings.Count(fmt.Sprint(err), "Idempotent takes a time and a key"), 3)
}

// A client that does not know whether its call arrived makes it again, with the same id.
func ExampleRoute_Idempotent() {
	placed := 0
	c, stop := serve("/orders", nil, gateway.New("/orders", byName, func(g *gateway.Namespace[user]) {
		gateway.On(g, "place", func(_ *gateway.Context[user], in order) (string, error) {
			placed++
			return fmt.Sprintf("%s, order %d", in.What, placed), nil
		}).Idempotent(10*time.Minute, func(in order) string { return in.ID })
	}))
	defer stop()
	ask(c, "place", order{ID: "a1", What: "tea"})
	ask(c, "place", order{ID: "a1", What: "tea"})
	ask(c, "place", order{ID: "a2", What: "tea"})
	// Output:
	// tea, order 1
	// tea, order 1
	// tea, order 2
}

func TestTheMemberOfAnId(t *testing.T) {
	type base struct{ ID string }
	type input struct {
		Other  string `json:"other"`
		Client string `json:"clientId"`
		Maybe  *string
		Number int
		*base
	}
	app, err := gateway.NewApp(nil, gateway.New("/c", gateway.Anyone, func(g *gateway.Namespace[gateway.Nobody]) {
		take := func(name string, key func(input) string) {
			gateway.Handle(g, name, func(*gateway.Context[gateway.Nobody], input) error { return nil }).Idempotent(time.Minute, key)
		}
		take("clientId", func(in input) string { return in.Client })
		take("Maybe", func(in input) string { return *in.Maybe })
		take(" none", func(in input) string { return fmt.Sprint(in.Number) })
		take("  ", func(in input) string { return in.ID }) // panics without a base
		take(" ", func(in input) string { return in.Other + in.Client })
		pointer := func(*gateway.Context[gateway.Nobody], *input) error { return nil }
		gateway.Handle(g, "other", pointer).Idempotent(time.Minute, func(in *input) string { return in.Other })
		text := func(*gateway.Context[gateway.Nobody], string) error { return nil }
		gateway.Handle(g, "   ", text).Idempotent(time.Minute, func(in string) string { return in })
		gateway.Handle(g, "    ", text)
	}))
	assert.NoError(t, err)
	defer func() { assert.NoError(t, app.Stop(context.Background())) }()
	for _, r := range app.Routes() { // each is called as its member, or begins with a space
		want := r.Event
		if want[0] == ' ' {
			want = ""
		}
		assert.Equal(t, r.KeyMember, want)
	}
}
