package client_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"github.com/kachi-io/kachi/client"
	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/socketio"
)

// speak is a WebSocket server: say is called for each message of the n-th connection, with
// "" at its beginning, and returns what to answer. "close" closes the connection.
func speak(t *testing.T, say func(n int, text string) []string) string {
	t.Helper()
	var connections atomic.Int32
	host := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer conn.CloseNow()
		n := int(connections.Add(1))
		for text := ""; ; {
			for _, answer := range say(n, text) {
				if answer == "close" {
					return
				}
				if conn.Write(r.Context(), websocket.MessageText, []byte(answer)) != nil {
					return
				}
			}
			_, data, err := conn.Read(r.Context())
			if err != nil {
				return
			}
			text = string(data)
		}
	}))
	t.Cleanup(host.Close)
	return host.URL
}

func overWebSocket() *client.Options {
	return &client.Options{Transports: []client.Transport{client.WebSocket}, ReconnectionDelay: time.Millisecond}
}

func TestWaitingForRoomEndsWithTheClient(t *testing.T) {
	for name, end := range map[string]func(*client.Client) error{"Close": (*client.Client).Close, "CloseNow": (*client.Client).CloseNow} {
		for _, retries := range []int{0, 1} {
			t.Run(name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					c, err := client.New("http://127.0.0.1:1", &client.Options{MaxQueuedMessages: 1, Socket: client.SocketOptions{Retries: retries}})
					assert.NoError(t, err)
					s := c.Of("/", nil)
					assert.NoError(t, s.Emit("first"))
					waited := make(chan error, 1)
					go func() { waited <- s.EmitContext(context.Background(), "second") }()
					synctest.Wait() // it waits
					assert.NoError(t, end(c))
					assert.ErrorIs(t, assert.Receive(t, waited), client.ErrClosed)
				})
			})
		}
	}
}

// What is called with a context that has ended sends nothing.
func TestContextThatHasEnded(t *testing.T) {
	c, err := client.New("http://127.0.0.1:1", &client.Options{MaxQueuedMessages: 1})
	assert.NoError(t, err)
	defer c.Close()
	s := c.Of("/", nil)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	assert.ErrorIs(t, s.EmitContext(ctx, "event"), context.Canceled)
	_, err = s.Ask(ctx, "event")
	assert.ErrorIs(t, err, context.Canceled)
	assert.NoError(t, s.Emit("event")) // there is room
}

// Programs put tracing, say, in the place of http.DefaultTransport.
func TestAnotherDefaultTransport(t *testing.T) {
	before := http.DefaultTransport
	defer func() { http.DefaultTransport = before }()
	http.DefaultTransport = struct{ http.RoundTripper }{before}
	srv := socketio.NewServer(nil)
	host := httptest.NewServer(srv)
	defer host.Close()
	defer srv.Shutdown(context.Background())
	assert.NoError(t, try(t, host.URL, client.Options{}))
}

// A redirected POST becomes a GET, and what was in it would be lost without anybody's
// knowledge; so redirects are told of, and not followed.
func TestRedirects(t *testing.T) {
	srv := socketio.NewServer(nil)
	host := httptest.NewServer(srv)
	defer host.Close()
	defer srv.Shutdown(context.Background())
	from := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, host.URL+r.URL.Path+"?token=secret", http.StatusMovedPermanently)
	}))
	defer from.Close()
	for name, transports := range ways {
		for _, o := range []client.Options{{}, {HTTPClient: &http.Client{Transport: http.DefaultTransport}}} {
			o.Transports = transports
			err := assert.ErrorAs[*client.TransportError](t, try(t, from.URL, o), name)
			assert.Equal(t, err.Code, client.CodeRedirected, err.Error())
			assert.Equal(t, err.Status, http.StatusMovedPermanently)
			assert.Equal(t, err.ServerMessage, host.URL+"/socket.io/")
		}
	}

	posts := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			http.Redirect(w, r, r.URL.Path, http.StatusFound)
			return
		}
		srv.ServeHTTP(w, r)
	}))
	defer posts.Close()
	err := assert.ErrorAs[*client.TransportError](t, try(t, posts.URL, client.Options{Transports: []client.Transport{client.Polling}}))
	assert.Equal(t, err.Code, client.CodeRedirected, err.Error())
}

func TestProxiesThatFail(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	assert.NoError(t, err)
	gone := "http://" + l.Addr().String()
	l.Close()
	for _, test := range []struct {
		name   string
		status int
		code   client.Code
	}{
		{"nobody there", 0, client.CodeUnreachable},
		{"credentials", 407, client.CodeUnauthorized},
		{"forbidden", 403, client.CodeForbidden},
		{"no way", 502, client.CodeUnavailable},
	} {
		t.Run(test.name, func(t *testing.T) {
			address := gone
			if test.status != 0 {
				host := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(test.status) }))
				defer host.Close()
				address = host.URL
			}
			for _, scheme := range []string{"http", "https"} {
				for name, transports := range ways {
					o := client.Options{Transports: transports, Proxy: func(*http.Request) (*url.URL, error) { return url.Parse(address) }}
					err := assert.ErrorAs[*client.TransportError](t, try(t, scheme+"://server.example/?token=secret", o), name)
					assert.Equal(t, err.Code, test.code, err.Error())
					assert.Equal(t, err.Status, test.status)
					assert.Equal(t, err.Transport, transports[0])
					assert.True(t, strings.Contains(err.URL, "server.example") && !strings.Contains(err.Error(), "secret"), err.Error())
				}
			}
		})
	}
}

// An event is answered in the stay in the namespace that it came in, and in no later one,
// whose own questions may have the same numbers.
func TestAnsweringInALaterStay(t *testing.T) {
	stays := 0
	link := speak(t, func(_ int, text string) []string {
		switch {
		case text == "":
			return []string{open}
		case text == "40":
			stays++
			if stays == 1 {
				return []string{`40{"sid":"a"}`, `421["question"]`}
			}
			return []string{`40{"sid":"b"}`}
		case strings.HasPrefix(text, "40/other"):
			return []string{`40/other,{"sid":"o"}`}
		case text == `42["leave me"]`:
			return []string{"41"}
		}
		return nil
	})
	c, err := client.New(link, overWebSocket())
	assert.NoError(t, err)
	defer c.Close()
	assert.NoError(t, c.Of("/other", nil).Connect(within(t)))
	s := c.Of("/", nil)
	w := watch(s)
	events := make(chan *client.Event, 10)
	s.On("question", func(_ context.Context, e *client.Event) { events <- e })
	for _, leave := range []func(){s.Disconnect, func() { assert.NoError(t, s.Emit("leave me")) }} {
		stays = 0
		assert.NoError(t, s.Connect(within(t)))
		e := assert.Receive(t, events)
		leave()
		assert.Receive(t, w.disconnected)
		assert.NoError(t, s.Connect(within(t)))
		assert.ErrorIs(t, e.Ack("late"), client.ErrDisconnected)
		s.Disconnect()
		assert.Receive(t, w.disconnected)
	}
}

// The position of an event counts in the session in which it came.
func TestPositionsOfAnEarlierSession(t *testing.T) {
	link := speak(t, func(n int, text string) []string {
		switch {
		case text == "":
			return []string{open}
		case strings.HasPrefix(text, "40") && n == 1:
			return []string{`40{"sid":"a","pid":"first"}`, `42["event",1,"position"]`, "close"}
		case strings.HasPrefix(text, "40"):
			return []string{`40{"sid":"b","pid":"second"}`, `42["event",2]`}
		}
		return nil
	})
	c, err := client.New(link, overWebSocket())
	assert.NoError(t, err)
	defer c.Close()
	s := c.Of("/", nil)
	w := watch(s)
	goOn, handled := make(chan struct{}), make(chan int, 10)
	client.On(s, "event", func(_ context.Context, i int) {
		<-goOn
		handled <- i
	})
	assert.NoError(t, s.Connect(within(t)))
	assert.Eventually(t, func() bool { return s.ID() == "b" })
	close(goOn)
	assert.Equal(t, assert.Receive(t, handled), 1)
	assert.Equal(t, assert.Receive(t, w.disconnected), client.TransportClose)
	assert.Equal(t, assert.Receive(t, handled), 2)
	session, ok := s.Session()
	assert.True(t, ok)
	assert.Equal(t, session, client.Session{ID: "second"})
}

func TestHeartbeatsThatCannotBe(t *testing.T) {
	for _, beat := range []string{
		``, `,"pingInterval":25000`, `,"pingInterval":0,"pingTimeout":0`, `,"pingInterval":-1,"pingTimeout":20000`,
		`,"pingInterval":25000,"pingTimeout":1e300`, `,"pingInterval":"25000","pingTimeout":20000`,
	} {
		link := script(t, `0{"sid":"s","upgrades":[]`+beat+`}`, `40{"sid":"id"}`)
		err := assert.ErrorAs[*client.TransportError](t, try(t, link, *overWebSocket()), beat)
		assert.Equal(t, err.Code, client.CodeParse, beat)
	}
	link := script(t, `0{"sid":"s","upgrades":[],"pingInterval":25000.5,"pingTimeout":20000,"maxPayload":1e20}`, `40{"sid":"id"}`)
	assert.NoError(t, try(t, link, *overWebSocket()))
}

// A namespace that does not answer beside one that has is told of, and waited for.
func TestNamespaceThatIsLate(t *testing.T) {
	link := speak(t, func(_ int, text string) []string {
		switch text {
		case "":
			return []string{open}
		case "40":
			return []string{`40{"sid":"a"}`}
		case `42["now"]`:
			return []string{`40/late,{"sid":"b"}`}
		}
		return nil
	})
	o := overWebSocket()
	o.Timeout = 100 * time.Millisecond
	c, err := client.New(link, o)
	assert.NoError(t, err)
	defer c.Close()
	s, late := c.Of("/", nil), c.Of("/late", nil)
	w, wLate := watch(s), watch(late)
	assert.NoError(t, s.Connect(within(t)))
	err = late.Connect(within(t))
	assert.Equal(t, assert.ErrorAs[*client.TransportError](t, err).Code, client.CodeTimeout)
	assert.ErrorIs(t, err, client.ErrNoAnswer)
	assert.Equal(t, assert.ErrorAs[*client.TransportError](t, assert.Receive(t, wLate.failed)).Code, client.CodeTimeout)
	assert.NoError(t, s.Emit("now"))
	assert.NoError(t, late.Wait(within(t)))
	assert.Equal(t, len(w.disconnected), 0)
}

// A server, or something in between, that takes nothing is found out although its pings
// come.
func TestServerThatTakesNothing(t *testing.T) {
	done := make(chan struct{})
	connected := make(chan struct{})
	var begun atomic.Bool
	beat := time.NewTicker(10 * time.Millisecond)
	defer beat.Stop()
	host := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == http.MethodPost:
			body, _ := io.ReadAll(r.Body)
			if string(body) == "40" {
				close(connected)
				io.WriteString(w, "ok")
				return
			}
			select {
			case <-done:
			case <-r.Context().Done():
			}
		case r.URL.Query().Get("sid") == "":
			io.WriteString(w, `0{"sid":"s","upgrades":[],"pingInterval":20,"pingTimeout":100}`)
		case !begun.Swap(true):
			<-connected
			io.WriteString(w, `40{"sid":"id"}`)
		default:
			<-beat.C
			io.WriteString(w, "2")
		}
	}))
	defer host.Close()
	defer close(done)
	c, err := client.New(host.URL, &client.Options{Transports: []client.Transport{client.Polling}, DisableReconnection: true})
	assert.NoError(t, err)
	defer c.Close()
	s := c.Of("/", nil)
	ends := make(chan error, 1)
	s.OnDisconnect(func(_ context.Context, _ client.Reason, err error) { ends <- err })
	assert.NoError(t, s.Connect(within(t)))
	assert.Equal(t, assert.ErrorAs[*client.TransportError](t, assert.Receive(t, ends)).Code, client.CodeTimeout)
}
