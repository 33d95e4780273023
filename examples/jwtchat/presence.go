package main

import (
	"cmp"
	"maps"
	"slices"
	"sync"
)

// Presence counts by how many sockets each user is in each place: who has two tabs comes
// once, and leaves once. It knows the sockets of one server.
//
// What is announced is announced with the presence locked, so that others hear of coming
// and going in the order in which it happens. That may send, which puts into queues and
// waits for nobody, and do nothing else.
type Presence struct {
	mu     sync.Mutex
	places map[RoomID]map[User]int
}

// anywhere is the place of all who are connected.
const anywhere RoomID = ""

// NewPresence makes one of nobody.
func NewPresence() *Presence { return &Presence{places: map[RoomID]map[User]int{}} }

// Enter notes a socket of a user. announce is told who is there, sorted by id, and whether
// it is the user's first.
func (p *Presence) Enter(place RoomID, user User, announce func(first bool, all []User) error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	users := p.places[place]
	if users == nil {
		users = map[User]int{}
		p.places[place] = users
	}
	users[user]++
	all := slices.SortedFunc(maps.Keys(users), func(a, b User) int { return cmp.Compare(a.ID, b.ID) })
	return announce(users[user] == 1, all)
}

// Leave takes a socket of a user away. announce is called where it was the last.
func (p *Presence) Leave(place RoomID, user User, announce func() error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	users := p.places[place]
	if users[user] == 0 {
		return nil
	}
	if users[user]--; users[user] > 0 {
		return nil
	}
	delete(users, user)
	if len(users) == 0 {
		delete(p.places, place)
	}
	return announce()
}
