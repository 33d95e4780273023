package engineio

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/wstest"
)

// host is a server under test, listening on loopback, with the sessions it accepted.
type host struct {
	t      testing.TB
	engine *Server
	http   *httptest.Server
	client *http.Client
	url    string
	peers  chan *peer
	dial   func() (net.Conn, error)
}

// peer is the receiver of one session: it notes what it gets.
type peer struct {
	session   *Session
	messages  chan message
	closed    chan end
	onMessage func(data []byte, binary bool)
}

type message struct {
	data   string
	binary bool
}

type end struct {
	reason Reason
	err    error
}

func (p *peer) Message(data []byte, binary bool) Work {
	if p.onMessage != nil {
		p.onMessage(data, binary)
	}
	p.messages <- message{string(data), binary}
	return nil
}

func (p *peer) Closed(reason Reason, err error) { p.closed <- end{reason, err} }

// expectClosed waits for the end of the session.
func (p *peer) expectClosed(t testing.TB, reason Reason) error {
	t.Helper()
	e := assert.Receive(t, p.closed, "the session ends with %q", reason)
	assert.Equal(t, e.reason, reason)
	return e.err
}

func (p *peer) expectOpen(t testing.TB) {
	t.Helper()
	select {
	case e := <-p.closed:
		t.Fatalf("the session has ended: %q, %v", e.reason, e.err)
	default:
	}
}

func (p *peer) expect(t testing.TB, data string) {
	t.Helper()
	assert.Equal(t, assert.Receive(t, p.messages, "message %q", data).data, data)
}

// serve starts a server that notes what its sessions get.
func serve(t testing.TB, o *Options) *host { return serveOn(t, o, nil, nil) }

// serveOn is serve with a chance to change the http.Server, and to wrap the handler.
func serveOn(t testing.TB, o *Options, configure func(*httptest.Server), wrap func(http.Handler) http.Handler) *host {
	t.Helper()
	h := &host{t: t, peers: make(chan *peer, 10_000)}
	h.engine = NewServer(func(s *Session) Receiver {
		p := &peer{session: s, messages: make(chan message, 500), closed: make(chan end, 2)}
		h.peers <- p
		return p
	}, o)
	var handler http.Handler = h.engine
	if wrap != nil {
		handler = wrap(handler)
	}
	h.http = httptest.NewUnstartedServer(handler)
	if configure != nil {
		configure(h.http)
	}
	if h.http.EnableHTTP2 {
		h.http.StartTLS()
	} else {
		h.http.Start()
	}
	h.client = h.http.Client()
	h.client.Transport.(*http.Transport).DisableCompression = true
	h.url = h.http.URL + "/engine.io/?EIO=4"
	h.dial = func() (net.Conn, error) {
		a := h.http.Listener.Addr()
		return net.Dial(a.Network(), a.String())
	}
	t.Cleanup(h.stop)
	return h
}

// stop ends everything and checks that nothing is left. It may be called twice.
func (h *host) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	assert.NoError(h.t, h.engine.Shutdown(ctx), "shutdown")
	h.client.CloseIdleConnections()
	h.http.Close()
	h.engine.limits.mu.Lock()
	defer h.engine.limits.mu.Unlock()
	assert.Equal(h.t, h.engine.limits.count, 0, "sessions still counted")
	assert.Equal(h.t, len(h.engine.limits.addresses), 0, "addresses still counted")
}

// answer is an HTTP answer, read to its end.
type answer struct {
	status int
	body   string
	header http.Header
}

func (h *host) do(method, url, body string, header ...string) (answer, error) {
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	for i := 0; i < len(header); i += 2 {
		if header[i] == "Host" {
			req.Host = header[i+1]
		} else {
			req.Header.Set(header[i], header[i+1])
		}
	}
	resp, err := h.client.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return answer{resp.StatusCode, string(b), resp.Header}, err
}

func (h *host) request(method, url, body string, header ...string) answer {
	h.t.Helper()
	a, err := h.do(method, url, body, header...)
	assert.NoError(h.t, err)
	return a
}

// poller is a polling client.
type poller struct {
	*host
	*peer
	url  string
	sid  string
	open openData
}

type openData struct {
	SID          string   `json:"sid"`
	Upgrades     []string `json:"upgrades"`
	PingInterval int      `json:"pingInterval"`
	PingTimeout  int      `json:"pingTimeout"`
	MaxPayload   int      `json:"maxPayload"`
}

func (h *host) poller(header ...string) *poller {
	h.t.Helper()
	a := h.request("GET", h.url+"&transport=polling", "", header...)
	assert.Equal(h.t, a.status, 200)
	first, _, _ := strings.Cut(a.body, "\x1e")
	p := &poller{host: h, open: parseOpen(h.t, first)}
	p.sid = p.open.SID
	p.peer = h.peer(p.sid)
	p.url = h.url + "&transport=polling&sid=" + p.sid
	return p
}

func parseOpen(t testing.TB, text string) (o openData) {
	t.Helper()
	if !strings.HasPrefix(text, "0") {
		t.Fatalf("want an open packet, got %q", text)
	}
	assert.NoError(t, json.Unmarshal([]byte(text[1:]), &o))
	return o
}

func (p *poller) get(header ...string) answer {
	p.host.t.Helper()
	return p.request("GET", p.url, "", header...)
}
func (p *poller) post(body string, header ...string) answer {
	p.host.t.Helper()
	return p.request("POST", p.url, body, header...)
}

func (p *poller) expectPoll(t testing.TB, body string) {
	t.Helper()
	a := p.get()
	assert.Equal(t, a.status, 200)
	assert.Equal(t, a.body, body)
}

// expectUnknown checks that the server does not know the session any more.
func (p *poller) expectUnknown(t testing.TB) {
	t.Helper()
	a := p.get()
	assert.Equal(t, a.status, 400)
	assert.Equal(t, a.body, `{"code":1,"message":"Session ID unknown"}`)
}

// pending starts a poll and returns when the server holds it.
func (p *poller) pending(header ...string) <-chan answer {
	p.host.t.Helper()
	answers := make(chan answer, 1)
	go func() {
		a, err := p.do("GET", p.url, "", header...)
		if err != nil {
			a.body = err.Error()
		}
		answers <- a
	}()
	p.awaitPending(p.host.t)
	return answers
}

func (p *poller) awaitPending(t testing.TB) {
	t.Helper()
	assert.Eventually(t, func() bool {
		s := p.session
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.polling != nil && s.polling.waiting != nil
	}, "the poll is pending")
}

// candidate offers an upgrade.
func (p *poller) candidate(t testing.TB) *wstest.Conn {
	t.Helper()
	return p.host.dialWebSocket(t, "&transport=websocket&sid="+p.sid)
}

// upgraded is a client that has moved to WebSocket.
func (p *poller) upgrade(t testing.TB) *wstest.Conn {
	t.Helper()
	c := p.candidate(t)
	assert.NoError(t, c.SendText("2probe"))
	c.Expect(t, "3probe")
	assert.NoError(t, c.SendText("5"))
	assert.Eventually(t, p.session.Upgraded)
	return c
}

// websocket is a client that began on WebSocket.
func (h *host) websocket(t testing.TB) (*wstest.Conn, *peer) {
	t.Helper()
	c := h.dialWebSocket(t, "&transport=websocket")
	return c, h.peer(parseOpen(t, c.Next(t)).SID)
}

// peer returns the receiver of a session, and forgets those accepted before it.
func (h *host) peer(sid string) *peer {
	h.t.Helper()
	for {
		if p := assert.Receive(h.t, h.peers); p.session.ID() == sid {
			return p
		}
	}
}

// log collects what hooks are told.
type log[T any] struct {
	mu    sync.Mutex
	items []T
}

func (l *log[T]) add(item T) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.items = append(l.items, item)
}

func (l *log[T]) all() []T {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]T(nil), l.items...)
}
