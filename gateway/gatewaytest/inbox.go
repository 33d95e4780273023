package gatewaytest

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/kachi-io/kachi/client"
	"github.com/kachi-io/kachi/socketio/packet"
)

// Ending says how a client's connection to its namespace ended.
type Ending struct {
	Reason client.Reason
	Code   int   // of WebSocket's close frame, for plain clients; 0 where none came
	Err    error // more about it; may be nil
}

func (e Ending) String() string {
	s := string(e.Reason)
	if e.Code != 0 {
		s += fmt.Sprintf(" (%d)", e.Code)
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// arrival is an event that has come and was not expected yet.
type arrival struct {
	event string
	args  packet.Args
	pong  string // the ping that it answers, "" for others
}

func (a arrival) String() string {
	values := make([]string, len(a.args.Raw))
	for i, raw := range a.args.Raw {
		values[i] = string(raw)
	}
	return a.event + "(" + strings.Join(values, ", ") + ")"
}

// maxArrivals bounds what a test leaves unexpected.
const maxArrivals = 100_000

// inbox keeps what has come to a client until the test expects it.
type inbox struct {
	mu       sync.Mutex
	arrivals []arrival
	dropped  int
	ending   *Ending
	changed  chan struct{} // closed when something has come
}

func (i *inbox) put(a arrival) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if len(i.arrivals) == maxArrivals {
		i.dropped++
		return
	}
	i.arrivals = append(i.arrivals, a)
	i.tell()
}

func (i *inbox) end(e Ending) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.ending == nil {
		i.ending = &e
		i.tell()
	}
}

// tell wakes who waits. The caller holds mu.
func (i *inbox) tell() {
	if i.changed != nil {
		close(i.changed)
		i.changed = nil
	}
}

// take removes the first arrival that is wanted, and tells how the connection ended, if it
// has; wait is closed when something else comes.
func (i *inbox) take(wanted func(arrival) bool) (_ arrival, found bool, _ *Ending, wait <-chan struct{}) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if at := slices.IndexFunc(i.arrivals, wanted); at >= 0 {
		a := i.arrivals[at]
		i.arrivals = slices.Delete(i.arrivals, at, at+1)
		return a, true, i.ending, nil
	}
	if i.changed == nil {
		i.changed = make(chan struct{})
	}
	return arrival{}, false, i.ending, i.changed
}

// await is take that waits, until the connection has ended.
func (i *inbox) await(patience time.Duration, wanted func(arrival) bool) (a arrival, err error) {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for {
		a, found, ending, wait := i.take(wanted)
		switch {
		case found:
			return a, nil
		case ending != nil:
			return a, fmt.Errorf("the client is not connected any more: %s", ending)
		}
		select {
		case <-wait:
		case <-timer.C:
			return a, fmt.Errorf("none came within %s", patience)
		}
	}
}

func (i *inbox) awaitEnd(patience time.Duration) (Ending, bool) {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for {
		_, _, ending, wait := i.take(func(arrival) bool { return false })
		if ending != nil {
			return *ending, true
		}
		select {
		case <-wait:
		case <-timer.C:
			return Ending{}, false
		}
	}
}

// shown are the first few arrivals of those wanted, in words.
func (i *inbox) shown(wanted func(arrival) bool) (text string, n int) {
	i.mu.Lock()
	defer i.mu.Unlock()
	var list []string
	for _, a := range i.arrivals {
		if wanted(a) {
			if n++; n <= 10 {
				list = append(list, "\n\t"+a.String())
			}
		}
	}
	if n > 10 || i.dropped > 0 {
		list = append(list, fmt.Sprintf("\n\tand %d more", max(n-10, 0)+i.dropped))
	}
	return strings.Join(list, ""), n
}
