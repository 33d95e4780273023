package engineio

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/kachi-io/kachi/internal/assert"
)

func TestPollingHandshake(t *testing.T) {
	h := serve(t, nil)
	a := h.request("GET", h.url+"&transport=polling", "")
	assert.Equal(t, a.status, 200)
	assert.Equal(t, a.header.Get("Content-Type"), "text/plain; charset=UTF-8")
	assert.Equal(t, a.header.Get("Cache-Control"), "no-store")
	assert.Equal(t, a.header["Set-Cookie"], []string(nil))
	p := assert.Receive(t, h.peers)
	assert.Equal(t, a.body, `0{"sid":"`+p.session.ID()+`","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}`)
	assert.Equal(t, len(p.session.ID()), 20)
	assert.Equal(t, p.session.Transport(), Polling)
	assert.Equal(t, p.session.Upgraded(), false)
	assert.Equal(t, p.session.Protocol(), 4)
}

func TestPayloadOfAPoll(t *testing.T) {
	text := func(s string) *Message { return TextMessage(s) }
	for _, c := range []struct {
		name     string
		messages []*Message
		body     string
	}{
		{"text", []*Message{text("hello")}, "4hello"},
		{"empty text", []*Message{text("")}, "4"},
		{"several", []*Message{text("a"), text("b"), text("€")}, "4a\x1e4b\x1e4€"},
		{"binary", []*Message{BinaryMessage([]byte{1, 2, 3, 4})}, "bAQIDBA=="},
		{"empty binary", []*Message{BinaryMessage(nil)}, "b"},
		{"text and binary", []*Message{text("hello"), BinaryMessage([]byte{1, 2, 3, 4})}, "4hello\x1ebAQIDBA=="},
		{"attachments", []*Message{NewMessage(append(make([]byte, Room), "51-x"...), []byte{1}, []byte{2}), text("z")}, "451-x\x1ebAQ==\x1ebAg==\x1e4z"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := serve(t, nil).poller()
			for _, m := range c.messages {
				assert.NoError(t, p.session.Send(m))
			}
			a := p.get()
			assert.Equal(t, a.status, 200)
			assert.Equal(t, a.body, c.body)
			assert.Equal(t, a.header.Get("Content-Type"), "text/plain; charset=UTF-8")
			assert.Equal(t, a.header.Get("Cache-Control"), "no-store")
			assert.Equal(t, a.header.Get("Content-Length") != "", true)
		})
	}
}

func TestPollWaitsForAMessage(t *testing.T) {
	p := serve(t, nil).poller()
	for _, text := range []string{"a", "b"} {
		pending := p.pending()
		assert.NoError(t, p.session.Queue(TextMessage(text)))
		assert.Equal(t, assert.Receive(t, pending).body, "4"+text)
	}
}

func TestLargeBacklogComesInSeveralPolls(t *testing.T) {
	p := serve(t, &Options{MaxPayload: 1000}).poller()
	for range 5 {
		assert.NoError(t, p.session.Send(TextMessage(strings.Repeat("x", 400))))
	}
	for _, n := range []int{2, 2, 1} {
		a := p.get()
		assert.Equal(t, strings.Count(a.body, "4x"), n)
	}
}

func TestPost(t *testing.T) {
	for _, c := range []struct {
		name, body string
		want       []message
	}{
		{"one packet", "4hello", []message{{"hello", false}}},
		{"empty message", "4", []message{{"", false}}},
		{"several", "4test1\x1e4test2\x1e4test3", []message{{"test1", false}, {"test2", false}, {"test3", false}}},
		{"text and binary", "4hello\x1ebAQIDBA==", []message{{"hello", false}, {"\x01\x02\x03\x04", true}}},
		{"UTF-8", "4€", []message{{"€", false}}},
		{"packets without meaning here", "6\x1e0\x1e5\x1e4a", []message{{"a", false}}},
		{"pong that nobody asked for", "3\x1e4a", []message{{"a", false}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := serve(t, nil).poller()
			a := p.post(c.body)
			assert.Equal(t, a.status, 200)
			assert.Equal(t, a.body, "ok")
			assert.Equal(t, a.header.Get("Content-Type"), "text/html")
			assert.Equal(t, a.header.Get("Content-Length"), "2")
			// The answer comes after the packets were handled.
			assert.Equal(t, len(p.messages), len(c.want))
			for _, want := range c.want {
				got := assert.Receive(t, p.messages)
				assert.Equal(t, got.data, want.data)
				assert.Equal(t, got.binary, want.binary)
			}
			p.expectOpen(t)
		})
	}
}

func TestPostThatEndsTheSession(t *testing.T) {
	for _, c := range []struct {
		name, body, contentType string
		status                  int
		reason                  Reason
		err                     error
		poll                    string // what a pending poll is answered
		delivered               int
	}{
		{"undecodable packet", "abc", "", 400, ParseError, nil, "1", 0},
		{"undecodable packet after a good one", "4a\x1eabc\x1e4b", "", 400, ParseError, nil, "1", 1},
		{"empty body", "", "", 400, ParseError, nil, "1", 0},
		{"text that is not UTF-8", "4\xff", "", 400, ParseError, nil, "1", 0},
		{"ping", "2", "", 400, TransportError, ErrHeartbeatDirection, "1", 0},
		{"octet-stream", "4a", "application/octet-stream", 400, TransportError, ErrInvalidContent, "1", 0},
		{"close", "1", "", 200, TransportClose, nil, "6", 0},
		{"close between messages", "4a\x1e1\x1e4b", "", 200, TransportClose, nil, "6", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := serve(t, nil).poller()
			pending := p.pending()
			a := p.post(c.body, "Content-Type", c.contentType)
			assert.Equal(t, a.status, c.status)
			if c.status == 200 {
				assert.Equal(t, a.body, "ok")
			} else {
				assert.Equal(t, a.body, "")
			}
			err := p.expectClosed(t, c.reason)
			if c.err != nil {
				assert.ErrorIs(t, err, c.err)
			}
			poll := assert.Receive(t, pending)
			assert.Equal(t, poll.status, 200)
			assert.Equal(t, poll.body, c.poll)
			assert.Equal(t, len(p.messages), c.delivered)
			p.expectUnknown(t)
		})
	}
}

// Without a poll at that moment the close packet waits a little for one.
func TestCloseFromTheClientWithoutAPoll(t *testing.T) {
	p := serve(t, nil).poller()
	a := p.post("1")
	assert.Equal(t, a.body, "ok")
	p.expectClosed(t, TransportClose)
	p.expectUnknown(t)
}

func TestOverlappingPolls(t *testing.T) {
	p := serve(t, nil).poller()
	first := p.pending()
	second := p.get()
	assert.Equal(t, second.status, 400)
	assert.Equal(t, second.body, "")
	a := assert.Receive(t, first)
	assert.Equal(t, a.status, 200)
	assert.Equal(t, a.body, "1")
	assert.ErrorIs(t, p.expectClosed(t, TransportError), ErrOverlap)
	p.expectUnknown(t)
}

func TestOverlappingPosts(t *testing.T) {
	p := serve(t, nil).poller()
	body, feed := io.Pipe()
	first := make(chan int, 1)
	go func() {
		resp, err := p.client.Post(p.url, "text/plain", body)
		if err != nil {
			first <- 0 // cut off while sending
			return
		}
		_ = resp.Body.Close()
		first <- resp.StatusCode
	}()
	_, _ = feed.Write([]byte("4a"))
	assert.Eventually(t, func() bool {
		p.session.mu.Lock()
		defer p.session.mu.Unlock()
		return p.session.polling.post != nil
	})
	a := p.post("4b")
	assert.Equal(t, a.status, 400)
	assert.Equal(t, a.body, "")
	assert.ErrorIs(t, p.expectClosed(t, TransportError), ErrOverlap)
	status := assert.Receive(t, first) // released, although its body never ends
	assert.True(t, status == 400 || status == 0, "status %d", status)
	_ = feed.Close()
	p.expectUnknown(t)
	assert.Equal(t, len(p.messages), 0)
}

func TestOversizedPost(t *testing.T) {
	told := &log[[2]int64]{}
	h := serve(t, &Options{MaxPayload: 100, Hooks: Hooks{
		Oversized: func(_ *Session, size, limit int64) { told.add([2]int64{size, limit}) },
	}})
	p := h.poller()
	assert.Equal(t, p.open.MaxPayload, 100)
	assert.Equal(t, p.post("4"+strings.Repeat("x", 99)).status, 200, "exactly the limit")
	p.expect(t, strings.Repeat("x", 99))

	a := p.post("4" + strings.Repeat("x", 100))
	assert.Equal(t, a.status, 413)
	assert.Equal(t, a.body, `{"code":3,"message":"Payload too large"}`)
	assert.Equal(t, a.header.Get("Content-Type"), "application/json")

	// Of a body without a length as much is read as shows that it is too long.
	req, err := http.NewRequest("POST", p.url, io.MultiReader(strings.NewReader("4"), strings.NewReader(strings.Repeat("x", 100))))
	assert.NoError(t, err)
	resp, err := p.client.Do(req)
	assert.NoError(t, err)
	_ = resp.Body.Close()
	assert.Equal(t, resp.StatusCode, 413)
	assert.Equal(t, told.all()[0], [2]int64{101, 100})
	assert.Equal(t, told.all()[1], [2]int64{0, 100})

	p.expectOpen(t)
	assert.Equal(t, p.post("4still here").status, 200)
	p.expect(t, "still here")
}

func TestDroppedPoll(t *testing.T) {
	p := serve(t, nil).poller()
	ctx, cancel := context.WithCancel(t.Context())
	req, err := http.NewRequestWithContext(ctx, "GET", p.url, nil)
	assert.NoError(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, err := p.client.Do(req)
		assert.True(t, errors.Is(err, context.Canceled))
	}()
	p.awaitPending(t)
	cancel()
	assert.ErrorIs(t, p.expectClosed(t, TransportError), ErrPollDropped)
	<-done
	p.expectUnknown(t)
}

func TestDroppedPost(t *testing.T) {
	p := serve(t, nil).poller()
	c := dial(t, p.host)
	c.write("POST /?EIO=4&transport=polling&sid=" + p.sid + " HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n4abc")
	assert.Eventually(t, func() bool {
		p.session.mu.Lock()
		defer p.session.mu.Unlock()
		return p.session.polling.post != nil
	})
	c.close()
	assert.ErrorIs(t, p.expectClosed(t, TransportError), ErrPostDropped)
	assert.Equal(t, len(p.messages), 0)
	p.expectUnknown(t)
}

func TestInitialPacket(t *testing.T) {
	h := serve(t, &Options{InitialPacket: []byte("welcome")})
	a := h.request("GET", h.url+"&transport=polling", "")
	open, message, _ := strings.Cut(a.body, "\x1e")
	assert.Equal(t, parseOpen(t, open).SID, assert.Receive(t, h.peers).session.ID())
	assert.Equal(t, message, "4welcome")
	c, _ := h.websocket(t)
	c.Expect(t, "4welcome")
}

func TestMessagesSentByAcceptFollowTheOpenPacket(t *testing.T) {
	h := serve(t, nil)
	h.engine.accept = func(s *Session) Receiver {
		p := &peer{session: s, messages: make(chan message, 10), closed: make(chan end, 2)}
		assert.NoError(t, s.Send(TextMessage("a")))
		assert.NoError(t, s.Queue(TextMessage("b")))
		h.peers <- p
		return p
	}
	p := h.poller()
	p.expectPoll(t, "4a\x1e4b")
	c, _ := h.websocket(t)
	c.Expect(t, "4a")
	c.Expect(t, "4b")
}

func TestCookie(t *testing.T) {
	for _, c := range []struct {
		name   string
		cookie Cookie
		want   string
	}{
		{"default", Cookie{}, "io=SID; Path=/; HttpOnly; SameSite=Lax"},
		{"all changed", Cookie{Name: "s", Path: "/x", Readable: true, Secure: true, SameSite: http.SameSiteStrictMode, MaxAge: 1e10}, "s=SID; Path=/x; Max-Age=10; Secure; SameSite=Strict"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := serve(t, &Options{Cookie: &c.cookie})
			a := h.request("GET", h.url+"&transport=polling", "")
			p := assert.Receive(t, h.peers)
			assert.Equal(t, a.header.Values("Set-Cookie"), []string{strings.Replace(c.want, "SID", p.session.ID(), 1)})
			assert.NoError(t, p.session.Send(TextMessage("x")))
			a = h.request("GET", h.url+"&transport=polling&sid="+p.session.ID(), "")
			assert.Equal(t, len(a.header.Values("Set-Cookie")), 0, "first answer only")
		})
	}
}

func TestHeadersHook(t *testing.T) {
	h := serve(t, &Options{Hooks: Hooks{Headers: func(h http.Header, _ *http.Request, first bool) {
		h.Set("X-Every", "yes")
		if first {
			h.Set("X-First", "yes")
		}
	}}})
	check := func(h http.Header, first string, about string) {
		t.Helper()
		assert.Equal(t, h.Get("X-Every"), "yes", about)
		assert.Equal(t, h.Get("X-First"), first, about)
	}
	a := h.request("GET", h.url+"&transport=polling", "")
	check(a.header, "yes", "handshake")
	p := assert.Receive(t, h.peers)
	url := h.url + "&transport=polling&sid=" + p.session.ID()
	check(h.request("POST", url, "4a").header, "", "post")
	assert.NoError(t, p.session.Send(TextMessage("x")))
	check(h.request("GET", url, "").header, "", "poll")
	resp := dialResponse(t, h.url+"&transport=websocket")
	check(resp.Header, "yes", "WebSocket handshake")
	resp = dialResponse(t, h.url+"&transport=websocket&sid="+p.session.ID())
	check(resp.Header, "", "upgrade")
	a = h.request("GET", h.url+"&transport=x", "")
	assert.Equal(t, a.header.Get("X-Every"), "", "refusals are not told")
}

func TestHeaderForOldInternetExplorer(t *testing.T) {
	h := serve(t, nil)
	for agent, want := range map[string]string{
		"Mozilla/4.0 (compatible;MSIE 8.0)": "0", "Mozilla/5.0 (Windows NT 6.1; Trident/7.0)": "0", "Mozilla/5.0": "",
	} {
		a := h.request("GET", h.url+"&transport=polling", "", "User-Agent", agent)
		assert.Equal(t, a.header.Get("X-XSS-Protection"), want, agent)
	}
}

func TestCompression(t *testing.T) {
	long := strings.Repeat("long ", 400)
	plain := TextMessage(long)
	plain.NoCompress = true
	for _, c := range []struct {
		name, accept string
		o            Options
		message      *Message
		want         string
	}{
		{"gzip", "gzip", Options{}, TextMessage(long), "gzip"},
		{"deflate", "deflate", Options{}, TextMessage(long), "deflate"},
		{"both", "deflate, gzip", Options{}, TextMessage(long), "gzip"},
		{"by weight", "gzip;q=0.5, deflate;q=0.8", Options{}, TextMessage(long), "deflate"},
		{"gzip refused", "gzip;q=0, deflate", Options{}, TextMessage(long), "deflate"},
		{"anything", "*", Options{}, TextMessage(long), "gzip"},
		{"anything but gzip", "*, gzip;q=0", Options{}, TextMessage(long), "deflate"},
		{"nothing known", "br", Options{}, TextMessage(long), ""},
		{"nothing accepted", "", Options{}, TextMessage(long), ""},
		{"below the threshold", "gzip", Options{}, TextMessage("short"), ""},
		{"threshold changed", "gzip", Options{CompressionThreshold: 3}, TextMessage("short"), "gzip"},
		{"switched off", "gzip", Options{CompressionThreshold: -1}, TextMessage(long), ""},
		{"message that says no", "gzip", Options{}, plain, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := serve(t, &c.o).poller()
			assert.NoError(t, p.session.Send(c.message))
			a := p.get("Accept-Encoding", c.accept)
			assert.Equal(t, a.header.Get("Content-Encoding"), c.want)
			var r io.Reader = strings.NewReader(a.body)
			var err error
			switch c.want {
			case "gzip":
				r, err = gzip.NewReader(r)
			case "deflate":
				r, err = zlib.NewReader(r)
			}
			assert.NoError(t, err)
			body, err := io.ReadAll(r)
			assert.NoError(t, err)
			assert.Equal(t, string(body), string(c.message.appendPayload(nil)))
		})
	}
}

func TestCompressedAnswersDoNotShareMemory(t *testing.T) {
	p := serve(t, nil).poller()
	for i := range 20 {
		want := bytes.Repeat([]byte{byte('a' + i)}, 3000)
		assert.NoError(t, p.session.Send(TextMessage(string(want))))
		a := p.get("Accept-Encoding", "gzip")
		r, err := gzip.NewReader(strings.NewReader(a.body))
		assert.NoError(t, err)
		got, err := io.ReadAll(r)
		assert.NoError(t, err)
		assert.Equal(t, string(got), "4"+string(want))
	}
}

// Messages of a large body do not share its memory.
func TestManySmallMessagesInOnePost(t *testing.T) {
	p := serve(t, nil).poller()
	kept := make(chan int, 2000)
	p.onMessage = func(data []byte, _ bool) { kept <- cap(data) }
	p.messages = make(chan message, 2000)
	assert.Equal(t, p.post(strings.Repeat("4hello\x1e", 1999)+"4hello").status, 200)
	for range 2000 {
		p.expect(t, "hello")
		assert.True(t, assert.Receive(t, kept) < 64)
	}
}

// A session is not found before its client can know it.
func TestPollOfASessionThatIsBeingMade(t *testing.T) {
	h := serve(t, &Options{GenerateID: func(*http.Request) (string, error) { return "guessed", nil }})
	accept, entered, proceed := h.engine.accept, make(chan struct{}), make(chan struct{})
	h.engine.accept = func(s *Session) Receiver {
		close(entered)
		<-proceed
		return accept(s)
	}
	opened := make(chan answer, 1)
	go func() { a, _ := h.do("GET", h.url+"&transport=polling", ""); opened <- a }()
	<-entered
	a := h.request("GET", h.url+"&transport=polling&sid=guessed", "")
	assert.Equal(t, a.body, `{"code":1,"message":"Session ID unknown"}`)
	close(proceed)
	assert.Equal(t, assert.Receive(t, opened).status, 200)
}

// A GET has no use for a body, and does not wait for one.
func TestPollWithABody(t *testing.T) {
	p := serve(t, nil).poller()
	assert.NoError(t, p.session.Send(TextMessage("x")))
	a := p.request("GET", p.url, "4ignored")
	assert.Equal(t, a.body, "4x")
	assert.Equal(t, len(p.messages), 0)
	p.expectOpen(t)
}
