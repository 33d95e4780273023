package socketio_test

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/kachi-io/kachi/internal/history"
)

// play plays the plan to its end, and returns what is wrong.
func (w *world) play() (found []history.Violation) {
	began := time.Now()
	actors := make([][]step, w.plan.clients+w.plan.senders)
	for _, s := range w.plan.steps {
		actors[s.actor] = append(actors[s.actor], s)
	}
	var acting sync.WaitGroup
	for actor, steps := range actors {
		acting.Go(func() {
			for _, s := range steps {
				time.Sleep(time.Until(began.Add(w.scaled(s.at))))
				if actor < w.plan.clients {
					w.client(s)
				} else {
					w.send(s)
				}
			}
		})
	}
	if w.plan.abrupt {
		time.Sleep(w.scaled(w.plan.duration * 2 / 3))
	} else {
		acting.Wait()
		w.runs.Wait()
		w.settle()
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	w.log.Add(history.Entry{Kind: history.ShuttingDown})
	err := w.srv.Shutdown(ctx)
	w.log.Add(history.Entry{Kind: history.ShutDown, Err: fault(err)})
	acting.Wait()
	w.runs.Wait()
	w.mu.Lock()
	all := w.all
	w.mu.Unlock()
	for _, a := range all {
		a.drop(false)
	}
	w.stop()
	for _, a := range all {
		a.runs.Wait()
	}

	time.Sleep(w.scaled(time.Second)) // the wheels stop at their next tick
	found = history.Judge(w.log.Entries(), history.Terms{Scarce: w.plan.scarce, Hasty: w.real, Slack: slack, Recovery: w.recovery()})
	if err != nil {
		w.odd("Shutdown: %v", err)
	}
	if n := w.srv.Connections(); n != 0 {
		w.odd("%d connections are left", n)
	}
	for _, name := range []string{"/", "/a"} {
		ns := w.srv.Of(name)
		if n := ns.Count(); n != 0 {
			w.odd("%d sockets of %s are left", n, name)
		}
	}
	for _, text := range w.odds {
		found = append(found, history.Violation{Rule: "Odds", Text: text})
	}
	return found
}

// settle waits until nothing is under way: whoever is gone has been noticed, and whoever
// is there has seen, behind everything else, the answer to an event.
func (w *world) settle() {
	if !w.real {
		time.Sleep(4*pace + 40*time.Second) // heartbeats, write time-outs, polls that nobody makes
	}
	w.mu.Lock()
	agents := w.all
	w.mu.Unlock()
	for range 2 { // the handlers of one client, awaited in the first round, send to others
		var syncing sync.WaitGroup
		for _, a := range agents {
			for _, namespace := range []string{"/", "/a"} {
				syncing.Go(func() { w.sync(a, namespace) })
			}
		}
		syncing.Wait()
	}
	if w.real {
		w.quiet(agents)
	}
	w.log.Add(history.Entry{Kind: history.Settled})
	for _, name := range []string{"/", "/a"} {
		for _, s := range w.srv.Of(name).Sockets() {
			w.server(s, history.Entry{Kind: history.Alive, Rooms: s.Rooms()})
		}
	}
}

func (w *world) sync(a *agent, namespace string) {
	if a.left() {
		return
	}
	w.mu.Lock()
	done := make(chan struct{})
	w.mu.Unlock()
	id, sent := a.emit(namespace, "", "", "once")
	if !sent {
		return
	}
	w.mu.Lock()
	w.syncs[id] = done
	w.mu.Unlock()
	limit := 2 * time.Second
	if !w.real {
		limit = time.Minute
	}
	select {
	case <-done:
	case <-a.over:
	case <-time.After(limit): // silent, stalled, or at fault: the judge knows
	}
}

// synced is told of every acknowledgement that a client gets.
func (w *world) synced(id int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if done := w.syncs[id]; done != nil {
		close(done)
		delete(w.syncs, id)
	}
}

// quiet waits, on a real clock, until the server has noticed who is gone.
func (w *world) quiet(agents []*agent) {
	for range 100 {
		there := 0
		for _, a := range agents {
			if !a.gone() {
				there++
			}
		}
		if w.srv.Connections() <= there {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func (w *world) agent(client int) *agent {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.agents[client]
}

// client does a step of a client.
func (w *world) client(s step) {
	a := w.agent(s.client)
	if s.do == "open" || s.do == "flash" {
		if a == nil || a.left() {
			w.open(s, a)
		}
		return
	}
	if a == nil || a.left() {
		return
	}
	switch s.do {
	case "abandon":
		a.abandon()
	case "join":
		a.join(s.namespace, false)
	case "refused":
		a.join(s.namespace, true)
	case "leave":
		a.leave(s.namespace)
	case "emit":
		a.emit(s.namespace, s.except[0], s.rooms[0], s.policy)
	case "burst":
		for range s.n {
			a.emit(s.namespace, "", "", s.policy)
		}
	case "upgrade":
		a.upgrade(s.flag)
	case "drop":
		a.drop(s.flag)
	case "farewell":
		a.farewell()
	case "silence":
		if w.real {
			return // would take its time
		}
		a.note(history.Entry{Kind: history.Silenced})
		a.silent.Store(true)
	case "stall":
		a.note(history.Entry{Kind: history.Stopped})
		d := w.scaled(time.Duration(s.n) * 500 * time.Millisecond)
		if s.flag && !w.real {
			d = -1
		}
		a.slow.Store(true)
		a.stall.Store(int64(d))
	}
}

// socket is the newest that the server has for a client.
func (w *world) socket(client int, namespace string) *sock {
	a := w.agent(client)
	if a == nil {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.sockets[fmt.Sprint(a.n, namespace)]
}

// send does a step of the server.
func (w *world) send(s step) {
	ns := w.srv.Of(s.namespace)
	e := history.Entry{Namespace: s.namespace}
	own := w.socket(s.client, s.namespace)
	b := ns.All()
	switch s.do {
	case "id": // also while it is away
		id := w.id(s.client, s.namespace)
		if id == "" {
			return
		}
		b, e.Rooms = b.To(id), []string{id}
	case "room", "rooms", "ask room", "disconnect room":
		b, e.Rooms = b.To(s.rooms...), s.rooms
	}
	for _, room := range s.except {
		if room == "self" {
			if own == nil {
				continue
			}
			room = own.ID()
		}
		b, e.Except = b.Except(room), append(e.Except, room)
	}
	switch s.do {
	case "room", "rooms", "all", "id":
		e.Volatile = s.flag && s.n < 5
		for range 1 + s.n/7 {
			w.broadcast(b, e)
		}
		return
	case "ask room":
		w.runs.Go(func() { w.askAll(b, e, s.policy) })
		return
	case "disconnect room":
		if s.n > 6 {
			return
		}
		id := w.next()
		e.Kind, e.ID, e.Except = history.Ending, id, nil
		w.log.Add(e)
		_ = ns.To(s.rooms...).Disconnect(false)
		w.log.Add(history.Entry{Kind: history.EndDone, ID: id})
		return
	case "all enter", "all exit":
		e.Kind, e.ID, e.Rooms, e.Except = history.Joining, w.next(), s.rooms, nil
		done := history.Entry{Kind: history.JoinDone, ID: e.ID}
		if s.do == "all exit" {
			e.Kind, done.Kind = history.Leaving, history.LeaveDone
		}
		w.log.Add(e)
		if s.do == "all exit" {
			_ = ns.SocketsLeave(s.rooms...)
		} else {
			_ = ns.SocketsJoin(s.rooms...)
		}
		w.log.Add(done)
		return
	}
	if own == nil {
		return
	}
	switch s.do {
	case "emit":
		w.emit(own, false, 0)
	case "volatile":
		w.emit(own, true, 0)
	case "patient":
		for range s.n {
			w.emitPatiently(own)
		}
	case "big":
		w.emit(own, false, 1+s.n*300)
	case "burst":
		for range s.n {
			w.emit(own, false, 0)
		}
	case "enter":
		w.enter(own, s.rooms[0])
	case "exit":
		w.exit(own, s.rooms[0])
	case "ask":
		w.runs.Go(func() { w.ask(own, s.policy) })
	case "disconnect":
		w.disconnect(own, s.flag)
	case "close":
		w.closeConnection(own)
	case "data":
		w.set(own)
	}
}
