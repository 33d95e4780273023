//go:build linux

package main

import (
	"errors"

	"github.com/kachi-io/kachi/bench/result"
)

// echoes has n clients that ask for acknowledgements: each keeps inflight under way, or
// all together follow a schedule and take turns.
type echoes struct {
	*stage
	inflight int
	rate     float64
	msg      *message
	origin   int64
	turn     uint64 // sends of the schedule so far
	from, to uint64 // turns of the window
	started  bool
	sending  bool
}

func newEchoes(p *plan, scenario string, inflight int, rate float64) (*echoes, error) {
	if p.at.size < smallest || inflight > ring {
		return nil, errors.New("the payload is too small, or too many are in flight")
	}
	s, err := newStage(p, scenario)
	if err != nil {
		return nil, err
	}
	if rate > 0 {
		s.run.Parameters["rate"] = rate
	} else {
		s.run.Parameters["inflight"] = inflight
	}
	return &echoes{stage: s, inflight: inflight, rate: rate, msg: echoMessage(p.at.size), from: never, to: never}, nil
}

func runAcks(p *plan, inflight int, rate float64) (*result.Run, error) {
	e, err := newEchoes(p, "acks", inflight, rate)
	if err != nil {
		return nil, err
	}
	e.open(e, p.n, false)
	e.timed(e.step, e.complete)
	return e.finish(), nil
}

func (e *echoes) complete() bool { return e.run.Counts.Received >= e.run.Counts.Due }

func (e *echoes) step(now int64, send bool) (wake int64) {
	e.sending = send
	if !e.started {
		e.started, e.origin = true, now
		if e.rate == 0 {
			for _, c := range e.clients {
				c.sentAt = make([]int64, e.inflight)
				for range e.inflight {
					e.ask(c, now)
				}
			}
		}
	}
	if e.begin > 0 && e.from == never {
		e.from = e.turn
	}
	if e.end > 0 && e.to == never {
		e.to = e.turn
	}
	if e.rate == 0 || !send || len(e.clients) == 0 {
		return 0
	}
	for {
		c := e.clients[e.turn%uint64(len(e.clients))]
		due := e.due(e.turn)
		if due > now {
			return due
		}
		if e.counting {
			e.lag.record(now - due)
		}
		// A client that is gone leaves its turn out, and its number with it.
		if c.phase == ready {
			c.send(e.msg.number(e.turn / uint64(len(e.clients))))
			e.run.Counts.Sent++
			e.run.Counts.Due++
		}
		c.sent = e.turn/uint64(len(e.clients)) + 1
		e.turn++
	}
}

func (e *echoes) due(turn uint64) int64 { return e.origin + int64(float64(turn)/e.rate*1e9) }

// ask sends the next echo of a client that keeps several under way.
func (e *echoes) ask(c *client, now int64) {
	if c.phase != ready {
		return
	}
	c.sentAt[c.sent%uint64(e.inflight)] = now
	c.send(e.msg.number(c.sent))
	c.sent++
	e.run.Counts.Sent++
	e.run.Counts.Due++
}

func (e *echoes) acked(c *client, n uint64) {
	if n >= c.sent {
		e.surprised(c, "an answer to what was not asked")
		return
	}
	counts := &e.run.Counts
	switch c.acks.arrive(n) {
	case late:
		counts.Reordered++
	case duplicated:
		counts.Duplicated++
		return
	case ancient:
		e.surprised(c, "an answer far too late")
		return
	}
	counts.Received++
	now := e.l.now
	e.settled = now
	if e.counting {
		e.run.Units++
	}
	if e.rate > 0 {
		turn := n*uint64(len(e.clients)) + uint64(c.index)
		if turn >= e.from && turn < e.to {
			e.latency.record(now - e.due(turn))
		}
		return
	}
	if e.counting {
		e.latency.record(now - c.sentAt[n%uint64(e.inflight)])
	}
	if e.sending {
		e.ask(c, now)
	}
}
