//go:build linux

package main

// window is how far behind the newest number a late one is still told from a second one.
const window = 256

// sequence follows the numbers of one sender as one receiver sees them.
type sequence struct {
	next uint64 // one above the newest seen
	seen [window / 64]uint64
}

type verdict uint8

const (
	fresh      verdict = iota // the next one, or one after a gap
	late                      // fills a gap: it was overtaken
	duplicated                // seen before
	ancient                   // too far behind to tell
)

func (s *sequence) arrive(n uint64) verdict {
	if n >= s.next {
		if n-s.next >= window {
			s.seen = [window / 64]uint64{}
		} else {
			for i := s.next; i < n; i++ {
				s.seen[i/64%uint64(len(s.seen))] &^= 1 << (i % 64)
			}
		}
		s.mark(n)
		s.next = n + 1
		return fresh
	}
	switch {
	case s.next-n > window:
		return ancient
	case s.has(n):
		return duplicated
	}
	s.mark(n)
	return late
}

// has says whether n, which is less than next and within the window, was seen.
func (s *sequence) has(n uint64) bool {
	return s.seen[n/64%uint64(len(s.seen))]&(1<<(n%64)) != 0
}

func (s *sequence) mark(n uint64) { s.seen[n/64%uint64(len(s.seen))] |= 1 << (n % 64) }
