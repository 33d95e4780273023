package client

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"

	eio "github.com/kachi-io/kachi/engineio/packet"
)

// postBatch bounds a POST to a server that states no bound of its own.
const postBatch = 1_000_000

// polling carries a session over HTTP: a GET waits for what the server sends, a POST
// brings what the client sends. There is one of each at a time.
type polling struct{ engine *engine }

func (p *polling) name() Transport { return Polling }

func (p *polling) size(f frame) int {
	return eio.PayloadSize(packetOf(f))
}

func (p *polling) batch() int {
	if p.engine.maxPayload > 0 {
		return p.engine.maxPayload
	}
	return postBatch
}

// packetOf is a frame as the packet that it was made of.
func packetOf(f frame) eio.Packet {
	if f.binary {
		return eio.Packet{Type: eio.Message, Data: f.data, Binary: true}
	}
	return eio.Packet{Type: eio.Type(f.data[0] - '0'), Data: f.data[1:]}
}

func (p *polling) open(ctx context.Context) ([]eio.Packet, error) { return p.receive(ctx) }

func (p *polling) receive(ctx context.Context) ([]eio.Packet, error) {
	body, err := p.exchange(ctx, http.MethodGet, nil)
	if err != nil {
		return nil, err
	}
	var packets []eio.Packet
	for packet, err := range eio.ParsePayload(body, 0) {
		if err != nil {
			return packets, p.unreadable(body, err)
		}
		packets = append(packets, packet)
	}
	return packets, nil
}

// unreadable says what an answer with a good status is, if it is no payload.
func (p *polling) unreadable(body []byte, err error) error {
	f := p.engine.fault(Polling, CodeParse, err)
	if p.engine.sid != "" {
		return f
	}
	// Nothing of this protocol has been seen there yet.
	if digits := bytes.TrimLeft(body, "0123456789"); len(digits) < len(body) && bytes.HasPrefix(digits, []byte(":0{")) {
		f.Code = CodeProtocol2 // the length of each packet in front: Engine.IO 3
	} else {
		f.Code = CodeWrongPath
	}
	f.Status, f.ServerMessage = http.StatusOK, beginning(body)
	return f
}

func (p *polling) send(ctx context.Context, frames []frame) error {
	var body []byte
	for _, f := range frames {
		body = eio.AppendPayload(body, packetOf(f))
	}
	_, err := p.exchange(ctx, http.MethodPost, body)
	return err
}

func (p *polling) exchange(ctx context.Context, method string, body []byte) ([]byte, error) {
	e := p.engine
	r, err := http.NewRequestWithContext(ctx, method, e.address(Polling), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if method == http.MethodGet && e.sid != "" {
		// http.Transport would send a GET again whose connection broke before the answer,
		// and what the server had written there would be missing without anybody's
		// knowledge. It does not with a body that it cannot read twice.
		r.Body, r.GetBody = io.NopCloser(strings.NewReader("")), nil
	}
	r.Header, r.Host = e.header()
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "text/plain;charset=UTF-8")
	}
	r.Header.Set("Accept", "*/*")
	response, err := e.client.http.Do(r)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, refusal(Polling, e.endpoint(Polling).Redacted(), response)
	}
	limit := e.client.opts.MaxPayload
	answer, err := io.ReadAll(io.LimitReader(response.Body, int64(limit)+1))
	if err != nil {
		return nil, err
	}
	if len(answer) > limit {
		return nil, e.fault(Polling, CodeTooLarge, fmt.Errorf("an answer over the %d bytes of Options.MaxPayload", limit))
	}
	if method == http.MethodGet && len(answer) == 0 && strings.HasPrefix(response.Header.Get("Content-Type"), "text/html") {
		return nil, refusal(Polling, e.endpoint(Polling).Redacted(), response)
	}
	return answer, nil
}

// fence has nothing to do: the server answers a POST when it has taken what is in it.
func (p *polling) fence(context.Context) {}

func (p *polling) farewell(ctx context.Context) {
	_ = p.send(ctx, []frame{closeFrame})
}

// close has nothing to do: requests end with the engine's context.
func (p *polling) close() {}
