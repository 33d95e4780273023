package gatewaytest

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"testing"

	"github.com/kachi-io/kachi/client"
	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/socketio/packet"
)

// DialOption is something that a client says of itself.
type DialOption func(*dialling)

type dialling struct {
	auth    any
	token   string
	header  http.Header
	query   url.Values
	polling bool
}

// Auth is the client's auth, which must encode to a JSON object. Plain clients have none
// but a [Token].
func Auth(auth any) DialOption { return func(d *dialling) { d.auth = auth } }

// Token is the client's token: {"token":"…"} as auth, and for plain clients the header
// Authorization. A client whose auth has more than that has it all by [Auth].
func Token(token string) DialOption { return func(d *dialling) { d.token = token } }

// Header is a header of the client's requests.
func Header(name, value string) DialOption {
	return func(d *dialling) { d.header.Add(name, value) }
}

// Query is a query parameter of the client's requests.
func Query(name, value string) DialOption {
	return func(d *dialling) { d.query.Add(name, value) }
}

// Polling has the client use HTTP long-polling. Default WebSocket.
func Polling() DialOption { return func(d *dialling) { d.polling = true } }

func options(all []DialOption) *dialling {
	d := &dialling{header: http.Header{}, query: url.Values{}}
	for _, o := range all {
		o(d)
	}
	return d
}

var errBoth = errors.New("a client has Auth or a Token, and not both: Auth can have the token")

// Dial connects a Socket.IO client to a namespace, "/chat". It does not come back by itself
// when it is disconnected.
func (a *App) Dial(t testing.TB, namespace string, o ...DialOption) *Client {
	t.Helper()
	c, err := a.dial(namespace, options(o))
	if err != nil {
		t.Fatalf("gatewaytest: %v", err)
	}
	return c
}

func (a *App) dial(namespace string, d *dialling) (*Client, error) {
	switch {
	case d.token != "" && d.auth != nil:
		return nil, errBoth
	case d.token != "":
		d.auth = map[string]string{"token": d.token}
	}
	c := a.newClient(namespace)
	opts := a.ClientOptions()
	opts.DisableReconnection = true
	opts.Header, opts.Query = d.header, d.query
	opts.Socket.Auth = d.auth
	opts.Transports = []client.Transport{client.WebSocket}
	if d.polling {
		opts.Transports = []client.Transport{client.Polling}
	}
	var err error
	a.labelled(func() {
		ctx, cancel := context.WithTimeout(context.Background(), a.o.Patience)
		defer cancel()
		var s *client.Socket
		s, err = client.Connect(ctx, URL+namespace, opts, func(s *client.Socket) {
			s.OnAny(func(_ context.Context, e *client.Event) { c.arrived(e.Name(), argsOf(e), e.WantsAck(), e.Ack) })
			s.OnDisconnect(func(_ context.Context, reason client.Reason, err error) {
				c.inbox.end(Ending{Reason: reason, Err: err})
			})
		})
		if err == nil {
			c.conn = connected{s}
		}
	})
	return a.keep(c, err)
}

// connected is a Socket.IO client.
type connected struct{ *client.Socket }

func (s connected) close() { s.Client().Close() }

// argsOf returns an event's arguments without the position that servers with recovery put
// behind them.
func argsOf(e *client.Event) packet.Args {
	args := e.Args()
	if _, recovers := e.Socket().Session(); recovers && !e.WantsAck() && args.Len() > 0 {
		args.Raw = args.Raw[:args.Len()-1]
	}
	return args
}

// keep has a client end with the app.
func (a *App) keep(c *Client, err error) (*Client, error) {
	if err != nil {
		return nil, err
	}
	a.mu.Lock()
	a.clients = append(a.clients, c)
	a.mu.Unlock()
	return c, nil
}

// ConnectError connects a client to a namespace that is to refuse it, with a code, and
// returns the error. "" is for refusals without a code. The error's Details are as they
// came, for [Details] to decode.
func (a *App) ConnectError(t testing.TB, code, namespace string, o ...DialOption) *gateway.Error {
	t.Helper()
	c, err := a.dial(namespace, options(o))
	var refused *client.ConnectError
	switch {
	case err == nil:
		c.Close()
		t.Fatalf("gatewaytest: %s admitted a client that it was to refuse with the code %q", namespace, code)
	case !errors.As(err, &refused):
		t.Fatalf("gatewaytest: %v; the namespace was to refuse the client with the code %q", err, code)
	case refused.Code() != code:
		t.Fatalf("gatewaytest: %s refused the client with the code %q, and not %q: %s", namespace, refused.Code(), code, refused.Message)
	}
	return refusal(refused.Code(), refused.Message, detailsOf(refused.Data))
}

// addTo puts headers and query of a client into a request.
func (d *dialling) addTo(header http.Header, u *url.URL) {
	maps.Copy(header, d.header)
	if d.token != "" {
		header.Set("Authorization", "Bearer "+d.token)
	}
	u.RawQuery = d.query.Encode()
}
