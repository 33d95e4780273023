package anonymous

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/kachi-io/kachi/socketio"
)

// rooms are those that somebody is in.
//
// Lock order: a room's mu, then mu here.
type rooms struct {
	maxRooms, maxMembers int

	mu     sync.Mutex
	byName map[string]*room
}

func newRooms(maxRooms, maxMembers int) *rooms {
	return &rooms{maxRooms: maxRooms, maxMembers: maxMembers, byName: map[string]*room{}}
}

// lock returns the room, which is made where there is none, locked. The caller enters
// somebody, or releases it.
func (rs *rooms) lock(name string) (*room, error) {
	for {
		rs.mu.Lock()
		r := rs.byName[name]
		if r == nil {
			if len(rs.byName) >= rs.maxRooms {
				rs.mu.Unlock()
				return nil, socketio.NewError("busy", "There are too many rooms")
			}
			r = &room{name: name, maxMembers: rs.maxMembers, members: map[string]*member{}, sockets: map[string]*member{}}
			rs.byName[name] = r
		}
		rs.mu.Unlock()
		r.mu.Lock()
		if !r.over {
			return r, nil
		}
		r.mu.Unlock() // its last member left in between; it is not listed any more
	}
}

// release forgets the room when it is empty. The caller holds its lock.
func (rs *rooms) release(r *room) {
	if len(r.members) > 0 || r.over {
		return
	}
	r.over = true
	rs.mu.Lock()
	delete(rs.byName, r.name)
	rs.mu.Unlock()
}

// room is one room's members. Its methods are called with mu held.
type room struct {
	name       string
	maxMembers int

	mu      sync.Mutex
	over    bool
	members map[string]*member // by user id
	sockets map[string]*member // by socket id
}

// member is a user with one or more connections in the room.
type member struct {
	User
	sockets int
}

// enter adds a connection of the user, or gives the user another name. It returns the
// user as the room knew it before; the zero User when it is new.
func (r *room) enter(user User, socket string) (before User, err error) {
	for _, m := range r.members {
		if m.ID != user.ID && strings.EqualFold(m.Name, user.Name) {
			return User{}, socketio.NewError("name_taken", "Somebody in this room has that name")
		}
	}
	m := r.members[user.ID]
	if m == nil {
		if len(r.members) >= r.maxMembers {
			return User{}, socketio.NewError("room_full", "The room is full")
		}
		m = &member{}
		r.members[user.ID] = m
	}
	if r.sockets[socket] == nil {
		r.sockets[socket] = m
		m.sockets++
	}
	before, m.User = m.User, user
	return before, nil
}

// leave removes a connection, and reports whether it was the user's last one here.
func (r *room) leave(socket string) (user User, last bool) {
	m := r.sockets[socket]
	if m == nil {
		return User{}, false
	}
	delete(r.sockets, socket)
	if m.sockets--; m.sockets == 0 {
		delete(r.members, m.ID)
	}
	return m.User, m.sockets == 0
}

// list returns the members by name.
func (r *room) list() []User {
	users := make([]User, 0, len(r.members))
	for m := range maps.Values(r.members) {
		users = append(users, m.User)
	}
	slices.SortFunc(users, func(a, b User) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID)) })
	return users
}
