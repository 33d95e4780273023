package socketio

import (
	"slices"

	"github.com/kachi-io/kachi/socketio/adapter"
)

// each calls f once for each socket that the target selects, in one order for all
// members of a room: the locks of all the rooms concerned are held meanwhile, so f
// touches memory only, and calls nothing that joins, leaves or closes.
func (x *index) each(t adapter.Target, f func(*Socket)) {
	if len(t.Rooms) == 0 {
		x.lane.Lock()
		defer x.lane.Unlock()
		if x.plain(t.Except) {
			x.all.mu.Lock()
			defer x.all.mu.Unlock()
			x.all.visit(t.Except, f)
			return
		}
		x.eachStamped(t, f)
		return
	}
	x.lane.RLock()
	defer x.lane.RUnlock()
	if len(t.Rooms) == 1 && x.plain(t.Except) {
		x.eachOfOne(t.Rooms[0], t.Except, f)
		return
	}
	x.eachStamped(t, f)
}

// plain reports whether what is excluded are sockets only, few enough to compare ids. The
// caller holds the lane, or a room could come meanwhile with a socket that is admitted.
func (x *index) plain(except []string) bool {
	if len(except) > 4 {
		return false
	}
	for _, name := range except {
		if x.room(name) != nil {
			return false
		}
	}
	return true
}

// eachOfOne serves one room. The caller holds the lane.
func (x *index) eachOfOne(name string, except []string, f func(*Socket)) {
	s, r := x.named(name)
	if s != nil && !slices.Contains(except, s.id) {
		f(s)
	}
	if r != nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.visit(except, f)
	}
}

func (r *room) visit(except []string, f func(*Socket)) {
	for _, m := range r.members {
		if len(except) == 0 || !slices.Contains(except, m.socket.id) {
			f(m.socket)
		}
	}
}

// eachStamped serves several rooms and excluded rooms: a socket that was met bears the
// stamp of this selection. The caller holds the lane.
func (x *index) eachStamped(t adapter.Target, f func(*Socket)) {
	x.stamps.Lock()
	defer x.stamps.Unlock()
	x.generation++
	mark := func(s *Socket) bool {
		fresh := s.stamp != x.generation
		s.stamp = x.generation
		return fresh
	}
	meet := func(s *Socket) {
		if mark(s) {
			f(s)
		}
	}

	var space [3][8]*room
	held := space[0][:0]
	hold := func(r *room) {
		if !r.held { // it may be named twice
			r.held = true
			r.mu.Lock()
			held = append(held, r)
		}
	}
	defer func() {
		for _, r := range held {
			r.held = false
			r.mu.Unlock()
		}
	}()
	resolve := func(rooms []*room, names []string) []*room {
		for _, name := range names {
			if r := x.room(name); r != nil {
				hold(r)
				rooms = append(rooms, r)
			}
		}
		return rooms
	}
	except, to := resolve(space[1][:0], t.Except), resolve(space[2][:0], t.Rooms)
	if len(t.Rooms) == 0 {
		hold(&x.all)
		to = append(to, &x.all)
	}

	for _, name := range t.Except {
		if s := x.socket(name); s != nil {
			mark(s)
		}
	}
	for _, r := range except {
		for _, m := range r.members {
			mark(m.socket)
		}
	}
	for _, name := range t.Rooms {
		if s := x.socket(name); s != nil {
			meet(s)
		}
	}
	for _, r := range to {
		for _, m := range r.members {
			meet(m.socket)
		}
	}
}

// selected returns the sockets that the target selects.
func (x *index) selected(t adapter.Target) []*Socket {
	var sockets []*Socket
	x.each(t, func(s *Socket) { sockets = append(sockets, s) })
	return sockets
}
