package chat_test

import (
	"bufio"
	"context"
	"fmt"
	"maps"
	"net"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/kachi-io/kachi/app/apptest"
	"github.com/kachi-io/kachi/app/server"
	"github.com/kachi-io/kachi/client"
	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/mysqlserver"
)

// serveData names the folder of the data of a server that a test starts as a process of its
// own, to kill it.
const serveData = "KACHI_TEST_SERVE_DATA"

func TestMain(m *testing.M) {
	if folder := os.Getenv(serveData); folder != "" {
		fmt.Fprintln(os.Stderr, serve(folder))
		os.Exit(1)
	}
	goleak.VerifyTestMain(mysqlserver.Main{M: m})
}

// serve serves until the process is killed.
func serve(folder string) error {
	s, err := server.New(context.Background(), &server.Options{Data: folder})
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println("http://" + l.Addr().String())
	return s.Serve(context.Background(), l)
}

// startProcess starts a server as a process. kill kills it at once.
func startProcess(t *testing.T, folder string) (url string, kill func()) {
	t.Helper()
	self, err := os.Executable()
	assert.NoError(t, err)
	c := exec.Command(self)
	c.Env = append(os.Environ(), serveData+"="+folder)
	c.Stderr = os.Stderr
	out, err := c.StdoutPipe()
	assert.NoError(t, err)
	assert.NoError(t, c.Start())
	var once sync.Once
	kill = func() {
		once.Do(func() {
			assert.NoError(t, c.Process.Kill()) // SIGKILL
			_ = c.Wait()                        // says so
		})
	}
	t.Cleanup(kill)
	line, err := bufio.NewReader(out).ReadString('\n')
	assert.NoError(t, err)
	return strings.TrimSpace(line), kill
}

// written is what a writer knows of its messages, by their client ids.
type written struct {
	mu    sync.Mutex
	acked map[string]receipt
	sent  map[string]bool // without an answer
}

// A server that is killed while people write has every message that it acknowledged, once,
// and those that it did not can be sent again.
func TestKilledDuringWrites(t *testing.T) {
	app := apptest.New(t, nil)
	root := app.Register(t, "Root")
	nest := open(t, root, "nest", false)
	const writers = 6
	var people []*apptest.Person
	for i := range writers {
		people = append(people, app.Register(t, fmt.Sprint("writer ", i)))
		join(t, dial(t, people[i]), nest)
	}
	know := written{acked: map[string]receipt{}, sent: map[string]bool{}}
	for round := range 3 {
		app.Stop()
		url, kill := startProcess(t, app.Data)
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		before, enough := len(know.acked), make(chan bool, 1)
		var wg sync.WaitGroup
		for i, p := range people {
			c, err := client.New(url, &client.Options{Transports: []client.Transport{client.WebSocket}, DisableReconnection: true})
			assert.NoError(t, err)
			s := c.Of("/chat", &client.SocketOptions{Auth: map[string]string{"token": p.Token}})
			s.Open()
			assert.NoError(t, s.Wait(ctx))
			wg.Go(func() {
				defer c.Close()
				for n := 0; ; n++ {
					id := fmt.Sprintf("%d-%d-%d", i, round, n)
					know.mu.Lock()
					know.sent[id] = true
					know.mu.Unlock()
					r, err := client.Ask[receipt](ctx, s, "message", map[string]string{"room": nest, "message": id, "clientId": id})
					if err != nil {
						return
					}
					know.mu.Lock()
					delete(know.sent, id)
					know.acked[id] = r
					if len(know.acked) == before+100 {
						enough <- true
					}
					know.mu.Unlock()
				}
			})
		}
		assert.Receive(t, enough, "a hundred messages")
		kill()
		wg.Wait()
		cancel()

		app = app.Restart(t)
		seen := everything(t, root.On(app), nest)
		for id, r := range know.acked {
			m, ok := seen[id]
			assert.True(t, ok, "lost: ", id)
			assert.Equal(t, receipt{m.ID, m.SentAt, m.Seq}, r)
		}
		assert.True(t, len(know.sent) > 0, "nothing was under way")
		// Those who have no answer send again.
		for _, id := range slices.Sorted(maps.Keys(know.sent)) {
			who, _, _ := strings.Cut(id, "-")
			i, err := strconv.Atoi(who)
			assert.NoError(t, err)
			c := people[i].On(app).Dial(t, "/chat")
			r := post(t, c, nest, id, id)
			if m, ok := seen[id]; ok {
				assert.Equal(t, receipt{m.ID, m.SentAt, m.Seq}, r, "had been stored")
			}
			know.acked[id] = r
			c.Close()
		}
		clear(know.sent)
		assert.Equal(t, len(everything(t, root.On(app), nest)), len(know.acked))
	}
}

// everything is what a room has, by client ids: each once, and its numbers without a gap.
func everything(t *testing.T, p *apptest.Person, room string) map[string]message {
	t.Helper()
	all := map[string]message{}
	var r struct{ Seq int64 }
	p.Call(t, 200, "GET", "/api/rooms/"+room, nil, &r)
	seq := r.Seq
	for before := ""; ; {
		page, next := history(t, p, room, "?limit=200"+before)
		for _, m := range slices.Backward(page) {
			assert.Equal(t, m.Seq, seq)
			seq--
			_, twice := all[m.ClientID]
			assert.True(t, !twice, m.ClientID)
			all[m.ClientID] = m
		}
		if next == "" {
			break
		}
		before = "&before=" + next
	}
	assert.Equal(t, seq, int64(0))
	return all
}
