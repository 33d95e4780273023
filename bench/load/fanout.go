//go:build linux

package main

import (
	"errors"
	"math"

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
	inflight int
	rate     float64
	deaf     int

	sender  *client
	members []*client
	alive   int
	msg     *message

	sent     uint64
	floor    uint64 // messages below it were given up
	underway int
	left     [ring]int32 // members that a message has not reached
	sentAt   [ring]int64
	origin   int64  // of the schedule
	first    uint64 // messages of the window: first ≤ n < beyond
	beyond   uint64
}

const (
	ring  = 1024
	never = math.MaxUint64
)

func runFanout(p *plan, inflight int, rate float64, deaf int) (*result.Run, error) {
	if p.at.size < smallest || inflight >= ring/2 {
		return nil, errors.New("the payload is too small, or too many are in flight")
	}
	s, err := newStage(p, "fanout")
	if err != nil {
		return nil, err
	}
	f := &fanout{stage: s, inflight: inflight, rate: rate, deaf: deaf, msg: chatMessage(p.at.size), first: never, beyond: never}
	if rate > 0 {
		s.run.Parameters["rate"] = rate
	} else {
		s.run.Parameters["inflight"] = inflight
	}
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
		silent = newSilence(f, deaf)
	}
	f.origin = f.l.clock()
	f.timed(func(now int64, send bool) int64 {
		if silent != nil {
			silent.look(now)
		}
		f.window()
		if !send || f.sender.phase != ready {
			return 0
		}
		if f.rate > 0 {
			return f.scheduled(now)
		}
		return f.saturate(now)
	}, func() bool { return s.run.Counts.Received >= s.run.Counts.Due })
	if silent != nil {
		s.run.Deaf = silent.wake()
	}
	return s.finish(), nil
}

// window notes which messages belong to the window.
func (f *fanout) window() {
	if f.begin > 0 && f.first == never {
		f.first = f.sent
	}
	if f.end > 0 && f.beyond == never {
		f.beyond = f.sent
	}
}

func (f *fanout) saturate(now int64) int64 {
	if f.underway > 0 && now-f.settled > int64(f.quiet) {
		f.run.Counts.Stuck += uint64(f.underway)
		f.floor, f.underway, f.settled = f.sent, 0, now
	}
	for f.underway < f.inflight {
		f.left[f.sent%ring] = int32(f.alive)
		f.sentAt[f.sent%ring] = now
		f.underway++
		f.emit()
	}
	return now + second/10
}

func (f *fanout) scheduled(now int64) int64 {
	for {
		when := f.due(f.sent)
		if when > now {
			return when
		}
		if f.counting {
			f.lag.record(now - when)
		}
		f.emit()
	}
}

// due is when the schedule wants message n sent.
func (f *fanout) due(n uint64) int64 { return f.origin + int64(float64(n)/f.rate*1e9) }

func (f *fanout) emit() {
	f.sender.send(f.msg.number(f.sent))
	f.sent++
	f.run.Counts.Sent++
	f.run.Counts.Due += uint64(f.alive)
}

func (f *fanout) delivered(c *client, n uint64) {
	if n >= f.sent || c == f.sender {
		f.surprised(c, "a message nobody sent")
		return
	}
	counts := &f.run.Counts
	switch c.deliveries.arrive(n) {
	case late:
		counts.Reordered++
	case duplicated:
		counts.Duplicated++
		return
	case ancient:
		f.surprised(c, "a message far too late")
		return
	}
	counts.Received++
	now := f.l.now
	f.settled = now
	if f.counting {
		f.run.Units++
	}
	if f.rate > 0 {
		if n >= f.first && n < f.beyond {
			f.latency.record(now - f.due(n))
		}
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
	for n := f.floor; n < f.sent; n++ {
		if f.sent-n <= window && f.left[n%ring] > 0 && (n >= c.deliveries.next || !c.deliveries.has(n)) {
			f.reached(n, f.l.now)
		}
	}
}

// silence is the members that never read.
type silence struct {
	f       *fanout
	clients []*client
	fds     int
	rss     int64
	looked  int64
	began   int64
	gone    float64
	run     result.Deaf
}

// newSilence lets them join with the smallest receive buffer, and then stop reading.
func newSilence(f *fanout, n int) *silence {
	s := &silence{f: f, rss: f.server.rss()}
	s.run.Members = n
	for i := range n {
		c, err := f.l.dialClient(&f.at, s, i, true, 1)
		if err != nil {
			f.note(err.Error())
			break
		}
		s.clients = append(s.clients, c)
	}
	deadline := f.l.clock() + 10*second
	f.l.run(func(now int64) (int64, bool) {
		for _, c := range s.clients {
			if c.phase != ready && c.phase != gone && now < deadline {
				return now + second/10, false
			}
		}
		return 0, true
	})
	s.fds, s.began = f.server.fds(), f.l.now
	return s
}

// look asks twice a second whether the server has given them up: from the silent side a
// close cannot be seen behind the bytes that were not read.
func (s *silence) look(now int64) {
	if now-s.looked < second/2 {
		return
	}
	s.looked = now
	if gone := s.fds - s.f.server.fds(); gone > s.run.Closed {
		s.run.Closed = min(gone, s.run.Members)
		if s.gone == 0 {
			s.gone = float64(now-s.began) / 1e9
		}
	}
	s.run.RSSGrown = max(s.run.RSSGrown, s.f.server.rss()-s.rss)
}

// wake lets them read what is left.
func (s *silence) wake() *result.Deaf {
	s.looked = 0
	s.look(s.f.l.clock())
	s.run.After = s.gone
	for _, c := range s.clients {
		if c.phase != gone {
			c.carrier.listen()
		}
	}
	until := s.f.l.clock() + second
	s.f.l.run(func(now int64) (int64, bool) { return until, now >= until })
	for _, c := range s.clients {
		for _, sock := range c.carrier.socks() {
			s.run.Bytes += sock.bytes
		}
	}
	return &s.run
}

func (s *silence) ready(c *client) { c.carrier.deafen() }

func (s *silence) delivered(*client, uint64)     {}
func (s *silence) acked(*client, uint64)         {}
func (s *silence) surprised(_ *client, _ string) {}

func (s *silence) ended(c *client, why string) {
	if !c.joined {
		s.f.run.Counts.Refused++
	}
	s.f.note("a silent member: " + why)
}
