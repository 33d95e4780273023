// Package dashboard shows how the server is, live: the namespace /dashboard, which sends
// figures every 5 s to all who are connected to it, and computes none while nobody is.
//
// Each node of a cluster tells of itself, and only those who are connected to it.
package dashboard

import (
	"cmp"
	"context"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/kachi-io/kachi/app/account"
	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/gateway/schedule"
	"github.com/kachi-io/kachi/socketio"
)

// Options configures a [Dashboard]. The zero value of each field is its default.
type Options struct {
	// Role is who may see it: account.RoleUser, all who are signed in (the default), or
	// account.RoleAdmin.
	Role account.Role
	// Node is what the server calls itself. Default the host's name.
	Node string
	// Version is the program's, Database the kind of its database.
	Version, Database string
}

const (
	// Interval is the time from one update to the next.
	Interval = 5 * time.Second
	// remembered is how far the history goes back.
	remembered = 15 * time.Minute
	// slowest is how many events an update names.
	slowest = 8
)

// Dashboard has the figures. It is safe for concurrent use.
type Dashboard struct {
	hub     *gateway.Hub
	opts    Options
	started time.Time
	calls   *calls
	job     *schedule.Job

	mu      sync.Mutex // of one who takes a sample; what follows is theirs
	process *process
	totals  Totals  // of the last sample
	last    Update  // zero before the first
	points  []Point // of the last 15 minutes, the oldest first
}

// New makes a dashboard. Handled is to be among the app's Options.
func New(hub *gateway.Hub, o Options) *Dashboard {
	if o.Role == "" {
		o.Role = account.RoleUser
	}
	if o.Node == "" {
		o.Node, _ = os.Hostname() // "" where it has none
	}
	d := &Dashboard{hub: hub, opts: o, started: time.Now(), calls: newCalls(), process: newProcess()}
	d.job = schedule.Every(Interval, d.update, schedule.Options{
		Name: "dashboard", WhenListened: d.viewers, Timeout: Interval,
	})
	return d
}

// viewers are those who are connected to this node.
func (d *Dashboard) viewers() gateway.Target { return d.hub.Namespace(namespace).Local() }

// Handled is told of every event that was handled: see [gateway.Options].
func (d *Dashboard) Handled(c *gateway.Call, took time.Duration, err error) {
	d.calls.observe(c, took, err)
}

// update tells all viewers how the server is.
func (d *Dashboard) update(ctx context.Context) error {
	return Updated.Emit(ctx, d.viewers(), d.sample())
}

// current is for who comes: the last figures, or new ones where nobody has watched. A sample
// between two updates would cut in two what the next one is to be of.
func (d *Dashboard) current() Update {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.watched(time.Now()) {
		return d.last
	}
	return d.take(time.Now())
}

func (d *Dashboard) sample() Update {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.take(time.Now())
}

// watched reports whether the last sample is the one before now. Under mu.
func (d *Dashboard) watched(now time.Time) bool {
	return !d.last.At.IsZero() && now.Sub(d.last.At) < 2*Interval
}

// take takes a sample. Under mu.
func (d *Dashboard) take(now time.Time) Update {
	server := d.hub.Server()
	stats, used, events := server.Stats(), d.process.take(), d.calls.take()

	u := Update{Node: d.opts.Node, Version: d.opts.Version, Database: d.opts.Database,
		Uptime: rounded(now.Sub(d.started).Seconds()), Namespaces: []NamespaceFigure{}, Slowest: []EventFigure{}}
	u.At = now.UTC().Round(time.Millisecond)
	u.Connections = Connections{WebSocket: stats.Engine.WebSocket, Polling: stats.Engine.Polling}
	for _, ns := range server.Namespaces() {
		u.Namespaces = append(u.Namespaces, NamespaceFigure(ns))
		u.Sockets += ns.Sockets
		u.Rooms += ns.Rooms
	}
	u.Heap, u.RSS, u.Goroutines = used.heap, used.rss, used.goroutines

	var all counts
	u.Totals = totalsOf(stats)
	u.Totals.Calls, u.Totals.Errors, u.Totals.Faults = d.totals.Calls, d.totals.Errors, d.totals.Faults
	u.Totals.Collections = used.cycles
	for i := range events {
		e := &events[i]
		all.add(&e.counts)
		u.Totals.Calls += e.total
		u.Totals.Errors += e.errors
		u.Totals.Faults += e.faults
	}
	before := d.totals
	if d.watched(now) {
		u.Seconds = rounded(now.Sub(d.last.At).Seconds())
		u.Latency, u.GCPause, u.Slowest = all.latency(), rounded(used.pause), slow(events)
		rate := func(now, before uint64) float64 { return rounded(float64(now-before) / max(u.Seconds, 0.001)) }
		u.MessagesIn, u.MessagesOut = rate(u.Totals.MessagesIn, before.MessagesIn), rate(u.Totals.MessagesOut, before.MessagesOut)
		u.BytesIn, u.BytesOut = rate(u.Totals.BytesIn, before.BytesIn), rate(u.Totals.BytesOut, before.BytesOut)
		u.Calls, u.Errors = rate(u.Totals.Calls, before.Calls), rate(u.Totals.Errors, before.Errors)
	}
	d.totals, d.last = u.Totals, u
	d.remember(u.Point)
	return u
}

// remember adds a point to the history, and forgets those that are too old. Under mu.
func (d *Dashboard) remember(p Point) {
	const most = int(remembered/Interval) + 1
	old := 0
	for old < len(d.points) && (p.At.Sub(d.points[old].At) > remembered || len(d.points)-old >= most) {
		old++
	}
	d.points = append(slices.Delete(d.points, 0, old), p)
}

// History returns what was seen in the last 15 minutes.
func (d *Dashboard) History() History {
	d.mu.Lock()
	defer d.mu.Unlock()
	h := History{Node: d.opts.Node, Interval: Interval.Seconds(), Points: []Point{}}
	for _, p := range d.points {
		if time.Since(p.At) <= remembered {
			h.Points = append(h.Points, p)
		}
	}
	return h
}

// slow returns the events that took longest.
func slow(events []period) []EventFigure {
	list := []EventFigure{}
	for i := range events {
		if e := &events[i]; e.total > 0 {
			list = append(list, EventFigure{e.namespace, e.event, e.total, e.errors, e.latency()})
		}
	}
	slices.SortFunc(list, func(a, b EventFigure) int {
		return cmp.Or(cmp.Compare(b.Latency.P99, a.Latency.P99), cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Event, b.Event))
	})
	return list[:min(len(list), slowest)]
}

// totalsOf are the totals that the server below counts.
func totalsOf(s socketio.Stats) Totals {
	t := Totals{
		Connections: s.Engine.Opened,
		Refused:     s.Refused,
		MessagesIn:  s.Engine.Traffic.MessagesReceived, MessagesOut: s.Engine.Traffic.MessagesSent,
		BytesIn: s.Engine.Traffic.BytesReceived, BytesOut: s.Engine.Traffic.BytesSent,
		Dropped: s.Engine.Dropped + s.Engine.Evicted + s.Overloaded + s.RateLimited + s.Discarded,
	}
	for _, n := range s.Engine.Refused {
		t.Refused += n
	}
	return t
}
