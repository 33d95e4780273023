package fromnest

import (
	"context"
	"slices"
	"sync"
)

// Cat is what the examples are about.
type Cat struct {
	Name string `json:"name"`
}

// Store keeps cats. It is safe for concurrent use.
type Store struct {
	mu   sync.Mutex
	cats []Cat
}

// All returns them.
func (s *Store) All(context.Context) []Cat {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.cats)
}

// Find returns one.
func (s *Store) Find(_ context.Context, name string) (Cat, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := slices.Index(s.cats, Cat{name}); i >= 0 {
		return s.cats[i], nil
	}
	return Cat{}, s.notFound(name)
}

// Forget removes one.
func (s *Store) Forget(_ context.Context, name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.Index(s.cats, Cat{name})
	if i < 0 {
		return s.notFound(name)
	}
	s.cats = slices.Delete(s.cats, i, i+1)
	return nil
}
