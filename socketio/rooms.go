package socketio

import (
	"hash/maphash"
	"slices"
	"sync"

	"github.com/kachi-io/kachi/socketio/adapter"
)

// index holds the sockets and rooms of a namespace on this node. Joining and leaving
// are O(1), whatever the size of the room and the number of a socket's rooms.
//
// A socket is a member of the room named by its own id without there being one: ids
// are looked up among the sockets, which saves a room per connection.
//
// Lock order: lane → stamps → Socket.roomsMu → room.mu → shard.mu. Only the holder of
// stamps has the locks of several rooms at once, so they need no order among them. What
// is done for each member under a room's lock touches memory only, and ends in the
// outbox of the member's connection. Nothing here calls user code.
type index struct {
	// lane gives all members of a room one order of what is sent to the room: a broadcast
	// to rooms holds it for reading and the rooms' locks, one to the whole namespace holds
	// it for writing, and so does a socket that comes with rooms.
	lane   sync.RWMutex
	all    room // every socket
	shards []shard
	seed   maphash.Seed

	stamps sync.Mutex // guards generation, every socket's stamp and every room's held
	// generation numbers the selections that must recognise a socket that they have
	// met: in a second room, or in an excluded one. A stamp on the socket does it
	// without making a set for each broadcast.
	generation uint64

	observer adapter.RoomObserver // nil when the adapter does not care
}

const (
	shardCount = 64
	// childShards is for the namespaces of a Dynamic: many, and mostly of few.
	childShards = 8
)

// shard has its maps from when something is in them: an empty namespace is small.
type shard struct {
	mu      sync.RWMutex
	rooms   map[string]*room
	sockets map[string]*Socket
}

type room struct {
	name    string
	mu      sync.Mutex
	members []*membership
	dead    bool // emptied and taken out of the index: whoever finds it looks again
	held    bool // mu is held by whoever holds stamps, which guards this
}

// membership joins a socket and a room. The room's lock guards at, the socket's roomsMu
// guards slot.
type membership struct {
	socket *Socket
	room   *room
	at     int // in room.members
	slot   int // in the socket's memberships
}

func (x *index) init(shards int) {
	x.seed = maphash.MakeSeed()
	x.shards = make([]shard, shards)
}

func (x *index) shard(name string) *shard {
	return &x.shards[maphash.String(x.seed, name)%uint64(len(x.shards))]
}

func (x *index) room(name string) *room {
	s := x.shard(name)
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.rooms[name]
}

// named returns what a name selects: the socket of that id, and the room.
func (x *index) named(name string) (*Socket, *room) {
	s := x.shard(name)
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.sockets[name], s.rooms[name]
}

func (x *index) socket(id string) *Socket {
	s := x.shard(id)
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.sockets[id]
}

func (x *index) count() int {
	x.all.mu.Lock()
	defer x.all.mu.Unlock()
	return len(x.all.members)
}

// add makes the socket known, unless admit refuses, and lets it join rooms. admit
// decides that the socket is connected and queues what must reach it before any
// broadcast does: it is called while no broadcast can find the socket, and remove waits
// for add. It touches memory only.
func (x *index) add(s *Socket, admit func() bool) bool {
	s.everywhere = membership{socket: s, room: &x.all}
	sh := x.shard(s.id)
	s.roomsMu.Lock()
	joins := s.wanted != nil
	s.roomsMu.Unlock()
	if joins { // no broadcast sees the socket without the rooms that a middleware had it join
		x.lane.Lock()
	}
	s.roomsMu.Lock()
	x.all.mu.Lock()
	sh.mu.Lock()
	admitted := admit()
	if admitted {
		if sh.sockets == nil {
			sh.sockets = map[string]*Socket{}
		}
		sh.sockets[s.id] = s
	}
	sh.mu.Unlock()
	if admitted {
		x.all.insert(&s.everywhere)
	}
	x.all.mu.Unlock()
	s.admitted = admitted
	wanted := s.wanted
	s.wanted = nil
	var created []string
	if admitted && wanted != nil {
		for _, name := range *wanted {
			m := &membership{socket: s}
			if x.enter(m, name) {
				created = append(created, name)
			}
			s.joined.add(m)
		}
	}
	s.roomsMu.Unlock()
	if joins {
		x.lane.Unlock()
	}
	if admitted {
		x.changed(s.id)
		for _, name := range created {
			x.changed(name)
		}
	}
	return admitted
}

// want notes a room to join when the socket is admitted, or notes it no more. The caller
// holds roomsMu.
func (s *Socket) want(name string, join bool) {
	if s.wanted == nil {
		s.wanted = new([]string)
	}
	*s.wanted = slices.DeleteFunc(*s.wanted, func(other string) bool { return other == name })
	if join {
		*s.wanted = append(*s.wanted, name)
	}
}

// remove takes a socket that was added out of the index and returns the rooms that it
// was in. It joins none afterwards.
func (x *index) remove(s *Socket) (rooms []string) {
	s.roomsMu.Lock()
	s.left = true
	joined := s.joined.list
	s.joined = memberships{}
	for _, m := range joined {
		rooms = append(rooms, m.room.name)
	}
	s.roomsMu.Unlock()
	for _, m := range joined {
		x.drop(m)
	}
	sh := x.shard(s.id)
	sh.mu.Lock()
	delete(sh.sockets, s.id)
	sh.mu.Unlock()
	x.all.mu.Lock()
	x.all.delete(&s.everywhere)
	x.all.mu.Unlock()
	x.changed(s.id)
	return rooms
}

// join makes the socket a member of the room, or notes it for when it is admitted. It
// does nothing when it is a member already or has ended.
func (x *index) join(s *Socket, name string) {
	if name == s.id {
		return
	}
	s.roomsMu.Lock()
	if !s.admitted && !s.left {
		s.want(name, true)
		s.roomsMu.Unlock()
		return
	}
	if s.left || s.joined.find(name) != nil {
		s.roomsMu.Unlock()
		return
	}
	m := &membership{socket: s}
	created := x.enter(m, name)
	s.joined.add(m)
	s.roomsMu.Unlock()
	if created {
		x.changed(name)
	}
}

// enter puts m into the room of that name, and reports whether it had to be made.
func (x *index) enter(m *membership, name string) (created bool) {
	sh := x.shard(name)
	for {
		sh.mu.Lock()
		r := sh.rooms[name]
		created = r == nil
		if created {
			r = &room{name: name}
			if sh.rooms == nil {
				sh.rooms = map[string]*room{}
			}
			sh.rooms[name] = r
		}
		sh.mu.Unlock()
		r.mu.Lock()
		if !r.dead {
			m.room = r
			r.insert(m)
			r.mu.Unlock()
			return created
		}
		r.mu.Unlock()
		sh.mu.Lock() // whoever emptied it may not have taken it out yet
		if sh.rooms[name] == r {
			delete(sh.rooms, name)
		}
		sh.mu.Unlock()
	}
}

func (x *index) leave(s *Socket, name string) {
	s.roomsMu.Lock()
	if !s.admitted && !s.left {
		s.want(name, false)
	}
	m := s.joined.find(name)
	if m != nil {
		s.joined.remove(m)
	}
	s.roomsMu.Unlock()
	if m != nil {
		x.drop(m)
	}
}

// drop takes a membership out of its room, and the room out of the index when it was
// the last one.
func (x *index) drop(m *membership) {
	r := m.room
	r.mu.Lock()
	r.delete(m)
	r.dead = len(r.members) == 0
	empty := r.dead
	r.mu.Unlock()
	if !empty {
		return
	}
	sh := x.shard(r.name)
	sh.mu.Lock()
	if sh.rooms[r.name] == r {
		delete(sh.rooms, r.name)
	}
	sh.mu.Unlock()
	x.changed(r.name)
}

func (x *index) changed(name string) {
	if x.observer != nil {
		x.observer.RoomChanged(name)
	}
}

func (r *room) insert(m *membership) {
	m.at = len(r.members)
	r.members = append(r.members, m)
}

func (r *room) delete(m *membership) {
	last := len(r.members) - 1
	moved := r.members[last]
	r.members[m.at], moved.at = moved, m.at
	r.members[last] = nil
	r.members = r.members[:last]
	if cap(r.members) > 64 && len(r.members) < cap(r.members)/4 {
		r.members = slices.Clone(r.members) // gives the memory of a crowd back
	}
}

// countRooms returns how many rooms this node has, without those that are sockets.
func (x *index) countRooms() (n int) {
	for i := range x.shards {
		s := &x.shards[i]
		s.mu.RLock()
		n += len(s.rooms)
		s.mu.RUnlock()
	}
	return n
}

// names returns the names of the rooms of this node, without those that are sockets.
func (x *index) names() []string {
	var names []string
	for i := range x.shards {
		s := &x.shards[i]
		s.mu.RLock()
		for name := range s.rooms {
			names = append(names, name)
		}
		s.mu.RUnlock()
	}
	return names
}

// has reports whether a room of that name, or a socket of that id, exists here.
func (x *index) has(name string) bool {
	s := x.shard(name)
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.rooms[name] != nil || s.sockets[name] != nil
}

// memberships are the rooms of one socket. Most sockets are in few rooms: a short list
// is searched, a long one has a map beside it.
type memberships struct {
	list   []*membership
	byName map[string]*membership // nil while the list is short
}

const shortList = 16

func (j *memberships) find(name string) *membership {
	if j.byName != nil {
		return j.byName[name]
	}
	for _, m := range j.list {
		if m.room.name == name {
			return m
		}
	}
	return nil
}

func (j *memberships) add(m *membership) {
	m.slot = len(j.list)
	j.list = append(j.list, m)
	switch {
	case j.byName != nil:
		j.byName[m.room.name] = m
	case len(j.list) > shortList:
		j.byName = make(map[string]*membership, 2*shortList)
		for _, m := range j.list {
			j.byName[m.room.name] = m
		}
	}
}

func (j *memberships) remove(m *membership) {
	last := len(j.list) - 1
	moved := j.list[last]
	j.list[m.slot], moved.slot = moved, m.slot
	j.list[last] = nil
	j.list = j.list[:last]
	if j.byName != nil {
		delete(j.byName, m.room.name)
	}
}
