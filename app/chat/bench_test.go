package chat_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/kachi-io/kachi/app/account"
	"github.com/kachi-io/kachi/app/chat"
	"github.com/kachi-io/kachi/app/store"
	"github.com/kachi-io/kachi/app/store/storetest"
	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/testclient"
)

// Messages that are stored and told, by people who each wait for the answer before they write
// again. With sockets of their own everything is in it: connections, limits, decoding, the
// commit on disk, and one copy for each who is in the room. A person writes 200 messages at
// once, and 20 a second from then on: -benchtime 2000x leaves that out of it.
func BenchmarkPost(b *testing.B) {
	for _, people := range []int{1, 16, 128} {
		b.Run(fmt.Sprintf("rules/%d", people), func(b *testing.B) { benchmarkRules(b, people) })
	}
	for _, people := range []int{16, 64} {
		b.Run(fmt.Sprintf("sockets/%d", people), func(b *testing.B) { benchmarkSockets(b, people) })
	}
}

func benchmarkRules(b *testing.B, people int) {
	db := storetest.New(b)
	c := chat.New(db, gateway.NewHub(), chat.Options{}) // nobody is told: the database alone
	var all []account.User
	for i := range people {
		u, err := db.AddUser(b.Context(), store.User{Name: fmt.Sprint(i), Role: "user"}, fmt.Sprint(i), "admin")
		assert.NoError(b, err)
		all = append(all, account.User{ID: u.ID, Name: u.Name})
	}
	room, err := c.Open(b.Context(), all[0], "nest", false)
	assert.NoError(b, err)
	for _, u := range all[1:] {
		_, err := db.AddMember(b.Context(), store.Admission{User: u.ID, Room: room.ID, MostMembers: 1000, MostRooms: 1000})
		assert.NoError(b, err)
	}
	b.ResetTimer()
	share(b, people, func(i, n int) {
		if _, err := c.Post(b.Context(), all[i], chat.Post{Room: room.ID, Message: "hello", ClientID: fmt.Sprint(n)}); err != nil {
			b.Error(err)
		}
	})
}

func benchmarkSockets(b *testing.B, people int) {
	app, p := start(b)
	nest := open(b, p.mina, "nest", false)
	var all []*testclient.Client
	for i := range people {
		all = append(all, enter(b, app.Register(b, fmt.Sprint("writer ", i)), nest))
	}
	var limited atomic.Int64
	b.ResetTimer()
	share(b, people, func(i, n int) {
		var r struct{ ID, Code string }
		all[i].Ask(&r, "message", map[string]any{"room": nest, "message": "hello", "clientId": fmt.Sprint(n)})
		if r.ID == "" {
			limited.Add(1)
		}
	})
	b.ReportMetric(float64(limited.Load())/float64(b.N), "limited/op")
}

// share has so many goroutines do b.N things.
func share(b *testing.B, goroutines int, do func(i, n int)) {
	var next atomic.Int64
	var wg sync.WaitGroup
	for i := range goroutines {
		wg.Go(func() {
			for {
				n := next.Add(1)
				if n > int64(b.N) {
					return
				}
				do(i, int(n))
			}
		})
	}
	wg.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "messages/s")
}
