package adaptertest

import "slices"

// fakeSocket is a socket of a fake: a list of what was delivered to it.
type fakeSocket struct {
	node *fake
	id   string

	// Guarded by node.mu.
	rooms    map[string]struct{}
	received []Event
	answer   func(Event) ([]byte, [][]byte)
}

func (s *fakeSocket) list() []string {
	rooms := make([]string, 0, len(s.rooms))
	for room := range s.rooms {
		rooms = append(rooms, room)
	}
	return rooms
}

func (s *fakeSocket) in(rooms []string) bool {
	for _, room := range rooms {
		if _, ok := s.rooms[room]; ok || room == s.id {
			return true
		}
	}
	return false
}

// The methods of Socket.

func (s *fakeSocket) ID() string { return s.id }

func (s *fakeSocket) Received() []Event {
	s.node.mu.Lock()
	defer s.node.mu.Unlock()
	return slices.Clone(s.received)
}

func (s *fakeSocket) Answer(f func(Event) ([]byte, [][]byte)) {
	s.node.mu.Lock()
	defer s.node.mu.Unlock()
	s.answer = f
}

func (s *fakeSocket) Rooms() []string {
	s.node.mu.Lock()
	defer s.node.mu.Unlock()
	if s.node.sockets[s.id] == nil {
		return nil
	}
	return append(s.list(), s.id)
}

func (s *fakeSocket) Disconnect() {
	s.node.mu.Lock()
	changed, gone := s.node.remove(s)
	s.node.mu.Unlock()
	s.node.roomsChanged(changed)
	for _, f := range gone {
		f()
	}
}
