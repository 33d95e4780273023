//go:build linux

package main

import (
	"fmt"
	"strings"

	"github.com/kachi-io/kachi/bench/result"
)

// scenario is one call of the generator and what is taken from its answer.
type scenario struct {
	name    string
	about   string
	args    []string
	metrics []metric
	shared  bool   // measured on shared processors, too
	whole   bool   // only for servers that are more than a yardstick
	product bool   // only for whole products, and those have no others
	once    bool   // in the first round only
	without string // the scenario that is the same without the trouble; see strains
	quick   bool
}

// metric is one figure of a run.
type metric struct {
	unit   string
	more   bool // more is better
	value  func(*result.Run) (float64, bool)
	format func(float64) string
}

func scenarios(quick bool) []scenario {
	if quick {
		var short []scenario
		for _, c := range all {
			if c.quick {
				short = append(short, c)
			}
		}
		return short
	}
	return all
}

func words(s string) []string { return strings.Fields(s) }

var (
	perSecond  = func(what string) metric { return metric{what + "/s", true, rate, count} }
	perUnit    = func(what string) metric { return metric{"µs CPU/" + what, false, unitCPU, number} }
	median50   = metric{"µs p50", false, latency(func(l *result.Latency) float64 { return l.P50 }), count}
	tail99     = metric{"µs p99", false, latency(func(l *result.Latency) float64 { return l.P99 }), count}
	longest    = metric{"µs max", false, latency(func(l *result.Latency) float64 { return l.Max }), count}
	atRest     = metric{"bytes/connection", false, memory(func(m *result.Memory) float64 { return m.PerConn }), count}
	collected  = metric{"bytes/connection, collected", false, memory(func(m *result.Memory) float64 { return m.PerCollected }), count}
	rssClosed  = metric{"MB RSS after all left", false, memory(func(m *result.Memory) float64 { return float64(m.Closed) / 1e6 }), number}
	closeCPU   = metric{"µs CPU/close", false, memory(func(m *result.Memory) float64 { return m.CloseCPU }), number}
	attackRate = metric{"attacks/s (neither good nor bad)", true, attacks, count}
	deafClosed = metric{"s until the deaf one is closed", false, deafAfter, number}
	deafMemory = metric{"MB RSS grown", false, deafGrown, number}
	underFire  = metric{"MB RSS grown", false, attackGrown, number}
)

var (
	idle   = []metric{atRest, collected, perUnit("connection"), closeCPU, rssClosed}
	full   = []metric{perSecond("deliveries"), perUnit("delivery"), tail99}
	timed  = []metric{median50, tail99, longest, perUnit("delivery")}
	acks   = []metric{perSecond("acks"), perUnit("ack"), median50, tail99}
	timely = []metric{median50, tail99, longest}
	fire   = []metric{median50, tail99, longest, attackRate, underFire}
)

var all = []scenario{
	{name: "idle-1000", about: "1,000 connections at rest", args: words("idle -n 1000 -rest 1s -collect"), metrics: idle, quick: true},
	{name: "idle-5000", about: "5,000 connections at rest", args: words("idle -n 5000 -rest 2s -collect"), metrics: idle},
	{name: "idle-10000", about: "10,000 connections at rest", args: words("idle -n 10000 -rest 2s -collect"), metrics: idle},
	{name: "idle-most", about: "as many connections at rest as descriptors allow", args: words("idle -n 0 -rest 2s -collect -limit 90s"), metrics: idle, once: true},

	{name: "fanout-100", about: "100 members, one message under way", args: words("fanout -n 100"), metrics: full, shared: true, quick: true},
	{name: "fanout-100-16", about: "100 members, 16 messages under way", args: words("fanout -n 100 -inflight 16"), metrics: full, shared: true, quick: true},
	{name: "fanout-1000", about: "1,000 members, one message under way", args: words("fanout -n 1000"), metrics: full, shared: true},
	{name: "fanout-1000-16", about: "1,000 members, 16 messages under way", args: words("fanout -n 1000 -inflight 16"), metrics: full, shared: true},
	{name: "fanout-5000", about: "5,000 members, one message under way", args: words("fanout -n 5000"), metrics: full},
	{name: "fanout-10000", about: "10,000 members, one message under way", args: words("fanout -n 10000"), metrics: full},
	{name: "fanout-most", about: "as many members as descriptors allow, one message under way", args: words("fanout -n 0 -limit 90s"), metrics: full, once: true},
	{name: "fanout-100-1k-16", about: "100 members, payloads of 1,000 bytes, 16 under way", args: words("fanout -n 100 -size 1000 -inflight 16"), metrics: full},
	{name: "rate-100", about: "100 members, 100 messages per second", args: words("fanout -n 100 -rate 100"), metrics: timed, shared: true, quick: true},
	{name: "rate-1000", about: "1,000 members, 25 messages per second", args: words("fanout -n 1000 -rate 25"), metrics: timed, shared: true},

	{name: "acks-1", about: "one connection, one echo under way", args: words("acks -n 1"), metrics: acks},
	{name: "acks-100", about: "100 connections, one echo each under way", args: words("acks -n 100"), metrics: acks, shared: true, quick: true},
	{name: "acks-100-16", about: "100 connections, 16 echoes each under way", args: words("acks -n 100 -inflight 16"), metrics: acks, shared: true},
	{name: "acks-rate", about: "100 connections, 5,000 echoes per second together", args: words("acks -n 100 -rate 5000"), metrics: append([]metric{perUnit("ack")}, timely...), shared: true},
	{name: "connects", about: "connect, join, leave; 16 at a time", args: words("connects -workers 16"), metrics: []metric{perSecond("connections"), perUnit("connection"), tail99}, shared: true, quick: true},

	{name: "polling-acks-50", about: "long-polling: 50 connections, one echo each under way", args: words("acks -n 50 -transport polling"), metrics: acks, whole: true, quick: true},
	{name: "polling-fanout-50-4", about: "long-polling: 50 members, 4 messages under way", args: words("fanout -n 50 -inflight 4 -transport polling"), metrics: full, whole: true},

	{name: "chat-1000", about: "the whole product: 1,000 connections of 50 people in one room, 20 messages per second, stored and acknowledged", args: words("chat -n 1000 -rate 20 -limit 2m"), metrics: timed, shared: true, product: true},
	{name: "chat-100-200", about: "the same with 100 connections, 200 messages per second", args: words("chat -n 100 -rate 200 -limit 2m"), metrics: timed, shared: true, product: true},

	{name: "stuck-none", about: "1,000 members, 25 messages of 1,000 bytes per second", args: words("fanout -n 1000 -rate 25 -size 1000"), metrics: timely, whole: true},
	{name: "stuck", without: "stuck-none", about: "the same, and one more member that does not read, whose buffers were filled before", args: words("fanout -n 1000 -rate 25 -size 1000 -deaf 1 -fill"), metrics: append(timely[:3:3], deafMemory), whole: true},
	{name: "stuck-closed", about: "20 members at 500 messages of 4,000 bytes per second, and one that never reads, until it is closed", args: words("fanout -n 20 -rate 500 -size 4000 -deaf 1 -duration 6s"), metrics: append([]metric{deafClosed, deafMemory}, timely...), whole: true},
	{name: "hostile-none", about: "20 echoers, 500 echoes per second: nobody misbehaves", args: words("hostile -n 20 -rate 500 -kind none"), metrics: append(timely[:3:3], underFire), shared: true, whole: true},
	{name: "hostile-flood", without: "hostile-none", about: "the same, while one client sends small events as fast as it can", args: words("hostile -n 20 -rate 500 -kind flood"), metrics: fire, shared: true, whole: true},
	{name: "hostile-large", without: "hostile-none", about: "the same, while one client sends echoes of 1 MB", args: words("hostile -n 20 -rate 500 -kind large"), metrics: fire, shared: true, whole: true},
	{name: "hostile-storm", without: "hostile-none", about: "the same, while 64 connections at a time are opened and reset", args: words("hostile -n 20 -rate 500 -kind storm"), metrics: fire, shared: true, whole: true},
}

func rate(r *result.Run) (float64, bool) { return r.PerSecond, r.Seconds > 0 }

func unitCPU(r *result.Run) (float64, bool) {
	if r.Server == nil || r.Units == 0 {
		return 0, false
	}
	return r.Server.MicrosPerUnit, true
}

func latency(of func(*result.Latency) float64) func(*result.Run) (float64, bool) {
	return func(r *result.Run) (float64, bool) {
		if r.Latency == nil {
			return 0, false
		}
		return of(r.Latency), true
	}
}

func memory(of func(*result.Memory) float64) func(*result.Run) (float64, bool) {
	return func(r *result.Run) (float64, bool) {
		if r.Memory == nil || r.Counts.Opened == 0 {
			return 0, false
		}
		return of(r.Memory), true
	}
}

func attacks(r *result.Run) (float64, bool) {
	if r.Attack == nil {
		return 0, false
	}
	return r.Attack.PerSecond, true
}

func deafAfter(r *result.Run) (float64, bool) {
	if r.Deaf == nil || r.Deaf.Closed == 0 {
		return 0, false
	}
	return r.Deaf.After, true
}

func deafGrown(r *result.Run) (float64, bool) {
	if r.Deaf == nil {
		return 0, false
	}
	return float64(r.Deaf.RSSGrown) / 1e6, true
}

func attackGrown(r *result.Run) (float64, bool) {
	if r.Attack == nil || r.Server == nil {
		return 0, false
	}
	return float64(r.Attack.RSSGrown) / 1e6, true
}

// troubles is what a run did not do as it should; empty when it did.
func troubles(r *result.Run) string {
	var parts []string
	say := func(n uint64, what string) {
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, what))
		}
	}
	if r.Fault != "" {
		parts = append(parts, r.Fault)
	}
	say(r.Counts.Lost, "lost")
	say(r.Counts.Reordered, "reordered")
	say(r.Counts.Duplicated, "duplicated")
	say(r.Counts.Unexpected, "unexpected")
	say(r.Counts.Stuck, "stuck")
	say(r.Counts.Refused, "refused")
	say(r.Counts.Closed, "closed by the server")
	if r.Attack != nil {
		say(r.Attack.Closed, "times the attacker thrown out")
		say(r.Attack.Refused, "times the attacker refused")
		say(uint64(max(0, r.Attack.FDsAfter-r.Attack.FDsBefore)), "descriptors not closed after the attack")
	}
	if d := r.Deaf; d != nil {
		switch {
		case d.Filled == 0 && d.Closed < d.Members:
			parts = append(parts, "the deaf member still connected at the end")
		case d.Filled > 0 && d.Closed > 0:
			parts = append(parts, "the deaf member closed within the bounds")
		case d.Filled > 0 && d.Held < d.Filled/10*9:
			parts = append(parts, "the deaf member not stuck until the end")
		}
	}
	if m := r.Memory; m != nil && m.FDsClosed > m.FDsBefore {
		parts = append(parts, fmt.Sprintf("%d descriptors not closed", m.FDsClosed-m.FDsBefore))
	}
	if r.Counts.Refused+r.Counts.Closed+r.Counts.Unexpected > 0 && len(r.Problems) > 0 {
		parts = append(parts, "mostly: "+mostOf(r.Problems))
	}
	return strings.Join(parts, ", ")
}

func mostOf(problems map[string]int) (most string) {
	for problem, n := range problems {
		if n > problems[most] || n == problems[most] && problem < most {
			most = problem
		}
	}
	return most
}
