package conformance_test

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/kachi-io/kachi/engineio"
	"github.com/kachi-io/kachi/socketio"
	"github.com/kachi-io/kachi/socketio/packet"
)

func TestNamespaces(t *testing.T) {
	names := []string{"/admin", "/深い/path", "/a b", "/x?y"}
	for i := range 60 {
		names = append(names, "/many-"+string(rune('A'+i)))
	}
	runEach(t, "namespaces.mjs", fixtures{"spaces": {handle: spaces(names...)}})
}

func TestEvents(t *testing.T) {
	runEach(t, "events.mjs", fixtures{
		"echo":  {handle: echo},
		"large": {options: socketio.Options{MaxPayload: 100_000}, handle: echo},
		"busy":  {options: socketio.Options{MailboxMessages: 20}, handle: busy},
	})
}

func TestBinary(t *testing.T) {
	runEach(t, "binary.mjs", fixtures{"echo": {handle: echo}})
}

func TestAcks(t *testing.T) {
	runEach(t, "acks.mjs", fixtures{
		"acks":      {handle: acks},
		"impatient": {options: socketio.Options{AckTimeout: 200 * time.Millisecond}, handle: acks},
	})
}

func TestUpgrade(t *testing.T) {
	run(t, "upgrade.mjs", fixtures{
		"traffic":  {handle: traffic},
		"pinging":  {options: socketio.Options{PingInterval: 20 * time.Millisecond, PingTimeout: 5 * time.Second}, handle: traffic},
		"watchful": {options: heartbeat, handle: traffic},
		"polling":  {options: socketio.Options{DisableUpgrades: true}, handle: traffic},
		"blocked":  {options: socketio.Options{Transports: []engineio.Transport{engineio.Polling}}, handle: traffic},
	})
}

// decoded returns all arguments as Go values; attachments are []byte.
func decoded(e *socketio.Event) ([]any, error) {
	values := make([]any, e.Args().Len())
	targets := make([]any, len(values))
	for i := range values {
		targets[i] = &values[i]
	}
	return values, e.Decode(targets...)
}

// echo sends back whatever comes.
func echo(s *stage, srv *socketio.Server) {
	// echo answers with what was decoded, back sends it as an event.
	srv.On("echo", func(_ context.Context, e *socketio.Event) error {
		values, err := decoded(e)
		if err != nil {
			return err
		}
		return e.Ack(values...)
	})
	srv.On("back", func(_ context.Context, e *socketio.Event) error {
		values, err := decoded(e)
		if err != nil {
			return err
		}
		return e.Socket().Emit("back", values...)
	})
	srv.On("everyone", func(_ context.Context, e *socketio.Event) error {
		values, err := decoded(e)
		if err != nil {
			return err
		}
		return srv.Emit("everyone", values...)
	})
	// raw answers with the JSON that came.
	srv.On("raw", func(_ context.Context, e *socketio.Event) error {
		var args []any
		for _, raw := range e.Args().Raw {
			args = append(args, json.RawMessage(raw))
		}
		return e.Ack(args...)
	})
	// any sees what has no handler, too.
	srv.OnAny(func(_ context.Context, e *socketio.Event) error {
		if !strings.HasPrefix(e.Name(), "any:") {
			return nil
		}
		return e.Ack(e.Name(), e.Args().Len())
	})
	srv.On("message", func(_ context.Context, e *socketio.Event) error {
		values, err := decoded(e)
		if err != nil {
			return err
		}
		return e.Socket().Emit("message", values...)
	})
	// typed decodes into Go's types, bytes among them.
	type inner struct {
		Data []byte `json:"data"`
		Size int    `json:"size"`
	}
	srv.On("typed", func(_ context.Context, e *socketio.Event) error {
		var name string
		var in struct {
			Parts []inner           `json:"parts"`
			Named map[string][]byte `json:"named"`
		}
		var tail []byte
		if err := e.Decode(&name, &in, &tail); err != nil {
			return err
		}
		for i := range in.Parts {
			in.Parts[i].Size = len(in.Parts[i].Data)
		}
		return e.Ack(name, in, tail)
	})
	srv.On("twice as much", func(_ context.Context, e *socketio.Event) error {
		var data []byte
		if err := e.Decode(&data); err != nil {
			return err
		}
		return e.Ack(bytes.Repeat(data, 2))
	})
	// make emits n events of the given size.
	srv.On("make", func(_ context.Context, e *socketio.Event) error {
		var n, size int
		var how string
		if err := e.Decode(&n, &size, &how); err != nil {
			return err
		}
		for i := range n {
			var err error
			switch how {
			case "volatile":
				err = e.Socket().Volatile().Emit("made", i, strings.Repeat("x", size))
			case "plain":
				err = e.Socket().Compress(false).Emit("made", i, strings.Repeat("x", size))
			case "binary":
				err = e.Socket().Emit("made", i, bytes.Repeat([]byte{byte(i)}, size))
			default:
				err = e.Socket().Emit("made", i, strings.Repeat("x", size))
			}
			if err != nil {
				return err
			}
		}
		return e.Ack()
	})
	outgoing := make(chan string, 1024)
	srv.OnAnyOutgoing(func(_ *socketio.Socket, event string, _ packet.Args) {
		select {
		case outgoing <- event:
		default:
		}
	})
	s.controls["outgoing"] = func(context.Context, func(...any) error) (any, error) {
		names := []string{}
		for len(outgoing) > 0 {
			names = append(names, <-outgoing)
		}
		return names, nil
	}
}

// busy has a handler that blocks until the check lets it go.
func busy(s *stage, srv *socketio.Server) {
	release := make(chan struct{})
	srv.On("work", func(ctx context.Context, e *socketio.Event) error {
		select {
		case <-release:
		case <-ctx.Done():
		}
		var n int
		if err := e.Decode(&n); err != nil {
			return err
		}
		return e.Ack(n)
	})
	s.controls["release"] = func(context.Context, func(...any) error) (any, error) {
		close(release)
		return nil, nil
	}
}

// acks asks and answers in many ways.
func acks(s *stage, srv *socketio.Server) {
	srv.On("echo", func(_ context.Context, e *socketio.Event) error {
		values, err := decoded(e)
		if err != nil {
			return err
		}
		return e.Ack(values...)
	})
	srv.On("silent", func(context.Context, *socketio.Event) error { return nil })
	srv.On("coded", func(context.Context, *socketio.Event) error {
		return &socketio.Error{Code: "conflict", Message: "Too late", Details: 7}
	})
	var kept *socketio.Event
	srv.On("keep", func(_ context.Context, e *socketio.Event) error { kept = e; return nil })
	srv.On("answer kept", func(_ context.Context, e *socketio.Event) error {
		if err := e.Ack("second"); err != nil {
			return err
		}
		return kept.Ack("first")
	})
	srv.On("twice", func(_ context.Context, e *socketio.Event) error {
		if err := e.Ack(1); err != nil {
			return err
		}
		err := e.Ack(2)
		return e.Socket().Emit("second answer", err == socketio.ErrAnswered)
	})
	// ask asks the client that asks, and answers with what it said.
	srv.On("ask", func(ctx context.Context, e *socketio.Event) error {
		values, err := decoded(e)
		if err != nil {
			return err
		}
		args, err := e.Socket().Ask(ctx, "question", values...)
		if err != nil {
			return e.Ack("error", err.Error())
		}
		answer := make([]any, args.Len())
		for i := range answer {
			if err := args.DecodeAt(i, &answer[i]); err != nil {
				return err
			}
		}
		return e.Ack(answer...)
	})
	// askMany asks n times at once and reports the answers in order.
	srv.On("ask many", func(ctx context.Context, e *socketio.Event) error {
		var n int
		if err := e.Decode(&n); err != nil {
			return err
		}
		answers, errs := make([]int, n), make(chan error, n)
		for i := range n {
			go func() {
				var err error
				answers[i], err = socketio.Ask[int](ctx, e.Socket(), "double", i)
				errs <- err
			}()
		}
		for range n {
			if err := <-errs; err != nil {
				return err
			}
		}
		return e.Ack(answers)
	})
	failed := make(chan string, 1)
	srv.On("ask and tell", func(ctx context.Context, e *socketio.Event) error {
		_, err := e.Socket().Ask(context.WithoutCancel(ctx), "question")
		if err != nil {
			failed <- err.Error()
		}
		return nil
	})
	s.controls["failed"] = func(ctx context.Context, _ func(...any) error) (any, error) {
		select {
		case text := <-failed:
			return text, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// traffic sends numbers both ways: down three for each that came up, and for half a second
// also by the clock, so that something waits whatever the client is doing.
func traffic(s *stage, srv *socketio.Server) {
	type stream struct{ more, stop chan struct{} }
	srv.OnConnect(func(ctx context.Context, socket *socketio.Socket) error {
		st := stream{make(chan struct{}, 1000), make(chan struct{})}
		for range 60 {
			st.more <- struct{}{}
		}
		socket.SetData(st)
		go func() {
			clock := time.NewTicker(5 * time.Millisecond)
			defer clock.Stop()
			end := time.After(500 * time.Millisecond)
			n := 0
			for {
				select {
				case <-clock.C:
				case <-end:
					clock.Stop()
					continue
				case <-st.stop:
					_ = socket.Emit("last", n)
					return
				case <-ctx.Done():
					return
				case <-st.more:
				}
				for range 3 {
					var err error
					switch n % 7 {
					case 3:
						err = socket.Emit("down", n, []byte{byte(n), byte(n >> 8)})
					case 5:
						err = srv.To(socket.ID()).Emit("down", n)
					default:
						err = socket.Emit("down", n)
					}
					if err != nil {
						return
					}
					n++
				}
			}
		}()
		return nil
	})
	srv.On("up", func(_ context.Context, e *socketio.Event) error {
		var n int
		if err := e.Decode(&n); err != nil {
			return err
		}
		select {
		case e.Socket().Data().(stream).more <- struct{}{}:
		default:
		}
		return e.Ack(n)
	})
	srv.On("stop", func(_ context.Context, e *socketio.Event) error {
		close(e.Socket().Data().(stream).stop)
		return nil
	})
	received := make(chan int, 1<<20)
	srv.On("number", func(_ context.Context, e *socketio.Event) error {
		var n int
		if err := e.Decode(&n); err != nil {
			return err
		}
		received <- n
		return nil
	})
	s.controls["received"] = func(context.Context, func(...any) error) (any, error) {
		all := []int{}
		for len(received) > 0 {
			all = append(all, <-received)
		}
		return all, nil
	}
}
