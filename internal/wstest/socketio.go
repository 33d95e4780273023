package wstest

import (
	"strings"
	"testing"

	"github.com/kachi-io/kachi/internal/assert"
)

// Client is a Socket.IO client whose packets the test writes itself, without the 4 of the
// layer below.
type Client struct {
	*Conn
	t testing.TB
}

// Open opens a connection to the server at a URL, with no namespace joined.
func Open(t testing.TB, url string) Client {
	t.Helper()
	c := Client{Dial(t, url+"/socket.io/?EIO=4&transport=websocket"), t}
	assert.True(t, strings.HasPrefix(c.Conn.Next(t), "0{"))
	return c
}

// Join opens a connection and joins a namespace. auth is JSON, or "".
func Join(t testing.TB, url, namespace, auth string) Client {
	t.Helper()
	c := Open(t, url)
	c.Send("0" + namespace + "," + auth)
	answer := c.Next()
	assert.True(t, strings.HasPrefix(answer, "0"+namespace+`,{"sid"`), answer)
	return c
}

// Send sends a packet.
func (c Client) Send(packet string) {
	c.t.Helper()
	assert.NoError(c.t, c.SendText("4"+packet))
}

// Expect reads the next packet, which has to be this one.
func (c Client) Expect(packet string) {
	c.t.Helper()
	c.Conn.Expect(c.t, "4"+packet)
}

// Next reads the next packet.
func (c Client) Next() string {
	c.t.Helper()
	return strings.TrimPrefix(c.Conn.Next(c.t), "4")
}

// Ask sends a packet and reads the next one.
func (c Client) Ask(packet string) string {
	c.t.Helper()
	c.Send(packet)
	return c.Next()
}
