package client_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kachi-io/kachi/client"
	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/socketio/packet"
	"github.com/kachi-io/kachi/socketio/packet/msgpack"
)

// Rows about what is said.
var messageRows = []row{
	{
		name: "text and values, both ways",
		run: func(t *testing.T, p *play) {
			got := make(chan []any, 1)
			s := p.connect("/chat", func(s *client.Socket) {
				s.On("echoed", func(_ context.Context, e *client.Event) {
					var text, list, nothing any
					assert.NoError(t, e.Decode(&text, &list, &nothing))
					got <- []any{text, list, nothing}
				})
			})
			text := "까치 \x1e <&> \u2028 \"quoted\" 🐦"
			assert.NoError(t, s.Emit("echo", text, []any{1.5, true, map[string]any{"a": "b"}}, nil))
			assert.Equal(t, assert.Receive(t, got), []any{text, []any{1.5, true, map[string]any{"a": "b"}}, nil})
			assert.Equal(t, ask[string](p, s, "echo", text), text)
		},
	},
	{
		name: "binary, both ways",
		run: func(t *testing.T, p *play) {
			type nested struct {
				Name  string
				Data  []byte
				Parts []map[string][]byte
			}
			want := nested{"file", []byte{0, 1, 0xff}, []map[string][]byte{{"a": {}}, {"b": bytes.Repeat([]byte{7}, 3_000)}}}
			got := make(chan nested, 1)
			s := p.connect("/", func(s *client.Socket) {
				client.On(s, "echoed", func(_ context.Context, in nested) { got <- in })
			})
			assert.NoError(t, s.Emit("echo", want))
			assert.Equal(t, assert.Receive(t, got), want)
			assert.Equal(t, ask[nested](p, s, "echo", want), want)
			assert.Equal(t, ask[[]byte](p, s, "echo", []byte{}), []byte{})
		},
	},
	{
		name: "what was handed to Emit may be changed at once",
		ways: once,
		run: func(t *testing.T, p *play) {
			s := p.client(p.url(), p.options()).Of("/", nil)
			data := []byte{1, 2, 3}
			got := make(chan []byte, 1)
			client.On(s, "echoed", func(_ context.Context, in []byte) { got <- in })
			assert.NoError(t, s.Emit("echo", data))
			data[0] = 9
			assert.NoError(t, s.Connect(within(t)))
			assert.Equal(t, assert.Receive(t, got), []byte{1, 2, 3})
		},
	},
	{
		name: "the server asks",
		run: func(t *testing.T, p *play) {
			twice := make(chan error, 1)
			s := p.connect("/", func(s *client.Socket) {
				s.On("question", func(_ context.Context, e *client.Event) {
					var n int
					var data []byte
					assert.NoError(t, e.Decode(&n, &data))
					assert.True(t, e.WantsAck())
					assert.NoError(t, e.Ack(n+1, append(data, 4)))
					twice <- e.Ack()
				})
			})
			values, err := s.Ask(within(t), "ask", "question", 41, []byte{1, 2, 3})
			assert.NoError(t, err)
			var n int
			var data []byte
			assert.NoError(t, values.Decode(&n, &data))
			assert.Equal(t, n, 42)
			assert.Equal(t, data, []byte{1, 2, 3, 4})
			assert.ErrorIs(t, assert.Receive(t, twice), client.ErrAnswered)
		},
	},
	{
		name: "a handler asks the server",
		run: func(t *testing.T, p *play) {
			got := make(chan string, 1)
			s := p.connect("/", func(s *client.Socket) {
				s.On("echoed", func(ctx context.Context, e *client.Event) {
					answer, err := client.Ask[string](ctx, s, "echo", "from the handler")
					assert.NoError(t, err)
					got <- answer
				})
			})
			assert.NoError(t, s.Emit("echo", 1))
			assert.Equal(t, assert.Receive(t, got), "from the handler")
		},
	},
	{
		name: "no answer in time",
		ways: once,
		run: func(t *testing.T, p *play) {
			o := p.options()
			o.Socket.AckTimeout = time.Millisecond
			s := p.join(p.client(p.url(), o), "/")
			_, err := s.Ask(context.Background(), "silent")
			assert.ErrorIs(t, err, client.ErrAckTimeout)
			ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
			defer cancel()
			_, err = s.Ask(ctx, "silent")
			assert.ErrorIs(t, err, client.ErrAckTimeout)
			assert.ErrorIs(t, err, context.DeadlineExceeded)
			ctx, cancel = context.WithCancel(context.Background())
			cancel()
			_, err = s.Ask(ctx, "silent")
			assert.ErrorIs(t, err, context.Canceled)
			assert.True(t, !errors.Is(err, client.ErrAckTimeout))
			assert.Equal(t, ask[string](p, s, "echo", "goes on"), "goes on")
		},
	},
	{
		name: "an answer that is an error",
		ways: once,
		run: func(t *testing.T, p *play) {
			s := p.connect("/")
			_, err := client.Ask[string](within(t), s, "failing")
			failed := assert.ErrorAs[*client.Error](t, err)
			assert.Equal(t, failed.Code, "conflict")
			assert.Equal(t, failed.Message, "no")
			assert.Equal(t, string(failed.Details), `{"version":3}`)
			assert.Equal(t, failed.Cause.Pattern, "failing")
			assert.Equal(t, ask[map[string]string](p, s, "echo", map[string]string{"status": "error"}),
				map[string]string{"status": "error"}) // no code: not ours
		},
	},
	{
		name: "emitted before there is a connection",
		run: func(t *testing.T, p *play) {
			s := p.client(p.url(), p.options()).Of("/", nil)
			for i := range 100 {
				assert.NoError(t, s.Emit("keep", "list", i))
			}
			assert.ErrorIs(t, s.Volatile().Emit("keep", "list", -1), client.ErrDropped)
			asked := make(chan error, 1)
			go func() {
				n, err := client.Ask[int](within(t), s, "keep", "other", 100)
				if err == nil && n != 100 {
					err = fmt.Errorf("got %d", n)
				}
				asked <- err
			}()
			assert.NoError(t, s.Connect(within(t)))
			assert.NoError(t, assert.Receive(t, asked))
			assert.Equal(t, ask[[]int](p, s, "kept", "list"), upto(100))
		},
	},
	{
		name:     "posts are split by what the server takes",
		settings: settings{MaxPayload: 10_000},
		run: func(t *testing.T, p *play) {
			s := p.client(p.url(), p.options()).Of("/", nil)
			for i := range 50 {
				assert.NoError(t, s.Emit("echo", i, strings.Repeat("ü", 1500), bytes.Repeat([]byte{1}, 5000)))
			}
			var got ledger[int]
			client.On(s, "echoed", func(_ context.Context, i int) { got.add(i) })
			assert.NoError(t, s.Connect(within(t)))
			assert.Eventually(t, func() bool { return got.len() == 50 })
			assert.Equal(t, got.all(), upto(50))
		},
	},
	{
		name:     "what the server does not take is not sent",
		settings: settings{MaxPayload: 10_000},
		run: func(t *testing.T, p *play) {
			o := p.options()
			lost := make(chan error, 10)
			o.Hooks.Undelivered = func(_ *client.Socket, _ string, err error) { lost <- err }
			s := p.client(p.url(), o).Of("/", nil)
			assert.NoError(t, s.Emit("echo", strings.Repeat("a", 20_000))) // nobody knows yet
			assert.NoError(t, s.Connect(within(t)))
			tooLarge := assert.ErrorAs[*client.TooLargeError](t, assert.Receive(t, lost))
			assert.Equal(t, tooLarge.Limit, 10_000)
			assert.True(t, tooLarge.Size > 20_000, tooLarge)
			assert.ErrorIs(t, s.Emit("echo", strings.Repeat("a", 20_000)), client.ErrTooLarge)
			_, err := s.Ask(within(t), "echo", make([]byte, 10_001))
			assert.ErrorIs(t, err, client.ErrTooLarge)
			assert.Equal(t, ask[string](p, s, "echo", "goes on"), "goes on")
		},
	},
	{
		name:     "too large for a post alone waits for the upgrade",
		settings: settings{MaxPayload: 10_000},
		ways:     []string{"upgrade"},
		run: func(t *testing.T, p *play) {
			s := p.client(p.url(), p.options()).Of("/", nil)
			data := bytes.Repeat([]byte{5}, 9_000) // 12,000 in base64
			assert.NoError(t, s.Emit("keep", "data", data))
			assert.NoError(t, s.Connect(within(t)))
			assert.Equal(t, ask[int](p, s, "echo", 1), 1)
			assert.Equal(t, ask[[][]byte](p, s, "kept", "data"), [][]byte{data})
		},
	},
	{
		name: "many goroutines emit",
		run: func(t *testing.T, p *play) {
			s := p.connect("/")
			const goroutines, each = 8, 50
			var work sync.WaitGroup
			for g := range goroutines {
				work.Go(func() {
					for i := range each {
						if i%10 == 9 {
							_, err := s.Ask(within(t), "keep", fmt.Sprint(g), i)
							assert.True(t, err == nil, err)
						} else {
							assert.True(t, s.EmitContext(within(t), "keep", fmt.Sprint(g), i) == nil)
						}
					}
				})
			}
			work.Wait()
			for g := range goroutines {
				assert.Equal(t, ask[[]int](p, s, "kept", fmt.Sprint(g)), upto(each), "what goroutine %d emitted", g)
			}
		},
	},
	{
		name: "a slow handler holds the server, and loses nothing",
		run: func(t *testing.T, p *play) {
			o := p.options()
			o.MailboxMessages = 4
			c := p.client(p.url(), o)
			var got ledger[int]
			first, goOn := make(chan struct{}), make(chan struct{})
			s := p.join(c, "/", func(s *client.Socket) {
				client.On(s, "number", func(_ context.Context, i int) {
					if i == 0 {
						close(first)
						<-goOn
					}
					got.add(i)
				})
			})
			assert.NoError(t, s.Emit("count", 300, 100))
			<-first
			close(goOn)
			assert.Eventually(t, func() bool { return got.len() == 300 })
			assert.Equal(t, got.all(), upto(300))
			assert.Equal(t, ask[string](p, s, "echo", "goes on"), "goes on")
		},
	},
	{
		name: "a handler's question behind too many events",
		ways: []string{"polling", "websocket"},
		run: func(t *testing.T, p *play) {
			o := p.options()
			o.MailboxMessages = 4
			var got ledger[int]
			failed := make(chan error, 1)
			s := p.join(p.client(p.url(), o), "/", func(s *client.Socket) {
				client.On(s, "number", func(ctx context.Context, i int) {
					if i == 0 {
						_, err := s.Ask(ctx, "silent") // the answer would be far behind
						failed <- err
					}
					got.add(i)
				})
			})
			assert.NoError(t, s.Emit("count", 300, 10))
			assert.ErrorIs(t, assert.Receive(t, failed), client.ErrMailboxFull)
			assert.Eventually(t, func() bool { return got.len() == 300 })
			assert.Equal(t, got.all(), upto(300))
		},
	},
	{
		name: "catch-all handlers, and what removes a handler",
		ways: once,
		run: func(t *testing.T, p *play) {
			var out, in, on ledger[string]
			var off, offAny, offOutgoing func()
			s := p.connect("/", func(s *client.Socket) {
				offAny = s.OnAny(func(_ context.Context, e *client.Event) { in.add(e.Name()) })
				offOutgoing = s.OnAnyOutgoing(func(event string, args packet.Args) { out.add(fmt.Sprint(event, args.Len())) })
				off = client.On(s, "echoed", func(_ context.Context, text string) { on.add(text) })
			})
			assert.NoError(t, s.Emit("echo", "a"))
			ask[string](p, s, "echo", "b", 2)
			assert.Eventually(t, func() bool { return on.len() == 1 })
			off()
			offOutgoing()
			assert.NoError(t, s.Emit("echo", "c"))
			assert.Eventually(t, func() bool { return in.len() == 2 })
			offAny()
			assert.NoError(t, s.Emit("echo", "d"))
			ask[string](p, s, "echo", "e")
			assert.Equal(t, in.all(), []string{"echoed", "echoed"})
			assert.Equal(t, on.all(), []string{"a"})
			assert.Equal(t, out.all(), []string{"echo1", "echo2"})
		},
	},
	{
		name: "an argument that does not fit",
		ways: once,
		run: func(t *testing.T, p *play) {
			o := p.options()
			failed := make(chan error, 1)
			o.Hooks.DecodeFailed = func(_ *client.Socket, event string, err error) { failed <- fmt.Errorf("%s: %w", event, err) }
			s := p.join(p.client(p.url(), o), "/", func(s *client.Socket) {
				client.On(s, "echoed", func(_ context.Context, n int) { t.Errorf("handled %d", n) })
			})
			assert.NoError(t, s.Emit("echo", "text"))
			assert.ErrorAs[*packet.ArgumentError](t, assert.Receive(t, failed))
		},
	},
	{
		name:     "in MessagePack",
		settings: settings{MessagePack: true},
		run: func(t *testing.T, p *play) {
			o := p.options()
			o.Encoding = msgpack.Encoding
			got := make(chan []byte, 1)
			s := p.join(p.client(p.url(), o), "/chat", func(s *client.Socket) {
				s.On("echoed", func(_ context.Context, e *client.Event) {
					var text string
					var data []byte
					assert.NoError(t, e.Decode(&text, &data))
					assert.Equal(t, text, "까치")
					got <- data
				})
				s.On("question", func(_ context.Context, e *client.Event) { assert.NoError(t, e.Ack(1, []byte{2})) })
			})
			assert.NoError(t, s.Emit("echo", "까치", []byte{1, 2}))
			assert.Equal(t, assert.Receive(t, got), []byte{1, 2})
			answer, err := s.Ask(within(t), "ask", "question")
			assert.NoError(t, err)
			var n int
			var data []byte
			assert.NoError(t, answer.Decode(&n, &data))
			assert.Equal(t, n, 1)
			assert.Equal(t, data, []byte{2})
			s.Disconnect()
			refused := p.client(p.url(), o).Of("/refusing", nil)
			assert.Equal(t, assert.ErrorAs[*client.ConnectError](t, refused.Connect(within(t))).Code(), "forbidden")
		},
	},
	{
		name: "names that belong to the protocol",
		ways: once,
		run: func(t *testing.T, p *play) {
			s := p.connect("/")
			assert.ErrorIs(t, s.Emit("connect"), client.ErrReserved)
			_, err := s.Ask(within(t), "disconnect")
			assert.ErrorIs(t, err, client.ErrReserved)
			assert.True(t, s.Emit("echo", func() {}) != nil, "a function is no JSON")
		},
	},
}
