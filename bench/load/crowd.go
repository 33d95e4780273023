//go:build linux

package main

import (
	"time"

	"github.com/kachi-io/kachi/bench/result"
)

const second = int64(time.Second)

// plan is what all scenarios are told.
type plan struct {
	at       target
	server   process
	n        int
	workers  int // connections being opened at a time
	warmup   time.Duration
	duration time.Duration
	limit    time.Duration // for opening all connections
	// fill has the buffers of deaf members filled before the window.
	fill bool
	// quiet is how long nothing may come before what is awaited is given up.
	quiet time.Duration
}

// stage is what all scenarios share: the loop, the clients, and what is counted. It is a
// handler that takes note of what no scenario wants.
type stage struct {
	*plan
	l       *loop
	run     *result.Run
	clients []*client
	pending int // clients being opened
	settled int64
	latency histogram
	lag     histogram

	counting   bool
	begin, end int64 // of the window
	serverCPU  float64
	ownCPU     float64
}

func newStage(p *plan, scenario string) (*stage, error) {
	l, err := newLoop()
	if err != nil {
		return nil, err
	}
	transport := "websocket"
	if p.at.polling {
		transport = "polling"
	}
	return &stage{plan: p, l: l, run: &result.Run{
		Scenario:   scenario,
		Transport:  transport,
		Parameters: map[string]any{"n": p.n, "size": p.at.size},
		Problems:   map[string]int{},
	}}, nil
}

func (s *stage) note(problem string) { s.run.Problems[problem]++ }

func (s *stage) ready(*client) { s.readied() }

func (s *stage) readied() {
	s.run.Counts.Opened++
	s.pending--
	s.settled = s.l.now
}

func (s *stage) delivered(*client, uint64) {}
func (s *stage) acked(*client, uint64)     {}

func (s *stage) surprised(_ *client, why string) {
	s.run.Counts.Unexpected++
	s.note(why)
}

func (s *stage) ended(c *client, why string) {
	s.note(why)
	if c.joined {
		s.run.Counts.Closed++
		return
	}
	s.pending--
	s.settled = s.l.now
	s.run.Counts.Refused++
}

// open dials n clients, workers at a time, and waits for all of them. Those that are
// refused are not tried again.
func (s *stage) open(h handler, n int, member bool) []*client {
	from := len(s.clients)
	deadline := s.l.clock() + int64(s.limit)
	s.settled = s.l.now
	s.l.run(func(now int64) (int64, bool) {
		for len(s.clients)-from < n && s.pending < s.workers {
			c, err := s.l.dialClient(&s.at, h, len(s.clients), member, 0)
			if err != nil {
				s.note(err.Error())
				s.run.Counts.Refused += uint64(n - (len(s.clients) - from))
				n = len(s.clients) - from // descriptors or ports have run out
				break
			}
			s.clients = append(s.clients, c)
			s.pending++
		}
		if len(s.clients)-from >= n && s.pending == 0 {
			return 0, true
		}
		if now > deadline || now-s.settled > 5*int64(s.quiet) {
			for _, c := range s.clients[from:] {
				if !c.joined && c.phase != gone {
					if c.phase == opening {
						s.note("no answer to the handshake")
					} else {
						s.note("no answer to CONNECT or join")
					}
					c.abort()
					s.run.Counts.Refused++
				}
			}
			s.pending = 0
			return 0, true
		}
		return now + second/10, false
	})
	return s.clients[from:]
}

// came counts message n of a sender, which has come to c, and reports whether it had not
// come before.
func (s *stage) came(c *client, seen *sequence, n uint64) bool {
	counts := &s.run.Counts
	switch seen.arrive(n) {
	case late:
		counts.Reordered++
	case duplicated:
		counts.Duplicated++
		return false
	case ancient:
		s.surprised(c, "a number far too late")
		return false
	}
	counts.Received++
	s.settled = s.l.now
	if s.counting {
		s.run.Units++
	}
	return true
}

// complete reports whether all that is due has come.
func (s *stage) complete() bool { return s.run.Counts.Received >= s.run.Counts.Due }

// mark begins or ends the measured window.
func (s *stage) mark(now int64) {
	server, own := s.server.cpu(), ownCPU()
	if !s.counting {
		s.counting, s.begin = true, now
		s.serverCPU, s.ownCPU = server, own
		s.run.Server = &result.Server{RSSBefore: s.server.rss(), FDsBefore: s.server.fds()}
		return
	}
	s.counting, s.end = false, now
	s.run.Seconds = float64(now-s.begin) / 1e9
	s.run.Server.CPUSeconds = server - s.serverCPU
	s.run.Server.RSSAfter = s.server.rss()
	s.run.Server.FDsAfter = s.server.fds()
	s.run.Server.Threads = s.server.threads()
	s.run.Generator.CPUSeconds = own - s.ownCPU
}

// finish works out what follows from the counts, and closes everything.
func (s *stage) finish() *result.Run {
	r := s.run
	if r.Seconds > 0 {
		r.PerSecond = float64(r.Units) / r.Seconds
		r.Server.Share = r.Server.CPUSeconds / r.Seconds
		r.Generator.Share = r.Generator.CPUSeconds / r.Seconds
	}
	if r.Units > 0 && r.Server != nil {
		r.Server.MicrosPerUnit = r.Server.CPUSeconds * 1e6 / float64(r.Units)
	}
	if s.server.pid == 0 {
		r.Server = nil
	} else if !s.server.alive() {
		r.Fault = "the server's process has ended"
	}
	r.Latency = s.latency.latency()
	r.Generator.LagP99, r.Generator.LagMax = micros(s.lag.quantile(0.99)), micros(s.lag.max)
	if c := &r.Counts; c.Due > c.Received {
		c.Lost = c.Due - c.Received
	}
	s.l.close()
	return r
}

// timed runs step between two marks: warmup, then the window. step is told whether to
// send; after the window it is only called until drained says that nothing is missing,
// or nothing has come for a while.
func (s *stage) timed(step func(now int64, send bool) (wake int64), drained func() bool) {
	start := s.l.clock()
	from, to := start+int64(s.warmup), start+int64(s.warmup+s.duration)
	s.settled = start
	s.l.run(func(now int64) (int64, bool) {
		if !s.counting && s.begin == 0 && now >= from {
			s.mark(now)
		}
		if s.counting && now >= to {
			s.mark(now)
		}
		wake := step(now, now < to)
		if now >= to && (drained() || now-s.settled > int64(s.quiet)) {
			return 0, true
		}
		if len(s.run.Problems) > 0 && now-s.settled > 5*int64(s.quiet) {
			s.run.Fault = "nothing came any more"
			if s.counting {
				s.mark(now)
			}
			return 0, true
		}
		next := now + second/10
		for _, t := range [...]int64{from, to} {
			if t > now {
				next = min(next, t)
			}
		}
		if now < to && wake > 0 {
			next = min(next, wake)
		}
		return next, false
	})
}
