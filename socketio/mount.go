package socketio

import (
	"net/http"
	"strings"

	"github.com/kachi-io/kachi/engineio"
	"github.com/kachi-io/kachi/socketio/packet"
)

// Mount is a place where Socket.IO clients find the server, and the encoding in which they
// are spoken to there. A server may have any number of them, for the same namespaces: what
// is emitted to a room reaches its members on all mounts, and is encoded once for each
// encoding that has a receiver.
type Mount struct {
	// Path is where the handler answers, with everything below it: "/socket.io/", which
	// is what clients look for unless told otherwise. Segments may be parameters,
	// "/{tenant}/socket.io/": see [engineio.Handshake.Param]. Anything else is answered
	// 404. Default "": the handler answers any path, and whoever routes requests to it
	// decides.
	Path string
	// Encoding is [packet.JSON] by default. Its clients have to be told of any other:
	// socket.io-client takes one as its option parser.
	Encoding packet.Encoding
}

// Handler returns the server on a mount. ServeHTTP is the mount whose fields are all
// default. It panics when the path is malformed.
func (srv *Server) Handler(m Mount) http.Handler {
	f := srv.form(m.Encoding)
	engine := srv.engine.Handler(srv.accept(f))
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !srv.files.serve(w, r) {
			engine.ServeHTTP(w, r)
		}
	})
	if m.Path == "" {
		return h
	}
	mux := http.NewServeMux()
	mux.Handle(strings.TrimRight(m.Path, "/")+"/", h)
	return mux
}

// form returns the server's form of an encoding, which all its mounts with that share.
func (srv *Server) form(e packet.Encoding) *form {
	if e == nil {
		e = packet.JSON
	}
	srv.mu.Lock()
	defer srv.mu.Unlock()
	f := srv.forms[e.Name()]
	if f == nil {
		f = newForm(e)
		srv.forms[e.Name()] = f
	}
	return f
}

// accept makes the receivers of a mount's connections.
func (srv *Server) accept(f *form) func(*engineio.Session) engineio.Receiver {
	aged := f.aged()
	return func(session *engineio.Session) engineio.Receiver {
		if session.Protocol() >= 4 {
			return newConn(srv, session, f)
		}
		c := newConn(srv, session, aged)
		c.greetAged()
		return c
	}
}
