package gateway_test

import (
	"bytes"
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/gateway/limit"
	"github.com/kachi-io/kachi/gateway/validate"
	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/socketio"
)

type small struct {
	Room int    `json:"room"`
	Text string `json:"text"`
}

func (s small) Validate(context.Context) error {
	if s.Text == "" {
		return gateway.Invalid(gateway.FieldError{Path: "text", Rule: "required"})
	}
	return nil
}

type tagged struct {
	Room int    `json:"room" validate:"min=1"`
	Text string `json:"text" validate:"required,max=2000"`
}

type stored struct {
	ID int `json:"id"`
}

// BenchmarkCall measures what a gateway costs over a bare handler that decodes as strictly
// and acknowledges, over a WebSocket on loopback: the difference is the gateway's.
func BenchmarkCall(b *testing.B) {
	b.Run("bare", func(b *testing.B) {
		app, url := start(b, nil)
		app.Server().Of("/c").On("post", func(_ context.Context, e *socketio.Event) error {
			var in small
			d := json.NewDecoder(bytes.NewReader(e.Args().Raw[0]))
			d.DisallowUnknownFields()
			if err := d.Decode(&in); err != nil {
				return err
			}
			return e.Ack(stored{in.Room})
		})
		benchmarkCalls(b, url)
	})
	b.Run("gateway", func(b *testing.B) {
		_, url := start(b, nil, gateway.New("/c", gateway.Anyone, func(g *gateway.Namespace[gateway.Nobody]) {
			g.Use(gateway.Guard(func(c *gateway.Call) error { return nil }))
			gateway.On(g, "post", func(_ *gateway.Context[gateway.Nobody], in small) (stored, error) { return stored{in.Room}, nil })
		}))
		benchmarkCalls(b, url)
	})
	b.Run("tags and limit", func(b *testing.B) {
		_, url := start(b, &gateway.Options{Validator: validate.New(nil)}, gateway.New("/c", gateway.Anyone, func(g *gateway.Namespace[gateway.Nobody]) {
			g.Use(limit.PerSocket(1_000_000, time.Second))
			gateway.On(g, "post", func(_ *gateway.Context[gateway.Nobody], in tagged) (stored, error) { return stored{in.Room}, nil })
		}))
		benchmarkCalls(b, url)
	})
}

func benchmarkCalls(b *testing.B, url string) {
	c := join(b, url, "/c", "")
	packet := []byte(`42/c,1["post",{"room":7,"text":"hello"}]`)
	b.ReportAllocs()
	for b.Loop() {
		assert.NoError(b, c.SendFrame(1, packet))
		if _, err := c.Read(); err != nil {
			b.Fatal(err)
		}
	}
}
