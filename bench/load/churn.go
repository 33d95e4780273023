//go:build linux

package main

import "github.com/kachi-io/kachi/bench/result"

// churn opens connections, joins the room and closes them again, workers at a time. A
// polite one says goodbye and waits for the answer; the other resets.
type churn struct {
	*stage
	polite  bool
	next    int
	under   int
	failed  int // in a row
	opened  uint64
	refused uint64
}

func runConnects(p *plan) (*result.Run, error) {
	s, err := newStage(p, "connects")
	if err != nil {
		return nil, err
	}
	s.run.Parameters = map[string]any{"workers": p.workers}
	c := &churn{stage: s, polite: true}
	c.timed(func(now int64, send bool) int64 {
		if send {
			c.dial()
		}
		return 0
	}, func() bool { return c.under == 0 })
	s.run.Counts.Opened, s.run.Counts.Refused = c.opened, c.refused
	return s.finish(), nil
}

func (c *churn) dial() {
	// connect(2) goes all the way to the server's queue: those who attack take it in turns
	// with those whose latency is measured.
	for turn := 0; c.under < c.workers && c.failed < 10*c.workers && (c.polite || turn < patience); turn++ {
		x, err := c.l.dialClient(&c.at, c, c.next, true, 0)
		if err != nil {
			c.note(err.Error())
			c.refused++
			c.failed++
			return
		}
		if !c.polite {
			x.rude()
		}
		c.next++
		c.under++
	}
	if c.failed >= 10*c.workers && c.run.Fault == "" {
		c.run.Fault = "connections are refused"
	}
}

func (c *churn) ready(x *client) {
	c.opened++
	c.failed = 0
	c.settled = c.l.now
	if c.counting {
		c.run.Units++
		c.latency.record(c.l.now - x.began)
	}
	if c.polite {
		x.leave()
		return
	}
	x.abort()
	c.under--
}

func (c *churn) ended(x *client, why string) {
	c.under--
	c.settled = c.l.now
	if x.left {
		return
	}
	c.refused++
	c.failed++
	c.note(why)
}
