package asyncapi_test

import (
	"context"
	"iter"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/gateway/asyncapi"
	"github.com/kachi-io/kachi/internal/assert"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Message is what somebody wrote.
type Message struct {
	ID     int       `json:"id" doc:"grows with each message of a room"`
	Room   string    `json:"room"`
	Text   string    `json:"text"`
	Kind   string    `json:"kind" validate:"oneof=text image"`
	SentAt time.Time `json:"sentAt"`
	Answer *Message  `json:"answer,omitempty" doc:"the message that it answers"`
	Seen   *int      `json:"seen"`
	Image  []byte    `json:"image,omitempty"`
}

type PostMessage struct {
	Room     string `json:"room" validate:"required,max=64"`
	Text     string `json:"text" validate:"required,max=2000"`
	Kind     string `json:"kind,omitempty" validate:"omitempty,oneof=text image"`
	ClientID string `json:"clientId,omitempty" validate:"omitempty,uuid"`
}

type Receipt struct {
	ID int `json:"id"`
}

type Page[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next,omitempty"`
}

type Query struct {
	Room  string `json:"room" validate:"required"`
	Limit int    `json:"limit,omitempty" validate:"min=1,max=100"`
}

type Order struct {
	ID   string `json:"id,omitempty"`
	Slow bool   `json:"slow,omitempty"`
}

var (
	posted       = gateway.NewEvent[Message]("message").Describe("Somebody wrote something.")
	joined       = gateway.NewEvent[gateway.Args2[string, int]]("joined")
	emptied      = gateway.NewEvent[gateway.None]("emptied")
	listed       = gateway.NewEvent[Message]("history:item")
	moved        = gateway.NewEvent[map[string]float64]("moved")
	ordered      atomic.Int64
	image        = []byte{1, 2, 3}
	refreshed    = make(chan string, 10)
	noValidation = &tagsAsDocumentation{}
)

// tagsAsDocumentation is a validator that has the tags be there, and checks nothing.
type tagsAsDocumentation struct{}

func (*tagsAsDocumentation) Validate(context.Context, any) error { return nil }
func (*tagsAsDocumentation) Check(reflect.Type) error            { return nil }

// order counts orders, and takes until wait returns.
func order(g *gateway.Namespace[gateway.Nobody], wait func(context.Context)) *gateway.Route[gateway.Nobody, Order, int64] {
	return gateway.On(g, "order", func(c *gateway.Context[gateway.Nobody], in Order) (int64, error) {
		n := ordered.Add(1)
		if in.Slow {
			wait(c)
		}
		return n, nil
	}).Idempotent(time.Minute, func(in Order) string { return in.ID }).Parallel(4)
}

// byToken admits tokens.
type byToken struct{}

func (byToken) Authenticate(_ context.Context, h *gateway.Handshake) (gateway.Identity[gateway.Nobody], error) {
	var auth struct{ Token string }
	if err := h.DecodeAuth(&auth); err != nil || !strings.HasPrefix(auth.Token, "token ") {
		return gateway.Identity[gateway.Nobody]{}, gateway.Unauthorized("no such token")
	}
	return gateway.Identity[gateway.Nobody]{Key: "Mina", Expires: time.Now().Add(time.Hour)}, nil
}

func (byToken) Refresh(_ context.Context, _ *gateway.Handshake, token string) (gateway.Identity[gateway.Nobody], error) {
	refreshed <- token
	return gateway.Identity[gateway.Nobody]{Key: "Mina", Expires: time.Now().Add(time.Hour)}, nil
}

// gateways are those of the app that these tests describe, and talk to.
func gateways() []gateway.Gateway {
	return []gateway.Gateway{
		gateway.New("/chat", gateway.Anyone, func(g *gateway.Namespace[gateway.Nobody]) {
			g.Emits(posted, joined, emptied)
			gateway.On(g, "message", func(c *gateway.Context[gateway.Nobody], in PostMessage) (Receipt, error) {
				if in.Text == "" {
					return Receipt{}, gateway.Invalid(gateway.FieldError{Path: "text", Rule: "required", Message: "text is missing"})
				}
				m := Message{ID: 7, Room: in.Room, Text: in.Text, Kind: "text", SentAt: time.Unix(0, 0).UTC(), Image: image}
				return Receipt{m.ID}, posted.Emit(c, c.All(), m)
			}).Describe("Writes a message into a room.").Idempotent(10*time.Minute, func(in PostMessage) string { return in.ClientID })
			gateway.On(g, "list", func(_ *gateway.Context[gateway.Nobody], in Query) (Page[Message], error) {
				return Page[Message]{Items: []Message{{ID: 1, Room: in.Room, Kind: "text"}}}, nil
			})
			gateway.On(g, "post", func(*gateway.Context[gateway.Nobody], PostMessage) (*Receipt, error) { return nil, nil }).
				Deprecated("send message")
			gateway.Handle(g, "typing", func(c *gateway.Context[gateway.Nobody], room string) error {
				return joined.Emit(c, c.Client(), gateway.Args2[string, int]{A: room, B: 2})
			})
			gateway.Handle(g, "leave", func(c *gateway.Context[gateway.Nobody], _ gateway.None) error {
				return emptied.Emit(c, c.Client(), gateway.None{})
			})
			gateway.On(g, "add", func(_ *gateway.Context[gateway.Nobody], in gateway.Args2[int, int]) (int, error) {
				return in.A + in.B, nil
			})
			gateway.On(g, "swap", func(_ *gateway.Context[gateway.Nobody], in gateway.Args2[int, string]) (gateway.Args2[string, int], error) {
				return gateway.Args2[string, int]{A: in.B, B: in.A}, nil
			})
			gateway.On(g, "sum", func(_ *gateway.Context[gateway.Nobody], in gateway.Rest[int]) (sum int, _ error) {
				for _, n := range in {
					sum += n
				}
				return sum, nil
			})
			gateway.On(g, "anything", func(_ *gateway.Context[gateway.Nobody], in gateway.Raw) (int, error) { return in.Len(), nil })
			asked := make(chan struct{}, 2)
			order(g, func(ctx context.Context) { // until the client has asked again
				for range 2 {
					select {
					case <-asked:
					case <-ctx.Done():
					}
				}
			}).Use(gateway.Guard(func(*gateway.Call) error {
				select {
				case asked <- struct{}{}:
				default:
				}
				return nil
			}))
			gateway.Handle(g, "slow", func(c *gateway.Context[gateway.Nobody], _ gateway.None) error {
				<-c.Done()
				return nil
			}).Parallel(2)
			gateway.Stream(g, "history", listed, func(_ *gateway.Context[gateway.Nobody], in Query) iter.Seq2[Message, error] {
				return func(yield func(Message, error) bool) {
					for id := range 3 {
						if !yield(Message{ID: id, Room: in.Room, Kind: "text"}, nil) {
							return
						}
					}
				}
			})
		}),
		gateway.New("/private", byToken{}, func(g *gateway.Namespace[gateway.Nobody]) {
			order(g, func(ctx context.Context) { <-ctx.Done() }) // until the client has gone
			gateway.On(g, "name", func(c *gateway.Context[gateway.Nobody], _ gateway.None) (string, error) { return c.Key(), nil })
		}),
		gateway.Pattern("/map-{id}", gateway.Anyone, func(g *gateway.Namespace[gateway.Nobody]) {
			g.Emits(moved)
			gateway.Handle(g, "move", func(c *gateway.Context[gateway.Nobody], to map[string]float64) error {
				to[c.Param("id")] = 1
				return moved.Emit(c, c.All(), to)
			})
		}, nil),
	}
}

func newApp(t testing.TB, all ...gateway.Gateway) *gateway.App {
	t.Helper()
	app, err := gateway.NewApp(&gateway.Options{Validator: noValidation}, all...)
	assert.NoError(t, err)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		assert.NoError(t, app.Stop(ctx))
	})
	return app
}

var info = asyncapi.Info{
	Title: "Chat", Version: "1.0.0", Description: "Rooms & people.",
	Servers: map[string]asyncapi.Server{"production": {Host: "chat.example.com", Protocol: "wss", PathName: "/socket.io/"}},
}

func document(t testing.TB, all ...gateway.Gateway) *asyncapi.Doc {
	t.Helper()
	if all == nil {
		all = gateways()
	}
	doc, err := asyncapi.Document(newApp(t, all...), info)
	assert.NoError(t, err)
	return doc
}
