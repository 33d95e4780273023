package engineio

import (
	"net"

	"github.com/kachi-io/kachi/engineio/websocket"
)

// large is the size in bytes of a message from which others are let in between the steps
// of its handling.
const large = 64 << 10

// makeWay lets those go ahead who have sent something, before work for a connection or a
// request of that address: see [websocket.LookAround]. Those in memory are left out:
// their clock may be another, which must start nothing outside.
func makeWay(addr any) {
	if _, tcp := addr.(*net.TCPAddr); tcp {
		websocket.LookAround()
	}
}

// MakeWay lets the clients of other connections go ahead who have sent something. Who works
// long for one client, on a message of a megabyte say, may call it between two steps; it
// costs a fraction of a microsecond. Only WebSocket connections over plain TCP are looked
// at, on Linux; anywhere else it does nothing.
func (s *Session) MakeWay() {
	if c := s.conn.Load(); c != nil {
		makeWay(c.RemoteAddr())
	}
}

// FairListener returns l as a listener that, with each connection that it accepts, lets
// those go ahead that are there and have sent something. http.Server accepts all who wait
// in one go, so that on one processor a crowd that comes at once, after a restart say,
// would hold up everybody else for milliseconds. It does nothing to the connections.
func FairListener(l net.Listener) net.Listener { return fairListener{l} }

type fairListener struct{ net.Listener }

func (l fairListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err == nil {
		makeWay(c.LocalAddr())
	}
	return c, err
}
