package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/coder/websocket"

	eio "github.com/kachi-io/kachi/engineio/packet"
)

// wsBatch is how much is taken from the queues at once for a WebSocket, in bytes: a pong
// waits for no more.
const wsBatch = 64 << 10

// webSocket carries a session over a WebSocket connection.
type webSocket struct {
	engine *engine

	mu     sync.Mutex
	conn   *websocket.Conn // nil until it is open
	closed bool
}

func (w *webSocket) name() Transport  { return WebSocket }
func (w *webSocket) size(f frame) int { return len(f.data) }
func (w *webSocket) batch() int       { return wsBatch }

func (w *webSocket) open(ctx context.Context) ([]eio.Packet, error) {
	if err := w.dial(ctx); err != nil {
		return nil, err
	}
	return w.receive(ctx)
}

func (w *webSocket) dial(ctx context.Context) error {
	e := w.engine
	o := &websocket.DialOptions{HTTPClient: e.client.http}
	o.HTTPHeader, o.Host = e.header()
	if e.client.opts.Deflate {
		o.CompressionMode = websocket.CompressionNoContextTakeover
	}
	conn, response, err := websocket.Dial(ctx, e.address(WebSocket), o)
	if err != nil {
		if response != nil && response.StatusCode != http.StatusSwitchingProtocols {
			return refusal(WebSocket, e.endpoint(WebSocket).Redacted(), response)
		}
		return err
	}
	conn.SetReadLimit(int64(e.client.opts.MaxPayload))
	w.mu.Lock()
	w.conn = conn
	closed := w.closed
	w.mu.Unlock()
	if closed {
		_ = conn.CloseNow()
		return context.Canceled
	}
	return nil
}

func (w *webSocket) send(ctx context.Context, frames []frame) error {
	for _, f := range frames {
		kind := websocket.MessageText
		if f.binary {
			kind = websocket.MessageBinary
		}
		if err := w.conn.Write(ctx, kind, f.data); err != nil {
			return w.fault(err)
		}
	}
	return nil
}

func (w *webSocket) receive(ctx context.Context) ([]eio.Packet, error) {
	kind, data, err := w.conn.Read(ctx)
	if err != nil {
		return nil, w.fault(err)
	}
	if kind == websocket.MessageBinary {
		return []eio.Packet{{Type: eio.Message, Data: data, Binary: true}}, nil
	}
	p, err := parseText(data)
	if err != nil {
		return nil, w.engine.fault(WebSocket, CodeParse, err)
	}
	return []eio.Packet{p}, nil
}

func (w *webSocket) fault(err error) error {
	var closed websocket.CloseError
	switch {
	case errors.Is(err, websocket.ErrMessageTooBig):
		return w.engine.fault(WebSocket, CodeTooLarge,
			fmt.Errorf("over the %d bytes of Options.MaxPayload", w.engine.client.opts.MaxPayload))
	case errors.As(err, &closed):
		f := w.engine.fault(WebSocket, CodeClosed, closed)
		if closed.Code == websocket.StatusMessageTooBig {
			f.Code = CodeTooLarge
		}
		return f
	case errors.Is(err, io.EOF):
		return w.engine.fault(WebSocket, CodeClosed, err)
	}
	return err
}

// fenceTimeout bounds the wait for a server that does not answer at once, and for a reader
// that is held up by a handler.
const fenceTimeout = time.Second

// fence waits for a ping's answer.
func (w *webSocket) fence(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, fenceTimeout)
	defer cancel()
	_ = w.conn.Ping(ctx) // if the connection has broken, the reader knows
}

func (w *webSocket) farewell(context.Context) {
	_ = w.conn.Close(websocket.StatusNormalClosure, "")
}

func (w *webSocket) close() {
	w.mu.Lock()
	w.closed = true
	conn := w.conn
	w.mu.Unlock()
	if conn != nil {
		_ = conn.CloseNow()
	}
}
