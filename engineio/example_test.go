package engineio_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"time"

	"github.com/kachi-io/kachi/engineio"
)

// echo sends back what it gets.
type echo struct{ session *engineio.Session }

func (e echo) Message(data []byte, binary bool) engineio.Work {
	m := engineio.BinaryMessage(data)
	if !binary {
		m = engineio.TextMessage(string(data))
	}
	_ = e.session.Send(m) // Closed tells of a client that is gone
	return nil
}

func (e echo) Closed(reason engineio.Reason, err error) { fmt.Println("closed:", reason) }

// A server that echoes, and a client that speaks the protocol by hand.
func Example() {
	engine := engineio.NewServer(func(s *engineio.Session) engineio.Receiver { return echo{s} }, nil)
	mux := http.NewServeMux()
	mux.Handle("/engine.io/", engine)
	host := httptest.NewServer(mux)
	defer host.Close()

	url := host.URL + "/engine.io/?EIO=4&transport=polling"
	open := get(url)
	url += "&sid=" + strings.Split(open, `"`)[3]
	fmt.Println(post(url, "4hello"))
	fmt.Println(get(url))
	_ = engine.Shutdown(context.Background())
	// Output:
	// ok
	// 4hello
	// closed: server shutting down
}

// Handshakes can be refused, and a session can carry what was found out about its client.
func ExampleOptions() {
	type user struct{}
	engine := engineio.NewServer(func(s *engineio.Session) engineio.Receiver {
		fmt.Println("welcome,", s.Context().Value(user{}))
		return echo{s}
	}, &engineio.Options{
		AllowedOrigins: []string{"https://app.example.com"},
		MaxConnections: 10_000,
		MaxPerAddress:  50,
		AllowRequest: func(r *http.Request) error {
			if r.URL.Query().Get("token") != "s3cret" {
				return errors.New("who are you?")
			}
			return nil
		},
		ConnContext: func(ctx context.Context, r *http.Request) context.Context {
			return context.WithValue(ctx, user{}, r.URL.Query().Get("name"))
		},
	})
	host := httptest.NewServer(engine)
	defer host.Close()

	fmt.Println(get(host.URL + "/?EIO=4&transport=polling"))
	get(host.URL + "/?EIO=4&transport=polling&token=s3cret&name=Ann")
	_ = engine.Shutdown(context.Background())
	// Output:
	// {"code":4,"message":"who are you?"}
	// welcome, Ann
	// closed: server shutting down
}

// A broadcast makes one Message and queues it for all: it is encoded once, and the writes
// happen elsewhere.
func ExampleSession_Queue() {
	var mu sync.Mutex
	var all []*engineio.Session
	engine := engineio.NewServer(func(s *engineio.Session) engineio.Receiver {
		mu.Lock()
		defer mu.Unlock()
		all = append(all, s)
		return quiet{}
	}, nil)
	host := httptest.NewServer(engine)
	defer host.Close()
	url := host.URL + "/?EIO=4&transport=polling"
	first, second := get(url), get(url)

	news := engineio.TextMessage("news")
	news.Volatile = true // may be dropped where a client is slow
	mu.Lock()
	for _, s := range all {
		_ = s.Queue(news) // allowed under a lock: it only touches memory
	}
	mu.Unlock()

	for _, open := range []string{first, second} {
		fmt.Println(get(url + "&sid=" + strings.Split(open, `"`)[3]))
	}
	_ = engine.Shutdown(context.Background())
	// Output:
	// 4news
	// 4news
}

// The engine is shut down before the http.Server, which would wait for open polls.
func ExampleServer_Shutdown() {
	engine := engineio.NewServer(func(s *engineio.Session) engineio.Receiver { return echo{s} }, nil)
	host := &http.Server{Handler: engine}
	// … host.ListenAndServe, and then:
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	fmt.Println(errors.Join(engine.Shutdown(ctx), host.Shutdown(ctx)))
	// Output: <nil>
}

// Hooks observe a server, here to count what was refused.
func ExampleHooks() {
	engine := engineio.NewServer(func(s *engineio.Session) engineio.Receiver { return quiet{} }, &engineio.Options{
		Hooks: engineio.Hooks{
			Refused: func(r engineio.Refusal) { fmt.Println("refused:", r.Code, r.Message) },
		},
	})
	host := httptest.NewServer(engine)
	defer host.Close()
	get(host.URL + "/?EIO=3&transport=polling")
	// Output: refused: 5 Unsupported protocol version
}

type quiet struct{}

func (quiet) Message([]byte, bool) engineio.Work { return nil }
func (quiet) Closed(engineio.Reason, error)      {}

func get(url string) string { return read(http.Get(url)) }

func post(url, body string) string {
	return read(http.Post(url, "text/plain", strings.NewReader(body)))
}

func read(resp *http.Response, err error) string {
	if err != nil {
		return err.Error()
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	return string(body)
}
