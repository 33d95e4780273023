package main

import (
	"context"
	"sync"

	"github.com/kachi-io/kachi/gateway"
)

// begin store
// Store keeps up to a hundred notes of each of a thousand boards.
type Store struct {
	mu    sync.Mutex
	notes map[string][]Note
}

func (s *Store) Add(_ context.Context, n Note) (number int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.notes[n.Board] == nil && len(s.notes) == 1000 {
		return 0, gateway.NewError("full", "There are too many boards")
	}
	if len(s.notes[n.Board]) == 100 {
		return 0, gateway.NewError("full", "The board is full")
	}
	if s.notes == nil {
		s.notes = map[string][]Note{}
	}
	s.notes[n.Board] = append(s.notes[n.Board], n)
	return len(s.notes[n.Board]), nil
}

func (s *Store) Clear(board string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.notes, board)
}

// end store
