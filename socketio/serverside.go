package socketio

import (
	"context"
	"fmt"
	"sync"

	"github.com/kachi-io/kachi/socketio/packet"
)

// ServerSideHandler handles an event that the application on another node sent to this
// one. What it returns, unless it is nil, answers [Namespace.ServerSideAsk].
type ServerSideHandler func(ctx context.Context, args packet.Args) (answer any, err error)

type serverSideKey struct{}

// ServerSideNamespace returns the namespace in which the event came that a
// [ServerSideHandler] handles, by its context: a handler of a [Dynamic] is for many. What the
// Dynamic itself was sent has the Dynamic's own, in which nobody is.
func ServerSideNamespace(ctx context.Context) *Namespace {
	ns, _ := ctx.Value(serverSideKey{}).(*Namespace)
	return ns
}

// OnServerSide registers the handler of an event between nodes. It panics when the
// event has one already. What other nodes emit is handled in order, one at a time;
// what they ask, each on a goroutine of its own. The context has
// [Options.HookTimeout] as its deadline.
func (ns *Namespace) OnServerSide(event string, h ServerSideHandler) {
	ns.register(func(t *table) {
		if t.serverSide[event] != nil {
			panic(fmt.Errorf("socketio: namespace %q has a server-side handler for %q already", ns.name, event))
		}
		if t.serverSide == nil {
			t.serverSide = map[string]ServerSideHandler{}
		}
		t.serverSide[event] = h
	})
}

// ServerSideEmit sends an event to the application on the other nodes, not on this one.
func (ns *Namespace) ServerSideEmit(event string, args ...any) error {
	data, attachments, err := encodeServerSide(event, args)
	if err != nil {
		return err
	}
	return ns.reach().ServerSideEmit(data, attachments)
}

// encodeServerSide encodes an event between nodes. Other names are reserved there than
// for clients: a Node server would take these for its own.
func encodeServerSide(event string, args []any) (data []byte, attachments [][]byte, err error) {
	switch event {
	case "connect", "connection", "new_namespace":
		return nil, nil, fmt.Errorf("%w: %q", ErrReserved, event)
	}
	if data, attachments, err = packet.EncodeEvent(event, args); err != nil {
		err = fmt.Errorf("socketio: event %q: %w", event, err)
	}
	return data, copied(attachments), err
}

// ServerSideAsk sends an event to the application on the other nodes and waits for an
// answer of each. With an [*adapter.MissingNodesError] those that came are returned.
func (ns *Namespace) ServerSideAsk(ctx context.Context, event string, args ...any) ([]packet.Args, error) {
	data, attachments, err := encodeServerSide(event, args)
	if err != nil {
		return nil, err
	}
	answers, err := ns.reach().ServerSideEmitWithAck(ctx, data, attachments)
	values := make([]packet.Args, 0, len(answers))
	for _, a := range answers {
		v, failed := packet.ParseAck(&packet.Packet{Type: packet.Ack, Data: a.Data, Attachments: a.Attachments})
		if failed != nil {
			return values, failed
		}
		values = append(values, v)
	}
	return values, err
}

// maxServerSide bounds the server-side events of a namespace that are handled at once,
// or wait for it.
const maxServerSide = 1024

// serverSide orders the events of other nodes that nobody waits for an answer to.
type serverSide struct {
	mu      sync.Mutex
	waiting []func()
	working bool
	asked   int // being answered, each on a goroutine of its own
}

// takeServerSide starts the handler, or queues it. Over the bound the event is dropped,
// and a node that asked is left without an answer, as if this one were gone.
func (ns *Namespace) takeServerSide(data []byte, attachments [][]byte, answer func([]byte, [][]byte)) {
	o := &ns.srv.opts
	event, args, err := packet.ParseEvent(&packet.Packet{Type: packet.Event, Data: data, Attachments: attachments})
	if err != nil {
		ns.srv.counts.serverSideDropped.Add(1)
		o.Logger.Warn("a server-side event cannot be read", "namespace", ns.name, "error", err)
		return
	}
	h := ns.registered().serverSide[event]
	if h == nil {
		o.Logger.Debug("no server-side handler", "namespace", ns.name, "event", event)
		return
	}
	run := func() { ns.runServerSide(h, event, args, answer) }
	q := &ns.serverSide
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case len(q.waiting)+q.asked >= maxServerSide:
		ns.srv.counts.serverSideDropped.Add(1)
		o.Logger.Error("server-side event dropped: too many at once", "namespace", ns.name, "event", event)
	case answer != nil:
		q.asked++
		ns.srv.work.add()
		go func() {
			defer ns.srv.work.done()
			defer func() {
				q.mu.Lock()
				q.asked--
				q.mu.Unlock()
			}()
			run()
		}()
	default:
		q.waiting = append(q.waiting, run)
		if !q.working {
			q.working = true
			ns.srv.work.add()
			go q.work(&ns.srv.work)
		}
	}
}

func (q *serverSide) work(t *tracker) {
	empty := false
	defer func() {
		if empty {
			t.done()
			return
		}
		go q.work(t) // a handler ended the goroutine, see Socket.work
	}()
	for {
		q.mu.Lock()
		if len(q.waiting) == 0 {
			q.waiting, q.working = nil, false
			q.mu.Unlock()
			empty = true
			return
		}
		run := q.waiting[0]
		q.waiting[0] = nil
		q.waiting = q.waiting[1:]
		q.mu.Unlock()
		run()
	}
}

func (ns *Namespace) runServerSide(h ServerSideHandler, event string, args packet.Args, answer func([]byte, [][]byte)) {
	o := &ns.srv.opts
	ctx := context.WithValue(context.Background(), serverSideKey{}, ns)
	ctx, cancel := context.WithTimeout(ctx, o.HookTimeout)
	defer cancel()
	var value any
	err := protect(func() (err error) { value, err = h(ctx, args); return err })
	if err != nil {
		ns.srv.counts.serverSideFailed.Add(1)
		o.Logger.Error("server-side handler failed", "namespace", ns.name, "event", event, "error", err)
		value = PublicError(err, event)
	}
	if answer == nil {
		return
	}
	var data []byte
	var attachments [][]byte
	err = protect(func() (err error) { data, attachments, err = packet.EncodeAck([]any{value}); return err })
	if err != nil {
		o.Logger.Error("server-side answer cannot be encoded", "namespace", ns.name, "event", event, "error", err)
		return
	}
	answer(data, copied(attachments))
}
