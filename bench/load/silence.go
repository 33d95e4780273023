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

// newSilence lets them join with the smallest receive buffer, and then stop reading. What
// the server's side of the connection takes in before anything has to wait in the server
// is megabytes over loopback: [silence.fill].
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
	if f.fill {
		s.fill()
	}
	s.fds, s.began = f.server.fds(), f.l.now
	return s
}

// filling is the size of the echoes that fill buffers.
const filling = 50_000

// fill has the members ask for echoes, which they do not read either, until the operating
// system takes no more of the answers and a few wait in the server: from then on each is
// stuck whatever it is sent, and little of the server's bound for it is used up.
func (s *silence) fill() {
	const (
		pause = second / 100 // for the server to answer
		most  = 400          // echoes
		still = 4            // of them in a row that made no difference
	)
	echo := echoMessage(filling)
	for _, c := range s.clients {
		held, same := -1, 0
		for n := uint64(0); same < still && n < most && c.phase == ready; n++ {
			c.send(echo.number(n))
			until := s.f.l.clock() + pause
			s.f.l.run(func(now int64) (int64, bool) { return until, now >= until })
			if now := s.held(c); now > held {
				held, same = now, 0
			} else {
				same++
			}
		}
		if same < still || held <= 0 {
			s.f.run.Fault = "the buffers of a deaf member cannot be filled"
			return
		}
		s.run.Filled += held
	}
}

// held is what the operating system holds for the member on the server's side.
func (s *silence) held(c *client) int {
	for _, sock := range c.carrier.socks() {
		return unread(&s.f.at.address, sock.fd)
	}
	return 0
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
	if s.f.fill {
		for _, c := range s.clients {
			s.run.Held += s.held(c)
		}
	}
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
