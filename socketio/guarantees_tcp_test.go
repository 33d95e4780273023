package socketio_test

import (
	"sync"
	"sync/atomic"
	"testing"

	"github.com/kachi-io/kachi/internal/history"
)

// The same over loopback and on a real clock: plain TCP has ways of its own to write and
// to read. Heartbeats that fail are left out, since they take their time.
func TestGuaranteesOverTCP(t *testing.T) {
	var next atomic.Int64
	count := min(int64(*schedules), 64)
	if *schedules > 10_000 {
		count = int64(*schedules) / 100
	}
	var playing sync.WaitGroup
	for range 16 { // mostly they wait
		playing.Go(func() {
			for seed := next.Add(1); seed <= count && !t.Failed(); seed = next.Add(1) {
				p := newPlan(uint64(seed))
				w := newWorld(p, true)
				found := w.play()
				if len(found) == 0 {
					continue
				}
				for _, v := range found[:min(len(found), 5)] {
					t.Error(v)
				}
				t.Logf("over TCP, %s", p)
				for _, e := range history.Excerpt(w.log.Entries(), found[0]) {
					t.Log(e)
				}
			}
		})
	}
	playing.Wait()
}
