package socketio_test

import (
	"math/rand/v2"
	"sync"
	"time"

	"github.com/kachi-io/kachi/internal/history"
	"github.com/kachi-io/kachi/socketio"
)

// returns has clients of the plan lose their connections and come back.
func (p *plan) returns(r *rand.Rand) {
	p.recovery = &socketio.Recovery{
		Window:         one(r, 300*time.Millisecond, time.Second, 4*time.Second, 4*time.Second, 30*time.Second),
		RunMiddlewares: r.IntN(4) == 0,
		RequireOffset:  r.IntN(4) == 0,
		MaxEvents:      one(r, 0, 0, 0, 0, 5, 30),
		MaxBytes:       one(r, 0, 0, 0, 0, 1000, 6000),
		MaxSessions:    one(r, 0, 0, 0, 0, 1, 2),
	}
	add := func(s step) { p.steps = append(p.steps, s) }
	for c := range p.clients {
		for range 1 + r.IntN(7) {
			at := time.Duration(r.Int64N(int64(p.duration)))
			if r.IntN(3) == 0 {
				at = at.Truncate(250 * time.Millisecond)
			}
			s := step{at: at, actor: c, client: c, do: one(r, "drop", "drop", "drop", "abandon", "close"), flag: r.IntN(2) == 0, namespace: "/"}
			if s.do == "close" {
				s.actor = p.clients
			}
			add(s)
			pause := func() time.Duration {
				return one(r, 0, 0, time.Millisecond, 30*time.Millisecond, 200*time.Millisecond, 700*time.Millisecond, 3*time.Second)
			}
			at += pause()
			for r.IntN(3) == 0 { // comes, and loses that one, too
				s := step{at: at, actor: c, client: c, do: "flash", flag: r.IntN(3) > 0, n: r.IntN(1 + int(p.delay/(3*time.Millisecond)))}
				s.policy = one(r, "cut", "reset", "abandon")
				add(s)
				at += pause()
			}
			add(step{at: at, actor: c, client: c, do: "open", flag: r.IntN(3) > 0})
		}
		if r.IntN(4) > 0 { // is there at the end
			add(step{at: p.duration + time.Second, actor: c, client: c, do: "open", flag: r.IntN(2) == 0})
		}
	}
	for g := range p.senders {
		for range r.IntN(25) {
			s := step{at: time.Duration(r.Int64N(int64(p.duration))), actor: p.clients + g, client: r.IntN(p.clients), namespace: one(r, spaces...)}
			s.do, s.n = one(r, "id", "id", "id", "room", "all", "data"), 1+r.IntN(30)
			s.rooms = []string{one(r, roomPool...)}
			s.flag = r.IntN(4) == 0
			add(s)
		}
	}
}

// person is who connects, again and again: what a client keeps beyond its connections.
type person struct {
	mu   sync.Mutex // before agent.mu
	now  *agent     // what comes on other connections it does not see any more
	kept map[string]*kept
}

// kept is what socket.io-client keeps of a socket.
type kept struct{ socket, private, position string }

// keeps is what the client has kept of a namespace. The caller holds p.mu.
func (p *person) keeps(namespace string) *kept {
	k := p.kept[namespace]
	if k == nil {
		k = &kept{}
		p.kept[namespace] = k
	}
	return k
}

// part notes the end of a connection: the client sees nothing more of it.
func (a *agent) part(e history.Entry) {
	a.person.mu.Lock()
	defer a.person.mu.Unlock()
	if a.person.now == a {
		a.person.now = nil
	}
	a.note(e)
}

// abandon gives up the connection without ending it: it is half dead. The server is to
// find out, by heartbeats or because the client comes back on another one.
func (a *agent) abandon() {
	a.mu.Lock()
	websocket := a.ws != nil
	a.mu.Unlock()
	a.silent.Store(true)
	a.abandoned.Store(true)
	a.part(history.Entry{Kind: history.HungUp, Text: "abandoned", Want: websocket && !a.slow.Load()})
}

// open connects a client, once more if it has been there, and has it join where it was.
func (w *world) open(s step, before *agent) {
	n, who := s.client+1, &person{kept: map[string]*kept{}}
	if before != nil {
		n, who = before.n+10, before.person
	}
	a := w.newAgent(n, who)
	who.mu.Lock()
	who.now = a
	who.mu.Unlock()
	if a.open(s.flag) != nil {
		a.drop(false)
		return
	}
	w.mu.Lock()
	w.agents[s.client], w.all = a, append(w.all, a)
	w.mu.Unlock()
	a.join("/", false)
	who.mu.Lock()
	more := who.keeps("/a").private != ""
	who.mu.Unlock()
	if more {
		a.join("/a", false)
	}
	if s.do != "flash" {
		return
	}
	time.Sleep(w.scaled(time.Duration(s.n) * 10 * time.Millisecond)) // before the answer, or soon after
	if s.policy == "abandon" {
		a.abandon()
	} else {
		a.drop(s.policy == "reset")
	}
}

// id is that of the socket which a client has, or had.
func (w *world) id(client int, namespace string) string {
	a := w.agent(client)
	if a == nil {
		return ""
	}
	a.person.mu.Lock()
	defer a.person.mu.Unlock()
	return a.person.keeps(namespace).socket
}

// recovery is what the judge is to know of it.
func (w *world) recovery() *history.Recovery {
	o := w.options
	r := o.Recovery
	if r == nil {
		return nil
	}
	return &history.Recovery{
		Window: r.Window, Keep: r.Window + o.PingInterval + o.PingTimeout, RequireOffset: r.RequireOffset,
		MaxEvents: r.MaxEvents, MaxBytes: r.MaxBytes, MaxSessions: r.MaxSessions,
	}
}
