package socketio_test

import (
	"flag"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kachi-io/kachi/internal/history"
	"github.com/kachi-io/kachi/socketio"
)

type sock = socketio.Socket

var (
	schedules = flag.Int("schedules", 200, "how many random schedules are judged against docs/guarantees.md")
	firstSeed = flag.Uint64("seed", 0, "judge the schedule of this seed alone, many times")
)

// What docs/guarantees.md promises holds over random schedules. Clocks are fake, so that
// time-outs cost nothing; connections are in memory.
func TestGuarantees(t *testing.T) {
	if *firstSeed != 0 {
		for range 50 {
			var entries []history.Entry
			if found := judged(t, newPlan(*firstSeed), nil, func(e []history.Entry) { entries = e }); len(found) > 0 {
				report(t, newPlan(*firstSeed), found, entries)
				return
			}
		}
		return
	}
	began := time.Now()
	var next, failed atomic.Int64
	const workers = 3
	var watched [workers]atomic.Int64 // seed under way, for whoever watches
	stop := make(chan struct{})
	var watching sync.WaitGroup
	watching.Go(func() { overlook(t, stop, &watched, &next, began) })
	t.Run("schedules", func(t *testing.T) {
		for worker := range workers {
			t.Run(fmt.Sprint(worker), func(t *testing.T) {
				t.Parallel()
				for {
					seed := next.Add(1)
					if seed > int64(*schedules) || failed.Load() > 3 {
						return
					}
					watched[worker].Store(seed)
					p := newPlan(uint64(seed))
					var entries []history.Entry
					found := judged(t, p, nil, func(e []history.Entry) { entries = e })
					watched[worker].Store(0)
					if len(found) > 0 {
						failed.Add(1)
						report(t, p, found, entries)
					}
				}
			})
		}
	})
	close(stop)
	watching.Wait()
}

// overlook reports progress, and names a schedule that hangs: a goroutine that waits for a
// mutex whose holder waits for time keeps a fake clock from moving.
func overlook[W any](t *testing.T, stop <-chan struct{}, watched *W, next *atomic.Int64, began time.Time) {
	seeds := any(watched).(*[3]atomic.Int64)
	var before [3]int64
	for beat := 1; ; beat++ {
		select {
		case <-stop:
			return
		case <-time.After(20 * time.Second):
		}
		for i := range seeds {
			seed := seeds[i].Load()
			if seed != 0 && seed == before[i] {
				stacks := make([]byte, 1<<20)
				panic(fmt.Sprintf("the schedule of seed %d hangs\n%s", seed, stacks[:runtime.Stack(stacks, true)]))
			}
			before[i] = seed
		}
		if *schedules > 10_000 && beat%2 == 0 {
			fmt.Printf("%d of %d schedules after %s\n", next.Load(), *schedules, time.Since(began).Round(time.Second))
		}
	}
}

// judged plays a plan in a bubble of its own and returns what is wrong. keep, if not nil,
// gets the history.
func judged(t *testing.T, p *plan, spoil *spoiler, keep func([]history.Entry)) (found []history.Violation) {
	defer func() {
		if v := recover(); v != nil { // goroutines that are left, or a deadlock
			found = append(found, history.Violation{Rule: "Goroutines", Text: fmt.Sprint(v)})
		}
	}()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(p, false)
		w.spoil = spoil
		found = w.play()
		if keep != nil {
			keep(w.log.Entries())
		}
	})
	return found
}

// report shows a failure: the smallest plan that still shows one, or else this one, and
// what its client saw.
func report(t *testing.T, p *plan, found []history.Violation, seen []history.Entry) {
	t.Helper()
	fails := func(p *plan) (found []history.Violation, entries []history.Entry) {
		for range 5 {
			found = judged(t, p, nil, func(e []history.Entry) { entries = e })
			if len(found) > 0 {
				return found, entries
			}
		}
		return nil, nil
	}
	smallest := p
	for size := len(p.steps) / 2; size > 0; size /= 2 {
		for from := 0; from < len(smallest.steps); {
			q := smallest.without(from, from+size)
			if again, _ := fails(q); again != nil {
				smallest = q
			} else {
				from += size
			}
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "seed %d (go test ./socketio -run TestGuarantees -seed %d):\n", p.seed, p.seed)
	for _, v := range found[:min(len(found), 5)] {
		fmt.Fprintln(&b, "  ", v)
	}
	again, entries := fails(smallest)
	if again == nil {
		fmt.Fprintln(&b, "it does not fail each time")
		again, entries = found, seen
	} else {
		fmt.Fprintln(&b, "smallest:", smallest, "\n  ", again[0])
	}
	for _, e := range history.Excerpt(entries, again[0]) {
		fmt.Fprintln(&b, "  ", e)
	}
	t.Error(b.String())
}
