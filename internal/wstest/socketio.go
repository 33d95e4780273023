package wstest

import (
	"net"
	"net/http"
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

// OpenOn is Open on a connection that exists, in memory say, with the header given, or a
// proper one for nil.
func OpenOn(t testing.TB, nc net.Conn, header http.Header) Client {
	t.Helper()
	conn, _, err := On(nc, "http://kachi.test/socket.io/?EIO=4&transport=websocket", header)
	assert.NoError(t, err)
	t.Cleanup(func() { _ = nc.Close() })
	c := Client{conn, t}
	assert.True(t, strings.HasPrefix(c.Conn.Next(t), "0{"))
	return c
}

// Join opens a connection and joins a namespace. auth is JSON, or "".
func Join(t testing.TB, url, namespace, auth string) Client {
	t.Helper()
	return Open(t, url).Join(namespace, auth)
}

// Join joins a namespace.
func (c Client) Join(namespace, auth string) Client {
	c.t.Helper()
	c.Send("0" + namespace + "," + auth)
	answer := c.Next()
	assert.True(c.t, strings.HasPrefix(answer, "0"+namespace+`,{"sid"`), answer)
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
