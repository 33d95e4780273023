//go:build linux

package main

import (
	"errors"

	"github.com/kachi-io/kachi/bench/result"
)

// fanout has one sender, who is not in the room, and n members.
//
// Saturated, inflight messages are under way: the next is sent when one is done, and it
// is done when every member has it. At a rate, messages are sent when the schedule says
// so, whatever has become of those before, and each delivery's latency is counted from
// that time.
type fanout struct {
	*stage
	schedule
	inflight int

	sender  *client
	members []*client
	alive   int
	msg     *message

	floor    uint64 // messages below it were given up
	underway int
	left     [ring]int32 // members that a message has not reached
	sentAt   [ring]int64
}

const ring = 1024

func runFanout(p *plan, inflight int, rate float64, deaf int) (*result.Run, error) {
	if p.at.size < smallest || inflight >= ring/2 {
		return nil, errors.New("the payload is too small, or too many are in flight")
	}
	s, err := newStage(p, "fanout")
	if err != nil {
		return nil, err
	}
	f := &fanout{stage: s, schedule: newSchedule(s, inflight, rate), inflight: inflight, msg: chatMessage(p.at.size)}
	f.members = f.open(f, p.n, true)
	senders := f.open(f, 1, false)
	if !senders[0].joined {
		s.run.Fault = "the sender was refused"
		return s.finish(), nil
	}
	f.sender = senders[0]
	for _, c := range f.members {
		if c.phase == ready {
			f.alive++
		}
	}
	var silent *silence
	if deaf > 0 {
		s.run.Scenario = "stuck"
		if silent = newSilence(f, deaf); s.run.Fault != "" {
			return s.finish(), nil
		}
	}
	f.begins(f.l.clock())
	f.timed(func(now int64, send bool) int64 {
		if silent != nil {
			silent.look(now)
		}
		f.follow(f.stage)
		if !send || f.sender.phase != ready {
			return 0
		}
		if f.rate > 0 {
			return f.scheduled(now)
		}
		return f.saturate(now)
	}, f.complete)
	if silent != nil {
		s.run.Deaf = silent.wake()
	}
	return s.finish(), nil
}

func (f *fanout) saturate(now int64) int64 {
	if f.underway > 0 && now-f.settled > int64(f.quiet) {
		f.run.Counts.Stuck += uint64(f.underway)
		f.floor, f.underway, f.settled = f.next, 0, now
	}
	for f.underway < f.inflight {
		f.left[f.next%ring] = int32(f.alive)
		f.sentAt[f.next%ring] = now
		f.underway++
		f.emit()
	}
	return now + second/10
}

func (f *fanout) scheduled(now int64) int64 {
	for {
		when := f.due(f.next)
		if when > now {
			return when
		}
		if f.counting {
			f.lag.record(now - when)
		}
		f.emit()
	}
}

func (f *fanout) emit() {
	f.sender.send(f.msg.number(f.next))
	f.next++
	f.run.Counts.Sent++
	f.run.Counts.Due += uint64(f.alive)
}

func (f *fanout) delivered(c *client, n uint64) {
	if n >= f.next || c == f.sender {
		f.surprised(c, "a message nobody sent")
		return
	}
	if !f.came(c, &c.deliveries, n) {
		return
	}
	now := f.l.now
	if f.rate > 0 {
		f.time(f.stage, n, now)
		return
	}
	if n < f.floor {
		return
	}
	f.reached(n, now)
}

// reached takes one member off those that message n still has to reach.
func (f *fanout) reached(n uint64, now int64) {
	i := n % ring
	if f.left[i]--; f.left[i] == 0 {
		f.underway--
		if f.counting {
			f.latency.record(now - f.sentAt[i])
		}
	}
}

// ended takes a member out: what it did not get is lost, and nobody waits for it.
func (f *fanout) ended(c *client, why string) {
	f.stage.ended(c, why)
	if !c.member || !c.joined || f.sender == nil {
		return
	}
	f.alive--
	if f.rate > 0 {
		return
	}
	for n := f.floor; n < f.next; n++ {
		if f.next-n <= window && f.left[n%ring] > 0 && (n >= c.deliveries.next || !c.deliveries.has(n)) {
			f.reached(n, f.l.now)
		}
	}
}
