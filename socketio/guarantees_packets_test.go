package socketio_test

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/kachi-io/kachi/internal/history"
)

// take handles a packet of the server; false ends the connection.
func (a *agent) take(p string) bool {
	switch {
	case p == "":
	case p[0] == '1':
		return false
	case p == "2":
		if !a.silent.Load() {
			a.queue("3")
		}
	case p[0] == '4':
		for _, p := range a.spoil.incoming(a, p) {
			a.message(p[1:])
		}
	}
	return true
}

// parts takes a Socket.IO packet apart.
func parts(p string) (kind byte, attachments int, namespace string, id int, data string) {
	kind, p = p[0], p[1:]
	if kind == '5' || kind == '6' {
		count, rest, _ := strings.Cut(p, "-")
		attachments, _ = strconv.Atoi(count)
		p = rest
	}
	namespace = "/"
	if strings.HasPrefix(p, "/") {
		namespace, p, _ = strings.Cut(p, ",")
	}
	digits := len(p) - len(strings.TrimLeft(p, "0123456789"))
	if digits > 0 {
		id, _ = strconv.Atoi(p[:digits])
	} else {
		id = -1
	}
	return kind, attachments, namespace, id, p[digits:]
}

func prefix(kind, namespace string) string {
	if namespace == "/" {
		return kind
	}
	return kind + namespace + ","
}

func (a *agent) message(p string) {
	if w := a.waiting; w != nil {
		a.w.odd("client %d: text %q between a packet and its attachments", a.n, p)
	}
	kind, attachments, namespace, id, data := parts(p)
	if attachments > 0 {
		a.waiting = &binaryEvent{p, attachments}
		return
	}
	a.packet(kind, namespace, id, data)
}

func (a *agent) takeBinary([]byte) {
	w := a.waiting
	if w == nil {
		a.w.odd("client %d: an attachment without a packet", a.n)
		return
	}
	if w.left--; w.left == 0 {
		a.waiting = nil
		kind, _, namespace, id, data := parts(w.text)
		a.packet(kind, namespace, id, data)
	}
}

func (a *agent) packet(kind byte, namespace string, id int, data string) {
	a.person.mu.Lock()
	defer a.person.mu.Unlock()
	if a.person.now != a {
		return
	}
	a.mu.Lock()
	sp := a.spaces[namespace]
	if sp == nil {
		sp = &space{}
		a.spaces[namespace] = sp
	}
	socket := sp.socket
	a.mu.Unlock()
	e := history.Entry{Namespace: namespace, Socket: socket}
	switch kind {
	case '0':
		var answer struct{ SID, PID string }
		_ = json.Unmarshal([]byte(data), &answer)
		e.Kind, e.Socket, e.Session = history.Admitted, answer.SID, answer.PID
		k := a.person.keeps(namespace)
		k.socket, k.private = answer.SID, answer.PID
		a.mu.Lock()
		a.note(e)
		sp.socket, sp.pending, sp.left = answer.SID, false, false
		a.mu.Unlock()
	case '4':
		e.Kind = history.Refused
		a.mu.Lock()
		a.note(e)
		sp.pending = false
		a.mu.Unlock()
	case '1':
		e.Kind = history.Dismissed
		a.mu.Lock()
		a.note(e)
		if sp.socket != "" {
			sp.socket = ""
		} else {
			sp.pending = false
		}
		a.mu.Unlock()
	case '3', '6':
		e.Kind, e.ID, e.Text = history.Acked, id, strings.Trim(data, "[]")
		if strings.Contains(data, `"code":"overloaded"`) {
			e.Text = history.Overload
		} else if strings.Contains(data, `"status":"error"`) {
			e.Text = "error"
		}
		a.note(e)
		a.w.synced(id)
	case '2', '5':
		var args []json.RawMessage
		_ = json.Unmarshal([]byte(data), &args)
		if k := a.person.keeps(namespace); k.private != "" && id < 0 { // as socket.io-client does, whatever it is
			var last string
			if json.Unmarshal(args[len(args)-1], &last) == nil {
				k.position = last
			}
		}
		name, rest, _ := strings.Cut(strings.TrimPrefix(data, `["`), `",`)
		number, policy, _ := strings.Cut(strings.TrimSuffix(rest, "]"), ",")
		e.Kind = history.Got
		e.ID, _ = strconv.Atoi(number)
		if name == "exception" { // the server's own
			return
		}
		a.note(e)
		if id >= 0 {
			a.answer(e, id, strings.Trim(policy, `"`))
		}
	default:
		a.w.odd("client %d: packet %q", a.n, data)
	}
}

// answer does with a question what it says itself.
func (a *agent) answer(q history.Entry, id int, policy string) {
	say := func(text string) {
		a.mu.Lock()
		if sp := a.spaces[q.Namespace]; sp.socket == q.Socket && !sp.left && q.Socket != "" && !a.abandoned.Load() {
			a.note(history.Entry{Kind: history.Answered, Namespace: q.Namespace, Socket: q.Socket, ID: q.ID, Text: text})
			a.out = append(a.out, prefix("43", q.Namespace)+strconv.Itoa(id)+"["+text+"]")
		}
		a.mu.Unlock()
		a.ring()
	}
	text := strconv.Itoa(q.ID * 10)
	switch policy {
	case "never":
	case "twice":
		say(text)
		say("666")
	case "late":
		a.runs.Go(func() {
			select {
			case <-time.After(700 * time.Millisecond):
				say(text)
			case <-a.over:
			}
		})
	default:
		say(text)
	}
}

// join asks for a namespace, and shows what the client has kept of it.
func (a *agent) join(namespace string, refuse bool) {
	a.person.mu.Lock()
	defer a.person.mu.Unlock()
	if a.person.now != a {
		return
	}
	k := *a.person.keeps(namespace)
	a.mu.Lock()
	sp := a.spaces[namespace]
	if sp == nil {
		sp = &space{}
		a.spaces[namespace] = sp
	}
	if sp.pending || sp.socket != "" && !sp.left {
		a.mu.Unlock()
		return
	}
	sp.pending = true
	a.note(history.Entry{Kind: history.Asked, Namespace: namespace, Socket: k.socket, Session: k.private, Text: k.position})
	shown := ""
	if k.private != "" {
		if shown = fmt.Sprintf(`,"pid":%q`, k.private); k.position != "" {
			shown += fmt.Sprintf(`,"offset":%q`, k.position)
		}
	}
	a.out = append(a.out, prefix("40", namespace)+fmt.Sprintf(`{"c":%d,"refuse":%t%s}`, a.n, refuse, shown))
	a.mu.Unlock()
	a.ring()
}

// leave says good-bye to a namespace.
func (a *agent) leave(namespace string) {
	a.mu.Lock()
	defer a.ring()
	defer a.mu.Unlock()
	sp := a.spaces[namespace]
	if sp == nil || sp.socket == "" || sp.left || sp.pending {
		return
	}
	sp.left = true
	a.note(history.Entry{Kind: history.Left, Namespace: namespace, Socket: sp.socket})
	a.out = append(a.out, prefix("41", namespace))
}

// emit sends an event that says what its handler is to do, and how it acknowledges.
func (a *agent) emit(namespace, action, room, ack string) (id int, sent bool) {
	a.mu.Lock()
	defer a.ring()
	defer a.mu.Unlock()
	sp := a.spaces[namespace]
	if sp == nil || !sp.pending && (sp.socket == "" || sp.left) {
		return 0, false
	}
	id = a.w.next()
	e := history.Entry{Kind: history.Sent, Namespace: namespace, ID: id, Want: ack != "" && ack != "none", Text: action}
	if !sp.pending {
		e.Socket = sp.socket
	}
	a.note(e)
	number := ""
	if e.Want {
		number = strconv.Itoa(id)
	}
	p := prefix("42", namespace) + number + fmt.Sprintf(`["e",%d,%q,%q,%q]`, id, action, room, ack)
	a.out = append(a.out, a.spoil.outgoing(a, p)...)
	return id, true
}

func (a *agent) farewell() {
	a.mu.Lock()
	a.note(history.Entry{Kind: history.HungUp, Orderly: true})
	a.out = append(a.out, goodbye)
	a.mu.Unlock()
	a.ring()
}

// spoiler is a fault between the two sides: of the events of one connection and one
// direction it swaps two, drops one or doubles one; of a client that comes back it skips
// the first event, repeats the last one of the connection before, or revives a session
// that the server has given up. nil spoils nothing.
type spoiler struct {
	fault    string // swap, drop, twice; skip, repeat, revive
	fromHere bool   // what clients send
	skip     int

	mu    sync.Mutex
	agent *agent
	held  string
	spent bool
	last  map[*person]string // of each client, the newest event
	back  map[*agent]bool    // came back on this connection
}

func (s *spoiler) incoming(a *agent, p string) []string {
	if s == nil || s.fromHere {
		return []string{p}
	}
	if s.fault == "skip" || s.fault == "repeat" || s.fault == "revive" {
		return s.returned(a, p)
	}
	return s.pass(a, p, strings.HasPrefix(p, "42") && strings.Contains(p, `["m",`))
}

func (s *spoiler) returned(a *agent, p string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.back == nil {
		s.last, s.back = map[*person]string{}, map[*agent]bool{}
	}
	event := strings.HasPrefix(p, `42["m",`)
	switch {
	case s.spent:
	case strings.HasPrefix(p, "40{"):
		var answer struct{ SID, PID string }
		_ = json.Unmarshal([]byte(p[2:]), &answer)
		a.person.mu.Lock()
		before := *a.person.keeps("/")
		a.person.mu.Unlock()
		s.back[a] = before.private == answer.PID
		switch {
		case s.fault == "repeat" && s.back[a] && s.last[a.person] != "":
			s.spent = true
			return []string{p, s.last[a.person]}
		case s.fault == "revive" && !s.back[a] && before.private != "":
			s.spent = true
			return []string{fmt.Sprintf(`40{"sid":%q,"pid":%q}`, before.socket, before.private)}
		}
	case event && s.fault == "skip" && s.back[a]:
		s.spent = true
		return nil
	case event:
		s.last[a.person] = p
	}
	return []string{p}
}

func (s *spoiler) outgoing(a *agent, p string) []string {
	if s == nil || !s.fromHere {
		return []string{p}
	}
	return s.pass(a, p, true)
}

func (s *spoiler) pass(a *agent, p string, event bool) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case !event || s.spent || s.agent != nil && s.agent != a:
		return []string{p}
	case s.held != "":
		s.spent = true
		return []string{p, s.held}
	}
	if s.skip--; s.skip > 0 {
		return []string{p}
	}
	s.agent = a
	switch s.fault {
	case "swap":
		s.held = p
		return nil
	case "twice":
		s.spent = true
		return []string{p, p}
	default:
		s.spent = true
		return nil
	}
}
