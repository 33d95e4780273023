package websocket

import (
	"runtime"
	"sync/atomic"
)

// Reader reads a connection on from where [Conn.Await] left it.
type Reader interface {
	// Resume is called on a goroutine of its own, the connection's reading goroutine from
	// then on. Read has a message, or the end, or waits for one of them.
	Resume(c *Conn)
}

// Listener is a Reader that wants to know of every sign of the peer.
type Listener interface {
	Reader
	// Heard is called by Read, after every frame that does not complete a message: a ping,
	// a pong, a fragment.
	Heard()
}

// awaiting is how a connection waits for input without a goroutine: see Await.
type awaiting struct {
	next    Reader
	turn    atomic.Uint32 // who has the reading side
	hup     atomic.Bool   // the end is near, or the watcher is: Read waits for what comes
	watched bool          // by the watcher; set once, under Conn.mu, by the reading goroutine
	drained bool          // the last read took all there was
	fd      int32         // as the watcher knows the connection
	serial  uint32        // which of all that had this fd
	rounds  uint8         // how often it was resumed, up to settled
}

// settled is how often a connection has been resumed when it is more than a newcomer.
const settled = 4

const (
	turnReading uint32 = iota // a goroutine reads
	turnNoticed               // one does, and there may be more than it has seen
	turnWaiting               // nobody does: the watcher starts a goroutine
)

// Await leaves the reading of the connection to r, once there is something to be read, and
// returns at once. It is for the reading goroutine, which from then on is none.
//
// On Linux, an idle connection over plain TCP so holds no goroutine: one watcher for all
// waits on an epoll of its own, which in turn lies in the runtime's. That is 2.5 KB less
// for each, half of what is held. Anywhere else a goroutine waits in Read.
func (c *Conn) Await(r Reader) {
	c.next = r
	if c.raw == nil || len(c.in) > 0 || !c.watched && !c.watch() || !c.park() {
		go c.resume()
		if c.raw != nil { // in memory there may be another clock, which must start nothing out here
			theWatcher.look() // once more for whoever always has sent more
		}
	}
}

// LookAround lets connections go ahead that have something to be read. With one processor
// the runtime does not ask for input before nothing else can run, or 10 ms have passed; so
// what comes in quantity or takes long calls this now and then: handshakes, ends, pieces
// of large messages.
func LookAround() {
	if theWatcher.look() {
		runtime.Gosched()
	}
}

// large is the size in bytes from which a message, or a piece of one, takes long.
const large = 64 << 10

// watch enters the connection with the watcher, which may call notice from then on.
func (c *Conn) watch() bool {
	if !theWatcher.add(c) {
		return false
	}
	c.mu.Lock()
	c.watched = true
	dead := c.dead
	c.mu.Unlock()
	if dead { // shutdown did not know of it
		theWatcher.remove(c)
		c.notice(true)
	}
	return true
}

// park gives the reading side up, unless there may be something to read.
func (c *Conn) park() bool {
	if !c.drained || c.hup.Load() {
		return false
	}
	if c.turn.CompareAndSwap(turnReading, turnWaiting) {
		return true
	}
	c.turn.Store(turnReading)
	return false
}

// notice tells that there is something to be read, or that the connection has ended.
func (c *Conn) notice(hup bool) {
	if c.claim(hup) {
		go c.resume()
	}
}

// claim is notice that leaves the reading to the caller, where it reports true.
func (c *Conn) claim(hup bool) bool {
	if hup {
		c.hup.Store(true)
	}
	for {
		switch turn := c.turn.Load(); turn {
		case turnWaiting:
			if c.turn.CompareAndSwap(turn, turnReading) {
				return true
			}
		case turnReading:
			if c.turn.CompareAndSwap(turn, turnNoticed) {
				return false
			}
		case turnNoticed:
			return false
		}
	}
}

// resumeEach resumes one after the other, each as soon as the one before has done or waits:
// whom a goroutine has started last runs next on its processor, and all others run behind
// those who are queued already.
func resumeEach(conns []*Conn) {
	if len(conns) > 1 {
		go resumeEach(conns[1:])
	}
	conns[0].resume()
}

// resume goes on reading if there is anything to read. What the watcher told may have
// been read already; where it told of the end, Read waits for that.
func (c *Conn) resume() {
	if c.rounds < settled {
		c.rounds++
		if c.watched {
			LookAround() // a newcomer lets everybody else go first
		}
	}
	for c.watched && len(c.in) == 0 && !c.hup.Load() && c.nothing() {
		if c.park() {
			return
		}
	}
	c.next.Resume(c)
}

// nothing reads what there is, without waiting, and reports whether there was nothing. An
// error is kept for Read.
func (c *Conn) nothing() bool {
	c.glance = true
	err := c.readRaw(nil)
	c.glance = false
	if err == errNothing {
		return true
	}
	c.early = err
	return false
}
