package socketio

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/kachi-io/kachi/engineio"
	"github.com/kachi-io/kachi/engineio/websocket"
	"github.com/kachi-io/kachi/socketio/packet"
)

// PlainMount is a place for clients that have a WebSocket and no library. They speak JSON
// objects, see [packet.Plain], and are sockets of a namespace like any other: the same
// middlewares admit them, the same handlers serve them, and they are in the same rooms.
// Heartbeats are WebSocket's own pings.
//
// A connection is a socket of one namespace, and is admitted before the WebSocket
// handshake is answered: who is refused gets an HTTP status, 401 for an [*Error] with the
// code "unauthorized", 404 where there is no such namespace, 503 for "overloaded",
// "rate_limited", "too_many_namespaces" and "unavailable", 403 for every other one, 500 for
// errors without a code; and the error as JSON.
//
// When the server ends a connection it says why by the close code:
//
//	1001  the server is shutting down       come back
//	1002  a broken WebSocket frame
//	1007  text that is not UTF-8
//	1009  a message larger than MaxPayload
//	4000  disconnected: Socket.Disconnect   do not come back by yourself
//	4001  closed: Disconnect(true)          do not come back by yourself
//	4400  a message that is no packet
//	4401  the token expired, or was revoked come back with another token
//	4408  no sign of life
//	4429  flooding: too many events         come back later
//	4503  too slow for what is sent to it   come back
//
// Where the connection does not take anything any more, there is no close frame.
type PlainMount struct {
	// Path is where the handler answers, and nothing below it: "/ws", say, or
	// "/ws/{room}" with a parameter, see [engineio.Handshake.Param]. Default "": any.
	Path string
	// Namespace is the one that clients join, "/" by default. "{room}" in it stands for
	// the parameter of that name.
	Namespace string
	// Cookie names a cookie that holds a token. Default none.
	//
	// The token is the first of: the header Authorization, "Bearer …"; a subprotocol that
	// the client offers, "bearer.…", for browsers, which can set no header; the cookie.
	// Middlewares find it as [Socket.Auth], {"token":"…"}. It is never looked for in the
	// query, which ends up in logs.
	Cookie string
	// Subprotocols are those that the server speaks, in order of preference. Default
	// "kachi": a browser that offers a token offers that as well, since one of those it
	// offers has to be chosen.
	Subprotocols []string
}

// PlainHandler returns the server on a mount for plain WebSocket clients. It panics when
// the path is malformed.
func (srv *Server) PlainHandler(m PlainMount) http.Handler {
	if m.Subprotocols == nil {
		m.Subprotocols = []string{"kachi"}
	}
	h := srv.engine.PlainHandler(engineio.Plain{
		Accept: func(r *http.Request, s *engineio.Session) (engineio.Receiver, error) {
			return srv.acceptPlain(&m, r, s)
		},
		Opened:       openedPlain,
		Subprotocols: m.Subprotocols,
		CloseStatus:  closeStatus,
	})
	if m.Path == "" {
		return h
	}
	mux := http.NewServeMux()
	mux.Handle(m.Path, h)
	return mux
}

var plainForm = func() *form {
	f := &form{encoding: packet.Plain, kind: plain}
	f.frames = f
	return f
}()

// inNamespace reads packets of one namespace, whatever they say.
type inNamespace struct {
	packet.Reader
	name string
}

func (r inNamespace) Text(data []byte) (packet.Packet, bool, error) { return r.of(r.Reader.Text(data)) }

func (r inNamespace) Binary(data []byte) (packet.Packet, bool, error) {
	return r.of(r.Reader.Binary(data))
}

func (r inNamespace) of(p packet.Packet, complete bool, err error) (packet.Packet, bool, error) {
	p.Namespace = r.name
	return p, complete, err
}

// acceptPlain makes the socket of a connection, and asks the middlewares, before the
// handshake is answered.
func (srv *Server) acceptPlain(m *PlainMount, r *http.Request, session *engineio.Session) (engineio.Receiver, error) {
	name := m.namespace(session.Handshake())
	ns := srv.visit(name)
	if ns == nil {
		srv.opts.Hooks.Refused(session, name, ErrNoNamespace)
		return nil, refusal(ErrNoNamespace)
	}
	c := newConn(srv, session, plainForm)
	c.reader = inNamespace{c.reader, name}
	s, err := c.open(ns, m.shown(r))
	if s == nil {
		ns.release()
		return nil, err
	}
	gone := context.AfterFunc(r.Context(), s.cancel)
	err = s.askMiddlewares()
	gone()
	if err == nil {
		err = r.Context().Err()
	}
	if err != nil {
		s.refuse(err)
		c.Closed(engineio.TransportClose, err)
		return nil, refusal(err)
	}
	return c, nil
}

// openedPlain lets the socket into its namespace.
func openedPlain(_ *engineio.Session, r engineio.Receiver) {
	c := r.(*conn)
	c.mu.Lock()
	sockets := slices.Clone(c.sockets) // one, unless it has ended
	c.mu.Unlock()
	for _, s := range sockets {
		if work := s.mailbox.push(s, (*connectTask)(s)); work != nil {
			go work.Run()
		}
	}
}

// namespace is the one that a client joins.
func (m *PlainMount) namespace(h *engineio.Handshake) string {
	var values []string
	for parameter, value := range h.Params() {
		values = append(values, "{"+parameter+"}", value)
	}
	name := strings.NewReplacer(values...).Replace(m.Namespace)
	if !strings.HasPrefix(name, "/") {
		name = "/" + name
	}
	return name
}

// shown is what a client gives as auth: its token.
func (m *PlainMount) shown(r *http.Request) []byte {
	token := m.token(r)
	if token == "" {
		return nil
	}
	data, _ := json.Marshal(map[string]string{"token": token})
	return data
}

func (m *PlainMount) token(r *http.Request) string {
	if scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " "); ok && strings.EqualFold(scheme, "Bearer") {
		return strings.TrimSpace(token)
	}
	for _, offered := range r.Header["Sec-Websocket-Protocol"] {
		for protocol := range strings.SplitSeq(offered, ",") {
			if token, ok := strings.CutPrefix(strings.TrimSpace(protocol), "bearer."); ok {
				return token
			}
		}
	}
	if m.Cookie != "" {
		if c, err := r.Cookie(m.Cookie); err == nil {
			return c.Value
		}
	}
	return ""
}

const (
	codeNotFound    = "not_found"
	codeUnavailable = "unavailable"
)

// refusal answers a handshake with an error.
func refusal(err error) *engineio.StatusError {
	if errors.Is(err, ErrNoNamespace) {
		err = NewError(codeNotFound, "Invalid namespace")
	}
	status := http.StatusInternalServerError
	var coded *Error
	if errors.As(err, &coded) {
		switch coded.Code {
		case "unauthorized":
			status = http.StatusUnauthorized
		case codeNotFound:
			status = http.StatusNotFound
		case CodeOverloaded, CodeRateLimited, CodeTooManyNamespaces, codeUnavailable:
			status = http.StatusServiceUnavailable
		default:
			status = http.StatusForbidden
		}
	}
	refused := &engineio.StatusError{Status: status, Err: err}
	PublicError(err, "connect").tell(func(body *ErrorBody) (failed error) {
		refused.Code, refused.Message = body.Code, body.Message
		if refused.Body, failed = json.Marshal(body); failed != nil {
			failed = &packet.ArgumentError{Err: failed}
		}
		return failed
	})
	if status == http.StatusUnauthorized {
		refused.Header = http.Header{"Www-Authenticate": {"Bearer"}}
	}
	return refused
}

// closeStatus is the table of PlainMount.
func closeStatus(r Reason) (websocket.StatusCode, string) {
	switch r {
	case engineio.ServerShuttingDown:
		return websocket.StatusGoingAway, string(r)
	case ReasonServerDisconnect:
		return 4000, string(r)
	case ReasonExpired, ReasonRevoked:
		return 4401, string(r)
	case engineio.PingTimeout:
		return 4408, string(r)
	case ReasonFlooding:
		return 4429, string(r)
	case engineio.SlowConsumer:
		return 4503, string(r)
	}
	return 4001, string(ReasonServerClose)
}

// badMessage is the close code of a client whose message is no packet.
const badMessage websocket.StatusCode = 4400
