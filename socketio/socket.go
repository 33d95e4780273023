package socketio

import (
	"context"
	"encoding/json"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/kachi-io/kachi/engineio"
	"github.com/kachi-io/kachi/internal/ids"
)

// Socket is one client in one namespace. All methods are safe for concurrent use, in
// handlers and elsewhere. A socket that has ended stays valid: it joins nothing, and
// its sending methods return [ErrClosed].
type Socket struct {
	id   string
	ns   *Namespace
	conn *conn
	auth json.RawMessage // nil when the client sent none

	ctx    context.Context // ends with the socket
	cancel context.CancelFunc
	state  atomic.Int32
	// unanswered counts the acknowledgements that the client asked for and has not got.
	unanswered atomic.Int32
	mailbox    mailbox
	pace       pace // of its events; guarded by the connection's turn to speak

	roomsMu  sync.Mutex
	admitted bool      // may join; set by index.add, on the goroutine of the mailbox
	left     bool      // joins nothing any more
	wanted   *[]string // to be joined on admission; nil for most
	joined   memberships
	ending   *endTask // once it has ended; tells the rooms for OnDisconnecting

	everywhere membership // in index.all; guarded by its lock
	stamp      uint64     // guarded by index.stamps

	asked     asked // answers that it owes
	data      atomic.Value
	extension atomic.Pointer[any]
	stay      *stay // nil without Options.Recovery
}

const (
	statePending   int32 = iota // asked for the namespace, not yet admitted
	stateAdmitting              // CONNECT's answer is being queued: nothing may be sent before it
	stateConnected
	stateEnded
)

func newSocket(c *conn, ns *Namespace, auth []byte) *Socket {
	s := &Socket{ns: ns, conn: c}
	if c.form.kind == old {
		s.id = agedID(c.session.ID(), ns.name)
	} else {
		s.id = ids.New()
	}
	if len(auth) > 0 {
		s.auth = auth
	}
	s.ctx, s.cancel = context.WithCancel(c.session.Context())
	return s
}

// ID returns the socket's id: 20 URL-safe characters, different from the connection's
// and from those of the client's sockets in other namespaces.
func (s *Socket) ID() string { return s.id }

// Namespace returns the namespace that the socket belongs to.
func (s *Socket) Namespace() *Namespace { return s.ns }

// Conn returns the connection below, which the client's sockets in other namespaces
// share.
func (s *Socket) Conn() *engineio.Session { return s.conn.session }

// Handshake tells how the connection began: headers, query, address, time.
func (s *Socket) Handshake() *engineio.Handshake { return s.conn.session.Handshake() }

// Auth returns what the client gave as auth, as raw JSON; {} when it gave none.
func (s *Socket) Auth() json.RawMessage {
	if s.auth == nil {
		return json.RawMessage("{}")
	}
	return s.auth
}

// Context ends with the socket, and carries the values of [Options.ConnContext].
func (s *Socket) Context() context.Context { return s.ctx }

// Connected reports whether the socket has been admitted and has not ended.
func (s *Socket) Connected() bool { return s.state.Load() == stateConnected }

// SetData keeps a value with the socket: whatever the application wants to find again
// in later events. Other nodes see it as JSON, by [Broadcast.Fetch], which encodes it on
// a goroutine of its own choice: set another value rather than change this one.
func (s *Socket) SetData(v any) { s.data.Store(&v) }

// Data returns the value given to SetData last, or nil.
func (s *Socket) Data() any {
	if v, ok := s.data.Load().(*any); ok {
		return *v
	}
	return nil
}

// SetExtension keeps a value with the socket for the layer above, a framework of gateways
// say, which leaves SetData to the application: no other node sees it. It ends with the
// socket, but for what a [Keeper] leaves to that of a client that comes back.
func (s *Socket) SetExtension(v any) { s.extension.Store(&v) }

// Keeper is an extension of a socket that leaves something behind: what Keep returns at the
// socket's end is the extension of the socket that goes on where this one left off (see
// [Recovery]), until it is set anew. nil is nothing.
type Keeper interface{ Keep() any }

// kept is what the socket's extension leaves behind. No lock is held.
func (s *Socket) kept() (v any) {
	if k, ok := s.Extension().(Keeper); ok {
		_ = protect(func() error { v = k.Keep(); return nil })
	}
	return v
}

// Extension returns the value given to SetExtension last, or nil.
func (s *Socket) Extension() any {
	if v := s.extension.Load(); v != nil {
		return *v
	}
	return nil
}

// Join makes the socket a member of the rooms. It has no effect on a room that it is in
// already, and none after the socket's end. In a middleware ([Namespace.Use]) it counts
// from when the socket has been admitted, before [Namespace.OnConnect].
func (s *Socket) Join(rooms ...string) {
	for _, room := range rooms {
		if j := s.ns.journal; j != nil {
			j.join(s, room)
		} else {
			s.ns.local.join(s, room)
		}
	}
}

// Leave takes the socket out of the rooms.
func (s *Socket) Leave(rooms ...string) {
	for _, room := range rooms {
		if j := s.ns.journal; j != nil {
			j.leave(s, room)
		} else {
			s.ns.local.leave(s, room)
		}
	}
}

// Rooms returns the rooms that the socket is in, its own id first. During
// OnDisconnecting they are those at its end, and in OnDisconnect there are none. Before
// it is admitted they are those that it will join.
func (s *Socket) Rooms() []string {
	s.roomsMu.Lock()
	defer s.roomsMu.Unlock()
	switch {
	case s.ending != nil:
		return slices.Clone(s.ending.rooms)
	case s.left:
		return nil
	case !s.admitted:
		if s.wanted == nil {
			return nil
		}
		return slices.Clone(*s.wanted)
	}
	rooms := append(make([]string, 0, len(s.joined.list)+1), s.id)
	for _, m := range s.joined.list {
		rooms = append(rooms, m.room.name)
	}
	return rooms
}

// Disconnect ends the socket: the client gets disconnect with the reason "io server
// disconnect" and does not come back by itself. closeConnection ends the client's
// sockets in all namespaces, and its connection. What was emitted before reaches the
// client first.
func (s *Socket) Disconnect(closeConnection bool) {
	if closeConnection {
		s.conn.disconnect()
		return
	}
	s.disconnect(ReasonServerDisconnect)
}

// DisconnectFor is Disconnect(false) with a reason of the caller's, which the application
// and the hooks are told. A Socket.IO client is not; a plain WebSocket is closed with 4401
// for [ReasonExpired] and [ReasonRevoked].
func (s *Socket) DisconnectFor(reason Reason) { s.disconnect(reason) }
