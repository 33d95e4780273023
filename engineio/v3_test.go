package engineio

import (
	"encoding/json"
	"fmt"
	"iter"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kachi-io/kachi/engineio/packet"
	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/wstest"
)

func withV3(o *Options) *Options {
	c := Options{}
	if o != nil {
		c = *o
	}
	c.AllowEIO3 = true
	return &c
}

func serveV3(t testing.TB, o *Options) *host {
	t.Helper()
	h := serve(t, withV3(o))
	h.url = h.http.URL + "/engine.io/?EIO=3"
	return h
}

func fakedV3(t *testing.T, o *Options, test func(t *testing.T, h *host)) {
	t.Helper()
	faked(t, withV3(o), func(t *testing.T, h *host) {
		h.url = h.http.URL + "/engine.io/?EIO=3"
		test(t, h)
	})
}

// forms returns the packets of a payload, each as its type and its data.
func forms(t testing.TB, packets iter.Seq2[packet.Packet, error]) (all []string) {
	t.Helper()
	for p, err := range packets {
		assert.NoError(t, err)
		all = append(all, fmt.Sprintf("%d%s", p.Type, p.Data))
	}
	return all
}

// pollerV3 is a polling client of protocol 3.
func (h *host) pollerV3(query string) *poller {
	h.t.Helper()
	a := h.request("GET", h.url+"&transport=polling"+query, "")
	assert.Equal(h.t, a.status, 200)
	assert.Equal(h.t, a.header.Get("Content-Type"), "text/plain; charset=UTF-8")
	first := forms(h.t, packet.ParsePayloadV3([]byte(a.body), 0))
	p := &poller{host: h, open: parseOpen(h.t, first[0])}
	p.sid = p.open.SID
	p.peer = h.peer(p.sid)
	p.url = h.url + "&transport=polling&sid=" + p.sid
	return p
}

const octets = "application/octet-stream"

func TestRevisions(t *testing.T) {
	for _, eio := range []string{"EIO=3", "EIO=", "EIO=abc", "x=4"} {
		h := serveV3(t, nil)
		h.url = h.http.URL + "/?" + eio
		assert.Equal(t, h.pollerV3("").session.Protocol(), 3, eio)
		c, p := h.websocket(t)
		assert.Equal(t, p.session.Protocol(), 3, eio)
		assert.NoError(t, c.SendText("2"))
		c.Expect(t, "3")
	}
	h := serve(t, &Options{AllowEIO3: true})
	p := h.poller()
	assert.Equal(t, p.session.Protocol(), 4)
	assert.Equal(t, p.post("2").status, 400)
	assert.ErrorIs(t, p.expectClosed(t, TransportError), ErrHeartbeatDirection)

	h = serve(t, nil)
	a := h.request("GET", h.http.URL+"/?EIO=3&transport=polling&j=0", "")
	assert.Equal(t, a.status, 400)
	assert.Equal(t, a.body, `{"code":5,"message":"Unsupported protocol version"}`)
}

func TestJSONPIsRefused(t *testing.T) {
	refusals := &log[Refusal]{}
	h := serveV3(t, &Options{Hooks: Hooks{Refused: refusals.add}})
	a := h.request("GET", h.url+"&transport=polling&j=0", "")
	assert.Equal(t, a.status, 400)
	assert.Equal(t, a.body, `{"code":3,"message":"JSON-P is not supported"}`)
	assert.Equal(t, refusals.all()[0].Cause, CauseJSONP)
	p := h.pollerV3("")
	assert.Equal(t, h.request("POST", p.url+"&j=0", "d=2:4a").body, a.body)
	p.expectOpen(t)
	// In protocol 4 the parameter means nothing.
	assert.Equal(t, h.request("GET", h.http.URL+"/?EIO=4&transport=polling&j=0", "").status, 200)
}

func TestOpenV3(t *testing.T) {
	h := serveV3(t, &Options{InitialPacket: []byte("hé")})
	a := h.request("GET", h.url+"&transport=polling", "")
	all := forms(t, packet.ParsePayloadV3([]byte(a.body), 0))
	var fields map[string]any
	assert.NoError(t, json.Unmarshal([]byte(all[0][1:]), &fields))
	delete(fields, "sid")
	assert.Equal(t, fields, map[string]any{
		"upgrades": []any{"websocket"}, "pingInterval": 25000.0, "pingTimeout": 20000.0, "maxPayload": 1e6,
	})
	assert.Equal(t, all[1:], []string{"4hé"})
	c, _ := h.websocket(t)
	c.Expect(t, "4hé")
}

func TestPollingV3(t *testing.T) {
	p := serveV3(t, nil).pollerV3("")
	send := func(m *Message) { assert.NoError(t, p.session.Send(m)) }
	send(TextMessage("한글"))
	send(TextMessage("😀"))
	p.expectPoll(t, "3:4한글3:4😀")

	// With something binary, all of it is.
	send(TextMessage("é"))
	send(NewMessage(room("two"), []byte{1}, []byte{2, 0xff}))
	a := p.get()
	assert.Equal(t, a.header.Get("Content-Type"), octets)
	assert.Equal(t, a.body, "\x00\x03\xff4é\x00\x04\xff4two\x01\x02\xff\x04\x01\x01\x03\xff\x04\x02\xff")
	send(TextMessage("text again"))
	p.expectPoll(t, "11:4text again")

	a = p.post("6:4hello5:4한글😀")
	assert.Equal(t, a.status, 200)
	assert.Equal(t, a.body, "ok")
	assert.Equal(t, a.header.Get("Content-Type"), "text/html")
	p.expect(t, "hello")
	p.expect(t, "한글😀")
	assert.Equal(t, p.post("10:b4AQIDBA==").status, 200)
	assert.True(t, assert.Receive(t, p.messages) == message{"\x01\x02\x03\x04", true})
	assert.Equal(t, p.post("\x01\x03\xff\x04\x00\xff\x00\x02\xff4x", "Content-Type", octets).status, 200)
	assert.True(t, assert.Receive(t, p.messages) == message{"\x00\xff", true})
	assert.True(t, assert.Receive(t, p.messages) == message{"x", false})
	assert.Equal(t, p.post("0:").status, 200) // "none"
	p.expectOpen(t)
}

func TestPollingInBase64V3(t *testing.T) {
	p := serveV3(t, nil).pollerV3("&b64=1")
	assert.NoError(t, p.session.Send(NewMessage(room("two"), []byte{1}, []byte{2, 0xff})))
	a := p.get() // only the handshake says b64
	assert.Equal(t, a.header.Get("Content-Type"), "text/plain; charset=UTF-8")
	assert.Equal(t, a.body, "4:4two6:b4AQ==6:b4Av8=")
}

func TestBinaryPayloadsAreCompressedV3(t *testing.T) {
	p := serveV3(t, nil).pollerV3("")
	assert.NoError(t, p.session.Send(BinaryMessage(make([]byte, 5000))))
	a := p.get("Accept-Encoding", "gzip")
	assert.Equal(t, a.header.Get("Content-Encoding"), "gzip")
	assert.Equal(t, a.header.Get("Content-Type"), octets)
}

// A receiver that keeps a small message does not keep the body that brought it.
func TestSmallMessagesOfLargeBodiesV3(t *testing.T) {
	kept := make(chan int, 2)
	h := serveV3(t, nil)
	p := h.pollerV3("")
	p.onMessage = func(data []byte, _ bool) { kept <- cap(data) }
	body := packet.AppendBinaryPayloadV3(nil,
		packet.Packet{Type: packet.Message, Data: []byte{1}, Binary: true},
		packet.Packet{Type: packet.Message, Data: make([]byte, 2*sharedMax), Binary: true})
	assert.Equal(t, p.post(string(body), "Content-Type", octets).status, 200)
	assert.True(t, assert.Receive(t, kept) < 100)
}

func TestBadPayloadsV3(t *testing.T) {
	for _, c := range []struct {
		name, body string
		header     []string
		reason     Reason
		err        error
	}{
		{"empty", "", nil, ParseError, &packet.ParseError{Reason: packet.ReasonEmpty}},
		{"of protocol 4", "4a\x1e4b", nil, ParseError, &packet.ParseError{Reason: packet.ReasonLength}},
		{"length of bytes", "7:4한글", nil, ParseError, &packet.ParseError{Reason: packet.ReasonLength}},
		{"unknown type", "2:9a", nil, ParseError, &packet.ParseError{Reason: packet.ReasonUnknownType}},
		{"no UTF-8", "2:4\xff", nil, ParseError, &packet.ParseError{Reason: packet.ReasonUTF8}},
		{"text for binary", "2:4a", []string{"Content-Type", octets}, ParseError, &packet.ParseError{Reason: packet.ReasonLength}},
		{"binary that is no message", "\x01\x01\xff\x02", []string{"Content-Type", octets}, ParseError, &packet.ParseError{Reason: packet.ReasonBinaryType}},
		{"pong", "1:3", nil, TransportError, ErrHeartbeatDirection},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := serveV3(t, nil).pollerV3("")
			assert.Equal(t, p.post(c.body, c.header...).status, 400)
			err := p.expectClosed(t, c.reason)
			assert.Equal(t, err.Error(), c.err.Error())
			p.expectUnknown(t)
		})
	}
}

func TestWebSocketV3(t *testing.T) {
	h := serveV3(t, nil)
	c, p := h.websocket(t)
	m := NewMessage(room("two"), []byte{1}, []byte{2, 0xff})
	assert.NoError(t, p.session.Send(m))
	c.Expect(t, "4two")
	for _, want := range []string{"\x04\x01", "\x04\x02\xff"} {
		f, err := c.Read()
		assert.NoError(t, err)
		assert.Equal(t, f.Op, byte(wstest.Binary))
		assert.Equal(t, string(f.Payload), want)
	}
	assert.NoError(t, c.SendText("4hello"))
	p.expect(t, "hello")
	assert.NoError(t, c.SendBinary([]byte{4, 1, 2}))
	assert.True(t, assert.Receive(t, p.messages) == message{"\x01\x02", true})
	assert.NoError(t, c.SendText("b4AQI="))
	assert.True(t, assert.Receive(t, p.messages) == message{"\x01\x02", true})
	assert.NoError(t, c.SendText("b1AQI="))
	p.expectClosed(t, ParseError)

	c, p = h.websocket(t)
	assert.NoError(t, c.SendBinary([]byte{1, 2}))
	p.expectClosed(t, ParseError)

	c = h.dialWebSocket(t, "&transport=websocket&b64=1")
	p = h.peer(parseOpen(t, c.Next(t)).SID)
	assert.NoError(t, p.session.Send(m))
	for _, want := range []string{"4two", "b4AQ==", "b4Av8="} {
		c.Expect(t, want)
	}
}

// One message, every form, many goroutines.
func TestFormsOfOneMessage(t *testing.T) {
	h := serveV3(t, nil)
	three := h.dialWebSocket(t, "&transport=websocket")
	p3 := h.peer(parseOpen(t, three.Next(t)).SID)
	in64 := h.dialWebSocket(t, "&transport=websocket&b64=1")
	p64 := h.peer(parseOpen(t, in64.Next(t)).SID)
	h.url = h.http.URL + "/?EIO=4"
	four, p4 := h.websocket(t)

	both, text := NewMessage(room("x"), []byte{7}), TextMessage("only")
	var sent sync.WaitGroup
	for _, p := range []*peer{p3, p64, p4} {
		sent.Go(func() {
			for range 2 {
				assert.NoError(t, p.session.Send(both))
			}
			assert.NoError(t, p.session.Send(text))
		})
	}
	sent.Wait()
	for c, want := range map[*wstest.Conn]string{three: `op 2: "\x04\a"`, in64: "b4Bw==", four: `op 2: "\a"`} {
		for range 2 {
			c.Expect(t, "4x")
			f, err := c.Read()
			assert.NoError(t, err)
			assert.Equal(t, f.String(), want)
		}
		c.Expect(t, "4only")
	}
	// Text goes out in one frame for all, and each binary form is encoded once.
	assert.True(t, p3.session.frame(text) == p4.session.frame(text))
	for _, p := range []*peer{p3, p64} {
		first := p.session.frame(both)
		assert.True(t, p.session.frame(both) == first)
	}
	for _, p := range []*peer{p3, p64, p4} {
		for _, m := range []*Message{both, text, BinaryMessage(make([]byte, 125)), NewMessage(room(""), make([]byte, 0xffff))} {
			assert.Equal(t, p.session.size(m), p.session.frame(m).Len())
		}
	}
}

func TestUpgradeV3(t *testing.T) {
	t.Run("with what waits", func(t *testing.T) {
		p := serveV3(t, nil).pollerV3("&b64=1")
		assert.Equal(t, p.open.Upgrades, []string{"websocket"})
		assert.Equal(t, p.post("1:2").status, 200)
		assert.NoError(t, p.session.Send(BinaryMessage([]byte{9})))
		c := p.upgrade(t)
		c.Expect(t, "3") // the answer to a ping goes first
		f, err := c.Read()
		assert.NoError(t, err)
		assert.Equal(t, f.String(), `op 2: "\x04\t"`) // WebSocket can have it binary
		assert.NoError(t, c.SendText("4here"))
		p.expect(t, "here")
	})
	t.Run("a poll that waits is released", func(t *testing.T) {
		p := serveV3(t, nil).pollerV3("")
		pending := p.pending()
		c := p.candidate(t)
		assert.NoError(t, c.SendText("2probe"))
		c.Expect(t, "3probe")
		assert.Equal(t, assert.Receive(t, pending).body, "1:6")
		assert.NoError(t, c.SendText("5"))
		assert.Eventually(t, p.session.Upgraded)
		assert.NoError(t, c.SendText("2"))
		c.Expect(t, "3")
	})
	t.Run("to base64", func(t *testing.T) {
		p := serveV3(t, nil).pollerV3("")
		p.host.url += "&b64=1"
		c := p.upgrade(t)
		assert.NoError(t, p.session.Send(BinaryMessage([]byte{9})))
		c.Expect(t, "b4CQ==")
	})
}

func TestCloseV3(t *testing.T) {
	t.Run("by the server, with a backlog", func(t *testing.T) {
		p := serveV3(t, nil).pollerV3("")
		assert.NoError(t, p.session.Send(BinaryMessage([]byte{9})))
		p.session.Close()
		p.expectPoll(t, "\x01\x02\xff\x04\t")
		p.expectPoll(t, "1:61:1")
		p.expectClosed(t, ForcedClose)
	})
	t.Run("by the server, with a poll", func(t *testing.T) {
		p := serveV3(t, nil).pollerV3("")
		pending := p.pending()
		p.session.Close()
		assert.Equal(t, assert.Receive(t, pending).body, "1:1")
		p.expectClosed(t, ForcedClose)
	})
	t.Run("by the client", func(t *testing.T) {
		p := serveV3(t, nil).pollerV3("")
		pending := p.pending()
		assert.Equal(t, p.post("1:1").status, 200)
		assert.Equal(t, assert.Receive(t, pending).body, "1:6")
		p.expectClosed(t, TransportClose)
	})
	t.Run("two polls", func(t *testing.T) {
		p := serveV3(t, nil).pollerV3("")
		pending := p.pending()
		assert.Equal(t, p.get().status, 400)
		assert.Equal(t, assert.Receive(t, pending).body, "1:1")
		assert.ErrorIs(t, p.expectClosed(t, TransportError), ErrOverlap)
	})
}

// The client pings, and is waited for.
func TestHeartbeatV3(t *testing.T) {
	patience := lively.PingInterval + lively.PingTimeout
	t.Run("polling", func(t *testing.T) {
		fakedV3(t, &lively, func(t *testing.T, h *host) {
			p := h.pollerV3("")
			for range 3 {
				time.Sleep(patience - 2*beat)
				pending := p.pending()
				assert.Equal(t, p.post("1:2").status, 200)
				assert.Equal(t, assert.Receive(t, pending).body, "1:3")
			}
			assert.Equal(t, p.post("1:21:21:2").status, 200)
			assert.NoError(t, p.session.Send(TextMessage("a")))
			p.expectPoll(t, "1:32:4a")
			assert.NoError(t, p.session.Send(BinaryMessage(nil)))
			assert.Equal(t, p.post("1:2").status, 200)
			p.expectPoll(t, "\x00\x01\xff3\x01\x01\xff\x04")
			began := time.Now()
			p.expectPoll(t, "1:1")
			expectAfter(t, began, patience)
			p.expectClosed(t, PingTimeout)
			p.expectUnknown(t)
		})
	})
	t.Run("WebSocket", func(t *testing.T) {
		fakedV3(t, &lively, func(t *testing.T, h *host) {
			c, p := h.websocket(t)
			for range 3 {
				time.Sleep(patience - 2*beat)
				assert.NoError(t, c.SendText("2"))
				c.Expect(t, "3")
			}
			began := time.Now()
			p.expectClosed(t, PingTimeout)
			expectAfter(t, began, patience)
		})
	})
	t.Run("messages are no ping", func(t *testing.T) {
		fakedV3(t, &lively, func(t *testing.T, h *host) {
			c, p := h.websocket(t)
			began := time.Now()
			time.Sleep(lively.PingInterval)
			assert.NoError(t, c.SendText("4a"))
			p.expectClosed(t, PingTimeout)
			expectAfter(t, began, patience)
		})
	})
	t.Run("the upgrade begins it anew", func(t *testing.T) {
		fakedV3(t, &lively, func(t *testing.T, h *host) {
			p := h.pollerV3("")
			time.Sleep(lively.PingInterval)
			began := time.Now()
			c := p.upgrade(t)
			p.expectClosed(t, PingTimeout)
			expectAfter(t, began, patience)
			c.ExpectClose(t)
		})
	})
	t.Run("the server's part from the client", func(t *testing.T) {
		c, p := serveV3(t, nil).websocket(t)
		assert.NoError(t, c.SendText("3"))
		assert.ErrorIs(t, p.expectClosed(t, TransportError), ErrHeartbeatDirection)
		c.ExpectClose(t)
	})
	t.Run("a late request does not find the session", func(t *testing.T) {
		fakedV3(t, &lively, func(t *testing.T, h *host) {
			p := h.pollerV3("")
			time.Sleep(patience + time.Millisecond)
			p.expectUnknown(t)
			p.expectClosed(t, PingTimeout)
		})
	})
}

func TestPreflightOfBinaryPostsV3(t *testing.T) {
	s := NewServer(nil, &Options{AllowEIO3: true, AllowedOrigins: []string{"https://a.com"}})
	r := httptest.NewRequest("OPTIONS", "/?EIO=3&transport=polling&sid=x", nil)
	r.Header.Set("Origin", "https://a.com")
	r.Header.Set("Access-Control-Request-Headers", "content-type")
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	assert.Equal(t, w.Code, http.StatusNoContent)
	assert.True(t, strings.EqualFold(w.Header().Get("Access-Control-Allow-Headers"), "content-type"))
}
