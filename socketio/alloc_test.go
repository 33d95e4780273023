package socketio_test

import (
	"bytes"
	"fmt"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/socketio"
)

// A broadcast costs the same few allocations however many receive it, from Emit down to
// the sockets of the operating system. A run counts what the whole process allocates until
// the last receiver has read the last byte.
func TestBroadcastsAllocateNothingForARecipient(t *testing.T) {
	if raceEnabled {
		t.Skip("sync.Pool drops items at random under the race detector")
	}
	const most = 1000
	sizes := []int{10, 100, most}
	// A burst of volatile messages is longer than the queue: the older ones are let go of.
	const queued, burst = 8, 32
	srv, url := start(t, &socketio.Options{PingInterval: time.Hour, MaxQueuedMessages: queued})
	all := gather(t, srv, url, most)
	defer all.disperse(t, srv)
	for _, n := range sizes {
		for i, m := range all[:n] {
			s, _ := srv.Socket(m.id)
			s.Join(room("all", n))
			if 3*i < 2*n {
				s.Join(room("first", n))
			}
			if 3*i >= n {
				s.Join(room("last", n))
			}
			if i == 0 {
				s.Join(room("one", n))
			}
		}
	}
	payload := strings.Repeat("x", 100)
	last := appendText(nil, `42["n","`+payload+`"]`)
	buf := make([]byte, 2*burst*len(last))
	arrived := 0
	// read reads from a member until all has come: the message, of which a burst has many.
	read := func(m member) {
		for n := 0; ; {
			got, err := m.Read(buf[n:])
			assert.NoError(t, err)
			if n += got; n%len(last) == 0 && bytes.HasSuffix(buf[:n], last) {
				arrived += n / len(last)
				return
			}
		}
	}
	for _, test := range []struct {
		name string
		from int // the first member that receives it
		emit func(n int) error
	}{
		{"a room", 0, func(n int) error { return srv.To(room("all", n)).Emit("n", payload) }},
		{"two rooms that overlap", 0, func(n int) error {
			return srv.To(room("first", n), room("last", n)).Emit("n", payload)
		}},
		{"a room but for the members of another", 1, func(n int) error {
			return srv.To(room("all", n)).Except(room("one", n)).Emit("n", payload)
		}},
		{"volatile", 0, func(n int) error { return srv.To(room("all", n)).Volatile().Emit("n", payload) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			constant(t, sizes, func(n int) {
				assert.NoError(t, test.emit(n))
				for _, m := range all[test.from:n] {
					read(m)
				}
			})
		})
	}
	// How many of a burst arrive is the scheduler's to say, and that the last one does is
	// ours.
	first, final := `1`+payload[1:], `2`+payload[1:]
	last = appendText(nil, `42["n","`+final+`"]`)
	t.Run("volatile, and dropped", func(t *testing.T) {
		sent := 0
		arrived = 0
		constant(t, sizes, func(n int) {
			to := srv.To(room("all", n)).Volatile()
			for range burst - 1 {
				assert.NoError(t, to.Emit("n", first))
			}
			assert.NoError(t, to.Emit("n", final))
			for _, m := range all[:n] {
				read(m)
			}
			sent += n * burst
		})
		assert.True(t, arrived < sent, "of %d nothing was dropped", sent)
	})
}

func room(name string, n int) string { return fmt.Sprint(name, "-", n) }

// constant checks that run allocates as much for the last number of receivers as for the
// first: the pools and the runtime's goroutines may have to grow by one or two.
func constant(t *testing.T, sizes []int, run func(n int)) {
	t.Helper()
	debug.SetGCPercent(-1) // a collection empties the pools
	defer debug.SetGCPercent(100)
	counts := make([]float64, len(sizes))
	for i := len(sizes) - 1; i >= 0; i-- { // the largest first: it fills the pools for all
		n := sizes[i]
		run(n)
		counts[i] = testing.AllocsPerRun(20, func() { run(n) })
	}
	t.Logf("%v allocations for %v receivers", counts, sizes)
	for i := range counts {
		if more := counts[i] - counts[0]; more > 3 {
			t.Errorf("%v allocations for %d receivers, %v for %d: %.4f for each",
				counts[i], sizes[i], counts[0], sizes[0], more/float64(sizes[i]-sizes[0]))
		}
	}
}
