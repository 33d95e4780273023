//go:build linux

package main

import "github.com/kachi-io/kachi/bench/result"

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
