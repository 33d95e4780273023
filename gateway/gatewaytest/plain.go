package gatewaytest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/kachi-io/kachi/client"
	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/socketio/packet"
)

// DialPlain connects a client that has a WebSocket and no library to a namespace: see
// [socketio.PlainMount], of which each namespace has one here.
func (a *App) DialPlain(t testing.TB, namespace string, o ...DialOption) *Client {
	t.Helper()
	c, err := a.dialPlain(namespace, options(o))
	if err != nil {
		t.Fatalf("gatewaytest: %v", err)
	}
	return c
}

// PlainConnectError is [App.ConnectError] for a plain client.
func (a *App) PlainConnectError(t testing.TB, code, namespace string, o ...DialOption) *gateway.Error {
	t.Helper()
	c, err := a.dialPlain(namespace, options(o))
	var refused *refusedPlain
	switch {
	case err == nil:
		c.Close()
		t.Fatalf("gatewaytest: %s admitted a client that it was to refuse with the code %q", namespace, code)
	case !errors.As(err, &refused):
		t.Fatalf("gatewaytest: %v; the namespace was to refuse the client with the code %q", err, code)
	case refused.body.Code != code:
		t.Fatalf("gatewaytest: %s refused the client with the code %q, and not %q: %s", namespace, refused.body.Code, code, refused.body.Message)
	}
	return refusal(refused.body.Code, refused.body.Message, refused.body.Details)
}

// refusedPlain is a refusal over HTTP.
type refusedPlain struct {
	namespace string
	status    int
	body      *client.Error
}

func (e *refusedPlain) Error() string {
	return fmt.Sprintf("%s refused: %d %s", e.namespace, e.status, e.body)
}

func (a *App) dialPlain(namespace string, d *dialling) (*Client, error) {
	switch {
	case d.auth != nil && d.token != "":
		return nil, errBoth
	case d.auth != nil:
		return nil, errors.New("plain clients have no Auth but a Token")
	case d.polling:
		return nil, errors.New("plain clients have a WebSocket, and no polling")
	}
	c := a.newClient(namespace)
	u := &url.URL{Scheme: "http", Host: "app.test", Path: plainPath + namespace}
	header := http.Header{}
	d.addTo(header, u)
	var err error
	before := a.Server().Stats().Admitted
	a.labelled(func() {
		ctx, cancel := context.WithTimeout(context.Background(), a.o.Patience)
		defer cancel()
		var ws *websocket.Conn
		var response *http.Response
		ws, response, err = websocket.Dial(ctx, u.String(), &websocket.DialOptions{HTTPClient: a.http, HTTPHeader: header})
		if err != nil {
			err = refusedBy(namespace, response, err)
			return
		}
		ws.SetReadLimit(16 << 20)
		p := &plain{client: c, ws: ws, pending: map[int64]chan packet.Args{}, done: make(chan struct{})}
		c.conn = p
		go p.read()
		a.awaitPlain(p, before)
	})
	return a.keep(c, err)
}

// awaitPlain waits until a plain client is in its namespace, which nobody tells it: the
// handshake is answered a little before, and what others send in between it would miss. It
// cannot ask, since an answer would come behind whatever OnConnect waits for.
func (a *App) awaitPlain(p *plain, before uint64) {
	for limit := time.Now().Add(a.o.Patience); a.Server().Stats().Admitted == before && time.Now().Before(limit); {
		select {
		case <-p.done: // it has ended
			return
		case <-time.After(time.Microsecond):
		}
	}
}

// refusedBy is what a handshake's answer says.
func refusedBy(namespace string, r *http.Response, err error) error {
	if r == nil {
		return err
	}
	body, _ := io.ReadAll(r.Body)
	if len(body) > 0 {
		if coded, ok := errors.AsType[*client.Error](client.AckError(packet.Args{Raw: [][]byte{body}})); ok {
			return &refusedPlain{namespace, r.StatusCode, coded}
		}
	}
	return fmt.Errorf("%s refused: %s: %s", namespace, r.Status, body)
}

// plain is a connection of a client without a library.
type plain struct {
	client *Client
	ws     *websocket.Conn
	done   chan struct{}

	mu      sync.Mutex
	last    int64
	pending map[int64]chan packet.Args
}

func (p *plain) ID() string { return "" }

func (p *plain) Emit(event string, args ...any) error { return p.send(event, packet.NoID, args) }

func (p *plain) send(event string, id int64, args []any) error {
	data, attachments, err := packet.EncodeEvent(event, args)
	if err != nil {
		return err
	}
	return p.write(&packet.Packet{Type: packet.Event, Namespace: "/", ID: id, Data: data, Attachments: attachments})
}

func (p *plain) write(out *packet.Packet) error {
	ctx, cancel := p.client.patient()
	defer cancel()
	text, binary, err := packet.Plain.Append(nil, out)
	if err != nil {
		return err
	}
	if err := p.ws.Write(ctx, websocket.MessageText, text); err != nil {
		return errors.Join(client.ErrDisconnected, err)
	}
	for _, b := range binary {
		if err := p.ws.Write(ctx, websocket.MessageBinary, b); err != nil {
			return errors.Join(client.ErrDisconnected, err)
		}
	}
	return nil
}

// Ask implements [client.Asker].
func (p *plain) Ask(ctx context.Context, event string, args ...any) (packet.Args, error) {
	answer := make(chan packet.Args, 1)
	p.mu.Lock()
	p.last++
	id := p.last
	p.pending[id] = answer
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.pending, id)
	}()
	if err := p.send(event, id, args); err != nil {
		return packet.Args{}, err
	}
	select {
	case a := <-answer:
		return a, nil
	case <-p.done:
		select {
		case a := <-answer: // at the last moment
			return a, nil
		default:
			return packet.Args{}, client.ErrDisconnected
		}
	case <-ctx.Done():
		return packet.Args{}, errors.Join(client.ErrAckTimeout, ctx.Err())
	}
}

// read takes what comes until the connection has ended.
func (p *plain) read() {
	defer close(p.done)
	reader := packet.Plain.NewReader(packet.Limits{})
	for {
		kind, data, err := p.ws.Read(context.Background())
		if err != nil {
			p.ended(err)
			return
		}
		take := reader.Text
		if kind == websocket.MessageBinary {
			take = reader.Binary
		}
		in, complete, err := take(data)
		if err != nil {
			p.client.inbox.end(Ending{Reason: client.ParseFailure, Err: err})
			_ = p.ws.CloseNow()
			return
		}
		if complete {
			p.take(&in)
		}
	}
}

func (p *plain) ended(err error) {
	e := Ending{Reason: client.TransportFailure, Err: err}
	if code := websocket.CloseStatus(err); code != -1 {
		e.Code, e.Reason = int(code), client.TransportClose
		if code == 4000 || code == 4001 { // as socketio.PlainMount has it
			e.Reason = client.ServerDisconnect
		}
	}
	p.client.inbox.end(e)
}

func (p *plain) take(in *packet.Packet) {
	if in.Type == packet.Ack || in.Type == packet.BinaryAck {
		if args, err := packet.ParseAck(in); err == nil {
			p.mu.Lock()
			defer p.mu.Unlock()
			if answer := p.pending[in.ID]; answer != nil {
				delete(p.pending, in.ID)
				answer <- args
			}
		}
		return
	}
	event, args, err := packet.ParseEvent(in)
	if err != nil {
		return // cannot be: the reader has checked it
	}
	p.client.arrived(event, args, in.ID != packet.NoID, func(values ...any) error {
		data, attachments, err := packet.EncodeAck(values)
		if err != nil {
			return err
		}
		return p.write(&packet.Packet{Type: packet.Ack, Namespace: "/", ID: in.ID, Data: data, Attachments: attachments})
	})
}

func (p *plain) close() {
	p.client.inbox.end(Ending{Reason: client.ClientDisconnect})
	_ = p.ws.Close(websocket.StatusNormalClosure, "")
	<-p.done
}
