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
	schedule // of turns
	inflight int
	msg      *message
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
	return &echoes{stage: s, schedule: newSchedule(s, inflight, rate), inflight: inflight, msg: echoMessage(p.at.size)}, nil
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

func (e *echoes) step(now int64, send bool) (wake int64) {
	e.sending = send
	if !e.started {
		e.started = true
		e.begins(now)
		if e.rate == 0 {
			for _, c := range e.clients {
				c.sentAt = make([]int64, e.inflight)
				for range e.inflight {
					e.ask(c, now)
				}
			}
		}
	}
	e.follow(e.stage)
	if e.rate == 0 || !send || len(e.clients) == 0 {
		return 0
	}
	for {
		c := e.clients[e.next%uint64(len(e.clients))]
		due := e.due(e.next)
		if due > now {
			return due
		}
		if e.counting {
			e.lag.record(now - due)
		}
		// A client that is gone leaves its turn out, and its number with it.
		if c.phase == ready {
			c.send(e.msg.number(e.next / uint64(len(e.clients))))
			e.run.Counts.Sent++
			e.run.Counts.Due++
		}
		c.sent = e.next/uint64(len(e.clients)) + 1
		e.next++
	}
}

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
	if !e.came(c, &c.acks, n) {
		return
	}
	now := e.l.now
	if e.rate > 0 {
		e.time(e.stage, n*uint64(len(e.clients))+uint64(c.index), now)
		return
	}
	if e.counting {
		e.latency.record(now - c.sentAt[n%uint64(e.inflight)])
	}
	if e.sending {
		e.ask(c, now)
	}
}
