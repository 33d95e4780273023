package socketio

import (
	"slices"
	"strings"

	"github.com/kachi-io/kachi/socketio/adapter"
)

// each calls f once for each socket that the target selects, in one order for all
// members of a room: the locks of all the rooms concerned are held meanwhile, so f
// touches memory only, and calls nothing that joins, leaves or closes.
func (x *index) each(t adapter.Target, f func(*Socket)) {
	if len(t.Rooms) == 1 && x.plain(t.Except) {
		x.eachOfOne(t.Rooms[0], t.Except, f)
		return
	}
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
	x.eachStamped(t, f)
}

// plain reports whether what is excluded are sockets only, few enough to compare ids.
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

func (x *index) eachOfOne(name string, except []string, f func(*Socket)) {
	x.lane.RLock()
	defer x.lane.RUnlock()
	s := x.socket(name)
	if s != nil && !slices.Contains(except, s.id) {
		f(s)
	}
	if r := x.room(name); r != nil {
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
	var space [16]*room
	rooms := space[:0]
	for _, names := range [][]string{t.Except, t.Rooms} {
		for _, name := range names {
			if r := x.room(name); r != nil && !slices.Contains(rooms, r) {
				rooms = append(rooms, r)
			}
		}
	}
	if len(t.Rooms) == 0 {
		rooms = append(rooms, &x.all)
	}
	slices.SortFunc(rooms, func(a, b *room) int { return strings.Compare(a.name, b.name) })
	for _, r := range rooms {
		r.mu.Lock()
	}
	defer func() {
		for _, r := range rooms {
			r.mu.Unlock()
		}
	}()

	find := func(name string) *room {
		for _, r := range rooms {
			if r.name == name && r != &x.all {
				return r
			}
		}
		return nil
	}
	mark := func(s *Socket) bool {
		fresh := s.stamp != x.generation
		s.stamp = x.generation
		return fresh
	}
	for _, name := range t.Except {
		if s := x.socket(name); s != nil {
			mark(s)
		}
		if r := find(name); r != nil {
			for _, m := range r.members {
				mark(m.socket)
			}
		}
	}
	meet := func(s *Socket) {
		if mark(s) {
			f(s)
		}
	}
	if len(t.Rooms) == 0 {
		for _, m := range x.all.members {
			meet(m.socket)
		}
		return
	}
	for _, name := range t.Rooms {
		if s := x.socket(name); s != nil {
			meet(s)
		}
		if r := find(name); r != nil {
			for _, m := range r.members {
				meet(m.socket)
			}
		}
	}
}

// selected returns the sockets that the target selects.
func (x *index) selected(t adapter.Target) []*Socket {
	var sockets []*Socket
	x.each(t, func(s *Socket) { sockets = append(sockets, s) })
	return sockets
}
