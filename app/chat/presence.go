package chat

import (
	"cmp"
	"slices"
	"sync"

	"github.com/kachi-io/kachi/app/store"
)

// Presence knows who is in which room: people, by their sockets. Its methods are safe for
// concurrent use.
//
// What is to be told of a change is told while nobody else comes into that room or goes, so
// that all hear of it in the order in which it happened. A function that tells sends, which
// puts into queues and waits for nobody, has sockets join and leave rooms, and does not call
// the Presence.
type Presence interface {
	// Knock notes that a socket is about to enter a room. Nobody sees it there yet.
	Knock(room store.ID, who Participant, socket string)
	// Enter has a socket that has knocked be in the room. It returns false where the socket
	// was put out since it knocked: whoever may enter was asked in between. present is who is
	// there, with up to most of them in the list, and whether who has come was not there
	// before.
	Enter(room store.ID, socket string, most int, tell func(list []Participant, total int, first bool)) bool
	// Leave takes a socket out of a room. tell is called where it was the last of its person's.
	Leave(room store.ID, socket string, tell func(Participant))
	// Expel takes all sockets of a person out of a room, also those that have only knocked.
	Expel(room, user store.ID, tell func(Participant))
	// Close takes everybody out of a room.
	Close(room store.ID)
}

// NewPresence makes a [Presence] for the sockets of this process.
func NewPresence() Presence {
	p := &presence{}
	for i := range p.shards {
		p.shards[i].rooms = map[store.ID]*occupants{}
	}
	return p
}

// presence keeps rooms apart from each other by a few locks.
type presence struct {
	shards [64]struct {
		mu    sync.Mutex
		rooms map[store.ID]*occupants
	}
}

// occupants are those of one room.
type occupants struct {
	visits map[string]*visit // by socket
	people map[store.ID]*occupant
	order  []*occupant // in no order, so that some can be listed without looking at all
}

type visit struct {
	who Participant
	in  bool // else it has only knocked
}

type occupant struct {
	Participant
	sockets int
	at      int // in order
}

// with calls do with a room locked, and forgets the room if nobody is left.
func (p *presence) with(room store.ID, do func(*occupants)) {
	shard := &p.shards[uint64(room)%uint64(len(p.shards))]
	shard.mu.Lock()
	defer shard.mu.Unlock()
	o := shard.rooms[room]
	if o == nil {
		o = &occupants{visits: map[string]*visit{}, people: map[store.ID]*occupant{}}
		shard.rooms[room] = o
	}
	do(o)
	if len(o.visits) == 0 {
		delete(shard.rooms, room)
	}
}

func (p *presence) Knock(room store.ID, who Participant, socket string) {
	p.with(room, func(o *occupants) {
		if o.visits[socket] == nil {
			o.visits[socket] = &visit{who: who}
		}
	})
}

func (p *presence) Enter(room store.ID, socket string, most int, tell func([]Participant, int, bool)) (entered bool) {
	p.with(room, func(o *occupants) {
		v := o.visits[socket]
		if v == nil {
			return
		}
		entered = true
		first := !v.in && o.add(v)
		tell(o.list(most), len(o.order), first)
	})
	return entered
}

func (p *presence) Leave(room store.ID, socket string, tell func(Participant)) {
	p.with(room, func(o *occupants) {
		if v := o.visits[socket]; v != nil && o.remove(socket, v) {
			tell(v.who)
		}
	})
}

func (p *presence) Expel(room, user store.ID, tell func(Participant)) {
	p.with(room, func(o *occupants) {
		for socket, v := range o.visits {
			if v.who.ID == user && o.remove(socket, v) {
				tell(v.who)
			}
		}
	})
}

func (p *presence) Close(room store.ID) {
	p.with(room, func(o *occupants) { clear(o.visits) })
}

// add counts a visit, and reports whether it is its person's first.
func (o *occupants) add(v *visit) (first bool) {
	v.in = true
	at := o.people[v.who.ID]
	if at == nil {
		at = &occupant{Participant: v.who, at: len(o.order)}
		o.people[v.who.ID], o.order = at, append(o.order, at)
	}
	at.sockets++
	return at.sockets == 1
}

// remove ends a visit, and reports whether it was its person's last.
func (o *occupants) remove(socket string, v *visit) (last bool) {
	delete(o.visits, socket)
	if !v.in {
		return false
	}
	gone := o.people[v.who.ID]
	if gone.sockets--; gone.sockets > 0 {
		return false
	}
	delete(o.people, v.who.ID)
	end := len(o.order) - 1
	o.order[gone.at] = o.order[end]
	o.order[gone.at].at = gone.at
	o.order[end] = nil
	o.order = o.order[:end]
	return true
}

func (o *occupants) list(most int) []Participant {
	list := make([]Participant, 0, min(most, len(o.order)))
	for _, at := range o.order[:cap(list)] {
		list = append(list, at.Participant)
	}
	slices.SortFunc(list, func(a, b Participant) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID)) })
	return list
}
