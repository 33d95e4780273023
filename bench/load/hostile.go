//go:build linux

package main

import (
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/kachi-io/kachi/bench/result"
)

// runHostile measures well-behaved echoers at a fixed rate while somebody misbehaves. The
// attack shares the echoers' thread, one bounded write or a few dials at a turn, so that
// it costs them tens of microseconds of the generator and not a scheduler's time slice.
func runHostile(p *plan, kind string, rate float64) (*result.Run, error) {
	e, err := newEchoes(p, "hostile", 1, rate)
	if err != nil {
		return nil, err
	}
	a, err := newAttack(e, kind)
	if err != nil {
		return nil, err
	}
	e.run.Parameters["kind"] = kind
	e.open(e, p.n, false)

	e.run.Attack = &result.Attack{Kind: kind, RSSBefore: p.server.rss(), FDsBefore: p.server.fds()}
	var before uint64
	marked := false
	e.timed(func(now int64, send bool) int64 {
		a.look(now)
		if e.begin > 0 && !marked {
			marked, before = true, a.sent()
		}
		if send {
			a.step(now)
		} else {
			a.stop()
		}
		return e.step(now, send)
	}, e.complete)

	r := e.run.Attack
	r.Sent, r.Bytes, r.Answers, r.Closed, r.Refused = a.sent(), a.bytes, a.answers, a.closed, a.refused
	if e.run.Seconds > 0 {
		r.PerSecond = float64(a.sent()-before) / e.run.Seconds
	}
	a.rest()
	return e.finish(), nil
}

// portion is what an attacker writes at a turn.
const portion = 64 << 10

// attack is one client that sends as fast as it can, and comes back when it is thrown
// out; or the storm of connections.
type attack struct {
	e     *echoes
	storm *churn
	chunk []byte // whole frames, sent over and over
	frame int    // bytes of one of them
	off   int    // of the chunk, that were written
	c     *client
	retry int64 // when it may come back

	looked int64

	bytes, answers, closed, refused uint64
}

func newAttack(e *echoes, kind string) (*attack, error) {
	a := &attack{e: e}
	switch kind {
	case "none":
	case "flood": // small events that ask for nothing
		a.chunk = appendFrame(nil, opText, plainEcho(e.at.size).number(0))
		a.frame = len(a.chunk)
		for one := a.chunk; len(a.chunk) < portion-len(one); {
			a.chunk = append(a.chunk, one...)
		}
	case "large": // echoes just below the default limit of 1,000,000 bytes
		a.chunk = appendFrame(nil, opText, echoMessage(999_000).number(0))
		a.frame = len(a.chunk)
	case "storm":
		// Its counts are its own; the loop and the server are the echoers'.
		plan := *e.plan
		plan.workers = 64
		a.storm = &churn{stage: &stage{plan: &plan, l: e.l, run: &result.Run{Problems: e.run.Problems}}}
	default:
		return nil, fmt.Errorf("no such attack: %q", kind)
	}
	return a, nil
}

func (a *attack) sent() uint64 {
	if a.storm != nil {
		return a.storm.opened
	}
	if a.frame == 0 {
		return 0
	}
	return a.bytes / uint64(a.frame)
}

func (a *attack) step(now int64) {
	switch {
	case a.storm != nil:
		a.storm.dial()
		if a.storm.failed > 0 {
			a.storm.failed = 0 // it does not give up
		}
		a.refused = a.storm.refused
	case a.chunk != nil && a.c == nil && now >= a.retry:
		var err error
		target := a.e.at
		if a.c, err = a.e.l.dialClient(&target, a, 0, false, 0); err != nil {
			a.refused++
			a.retry = now + second/10
		}
	}
}

// look notes the server's memory twice a second.
func (a *attack) look(now int64) {
	if now-a.looked < second/2 {
		return
	}
	a.looked = now
	r := a.e.run.Attack
	r.RSSGrown = max(r.RSSGrown, a.e.server.rss()-r.RSSBefore)
}

// rest waits until the server has let go of what the attack had open.
func (a *attack) rest() {
	r := a.e.run.Attack
	deadline := a.e.l.clock() + 5*second
	a.e.l.run(func(now int64) (int64, bool) {
		r.FDsAfter = a.e.server.fds()
		return now + second/20, r.FDsAfter <= r.FDsBefore || now > deadline
	})
	a.looked = 0
	a.look(a.e.l.clock())
}

func (a *attack) stop() {
	if a.c != nil {
		a.c.abort()
		a.c = nil
		a.retry = 1 << 62
	}
}

func (a *attack) ready(c *client) {
	a.off = 0
	c.eager = a.push
	c.rude()
	for _, s := range c.carrier.socks() {
		s.eager = true
		s.watch()
	}
}

// push writes one portion. Nothing else of this client is written meanwhile: an attack is
// shorter than the interval of the server's pings.
func (a *attack) push(s *sock) {
	n, errno := rawWrite(s.fd, a.chunk[a.off:min(len(a.chunk), a.off+portion)])
	if errno != 0 && errno != unix.EAGAIN {
		s.fail("write: " + errno.Error())
		return
	}
	a.bytes += uint64(n)
	if a.off += n; a.off == len(a.chunk) {
		a.off = 0
	}
}

func (a *attack) acked(*client, uint64)         { a.answers++ }
func (a *attack) delivered(*client, uint64)     {}
func (a *attack) surprised(_ *client, _ string) { a.answers++ }

func (a *attack) ended(c *client, why string) {
	a.c = nil
	a.e.note("the attacker: " + why)
	if c.joined {
		a.closed++
	} else {
		a.refused++
		a.retry = a.e.l.now + second/10
	}
}
