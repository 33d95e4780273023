package gatewaytest

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/kachi-io/kachi/socketio/packet"
)

// ping begins the names of events that no gateway has, and that are answered by the event
// "exception", since they ask for no acknowledgement. That comes, in order, behind
// everything that the client has been sent, or has caused, before. (An acknowledgement
// would overtake events that the client has received and not handed on.)
const ping = "gatewaytest ping "

// roundTrip waits for the answer to a ping.
func (c *Client) roundTrip() error {
	c.mu.Lock()
	c.pings++
	event := ping + strconv.Itoa(c.pings)
	c.mu.Unlock()
	if err := c.conn.Emit(event); err != nil {
		return err
	}
	if _, err := c.inbox.await(c.app.o.Patience, func(a arrival) bool { return a.pong == event }); err != nil {
		return fmt.Errorf("what the client asks to see whether something comes: %w", err)
	}
	return nil
}

// pong returns the name of the ping that an event answers, "" for other events.
func pong(event string, args packet.Args) string {
	if event != "exception" {
		return ""
	}
	var body struct{ Cause struct{ Pattern string } }
	if args.DecodeAt(0, &body) != nil || !strings.HasPrefix(body.Cause.Pattern, ping) {
		return ""
	}
	return body.Cause.Pattern
}
