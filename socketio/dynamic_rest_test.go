package socketio_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kachi-io/kachi/engineio"
	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/memnet"
	"github.com/kachi-io/kachi/internal/wstest"
	"github.com/kachi-io/kachi/socketio"
	"github.com/kachi-io/kachi/socketio/adapter"
)

// A namespace for each user, made and abandoned a hundred thousand times, leaves nothing:
// neither memory nor goroutines, descriptors or names. Every sixteenth is abandoned with
// its connection, half of those before they are there.
func TestAHundredThousandAbandonedNamespacesLeaveNothing(t *testing.T) {
	counts := map[string]int{"memory": 100_000, "bus": 10_000}
	if raceEnabled {
		counts = map[string]int{"memory": 4_000, "bus": 1_000}
	}
	bus := adapter.NewBus(&adapter.BusOptions{Cluster: adapter.ClusterOptions{HeartbeatInterval: -1}})
	for name, factory := range map[string]adapter.Factory{"memory": adapter.NewMemory, "bus": bus.Node().Adapter} {
		t.Run(name, func(t *testing.T) {
			count := counts[name]
			srv := socketio.NewServer(&socketio.Options{Adapter: factory})
			users := srv.Dynamic("/user-{id}", nil)
			users.OnConnect(func(_ context.Context, s *socketio.Socket) error {
				s.Join("room", "other")
				return s.Namespace().To("room").Emit("hello", s.Namespace().Param("id"))
			})
			srv.DynamicFunc("all", func(context.Context, string, *engineio.Handshake, json.RawMessage) (map[string]string, error) {
				return nil, socketio.NewError("no", "no")
			}, nil)
			l := memnet.Listen(nil)
			host := &http.Server{Handler: srv, ErrorLog: log.New(io.Discard, "", 0)}
			served := make(chan struct{})
			go func() { defer close(served); _ = host.Serve(l) }()

			abandon := func(from, to int) {
				connect := func() *client {
					nc, err := l.Dial()
					assert.NoError(t, err)
					conn, _, err := wstest.On(nc, "http://kachi.test/socket.io/?EIO=4&transport=websocket", nil)
					assert.NoError(t, err)
					c := &client{t: t, conn: conn}
					c.read()
					return c
				}
				var wg sync.WaitGroup
				const width = 16
				for w := range width {
					wg.Go(func() {
						c := connect()
						for i := from + w; i < to; i += width {
							name := fmt.Sprintf("/user-%d", i)
							c.send("40" + name + ",")
							if i/width%32 != 0 {
								assert.True(t, strings.HasPrefix(c.read(), "40"))
								c.expect(fmt.Sprintf(`42%s,["hello","%d"]`, name, i))
							}
							if i/width%16 != 0 {
								c.send("41" + name + ",")
								c.send(fmt.Sprintf("40/refused-%d,", i))
								assert.True(t, strings.HasPrefix(c.read(), "44"))
								continue
							}
							c.gone()
							c = connect()
						}
						c.gone()
					})
				}
				wg.Wait()
				assert.Eventually(t, func() bool { return srv.Connections() == 0 && len(socketio.Names(srv)) == 1 })
			}
			abandon(0, count/20) // what is made once, and kept: pools, maps that have grown
			heap, goroutines, files := atPresent()
			began := time.Now()
			abandon(count/20, count)
			took := time.Since(began)
			atRest(t, srv, users)
			assert.Eventually(t, func() bool { _, n, _ := atPresent(); return n <= goroutines })
			const enough = 512 << 10 // 5 bytes for each of a hundred thousand
			assert.Eventually(t, func() bool { n, _, _ := atPresent(); return n < heap+enough })
			after, _, open := atPresent()
			assert.Equal(t, open, files)
			t.Logf("%d namespaces in %s, %d bytes more", count*19/20, took.Round(time.Millisecond), after-heap)
			assert.True(t, srv.Stats().NamespacesCreated > uint64(count/2), "%d", srv.Stats().NamespacesCreated)

			assert.NoError(t, srv.Shutdown(t.Context()))
			assert.NoError(t, host.Close())
			<-served
		})
	}
}

// atPresent counts what could leak: bytes on the heap, goroutines, open files.
func atPresent() (heap, goroutines, files int) {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	if entries, err := os.ReadDir("/proc/self/fd"); err == nil {
		files = len(entries)
	}
	return int(m.HeapAlloc), runtime.NumGoroutine(), files
}
