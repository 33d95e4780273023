package socketio_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/kachi-io/kachi/socketio"
)

// plan is a schedule: what clients and the server do, and when. It follows from its seed.
// What several do at one moment, and what is under way then, interleaves as it comes.
type plan struct {
	seed     uint64
	clients  int
	senders  int
	delay    time.Duration // each way, at most
	buffer   int           // bytes that a connection holds
	scarce   bool          // small queues and mailboxes
	abrupt   bool          // Shutdown comes in the middle
	batch    time.Duration // Options.BatchDelay
	recovery *socketio.Recovery
	steps    []step
	duration time.Duration
}

// step is one thing that somebody does.
type step struct {
	at        time.Duration
	actor     int // a client, or a sender of the server behind them
	do        string
	client    int // whom it concerns
	namespace string
	rooms     []string
	except    []string
	n         int
	flag      bool
	policy    string
}

func (s step) String() string {
	who := fmt.Sprint("actor ", s.actor)
	return fmt.Sprintf("%6s %s: %s client %d %s rooms %v except %v n=%d %t %s", s.at, who, s.do, s.client, s.namespace, s.rooms, s.except, s.n, s.flag, s.policy)
}

func (p *plan) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "seed %d: %d clients, %d senders, delay %s, buffer %d, scarce %t, abrupt %t, batch %s\n",
		p.seed, p.clients, p.senders, p.delay, p.buffer, p.scarce, p.abrupt, p.batch)
	if r := p.recovery; r != nil {
		fmt.Fprintf(&b, "   recovery %+v\n", *r)
	}
	for _, s := range p.steps {
		fmt.Fprintln(&b, "  ", s)
	}
	return b.String()
}

var (
	spaces   = []string{"/", "/", "/a"}
	roomPool = []string{"r1", "r2", "r3"}
)

// choice is something to do and how often it is done.
type choice struct {
	do     string
	weight int
}

var clientChoices = []choice{
	{"emit", 30}, {"burst", 6}, {"join", 8}, {"leave", 3}, {"upgrade", 14}, {"drop", 3}, {"farewell", 3}, {"silence", 1}, {"stall", 2},
	{"open", 8}, {"refused", 1},
}

var serverChoices = []choice{
	{"emit", 20}, {"burst", 4}, {"volatile", 4}, {"patient", 5}, {"big", 3}, {"room", 20}, {"rooms", 8}, {"all", 8}, {"enter", 14}, {"exit", 7},
	{"all enter", 2}, {"all exit", 1}, {"ask", 8}, {"ask room", 4}, {"disconnect", 2}, {"disconnect room", 1},
}

func pick(r *rand.Rand, of []choice) string {
	sum := 0
	for _, c := range of {
		sum += c.weight
	}
	n := r.IntN(sum)
	for _, c := range of {
		if n -= c.weight; n < 0 {
			return c.do
		}
	}
	panic("unreachable")
}

func one[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }

func newPlan(seed uint64) *plan {
	r := rand.New(rand.NewPCG(seed, 0))
	p := &plan{
		seed:    seed,
		clients: 2 + r.IntN(4),
		senders: 1 + r.IntN(3),
		delay:   one(r, 0, 0, time.Millisecond, 40*time.Millisecond, 200*time.Millisecond),
		buffer:  one(r, 64<<10, 64<<10, 4<<10, 300),
		scarce:  r.IntN(8) == 0,
		abrupt:  r.IntN(6) == 0,
	}
	if p.buffer < 1000 { // or it takes more than WriteTimeout to send anything
		p.delay = min(p.delay, time.Millisecond)
	}
	other := rand.New(rand.NewPCG(seed, 1)) // what came later, so that seeds keep their plans
	p.batch = one(other, 0, 0, 0, 2*time.Millisecond, 100*time.Millisecond, time.Second)
	p.duration = time.Duration(2+r.IntN(6)) * time.Second
	when := func() time.Duration { // often at the same moment as something else
		if r.IntN(2) == 0 {
			return time.Duration(r.IntN(int(p.duration/(250*time.Millisecond)))) * 250 * time.Millisecond
		}
		return time.Duration(r.Int64N(int64(p.duration)))
	}
	add := func(s step) { p.steps = append(p.steps, s) }
	for c := range p.clients {
		begin := time.Duration(0)
		if r.IntN(3) == 0 {
			begin = when()
		}
		add(step{at: begin, actor: c, do: "open", client: c, flag: r.IntN(3) == 0})
		add(step{at: begin, actor: c, do: "join", client: c, namespace: "/"})
		if r.IntN(2) == 0 {
			add(step{at: begin, actor: c, do: "join", client: c, namespace: "/a"})
		}
		for range 4 + r.IntN(24) {
			s := step{at: when(), actor: c, do: pick(r, clientChoices), client: c, namespace: one(r, spaces...), flag: r.IntN(2) == 0}
			s.n = 1 + r.IntN(20)
			s.rooms = []string{one(r, roomPool...)}
			s.except = []string{one(r, "", "", "join", "join", "leave", "echo", "cast", "cast", "ask", "slow", "bye")} // the handler's part
			if s.except[0] == "bye" && r.IntN(3) > 0 {
				s.except[0] = ""
			}
			s.policy = one(r, "none", "once", "once", "twice", "later", "error", "never")
			if s.do == "upgrade" {
				s.flag = r.IntN(5) == 0 // gives up
			}
			add(s)
		}
	}
	for g := range p.senders {
		for range 6 + r.IntN(30) {
			s := step{at: when(), actor: p.clients + g, do: pick(r, serverChoices), client: r.IntN(p.clients), namespace: one(r, spaces...)}
			s.n = 1 + r.IntN(20)
			s.flag = r.IntN(2) == 0
			s.policy = one(r, "at once", "at once", "twice", "late", "never")
			s.rooms = []string{one(r, roomPool...)}
			if s.do == "rooms" {
				s.rooms = append(s.rooms, one(r, roomPool...))
				if r.IntN(3) == 0 {
					s.rooms = append(s.rooms, "r3")
				}
			}
			if r.IntN(4) == 0 {
				s.except = []string{one(r, append(roomPool, "self")...)}
			}
			add(s)
		}
	}
	if dice := rand.New(rand.NewPCG(seed, 2)); dice.IntN(2) == 0 {
		p.returns(dice)
	}
	slices.SortStableFunc(p.steps, func(a, b step) int { return cmp.Compare(a.at, b.at) })
	return p
}

// without is the plan less some of its steps.
func (p *plan) without(from, to int) *plan {
	q := *p
	q.steps = slices.Delete(slices.Clone(p.steps), from, min(to, len(p.steps)))
	return &q
}
