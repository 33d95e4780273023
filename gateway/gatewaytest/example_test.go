package gatewaytest_test

import (
	"fmt"

	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/gateway/gatewaytest"
)

type Message struct{ Text string }

// Posted tells everybody about a message.
var Posted = gateway.NewEvent[Message]("message")

// NewChat is the gateway that is tested.
func NewChat() gateway.Gateway {
	return gateway.New("/chat", gateway.Anyone, func(g *gateway.Namespace[gateway.Nobody]) {
		g.Emits(Posted)
		gateway.On(g, "post", func(c *gateway.Context[gateway.Nobody], in Message) (int, error) {
			if in.Text == "" {
				return 0, gateway.Forbidden("Say something")
			}
			return len(in.Text), Posted.Emit(c, c.Others(), in)
		})
	})
}

func Example() {
	t := testOfThisExample() // a test is given its own: func TestChat(t *testing.T)
	defer t.end()

	app := gatewaytest.New(t, nil, NewChat())
	mina, jun := app.Dial(t, "/chat"), app.Dial(t, "/chat")

	n := gatewaytest.Ask[int](t, mina, "post", Message{"hello"})
	m := gatewaytest.Next(t, jun, Posted)
	fmt.Println(n, m.Text)

	mina.ExpectNone(t)
	refused := mina.AskError(t, "forbidden", "post", Message{})
	fmt.Println(refused.Message)

	// Output:
	// 5 hello
	// Say something
}

func testOfThisExample() *told { return &told{} }
