//go:build linux

package main

import (
	"time"

	"github.com/kachi-io/kachi/bench/result"
)

// idle opens n connections, each of which joins the room, receives one broadcast and asks
// one echo; then they rest, and then they are all gone at once.
type idle struct{ *stage }

func runIdle(p *plan, rest time.Duration, collect bool) (*result.Run, error) {
	s, err := newStage(p, "idle")
	if err != nil {
		return nil, err
	}
	i := &idle{stage: s}
	m := &result.Memory{}
	s.run.Memory = m
	i.warm()
	if collect {
		s.server.collect()
	}
	i.rest(second / 2)
	m.Before, m.FDsBefore, m.ThreadsBefore = s.server.rss(), s.server.fds(), s.server.threads()

	s.mark(s.l.clock())
	members := i.open(i, p.n, true)
	s.mark(s.l.clock())
	s.run.Units = s.run.Counts.Opened
	m.OpenSeconds = s.run.Seconds
	// Server and Generator speak of the opening; what follows is not timed.
	i.broadcast()
	i.ask(members)

	i.rest(second)
	cpu, now := s.server.cpu(), s.l.clock()
	i.rest(int64(rest))
	m.RestCPU = (s.server.cpu() - cpu) / (float64(s.l.clock()-now) / 1e9)
	m.Open, m.PrivateDirty = s.server.rss(), s.server.privateDirty()
	m.FDsOpen, m.ThreadsOpen = s.server.fds(), s.server.threads()
	if collect {
		s.server.collect()
		i.rest(3 * second / 2)
		m.Collected = s.server.rss()
	}
	if n := float64(s.run.Counts.Opened); n > 0 {
		m.PerConn = float64(m.Open-m.Before) / n
		if collect {
			m.PerCollected = float64(m.Collected-m.Before) / n
		}
	}
	i.vanish(m, rest)
	return s.finish(), nil
}

// warm opens and closes some connections first: what a server sets up once, at its first
// connection, is not what one connection costs.
func (i *idle) warm() {
	const some = 64
	for _, c := range i.open(i, min(some, i.n), true) {
		c.abort()
	}
	i.clients = nil
	i.run.Counts = result.Counts{Refused: i.run.Counts.Refused}
}

func (i *idle) rest(d int64) {
	until := i.l.clock() + d
	i.l.run(func(now int64) (int64, bool) { return until, now >= until })
}

func (i *idle) broadcast() {
	sender := i.open(i, 1, false)[0]
	i.run.Counts.Opened-- // the sender is not one of the n
	if !sender.joined {
		i.run.Fault = "the sender was refused"
		return
	}
	i.run.Counts.Sent++
	for _, c := range i.clients {
		if c.member && c.phase == ready {
			i.run.Counts.Due++
		}
	}
	sender.send(chatMessage(i.at.size).number(0))
	i.await()
}

// ask lets every member ask one echo, 256 at a time.
func (i *idle) ask(members []*client) {
	msg := echoMessage(i.at.size)
	for len(members) > 0 {
		some := members[:min(len(members), 256)]
		members = members[len(some):]
		for _, c := range some {
			if c.phase == ready {
				c.send(msg.number(0))
				i.run.Counts.Sent++
				i.run.Counts.Due++
			}
		}
		i.await()
	}
}

// await waits until nothing is due, or nothing has come for a while.
func (i *idle) await() {
	i.settled = i.l.clock()
	i.l.run(func(now int64) (int64, bool) {
		return now + second/10, i.run.Counts.Received >= i.run.Counts.Due || now-i.settled > int64(i.quiet)
	})
}

// vanish closes all without a word, and waits for the server to notice.
func (i *idle) vanish(m *result.Memory, rest time.Duration) {
	cpu := i.server.cpu()
	start := i.l.clock()
	for _, c := range i.clients {
		c.abort()
	}
	if i.server.pid == 0 {
		return
	}
	deadline := start + 10*second
	i.l.run(func(now int64) (int64, bool) {
		m.FDsClosed = i.server.fds()
		if m.FDsClosed <= m.FDsBefore {
			m.SecondsToClose = float64(i.l.clock()-start) / 1e9
			return 0, true
		}
		return now + second/20, now > deadline
	})
	i.rest(second)
	m.CloseCPU = (i.server.cpu() - cpu) * 1e6 / float64(max(1, i.run.Counts.Opened))
	i.rest(int64(rest))
	m.Closed, m.ThreadsClosed, m.FDsClosed = i.server.rss(), i.server.threads(), i.server.fds()
}

func (i *idle) delivered(c *client, n uint64) { i.arrived(c, &c.deliveries, n) }
func (i *idle) acked(c *client, n uint64)     { i.arrived(c, &c.acks, n) }

func (i *idle) arrived(c *client, s *sequence, n uint64) {
	i.settled = i.l.now
	switch {
	case n != 0:
		i.surprised(c, "a number that was not sent")
	case s.arrive(n) == fresh:
		i.run.Counts.Received++
	default:
		i.run.Counts.Duplicated++
	}
}
